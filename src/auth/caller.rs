//! Who calls.
use crate::domain::{Address, Digest, PartyKind};

/// What an access token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `messages:write`
    MessagesWrite,
    /// `messages:read`
    MessagesRead,
    /// `inbox`
    Inbox,
    /// `ledger:read`
    LedgerRead,
}

/// A set of scopes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(pub std::collections::BTreeSet<Scope>);

/// The authenticated party (or unit) behind a request. Minted only by `auth`.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(super) address: Address,
    pub(super) kind: PartyKind,
    pub(super) frozen: bool,
    pub(super) scopes: Scopes,
    pub(super) certificate: Digest,
}

impl Caller {
    /// Party, or the unit it is bound to: `sub` of its token.
    pub fn address(&self) -> &Address {
        &self.address
    }
    /// What its party is.
    pub fn kind(&self) -> PartyKind {
        self.kind
    }
    /// Whether its party is foreign.
    pub fn is_foreign(&self) -> bool {
        self.kind == PartyKind::Foreign
    }
    /// Whether its party is frozen.
    pub fn is_frozen(&self) -> bool {
        self.frozen
    }
    /// What its token allows.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }
    /// `x5t#S256` of its certificate (RFC 8705).
    pub fn certificate(&self) -> Digest {
        self.certificate
    }
}
