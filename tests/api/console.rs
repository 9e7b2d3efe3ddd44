//! The officers' console over HTTP: an authenticator in software signs in, and every page is made,
//! in both languages, over a home with something in it.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use titian::console::web::{Site, router};
use titian::domain::{Digest, DocumentKind};
use titian::exchange::enrol;
use titian::wire::InviteAsk;

use crate::batch::Clocked;
use crate::budget;
use crate::information;
use crate::lifecycle::titian;
use crate::live::{Answer, Live};

const ORIGIN: &str = "https://localhost:8444";
pub(crate) const EDITOR: &str = "petugas-kebijakan";
const APPROVER: &str = "pejabat-pengesah";
/// Of nobody: no example has it.
const NAME: &str = "Wexqorlin";
const PAGE_BYTES_MAX: usize = 60 * 1024;

/// An officer's browser and its authenticator.
struct Seat<'l> {
    live: &'l Live,
    key: EcdsaKeyPair,
    credential: String,
    cookie: String,
}

/// What stands between two marks.
pub(crate) fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
    rest.split_once(after).unwrap().0
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    serde_urlencoded::to_string(fields).unwrap()
}

/// A new key as a browser tells it.
fn spki(key: &EcdsaKeyPair) -> String {
    let head = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
    let mut spki = data_encoding::HEXLOWER.decode(head.as_bytes()).unwrap();
    spki.extend(key.public_key().as_ref());
    URL_SAFE_NO_PAD.encode(spki)
}

