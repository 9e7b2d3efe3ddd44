//! Checkpoints as signed notes (C2SP `tlog-checkpoint`, `signed-note`).
//!
//! A checkpoint is a pure function of a committed head. Its text has exactly three lines: no
//! extension lines, which nobody here would read and a reader elsewhere might. Lines by other keys
//! (witnesses' cosignatures) are carried and not judged.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::Digest;

/// Largest note, in bytes.
pub const NOTE_BYTES_MAX: usize = 16 * 1024;
/// Most signature lines.
pub const SIGNATURES_MAX: usize = 16;
/// Longest origin or key name, in bytes.
pub const NAME_BYTES_MAX: usize = 255;

/// Signature type of Ed25519 in a key hash (C2SP `signed-note`).
const ED25519_TYPE: u8 = 1;
/// What a signature line begins with: U+2014 and a space.
const LINE_START: &str = "\u{2014} ";

/// Why a note was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteFault {
    /// Not a checkpoint in the form of a signed note.
    #[error("not a checkpoint in the form of a signed note")]
    Form,
    /// No line by this name and key.
    #[error("the note has no signature by this key")]
    Unsigned,
    /// More than one line by this name and key.
    #[error("the note has two signatures by this key")]
    SignedTwice,
    /// The signature does not verify.
    #[error("the note's signature does not verify")]
    Signature,
}

/// Why a checkpoint was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned<E> {
    /// Not a name for a key or an origin: it would break its line.
    #[error("a name has 1 to 255 bytes without spaces, control characters and `+`")]
    Name,
    /// The signer did not sign.
    #[error("the signer did not sign")]
    Signer(#[source] E),
}

/// Head of a ledger, as its origin signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which ledger, world-wide: by convention `<host of the gateway>/<ledger>`.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The root.
    pub root: Digest,
}

impl fmt::Display for Checkpoint {
    /// The text that is signed: three lines, each with its line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = STANDARD.encode(self.root.as_bytes());
        write!(f, "{}\n{}\n{root}\n", self.origin, self.size)
    }
}

impl Checkpoint {
    /// The signed note. `name` is the key's; C2SP asks that it be the origin.
    ///
    /// # Errors
    /// [`NotSigned`].
    pub fn sign_with<E>(
        &self,
        name: &str,
        public_key: [u8; 32],
        sign: impl FnOnce(&[u8]) -> Result<[u8; 64], E>,
    ) -> Result<String, NotSigned<E>> {
        if !is_name(name) || !is_name(&self.origin) {
            return Err(NotSigned::Name);
        }
        let text = self.to_string();
        let signature = sign(text.as_bytes()).map_err(NotSigned::Signer)?;
        let line = [&key_hash(name, &public_key)[..], &signature].concat();
        Ok(format!("{text}\n{LINE_START}{name} {}\n", STANDARD.encode(line)))
    }

    /// The checkpoint of a note that carries a good signature by this name and key.
    ///
    /// # Errors
    /// [`NoteFault`].
    pub fn verify(note: &str, name: &str, public_key: &[u8; 32]) -> Result<Self, NoteFault> {
        let note = Note::parse(note)?;
        let hash = key_hash(name, public_key);
        let mut ours = note.signatures.iter().filter(|line| line.name == name && line.hash == hash);
        let line = ours.next().ok_or(NoteFault::Unsigned)?;
        if ours.next().is_some() {
            return Err(NoteFault::SignedTwice);
        }
        UnparsedPublicKey::new(&ED25519, public_key)
            .verify(note.text.as_bytes(), &line.signature)
            .map_err(|_unspecified| NoteFault::Signature)?;
        Ok(note.checkpoint)
    }

    /// The checkpoint of a note, whoever signed it. Proves nothing.
    ///
    /// # Errors
    /// [`NoteFault::Form`].
    pub fn parse_unverified(note: &str) -> Result<Self, NoteFault> {
        Note::parse(note).map(|note| note.checkpoint)
    }

