//! Information requests and their one answer, at home and abroad.

use serde_json::{Value, json};
use time::{Date, Duration, OffsetDateTime};
use titian::domain::DocumentKind;
use titian::exchange::{hold, requests, review};
use titian::wire::{RequestAct, RequestView, ReviewAct};

use crate::batch::Clocked;
use crate::budget;
use crate::lifecycle::{REFERRAL, UNIT, status, titian};
use crate::live::{Answer, Live, Party, fresh_id, statement};

const REQUEST: &str = include_str!("../../schemas/examples/information-request.typical.json");
const RESPONSE: &str = include_str!("../../schemas/examples/information-response.typical.json");
/// On duty for the whole of Kemensos, for its unit, and for BNPT.
const DUTY: &str = "petugas-kebijakan";
const UNITS_DUTY: &str = "petugas-jaga";
const BNPTS_DUTY: &str = "petugas-bnpt";

fn today(party: &Party<'_>) -> Date {
    let now = OffsetDateTime::from_unix_timestamp(party.live.now()).unwrap();
    now.to_offset(time::macros::offset!(+7)).date()
}

fn in_days(party: &Party<'_>, days: i64) -> Value {
    json!((today(party) + Duration::days(days)).to_string())
}

/// A request of a domestic party about an exchange, a week ahead.
pub(crate) fn asks(party: &Party<'_>, to: &str, exchange: &Value, fields: &[&str]) -> Value {
    let mut claims = party.claims(REQUEST);
    claims["recipients"] = json!([to]);
    claims["body"]["about"] = json!({"exchange": exchange});
    claims["body"]["requested_fields"] = json!(fields);
    claims["body"]["respond_by"] = in_days(party, 7);
    claims
}

/// The same of CUTA.
fn asks_abroad(cuta: &Party<'_>, exchange: &Value) -> Value {
    let fields = ["/subject/birth/date", "/category/ppks"];
    let mut claims = asks(cuta, "kemensos", exchange, &fields);
    claims["legal"]["instrument"] = json!("mou-id-be");
    claims["legal"]["purpose"] = json!("reintegration");
    claims
}

/// An answer to what came in an inbox.
fn answers(party: &Party<'_>, to: &str, request: &Value, body: Value) -> Value {
    let mut claims = party.claims(RESPONSE);
    claims["recipients"] = json!([to]);
    claims["in_reply_to"] = request["exchange"].clone();
    claims["body"] = body;
    claims
}

fn answers_abroad(party: &Party<'_>, request: &Value, body: Value) -> Value {
    let mut claims = answers(party, "cuta-be", request, body);
    claims["legal"]["instrument"] = json!("mou-id-be");
    claims["legal"]["purpose"] = json!("reintegration");
    claims
}

fn told() -> Value {
    json!({"result": "answered", "answers": {
        "subject": {"birth": {"date": "2011-03-05"}}, "category": {"ppks": "ampk"},
    }})
}

fn refused() -> Value {
    json!({"result": "refused", "refusal_code": "not_shareable"})
}

/// The requests and answers in an inbox.
fn of_type(party: &Party<'_>, name: &str) -> Vec<(Value, Value)> {
    let mut inbox = party.inbox();
    inbox.retain(|(item, _)| item["type"].as_str() == Some(name));
    inbox
}

pub(crate) fn requests(party: &Party<'_>) -> Vec<(Value, Value)> {
    of_type(party, "information-request/1")
}

fn responses(party: &Party<'_>) -> Vec<(Value, Value)> {
    of_type(party, "information-response/1")
}

