//! Taking an invitation: the officer's device makes a passkey, which two officers then approve.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use axum::{Form, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::Site;
use super::fault::Fault;
use super::page::{Page, html};
use super::session::{Visit, random};
use crate::config::officers::Passkey;
use crate::exchange::enrol;
use crate::sign::passkey;

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/enrol/{code}", get(form).post(take))
}

#[derive(Template)]
#[template(path = "enrol.html")]
struct Enrol {
    page: Page,
    code: String,
    officer: String,
    /// Random: the passkey is proved by its first use, not by this.
    challenge: String,
}

#[derive(Template)]
#[template(path = "enrolled.html")]
struct Enrolled {
    page: Page,
    officer: String,
    version: u32,
    thumbprint: String,
}

async fn form(visit: Visit, Path(code): Path<String>) -> Result<Response, Fault> {
    let invited = match enrol::invited(&visit.site.gateway, &code).await {
        Ok(invited) => invited,
        Err(fault) => return Ok(Fault::from(fault).shown(&visit.page)),
    };
    let challenge = random()?;
    let page = Enrol { page: visit.page, code, officer: invited.officer, challenge };
    Ok(html(StatusCode::OK, &page))
}

#[derive(Deserialize)]
struct New {
    credential: String,
    /// `SubjectPublicKeyInfo`, base64url.
    key: String,
}

async fn take(
    visit: Visit,
    Path(code): Path<String>,
    Form(new): Form<New>,
) -> Result<Response, Fault> {
    let key = URL_SAFE_NO_PAD.decode(&new.key).ok();
    let Some(key) = key.and_then(|spki| passkey::public_key(&spki).ok()) else {
        return Ok(Fault::Passkey.shown(&visit.page));
    };
    let thumbprint = key.thumbprint().to_string();
    let mut jwk = key.to_jwk();
    if let Some(members) = jwk.as_object_mut() {
        members.retain(|name, _| matches!(name.as_str(), "kty" | "crv" | "x" | "y"));
    }
    let passkey = Passkey { id: new.credential, key: jwk };
    match enrol::enrol(&visit.site.gateway, &code, passkey).await {
        Ok(view) => {
            let (officer, version) = (view.id, view.version);
            let page = Enrolled { page: visit.page, officer, version, thumbprint };
            Ok(html(StatusCode::CREATED, &page))
        }
        Err(fault) => Ok(Fault::from(fault).shown(&visit.page)),
    }
}
