//! What an officer sees of the rules in force, and of what flows under them: the edges of the own
//! party and, where it is bound to one, of its unit.
//!
//! Of rules it sees what [`super::versions`] shows it, and beside that its party's policies where it
//! is bound to a unit: a party's policy is its units' too.

use super::rules::{Rules, who};
use super::{Failure, Gateway};
use crate::config::{Officer, Role};
use crate::domain::{Address, Agreement, Code, PartyId};
use crate::policy::Compiled;

/// The party that the gateway itself is.
const OF_GATEWAY: &str = "titian";

/// What one officer sees.
#[derive(Debug, Clone)]
pub struct Sight {
    at: Address,
    /// An auditor of the gateway's own party.
    all: bool,
    approves: bool,
}

impl Sight {
    /// Of that officer, under these rules.
    ///
    /// # Errors
    /// `not-found` for an officer who is disabled or of a foreign party: nothing is told abroad
    /// but what a release tells.
    pub fn of(rules: &Rules, officer: &Officer) -> Result<Self, Failure> {
        let all = officer.is(Role::Auditor) && officer.party.as_str() == OF_GATEWAY;
        if !all && who::active(officer, &rules.floor).is_err() {
            return Err(Failure::problem(Code::NotFound));
        }
        Ok(Self { at: officer.address(), all, approves: officer.is(Role::Approver) })
    }

    /// Where the officer stands.
    pub fn at(&self) -> &Address {
        &self.at
    }

    /// The party whose view of what flows it has; `None` for everybody's.
    pub fn party(&self) -> Option<&PartyId> {
        (!self.all).then_some(&self.at.party)
    }

    /// Whether messages of that address are its own.
    pub fn is_own(&self, address: &Address) -> bool {
        self.all || self.at.covers(address)
    }

    /// Whether it sees the policy.
    pub fn policy(&self, policy: &Compiled) -> bool {
        let own = |side: &Address| self.at.covers(side) || side.covers(&self.at);
        self.all || self.approves || own(policy.sender()) || own(policy.recipient())
    }

    /// Whether it may open the policy's versions.
    pub fn opens(&self, policy: &Compiled) -> bool {
        self.approves || self.at.covers(policy.sender()) || self.at.covers(policy.recipient())
    }

    /// Whether it sees the agreement.
    pub fn agreement(&self, agreement: &Agreement) -> bool {
        self.all || self.approves || agreement.parties.contains(&self.at.party)
    }
}

impl Gateway {
    /// The rules of this moment, and what the officer sees of them.
    ///
    /// # Errors
    /// As [`Sight::of`]; [`Failure::Unavailable`] when the rules cannot be read.
    pub async fn seen_by(
        &self,
        officer: &Officer,
    ) -> Result<(std::sync::Arc<Rules>, Sight), Failure> {
        self.catch_up().await?;
        let rules = self.rules();
        let sight = Sight::of(&rules, officer)?;
        Ok((rules, sight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Floor, Source, compile};
    use crate::schema::Schemas;

    #[test]
    fn an_officer_sees_the_edges_of_its_own_party() {
        let floor = Floor::parse(include_str!("../../config/floor.development.toml")).unwrap();
        let text = include_str!("../../config/policies/kemensos-cuta-be-status.toml");
        let source = Source::parse("abroad", text).unwrap();
        let schemas = Schemas::builtin().unwrap();
        let table = schemas.message(&source.head.message).unwrap().leaves();
        let kind = crate::domain::PartyKind::Foreign;
        let abroad = compile(source, &floor, table, kind).unwrap();
        let sight = |at: &str, approves| Sight { at: at.parse().unwrap(), all: false, approves };
        let unit = sight("kemensos/sentra-handayani", false);
        assert!(unit.policy(&abroad) && !unit.opens(&abroad));
        let party = sight("kemensos", false);
        assert!(party.policy(&abroad) && party.opens(&abroad));
        let other = sight("bnpt", false);
        assert!(!other.policy(&abroad) && !other.opens(&abroad));
        assert!(sight("bnpt", true).policy(&abroad));
        assert!(party.is_own(unit.at()) && !unit.is_own(party.at()) && !other.is_own(unit.at()));
    }
}
