//! What would be said of a text if it were proposed now. Nothing is kept.

use crate::domain::{DocumentKind, Needs, VersionState};
use crate::policy::Finding;
use crate::store::{VersionKey, VersionRow};

use super::Gateway;
use super::change::{ChangeFault, now, snapshot};
use super::rules::proposal::Proposal;
use super::rules::{BadDocument, Document};

/// What speaks against a text, and how many officers it takes.
#[derive(Debug)]
pub struct Would {
    /// What speaks against it.
    pub findings: Vec<Finding>,
    /// How many officers it takes; `None` where the text is no document.
    pub needs: Option<Needs>,
}

/// Judges a text as the next version of a document, put forward by `officer`. What would become of
/// every other document is asked when it is proposed.
///
/// # Errors
/// [`ChangeFault::Failed`].
pub async fn would(
    gateway: &Gateway,
    officer: &str,
    (kind, id): (DocumentKind, &str),
    text: &str,
) -> Result<Would, ChangeFault> {
    let document = match Document::parse(kind, id, text) {
        Ok(document) => document,
        Err(BadDocument { line, reason: message }) => {
            let (leaf, accepted) = (String::new(), Vec::new());
            let findings = vec![Finding { line, leaf, message, accepted }];
            return Ok(Would { findings, needs: None });
        }
    };
    let (rules, rows) = snapshot(gateway).await?;
    let of = |row: &&VersionRow| row.key.kind == kind && row.key.id == id;
    let last = rows.iter().filter(of).map(|row| row.key.version).max();
    let version = last.unwrap_or(0).saturating_add(1);
    let row = VersionRow {
        key: VersionKey { kind, id: id.to_owned(), version },
        text: text.to_owned(),
        digest: document.digest(),
        state: VersionState::Draft,
        effective_at: None,
        steps: Vec::new(),
    };
    let now = now(gateway, &rows);
    let author = rules.history.now(officer, now);
    let proposal = Proposal {
        rules: &rules,
        rows: &rows,
        row: &row,
        document: &document,
        author,
        now,
        effective: now,
    };
    let effect = proposal.effect();
    let findings = proposal.findings(gateway.id(), effect, rules.today(gateway.clock()));
    Ok(Would { findings, needs: Some(effect.needs) })
}