fn refusal(answer: &Answer) -> (u16, String, String, String) {
    let problem = answer.json();
    let at = &problem["errors"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (answer.status, answer.code(), text(&at["pointer"]), text(&at["keyword"]))
}

fn is_refused(answer: &Answer, code: &str, pointer: &str) {
    let (status, found, at, keyword) = refusal(answer);
    assert_eq!((status, found.as_str(), at.as_str()), (422, code, pointer), "{keyword}");
    assert!(answer.json()["refusal"].is_string(), "it is signed");
}

/// A referral that the unit has and says it lacks something of. Answers what BNPT was answered and
/// the unit's release.
fn lacking(live: &Live) -> (Value, Value) {
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let referred = bnpt.submit(bnpt.claims(REFERRAL));
    assert_eq!(referred.status, 201, "{}", referred.text);
    let (item, body) = unit.inbox().pop().unwrap();
    assert_eq!(unit.acknowledge(&item, "received").status, 200);
    let mut claims = status(&unit, &item, &body, "received", "info_requested");
    claims["recipients"] = json!(["bnpt"]);
    let answer = unit.submit(claims);
    assert_eq!(answer.status, 201, "{}", answer.text);
    (referred.json(), item)
}

#[test]
fn the_receiver_asks_the_referrer_answers_and_the_clock_stops() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let (referred, item) = lacking(&live);
    let path = |of: &Value| format!("/v1/exchanges/{}", of["exchange"].as_str().unwrap());
    let state = |party: &Party<'_>, of| party.get(&path(of)).json()["state"].clone();
    assert_eq!(state(&unit, &item), "info_requested");

    let fields = ["/caregiver/phone", "/subject/birth/accuracy", "/consent/guardian_consent"];
    let sent = asks(&unit, "bnpt", &item["exchange"], &fields);
    let asked = unit.submit(sent.clone());
    assert_eq!(asked.status, 201, "{}", asked.text);
    assert_ne!(asked.json()["exchange"], item["exchange"], "a thread of its own");
    assert_eq!(state(&unit, &item), "info_requested", "to ask moves nothing");
    let (request, body) = requests(&bnpt).remove(0);
    assert_eq!(body["about"]["exchange"], referred["exchange"], "by its own reference");
    assert_eq!(body["requested_fields"], json!(fields));
    assert_eq!(bnpt.acknowledge(&request, "received").status, 200);

    let body = serde_json::from_str::<Value>(RESPONSE).unwrap()["body"].take();
    let answered = bnpt.submit(answers(&bnpt, UNIT, &request, body.clone()));
    assert_eq!(answered.status, 201, "{}", answered.text);
    assert_eq!(answered.json()["exchange"], referred["exchange"], "it belongs to the case");
    let (response, told) = responses(&unit).remove(0);
    assert_eq!(response["exchange"], item["exchange"]);
    let claims = statement(response["release"].as_str().unwrap());
    assert_eq!(claims["in_reply_to"], sent["jti"]);
    assert_eq!(told["answers"]["caregiver"]["phone"], body["answers"]["caregiver"]["phone"]);
    assert_eq!(told["answers"]["subject"]["name"]["full"], Value::Null);
    assert_eq!(state(&unit, &item), "received");
    assert_eq!(state(&bnpt, &referred), "received");

    // one answer, and no answer to an answer
    let again = bnpt.submit(answers(&bnpt, UNIT, &request, body.clone()));
    is_refused(&again, "already-answered", "/in_reply_to");
    let to_it = unit.submit(answers(&unit, "bnpt", &response, refused()));
    is_refused(&to_it, "unknown-exchange", "/in_reply_to");
    let on = unit.submit(status(&unit, &item, &told_ref(&unit, &item), "received", "accepted"));
    assert_eq!(on.status, 201, "the state has moved: {}", on.text);
}

/// The body in which a unit was handed a subject.
fn told_ref(unit: &Party<'_>, item: &Value) -> Value {
    let inbox = unit.inbox();
    let of_case = |(one, _): &&(Value, Value)| one["release_id"] == item["release_id"];
    inbox.iter().find(of_case).unwrap().1.clone()
}

#[test]
fn an_answer_at_home_passes_the_policy_of_who_asks() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let (referred, _) = lacking(&live);
    let fields = ["/subject/sex", "/location/adm1", "/services_requested"];
    let asked = bnpt.submit(asks(&bnpt, UNIT, &referred["exchange"], &fields));
    assert_eq!(asked.status, 201, "{}", asked.text);
    let (request, _) = requests(&unit).remove(0);
    let body = json!({"result": "partial", "answers": {
        "subject": {"sex": "female"}, "services_requested": ["kesehatan"],
    }});
    let answered = unit.submit(answers(&unit, "bnpt", &request, body));
    assert_eq!(answered.status, 201, "{}", answered.text);
    let (_, told) = responses(&bnpt).remove(0);
    assert_eq!(told["result"], "partial");
    assert_eq!(told["answers"]["services_requested"], json!(["dukungan_dasar"]), "by a table");
    assert_eq!(told["answers"]["subject"]["sex"], "female");
    assert!(told["answers"]["subject"].get("name").is_none(), "{told}");
    // the receiver's answer moves nothing
    let path = format!("/v1/exchanges/{}", referred["exchange"].as_str().unwrap());
    assert_eq!(bnpt.get(&path).json()["state"], "info_requested");
}

