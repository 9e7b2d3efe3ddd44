//! When a party last asked for a token, and what its clock said: for whoever helps it to connect.
//!
//! Remembered while the process lives and no longer. It decides nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::sight::Sight;
use super::{Failure, Gateway};
use crate::auth::AssertionFault;
use crate::domain::PartyId;

/// A token was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// When, unix seconds.
    pub at: i64,
    /// How far the party's clock was ahead of the gateway's, in seconds; what the way took counts
    /// against it.
    pub ahead_s: i64,
    /// Last moment at which the certificate it came with is valid, unix seconds.
    pub certificate_until: i64,
}

/// What was last seen of a party.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastSeen {
    /// The last token it was granted.
    pub granted: Option<Granted>,
    /// When it was last refused one under its own certificate, and why.
    pub refused: Option<(i64, AssertionFault)>,
}

/// What was last seen of each party that is in force.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<HashMap<PartyId, LastSeen>>);

impl Seen {
    pub(super) fn granted(&self, party: &PartyId, granted: Granted) {
        self.change(party, |seen| seen.granted = Some(granted));
    }

    pub(super) fn refused(&self, party: &PartyId, at: i64, fault: AssertionFault) {
        self.change(party, |seen| seen.refused = Some((at, fault)));
    }

    fn change(&self, party: &PartyId, change: impl FnOnce(&mut LastSeen)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(party.clone()).or_default());
    }

    fn of(&self, party: &PartyId) -> LastSeen {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(party)
            .copied()
            .unwrap_or_default()
    }
}

/// When a party was last heard of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contact {
    /// Its tokens, since the process began.
    pub tokens: LastSeen,
    /// Its last message, unix seconds.
    pub sent_at: Option<i64>,
    /// The last release made for it, unix seconds.
    pub released_at: Option<i64>,
    /// Its last acknowledgement, unix seconds.
    pub acknowledged_at: Option<i64>,
}

/// When a party was last heard of, of what passed between it and the officer's own.
///
/// # Errors
/// [`Failure::Unavailable`] when the store does not answer.
pub async fn contact(
    gateway: &Gateway,
    sight: &Sight,
    party: &PartyId,
) -> Result<Contact, Failure> {
    let with = sight.party().filter(|own| *own != party);
    let row = gateway.store().contact(party, with).await?;
    Ok(Contact {
        tokens: gateway.seen.of(party),
        sent_at: row.sent_at,
        released_at: row.released_at,
        acknowledged_at: row.acknowledged_at,
    })
}
