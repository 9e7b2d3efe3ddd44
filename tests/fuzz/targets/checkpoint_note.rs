//! Reading a checkpoint never panics, one that is read has one text, and none counts as signed by a
//! key that signed none of the inputs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use titian::ledger::Checkpoint;

fuzz_target!(|text: &str| {
    let Ok(checkpoint) = Checkpoint::parse_unverified(text) else { return };
    let head = format!("{}\n{}\n", checkpoint.origin, checkpoint.size);
    assert!(text.starts_with(&head), "two spellings of one head");
    assert!(Checkpoint::verify(text, &checkpoint.origin, &[0x58; 32]).is_err(), "a forged note");
});
