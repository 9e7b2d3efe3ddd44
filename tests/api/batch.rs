//! Releases abroad leave in windows. The home is served in this process, so that a test can turn
//! its clock.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use time::{Date, Month, OffsetDateTime};
use titian::app::{self, Home, serve};
use titian::client::ClientFault;
use titian::client::officer::OfficerKey;
use titian::clock::ManualClock;
use titian::domain::{Approval, DocumentKind, SignerRole};
use titian::exchange::change::{self, ChangeFault};
use titian::exchange::hold;
use titian::http::{Edge, Limits, Rates, peer, router, tls_config};
use titian::listener::{Deadlines, Listener};
use titian::wire::{DraftAsk, HoldAct, VersionView, WordAsk};
use tokio::sync::watch;

use crate::budget;
use crate::governance::{EDITOR, OTHER_AGENCY};

use crate::lifecycle::{REFERRAL, UNIT, WITHDRAWAL, status};
use crate::live::{Answer, Live, Party, now, statement};

/// A gateway under the monthly floor, at noon in Jakarta of the tenth of a month.
pub(crate) struct Clocked {
    pub(crate) live: Live,
    clock: Arc<ManualClock>,
    stop: watch::Sender<bool>,
    /// Holds the home's lock.
    pub(crate) opened: app::Opened,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Clocked {
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// As [`Self::start`], with more changed in the home.
    pub(crate) fn start_with(change: impl FnOnce(&Path)) -> Self {
        let live = Live::unserved(|home| {
            monthly_floor(home);
            change(home);
        });
        let today = OffsetDateTime::from_unix_timestamp(now()).unwrap().date();
        let tenth = first_after(today).replace_day(10).unwrap();
        let begins = tenth.with_hms(5, 0, 0).unwrap().assume_utc();
        live.ahead.store(begins.unix_timestamp() - now(), Ordering::SeqCst);
        let clock = Arc::new(ManualClock::at(begins));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (stop, stopped) = watch::channel(false);
        let home = Home::at(live.home());
        let (shared, port) = (Arc::clone(&clock), live.port);
        let (opened, listener) = runtime.block_on(async {
            let lock = home.lock().unwrap().unwrap();
            let opened = app::open_at(&home, lock, shared).await.unwrap();
            let limits =
                Limits { requests_per_minute: 6000, tokens_per_minute: 6000, connections_max: 64 };
            let tls = serve::read_tls(&home).unwrap();
            let tls = tls_config(opened.shared(), tls.chain, tls.key).unwrap();
            let deadlines = Deadlines::default();
            let rates = Arc::new(Rates::new(limits));
            let edge = Edge { gateway: opened.shared(), rates, deadlines };
            let listener = Listener {
                socket: tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap(),
                tls: Arc::new(ArcSwap::from_pointee(tls)),
                deadlines,
                connections_max: limits.connections_max,
                peer,
                router: router(edge),
            };
            (opened, listener)
        });
        runtime.spawn(listener.serve(stopped));
        Self { live, clock, stop, opened, runtime: Some(runtime) }
    }

    /// Two officers of two agencies put an exception in force, at this gateway's clock.
    pub(crate) fn grant(&self, id: &str, text: &str) {
        let approver = Some(OTHER_AGENCY);
        assert_eq!(self.govern(DocumentKind::Exception, (id, text), approver, None), "in_force");
    }

    /// An officer proposes a text, another one approves where one is named; answers how the
    /// version stands then.
    pub(crate) fn govern(
        &self,
        kind: DocumentKind,
        (id, text): (&str, &str),
        approver: Option<&str>,
        from: Option<i64>,
    ) -> String {
        let view = self.draft_as(EDITOR, kind, (id, text)).unwrap();
        let proposed = self.propose_as(EDITOR, &view, from).unwrap();
        let Some(approver) = approver else { return proposed.stands };
        self.approve_as(approver, &view, from).unwrap().stands
    }

    pub(crate) fn draft_as(
        &self,
        officer: &str,
        kind: DocumentKind,
        (id, text): (&str, &str),
    ) -> Result<VersionView, ChangeFault> {
        let (officer, id, text) = (officer.to_owned(), id.to_owned(), text.to_owned());
        let ask = DraftAsk { officer, kind, id, text, version: None };
        self.block_on(change::draft(self.opened.gateway(), &ask))
    }

    pub(crate) fn propose_as(
        &self,
        officer: &str,
        view: &VersionView,
        from: Option<i64>,
    ) -> Result<VersionView, ChangeFault> {
        let word = self.word(officer, view, SignerRole::Author, from);
        self.block_on(change::propose(self.opened.gateway(), &word))
    }

    pub(crate) fn approve_as(
        &self,
        officer: &str,
        view: &VersionView,
        from: Option<i64>,
    ) -> Result<VersionView, ChangeFault> {
        let word = self.word(officer, view, SignerRole::Approver, from);
        self.block_on(change::approve(self.opened.gateway(), &word))
    }

    /// An officer's word about a version, by its throw-away key.
    pub(crate) fn word(
        &self,
        officer: &str,
        view: &VersionView,
        role: SignerRole,
        from: Option<i64>,
    ) -> WordAsk {
        let path = self.live.home().join(format!("development/officers/{officer}.jwk"));
        let none = || Err(ClientFault::Unusable("a throw-away key has no passphrase"));
        let key = OfficerKey::open(officer, &path, none).unwrap();
        let word = Approval {
            iss: String::new(),
            aud: crate::live::ID.to_owned(),
            iat: self.now(),
            kind: view.kind,
            id: view.id.clone(),
            version: view.version,
            digest: view.digest.parse().unwrap(),
            role,
            from,
        };
        WordAsk { word: key.sign(word).unwrap(), reason: String::new() }
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(future)
    }

    /// Now, at this gateway's clock (unix seconds).
    pub(crate) fn now(&self) -> i64 {
        titian::clock::Clock::now(self.clock.as_ref()).unix_timestamp()
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(seconds);
        self.live.ahead.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Turns the clock to `before` seconds before an opening.
    pub(crate) fn turn_to(&self, opening: OffsetDateTime, before: i64) {
        let now = titian::clock::Clock::now(self.clock.as_ref());
        self.advance((opening - now).whole_seconds() - before);
    }

    /// The first opening from now on, and the one after it.
    pub(crate) fn openings(&self) -> [OffsetDateTime; 2] {
        let today = titian::clock::Clock::now(self.clock.as_ref()).date();
        let next = first_after(today);
        [next, first_after(next)].map(|day| day.with_hms(2, 0, 0).unwrap().assume_utc())
    }

    /// `count` cases that CUTA will be told of, accepted by the unit. Answers each status and what
    /// it was answered.
    pub(crate) fn accept(&self, count: usize) -> Vec<(Value, Value)> {
        let (bnpt, unit) = (self.live.party("bnpt"), self.live.party(UNIT));
        let seen = unit.inbox().len();
        for _ in 0..count {
            let admitted = bnpt.submit(bnpt.claims(REFERRAL));
            assert_eq!(admitted.status, 201, "{}", admitted.text);
        }
        let inbox = unit.inbox();
        let accept = |(item, body): &(Value, Value)| {
            assert_eq!(unit.acknowledge(item, "received").status, 200);
            let claims = status(&unit, item, body, "received", "accepted");
            let answer = unit.submit(claims.clone());
            assert_eq!(answer.status, 201, "{}", answer.text);
            assert_eq!(
                answer.json()["recipients"][1],
                json!({"party": "cuta-be", "state": "queued"})
            );
            (claims, answer.json())
        };
        inbox[seen..].iter().map(accept).collect()
    }
}

impl Drop for Clocked {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(2));
        }
    }
}

