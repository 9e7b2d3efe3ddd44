//! Who reads of exchanges: a party or the unit that it is bound to, by its machine or its officer.

use crate::auth::Caller;
use crate::config::Officer;
use crate::domain::{Address, Code};

use super::rules::who;
use super::{Failure, Gateway};

/// A party or unit that reads what it sent and was handed.
#[derive(Debug, Clone)]
pub struct Reader {
    pub(super) address: Address,
    pub(super) is_foreign: bool,
}

impl From<&Caller> for Reader {
    fn from(caller: &Caller) -> Self {
        Self { address: caller.address().clone(), is_foreign: caller.is_foreign() }
    }
}

/// The officer of that name, and the party or unit that it reads for.
///
/// # Errors
/// `not-found` for a disabled officer, or one of a foreign party: for it there is nothing here.
pub(super) fn officer(gateway: &Gateway, name: &str) -> Result<(Officer, Reader), Failure> {
    let rules = gateway.rules();
    let officer = rules.officers.iter().find(|officer| officer.name == name);
    let officer = officer.filter(|officer| who::active(officer, &rules.floor).is_ok());
    let officer = officer.cloned().ok_or_else(|| Failure::problem(Code::NotFound))?;
    let reader = Reader { address: officer.address(), is_foreign: false };
    Ok((officer, reader))
}