#[test]
fn a_request_that_may_not_be_made_is_refused() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let (referred, item) = lacking(&live);
    let own = &referred["exchange"];
    let asked = |change: &dyn Fn(&mut Value)| {
        let mut claims = asks(&bnpt, UNIT, own, &["/subject/sex"]);
        change(&mut claims);
        bnpt.submit(claims)
    };
    let unknown = [json!(fresh_id()), item["exchange"].clone()];
    for exchange in unknown {
        let answer = asked(&|claims| claims["body"]["about"]["exchange"] = exchange.clone());
        is_refused(&answer, "unknown-exchange", "/body/about/exchange");
    }
    let menu = asked(&|claims| {
        claims["body"]["requested_fields"] = json!(["/subject/sex", "/subject/name/full"]);
    });
    is_refused(&menu, "not-on-menu", "/body/requested_fields/1");
    for (days, urgency) in [(-1, "routine"), (0, "routine"), (2, "routine"), (0, "urgent")] {
        let answer = asked(&|claims| {
            claims["body"]["respond_by"] = in_days(&bnpt, days);
            claims["body"]["urgency"] = json!(urgency);
            claims["body"]["officer_ref"] = json!(fresh_id());
        });
        is_refused(&answer, "respond-by", "/body/respond_by");
    }
    let far = asked(&|claims| claims["body"]["respond_by"] = in_days(&bnpt, 91));
    is_refused(&far, "respond-by", "/body/respond_by");
    let urgent = asked(&|claims| claims["body"]["urgency"] = json!("urgent"));
    is_refused(&urgent, "rule", "/body/officer_ref");
    let kept = asked(&|claims| claims["legal"]["retention_until"] = in_days(&bnpt, 6));
    is_refused(&kept, "retention", "/legal/retention_until");
    let two = asked(&|claims| claims["recipients"] = json!([UNIT, "cuta-be"]));
    assert_eq!(two.status, 422, "{}", two.text);
    let onward = asked(&|claims| claims["body"]["intended_onward"] = json!(["zarqolin"]));
    is_refused(&onward, "unknown-recipient", "/body/intended_onward/0");
    let reply = asked(&|claims| claims["in_reply_to"] = own.clone());
    is_refused(&reply, "rule", "/in_reply_to");
    let eleven: Vec<String> = (0..11).map(|_| "/subject/sex".to_owned()).collect();
    let many = asked(&|claims| claims["body"]["requested_fields"] = json!(eleven));
    is_refused(&many, "schema", "/body/requested_fields");
    let twice = json!(["/subject/sex", "/subject/sex"]);
    let twice = asked(&|claims| claims["body"]["requested_fields"] = twice.clone());
    is_refused(&twice, "rule", "/body/requested_fields");
    assert!(requests(&unit).is_empty(), "nothing came of any");
    // an urgent one may be expected sooner
    let soon = asked(&|claims| {
        claims["body"]["respond_by"] = in_days(&bnpt, 3);
        claims["body"]["urgency"] = json!("urgent");
        claims["body"]["officer_ref"] = json!(fresh_id());
    });
    assert_eq!(soon.status, 201, "{}", soon.text);
    let (_, body) = requests(&unit).remove(0);
    assert!(body["officer_ref"].is_string());
}

#[test]
fn an_answer_holds_what_was_asked_for_and_goes_to_whom_asked() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let (referred, item) = lacking(&live);
    let asked = bnpt.submit(asks(&bnpt, UNIT, &referred["exchange"], &["/subject/sex"]));
    assert_eq!(asked.status, 201, "{}", asked.text);
    let (request, _) = requests(&unit).remove(0);
    let sex = json!({"result": "answered", "answers": {"subject": {"sex": "female"}}});
    let answer = |change: &dyn Fn(&mut Value)| {
        let mut claims = answers(&unit, "bnpt", &request, sex.clone());
        change(&mut claims);
        unit.submit(claims)
    };
    let more = answer(&|claims| claims["body"]["answers"]["location"] = json!({"adm1": "ID-JK"}));
    is_refused(&more, "not-asked", "/body/answers/location/adm1");
    let below = json!([{"relation": "mother"}]);
    let more = answer(&|claims| claims["body"]["answers"]["household"] = below.clone());
    is_refused(&more, "not-asked", "/body/answers/household/*/relation");
    let none = answer(&|claims| claims["body"]["answers"] = json!({}));
    is_refused(&none, "rule", "/body/answers");
    let other = answer(&|claims| claims["legal"]["purpose"] = json!("reintegration"));
    is_refused(&other, "not-asked", "/legal/purpose");
    let to = answer(&|claims| claims["recipients"] = json!(["bnpt", "cuta-be"]));
    assert_eq!(to.status, 422, "{}", to.text);
    let case = answer(&|claims| claims["in_reply_to"] = item["exchange"].clone());
    is_refused(&case, "unknown-exchange", "/in_reply_to");
    let nobody = answer(&|claims| claims["in_reply_to"] = json!(fresh_id()));
    is_refused(&nobody, "unknown-exchange", "/in_reply_to");
    // whoever asks does not answer
    let thread = asked.json()["exchange"].clone();
    let mut own = answers(&bnpt, UNIT, &request, sex.clone());
    own["in_reply_to"] = thread;
    is_refused(&bnpt.submit(own), "unknown-exchange", "/in_reply_to");
    let subject = json!({"ref": fresh_id()});
    let mut claims = asks(&bnpt, UNIT, &referred["exchange"], &["/subject/ref"]);
    claims["body"]["urgency"] = json!("routine");
    assert_eq!(bnpt.submit(claims).status, 201);
    let (second, _) = requests(&unit).remove(1);
    let body = json!({"result": "answered", "answers": {"subject": subject}});
    let strange = unit.submit(answers(&unit, "bnpt", &second, body));
    assert_eq!(strange.code(), "subject-reference");
    // and the right one goes
    assert_eq!(answer(&|_| ()).status, 201);
    assert_eq!(responses(&bnpt).len(), 1);
}

