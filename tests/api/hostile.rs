//! What must be refused, told clearly, and change nothing.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::governance::change;
use crate::live::{ASSERTION, Live, MESSAGE, Party, Word};

const REFERRAL: &str = include_str!("../../schemas/examples/referral.typical.json");
const STATUS: &str = include_str!("../../schemas/examples/status.typical.json");
const CANARY: &str = "Qanarwa Meswadi";

/// Signs bytes that are no JSON we would write, under any header.
fn raw(party: &Party<'_>, header: &str, payload: &str) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = titian_sign(party, input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn titian_sign(party: &Party<'_>, bytes: &[u8]) -> Vec<u8> {
    let file = std::fs::read(party.kit.join("signing.jwk")).unwrap();
    let jwk: Value = serde_json::from_slice(&file).unwrap();
    let seed = URL_SAFE_NO_PAD.decode(jwk["d"].as_str().unwrap()).unwrap();
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    pair.sign(bytes).as_ref().to_vec()
}

fn header(party: &Party<'_>) -> String {
    json!({"alg": "EdDSA", "kid": party.key.public().kid(), "typ": "titian-message+jwt"})
        .to_string()
}

#[test]
fn what_is_no_strict_json_is_refused_signed_and_recorded() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    let deep = format!("{}1{}", "[".repeat(33), "]".repeat(33));
    let cases = [
        ("not json", "json"),
        (r#"{"iss":"a","iss":"b"}"#, "duplicate-key"),
        (r#"{"a":"\ud800"}"#, "lone-surrogate"),
        (r#"{"a":"\u0000"}"#, "control-character"),
        (r#"{"a":1.5}"#, "integer"),
        (r#"{"a":1e3}"#, "integer"),
        ("{\"a\":\"e\u{301}\"}", "nfc"),
        (deep.as_str(), "depth"),
    ];
    for (payload, keyword) in cases {
        let object = raw(&bnpt, &header(&bnpt), payload);
        let answer = bnpt.post("/v1/messages", "application/jose", object.as_bytes());
        assert_eq!((answer.status, answer.code().as_str()), (400, "json"), "{payload}");
        let problem = answer.json();
        assert_eq!(problem["errors"][0]["keyword"], keyword);
        assert!(problem["refusal"].is_string());
    }
}

#[test]
fn headers_signatures_and_algorithms_are_judged_before_anything_is_read() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    let kid = bnpt.key.public().kid();
    let send = |header: Value| {
        let object = raw(&bnpt, &header.to_string(), "{}");
        bnpt.post("/v1/messages", "application/jose", object.as_bytes())
    };
    for name in ["jwk", "jku", "x5u", "x5c", "crit"] {
        let mut header = json!({"alg": "EdDSA", "kid": kid, "typ": "titian-message+jwt"});
        header[name] = json!([name]);
        assert_eq!(send(header).code(), "parameter", "{name}");
    }
    for alg in ["none", "HS256", "RS256"] {
        let header = json!({"alg": alg, "kid": kid, "typ": "titian-message+jwt"});
        assert_eq!(send(header).code(), "algorithm", "{alg}");
    }
    let header = json!({"alg": "EdDSA", "kid": "other", "typ": "titian-message+jwt"});
    assert_eq!(send(header).code(), "unknown-key");
    let header = json!({"alg": "EdDSA", "kid": kid, "typ": "titian-ack+jwt"});
    assert_eq!(send(header).code(), "typ");
    let mut object = bnpt.sign(bnpt.claims(REFERRAL));
    let at = object.find('.').unwrap() + 40;
    let other = if &object[at..=at] == "A" { "B" } else { "A" };
    object.replace_range(at..=at, other);
    let answer = bnpt.post("/v1/messages", "application/jose", object.as_bytes());
    assert_eq!((answer.status, answer.code().as_str()), (400, "signature"));
    assert!(answer.json().get("refusal").is_none());
}

#[test]
fn envelopes_that_do_not_hold_are_refused() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    let now = crate::live::now();
    let cases: Vec<(&str, Value, &str)> = vec![
        ("/iss", json!("cuta-be"), "sender-mismatch"),
        ("/aud", json!("https://other.example.org"), "audience"),
        ("/aud", json!(["https://titian.example.org"]), "audience"),
        ("/exp", json!(now - 1), "expired"),
        ("/iat", json!(now + 3600), "not-yet-valid"),
        ("/exp", json!(now + 8 * 86400), "lifetime-too-long"),
        ("/type", json!("poem/1"), "unknown-type"),
        ("/type", json!("referral/9"), "unknown-type"),
        ("/recipients", json!(["dinas-x"]), "unknown-recipient"),
        ("/recipients", json!(["bnpt"]), "unknown-recipient"),
        ("/recipients", json!(["cuta-be"]), "agreement-missing"),
        ("/legal/instrument", json!("mou-xx"), "agreement-missing"),
        ("/legal/purpose", json!("statistics"), "purpose-not-agreed"),
        ("/legal/retention_until", json!("2020-01-01"), "retention"),
        ("/body/urgency", json!("whenever"), "schema"),
        ("/body/origin/site", json!(CANARY), "schema"),
        ("/body/subject/birth/date", json!("2011-02-30"), "rule"),
        ("/in_reply_to", json!("a".repeat(26)), "unknown-exchange"),
    ];
    for (pointer, value, code) in cases {
        let mut claims = bnpt.claims(REFERRAL);
        match claims.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => claims[pointer.trim_start_matches('/')] = value,
        }
        let answer = bnpt.submit(claims);
        assert_eq!(answer.code(), code, "{pointer}: {}", answer.text);
        assert!(!answer.text.contains(CANARY), "{pointer}");
    }
    assert!(live.party("kemensos").inbox().is_empty(), "nothing came through");
}

#[test]
fn a_status_needs_its_thread_its_state_and_a_way_onward() {
    let live = Live::start();
    let (bnpt, unit, cuta) =
        (live.party("bnpt"), live.party("kemensos/sentra-handayani"), live.party("cuta-be"));
    let mut referral = bnpt.claims(REFERRAL);
    referral["legal"]["onward"] = json!([]);
    assert_eq!(bnpt.submit(referral).status, 201);
    let (item, body) = unit.inbox()[0].clone();
    let status = |change: &dyn Fn(&mut Value)| {
        let mut claims = unit.claims(STATUS);
        claims["in_reply_to"] = item["exchange"].clone();
        claims["body"]["subject"]["ref"] = body["subject"]["ref"].clone();
        claims["recipients"] = json!(["bnpt"]);
        claims["body"]["from_state"] = json!("submitted");
        claims["body"]["to_state"] = json!("accepted");
        change(&mut claims);
        unit.submit(claims)
    };
    assert_eq!(status(&|_| {}).code(), "illegal-transition", "not before it is acknowledged");
    assert_eq!(unit.acknowledge(&item, "received").status, 200);
    let received = |claims: &mut Value| claims["body"]["from_state"] = json!("received");
    let onward = status(&|c| {
        received(c);
        c["recipients"] = json!(["bnpt", "cuta-be"]);
    });
    assert_eq!(onward.code(), "onward");
    let stranger = status(&|c| {
        received(c);
        c["body"]["subject"]["ref"] = json!("b".repeat(26));
    });
    assert_eq!(stranger.code(), "subject-reference");
    let skipping = status(&|c| {
        received(c);
        c["body"]["to_state"] = json!("in_service");
    });
    assert_eq!(skipping.code(), "illegal-transition");
    assert_eq!(status(&received).status, 201);
    // a stranger's reference is as unknown as none
    let mut foreign = cuta.claims(STATUS);
    foreign["in_reply_to"] = item["exchange"].clone();
    foreign["recipients"] = json!(["kemensos"]);
    foreign["legal"]["instrument"] = json!("mou-id-be");
    let answer = cuta.submit(foreign);
    assert_eq!(answer.code(), "unknown-exchange", "{}", answer.text);
    assert!(cuta.inbox().is_empty());
}

#[test]
fn nothing_goes_across_a_border_that_was_not_found_safe() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party("kemensos/sentra-handayani"));
    assert_eq!(bnpt.submit(bnpt.claims(REFERRAL)).status, 201);
    let (item, body) = unit.inbox()[0].clone();
    assert_eq!(unit.acknowledge(&item, "received").status, 200);
    for (pointer, value) in [
        ("/attest/safety_check", "not_assessed"),
        ("/attest/safety_check", "risk_identified"),
        ("/attest/best_interests", "not_assessed"),
    ] {
        let mut claims = unit.claims(STATUS);
        claims["in_reply_to"] = item["exchange"].clone();
        claims["body"]["subject"]["ref"] = body["subject"]["ref"].clone();
        *claims.pointer_mut(pointer).unwrap() = json!(value);
        assert_eq!(unit.submit(claims).code(), "cross-border", "{value}");
    }
}

