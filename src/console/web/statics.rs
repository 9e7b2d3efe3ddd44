//! Style and script. Each is named by a hash of what it says, and so may be kept for good.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::Site;
use crate::domain::Digest;

struct Static {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const STATICS: &[Static] = &[
    Static {
        name: "console.css",
        kind: "text/css; charset=utf-8",
        text: include_str!("static/console.css"),
    },
    Static {
        name: "passkey.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("static/passkey.js"),
    },
    // htmx.org 2.0.11 as its package has it: https://www.npmjs.com/package/htmx.org/v/2.0.11
    Static {
        name: "htmx.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("static/htmx.min.js"),
    },
    Static { name: "titian.svg", kind: "image/svg+xml", text: include_str!("static/titian.svg") },
];

static HASHES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let hash = |file: &Static| Digest::of(file.text.as_bytes()).to_string();
    STATICS.iter().map(|file| hash(file).chars().take(16).collect()).collect()
});

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/static/{hash}/{name}", get(serve))
}

/// Where a page finds a file.
pub(super) fn path(name: &str) -> String {
    let at = STATICS.iter().position(|file| file.name == name).unwrap_or(0);
    format!("/static/{}/{name}", HASHES.get(at).map_or("", String::as_str))
}

async fn serve(Path((hash, name)): Path<(String, String)>) -> Response {
    let found = STATICS.iter().zip(HASHES.iter());
    let mut found = found.filter(|(file, known)| file.name == name && **known == hash);
    match found.next() {
        Some((file, _)) => {
            let kept = "public, max-age=31536000, immutable";
            let headers = [(header::CONTENT_TYPE, file.kind), (header::CACHE_CONTROL, kept)];
            (headers, file.text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    /// `sha256sum node_modules/htmx.org/dist/htmx.min.js` of the package that `htmx.LICENSE` names.
    const HTMX: &str = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717";

    #[test]
    fn what_others_wrote_is_what_they_published() {
        let text = include_str!("static/htmx.min.js");
        let digest = crate::domain::Digest::of(text.as_bytes());
        assert_eq!(HEXLOWER.encode(digest.as_bytes()), HTMX);
        let note = include_str!("static/htmx.LICENSE");
        assert!(note.contains("htmx.org 2.0.11") && text.contains("2.0.11"));
    }
}
