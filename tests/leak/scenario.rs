//! One case, from its referral to what each partner was handed of it.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Value, json};
use titian::clock::Clock;

use crate::gate::{Answer, Gate, UNIT};
use crate::golden::{Golden, seen};
use crate::place::{Draft, Fault, Position};
use crate::plant::{Class, Surface};
use crate::sinks::Sinks;

pub(crate) static REFERRAL: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../schemas/examples/referral.typical.json");
    let mut claims: Value = serde_json::from_str(text).unwrap();
    // one birth date for all, and names that are nobody's stem until they are planted
    let body = &mut claims["body"];
    body["subject"]["name"] = json!({"full": "Contoh Buatan", "given": "Contoh"});
    body["subject"]["ids"] = json!([{"type": "nik", "no": "3171014503110000", "country": "IDN"}]);
    body["location"]["address"] = json!("Jl. Contoh RT 00");
    body["caregiver"]["name"] = json!("Contoh Nenek");
    body["summary"] = json!("Contoh buatan.");
    claims
});
static STATUS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../schemas/examples/status.typical.json")).unwrap()
});
pub(crate) static TO_UNIT: LazyLock<Golden> = LazyLock::new(|| {
    Golden::read(include_str!("../../config/policies/bnpt-kemensos-referral.toml"))
});
pub(crate) static TO_BNPT: LazyLock<Golden> =
    LazyLock::new(|| Golden::read(include_str!("../../config/policies/kemensos-bnpt-status.toml")));
pub(crate) static TO_CUTA: LazyLock<Golden> = LazyLock::new(|| {
    Golden::read(include_str!("../../config/policies/kemensos-cuta-be-status.toml"))
});

/// Who is handed anything.
pub(crate) const PARTIES: [&str; 3] = ["bnpt", UNIT, "cuta-be"];

/// What is planted where, in which form, and what goes wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) number: u64,
    pub(crate) class: &'static Class,
    pub(crate) position: &'static Position,
    pub(crate) surface: &'static Surface,
    pub(crate) fault: Fault,
}

impl Scenario {
    pub(crate) fn name(&self) -> String {
        let Self { number, class, position, surface, fault } = self;
        format!("{number}: {} in `{}`, {}, {fault:?}", class.name, position.name, surface.name)
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) messages: u64,
    pub(crate) admitted: u64,
    pub(crate) refused: u64,
    pub(crate) held: u64,
    /// Bodies that were as they had to be.
    pub(crate) exact: u64,
    /// The id of the last status.
    pub(crate) status: String,
    /// Where the last status stood for each recipient.
    pub(crate) states: Value,
    /// What each was handed, by party: page, statement and body.
    pub(crate) handed: Vec<(&'static str, Value)>,
}

impl Told {
    pub(crate) fn join(&mut self, other: &Self) {
        self.messages += other.messages;
        self.admitted += other.admitted;
        self.refused += other.refused;
        self.held += other.held;
        self.exact += other.exact;
    }
}

/// A release as it was handed out: the item, its statement and its body.
pub(crate) fn opened(item: &Value) -> (Value, Value) {
    use base64::Engine;
    let decode = |text: &str| -> Value {
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    let mut parts = item["release"].as_str().unwrap().split('~');
    let statement = decode(parts.next().unwrap().split('.').nth(1).unwrap());
    (statement, decode(parts.next().unwrap())[2].clone())
}

/// One run of scenarios against one gateway.
pub(crate) struct Runner<'g> {
    pub(crate) gate: &'g Gate,
    pub(crate) sinks: Sinks,
    /// A leaf that the unit's status says otherwise.
    pub(crate) status: Option<(&'static str, Value)>,
    /// Whether what goes abroad is left where it waits.
    pub(crate) leaves_abroad: bool,
    after: HashMap<&'static str, String>,
    /// The last `seq` of each party.
    seqs: HashMap<&'static str, i64>,
}

/// Puts a value at a place of a body; nothing is left where it is null.
pub(crate) fn put(body: &mut Value, leaf: &str, value: Value) {
    let (above, name) = leaf.rsplit_once('/').unwrap();
    let members = body.pointer_mut(above).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => drop(members.remove(name)),
        value => drop(members.insert(name.to_owned(), value)),
    }
}

impl<'g> Runner<'g> {
    pub(crate) fn new(gate: &'g Gate) -> Self {
        let after = PARTIES.map(|party| (party, "0".to_owned())).into();
        let (sinks, seqs) = (Sinks::default(), HashMap::new());
        Self { gate, sinks, status: None, leaves_abroad: false, after, seqs }
    }

    /// Everything that an answer holds, but what it was asked for by its own name.
    fn search(&mut self, sink: &'static str, answer: &Answer) {
        self.sinks.search("headers", answer.headers.as_bytes());
        self.sinks.search(sink, answer.text.as_bytes());
        if answer.status >= 500 {
            let what = format!("the gateway failed: {} {}", answer.status, answer.code());
            self.sinks.found("fail closed", sink, what);
        }
    }