#[test]
fn assertions_are_used_once_and_are_nothing_else() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    let signed = bnpt.key.sign(Word::<ASSERTION>(bnpt.assertion())).unwrap();
    assert_eq!(bnpt.token_by(signed.compact()).status, 200);
    let replayed = bnpt.token_by(signed.compact());
    assert_eq!((replayed.status, replayed.json()["error"].as_str()), (401, Some("invalid_client")));
    let message = bnpt.key.sign(Word::<MESSAGE>(bnpt.assertion())).unwrap();
    assert_eq!(bnpt.token_by(message.compact()).status, 401, "a message is no assertion");
    let answer = bnpt.post("/v1/messages", "application/jose", signed.compact().as_bytes());
    assert_eq!(answer.code(), "typ", "an assertion is no message");
    for (name, value) in [
        ("exp", json!(crate::live::now() - 1)),
        ("exp", json!(crate::live::now() + 4000)),
        ("aud", json!("https://other.example.org")),
        ("sub", json!("cuta-be")),
        ("jti", json!("")),
    ] {
        let mut claims = bnpt.assertion();
        claims[name] = value;
        let signed = bnpt.key.sign(Word::<ASSERTION>(claims)).unwrap();
        assert_eq!(bnpt.token_by(signed.compact()).status, 401, "{name}");
    }
    let cuta = live.party("cuta-be");
    let bearer = format!("Bearer {}", bnpt.token());
    let stolen = cuta.ask("GET", "/v1/inbox", &[("authorization", &bearer)], b"");
    assert_eq!(stolen.status, 401, "a token is bound to its certificate");
    assert!(stolen.head.to_lowercase().contains("www-authenticate"));
}