fn act(officer: &str, code: Option<&str>) -> RequestAct {
    let code = code.map(str::to_owned);
    RequestAct { officer: officer.to_owned(), code, reason: String::new() }
}

fn refuse(clocked: &Clocked, id: &Value, officer: &str, code: &str) -> Option<RequestView> {
    let id = id.as_str().unwrap().parse().unwrap();
    let act = act(officer, Some(code));
    clocked.block_on(requests::refuse(clocked.opened.gateway(), id, &act)).ok()
}

#[test]
fn an_officers_refusal_at_home_leaves_at_once_and_is_the_one_answer() {
    let clocked = Clocked::start();
    let live = &clocked.live;
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let (_, item) = lacking(live);
    let asked = unit.submit(asks(&unit, "bnpt", &item["exchange"], &["/caregiver/phone"]));
    assert_eq!(asked.status, 201, "{}", asked.text);
    let (request, _) = requests(&bnpt).remove(0);
    let id = &request["exchange"];
    assert!(refuse(&clocked, id, UNITS_DUTY, "no_basis").is_none(), "it is BNPT's to decide");
    assert!(refuse(&clocked, id, BNPTS_DUTY, "zarqolin").is_none(), "no such code");
    let view = refuse(&clocked, id, BNPTS_DUTY, "no_basis").unwrap();
    assert_eq!(view.decision.unwrap().officer.as_deref(), Some(BNPTS_DUTY));
    assert_eq!(view.asks.unwrap()["requested_fields"], json!(["/caregiver/phone"]));
    assert!(refuse(&clocked, id, BNPTS_DUTY, "no_basis").is_none(), "once");
    let late = bnpt.submit(answers(&bnpt, UNIT, &request, refused()));
    is_refused(&late, "already-answered", "/in_reply_to");
    let (response, told) = responses(&unit).remove(0);
    assert_eq!(told, json!({"result": "refused", "refusal_code": "no_basis"}));
    let claims = statement(response["release"].as_str().unwrap());
    assert_eq!(
        (claims["from"].as_str(), claims["policy"]["id"].as_str()),
        (Some("titian"), Some("fixed"))
    );
    assert_eq!(unit.acknowledge(&response, "received").status, 200);
    let path = format!("/v1/exchanges/{}", item["exchange"].as_str().unwrap());
    assert_eq!(unit.get(&path).json()["state"], "received", "the clock stops");
}

/// CUTA's own reference of a case that it was told of, and the unit's release of it.
fn known_abroad(clocked: &Clocked) -> Value {
    clocked.accept(1);
    let [opening, _] = clocked.openings();
    clocked.turn_to(opening, 0);
    clocked.live.party("cuta-be").inbox().remove(0).0["exchange"].clone()
}

/// The hour of the answer that is expected in a week.
fn hour(clocked: &Clocked) -> OffsetDateTime {
    let day = today(&clocked.live.party("cuta-be")) + Duration::days(7);
    day.with_hms(2, 0, 0).unwrap().assume_utc()
}

#[test]
fn an_answer_abroad_leaves_at_the_hour_of_its_day_at_the_floor() {
    let clocked = Clocked::start();
    let live = &clocked.live;
    let (kemensos, cuta) = (live.party("kemensos"), live.party("cuta-be"));
    let exchange = known_abroad(&clocked);
    let sent = asks_abroad(&cuta, &exchange);
    let asked = cuta.submit(sent.clone());
    assert_eq!(asked.status, 201, "{}", asked.text);
    let hour = hour(&clocked);
    let (request, body) = requests(&kemensos).remove(0);
    let path = format!("/v1/exchanges/{}", body["about"]["exchange"].as_str().unwrap());
    assert_eq!(kemensos.get(&path).status, 200, "its own reference");
    let answered = kemensos.submit(answers_abroad(&kemensos, &request, told()));
    assert_eq!(answered.status, 201, "{}", answered.text);
    assert_eq!(answered.json()["recipients"][0]["state"], "queued");
    let again = kemensos.submit(answers_abroad(&kemensos, &request, told()));
    is_refused(&again, "already-answered", "/in_reply_to");
    assert!(refuse(&clocked, &request["exchange"], DUTY, "no_basis").is_none());

    clocked.turn_to(hour, 1);
    assert!(responses(&cuta).is_empty());
    clocked.advance(1);
    let (item, told) = responses(&cuta).remove(0);
    let expected = json!({
        "result": "answered",
        "answers": {
            "subject": {"ref": null, "birth": {"date": "under_18"}},
            "origin": {"pathway": null},
            "category": {"ppks": "special_protection"},
        },
        "pad": told["pad"],
    });
    assert_eq!(told, expected);
    assert_eq!(item["exchange"], exchange);
    let claims = statement(item["release"].as_str().unwrap());
    assert_eq!(claims["in_reply_to"], sent["jti"]);
    assert_eq!(claims["iat"], json!(hour.date().midnight().assume_utc().unix_timestamp()));
    assert_eq!(cuta.acknowledge(&item, "received").status, 200);
    clocked.advance(40 * 86_400);
    assert_eq!(responses(&cuta).len(), 1, "there is no other");
}

