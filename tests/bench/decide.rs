//! What is computed for one message, in this process and without a commit, step after step.
//!
//! Each row holds all steps before it as well, so that no step is measured on data that the one
//! before has left warm.

use std::hint::black_box;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use titian::domain::Statement;
use titian::schema::{Message, Parsed, Schemas, Valid, parse};
use titian::sign::signing::SigningKey;
use titian::sign::{Algorithm, PublicKey, Verified, split};

use crate::limits::{Limits, mean_us};
use crate::party::Party;
use crate::table::Row;

const TYP: &str = "titian-message+jwt";
/// Enough that they do not all stay in the first-level cache.
const MESSAGES: usize = 256;

/// A statement of a receipt's size: it holds digests, not bodies.
struct Receipt(Value);

impl Statement for Receipt {
    const TYP: &'static str = "titian-receipt+jwt";

    fn claims(&self) -> Value {
        self.0.clone()
    }
}

struct Steps {
    key: PublicKey,
    schemas: Schemas,
    gateway: SigningKey,
}

impl Steps {
    fn verify(&self, message: &str) -> Result<Verified> {
        Ok(split(message.as_bytes())?.verify(&self.key, &[TYP])?)
    }

    fn parse(&self, message: &str) -> Result<Parsed> {
        parse(self.verify(message)?).ok().context("a message of ours does not parse")
    }

    fn validate(&self, message: &str) -> Result<Valid<Message>> {
        let valid = self.schemas.validate(self.parse(message)?);
        valid.ok().context("a message of ours does not keep its schema")
    }

    fn receipt(&self, message: &str) -> Result<String> {
        let valid = self.validate(message)?;
        let recipients: Vec<Value> = valid
            .recipients
            .iter()
            .map(|to| json!({"party": to.to_string(), "state": "queued"}))
            .collect();
        let receipt = json!({
            "iss": "titian", "aud": valid.iss.to_string(), "iat": valid.iat,
            "jti": valid.message_id.to_string(), "for": "message",
            "message_id": valid.message_id.to_string(), "digest": valid.digest.to_string(),
            "state": "admitted", "recipients": recipients,
        });
        Ok(self.gateway.sign(Receipt(receipt))?.compact().to_owned())
    }
}

/// The rows of `decide`.
pub(crate) fn rows(party: &Party, claims: &Value, limits: &Limits) -> Result<Vec<Row>> {
    let messages = party.messages(claims, "https://titian.example.org", MESSAGES)?;
    let steps = Steps {
        key: PublicKey::from_jwk(&party.public_jwk())?,
        schemas: Schemas::builtin()?,
        gateway: SigningKey::generate(Algorithm::EdDsa)?,
    };
    let receipt = steps.receipt(messages.first().context("no message")?)?;
    ensure!(receipt.matches('.').count() == 2, "no receipt");
    let row = |figure, value| Row::new("decide", figure, "µs/message", value);
    let time = |step: &dyn Fn(&str)| {
        let mut next = messages.iter().cycle();
        mean_us(|| next.next().map(|message| step(message)))
    };
    Ok(vec![
        row("verify the sender", time(&|m| drop(black_box(steps.verify(m)))))
            .limit("1 verify", limits.ed25519_verify_4k),
        row("and parse", time(&|m| drop(black_box(steps.parse(m))))),
        row("and validate", time(&|m| drop(black_box(steps.validate(m))))),
        row("and sign a receipt", time(&|m| drop(black_box(steps.receipt(m)))))
            .limit("1 verify + 1 sign", limits.ed25519_verify_4k + limits.ed25519_sign_4k),
    ])
}
