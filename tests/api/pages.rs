//! The console's pages behind forms, in the language of whoever reads them; and what a page does
//! while something else happens to its session.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::task::Poll;

use axum::body::Body;
use regex::Regex;
use titian::domain::{DocumentKind, VersionState};
use titian::exchange::versions;
use titian::wire::VersionsAsk;

use crate::console::{EDITOR, Pages, between, form};

const POLICY: &str = "kemensos-cuta-be-status";
const SHIPPED: &str = include_str!("../../config/policies/kemensos-cuta-be-status.toml");

/// An editor who is signed in.
fn editor() -> Pages {
    let mut pages = Pages::open();
    pages.enrol(EDITOR, "roles = [\"editor\", \"operator\"]");
    assert_eq!(pages.sign_in(), 303);
    pages
}

fn token(pages: &mut Pages) -> String {
    let (_, page) = pages.ask("GET", "/new", &[]);
    between(&page, "name=\"token\" value=\"", "\"").to_owned()
}

/// What the catalogue's reasons say in English around their values, and not in Bahasa Indonesia.
fn english_reasons() -> BTreeSet<String> {
    let read = |language: &str| {
        let path = format!("config/locales/{language}/why.ftl");
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
    };
    let value = Regex::new(r"\{ \$[a-z]+ \}").unwrap();
    let (english, bahasa) = (read("en"), read("id"));
    let said = english.lines().filter_map(|line| Some(line.split_once(" = ")?.1));
    let parts = said.flat_map(|said| value.split(said).map(|part| part.trim().to_owned()));
    // words and names of fields alone are the same in both
    let tells = |part: &String| part.split(' ').count() > 2 && !bahasa.contains(part.as_str());
    parts.filter(tells).map(|part| part.replace('\'', "&#39;")).collect()
}

#[test]
fn no_finding_is_told_in_english_on_a_page_in_bahasa() {
    let mut pages = editor();
    let reasons = english_reasons();
    assert!(reasons.len() > 100, "{reasons:?}");
    let token = token(&mut pages);
    let path = format!("/edit/policy/{POLICY}/preview?lang=id");
    let note = "\"/note\"               = \"drop\"";
    let outcome = "{ op = \"code_map\", table = \"open_closed\" }";
    let mut told = BTreeSet::new();
    for (from, to, says) in [
        (note, "\"/note\" = \"keep\"", "melampaui batas hukum"),
        (note, "\"/note\" = \"mask\"", "bukan operasi"),
        (note, "\"/note\" = \"year\"", "hanya tanggal"),
        (note, "", "belum diputuskan"),
        (note, "\"/notes\" = \"drop\"", "tidak memiliki kolom itu"),
        (outcome, "{ op = \"code_map\", table = \"none\" }", "tidak ada tabel"),
        (outcome, "{ op = \"code_map\", map = { closed = \"closed\" } }", "melampaui batas hukum"),
        ("agreement = \"mou-id-be\"", "agreement = \"pks-none\"", "tidak ada"),
        ("recipient = \"cuta-be\"", "recipient = \"cuta-nl\"", "data `cuta-nl` tidak ada"),
        ("expires = 2027-06-30", "expires = 9999-06-30", "pilih hari sampai akhir 2200"),
        ("purpose = \"reintegration\"", "purpose = \"statistics\"", "tidak ada yang diteruskan"),
        ("[leaves]", "sender_proof = true\n[leaves]", "tidak satu bita pun"),
    ] {
        assert!(SHIPPED.contains(from), "{from}");
        let text = SHIPPED.replacen(from, to, 1);
        let fields = [("token", token.as_str()), ("text", text.as_str())];
        let (status, page) = pages.ask("POST", &path, &fields);
        assert_eq!(status, 200, "{page}");
        assert!(page.contains("<html lang=\"id\">") && page.contains(says), "{to}: {page}");
        let english: Vec<_> = reasons.iter().filter(|said| page.contains(said.as_str())).collect();
        assert!(english.is_empty(), "{to}: {english:?}");
        // the same finding in English: the list above would have found it
        let (_, page) = pages.ask("POST", &path.replace("lang=id", "lang=en"), &fields);
        told.extend(reasons.iter().filter(|said| page.contains(said.as_str())).cloned());
    }
    assert!(told.len() > 8, "{told:?}");
}

