//! The client against a scripted gateway: real TLS and HTTP on loopback, answers by hand.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Map, Value, json};
use tokio_rustls::TlsAcceptor;

use super::{ClientFault, Form, Kit, Location, Session, Submission};
use crate::clock::{ManualClock, SeededEntropy};
use crate::config::{Access, file};
use crate::domain::{Digest, Statement};
use crate::sign::signing::SigningKey;
use crate::sign::{Algorithm, KeySet, split};

const ID: &str = "https://titian.example.org";

/// What the gateway was asked.
#[derive(Debug, Clone)]
struct Asked {
    method: Method,
    uri: Uri,
    body: Bytes,
}

/// How it answers `POST /v1/messages`, in turn.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Admit,
    AdmitForAnother,
    Busy,
    Unauthenticated,
    Refuse,
}

struct Gateway {
    key: SigningKey,
    script: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
}

struct Receipt(Value);
impl Statement for Receipt {
    const TYP: &'static str = "titian-receipt+jwt";
    fn into_claims(self) -> Value {
        self.0
    }
}

async fn answer(
    State(gateway): State<Arc<Gateway>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    gateway.asked.lock().unwrap().push(Asked { method, uri, body: body.clone() });
    match path.as_str() {
        "/.well-known/titian.json" => {
            axum::Json(json!({"id": ID, "versions": ["1"]})).into_response()
        }
        "/.well-known/jwks.json" => {
            let keys = KeySet::new(vec![gateway.key.public().clone()]);
            axum::Json(keys.to_jwks()).into_response()
        }
        "/v1/token" => axum::Json(json!({
            "access_token": "token", "token_type": "Bearer", "expires_in": 600, "scope": "",
        }))
        .into_response(),
        "/v1/messages" => gateway.message(&body),
        _ => problem(StatusCode::NOT_FOUND, "not-found"),
    }
}

impl Gateway {
    fn message(&self, body: &[u8]) -> Response {
        let sent = match self.script.lock().unwrap().pop_front().unwrap() {
            Answer::Admit => Digest::of(body),
            Answer::AdmitForAnother => Digest::of(b"another"),
            Answer::Busy => {
                let busy = problem(StatusCode::SERVICE_UNAVAILABLE, "busy");
                return ([("retry-after", "0")], busy).into_response();
            }
            Answer::Unauthenticated => {
                return problem(StatusCode::UNAUTHORIZED, "unauthenticated");
            }
            Answer::Refuse => return problem(StatusCode::UNPROCESSABLE_ENTITY, "no-policy"),
        };
        let id = claims_of(body)["jti"].clone();
        let receipt = self.key.sign(Receipt(json!({
            "iss": ID, "aud": "bnpt", "for": "message", "message_id": id, "digest": sent,
        })));
        let proof = json!({
            "ledger": "bnpt", "entry": "", "salt": "", "index": 0, "size": 1, "hashes": [],
            "checkpoint": "",
        });
        let submitted = json!({
            "message_id": id, "state": "admitted", "recipients": [],
            "receipt": receipt.unwrap().compact(), "proof": proof,
        });
        (StatusCode::CREATED, axum::Json(submitted)).into_response()
    }

    fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| asked.uri.path() == path).cloned().collect()
    }
}

fn problem(status: StatusCode, code: &str) -> Response {
    let problem = json!({
        "type": format!("{ID}/problems/{code}"), "title": code, "status": status.as_u16(),
        "detail": "", "instance": "urn:titian:request:x", "code": code,
    });
    (status, axum::Json(problem)).into_response()
}

fn claims_of(object: &[u8]) -> Value {
    use base64::Engine;
    let text = std::str::from_utf8(object).unwrap();
    let payload = text.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// A CA, and a certificate for 127.0.0.1 that it issued.
fn certificates() -> (String, rcgen::Certificate, KeyPair) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = ca.self_signed(&ca_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    (pem, leaf, key)
}

/// Serves the gateway on loopback; the client's certificate is asked for and must be `client`.
async fn serve(gateway: Arc<Gateway>, client: rcgen::Certificate) -> (String, String) {
    let (ca, leaf, key) = certificates();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(client.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        Arc::clone(&provider),
    );
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(gateway);
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, router) = (acceptor.clone(), router.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = TowerToHyperService::new(router);
                let served = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                drop(served.await);
            });
        }
    });
    (url, ca)
}

/// A kit in `directory`, and the certificate in it.
fn make_kit(directory: &Path) -> rcgen::Certificate {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    let signing = SigningKey::generate(Algorithm::EdDsa).unwrap().to_private_jwk().unwrap();
    file::write_new(&directory.join("signing.jwk"), signing.expose(), Access::Owner).unwrap();
    let pem = key.serialize_pem();
    file::write_new(&directory.join("tls.key"), pem.as_bytes(), Access::Owner).unwrap();
    let pem = certificate.pem();
    file::write_new(&directory.join("tls.pem"), pem.as_bytes(), Access::Everyone).unwrap();
    certificate
}

struct Scene {
    _directory: tempfile::TempDir,
    location: Location,
    gateway: Arc<Gateway>,
}

impl Scene {
    async fn set(script: &[Answer]) -> Self {
        Self::set_for(script, None).await
    }

