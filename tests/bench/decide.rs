//! What is computed for one message, in this process and without a commit: whole, step after step,
//! and the redaction alone.
//!
//! The steps call the library as `exchange` does. Each row of `decide` holds all steps before it
//! as well, so that no step is measured on data that the one before has left warm. The token is
//! not among them: a verified one is found again by its SHA-256.

use std::hint::black_box;

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use serde_json::{Value, json};
use time::macros::date;
use titian::domain::{Body, Context, Id, PartyKind, Pseudonyms, Statement};
use titian::policy::{
    Compiled, Disclosure, Floor, Source, compile, diff, disclose, project_unchecked, prove,
};
use titian::schema::{Message, Parsed, Schemas, Valid, parse};
use titian::sign::signing::SigningKey;
use titian::sign::{Algorithm, PublicKey, Verified, sd_jwt, split};

use crate::limits::{Limits, typical_us};
use crate::party::Party;
use crate::peers::Presidio;
use crate::table::{Goal, Row};

const TYP: &str = "titian-message+jwt";
const POLICY: &str = include_str!("../../config/policies/bnpt-kemensos-referral.toml");
const FLOOR: &str = include_str!("../../config/floor.development.toml");
/// Enough that they do not all stay in the first-level cache.
const MESSAGES: usize = 256;
/// As many as the peer of `redact` is given.
const REDACTED: usize = 10_000;
/// Bodies that Titian is timed on, of those that are looked through for leaks.
const WARM: usize = 64;
/// Some of what the policy does not pass on as it is.
const WITHHELD: [&str; 4] =
    ["/summary", "/attachments/0/sha256", "/subject/ref", "/consent/bid_ref"];

struct Receipt(Value);

impl Statement for Receipt {
    const TYP: &'static str = "titian-receipt+jwt";

    fn into_claims(self) -> Value {
        self.0
    }
}

struct Release(Value);

impl Statement for Release {
    const TYP: &'static str = "titian-release+sd-jwt";

    fn into_claims(self) -> Value {
        self.0
    }
}

/// As the gateway makes them: a MAC of what the sender chose, under one key.
struct Macs(hmac::Key);

impl Pseudonyms for Macs {
    fn pseudonym(&self, kind: &str, reference: &str, attempt: u32) -> Id {
        let again = if attempt == 0 { String::new() } else { attempt.to_string() };
        let attempt = if attempt == 0 { "0" } else { &again };
        let mut context = hmac::Context::with_key(&self.0);
        for part in ["1\0", kind, "\0", reference, "\0\0", attempt] {
            context.update(part.as_bytes());
        }
        let tag = context.sign();
        let mut bits = [0; 16];
        bits.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        Id::from_bits(bits)
    }
}

struct Steps {
    key: PublicKey,
    schemas: Schemas,
    policy: Compiled,
    pseudonyms: Macs,
    gateway: SigningKey,
}

impl Steps {
    fn new(party: &Party) -> Result<Self> {
        let schemas = Schemas::builtin()?;
        let source = Source::parse("bnpt-kemensos-referral", POLICY)?;
        let schema = schemas.message(&source.head.message).context("no schema")?;
        let policy = compile(source, &Floor::parse(FLOOR)?, schema.leaves(), PartyKind::Social);
        Ok(Self {
            key: PublicKey::from_jwk(&party.public_jwk())?,
            policy: policy.ok().context("the shipped policy does not compile")?,
            pseudonyms: Macs(hmac::Key::new(HMAC_SHA256, &[7; 32])),
            gateway: SigningKey::generate(Algorithm::EdDsa)?,
            schemas,
        })
    }

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

    fn context(&self) -> Context<'_> {
        Context {
            reference_date: date!(2026 - 11 - 24),
            pseudonyms: &self.pseudonyms,
            protected: &[],
            released: &[],
            blank: &[],
        }
    }

    /// Only what building the body takes.
    fn project(&self, body: &Body) -> Value {
        project_unchecked(&self.policy, body, &self.context())
    }

    /// Projection, net and release schema.
    fn redact(&self, body: &Body) -> Result<Disclosure> {
        disclose(&self.policy, body, &self.context()).ok().context("a body of ours is withheld")
    }

    fn validate_and_redact(&self, message: &str) -> Result<(Valid<Message>, Disclosure)> {
        let valid = self.validate(message)?;
        let disclosure = self.redact(&valid.body)?;
        Ok((valid, disclosure))
    }

    /// A release and a receipt, both signed.
    fn decide(&self, message: &str) -> Result<(String, String)> {
        let (message, disclosure) = self.validate_and_redact(message)?;
        let to = message.recipients.first().context("no recipient")?.to_string();
        let body = sd_jwt::disclose_text(&[5; 16], "body", disclosure.body_text());
        let release = json!({
            "iss": "titian", "aud": to, "iat": message.iat,
            "jti": message.message_id.to_string(), "exchange": message.message_id.to_string(),
            "text_pending": !disclosure.pending().is_empty(),
            "type": message.message_type.to_string(), "from": message.iss.to_string(),
            "policy": {"id": self.policy.id(), "version": self.policy.version(),
                "digest": self.policy.digest()},
            "release_schema": disclosure.release_schema(),
            "marking": {"tlp": message.marking.tlp, "handling": message.marking.handling,
                "caveats": message.marking.caveats},
            "obligations": {"purpose": message.legal.purpose,
                "retention_until": message.legal.retention_until.to_string(),
                "onward": message.legal.onward},
            "attest": {"best_interests": message.attest.best_interests,
                "safety_check": message.attest.safety_check},
            "origin": message.digest, "_sd": [body.digest], "_sd_alg": "sha-256",
        });
        let release = self.gateway.sign(Release(release))?;
        let receipt = json!({
            "iss": "titian", "aud": message.iss.to_string(), "iat": message.iat,
            "jti": message.message_id.to_string(), "for": "message",
            "message_id": message.message_id.to_string(), "digest": message.digest,
            "exchange": message.message_id.to_string(), "state": "admitted",
            "recipients": [{"party": to, "state": "queued"}],
        });
        let receipt = self.gateway.sign(Receipt(receipt))?;
        let release = sd_jwt::assemble(release.compact(), &[&body.encoded]);
        Ok((release, receipt.compact().to_owned()))
    }
}

