//! Self-echo: what this exchange knows and this recipient may not have.

use crate::domain::LeafName;

/// What kind of value a protected leaf holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EchoKind {
    /// A person's name: the whole value, and each token of four letters or more.
    Name,
    /// A number or code of a person: the whole value.
    Identifier,
    /// A code of a closed list (`type`, `country`): never searched, it says nothing by itself.
    Code,
    /// Anything else, for example an address: the whole value.
    Other,
}

impl EchoKind {
    /// Decides by the leaf's name.
    pub fn of(leaf: &LeafName) -> Self {
        let _ = leaf;
        Self::Name
    }
}

/// The protected values of one message and recipient, ready to be searched for.
#[derive(Clone, Default)]
pub struct Echo {}

impl Echo {
    /// `values`: every `direct` value of the exchange that the recipient may not have. `births`:
    /// birth dates (`YYYY-MM-DD`, `YYYY-MM` or `YYYY`) that the plan drops or coarsens.
    pub fn new<'a>(
        values: impl IntoIterator<Item = (&'a LeafName, &'a str)>,
        births: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let _ = (values.into_iter().count(), births.into_iter().count());
        Self {}
    }

    /// Whether nothing is searched for.
    pub fn is_empty(&self) -> bool {
        true
    }
}

impl std::fmt::Debug for Echo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Echo")
    }
}
