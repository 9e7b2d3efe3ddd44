//! Sessions: kept by the server, ended by idleness, by age and by whoever is signed in.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use time::OffsetDateTime;
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result as Stored};
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};

use super::Site;
use super::fault::Fault;
use super::page::{Page, see};
use super::zone::Zone;
use crate::clock::{Entropy as _, SystemEntropy};
use crate::config::Officer;
use crate::domain::Language;
use crate::exchange::{Gateway, ticket};

/// A session that nothing is done in ends.
const IDLE: time::Duration = time::Duration::minutes(20);
/// Every session ends.
const LASTS_S: i64 = 10 * 3600;
/// How often it is written down that something was done.
const SEEN_S: i64 = 60;
/// The prefix has browsers keep it for this host alone, over TLS alone.
const COOKIE: &str = "__Host-titian";
const KIND: &str = "session";
/// Longest query that the links of a page repeat, in bytes: no form of ours makes a longer one.
const QUERY_BYTES_MAX: usize = 2 * 1024;

const OFFICER: &str = "officer";
const SINCE: &str = "since";
const SEEN: &str = "seen";
const TOKEN: &str = "token";
const LANGUAGE: &str = "language";
const ZONE: &str = "zone";
const NOTICE: &str = "notice";

pub(super) type Layer = SessionManagerLayer<Kept>;

/// The layer that gives every request its session.
pub(super) fn layer(site: &Site) -> Layer {
    SessionManagerLayer::new(Kept(Arc::clone(&site.gateway)))
        .with_name(COOKIE)
        .with_secure(true)
        .with_http_only(true)
        .with_same_site(SameSite::Strict)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(IDLE))
}

/// Sessions as tickets of the store.
#[derive(Clone)]
pub(super) struct Kept(Arc<Gateway>);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

fn failed(failure: impl fmt::Display) -> Error {
    Error::Backend(failure.to_string())
}

/// A session as it is kept: less its id, by which a browser signs in. It ends by the gateway's
/// clock, whatever the library's says.
fn written(gateway: &Gateway, record: &Record) -> Stored<(String, String, i64)> {
    let ends = gateway.clock().now().checked_add(IDLE).ok_or_else(|| failed("no such moment"))?;
    let value = serde_json::to_string(&record.data).map_err(failed)?;
    Ok((record.id.to_string(), value, ends.unix_timestamp()))
}

#[async_trait]
impl SessionStore for Kept {
    async fn create(&self, record: &mut Record) -> Stored<()> {
        // 128 random bits: none comes twice
        let (secret, value, expires_at) = written(&self.0, record)?;
        ticket::keep(&self.0, (KIND, &secret), value, expires_at).await.map_err(failed)
    }

    /// What was signed out meanwhile stays so: a request that began before brings nothing back.
    async fn save(&self, record: &Record) -> Stored<()> {
        let (secret, value, expires_at) = written(&self.0, record)?;
        ticket::renew(&self.0, (KIND, &secret), value, expires_at).await.map_err(failed)
    }

    async fn load(&self, id: &Id) -> Stored<Option<Record>> {
        let value = ticket::read(&self.0, (KIND, &id.to_string())).await.map_err(failed)?;
        let Some(value) = value else { return Ok(None) };
        let data = serde_json::from_str(&value).map_err(failed)?;
        let expiry_date = OffsetDateTime::now_utc().checked_add(IDLE);
        let expiry_date = expiry_date.ok_or_else(|| failed("no such moment"))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Stored<()> {
        ticket::take(&self.0, (KIND, &id.to_string())).await.map(|_was| ()).map_err(failed)
    }
}

/// A visitor, signed in or not.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) site: Site,
    pub(super) session: Session,
    pub(super) page: Page,
}

impl Visit {
    /// Signs in: under another id than before, so that nobody who knew that one follows.
    pub(super) async fn sign_in(&self, officer: &Officer) -> Result<(), Fault> {
        self.session.cycle_id().await?;
        let now = self.site.gateway.clock().now().unix_timestamp();
        self.session.insert(OFFICER, &officer.name).await?;
        self.session.insert(SINCE, now).await?;
        self.session.insert(SEEN, now).await?;
        self.session.insert(TOKEN, random()?).await?;
        Ok(())
    }

    /// Has the next page say what an act came to, as `done-…` in the catalogue.
    pub(super) async fn notice(&self, code: &str) -> Result<(), Fault> {
        Ok(self.session.insert(NOTICE, code).await?)
    }

    /// Whether a form is one of this session.
    pub(super) fn check(&self, token: &str) -> Result<(), Fault> {
        let own = self.page.token.as_bytes();
        if !own.is_empty() && bool::from(own.ct_eq(token.as_bytes())) {
            Ok(())
        } else {
            Err(Fault::Form)
        }
    }
}