fn prepare(party: &Party, claims: &Value, count: usize) -> Result<(Steps, Vec<String>)> {
    let messages = party.messages(claims, "https://titian.example.org", count)?;
    Ok((Steps::new(party)?, messages))
}

/// The rows of `decide`.
pub(crate) fn decide_rows(party: &Party, claims: &Value, limits: &Limits) -> Result<Vec<Row>> {
    let (steps, messages) = prepare(party, claims, MESSAGES)?;
    for message in &messages {
        steps.decide(message)?;
    }
    let row = |figure, value| Row::new("decide", figure, "µs/message", value);
    let time = |step: &dyn Fn(&str)| {
        let mut next = messages.iter().cycle();
        typical_us(|| next.next().map(|message| step(message)))
    };
    let (sign, verify) = (limits.ed25519_sign_4k, limits.ed25519_verify_4k);
    Ok(vec![
        row("verify the sender", time(&|m| drop(black_box(steps.verify(m)))))
            .limit("1 verify", verify),
        row("and parse", time(&|m| drop(black_box(steps.parse(m))))),
        row("and validate", time(&|m| drop(black_box(steps.validate(m))))),
        row("and redact", time(&|m| drop(black_box(steps.validate_and_redact(m))))),
        row("and sign release, receipt", time(&|m| drop(black_box(steps.decide(m)))))
            .goal(Goal::AtMost(120.0))
            .limit("1 verify + 2 sign", verify + 2.0 * sign),
    ])
}

/// The rows of `redact`; a value that the policy does not pass on and that comes out ends the run.
pub(crate) fn redact_rows(
    party: &Party,
    claims: &Value,
    peer: impl FnOnce(&[String], &[&str]) -> Option<Presidio>,
) -> Result<Vec<Row>> {
    let (steps, messages) = prepare(party, claims, REDACTED)?;
    let mut bodies = Vec::new();
    for message in &messages {
        bodies.push(steps.validate(message)?.body.clone());
    }
    for body in &bodies {
        let out = steps.redact(body)?.body().to_string();
        for withheld in WITHHELD {
            let value = body.text(withheld).with_context(|| format!("no {withheld}"))?;
            ensure!(!out.contains(value), "{withheld} came out");
        }
        let kept = body.text("/subject/name/full").context("no name")?;
        ensure!(out.contains(kept), "the name was not passed on");
    }
    let texts: Vec<String> = bodies.iter().map(|body| body.value().to_string()).collect();
    let first = bodies.first().context("no body")?;
    let withheld: Vec<&str> = WITHHELD.iter().filter_map(|name| first.text(name)).collect();
    let peer = peer(&texts, &withheld);
    // a body has just been read when it is redacted, so these few stay warm
    let mut next = bodies.iter().take(WARM).cycle();
    let projected = typical_us(|| next.next().map(|body| steps.project(body)));
    let redacted = typical_us(|| next.next().map(|body| steps.redact(body)));
    let row = |figure, us, peer| {
        Row::new("redact", figure, "µs/message", us).peer("presidio-structured", peer)
    };
    Ok(vec![
        row("projection alone", projected, peer.map(|peer| peer.all))
            .goal(Goal::PeerTimesMore(10.0)),
        row("the same, peer only empties", projected, peer.map(|peer| peer.empty)),
        row("projection, net, release schema", redacted, peer.map(|peer| peer.all))
            .goal(Goal::AtMost(40.0)),
    ])
}

/// The rows of `compile`: compiling, proving and comparing the largest shipped policy.
pub(crate) fn compile_rows() -> Result<Vec<Row>> {
    let schemas = Schemas::builtin()?;
    let floor = Floor::parse(FLOOR)?;
    let compiled = |text: &str| {
        let source = Source::parse("bnpt-kemensos-referral", text)?;
        let schema = schemas.message(&source.head.message).context("no schema")?;
        let compiled = compile(source, &floor, schema.leaves(), PartyKind::Social);
        compiled.ok().context("the policy does not compile")
    };
    let (mut changed, mut count) = (String::new(), 0);
    for line in POLICY.lines() {
        let is_kept = line.starts_with('"') && line.contains("= \"keep\"");
        count += usize::from(is_kept);
        // every third leaf
        let other = line.replace("= \"keep\"", "= \"drop\"");
        changed.push_str(if is_kept && count % 3 == 0 { &other } else { line });
        changed.push('\n');
    }
    let (before, after) = (compiled(POLICY)?, compiled(&changed)?);
    ensure!(diff(&before, &after)?.leaves.len() > 10, "too little differs");
    let row =
        |figure, us: f64| Row::new("compile", figure, "ms", us / 1e3).goal(Goal::AtMost(10.0));
    Ok(vec![
        row("read and compile a referral policy", typical_us(|| compiled(POLICY))),
        row("prove", typical_us(|| prove(&before))),
        row("diff", typical_us(|| diff(&before, &after))),
    ])
}