    fn parse_text(text: &str) -> Result<Self, NoteFault> {
        let mut lines = text.strip_suffix('\n').ok_or(NoteFault::Form)?.split('\n');
        let (origin, size, root) = (lines.next(), lines.next(), lines.next());
        let (Some(origin), Some(size), Some(root), None) = (origin, size, root, lines.next())
        else {
            return Err(NoteFault::Form);
        };
        let digits = !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit());
        if !is_name(origin) || !digits || (size.len() > 1 && size.starts_with('0')) {
            return Err(NoteFault::Form);
        }
        let size = size.parse().map_err(|_too_large| NoteFault::Form)?;
        let root = STANDARD.decode(root).map_err(|_coding| NoteFault::Form)?;
        let root = Digest::try_from(root.as_slice()).map_err(|_length| NoteFault::Form)?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

/// A note taken apart.
struct Note<'a> {
    text: &'a str,
    checkpoint: Checkpoint,
    signatures: Vec<SignatureLine<'a>>,
}

struct SignatureLine<'a> {
    name: &'a str,
    hash: [u8; 4],
    signature: Vec<u8>,
}

impl<'a> Note<'a> {
    fn parse(note: &'a str) -> Result<Self, NoteFault> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteFault::Form);
        }
        let blank = note.find("\n\n").ok_or(NoteFault::Form)?;
        let (text, rest) = note.split_at_checked(blank + 1).ok_or(NoteFault::Form)?;
        let lines = rest.strip_prefix('\n').and_then(|rest| rest.strip_suffix('\n'));
        let lines = lines.ok_or(NoteFault::Form)?.split('\n');
        let mut signatures = Vec::new();
        for line in lines {
            if signatures.len() == SIGNATURES_MAX {
                return Err(NoteFault::Form);
            }
            signatures.push(SignatureLine::parse(line)?);
        }
        Ok(Self { text, checkpoint: Checkpoint::parse_text(text)?, signatures })
    }
}

impl<'a> SignatureLine<'a> {
    fn parse(line: &'a str) -> Result<Self, NoteFault> {
        let line = line.strip_prefix(LINE_START).ok_or(NoteFault::Form)?;
        let (name, encoded) = line.split_once(' ').ok_or(NoteFault::Form)?;
        if !is_name(name) {
            return Err(NoteFault::Form);
        }
        let bytes = STANDARD.decode(encoded).map_err(|_coding| NoteFault::Form)?;
        let (hash, signature) = bytes.split_first_chunk::<4>().ok_or(NoteFault::Form)?;
        if signature.is_empty() {
            return Err(NoteFault::Form);
        }
        Ok(Self { name, hash: *hash, signature: signature.to_vec() })
    }
}

/// First 4 bytes of `SHA-256(name ‖ "\n" ‖ 0x01 ‖ public key)`: which key a line is by.
fn key_hash(name: &str, public_key: &[u8; 32]) -> [u8; 4] {
    let digest = Digest::of_parts(&[name.as_bytes(), b"\n", &[ED25519_TYPE], public_key]);
    let [a, b, c, d, ..] = *digest.as_bytes();
    [a, b, c, d]
}

fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// A checkpoint key as a witness or a verifier pins it: `name+hash+key` (C2SP `signed-note`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    /// Its name.
    pub name: String,
    /// Ed25519.
    pub public_key: [u8; 32],
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = u32::from_be_bytes(key_hash(&self.name, &self.public_key));
        let key = STANDARD.encode([&[ED25519_TYPE][..], &self.public_key].concat());
        write!(f, "{}+{hash:08x}+{key}", self.name)
    }
}

impl FromStr for VerifierKey {
    type Err = NoteFault;