impl FromRequestParts<Site> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Response> {
        let session = Session::from_request_parts(parts, site)
            .await
            .map_err(|(status, why)| (status, why).into_response())?;
        visit(parts, site, session).await.map_err(IntoResponse::into_response)
    }
}

async fn visit(parts: &Parts, site: &Site, session: Session) -> Result<Visit, Fault> {
    let now = site.gateway.clock().now().unix_timestamp();
    let mut officer = None;
    if let Some(name) = session.get::<String>(OFFICER).await? {
        let since = session.get::<i64>(SINCE).await?.unwrap_or(0);
        let rules = site.gateway.rules();
        // looked up anew for every request: whoever is disabled is out at once
        officer = rules.history.now(&name, now.max(rules.at)).filter(|it| !it.disabled).cloned();
        if officer.is_none() || since.saturating_add(LASTS_S) <= now {
            session.flush().await?;
            officer = None;
        }
    }
    if officer.is_some() {
        let seen = session.get::<i64>(SEEN).await?.unwrap_or(0);
        if seen.saturating_add(SEEN_S) <= now {
            session.insert(SEEN, now).await?;
        }
    }
    let token = session.get::<String>(TOKEN).await?.unwrap_or_default();
    // to take it out writes the session: only where there is one
    let has_notice = officer.is_some() && session.get::<String>(NOTICE).await?.is_some();
    let notice = if has_notice { session.remove::<String>(NOTICE).await? } else { None };
    let query = parts.uri.query().unwrap_or_default();
    let all = serde_urlencoded::from_str::<Vec<(String, String)>>(query).unwrap_or_default();
    let asked = |name| all.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let is_kept = officer.is_some();
    // a stranger is remembered nowhere
    let language = match asked("lang") {
        Some(code @ ("id" | "en")) if is_kept => {
            session.insert(LANGUAGE, code).await?;
            Some(code.to_owned())
        }
        Some(code @ ("id" | "en")) => Some(code.to_owned()),
        _ => session.get::<String>(LANGUAGE).await?,
    };
    let zone = match asked("zone").and_then(Zone::of) {
        Some(zone) if is_kept => {
            session.insert(ZONE, zone.code()).await?;
            zone
        }
        Some(zone) => zone,
        None => {
            let kept = session.get::<String>(ZONE).await?;
            kept.as_deref().and_then(Zone::of).unwrap_or_default()
        }
    };
    let language = match (language.as_deref(), &officer) {
        (Some("en"), _) => Language::En,
        (Some(_), _) => Language::Id,
        (None, Some(officer)) => officer.language,
        (None, None) => accepted(&parts.headers),
    };
    let path = parts.uri.path().to_owned();
    let query = kept_query(parts, &all);
    let page = Page { language, zone, officer, token, path, query, notice };
    Ok(Visit { site: site.clone(), session, page })
}

/// What a link back to a page repeats: what was asked of it and is no choice of language or zone.
fn kept_query(parts: &Parts, asked: &[(String, String)]) -> Vec<(String, String)> {
    let query = parts.uri.query().unwrap_or_default();
    if parts.method != Method::GET || query.len() > QUERY_BYTES_MAX {
        return Vec::new();
    }
    let is_choice = |name: &str| matches!(name, "lang" | "zone");
    asked.iter().filter(|(name, _)| !is_choice(name)).cloned().collect()
}

/// What the browser is set to; Bahasa Indonesia where it says neither.
pub(super) fn accepted(headers: &HeaderMap) -> Language {
    let header = headers.get(axum::http::header::ACCEPT_LANGUAGE);
    let header = header.and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header.trim_start().to_ascii_lowercase().starts_with("en") {
        Language::En
    } else {
        Language::Id
    }
}

/// Who is signed in; anybody else is asked to.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) visit: Visit,
    pub(super) officer: Officer,
}

impl FromRequestParts<Site> for Seat {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Response> {
        let visit = Visit::from_request_parts(parts, site).await?;
        match visit.page.officer.clone() {
            Some(officer) => Ok(Self { visit, officer }),
            // what was typed must not be lost: whoever sends a form is told, and goes back to it
            None if parts.method == Method::POST => {
                Err(Fault::SignedOut(visit.page.language).into_response())
            }
            None => Err(see("/sign-in")),
        }
    }
}

impl Seat {
    /// A page of the signed-in officer.
    pub(super) fn page(&self) -> Page {
        self.visit.page.clone()
    }

    /// The use cases.
    pub(super) fn gateway(&self) -> &Gateway {
        &self.visit.site.gateway
    }
}

/// 256 random bits.
pub(super) fn random() -> Result<String, Fault> {
    let mut bytes = [0u8; 32];
    SystemEntropy::default().fill(&mut bytes).map_err(|_none| Fault::Busy)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