#[test]
fn codes_of_closed_lists_are_told_in_words() {
    let mut pages = editor();
    for (lang, shown, bare) in [
        ("id", "pembaruan status (status/1)", ">status/1<"),
        ("en", "status update (status/1)", ">status/1<"),
        ("id", "ditutup (closed)", "dari closed"),
    ] {
        let (status, page) =
            pages.ask("GET", &format!("/rules/policy/{POLICY}/1?lang={lang}"), &[]);
        assert_eq!(status, 200);
        assert!(page.contains(shown) && !page.contains(bare), "{lang}: {page}");
    }
}

#[test]
fn pages_behind_forms_are_made_in_both_languages() {
    let mut pages = editor();
    let (sent, _) = pages.served.accept(1).remove(0);
    let id = sent["jti"].as_str().unwrap().to_owned();
    let token = token(&mut pages);
    let replay = format!("/replay/{POLICY}/1");
    let token = ("token", token.as_str());
    for lang in ["id", "en"] {
        for (method, path, fields, status) in [
            ("GET", "/new", vec![], 200),
            ("GET", "/exception", vec![], 200),
            ("POST", "/exception", vec![token, ("message_id", "none")], 404),
            ("POST", "/exception", vec![token, ("message_id", &id)], 200),
            ("GET", "/freeze/cuta-be", vec![], 200),
            ("GET", "/freeze/kemensos", vec![], 200),
            ("POST", "/freeze/cuta-be", vec![token, ("act", "freeze"), ("reason", "R")], 200),
            ("POST", &replay, vec![token, ("days", "90")], 200),
        ] {
            let (found, page) = pages.ask(method, &format!("{path}?lang={lang}"), &fields);
            assert_eq!(found, status, "{path}: {page}");
            assert!(page.contains(&format!("<html lang=\"{lang}\">")), "{path}");
            assert!(!page.contains("Unknown localization"), "{path}: {page}");
        }
    }
}

#[test]
fn a_filter_survives_a_change_of_language_or_zone_and_leads_nowhere_else() {
    let mut pages = editor();
    let filtered = "/exchanges?state=held&with=bnpt&lang=en&zone=wit";
    let (status, page) = pages.ask("GET", filtered, &[]);
    assert_eq!(status, 200);
    for link in ["lang=id", "zone=cet"] {
        let link = format!("href=\"/exchanges?state=held&#38;with=bnpt&#38;{link}\"");
        assert!(page.contains(&link), "{link}: {page}");
    }
    // another host, markup, and more than any form of ours asks
    for (path, link) in [
        ("//evil.example/?x=1", "href=\"/evil.example/?x=1&#38;lang="),
        ("/%22%3E?q=%22%3E%3Cscript%3E", "?q=%22%3E%3Cscript%3E&#38;lang="),
        (&*format!("/exchanges?with={}", "x".repeat(3000)), "href=\"/exchanges?lang="),
    ] {
        let (_, page) = pages.ask("GET", path, &[]);
        assert!(page.contains(link) && !page.contains("<script>"), "{path}: {page}");
        assert!(!page.contains("href=\"//") && !page.contains("href=\"http"), "{path}");
    }
}

#[test]
fn asking_for_a_freeze_again_leaves_no_second_draft() {
    let mut pages = editor();
    let token = token(&mut pages);
    let ask = VersionsAsk { kind: Some(DocumentKind::Party), ..VersionsAsk::default() };
    let drafts = |pages: &Pages| {
        let gateway = pages.served.opened.shared();
        let all = pages.served.block_on(versions::list(&gateway, &ask)).unwrap();
        all.iter().filter(|view| view.state == VersionState::Draft).count()
    };
    for party in ["cuta-be", "kemensos", "cuta-be", "kemensos"] {
        let path = format!("/freeze/{party}");
        let fields = [("token", token.as_str()), ("act", "freeze"), ("reason", "R")];
        let (status, page) = pages.ask("POST", &path, &fields);
        assert!(status == 200 && page.contains("data-passkey=\"sign\""), "{page}");
        pages.served.advance(60);
    }
    assert_eq!(drafts(&pages), 2, "one of each party");
    // too long a reason is told before a passkey is asked, and nothing is written
    let long = "\u{e9}".repeat(251);
    let fields = [("token", token.as_str()), ("act", "freeze"), ("reason", &long)];
    let (status, page) = pages.ask("POST", "/freeze/bnpt?lang=en", &fields);
    assert!(status == 409 && page.contains("a little too long"), "{page}");
    assert_eq!(drafts(&pages), 2);
}