/// What an authenticator says to a page of a site that asks it.
fn word(key: &EcdsaKeyPair, page: &str, origin: &str) -> String {
    let claims = between(page, "data-claims=\"", "\"");
    let challenge = between(page, "data-challenge=\"", "\"");
    let client =
        format!(r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{origin}"}}"#);
    let mut authenticator = Digest::of(b"localhost").as_bytes().to_vec();
    // present and verified; a counter
    authenticator.extend([5, 0, 0, 0, 1]);
    let signed = [&authenticator[..], Digest::of(client.as_bytes()).as_bytes()].concat();
    let signature = key.sign(&SystemRandom::new(), &signed).unwrap();
    let parts = [&authenticator, client.as_bytes(), signature.as_ref()];
    let parts = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    format!("webauthn.{claims}.{parts}")
}

impl<'l> Seat<'l> {
    fn new(live: &'l Live) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let credential = URL_SAFE_NO_PAD.encode(Digest::of(key.public_key().as_ref()).as_bytes());
        Self { live, key, credential, cookie: String::new() }
    }

    fn ask(&mut self, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let cookie = self.cookie.clone();
        let headers = [
            ("cookie", cookie.as_str()),
            ("origin", ORIGIN),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let stream = self.live.tls(self.live.console, None);
        let answer = Answer::to(stream, (method, path), &headers, form(fields).as_bytes());
        if let Some(set) = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")) {
            set.split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        answer
    }

    fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }

    /// What the authenticator says to a page that asks it.
    fn word(&self, page: &str) -> String {
        word(&self.key, page, ORIGIN)
    }

    /// Takes an invitation; two officers put the passkey in force.
    fn enrol(&mut self, officer: &str) {
        let invited = titian(self.live, &["officer", "invite", officer, "--as", EDITOR]);
        let path = invited["link"]
            .as_str()
            .unwrap_or_else(|| panic!("{invited}"))
            .strip_prefix(ORIGIN)
            .unwrap()
            .to_owned();
        assert!(self.get(&path).text.contains("data-passkey=\"make\""));
        let key = spki(&self.key);
        let credential = self.credential.clone();
        let taken = self.ask("POST", &path, &[("credential", &credential), ("key", &key)]);
        assert_eq!(taken.status, 201, "{}", taken.text);
        // good once
        assert_eq!(self.get(&path).status, 404);
        let again = self.ask("POST", &path, &[("credential", &credential), ("key", &key)]);
        assert_eq!(again.status, 404, "{}", again.text);
        let proposed = titian(self.live, &["officer", "propose", officer, "--as", EDITOR]);
        let digest = proposed["digest"].as_str().unwrap();
        let confirm = format!("{}:{digest}", proposed["version"]);
        let approve = ["officer", "approve", officer, "--as", APPROVER, "--confirm", &confirm];
        assert_eq!(titian(self.live, &approve)["stands"], "in_force");
    }

    fn sign_in(&mut self) -> Answer {
        let page = self.get("/sign-in").text;
        let (credential, word) = (self.credential.clone(), self.word(&page));
        let fields = [("credential", &*credential), ("word", &*word)];
        self.ask("POST", "/sign-in", &fields)
    }
}

#[test]
fn a_passkey_signs_in_once_it_is_in_force_and_every_challenge_counts_once() {
    let live = Live::start();
    let mut seat = Seat::new(&live);
    assert_eq!(seat.get("/rules").status, 303);
    assert_eq!(seat.sign_in().status, 403, "nobody knows it");
    seat.enrol("petugas-jaga");
    // a site of another port, or below this one, that asks the same passkey
    for origin in ["https://localhost:1", "https://x.localhost:8444"] {
        let page = seat.get("/sign-in").text;
        let (credential, word) = (seat.credential.clone(), word(&seat.key, &page, origin));
        let fields = [("credential", &*credential), ("word", &*word)];
        assert_eq!(seat.ask("POST", "/sign-in", &fields).status, 403, "{origin}");
    }
    let page = seat.get("/sign-in").text;
    let (credential, word) = (seat.credential.clone(), seat.word(&page));
    let fields = [("credential", &*credential), ("word", &*word)];
    let before = seat.cookie.clone();
    assert_eq!(seat.ask("POST", "/sign-in", &fields).status, 303);
    assert_ne!(seat.cookie, before, "under an id that nobody knew before");
    assert_eq!(seat.get("/rules").status, 200);
    let cookie = seat.cookie.clone();
    // the word of that moment, sent anew from elsewhere
    let mut thief = Seat::new(&live);
    let page = thief.get("/sign-in");
    assert!(page.text.contains("data-challenge") && !page.head.contains("set-cookie"));
    let fields = [("credential", &*credential), ("word", &*word)];
    assert_eq!(thief.ask("POST", "/sign-in", &fields).status, 403);
    // whoever is disabled is out with the next request
    let disabled = titian(&live, &["officer", "disable", "petugas-jaga", "--as", EDITOR]);
    let confirm = format!("{}:{}", disabled["version"], disabled["digest"].as_str().unwrap());
    let approve =
        ["officer", "approve", "petugas-jaga", "--as", "pengesah-bnpt", "--confirm", &confirm];
    assert_eq!(titian(&live, &approve)["stands"], "in_force");
    assert_eq!(seat.get("/rules").status, 303);
    assert_eq!(seat.sign_in().status, 403);
    let log = std::fs::read_to_string(&live.log).unwrap();
    let beside = rusqlite::Connection::open(live.home().join("titian.db")).unwrap();
    let kept: Vec<String> = beside
        .prepare("SELECT key || value FROM tickets")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let secret = cookie.strip_prefix("__Host-titian=").filter(|id| id.len() > 20).unwrap();
    assert!(!log.contains(secret), "no session in the log");
    let bits = URL_SAFE_NO_PAD.decode(secret).unwrap();
    let number = i128::from_le_bytes(bits.try_into().unwrap()).to_string();
    assert!(!kept.is_empty());
    assert!(!kept.iter().any(|row| row.contains(secret) || row.contains(&number)), "{kept:?}");
}

#[test]
fn every_page_is_made_in_both_languages() {
    let live = Live::start();
    let case = budget::referred(&live);
    let rare = budget::rare(&live, &case, "received", "accepted");
    assert_eq!(budget::to_cuta(&live, &rare), "held");
    let bnpt = live.party("bnpt");
    let mut named = bnpt.claims(crate::lifecycle::REFERRAL);
    named["body"]["subject"]["ref"] = crate::live::fresh_id().into();
    named["body"]["caregiver"]["name"] = NAME.into();
    assert_eq!(bnpt.submit(named).status, 201);
    let own = bnpt.inbox().remove(0).0["exchange"].clone();
    let asked = information::asks(&bnpt, "kemensos", &own, &["/subject/sex"]);
    assert_eq!(bnpt.submit(asked).status, 201);
    let mut seat = Seat::new(&live);
    seat.enrol(EDITOR);
    assert_eq!(seat.sign_in().status, 303);
    let mut queue = vec!["/".to_owned()];
    let mut seen = std::collections::BTreeSet::new();
    // every page that a page leads to
    while let Some(path) = queue.pop() {
        if !seen.insert(path.clone()) || seen.len() > 300 {
            continue;
        }
        for lang in ["id", "en"] {
            let mark = if path.contains('?') { '&' } else { '?' };
            let answer = seat.get(&format!("{path}{mark}lang={lang}"));
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            if !answer.head.contains("text/html") {
                continue;
            }
            let text = answer.text;
            assert!(text.contains(&format!("<html lang=\"{lang}\">")), "{path}");
            assert!(!text.contains("Unknown localization"), "{path}: {text}");
            assert!(text.len() < PAGE_BYTES_MAX, "{path}: {} bytes", text.len());
            assert!(!text.contains(NAME), "{path} names a person");
            for link in text.split("href=\"").skip(1) {
                let link =
                    link.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
                let link = link.split('#').next().unwrap().to_owned();
                let is_page = link.starts_with('/') && !link.starts_with("/static/");
                if is_page && !link.contains("lang=") {
                    queue.push(link);
                }
            }
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
    assert!(seen.iter().any(|path| path.starts_with("/requests/")), "{seen:?}");
}

#[test]
fn the_ledger_names_the_word_by_which_a_passkey_decided_and_no_other_desk_can() {
    let live = Live::start();
    let case = budget::referred(&live);
    let rare = budget::rare(&live, &case, "received", "accepted");
    assert_eq!(budget::to_cuta(&live, &rare), "held");
    let mut seat = Seat::new(&live);
    seat.enrol("petugas-jaga");
    assert_eq!(seat.sign_in().status, 303);
    let list = seat.get("/waiting").text;
    let hold = between(&list, "href=\"/waiting/hold/", "\"").to_owned();
    let page = seat.get(&format!("/waiting/hold/{hold}")).text;
    let token = between(&page, "name=\"token\" value=\"", "\"").to_owned();
    let discard = page.split_once("/discard\"").unwrap().1;
    let word = seat.word(discard);
    let fields = [("token", &*token), ("reason", "contoh"), ("word", &*word)];
    let path = format!("/waiting/hold/{hold}/discard");
    assert_eq!(seat.ask("POST", &path, &fields).status, 303);
    let beside = rusqlite::Connection::open(live.home().join("titian.db")).unwrap();
    let event: Vec<u8> = beside
        .query_row(
            "SELECT event FROM ledger_entries WHERE ledger = 'kemensos' \
             AND instr(event, 'hold-discarded') > 0",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
    assert_eq!(event["word"], Digest::of(word.as_bytes()).to_string(), "{event}");
    // what the admin socket is asked names no word
    let claimed = r#"{"officer": "petugas-jaga", "reason": "r", "word": "x"}"#;
    let act: titian::wire::HoldAct = serde_json::from_str(claimed).unwrap();
    assert_eq!(act.word, None);
}

/// The console of a home whose clock a test turns, asked without a listener.
pub(crate) struct Pages {
    pub(crate) served: Clocked,
    pub(crate) router: axum::Router,
    key: EcdsaKeyPair,
    pub(crate) cookie: String,
}

impl Pages {
    pub(crate) fn open() -> Self {
        let served = Clocked::start();
        let site = Site { gateway: served.opened.shared(), origin: ORIGIN.to_owned() };
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self { router: router(site), served, key, cookie: String::new() }
    }

    /// A request of this browser's.
    pub(crate) fn request(
        &self,
        (method, path): (&str, &str),
        body: axum::body::Body,
    ) -> axum::extract::Request {
        axum::http::Request::builder()
            .method(method)
            .uri(path)
            .header("cookie", &self.cookie)
            .header("origin", ORIGIN)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .unwrap()
    }

    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> (u16, String) {
        let request = self.request((method, path), form(fields).into());
        let router = self.router.clone();
        let (head, text) = self.served.block_on(async {
            let answer = tower::ServiceExt::oneshot(router, request).await.unwrap();
            let (head, body) = answer.into_parts();
            let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            (head, String::from_utf8(bytes.to_vec()).unwrap())
        });
        if let Some(set) = head.headers.get("set-cookie") {
            set.to_str().unwrap().split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        (head.status.as_u16(), text)
    }

    /// Two officers put an officer's record with the passkey in force.
    pub(crate) fn enrol(&self, officer: &str, rest: &str) {
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
        // its key file's key stays: with it the record is proposed
        let known = self.served.opened.gateway().rules();
        let known = known.officers.iter().find(|known| known.name == officer).unwrap().key.clone();
        let key = toml::to_string(&serde_json::json!({ "key": known })).unwrap();
        let record = format!(
            "name = \"{officer}\"\nparty = \"kemensos\"\n{rest}\n{key}\n[[passkeys]]\nid = \"{CREDENTIAL}\"\n\
             key = {{ kty = \"EC\", crv = \"P-256\", x = \"{x}\", y = \"{y}\" }}\n"
        );
        let of = (officer, record.as_str());
        let stands = self.served.govern(DocumentKind::Officer, of, Some(APPROVER), None);
        assert_eq!(stands, "in_force");
    }

    pub(crate) fn sign_in(&mut self) -> u16 {
        let (_, page) = self.ask("GET", "/sign-in", &[]);
        let word = word(&self.key, &page, ORIGIN);
        let fields = [("credential", CREDENTIAL), ("word", &*word)];
        self.ask("POST", "/sign-in", &fields).0
    }
}

const MINUTE_S: i64 = 60;
const CREDENTIAL: &str = "AAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn a_session_ends_by_idleness_and_by_age() {
    let mut pages = Pages::open();
    pages.enrol("petugas-jaga", "unit = \"sentra-handayani\"\nroles = [\"operator\"]");
    assert_eq!(pages.sign_in(), 303);
    assert_eq!(pages.ask("GET", "/waiting", &[]).0, 200);
    // what is done keeps it alive, what is not done ends it
    for _ in 0..3 {
        pages.served.advance(19 * MINUTE_S);
        assert_eq!(pages.ask("GET", "/waiting", &[]).0, 200);
    }
    pages.served.advance(21 * MINUTE_S);
    assert_eq!(pages.ask("GET", "/waiting", &[]).0, 303);
    // ten hours after it began it ends, whatever is done
    assert_eq!(pages.sign_in(), 303);
    for _ in 0..39 {
        pages.served.advance(15 * MINUTE_S);
        assert_eq!(pages.ask("GET", "/waiting", &[]).0, 200);
    }
    pages.served.advance(15 * MINUTE_S);
    assert_eq!(pages.ask("GET", "/waiting", &[]).0, 303);
    // a word that is older than five minutes signs nobody in
    let (_, page) = pages.ask("GET", "/sign-in", &[]);
    let late = word(&pages.key, &page, ORIGIN);
    pages.served.advance(5 * MINUTE_S + 1);
    let fields = [("credential", CREDENTIAL), ("word", &*late)];
    assert_eq!(pages.ask("POST", "/sign-in", &fields).0, 403);
}

#[test]
fn a_version_is_signed_by_a_word_of_that_moment_only() {
    let mut pages = Pages::open();
    pages.enrol(EDITOR, "roles = [\"editor\"]");
    assert_eq!(pages.sign_in(), 303);
    let shipped = include_str!("../../config/policies/kemensos-cuta-be-status.toml");
    let (from, to) = ("\"/effective_on\"       = \"month\"", "\"/effective_on\" = \"drop\"");
    let less = shipped.replace(from, to);
    assert_ne!(less, shipped);
    let of = ("kemensos-cuta-be-status", less.as_str());
    let draft = pages.served.draft_as(EDITOR, DocumentKind::Policy, of).unwrap();
    let path = format!("/rules/policy/kemensos-cuta-be-status/{}", draft.version);
    let asked = |pages: &mut Pages| {
        let (_, page) = pages.ask("GET", &path, &[]);
        let token = between(&page, "name=\"token\" value=\"", "\"").to_owned();
        let fields = [("token", &*token), ("role", "author")];
        let (status, page) = pages.ask("POST", &format!("{path}/prepare"), &fields);
        assert_eq!(status, 200, "{page}");
        (token, word(&pages.key, &page, ORIGIN))
    };
    let (token, late) = asked(&mut pages);
    let sign = format!("{path}/sign");
    pages.served.advance(15 * MINUTE_S + 1);
    let fields = [("token", &*token), ("role", "author"), ("word", &*late)];
    assert_eq!(pages.ask("POST", &sign, &fields).0, 403);
    let (token, word) = asked(&mut pages);
    // as another, about another version, twice over, or without any word
    for (fields, status) in [
        (vec![("token", &*token), ("role", "approver"), ("word", &*word)], 403),
        (vec![("token", &*token), ("role", "author")], 422),
        (vec![("token", &*token), ("role", "author"), ("word", &*word), ("word", &*word)], 422),
        (vec![("token", "x"), ("role", "author"), ("word", &*word)], 409),
        (vec![("token", &*token), ("role", "author"), ("word", &*word)], 303),
    ] {
        let (found, page) = pages.ask("POST", &sign, &fields);
        assert_eq!(found, status, "{page}");
    }
}

#[test]
fn an_information_request_is_refused_by_a_passkeys_word_about_it() {
    let mut pages = Pages::open();
    pages.enrol("petugas-kebijakan", "roles = [\"editor\", \"operator\"]");
    assert_eq!(pages.sign_in(), 303);
    let ask = |pages: &Pages| {
        let live = &pages.served.live;
        let (bnpt, kemensos) = (live.party("bnpt"), live.party("kemensos"));
        let mut claims = information::asks(&bnpt, "kemensos", &"".into(), &["/subject/sex"]);
        claims["body"]["about"] = serde_json::json!({"topic": "practice"});
        assert_eq!(bnpt.submit(claims).status, 201);
        let (item, _) = information::requests(&kemensos).pop().unwrap();
        format!("/requests/{}", item["exchange"].as_str().unwrap())
    };
    let (one, other) = (ask(&pages), ask(&pages));
    let (_, list) = pages.ask("GET", "/requests", &[]);
    assert!(list.contains(&one) && list.contains(&other), "{list}");
    let (_, page) = pages.ask("GET", &one, &[]);
    let token = between(&page, "name=\"token\" value=\"", "\"").to_owned();
    let word = word(&pages.key, &page, ORIGIN);
    let said = |code| [("token", &*token), ("word", &*word), ("code", code)];
    let (refuse, refuse_other) = (format!("{one}/refuse"), format!("{other}/refuse"));
    for (path, fields, status) in [
        (&refuse_other, &said("no_basis")[..], 403),
        (&refuse, &[("token", &*token), ("code", "no_basis")][..], 403),
        (&refuse, &[("token", "x"), ("word", &*word), ("code", "no_basis")][..], 409),
        (&refuse, &said("no_basis")[..], 303),
    ] {
        let (found, page) = pages.ask("POST", path, fields);
        assert_eq!(found, status, "{page}");
    }
    let (_, list) = pages.ask("GET", "/requests", &[]);
    assert!(!list.contains(&one) && list.contains(&other), "{list}");
    let (_, page) = pages.ask("GET", &one, &[]);
    assert!(page.contains("petugas-kebijakan") && !page.contains("data-challenge"), "{page}");
}

#[test]
fn an_invitation_lasts_a_day() {
    let mut pages = Pages::open();
    let ask = InviteAsk { by: EDITOR.to_owned(), officer: "petugas-jaga".to_owned() };
    let gateway = pages.served.opened.shared();
    let code = pages.served.block_on(enrol::invite(&gateway, &ask)).unwrap().code;
    let path = format!("/enrol/{code}");
    pages.served.advance(24 * 60 * MINUTE_S - 1);
    assert_eq!(pages.ask("GET", &path, &[]).0, 200);
    pages.served.advance(1);
    assert_eq!(pages.ask("GET", &path, &[]).0, 404);
    let key = spki(&pages.key);
    assert_eq!(pages.ask("POST", &path, &[("credential", CREDENTIAL), ("key", &key)]).0, 404);
}
