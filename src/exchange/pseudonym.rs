//! Pseudonyms: what a recipient knows a person by.
//!
//! HMAC-SHA-256 over internal random ids, under a key of its own per recipient, purpose and
//! epoch, so two partners hold no identifier in common. The internal id of a reference is
//! itself derived, by the same root key, from the sender and the random reference it chose; no
//! identifier of a person is ever an input. Towards a foreign recipient the exchange is an input
//! too, so that two exchanges about one child cannot be joined.

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key, Tag};

use crate::domain::{Address, Digest, ExchangeRef, Id, PartyId, Pseudonyms, Purpose};
use crate::mutant::{self, Mutant};
use crate::secret::SecretBytes;
use crate::store::ExchangeRow;

/// The pseudonyms of one recipient, purpose and exchange.
pub(super) struct ExchangePseudonyms<'a> {
    key: Key,
    root: Key,
    sender: &'a PartyId,
    subject: Id,
    /// The exchange, towards a foreign recipient.
    scope: Option<Id>,
    /// The recipient's own reference of the exchange that is asked about.
    asked_about: Option<ExchangeRef>,
}

impl<'a> ExchangePseudonyms<'a> {
    /// Derives the key of this recipient, purpose and epoch. The epoch is the year in which the
    /// exchange began, so it never changes within one.
    pub(super) fn new(
        root: &SecretBytes,
        sender: &'a PartyId,
        recipient: &Address,
        purpose: Purpose,
        exchange: &ExchangeRow,
        foreign: bool,
    ) -> Self {
        let same = mutant::is(Mutant::SamePseudonymKey);
        let label = format!(
            "titian/pseudonym/1\0{}\0{purpose}\0{}",
            if same { "" } else { recipient.party.as_str() },
            exchange.reference_date.year()
        );
        let root = root_key(root);
        Self {
            key: Key::new(HMAC_SHA256, hmac::sign(&root, label.as_bytes()).as_ref()),
            root,
            sender,
            subject: exchange.subject,
            scope: (foreign && !same).then_some(exchange.id),
            asked_about: None,
        }
    }

    /// With the reference by which the recipient knows the exchange that is asked about. Without
    /// it whatever is named becomes a reference that the recipient does not know.
    pub(super) fn asked_about(self, reference: Option<ExchangeRef>) -> Self {
        Self { asked_about: reference, ..self }
    }
}

impl Pseudonyms for ExchangePseudonyms<'_> {
    fn pseudonym(&self, kind: &str, reference: &str, attempt: u32) -> Id {
        if let ("exchange", Some(ExchangeRef(own))) = (kind, self.asked_about) {
            return own;
        }
        let internal = if kind == "subject" {
            self.subject
        } else {
            internal(&self.root, self.sender, kind, reference)
        };
        let scope = self.scope.as_ref().map_or("", Id::as_str);
        let again;
        let attempt = match attempt {
            0 => "0",
            attempt => {
                again = attempt.to_string();
                &again
            }
        };
        id_of(&mac(&self.key, &["1", kind, internal.as_str(), scope, attempt]))
    }
}

/// The reference that a recipient has already.
pub(super) struct AsKnown(pub(super) Id);

impl Pseudonyms for AsKnown {
    fn pseudonym(&self, _kind: &str, _reference: &str, _attempt: u32) -> Id {
        self.0
    }
}

/// The internal id of a reference that `party` chose.
pub(super) fn internal_id(root: &SecretBytes, party: &PartyId, kind: &str, reference: &str) -> Id {
    internal(&root_key(root), party, kind, reference)
}

fn internal(root: &Key, party: &PartyId, kind: &str, reference: &str) -> Id {
    id_of(&mac(root, &["titian/internal/1", party.as_str(), kind, reference]))
}

/// Over the parts with a NUL between them, which stands in none.
fn mac(key: &Key, parts: &[&str]) -> Tag {
    let mut context = hmac::Context::with_key(key);
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            context.update(b"\0");
        }
        context.update(part.as_bytes());
    }
    context.sign()
}

/// Key of the combination that `party` knows a case by. Under the gateway's own key, so that the
/// number which is left of erased cases cannot be guessed back into values.
pub(super) fn group_key(root: &SecretBytes, party: &PartyId, combination: &str) -> Digest {
    let key = hmac::sign(&root_key(root), format!("titian/group/1\0{party}").as_bytes());
    let tag = hmac::sign(&Key::new(HMAC_SHA256, key.as_ref()), combination.as_bytes());
    let mut bytes = [0u8; 32];
    for (to, from) in bytes.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    Digest::from_bytes(bytes)
}

fn root_key(root: &SecretBytes) -> Key {
    Key::new(HMAC_SHA256, root.expose())
}

fn id_of(tag: &Tag) -> Id {
    let mut bits = [0u8; 16];
    for (to, from) in bits.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    Id::from_bits(bits)
}

/// The gateway's own mark of a ticket that it hands to a stranger.
pub(super) fn ticket_mark(root: &SecretBytes, kind: &str, text: &str) -> Digest {
    let key = hmac::sign(&root_key(root), format!("titian/ticket/1\0{kind}").as_bytes());
    let tag = hmac::sign(&Key::new(HMAC_SHA256, key.as_ref()), text.as_bytes());
    Digest::of(tag.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_combination_has_another_key_under_another_root_and_for_another_party() {
        let roots = [1, 2].map(|byte| SecretBytes::new(vec![byte; 32]));
        let parties: [PartyId; 2] = ["cuta-be", "zarqolin"].map(|party| party.parse().unwrap());
        let of = |root: usize, party: usize, text| group_key(&roots[root], &parties[party], text);
        assert_eq!(of(0, 0, "1"), of(0, 0, "1"));
        for other in [of(1, 0, "1"), of(0, 1, "1"), of(0, 0, "2")] {
            assert_ne!(of(0, 0, "1"), other);
        }
    }
}