    /// What a party was handed since it looked last.
    async fn news(&mut self, party: &'static str) -> Vec<Value> {
        let answer = self.gate.inbox(party, &self.after[party]).await;
        if party != UNIT {
            self.search("inbox", &answer);
        }
        let page = answer.json();
        if let Some(next) = page["next"].as_str() {
            self.after.insert(party, next.to_owned());
        }
        let items = page["items"].as_array().cloned().unwrap_or_default();
        for item in &items {
            // a gap would tell of what others were handed
            let seq = item["seq"].as_i64().unwrap_or_default();
            let last = self.seqs.insert(party, seq).unwrap_or_default();
            if seq != last + 1 {
                self.sinks.found("linkage", "inbox", format!("{party} sees a gap in its order"));
            }
        }
        items
    }

    pub(crate) async fn run(&mut self, scenario: &Scenario) -> Told {
        self.sinks.scenario = scenario.name();
        let text = scenario.surface.write(&scenario.class.value(scenario.number));
        let mut claims = self.gate.claims("bnpt", &REFERRAL);
        self.profile(&mut claims, scenario.number);
        let mut draft = Draft::of(claims);
        scenario.position.place(&mut draft, scenario.class, &text);
        let told = self.tell(draft, scenario.fault, Some(&text)).await;
        if !scenario.position.is_known && told.admitted > 0 {
            let what = "what stands in no place of its own was taken".to_owned();
            self.sinks.found("fail closed", "answers to the sender", what);
        }
        told
    }

    /// A subject of its own, and what a foreign partner would know it by: some are adults, some
    /// came from abroad, and together they are many.
    pub(crate) fn profile(&self, claims: &mut Value, number: u64) {
        let body = &mut claims["body"];
        body["subject"]["ref"] = json!(self.gate.fresh());
        if number % 4 == 1 {
            body["subject"]["birth"]["date"] = json!("1999-03-17");
        }
        if number % 3 == 1 {
            body["origin"]["pathway"] = json!("domestik");
        }
    }

    /// Sends the referral and, where it is taken, tells the partners of it.
    pub(crate) async fn tell(
        &mut self,
        mut draft: Draft,
        fault: Fault,
        note: Option<&str>,
    ) -> Told {
        let mut told = Told { messages: 1, ..Told::default() };
        let now = self.gate.now();
        match fault {
            Fault::UnknownVersion => draft.claims["type"] = json!("referral/9"),
            Fault::ClockAhead => draft.claims["iat"] = json!(now + 86_400),
            Fault::Expired => draft.claims["exp"] = json!(now - 1),
            _ => {}
        }
        let mut object = self.gate.sign("bnpt", draft.payload().as_bytes(), &draft.header);
        match fault {
            Fault::BadSignature => object.truncate(object.len() - 4),
            Fault::Oversize => object.push_str(&"A".repeat(300_000)),
            _ => {}
        }
        let answer = self.submit(&draft, fault, &object).await;
        self.search("answers to the sender", &answer);
        let is_taken = matches!(answer.status, 201 | 202);
        if fault == Fault::SentAgain || fault == Fault::OtherBytesUnderItsId {
            self.again(&draft, fault, (&object, &answer)).await;
        }
        if draft.path.is_some() || !is_taken {
            told.refused = 1;
            self.nothing_came().await;
            return told;
        }
        told.admitted = 1;
        told.held = u64::from(answer.status == 202);
        let body = draft.claims["body"].clone();
        self.views(&draft.claims, &answer).await;
        for item in self.news(UNIT).await {
            let (_, released) = opened(&item);
            self.compare(&TO_UNIT, &body, &released, ("the unit", &mut told));
            self.accept((&item, &released), note, &mut told).await;
            told.handed.push((UNIT, item));
        }
        told
    }

    async fn submit(&mut self, draft: &Draft, fault: Fault, object: &str) -> Answer {
        if let Some(path) = &draft.path {
            return self.gate.get("bnpt", path).await;
        }
        let path = format!("/v1/messages{}", draft.query);
        let note = draft.note.as_deref().map(|note| ("x-catatan", note));
        let more: Vec<_> = note.into_iter().collect();
        match fault {
            Fault::OtherMedia => {
                self.gate.get_with("bnpt", &path, &[("content-type", "text/plain")]).await
            }
            _ => self.gate.post_with("bnpt", &path, &more, object.to_owned()).await,
        }
    }

    /// The same bytes once more, or other bytes under the same id.
    async fn again(&mut self, draft: &Draft, fault: Fault, (object, first): (&str, &Answer)) {
        let is_taken = matches!(first.status, 201 | 202);
        let second = if fault == Fault::SentAgain {
            object.to_owned()
        } else {
            let payload = format!("{} ", draft.payload());
            self.gate.sign("bnpt", payload.as_bytes(), &draft.header)
        };
        let answer = self.submit(draft, Fault::Nothing, &second).await;
        self.search("answers to the sender", &answer);
        let expected = if fault == Fault::SentAgain { 200 } else { 409 };
        if is_taken && draft.path.is_none() && answer.status != expected {
            let what = format!("sent again: {} {}", answer.status, answer.code());
            self.sinks.found("fail closed", "answers to the sender", what);
        }
        if is_taken && expected == 200 && answer.json()["receipt"] != first.json()["receipt"] {
            self.sinks.found("fail closed", "answers to the sender", "another receipt".to_owned());
        }
    }