#[test]
fn every_protected_route_asks_for_a_token() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    for (method, path) in titian::http::ROUTES {
        let answer = bnpt.ask(method, path, &[], b"");
        let public = titian::http::PUBLIC.iter().any(|p| path == p);
        assert_eq!(answer.status == 401, !public, "{method} {path}: {}", answer.status);
    }
    assert_eq!(bnpt.ask("GET", "/nowhere", &[], b"").code(), "not-found");
    assert_eq!(bnpt.ask("DELETE", "/v1/inbox", &[], b"").code(), "method-not-allowed");
}

#[test]
fn sizes_and_media_types_are_kept_to() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    let large = vec![b'a'; 257 * 1024];
    assert_eq!(bnpt.post("/v1/messages", "application/jose", &large).status, 413);
    assert_eq!(bnpt.post("/v1/messages", "application/json", b"{}").status, 415);
    assert_eq!(bnpt.get("/v1/inbox?limit=0").code(), "bad-request");
    assert_eq!(bnpt.get("/v1/inbox?x=1").code(), "bad-request");
}

#[test]
fn clients_without_a_pinned_certificate_and_silent_ones_are_closed() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    let started = Instant::now();
    let stranger = live.home().join("stranger");
    std::fs::create_dir(&stranger).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["stranger.example.org".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(stranger.join("tls.pem"), certificate.pem()).unwrap();
    std::fs::write(stranger.join("tls.key"), key.serialize_pem()).unwrap();
    for kit in [None, Some(stranger.as_path())] {
        let mut stream = bnpt.tls(kit);
        let written = stream.write_all(b"GET /.well-known/titian.json HTTP/1.1\r\nhost: t\r\n\r\n");
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        assert!(answer.is_empty() && (written.is_err() || read.is_err()), "{kit:?}");
    }
    // silent before the handshake, and after it
    let mut silent = std::net::TcpStream::connect(("127.0.0.1", live.port)).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut quiet = bnpt.tls(Some(&bnpt.kit));
    quiet.flush().unwrap();
    let mut none = [0u8; 1];
    assert_eq!(silent.read(&mut none).unwrap_or(0), 0);
    assert_eq!(quiet.read(&mut none).unwrap_or(0), 0);
    assert!(started.elapsed() < Duration::from_secs(9));
}

#[test]
fn a_frozen_or_removed_party_loses_its_next_request() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    assert_eq!(bnpt.submit(bnpt.claims(REFERRAL)).status, 201);
    let token = bnpt.token();
    change(&live, "party", "bnpt", &[("frozen = false", "frozen = true")]);
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/jose")];
    let object = bnpt.sign(bnpt.claims(REFERRAL));
    let answer = bnpt.ask("POST", "/v1/messages", &headers, object.as_bytes());
    assert_eq!(answer.code(), "frozen", "{}", answer.text);
}

