//! What officers are told of one version: what it changes, and where it stands.

use super::change::show_diff;
use super::confirm::DIGEST_CHARS_MIN;
use super::printer::Printer;
use super::rulebook::Rulebook;
use crate::domain::{DocumentKind, Language, VersionState};
use crate::exchange::rules::Document;
use crate::policy::{changed_lines, diff};
use crate::wire::VersionView;

/// What a version changes: sentences for a policy, the lines that differ for anything else, and the
/// whole text where nothing is in force yet.
pub(super) fn tell_change(
    printer: Printer,
    book: &Rulebook,
    view: &VersionView,
    language: Language,
) {
    if view.kind == DocumentKind::Policy
        && let Ok(after) = book.compiled(&view.id, &view.text, &view.id)
    {
        if let Some(before) = book.find(&view.id)
            && let Ok(diff) = diff(&before, &after)
        {
            show_diff(printer, &diff, (&before, &after), language);
        } else {
            for sentence in crate::policy::explain(&after, language) {
                printer.line(format!("+ {sentence}"));
            }
        }
        for warning in after.warnings() {
            printer.line(format!("warning: {warning}"));
        }
        return;
    }
    tell_text(printer, book.text(view.kind, &view.id), view);
    if view.kind == DocumentKind::Exception
        && let Some((standing, above)) = book.exception(&view.id, &view.text)
        && let Ok(diff) = diff(&standing, &above)
    {
        printer.line("for this one message, above the policy:");
        show_diff(printer, &diff, (&standing, &above), language);
    }
}

fn tell_text(printer: Printer, before: Option<&str>, view: &VersionView) {
    let Some(before) = before else {
        view.text.lines().for_each(|line| printer.line(format!("  {line}")));
        tell_new_keys(printer, None, view);
        return;
    };
    let (kind, id, version) = (view.kind, &view.id, view.version);
    printer.line(format!("against what is in force (`titian {kind} export {id} --version {version}` writes it whole):"));
    let changed = changed_lines(before, &view.text);
    if changed.is_empty() {
        printer.line("  nothing differs");
    }
    for line in &changed {
        printer.line(line);
    }
    tell_new_keys(printer, Some(before), view);
}

/// Whoever proposes or approves a key has its holder say the same.
fn tell_new_keys(printer: Printer, before: Option<&str>, view: &VersionView) {
    let read = |text: &str| Document::parse(view.kind, &view.id, text).ok();
    let Some(after) = read(&view.text) else { return };
    for thumbprint in after.new_thumbprints(before.and_then(read).as_ref()) {
        printer.line(format!("new key, whose holder should say the same thumbprint: {thumbprint}"));
    }
}

/// A version after something was done with it.
pub(super) fn told(printer: Printer, view: &VersionView) {
    printer.json(view);
    line(printer, view);
    if let Some(applied) = view.applied.as_deref() {
        printer.line(match applied {
            "made" => "what it adds to the message is released, or waits for its window",
            "awaits_message" => "the message is not there yet; it goes under this once it is",
            "with_officer" => "the message is held or under review: an officer may let it go now",
            "ends_before_window" => "it ends before the recipient's next window: nothing was made",
            "nothing" => "nothing was made: the message was taken back, erased, or is another one",
            _ => "what it adds was not made; it is tried again, and the gateway's log says why",
        });
    }
}

/// A version in one line.
pub(super) fn line(printer: Printer, view: &VersionView) {
    let needs = match (view.state, recorded(view)) {
        (VersionState::Proposed, Some("two_agencies")) => ", takes officers of two agencies",
        (VersionState::Proposed, Some(_)) => ", takes two officers of two units",
        (VersionState::Approved, Some("one")) => ", its author was enough",
        _ => "",
    };
    let from = match (&view.effective_at, view.stands.as_str()) {
        (Some(at), "scheduled" | "in_force") => format!(" from {at}"),
        _ => String::new(),
    };
    let why = view.unusable.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let short: String = view.digest.chars().take(DIGEST_CHARS_MIN).collect();
    printer.line(format!(
        "{:<28} version {:<3} {short}  {}{from}{needs}{why}",
        view.id, view.version, view.stands
    ));
}

/// Of another what its approver has to be.
pub(super) fn approved_by(view: &VersionView) -> &'static str {
    if recorded(view) == Some("two_agencies") { "agency" } else { "unit" }
}

/// How many officers it was found to take, in the last step that says so. Of a draft nothing is
/// recorded yet: what it takes is found when it is proposed.
fn recorded(view: &VersionView) -> Option<&str> {
    view.steps.iter().rev().find_map(|step| step.needs.as_deref())
}