#[test]
fn a_version_that_was_overtaken_is_compared_with_nothing() {
    let mut pages = editor();
    let less =
        SHIPPED.replace("\"/effective_on\"       = \"month\"", "\"/effective_on\" = \"drop\"");
    assert_ne!(less, SHIPPED);
    pages.served.advance(600);
    let of = (POLICY, less.as_str());
    assert_eq!(pages.served.govern(DocumentKind::Policy, of, None, None), "in_force");
    let told = "It was in force from ";
    let (_, page) = pages.ask("GET", &format!("/rules/policy/{POLICY}/1?lang=en"), &[]);
    assert!(page.contains(told) && page.contains(" until "), "{page}");
    assert!(!page.contains("What changes"), "{page}");
    let (_, page) = pages.ask("GET", &format!("/rules/policy/{POLICY}/2?lang=en"), &[]);
    assert!(!page.contains(told) && page.contains("In force from "), "{page}");
    assert!(!page.contains("What changes"), "{page}");
}

/// Polls at most `steps` times, each time once it was woken; `None` where it is not done by then.
async fn polled<F: Future>(mut future: std::pin::Pin<&mut F>, steps: usize) -> Option<F::Output> {
    for _ in 0..steps {
        let mut is_asked = false;
        let step = poll_fn(|context| {
            if std::mem::replace(&mut is_asked, true) {
                return Poll::Ready(None);
            }
            future.as_mut().poll(context).map(Some)
        });
        if let Some(output) = step.await {
            return Some(output);
        }
    }
    None
}

/// Wherever a request stands when its session signs out, it brings the session back to nobody.
#[test]
fn a_request_under_way_does_not_undo_a_sign_out() {
    let mut pages = editor();
    let mut steps = 1;
    loop {
        let token = token(&mut pages);
        // it writes the session: another language, and that something was done
        pages.served.advance(61);
        let slow = pages.request(("GET", "/rules?lang=en"), Body::empty());
        let out = form(&[("token", &token)]);
        let out = pages.request(("POST", "/sign-out"), out.into());
        let router = pages.router.clone();
        let is_done = pages.served.block_on(async {
            let mut slow = pin!(tower::ServiceExt::oneshot(router.clone(), slow));
            let early = polled(slow.as_mut(), steps).await;
            let answer = tower::ServiceExt::oneshot(router, out).await.unwrap();
            assert_eq!(answer.status(), 303);
            if early.is_none() {
                drop(slow.await.unwrap());
            }
            early.is_some()
        });
        assert_eq!(pages.ask("GET", "/rules", &[]).0, 303, "after {steps} steps");
        if is_done {
            break;
        }
        steps += 1;
        assert_eq!(pages.sign_in(), 303);
    }
    assert!(steps > 3, "{steps}: it never stood anywhere");
}

/// By the wall clock, as the deadline is the socket's: ten seconds, whatever still comes in.
#[test]
fn a_form_that_drips_in_is_cut_at_the_deadline() {
    let mut pages = editor();
    let drip = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        Some((Ok::<_, std::convert::Infallible>("a=b&"), ()))
    });
    let mut request = pages.request(("POST", "/sign-out"), Body::from_stream(drip));
    let english = "en".parse().unwrap();
    request.headers_mut().insert("accept-language", english);
    let router = pages.router.clone();
    let begun = std::time::Instant::now();
    let answer =
        pages.served.block_on(async { tower::ServiceExt::oneshot(router, request).await.unwrap() });
    let took = begun.elapsed().as_secs();
    assert_eq!((answer.status().as_u16(), took / 10), (503, 1), "after {took} s");
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    // the session is as it was, and the next request is answered
    assert_eq!(pages.ask("GET", "/rules", &[]).0, 200);
}
