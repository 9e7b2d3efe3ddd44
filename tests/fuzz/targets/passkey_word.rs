//! Reading a word that a passkey signed never panics, and nothing verifies under a key that signed
//! none of the inputs.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use titian::sign::{PublicKey, passkey};

/// RFC 8037, appendix A.2; the seeds are not signed by it.
static STRANGER: LazyLock<PublicKey> = LazyLock::new(|| {
    let jwk =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    PublicKey::from_jwk(&jwk).expect("a public key")
});

fuzz_target!(|bytes: &[u8]| {
    // a new key in its one form is read, and nothing else
    if let Ok(key) = passkey::public_key(bytes) {
        assert!(bytes.len() == 91 || bytes.len() == 44, "{key:?}");
    }
    let Ok(word) = std::str::from_utf8(bytes) else { return };
    assert!(passkey::verify(word, &STRANGER, "titian-approval+jwt").is_err(), "a forged word");
});
