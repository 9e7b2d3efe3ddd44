//! Who calls.

use std::fmt;
use std::str::FromStr;

use super::directory::Directory;
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

impl Scope {
    /// Every scope.
    pub const ALL: &'static [Self] =
        &[Self::MessagesWrite, Self::MessagesRead, Self::Inbox, Self::LedgerRead];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessagesWrite => "messages:write",
            Self::MessagesRead => "messages:read",
            Self::Inbox => "inbox",
            Self::LedgerRead => "ledger:read",
        }
    }
}

/// The text names a scope that does not exist, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope")]
pub struct UnknownScope;

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let one = |word: &str| {
            Scope::ALL.iter().copied().find(|scope| scope.as_str() == word).ok_or(UnknownScope)
        };
        let scopes = text.split(' ').map(one).collect::<Result<_, _>>()?;
        Ok(Self(scopes))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(|scope| scope.as_str()).collect();
        f.write_str(&words.join(" "))
    }
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
    /// As whom a message of `address` would come, to look at one that nobody has sent: without a
    /// scope, and bound to no certificate. `None` for an address that is not in force.
    pub fn without_scopes(directory: &Directory, address: &Address) -> Option<Self> {
        let party = directory.party(&address.party).filter(|_| directory.knows(address))?;
        Some(Self {
            address: address.clone(),
            kind: party.kind,
            frozen: party.frozen,
            scopes: Scopes::default(),
            certificate: Digest::of(&[]),
        })
    }

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