/// What CUTA is answered and then told, for a request that is made and decided in a gateway of its
/// own: the answer to the request, what it can look at until the hour, and the release.
fn refused_abroad(
    named: impl FnOnce(&Clocked, Value) -> Value,
    decide: impl FnOnce(&Clocked, &Value),
) -> (Value, Vec<String>, Value, Value) {
    let clocked = Clocked::start();
    let live = &clocked.live;
    let cuta = live.party("cuta-be");
    let own = known_abroad(&clocked);
    let exchange = named(&clocked, own);
    let sent = asks_abroad(&cuta, &exchange);
    let asked = cuta.submit(sent.clone());
    assert_eq!(asked.status, 201, "{}", asked.text);
    let hour = hour(&clocked);
    let surfaces = || {
        let jti = sent["jti"].as_str().unwrap();
        let thread = asked.json()["exchange"].as_str().unwrap().to_owned();
        let paths = [
            format!("/v1/messages/{jti}"),
            format!("/v1/exchanges/{thread}"),
            "/v1/inbox?after=1".to_owned(),
        ];
        let bare = |path: &String| format!("{}", masked(&cuta.get(path).json()));
        paths.iter().map(bare).collect::<Vec<_>>()
    };
    let before = surfaces();
    let (request, _) = requests(&live.party("kemensos")).remove(0);
    assert_eq!(live.party("kemensos").acknowledge(&request, "received").status, 200);
    decide(&clocked, &request);
    clocked.turn_to(hour, 1);
    assert_eq!(surfaces(), before, "nothing of a decision shows before its hour");
    clocked.advance(1);
    let (item, body) = responses(&cuta).remove(0);
    assert_eq!(item["exchange"], asked.json()["exchange"], "in the thread of the request, always");
    let claims = statement(item["release"].as_str().unwrap());
    assert_eq!(claims["in_reply_to"], sent["jti"]);
    let shape = json!({
        "length": item["release"].as_str().unwrap().len(),
        "claims": masked(&claims),
    });
    clocked.advance(40 * 86_400);
    assert_eq!(responses(&cuta).len(), 1, "there is no other");
    (masked(&asked.json()), before, body, shape)
}

/// With every id, digest, signature and day of its own replaced by its length.
fn masked(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let own = [
                    "exchange",
                    "release_id",
                    "jti",
                    "message_id",
                    "in_reply_to",
                    "origin",
                    "_sd",
                    "receipt",
                    "entry",
                    "salt",
                    "hashes",
                    "checkpoint",
                    "id",
                    "with",
                ];
                let is_own = own.contains(&name.as_str()) && !value.is_object();
                (name.clone(), if is_own { length(value) } else { masked(value) })
            })
            .collect(),
        Value::Array(items) => items.iter().map(masked).collect(),
        value => value.clone(),
    }
}

fn length(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(text.len()),
        Value::Array(items) => items.iter().map(length).collect(),
        value => value.clone(),
    }
}

#[test]
fn every_refusal_abroad_is_the_same_whatever_was_named_and_whoever_decided() {
    let unknown = |_: &Clocked, _: Value| json!(fresh_id());
    let own = |_: &Clocked, own: Value| own;
    let others = |clocked: &Clocked, _: Value| {
        let (item, _) = clocked.live.party(UNIT).inbox().remove(0);
        item["exchange"].clone()
    };
    let nobody = |_: &Clocked, _: &Value| ();
    let officer = |clocked: &Clocked, request: &Value| {
        let view = refuse(clocked, &request["exchange"], DUTY, "originator_refused").unwrap();
        assert!(view.decision.is_some());
    };
    let system = |clocked: &Clocked, request: &Value| {
        let kemensos = clocked.live.party("kemensos");
        let mut claims = answers_abroad(&kemensos, request, refused());
        claims["marking"]["tlp"] = json!("TLP:RED");
        let answer = kemensos.submit(claims);
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(answer.json()["recipients"][0]["state"], "unchanged");
    };
    // an answer that may not go when its hour has come
    let withheld = |clocked: &Clocked, request: &Value| {
        let kemensos = clocked.live.party("kemensos");
        let answer = kemensos.submit(answers_abroad(&kemensos, request, told()));
        assert_eq!(answer.json()["recipients"][0]["state"], "queued", "{}", answer.text);
        withhold(clocked);
    };
    let first = refused_abroad(unknown, nobody);
    assert_eq!(first.0["state"], "received");
    assert_eq!(first.2["result"], "refused");
    assert_eq!(first.2.as_object().unwrap().keys().collect::<Vec<_>>(), ["pad", "result"]);
    assert_eq!(first.3["claims"]["from"], "titian");
    for each in [
        refused_abroad(own, nobody),
        refused_abroad(others, nobody),
        refused_abroad(unknown, officer),
        refused_abroad(own, officer),
        refused_abroad(own, system),
        refused_abroad(own, withheld),
    ] {
        assert_eq!(each, first);
    }
}

