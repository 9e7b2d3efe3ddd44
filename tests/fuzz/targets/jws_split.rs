//! Taking a signed object apart never panics, and nothing verifies under a key that signed none of
//! the inputs. An object that is taken has one spelling: what is put together again from its parts
//! is the object.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use titian::sign::{PublicKey, split};

/// RFC 8037, appendix A.2; the seeds are not signed by it.
static STRANGER: LazyLock<PublicKey> = LazyLock::new(|| {
    let jwk =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    PublicKey::from_jwk(&jwk).expect("a public key")
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(taken) = split(bytes) else { return };
    let text = std::str::from_utf8(bytes).expect("only text is taken");
    assert_eq!(text.split('~').next().map(|jws| jws.matches('.').count()), Some(2));
    assert_eq!(text.ends_with('~'), taken.typ().ends_with("+sd-jwt"), "SD-JWTs end in a tilde");
    let typ = taken.typ().to_owned();
    assert!(taken.verify(&STRANGER, &[&typ]).is_err(), "a forged signature");
});