    fn from_str(text: &str) -> Result<Self, NoteFault> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_hash), Some(key)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(NoteFault::Form);
        };
        let key = STANDARD.decode(key).map_err(|_coding| NoteFault::Form)?;
        let public_key = match key.split_first() {
            Some((&ED25519_TYPE, key)) => key.try_into().map_err(|_length| NoteFault::Form)?,
            _ => return Err(NoteFault::Form),
        };
        let parsed = Self { name: name.to_owned(), public_key };
        // One spelling; the hash is part of it.
        if is_name(name) && parsed.to_string() == text { Ok(parsed) } else { Err(NoteFault::Form) }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use proptest::prelude::*;

    use super::*;

    const NAME: &str = "titian.example.org/kemensos";

    struct Key(Ed25519KeyPair);

    impl Key {
        fn new(seed: u8) -> Self {
            Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
        }
        fn public(&self) -> [u8; 32] {
            self.0.public_key().as_ref().try_into().unwrap()
        }
        fn note(&self, checkpoint: &Checkpoint, name: &str) -> String {
            checkpoint
                .sign_with(name, self.public(), |text| {
                    Ok::<_, ()>(self.0.sign(text).as_ref().try_into().unwrap())
                })
                .unwrap()
        }
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: NAME.to_owned(), size: 42, root: Digest::of(b"root") }
    }

    #[test]
    fn the_key_and_the_signature_of_the_published_example_fit() {
        // The example of the signed note format's first implementation.
        let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key: VerifierKey = vkey.parse().unwrap();
        assert_eq!(key.to_string(), vkey);
        let text = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
        let line = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        let line = SignatureLine::parse(line).unwrap();
        assert_eq!(line.hash, key_hash(&key.name, &key.public_key));
        UnparsedPublicKey::new(&ED25519, key.public_key)
            .verify(text.as_bytes(), &line.signature)
            .unwrap();
    }

    #[test]
    fn a_checkpoint_is_three_lines_and_a_signature() {
        let (key, checkpoint) = (Key::new(1), checkpoint());
        let note = key.note(&checkpoint, NAME);
        let root = STANDARD.encode(Digest::of(b"root").as_bytes());
        let expected = format!("{NAME}\n42\n{root}\n\n\u{2014} {NAME} ");
        assert!(note.starts_with(&expected), "{note}");
        assert_eq!(note.matches('\n').count(), 5);
        assert_eq!(Checkpoint::verify(&note, NAME, &key.public()), Ok(checkpoint.clone()));
        assert_eq!(Checkpoint::parse_unverified(&note), Ok(checkpoint.clone()));
        assert_eq!(note, key.note(&checkpoint, NAME), "deterministic");
    }

    #[test]
    fn another_key_or_name_is_not_taken() {
        let (key, other) = (Key::new(1), Key::new(2));
        let note = key.note(&checkpoint(), NAME);
        let verify = |name: &str, key: &Key| Checkpoint::verify(&note, name, &key.public());
        assert_eq!(verify(NAME, &other), Err(NoteFault::Unsigned));
        assert_eq!(verify("titian.example.org/bnpt", &key), Err(NoteFault::Unsigned));
    }

    #[test]
    fn lines_of_witnesses_are_carried_and_not_judged() {
        let key = Key::new(1);
        let note = key.note(&checkpoint(), NAME);
        let witness = STANDARD.encode([7u8; 76]);
        let cosigned = format!("{note}\u{2014} witness.example.org {witness}\n");
        assert_eq!(Checkpoint::verify(&cosigned, NAME, &key.public()), Ok(checkpoint()));
        let (_, line) = note.split_once("\n\n").unwrap();
        let twice = format!("{note}{line}");
        let fault = Checkpoint::verify(&twice, NAME, &key.public());
        assert_eq!(fault, Err(NoteFault::SignedTwice));
    }

    #[test]
    fn what_is_not_in_form_is_refused() {
        let key = Key::new(1);
        let note = key.note(&checkpoint(), NAME);
        let (text, line) = note.split_once("\n\n").unwrap();
        let root = STANDARD.encode([1u8; 32]);
        let cases = [
            String::new(),
            "\n\n".to_owned(),
            format!("{text}\n"),
            format!("{text}\n\n"),
            format!("{text}\n\n\n{line}"),
            format!("{text}\n{line}"),
            format!("{text}\n\n{}", line.trim_end()),
            format!("{text}\n\n{line}\n"),
            format!("{text}\n\nx{line}"),
            format!("{text}\n\n{}", line.replace('\u{2014}', "-")),
            format!("{text}\n\n\u{2014} {NAME}\n"),
            format!("{text}\n\n\u{2014} {NAME} AAAA\n"),
            format!("{text}\n\n\u{2014} {NAME} AAAAAA\n"),
            format!("{text}\nextension\n\n{line}"),
            format!("\n1\n{root}\n\n{line}"),
            format!("a b\n1\n{root}\n\n{line}"),
            format!("{NAME}\n01\n{root}\n\n{line}"),
            format!("{NAME}\n+1\n{root}\n\n{line}"),
            format!("{NAME}\n-1\n{root}\n\n{line}"),
            format!("{NAME}\n\n{root}\n\n{line}"),
            format!("{NAME}\n18446744073709551616\n{root}\n\n{line}"),
            format!("{NAME}\n1\n{}\n\n{line}", root.trim_end_matches('=')),
            format!("{NAME}\n1\n{}\n\n{line}", STANDARD.encode([1u8; 31])),
            format!("{NAME}\r\n1\r\n{root}\r\n\n{line}"),
            format!("{note}{}", line.repeat(SIGNATURES_MAX)),
            format!("{}{note}", "x".repeat(NOTE_BYTES_MAX)),
        ];
        for note in cases {
            let fault = Checkpoint::verify(&note, NAME, &key.public());
            assert_eq!(fault, Err(NoteFault::Form), "{note:?}");
        }
    }

    #[test]
    fn names_that_would_break_a_line_are_not_signed() {
        for name in ["", "a b", "a\nb", "a+b", "\u{85}", &"n".repeat(256)] {
            let never = |_: &[u8]| -> Result<[u8; 64], ()> { panic!("signs") };
            let signed = checkpoint().sign_with(name, [0; 32], never);
            assert_eq!(signed, Err(NotSigned::Name), "{name:?}");
            let origin = Checkpoint { origin: name.to_owned(), ..checkpoint() };
            assert_eq!(origin.sign_with(NAME, [0; 32], never), Err(NotSigned::Name), "{name:?}");
        }
        let failed = checkpoint().sign_with(NAME, [0; 32], |_| Err("no key"));
        assert_eq!(failed, Err(NotSigned::Signer("no key")));
    }

    #[test]
    fn a_pinned_key_has_one_spelling() {
        let key = VerifierKey { name: NAME.to_owned(), public_key: [7; 32] };
        let text = key.to_string();
        assert_eq!(text.parse(), Ok(key));
        let upper = text.replacen(|c: char| c.is_ascii_lowercase(), "T", 1);
        for bad in
            ["", "a", "a+b", "a+00000000+AAAA", &upper, &format!("{text}="), &format!(" {text}")]
        {
            assert_eq!(bad.parse::<VerifierKey>(), Err(NoteFault::Form), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_one_changed_character_is_noticed(at in 0usize..400, to in "[ -~\n]") {
            let key = Key::new(1);
            let note = key.note(&checkpoint(), NAME);
            let at = at % note.len();
            prop_assume!(note.is_char_boundary(at) && note.is_char_boundary(at + 1));
            prop_assume!(note.get(at..=at) != Some(to.as_str()));
            let mut changed = note.clone();
            changed.replace_range(at..=at, &to);
            prop_assert!(Checkpoint::verify(&changed, NAME, &key.public()).is_err());
        }

        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|\n){0,60}") {
            prop_assert!(Checkpoint::parse_unverified(&text).is_err());
        }
    }
}