/// BNPT passes its case on once more, and names CUTA as not to be informed.
fn withhold(clocked: &Clocked) {
    let beside = rusqlite::Connection::open(clocked.live.home().join("titian.db")).unwrap();
    let (reference, subject): (String, String) = beside
        .query_row(
            "SELECT m.reference, m.subject_ref FROM members m
             JOIN exchanges e ON e.row = m.exchange JOIN requests r ON r.about = e.id
             WHERE m.party = 'bnpt'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let bnpt = clocked.live.party("bnpt");
    let mut claims = bnpt.claims(REFERRAL);
    claims["in_reply_to"] = json!(reference);
    claims["body"]["subject"]["ref"] = json!(subject);
    claims["body"]["safety"]["do_not_inform"] = json!(["cuta-be"]);
    let answer = bnpt.submit(claims);
    assert_eq!(answer.status, 201, "{}", answer.text);
}

/// A case that CUTA was told of as that of a grown-up who came from abroad: CUTA's own reference.
fn grown_up_abroad(clocked: &Clocked) -> Value {
    let live = &clocked.live;
    let case = budget::referred(live);
    let mut claims = budget::rare(live, &case, "received", "accepted");
    claims["body"]["origin"]["pathway"] = json!("deportan");
    assert_eq!(budget::to_cuta(live, &claims), "queued");
    let [opening, _] = clocked.openings();
    clocked.turn_to(opening, 0);
    live.party("cuta-be").inbox().remove(0).0["exchange"].clone()
}

/// What became of Kemensos's answer for CUTA.
fn stands(kemensos: &Party<'_>, sent: &Value) -> Value {
    let path = format!("/v1/messages/{}", sent["jti"].as_str().unwrap());
    kemensos.get(&path).json()["recipients"][0]["state"].clone()
}

#[test]
fn an_answer_abroad_that_too_few_share_is_held_and_a_refusal_leaves_in_its_place() {
    let clocked = Clocked::start();
    let live = &clocked.live;
    let (kemensos, cuta) = (live.party("kemensos"), live.party("cuta-be"));
    let exchange = grown_up_abroad(&clocked);
    let mut claims = asks_abroad(&cuta, &exchange);
    claims["body"]["requested_fields"] = json!(["/origin/pathway"]);
    assert_eq!(cuta.submit(claims).status, 201);
    let hour = hour(&clocked);
    let (request, _) = requests(&kemensos).remove(0);
    // with what CUTA knows already nobody of the signed table agrees
    let body = json!({"result": "answered", "answers": {"origin": {"pathway": "domestik"}}});
    let sent = answers_abroad(&kemensos, &request, body);
    let answer = kemensos.submit(sent.clone());
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.json()["recipients"][0]["state"], "held");
    let holds = || {
        let holds = clocked.block_on(hold::list(clocked.opened.gateway(), false)).unwrap();
        holds.into_iter().filter(|hold| hold.message_type == "information-response/1").count()
    };
    assert_eq!(holds(), 1);
    clocked.turn_to(hour, 0);
    let (_, told) = responses(&cuta).remove(0);
    assert_eq!(told["result"], "refused");
    assert_eq!(stands(&kemensos, &sent), "cancelled");
    assert_eq!(holds(), 0, "nobody decides about it any more");
}

#[test]
fn an_answer_abroad_that_is_suspended_goes_only_if_it_is_resumed_before_its_hour() {
    for resumes in [true, false] {
        let clocked = Clocked::start();
        let live = &clocked.live;
        let (kemensos, cuta) = (live.party("kemensos"), live.party("cuta-be"));
        let exchange = known_abroad(&clocked);
        assert_eq!(cuta.submit(asks_abroad(&cuta, &exchange)).status, 201);
        let hour = hour(&clocked);
        withhold(&clocked);
        let (request, _) = requests(&kemensos).remove(0);
        let sent = answers_abroad(&kemensos, &request, told());
        let answer = kemensos.submit(sent.clone());
        assert_eq!(answer.json()["recipients"][0]["state"], "suspended", "{}", answer.text);
        if !resumes {
            clocked.turn_to(hour, 0);
            assert_eq!(responses(&cuta).remove(0).1["result"], "refused");
            assert_eq!(stands(&kemensos, &sent), "cancelled");
        }
        resume(&clocked, &sent);
        if resumes {
            assert_eq!(stands(&kemensos, &sent), "queued");
            clocked.turn_to(hour, 1);
            assert!(responses(&cuta).is_empty(), "resumed, and yet not before its hour");
            clocked.advance(1);
            assert_eq!(responses(&cuta).remove(0).1["result"], "answered");
        }
        clocked.advance(40 * 86_400);
        assert_eq!(responses(&cuta).len(), 1);
    }
}