#[test]
fn nothing_from_a_body_is_in_the_log_or_the_metrics() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    let mut claims = bnpt.claims(REFERRAL);
    claims["body"]["subject"]["name"]["full"] = json!(CANARY);
    claims["body"]["summary"] = json!(format!("SYNTHETIC {CANARY}"));
    assert_eq!(bnpt.submit(claims.clone()).status, 201);
    claims["body"]["origin"]["site"] = json!(CANARY);
    claims["jti"] = json!(crate::live::fresh_id());
    assert_eq!(bnpt.submit(claims).status, 422);
    let unit = live.party("kemensos/sentra-handayani");
    assert_eq!(unit.inbox()[0].1["subject"]["name"]["full"], CANARY);
    let log = std::fs::read_to_string(&live.log).unwrap();
    let mut metrics = String::new();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", live.management)).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").unwrap();
    stream.read_to_string(&mut metrics).unwrap();
    assert!(metrics.contains("titian_requests_total"), "{metrics}");
    for sink in [&log, &metrics] {
        assert!(!sink.contains("Qanarwa") && !sink.contains("Meswadi"));
    }
    for file in ["titian.db", "titian.db-wal"] {
        let bytes = std::fs::read(live.home().join(file)).unwrap();
        assert!(!bytes.windows(7).any(|w| w == b"Qanarwa"), "{file}: payloads are encrypted");
    }
}

#[test]
fn a_deleted_database_is_noticed() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    let token = bnpt.token();
    for name in ["titian.db", "titian.db-wal", "titian.db-shm"] {
        std::fs::remove_file(live.home().join(name)).unwrap();
    }
    let object = bnpt.sign(bnpt.claims(REFERRAL));
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/jose")];
    let answer = bnpt.ask("POST", "/v1/messages", &headers, object.as_bytes());
    assert_eq!((answer.status, answer.code().as_str()), (503, "busy"));
    assert!(answer.head.to_lowercase().contains("retry-after"));
}

#[test]
fn a_locked_database_takes_nothing_and_then_everything() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    let bearer = format!("Bearer {}", bnpt.token());
    let object = bnpt.sign(bnpt.claims(REFERRAL));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/jose")];
    let submit = || bnpt.ask("POST", "/v1/messages", &headers, object.as_bytes());
    let beside = rusqlite::Connection::open(live.home().join("titian.db")).unwrap();
    beside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = submit();
    assert_eq!((answer.status, answer.code().as_str()), (503, "busy"));
    assert!(answer.head.to_lowercase().contains("retry-after"));
    beside.execute_batch("ROLLBACK").unwrap();
    // nothing of the first attempt was kept: the same bytes are admitted, not repeated
    assert_eq!(submit().status, 201);
    assert_eq!(submit().status, 200);
}

#[test]
fn slow_headers_and_slow_bodies_are_cut_off() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    let bearer = bnpt.token();
    let started = Instant::now();
    let mut slow = bnpt.tls(Some(&bnpt.kit));
    slow.write_all(b"GET /v1/inbox HTTP/1.1\r\nhost: t\r\n").unwrap();
    slow.flush().unwrap();
    let mut answer = Vec::new();
    drop(slow.read_to_end(&mut answer));
    assert!(started.elapsed() < Duration::from_secs(6), "headers");
    let mut slow = bnpt.tls(Some(&bnpt.kit));
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {bearer}\r\n\
         content-type: application/jose\r\ncontent-length: 1000\r\n\r\nabc"
    );
    slow.write_all(head.as_bytes()).unwrap();
    slow.flush().unwrap();
    let mut first = [0u8; 12];
    slow.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 408");
    assert!(started.elapsed() < Duration::from_secs(18), "body");
}

#[test]
fn an_expired_certificate_is_refused_in_the_handshake() {
    let live = Live::start_with(|home| {
        let kit = home.join("parties/bnpt");
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["bnpt.example.org".into()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2024, 1, 1);
        params.not_after = rcgen::date_time_ymd(2025, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        let spki = titian::auth::Certificate::read(certificate.der()).unwrap().spki;
        let record = kit.join("record.toml");
        let text = std::fs::read_to_string(&record).unwrap();
        let pin = text.lines().find(|line| line.starts_with("spki")).unwrap();
        let text = text.replace(pin, &format!("spki = \"{spki}\""));
        std::fs::write(&record, text).unwrap();
        std::fs::write(kit.join("tls.pem"), certificate.pem()).unwrap();
        std::fs::write(kit.join("tls.key"), key.serialize_pem()).unwrap();
    });
    let bnpt = live.party("bnpt");
    assert_eq!(bnpt.ask("GET", "/.well-known/titian.json", &[], b"").status, 0);
    let other = live.party("kemensos").ask("GET", "/.well-known/titian.json", &[], b"");
    assert_eq!(other.status, 200);
}

#[test]
fn an_agreement_that_has_ended_allows_nothing() {
    let live = Live::start_with(|home| {
        let path = home.join("agreements/pks-bnpt-kemensos.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("until = 2027-12-31", "until = 2026-01-02")).unwrap();
    });
    let bnpt = live.party("bnpt");
    assert_eq!(bnpt.submit(bnpt.claims(REFERRAL)).code(), "agreement-expired");
}