    /// A gateway that takes `known` for the partner's certificate, or else the partner's own.
    async fn set_for(script: &[Answer], known: Option<rcgen::Certificate>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let own = make_kit(directory.path());
        let certificate = known.unwrap_or(own);
        let gateway = Arc::new(Gateway {
            key: SigningKey::generate(Algorithm::EdDsa).unwrap(),
            script: Mutex::new(script.iter().copied().collect()),
            asked: Mutex::default(),
        });
        let (url, ca) = serve(Arc::clone(&gateway), certificate).await;
        file::write_new(&directory.path().join("ca.pem"), ca.as_bytes(), Access::Everyone).unwrap();
        let location = Location {
            address: "bnpt".parse().unwrap(),
            directory: directory.path().to_owned(),
            gateway: url,
            ca: directory.path().join("ca.pem"),
        };
        Self { _directory: directory, location, gateway }
    }

    async fn open(&self) -> Result<Session, ClientFault> {
        let clock = ManualClock::at(time::macros::datetime!(2026-11-24 08:00 UTC));
        let entropy = SeededEntropy::new(7);
        let kit = Kit::open(&self.location)?;
        Session::open(kit, Arc::new(clock), Arc::new(entropy), Box::new(|_| {})).await
    }
}

fn claims() -> Map<String, Value> {
    json!({"type": "referral/1", "body": {"note": "Zarqolin"}}).as_object().unwrap().clone()
}

#[tokio::test]
async fn a_message_is_submitted_under_a_token_and_its_receipt_is_believed() {
    let scene = Scene::set(&[Answer::Admit]).await;
    let session = scene.open().await.unwrap();
    let message = session.message(claims(), Form::Plain, None).unwrap();
    let submission = session.submit(&message).await.unwrap();
    assert!(matches!(submission, Submission::Admitted(_)));
    let asked = scene.gateway.asked("/v1/messages");
    assert_eq!(asked[0].method, Method::POST);
    let own = Kit::open(&scene.location).unwrap();
    let split = split(&asked[0].body).unwrap();
    assert!(split.verify(own.signing.public(), &["titian-message+jwt"]).is_ok());
    let sent = claims_of(&asked[0].body);
    assert_eq!((&sent["iss"], &sent["aud"]), (&json!("bnpt"), &json!(ID)));
}

#[tokio::test]
async fn a_busy_gateway_and_an_ended_token_are_asked_again_with_the_same_bytes() {
    let scene = Scene::set(&[Answer::Unauthenticated, Answer::Busy, Answer::Admit]).await;
    let session = scene.open().await.unwrap();
    let message = session.message(claims(), Form::BodyDisclosure, None).unwrap();
    assert!(session.submit(&message).await.is_ok());
    let asked = scene.gateway.asked("/v1/messages");
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|again| again.body == asked[0].body));
    let tokens = scene.gateway.asked("/v1/token");
    assert_eq!(tokens.len(), 2);
    assert_ne!(tokens[0].body, tokens[1].body, "an assertion is used once");
}

#[tokio::test]
async fn a_receipt_for_other_bytes_is_not_believed() {
    let scene = Scene::set(&[Answer::AdmitForAnother]).await;
    let session = scene.open().await.unwrap();
    let message = session.message(claims(), Form::Plain, None).unwrap();
    let fault = session.submit(&message).await.unwrap_err();
    assert!(matches!(fault, ClientFault::Mismatch { .. }), "{fault}");
}

#[tokio::test]
async fn a_refusal_is_told_and_not_tried_again() {
    let scene = Scene::set(&[Answer::Refuse]).await;
    let session = scene.open().await.unwrap();
    let message = session.message(claims(), Form::Plain, None).unwrap();
    let fault = session.submit(&message).await.unwrap_err();
    assert!(matches!(fault, ClientFault::Refused(problem) if problem.code == "no-policy"));
    assert_eq!(scene.gateway.asked("/v1/messages").len(), 1);
}

#[tokio::test]
async fn a_certificate_that_is_not_taken_is_told_and_not_tried_again() {
    let elsewhere = tempfile::tempdir().unwrap();
    let scene = Scene::set_for(&[], Some(make_kit(elsewhere.path()))).await;
    let fault = scene.open().await.unwrap_err();
    assert!(matches!(fault, ClientFault::Tls { .. }), "{fault}");
    assert!(fault.to_string().contains("certificate of yours"), "{fault}");
}

#[tokio::test]
async fn a_gateway_under_another_ca_is_told_and_sent_nothing() {
    let scene = Scene::set(&[]).await;
    let (other, _, _) = certificates();
    file::replace(&scene.location.ca, other.as_bytes(), Access::Everyone).unwrap();
    let fault = scene.open().await.unwrap_err();
    assert!(matches!(fault, ClientFault::Tls { .. }), "{fault}");
    assert!(fault.to_string().contains("pinned CA"), "{fault}");
    assert!(scene.gateway.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_gateway_is_pinned_once() {
    let scene = Scene::set(&[]).await;
    scene.open().await.unwrap();
    scene.open().await.unwrap();
    assert_eq!(scene.gateway.asked("/.well-known/jwks.json").len(), 1);
}

#[tokio::test]
async fn claims_that_the_signer_sets_are_refused_in_a_file() {
    let scene = Scene::set(&[]).await;
    let session = scene.open().await.unwrap();
    for name in ["iss", "aud", "iat", "exp", "jti", "_sd", "_sd_alg"] {
        let mut claims = claims();
        claims.insert(name.to_owned(), json!("x"));
        assert!(session.message(claims, Form::Plain, None).is_err(), "{name}");
    }
}
