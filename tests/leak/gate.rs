//! A gateway of a run's own, in this process: the real router over a real home and database, asked
//! as a partner asks, with its clock and its log in our hands.
//!
//! Only the socket is left out. What TLS would have told of the caller, its certificate, is put
//! beside each request as the listener puts it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::Ed25519KeyPair;
use axum::Router;
use axum::body::Body;
use axum::http::{Extensions, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use time::macros::time;
use time::{Duration, OffsetDateTime};
use titian::app::{self, Home};
use titian::client::ClientFault;
use titian::client::officer::OfficerKey;
use titian::clock::{Clock, Entropy, ManualClock, SeededEntropy};
use titian::domain::{Address, Approval, Digest, DocumentKind, Id, SignerRole, Statement};
use titian::exchange::change;
use titian::http::{Edge, Limits, Rates, peer, router};
use titian::listener::Deadlines;
use titian::sign::signing::SigningKey;
use titian::wire::{DraftAsk, VersionView, WordAsk};
use tower::ServiceExt;

pub(crate) const ID: &str = "https://titian.example.org";
pub(crate) const UNIT: &str = "kemensos/sentra-handayani";

/// Beyond it the answer is cut: no answer of the gateway is as long.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// A token is asked for anew before its ten minutes are over.
const TOKEN_S: i64 = 300;

macro_rules! word {
    ($name:ident, $typ:literal) => {
        struct $name(Value);
        impl Statement for $name {
            const TYP: &'static str = $typ;
            fn into_claims(self) -> Value {
                self.0
            }
        }
    };
}
word!(Ack, "titian-ack+jwt");
word!(Assertion, "client-authentication+jwt");

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

struct Kit {
    known: Extensions,
    key: SigningKey,
    pair: Ed25519KeyPair,
    kid: String,
    token: Mutex<Option<(String, i64)>>,
}

pub(crate) struct Gate {
    directory: tempfile::TempDir,
    opened: app::Opened,
    router: Router,
    pub(crate) clock: Arc<ManualClock>,
    kits: HashMap<&'static str, Kit>,
    ids: SeededEntropy,
}

impl Gate {
    /// A home as `init` makes it, opened now; or, at noon of the next day, one copied from `model` where there is one: twins share every key.
    pub(crate) async fn open(model: Option<&Path>, seed: u64) -> Self {
        let noon = time!(5:00); // in Jakarta
        let now = OffsetDateTime::now_utc();
        let at = if model.is_some() { (now + Duration::DAY).replace_time(noon) } else { now };
        Self::open_at(model, seed, at).await
    }

    /// As [`Self::open`], at another time.
    pub(crate) async fn open_at(model: Option<&Path>, seed: u64, at: OffsetDateTime) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().join("home");
        match model {
            None => run(Command::new(env!("CARGO_BIN_EXE_titian")).arg("init").arg(&home)),
            Some(model) => run(Command::new("cp").arg("-a").arg(model).arg(&home)),
        }
        let clock = Arc::new(ManualClock::at(at));
        let place = Home::at(&home);
        let lock = place.lock().unwrap().unwrap();
        let opened = app::open_at(&place, lock, Arc::clone(&clock) as _).await.unwrap();
        let most = u32::MAX;
        let limits =
            Limits { requests_per_minute: most, tokens_per_minute: most, connections_max: 1 };
        let gateway = opened.shared();
        let rates = Arc::new(Rates::new(limits));
        let router = router(Edge { gateway, rates, deadlines: Deadlines::default() });
        let kits = ["bnpt", UNIT, "cuta-be"].map(|name| (name, kit(&home, name)));
        let ids = SeededEntropy::new(seed);
        Self { directory, opened, router, clock, kits: kits.into(), ids }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    /// Two officers of two agencies put an exception in force.
    pub(crate) async fn grant(&self, id: &str, text: &str) {
        let (officer, kind) = ("petugas-kebijakan", DocumentKind::Exception);
        let (officer, id) = (officer.to_owned(), id.to_owned());
        let ask = DraftAsk { officer, kind, id, text: text.to_owned(), version: None };
        let gateway = self.opened.gateway();
        let view = change::draft(gateway, &ask).await.unwrap();
        let word = self.word("petugas-kebijakan", &view, SignerRole::Author);
        change::propose(gateway, &word).await.unwrap();
        let word = self.word("pengesah-bnpt", &view, SignerRole::Approver);
        assert_eq!(change::approve(gateway, &word).await.unwrap().stands, "in_force");
    }

    fn word(&self, officer: &str, view: &VersionView, role: SignerRole) -> WordAsk {
        let path = self.home().join(format!("development/officers/{officer}.jwk"));
        let none = || Err(ClientFault::Unusable("a throw-away key has no passphrase"));
        let key = OfficerKey::open(officer, &path, none).unwrap();
        let word = Approval {
            iss: String::new(),
            aud: ID.to_owned(),
            iat: self.now(),
            kind: view.kind,
            id: view.id.clone(),
            version: view.version,
            digest: view.digest.parse().unwrap(),
            role,
            from: None,
        };
        WordAsk { word: key.sign(word).unwrap(), reason: String::new() }
    }

    /// Its home alone, that nobody serves any more.
    pub(crate) fn home_only(self) -> Model {
        Model(self.directory)
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().unix_timestamp()
    }

    /// A party's own id: the same in the same place of a run of the same seed.
    pub(crate) fn fresh(&self) -> String {
        let mut bits = [0; 16];
        self.ids.fill(&mut bits).unwrap();
        Id::from_bits(bits).to_string()
    }

    /// Asks as a party, with nothing but what is given.
    pub(crate) async fn ask(
        &self,
        party: &str,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let Ok(mut request) = request.body(body.into()) else {
            // nothing of the kind leaves a client
            return Answer { status: 0, headers: String::new(), text: String::new() };
        };
        request.extensions_mut().extend(self.kits[party].known.clone());
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let headers = format!("{:?}", answer.headers());
        let body = axum::body::to_bytes(answer.into_body(), ANSWER_BYTES_MAX).await.unwrap();
        Answer { status, headers, text: String::from_utf8_lossy(&body).into_owned() }
    }

    async fn bearer(&self, party: &str) -> String {
        let kit = &self.kits[party];
        let now = self.now();
        let known = kit.token.lock().unwrap().clone();
        if let Some((token, until)) = known.filter(|(_, until)| *until > now) {
            let _ = until;
            return token;
        }
        let claims = json!({"iss": party, "sub": party, "aud": ID, "jti": self.fresh(),
            "iat": now, "exp": now + 120});
        let signed = kit.key.sign(Assertion(claims)).unwrap();
        let form = format!(
            "grant_type=client_credentials&client_id={party}\
             &scope=messages:write+messages:read+inbox+ledger:read&client_assertion_type=\
             urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion={}",
            signed.compact()
        );
        let media = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.ask(party, ("POST", "/v1/token"), &media, form).await;
        let token = answer.json()["access_token"].as_str().map(str::to_owned);
        let token = token.unwrap_or_else(|| panic!("{party}: {}", answer.text));
        let bearer = format!("Bearer {token}");
        *kit.token.lock().unwrap() = Some((bearer.clone(), now + TOKEN_S));
        bearer
    }

    pub(crate) async fn get(&self, party: &str, path: &str) -> Answer {
        self.get_with(party, path, &[]).await
    }

    pub(crate) async fn get_with(&self, party: &str, path: &str, more: &[(&str, &str)]) -> Answer {
        let bearer = self.bearer(party).await;
        let headers: Vec<_> =
            [("authorization", bearer.as_str())].iter().chain(more).copied().collect();
        self.ask(party, ("GET", path), &headers, Body::empty()).await
    }

    /// Posts an object as a party.
    pub(crate) async fn post(&self, party: &str, path: &str, object: String) -> Answer {
        self.post_with(party, path, &[], object).await
    }

    pub(crate) async fn post_with(
        &self,
        party: &str,
        path: &str,
        more: &[(&str, &str)],
        object: String,
    ) -> Answer {
        let bearer = self.bearer(party).await;
        let own = [("authorization", bearer.as_str()), ("content-type", "application/jose")];
        let headers: Vec<_> = own.iter().chain(more).copied().collect();
        self.ask(party, ("POST", path), &headers, object).await
    }

    /// The claims, made this party's own and fresh.
    pub(crate) fn claims(&self, party: &str, example: &Value) -> Value {
        let mut claims = example.clone();
        let now = self.now();
        claims["iss"] = json!(party);
        claims["aud"] = json!(ID);
        claims["jti"] = json!(self.fresh());
        claims["iat"] = json!(now);
        claims["exp"] = json!(now + 3600);
        claims
    }

    /// Signs bytes as they are, under the party's own header with `header` over it: what no
    /// library would write can be sent.
    pub(crate) fn sign(&self, party: &str, payload: &[u8], header: &Value) -> String {
        let kit = &self.kits[party];
        let mut own = json!({"alg": "EdDSA", "typ": "titian-message+jwt", "kid": kit.kid});
        own.as_object_mut().unwrap().extend(header.as_object().cloned().unwrap_or_default());
        let input = format!("{}.{}", BASE64.encode(own.to_string()), BASE64.encode(payload));
        let signature = kit.pair.sign(input.as_bytes());
        format!("{input}.{}", BASE64.encode(signature))
    }

    pub(crate) async fn acknowledge(&self, party: &str, item: &Value) -> Answer {
        let release = item["release"].as_str().unwrap();
        let claims = json!({"iss": party, "aud": ID, "jti": self.fresh(), "iat": self.now(),
            "release_id": item["release_id"], "digest": Digest::of(release.as_bytes()),
            "result": "received"});
        let word = self.kits[party].key.sign(Ack(claims)).unwrap();
        let path = format!("/v1/inbox/{}/acknowledgement", item["release_id"].as_str().unwrap());
        self.post(party, &path, word.compact().to_owned()).await
    }

    /// What a party's inbox holds behind a cursor.
    pub(crate) async fn inbox(&self, party: &str, after: &str) -> Answer {
        self.get(party, &format!("/v1/inbox?limit=100&after={after}")).await
    }
}

/// A home for twins.
pub(crate) struct Model(tempfile::TempDir);

impl Model {
    /// As `init` makes it, with a text of it changed before anybody opened it.
    pub(crate) fn changed(file: &str, (from, to): (&str, &str)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().join("home");
        run(Command::new(env!("CARGO_BIN_EXE_titian")).arg("init").arg(&home));
        let text = std::fs::read_to_string(home.join(file)).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        std::fs::write(home.join(file), text.replace(from, to)).unwrap();
        Self(directory)
    }

    /// A home of its own, like this one.
    pub(crate) fn copy(model: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        run(Command::new("cp").arg("-a").arg(model).arg(directory.path().join("home")));
        Self(directory)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("home")
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn kit(home: &Path, name: &str) -> Kit {
    let address: Address = name.parse().unwrap();
    let directory = home.join("parties").join(address.party.as_str());
    let bytes = std::fs::read(directory.join("signing.jwk")).unwrap();
    let jwk: Value = serde_json::from_slice(&bytes).unwrap();
    let key = SigningKey::from_jwk(&serde_json::from_slice(&bytes).unwrap()).unwrap();
    let secret = BASE64.decode(jwk["d"].as_str().unwrap()).unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&secret).unwrap();
    let kid = jwk["kid"].as_str().unwrap().to_owned();
    let pem = std::fs::read(directory.join("tls.pem")).unwrap();
    let certificate = CertificateDer::from_pem_slice(&pem).unwrap();
    Kit { known: peer(Some(&certificate)).unwrap(), key, pair, kid, token: Mutex::new(None) }
}