/// A duty officer resumes what suspends an answer.
fn resume(clocked: &Clocked, sent: &Value) {
    let beside = rusqlite::Connection::open(clocked.live.home().join("titian.db")).unwrap();
    let id: String = beside
        .query_row(
            "SELECT v.id FROM reviews v JOIN exchanges e ON e.id = v.exchange
             JOIN messages m ON m.exchange = e.row WHERE m.message_id = ?1 AND v.stands = 1",
            [sent["jti"].as_str().unwrap()],
            |row| row.get(0),
        )
        .unwrap();
    let reason = "diperiksa".to_owned();
    let act = ReviewAct { officer: UNITS_DUTY.to_owned(), reason, word: None };
    let (gateway, id) = (clocked.opened.gateway(), id.parse().unwrap());
    clocked.block_on(review::decide(gateway, id, review::Verdict::Resume, &act)).unwrap();
}

#[test]
fn an_answer_abroad_under_two_versions_holds_what_both_pass() {
    let clocked = Clocked::start();
    let live = &clocked.live;
    let (kemensos, cuta) = (live.party("kemensos"), live.party("cuta-be"));
    let exchange = known_abroad(&clocked);
    assert_eq!(cuta.submit(asks_abroad(&cuta, &exchange)).status, 201);
    let hour = hour(&clocked);
    let (request, _) = requests(&kemensos).remove(0);
    let answer = kemensos.submit(answers_abroad(&kemensos, &request, told()));
    assert_eq!(answer.status, 201, "{}", answer.text);
    let shipped = include_str!("../../config/policies/kemensos-cuta-be-information-response.toml");
    let (before, after) = shipped.split_once("\"/answers/category/ppks\"").unwrap();
    let (_, after) = after.split_once('\n').unwrap();
    let text = format!("{before}\"/answers/category/ppks\" = \"drop\"\n{after}");
    let of = ("kemensos-cuta-be-information-response", text.as_str());
    assert_eq!(clocked.govern(DocumentKind::Policy, of, None, None), "in_force");
    clocked.turn_to(hour, 0);
    let (item, told) = responses(&cuta).remove(0);
    assert_eq!(told["answers"]["subject"]["birth"]["date"], "under_18");
    assert!(told["answers"].get("category").is_none(), "{told}");
    let claims = statement(item["release"].as_str().unwrap());
    assert!(claims["policy_at_admission"].is_object());
    assert_eq!(claims["iat"], json!(hour.date().midnight().assume_utc().unix_timestamp()));
}

#[test]
fn a_topic_is_answered_without_a_word_about_anyone() {
    let clocked = Clocked::start();
    let live = &clocked.live;
    let (kemensos, cuta) = (live.party("kemensos"), live.party("cuta-be"));
    let mut claims = asks_abroad(&cuta, &json!(""));
    claims["body"]["about"] = json!({"topic": "practice"});
    claims["body"]["intended_onward"] = json!(["bnpt"]);
    let asked = cuta.submit(claims);
    assert_eq!(asked.status, 201, "{}", asked.text);
    let hour = hour(&clocked);
    let (request, body) = requests(&kemensos).remove(0);
    assert_eq!(body["about"], json!({"exchange": null, "topic": "practice"}));
    assert_eq!(body["intended_onward"], json!(["bnpt"]));
    let person = kemensos.submit(answers_abroad(&kemensos, &request, told()));
    is_refused(&person, "not-asked", "/body/answers/category/ppks");
    let bare = json!({"result": "answered"});
    let answer = kemensos.submit(answers_abroad(&kemensos, &request, bare));
    assert_eq!(answer.status, 201, "{}", answer.text);
    clocked.turn_to(hour, 0);
    let (item, told) = responses(&cuta).remove(0);
    assert_eq!(told["result"], "answered");
    assert_eq!(told["answers"]["subject"]["birth"]["date"], Value::Null);
    let path = format!("/v1/inbox/{}/evidence", item["release_id"].as_str().unwrap());
    assert_eq!(cuta.get(&path).status, 200);
}

