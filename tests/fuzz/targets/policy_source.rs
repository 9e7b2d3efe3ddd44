//! Reading and compiling a policy never panics; comments do not count; and whatever a file says,
//! what compiles for a foreign recipient lets no direct identifier and no free text through.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use titian::domain::PartyKind;
use titian::policy::{Floor, Source, compile, prove};
use titian::schema::Schemas;

static FLOOR: LazyLock<Floor> = LazyLock::new(|| {
    Floor::parse(include_str!("../../../config/floor.production.toml")).expect("the floor")
});
static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| Schemas::builtin().expect("the schemas"));

fuzz_target!(|text: &str| {
    let Ok(source) = Source::parse("fuzzed", text) else { return };
    let commented = Source::parse("fuzzed", &format!("{text}\n# a comment\n"));
    let commented = commented.expect("a comment at the end breaks nothing");
    assert_eq!(source.digest(), commented.digest(), "a comment counts");
    let Some(schema) = SCHEMAS.message(&source.head.message) else { return };
    let Ok(compiled) = compile(source, &FLOOR, schema.leaves(), PartyKind::Foreign) else { return };
    if compiled.foreign() {
        assert!(prove(&compiled).nothing_direct, "below the floor");
    }
});
