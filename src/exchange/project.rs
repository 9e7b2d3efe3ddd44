//! Projecting bodies of one exchange for one recipient: under which policy, and by what names.

use crate::domain::{Address, Body, Context, LeafName, body::Protected};
use crate::policy::{self, Compiled, Disclosure, Withheld};

use super::Gateway;
use super::admit::Admitted;
use super::pseudonym::{AsKnown, ExchangePseudonyms};

/// Projects for one recipient; `released` are leaves an officer has let go, `blank` those that
/// another version of the policy keeps back.
pub(super) fn project(
    gateway: &Gateway,
    policy: &Compiled,
    admitted: &Admitted,
    recipient: &Address,
    leaves: Leaves<'_>,
) -> Result<Disclosure, Withheld> {
    let projecting = Projecting { policy, admitted, recipient, leaves };
    projecting.project(gateway, &admitted.message().body)
}

/// How bodies of one exchange are projected for one recipient.
#[derive(Clone, Copy)]
pub(super) struct Projecting<'a> {
    pub(super) policy: &'a Compiled,
    pub(super) admitted: &'a Admitted,
    pub(super) recipient: &'a Address,
    pub(super) leaves: Leaves<'a>,
}

/// Values that must not come back; leaves that an officer has let go; leaves that another version
/// of the policy keeps back.
pub(super) type Leaves<'a> = (&'a [Protected], &'a [LeafName], &'a [LeafName]);

impl Projecting<'_> {
    pub(super) fn project(&self, gateway: &Gateway, body: &Body) -> Result<Disclosure, Withheld> {
        let message = self.admitted.message();
        let exchange = &self.admitted.case().exchange;
        let pseudonyms = ExchangePseudonyms::new(
            &gateway.keys().pseudonym,
            &message.iss.party,
            self.recipient,
            message.legal.purpose,
            exchange,
            self.policy.foreign(),
        )
        .asked_about(self.admitted.case().inquiry.known_as(&self.recipient.party));
        let (protected, released, blank) = self.leaves;
        // who is told to erase is told by the name that it has
        let known = self.admitted.case().member(&self.recipient.party);
        let known = known.and_then(|member| member.subject_ref).map(AsKnown);
        let is_notice = message.message_type.name() == "erasure-notice";
        let context = Context {
            reference_date: exchange.reference_date,
            pseudonyms: match &known {
                Some(known) if is_notice => known,
                _ => &pseudonyms,
            },
            protected,
            released,
            blank,
        };
        policy::disclose(self.policy, body, &context)
    }
}