#[test]
fn what_is_unknown_is_answered_with_nothing_and_cannot_be_asked_off_the_menu() {
    let clocked = Clocked::start();
    let live = &clocked.live;
    let (kemensos, cuta) = (live.party("kemensos"), live.party("cuta-be"));
    let mut off = asks_abroad(&cuta, &json!(fresh_id()));
    off["body"]["requested_fields"] = json!(["/subject/sex"]);
    is_refused(&cuta.submit(off), "not-on-menu", "/body/requested_fields/0");
    assert_eq!(cuta.submit(asks_abroad(&cuta, &json!(fresh_id()))).status, 201);
    let (request, body) = requests(&kemensos).remove(0);
    let path = format!("/v1/exchanges/{}", body["about"]["exchange"].as_str().unwrap());
    assert_eq!(kemensos.get(&path).status, 404, "a reference that it does not know either");
    let answer = kemensos.submit(answers_abroad(&kemensos, &request, told()));
    is_refused(&answer, "unknown-exchange", "/body/result");
    // an answer may not be kept until its hour
    let mut short = answers_abroad(&kemensos, &request, refused());
    short["legal"]["retention_until"] = in_days(&cuta, 6);
    is_refused(&kemensos.submit(short), "retention", "/legal/retention_until");
    // its hour has come
    clocked.turn_to(hour(&clocked), 0);
    let late = kemensos.submit(answers_abroad(&kemensos, &request, refused()));
    is_refused(&late, "already-answered", "/in_reply_to");
    let (item, _) = responses(&cuta).remove(0);
    let path = format!("/v1/inbox/{}/evidence", item["release_id"].as_str().unwrap());
    let evidence = cuta.get(&path);
    assert_eq!(evidence.status, 200, "{}", evidence.text);
    assert_eq!(cuta.acknowledge(&item, "received").status, 200);
}

#[test]
fn whoever_may_not_be_told_of_a_case_is_not_asked_about_it() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let mut referral = bnpt.claims(REFERRAL);
    referral["body"]["consent"]["withhold"] = json!(["bnpt"]);
    assert_eq!(bnpt.submit(referral).status, 201);
    let (item, _) = unit.inbox().remove(0);
    let asked = unit.submit(asks(&unit, "bnpt", &item["exchange"], &["/caregiver/phone"]));
    is_refused(&asked, "policy-refused", "/body/about/exchange");
}

#[test]
fn officers_list_look_at_frame_and_refuse_requests_on_the_command_line() {
    let live = Live::start();
    let (bnpt, kemensos) = (live.party("bnpt"), live.party("kemensos"));
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut claims = asks(&bnpt, "kemensos", &json!(""), &["/subject/sex"]);
        claims["body"]["about"] = json!({"topic": "statistics"});
        assert_eq!(bnpt.submit(claims).status, 201);
        let (item, _) = requests(&kemensos).pop().unwrap();
        ids.push(item["exchange"].as_str().unwrap().to_owned());
    }
    let list = titian(&live, &["request", "list"]);
    let listed: Vec<&Value> = list.as_array().unwrap().iter().map(|view| &view["id"]).collect();
    assert_eq!(listed, [&json!(ids[0]), &json!(ids[1])]);
    assert!(list[0].get("asks").is_none() && list[0]["about"] == "topic", "{list}");
    let of = |act: &str, id: &str, officer: &str, rest: &[&str]| {
        titian(&live, &[&["request", act, id, "--as", officer], rest].concat())
    };
    assert_eq!(of("show", &ids[0], UNITS_DUTY, &[])["code"], "not-found", "it is the party's");
    let view = of("show", &ids[0], DUTY, &[]);
    assert_eq!(view["asks"]["requested_fields"], json!(["/subject/sex"]));
    // the frame is a message that may be sent
    let frame = of("answer", &ids[0], DUTY, &[]).to_string();
    let answered = kemensos.submit(kemensos.claims(&frame));
    assert_eq!(answered.status, 201, "{}", answered.text);
    let refused = of("refuse", &ids[1], DUTY, &["--reason-code", "no_basis"]);
    assert_eq!(refused["decision"]["outcome"], "refused");
    let again = of("refuse", &ids[1], DUTY, &["--reason-code", "no_basis"]);
    assert_eq!(again["code"], "bad-request", "{again}");
    assert_eq!(titian(&live, &["request", "list"]), json!([]));
    let told: Vec<Value> =
        responses(&bnpt).iter().map(|(_, body)| body["result"].clone()).collect();
    assert_eq!(told, ["answered", "refused"]);
}

#[test]
fn a_unit_is_asked_about_its_own_cases_only() {
    let live = Live::start_with(|home| {
        let file = home.join("parties/kemensos/record.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let units = "units = [\"sentra-handayani\"]";
        assert!(text.contains(units), "{text}");
        let more = "units = [\"sentra-handayani\", \"sentra-lain\"]";
        std::fs::write(&file, text.replace(units, more)).unwrap();
    });
    let bnpt = live.party("bnpt");
    let (referred, _) = lacking(&live);
    let asked = |to| bnpt.submit(asks(&bnpt, to, &referred["exchange"], &["/subject/sex"]));
    is_refused(&asked("kemensos/sentra-lain"), "unknown-exchange", "/body/about/exchange");
    for to in [UNIT, "kemensos"] {
        assert_eq!(asked(to).status, 201);
    }
    let other = live.party("kemensos/sentra-lain");
    assert!(requests(&other).is_empty());
}