/// The first day of the next month.
fn first_after(day: Date) -> Date {
    let year = day.year() + i32::from(day.month() == Month::December);
    Date::from_calendar_date(year, day.month().next(), 1).unwrap()
}

/// The window of the production floor, signed anew by the home's own throw-away key.
fn monthly_floor(home: &Path) {
    let production = include_str!("../../config/floor.production.toml");
    let line = production.lines().find(|line| line.starts_with("batch = ")).unwrap();
    let file = home.join("floor.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("batch = \"at_once\""));
    std::fs::write(&file, text.replace("batch = \"at_once\"", line)).unwrap();
    std::fs::remove_file(home.join("floor.jws")).unwrap();
    let mut titian = std::process::Command::new(env!("CARGO_BIN_EXE_titian"));
    let output = titian.arg("init").arg(home).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn ids(items: &[(Value, Value)]) -> Vec<String> {
    items.iter().map(|(item, _)| item["release_id"].as_str().unwrap().to_owned()).collect()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

/// What a foreign party can look at without a release in its hands.
fn surfaces(cuta: &Party<'_>) -> Vec<String> {
    let paths = ["/v1/inbox", "/v1/inbox?after=0&limit=1", "/v1/ledger/checkpoint"];
    let bare = |answer: Answer| {
        let named = |line: &&str| !line.starts_with("x-request-id") && !line.starts_with("date");
        let head: Vec<&str> = answer.head.lines().filter(named).collect();
        format!("{}\n\n{}", head.join("\n"), answer.text)
    };
    paths.into_iter().map(|path| bare(cuta.get(path))).collect()
}

#[test]
fn nothing_shows_before_the_window_and_all_leaves_at_it_in_an_order_that_tells_nothing() {
    let clocked = Clocked::start();
    let live = &clocked.live;
    let (bnpt, cuta) = (live.party("bnpt"), live.party("cuta-be"));
    let before = surfaces(&cuta);
    let sent = clocked.accept(6);
    assert_eq!(bnpt.inbox().len(), 6, "inside Indonesia nothing waits");
    assert_eq!(surfaces(&cuta), before);
    let [opening, _] = clocked.openings();
    clocked.turn_to(opening, 1);
    assert_eq!(surfaces(&cuta), before);
    // whoever knows the id of a release is still told nothing of it
    let beside = rusqlite::Connection::open(live.home().join("titian.db")).unwrap();
    let waiting: String = beside
        .query_row("SELECT release_id FROM releases WHERE party = 'cuta-be'", [], |row| row.get(0))
        .unwrap();
    let path = format!("/v1/inbox/{waiting}/evidence");
    assert_eq!(cuta.get(&path).status, 404);
    let reference: String = beside
        .query_row("SELECT reference FROM members WHERE party = 'cuta-be'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(cuta.get(&format!("/v1/exchanges/{reference}")).status, 404);

    clocked.advance(1);
    // two at a time: a page's limit does not let the order of making through
    let mut seen: Vec<String> = Vec::new();
    let mut after = 0;
    for _ in 0..3 {
        let page = cuta.get(&format!("/v1/inbox?after={after}&limit=2")).json();
        for item in page["items"].as_array().unwrap() {
            seen.push(item["release_id"].as_str().unwrap().to_owned());
        }
        after = page["next"].as_str().unwrap().parse().unwrap();
    }
    assert_eq!(seen.len(), sent.len());
    assert_eq!(seen, sorted(seen.clone()));
    assert_eq!(cuta.get(&path).status, 200);

    let day = opening.date();
    for (item, _) in cuta.inbox() {
        let claims = statement(item["release"].as_str().unwrap());
        assert_eq!(claims["iat"], json!(day.midnight().assume_utc().unix_timestamp()));
        let exchange = item["exchange"].as_str().unwrap();
        let view = cuta.get(&format!("/v1/exchanges/{exchange}")).json();
        assert_eq!(view["events"][0]["at"], json!(day.to_string()), "{view}");
    }
}

#[test]
fn an_older_window_goes_first_and_a_clock_set_back_opens_none() {
    let clocked = Clocked::start();
    let cuta = clocked.live.party("cuta-be");
    let [first, second] = clocked.openings();
    clocked.accept(3);
    clocked.turn_to(first, -3600);
    clocked.accept(3);
    // nobody asked; then the clock is set back
    clocked.turn_to(first, 3600);
    assert!(cuta.inbox().is_empty());
    clocked.turn_to(second, 0);
    let all = cuta.inbox();
    let (older, younger) = all.split_at(3);
    for (window, opened) in [(older, first), (younger, second)] {
        assert_eq!(ids(window), sorted(ids(window)));
        for (item, _) in window {
            let iat = statement(item["release"].as_str().unwrap())["iat"].as_i64().unwrap();
            assert_eq!(iat, opened.date().midnight().assume_utc().unix_timestamp());
        }
    }
}

#[test]
fn a_policys_own_window_holds_beside_the_floors() {
    let clocked = Clocked::start_with(|home| {
        let file = home.join("policies/kemensos-cuta-be-status.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let line = "batch = { day = 15, hour = \"06:00 Asia/Jakarta\" }\n[leaves]";
        std::fs::write(&file, text.replace("[leaves]", line)).unwrap();
    });
    let cuta = clocked.live.party("cuta-be");
    let [first, second] = clocked.openings();
    // six in the morning of the fifteenth in Jakarta is still the day before in UTC
    let opens = |first: OffsetDateTime| {
        first.date().replace_day(14).unwrap().with_hms(23, 0, 0).unwrap().assume_utc()
    };
    let this = opens(first - time::Duration::days(7));
    clocked.turn_to(this, 0);
    clocked.accept(2);
    // the floor's window is for other policies
    clocked.turn_to(first, 0);
    assert!(cuta.inbox().is_empty());
    clocked.turn_to(opens(first), 1);
    assert!(cuta.inbox().is_empty());
    clocked.turn_to(opens(first), 0);
    let inbox = cuta.inbox();
    assert_eq!(inbox.len(), 2);
    assert!(opens(first) < second);
    let iat = statement(inbox[0].0["release"].as_str().unwrap())["iat"].as_i64().unwrap();
    assert_eq!(iat, opens(first).date().midnight().assume_utc().unix_timestamp());
}

#[test]
fn what_is_taken_back_waits_for_no_window() {
    let clocked = Clocked::start();
    let live = &clocked.live;
    let (unit, cuta) = (live.party(UNIT), live.party("cuta-be"));
    let withdraw = |(sent, answer): &(Value, Value)| {
        let mut claims = unit.claims(WITHDRAWAL);
        claims["recipients"] = json!(["bnpt", "cuta-be"]);
        claims["in_reply_to"] = answer["exchange"].clone();
        claims["body"]["target"] = sent["jti"].clone();
        claims["body"]["subject"]["ref"] = sent["body"]["subject"]["ref"].clone();
        let taken_back = unit.submit(claims);
        assert_eq!(taken_back.status, 201, "{}", taken_back.text);
        taken_back.json()["recipients"][1]["state"].clone()
    };
    let seen = clocked.accept(1).remove(0);
    let [opening, second] = clocked.openings();
    clocked.turn_to(opening, 0);
    assert_eq!(cuta.inbox().len(), 1);
    clocked.advance(86_400);
    let unseen = clocked.accept(2);
    let before = surfaces(&cuta);
    assert_eq!(withdraw(&unseen[0]), "cancelled", "what never left leaves no word");
    assert_eq!(surfaces(&cuta), before);
    assert_eq!(withdraw(&seen), "queued");
    let inbox = cuta.inbox();
    assert_eq!(inbox.len(), 2, "the other status still waits");
    assert_eq!(inbox[1].0["type"], "withdrawal/1");
    let today = opening.date().next_day().unwrap();
    let iat = statement(inbox[1].0["release"].as_str().unwrap())["iat"].clone();
    assert_eq!(iat, json!(today.midnight().assume_utc().unix_timestamp()));
    clocked.turn_to(second, 0);
    assert_eq!(cuta.inbox().len(), 3);
}

#[test]
fn two_words_about_one_case_that_leave_together_are_told_apart_by_its_view() {
    let clocked = Clocked::start();
    let (unit, cuta) = (clocked.live.party(UNIT), clocked.live.party("cuta-be"));
    clocked.accept(1);
    let (item, body) = unit.inbox().remove(0);
    let states = ["accepted", "assessment", "in_service", "transferred"];
    for step in states.windows(2) {
        let answer = unit.submit(status(&unit, &item, &body, step[0], step[1]));
        assert_eq!(answer.status, 201, "{}", answer.text);
        // on days of their own, which the view must not tell
        clocked.advance(86_400);
    }
    let [opening, _] = clocked.openings();
    clocked.turn_to(opening, 0);
    let inbox = cuta.inbox();
    assert_eq!(ids(&inbox), sorted(ids(&inbox)));
    let mut told: Vec<&str> =
        inbox.iter().map(|(_, body)| body["to_state"].as_str().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, ["closed", "open"]);
    let path = format!("/v1/exchanges/{}", inbox[0].0["exchange"].as_str().unwrap());
    let view = cuta.get(&path).json();
    assert_eq!(view["state"], "closed");
    let days: Vec<&Value> = view["events"].as_array().unwrap().iter().map(|e| &e["at"]).collect();
    assert_eq!(days, [&json!(opening.date().to_string()); 2]);
}

#[test]
fn a_release_that_may_not_be_kept_until_its_window_is_refused() {
    let clocked = Clocked::start();
    let (bnpt, unit) = (clocked.live.party("bnpt"), clocked.live.party(UNIT));
    let [opening, _] = clocked.openings();
    for (days, state) in [(-1, "refused"), (0, "queued")] {
        let seen = unit.inbox().len();
        assert_eq!(bnpt.submit(bnpt.claims(REFERRAL)).status, 201);
        let (item, body) = unit.inbox().remove(seen);
        assert_eq!(unit.acknowledge(&item, "received").status, 200);
        let mut claims = status(&unit, &item, &body, "received", "accepted");
        let until = opening.date() + time::Duration::days(days);
        claims["legal"]["retention_until"] = json!(until.to_string());
        let answer = unit.submit(claims);
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(answer.json()["recipients"][0]["state"], "queued");
        assert_eq!(answer.json()["recipients"][1]["state"], state, "{until}");
    }
}

#[test]
fn a_release_whose_policy_ends_before_its_window_is_refused() {
    let today = OffsetDateTime::from_unix_timestamp(now()).unwrap().date();
    let opening = first_after(first_after(today));
    for (days, state) in [(-1, "refused"), (0, "queued")] {
        let clocked = Clocked::start_with(|home| {
            let file = home.join("policies/kemensos-cuta-be-status.toml");
            let text = std::fs::read_to_string(&file).unwrap();
            let until = opening + time::Duration::days(days);
            let (before, after) = text.split_once("expires = ").unwrap();
            let (_, after) = after.split_once('\n').unwrap();
            std::fs::write(&file, format!("{before}expires = {until}\n{after}")).unwrap();
        });
        assert_eq!(clocked.openings()[0].date(), opening);
        let (bnpt, unit) = (clocked.live.party("bnpt"), clocked.live.party(UNIT));
        assert_eq!(bnpt.submit(bnpt.claims(REFERRAL)).status, 201);
        let (item, body) = unit.inbox().remove(0);
        assert_eq!(unit.acknowledge(&item, "received").status, 200);
        let answer = unit.submit(status(&unit, &item, &body, "received", "accepted"));
        assert_eq!(answer.json()["recipients"][1]["state"], state, "{}", answer.text);
    }
}

#[test]
fn a_long_poll_is_answered_by_the_opening_and_not_by_the_making() {
    let clocked = Clocked::start();
    let cuta = clocked.live.party("cuta-be");
    let bearer = format!("Bearer {}", cuta.token());
    let poll = |wait: u64| {
        let started = Instant::now();
        let path = format!("/v1/inbox?after=0&wait={wait}");
        let answer = cuta.ask("GET", &path, &[("authorization", &bearer)], b"");
        (answer.json()["items"].as_array().unwrap().len(), started.elapsed())
    };
    let (items, waited) = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| poll(4));
        clocked.accept(2);
        waiting.join().unwrap()
    });
    assert_eq!(items, 0);
    assert!(waited >= Duration::from_secs(4), "{waited:?}");

    let [opening, _] = clocked.openings();
    clocked.turn_to(opening, 2);
    let bearer = format!("Bearer {}", cuta.token());
    let poll = || {
        let path = "/v1/inbox?after=0&wait=15";
        cuta.ask("GET", path, &[("authorization", &bearer)], b"").json()
    };
    let started = Instant::now();
    let page = std::thread::scope(|scope| {
        let waiting = scope.spawn(poll);
        // it has long begun when this is answered
        clocked.live.party("bnpt").inbox();
        clocked.advance(2);
        waiting.join().unwrap()
    });
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

/// Ten thousand copies of one release: their bodies do not open, which does not matter here.
#[test]
fn a_batch_of_ten_thousand_leaves_in_one_order() {
    const COPIES: i64 = 10_000;
    let clocked = Clocked::start();
    let cuta = clocked.live.party("cuta-be");
    clocked.accept(1);
    let [opening, _] = clocked.openings();
    let beside = rusqlite::Connection::open(clocked.live.home().join("titian.db")).unwrap();
    let columns = "party, unit, exchange, message, sender, message_id, message_type, digest,
        policy_id, policy_version, policy_digest, release_schema, origin_salt, supplements, urgent,
        made_at, statement, month, wrapped_key, ciphertext";
    let digits = [("0", "g"), ("1", "h"), ("8", "i"), ("9", "j")];
    let random = digits.iter().fold("lower(hex(randomblob(13)))".to_owned(), |text, (from, to)| {
        format!("replace({text}, '{from}', '{to}')")
    });
    beside
        .execute_batch(&format!(
            "BEGIN IMMEDIATE;
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {COPIES})
             INSERT INTO releases (release_id, {columns})
                 SELECT {random}, {columns} FROM releases, n WHERE party = 'cuta-be';
             INSERT INTO release_states (release, state, made_at)
                 SELECT row, 'queued', made_at FROM releases
                 WHERE party = 'cuta-be' AND row NOT IN (SELECT release FROM release_states);
             INSERT INTO waiting (view, calm, release)
                 SELECT 'cuta-be', 1, row FROM releases
                 WHERE party = 'cuta-be' AND row NOT IN (SELECT release FROM waiting);
             COMMIT;"
        ))
        .unwrap();
    clocked.turn_to(opening, 0);
    for page in 0..3 {
        let answer = cuta.get(&format!("/v1/inbox?after={}&limit=100", page * 100)).json();
        assert_eq!(answer["next"], json!(((page + 1) * 100).to_string()));
    }
    let list = |sql: &str| -> Vec<String> {
        let mut statement = beside.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let handed = list(
        "SELECT r.release_id FROM handed_out h JOIN releases r ON r.row = h.release
         WHERE h.view = 'cuta-be' ORDER BY h.seq",
    );
    let least = list(
        "SELECT release_id FROM releases WHERE party = 'cuta-be' ORDER BY release_id LIMIT 300",
    );
    assert_eq!(handed, least);
}

/// Lets CUTA be told the sex in one message.
pub(crate) fn excepting(message: &str, expires: Date) -> String {
    format!(
        "sender = \"kemensos\"\nrecipient = \"cuta-be\"\nmessage = \"status/1\"\n\
         message_id = \"{message}\"\npurpose = \"reintegration\"\nagreement = \"mou-id-be\"\n\
         instrument = \"mou-id-be\"\nbest_interests = \"favourable\"\n\
         safety_check = \"no_known_risk\"\nexpires = {expires}\nwhy = \"contoh\"\n\
         [leaves]\n\"/subject/sex\" = \"keep\"\n"
    )
}

#[test]
fn what_was_held_for_its_group_is_so_again_once_its_exception_has_ended() {
    let served = Clocked::start();
    let [opening, _] = served.openings();
    let case = budget::referred(&served.live);
    let rare = budget::rare(&served.live, &case, "received", "accepted");
    assert_eq!(budget::to_cuta(&served.live, &rare), "held");
    served.grant("x-rare", &excepting(rare["jti"].as_str().unwrap(), opening.date()));
    let gateway = served.opened.gateway();
    let runtime = served.runtime.as_ref().unwrap();
    let abroad = || {
        let holds = runtime.block_on(hold::list(gateway, false)).unwrap();
        holds.into_iter().filter(|hold| hold.recipient == "cuta-be").collect::<Vec<_>>()
    };
    let (officer, reason) = ("petugas-jaga".to_owned(), "contoh".to_owned());
    let act = HoldAct { officer, reason, word: None };
    let id = abroad()[0].id.parse().unwrap();
    runtime.block_on(hold::release(gateway, id, &act)).unwrap();
    assert!(abroad().is_empty());
    // nobody collects it while the exception lasts
    served.turn_to(opening, -2 * 86_400);
    assert!(served.live.party("cuta-be").inbox().is_empty());
    let [again] = abroad().try_into().unwrap();
    assert!(again.group.is_some(), "{again:?}");
}

#[test]
fn a_foreign_referrer_is_told_nothing_once_its_exception_has_ended() {
    let served = Clocked::start();
    let [opening, _] = served.openings();
    let (unit, cuta) = (served.live.party("kemensos"), served.live.party("cuta-be"));
    let mut referral = cuta.claims(REFERRAL);
    referral["recipients"] = json!(["kemensos"]);
    referral["legal"]["instrument"] = json!("mou-id-be");
    let admitted = cuta.submit(referral);
    assert_eq!(admitted.status, 201, "{}", admitted.text);
    let (item, body) = unit.inbox().pop().unwrap();
    assert_eq!(unit.acknowledge(&item, "received").status, 200);
    let mut claims = status(&unit, &item, &body, "received", "accepted");
    claims["recipients"] = json!(["cuta-be"]);
    claims["legal"]["instrument"] = json!("mou-id-be");
    assert_eq!(unit.submit(claims.clone()).code(), "foreign-referrer");
    claims["jti"] = json!(crate::live::fresh_id());
    served.grant("x-referrer", &excepting(claims["jti"].as_str().unwrap(), opening.date()));
    let sent = unit.submit(claims.clone());
    assert_eq!(sent.status, 201, "{}", sent.text);
    served.turn_to(opening, -2 * 86_400);
    assert!(cuta.inbox().is_empty());
    let path = format!("/v1/messages/{}", claims["jti"].as_str().unwrap());
    assert_eq!(unit.get(&path).json()["recipients"][0]["state"], "refused");
}

#[test]
fn an_exception_ends_by_the_clock_also_for_what_waits() {
    let served = Clocked::start();
    let [opening, _] = served.openings();
    let cuta = served.live.party("cuta-be");
    let sent = served.accept(2);
    let id = |at: usize| sent[at].0["jti"].as_str().unwrap();
    // one lasts beyond the window, one ends the day before it opens
    served.grant("x-lasts", &excepting(id(0), opening.date()));
    served.grant("x-ends", &excepting(id(1), opening.date().previous_day().unwrap()));
    served.turn_to(opening, -1);
    let told: Vec<(String, bool)> = cuta
        .inbox()
        .iter()
        .map(|(item, body)| {
            let policy = statement(item["release"].as_str().unwrap())["policy"]["id"].clone();
            (policy.as_str().unwrap().to_owned(), body["subject"].get("sex").is_some())
        })
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.contains(&("x-lasts".to_owned(), true)), "{told:?}");
    assert!(told.contains(&("kemensos-cuta-be-status".to_owned(), false)), "{told:?}");
    // a clock that is set back brings nothing back
    served.advance(-3 * 86_400);
    let rules = served.opened.gateway().rules();
    assert!(rules.today(served.clock.as_ref()) >= opening.date());
}