    /// What was refused is told to nobody.
    async fn nothing_came(&mut self) {
        for party in [UNIT, "cuta-be"] {
            let items = self.news(party).await;
            if !items.is_empty() {
                self.sinks.found("fail closed", "inbox", format!("{party} was told of a refusal"));
            }
        }
    }

    /// What else the sender may look at.
    async fn views(&mut self, claims: &Value, answer: &Answer) {
        let id = claims["jti"].as_str().unwrap_or_default();
        let view = self.gate.get("bnpt", &format!("/v1/messages/{id}")).await;
        self.search("views of a message", &view);
        if let Some(exchange) = answer.json()["exchange"].as_str() {
            let thread = self.gate.get("bnpt", &format!("/v1/exchanges/{exchange}")).await;
            self.search("views of an exchange", &thread);
        }
    }

    fn compare(
        &mut self,
        policy: &Golden,
        body: &Value,
        released: &Value,
        (whom, told): (&str, &mut Told),
    ) {
        let (due, got) = (policy.project(body, self.gate.clock.today()), seen(policy, released));
        if due == got {
            told.exact += 1;
        } else {
            let place = first_difference(&due, &got, "");
            self.sinks.found("utility", "inbox", format!("{whom} was handed another {place}"));
        }
    }

    /// The unit takes the case and tells BNPT and CUTA.
    async fn accept(
        &mut self,
        (item, released): (&Value, &Value),
        note: Option<&str>,
        told: &mut Told,
    ) {
        let answer = self.gate.acknowledge(UNIT, item).await;
        self.search("answers to the unit", &answer);
        let mut claims = self.gate.claims(UNIT, &STATUS);
        claims["in_reply_to"] = item["exchange"].clone();
        let body = &mut claims["body"];
        body["subject"]["ref"] = released["subject"]["ref"].clone();
        for leaf in ["/subject/birth/date", "/subject/sex", "/origin/pathway", "/location/adm1"] {
            if let Some(value) = released.pointer(leaf).filter(|value| !value.is_null()) {
                *body.pointer_mut(leaf).unwrap() = value.clone();
            }
        }
        if let Some((leaf, value)) = &self.status {
            put(&mut claims["body"], leaf, value.clone());
        }
        let mut answer = Answer { status: 0, headers: String::new(), text: String::new() };
        // a text in a form that is refused is left out the second time
        for note in [note, None] {
            claims["jti"] = json!(self.gate.fresh());
            if let Some(text) = note {
                put(&mut claims["body"], "/note", json!(text));
            }
            let object = self.gate.sign(UNIT, claims.to_string().as_bytes(), &json!({}));
            answer = self.gate.post(UNIT, "/v1/messages", object).await;
            self.search("answers to the unit", &answer);
            told.messages += 1;
            if matches!(answer.status, 201 | 202) {
                break;
            }
            told.refused += 1;
            put(&mut claims["body"], "/note", Value::Null);
        }
        if !matches!(answer.status, 201 | 202) {
            let what = format!("a plain status is refused: {} {}", answer.status, answer.code());
            self.sinks.found("utility", "answers to the unit", what);
            return;
        }
        told.admitted += 1;
        claims["jti"].as_str().unwrap().clone_into(&mut told.status);
        told.states = answer.json()["recipients"].clone();
        let body = claims["body"].clone();
        for (party, policy) in [("bnpt", &*TO_BNPT), ("cuta-be", &*TO_CUTA)] {
            if self.leaves_abroad && party == "cuta-be" {
                continue;
            }
            for item in self.news(party).await {
                let (_, released) = opened(&item);
                self.compare(policy, &body, &released, (party, told));
                let id = item["release_id"].as_str().unwrap();
                let evidence = self.gate.get(party, &format!("/v1/inbox/{id}/evidence")).await;
                self.search("evidence of a recipient", &evidence);
                told.handed.push((party, item));
            }
        }
    }
}

/// Where two bodies differ: the place, never a value.
fn first_difference(one: &Value, other: &Value, at: &str) -> String {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let names = a.keys().chain(b.keys());
            let differing = names.into_iter().find(|name| a.get(*name) != b.get(*name));
            let name = differing.map_or("", String::as_str);
            let (a, b) = (a.get(name).unwrap_or(&Value::Null), b.get(name).unwrap_or(&Value::Null));
            first_difference(a, b, &format!("{at}/{name}"))
        }
        (a, b) => {
            format!("{at}: {}", if a.is_null() || b.is_null() { "presence" } else { "value" })
        }
    }
}
