//! A replay over rows as a store may hold them, also such as no submission makes any more.
#![cfg(test)]

use time::{Duration, OffsetDateTime};
use titian::app::{self, Home, init, keys};
use titian::domain::state::{MessageState, RecipientState, ThreadState};
use titian::domain::{
    Body, Context, Digest, Id, LeafName, MessageId, PartyKind, Pseudonyms, Purpose, Statement,
};
use titian::exchange::replay::{Share, replay};
use titian::policy::{Floor, Source, compile, disclose, would_disclose};
use titian::schema::Schemas;
use titian::sign::Algorithm;
use titian::sign::signing::SigningKey;
use titian::store::sqlite::{Options, Sqlite};
use titian::store::{
    Changes, Entry, EntrySlot, ExchangeRow, NewMessage, Place, RecipientRow, Store as _, Vault,
    Write,
};
use titian::wire::{ReplayAsk, ReplayPage};

const REFERRAL: &str = include_str!("../schemas/examples/referral.typical.json");
const EXAMPLES: [&str; 3] = [
    REFERRAL,
    include_str!("../schemas/examples/referral.rare.json"),
    include_str!("../schemas/examples/referral.hostile.json"),
];
const POLICY: &str = "bnpt-kemensos-referral";
const SHIPPED: &str = include_str!("../config/policies/bnpt-kemensos-referral.toml");
const FLOOR: &str = include_str!("../config/floor.development.toml");

struct Message(serde_json::Value);

impl Statement for Message {
    const TYP: &'static str = "titian-message+jwt";

    fn into_claims(self) -> serde_json::Value {
        self.0
    }
}

fn id(n: u64) -> Id {
    Id::from_bits((u128::from(n) << 64 | 7).to_be_bytes())
}

/// A message from BNPT to `recipients`.
fn admitted(vault: &Vault, n: u64, recipients: &[(&str, RecipientState)]) -> Changes {
    let (message_id, now) = (MessageId(id(n)), OffsetDateTime::now_utc());
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let claims = serde_json::from_str(REFERRAL).unwrap();
    let object = key.sign(Message(claims)).unwrap().compact().to_owned();
    let sender: titian::domain::Address = "bnpt".parse().unwrap();
    let (row, until) = (format!("bnpt/{message_id}"), now.date() + Duration::days(90));
    let place = Place { table: "messages", row: &row, column: "object" };
    let mut writes = vec![
        Write::Exchange(ExchangeRow {
            id: id(1_000 + n),
            state: ThreadState::Submitted,
            referrer: sender.clone(),
            receiver: "kemensos".parse().unwrap(),
            origin: sender.party.clone(),
            onward: Vec::new(),
            withheld: Vec::new(),
            subject: id(2_000 + n),
            reference_date: now.date(),
            opened_at: now.unix_timestamp(),
        }),
        Write::Message(NewMessage {
            sender: sender.clone(),
            message_id,
            message_type: "referral/1".parse().unwrap(),
            purpose: Purpose::ChildProtection,
            digest: Digest::of(object.as_bytes()),
            state: MessageState::Admitted,
            exchange: id(1_000 + n),
            receipt: "receipt".to_owned(),
            entry: EntrySlot(0),
            admitted_at: now.unix_timestamp(),
            retention_until: until,
            object: vault.seal(place, until, object.as_bytes()).unwrap(),
        }),
    ];
    for (position, (recipient, state)) in (0..).zip(recipients) {
        writes.push(Write::Recipient(RecipientRow {
            sender: sender.party.clone(),
            message_id,
            position,
            recipient: recipient.parse().unwrap(),
            state: *state,
            pending: Vec::new(),
            code: None,
            policy: None,
        }));
    }
    let entry = Entry { ledger: "bnpt".to_owned(), salt: [7; 16], event: b"{}".to_vec() };
    Changes { requires: Vec::new(), writes, entries: vec![entry] }
}

/// Replays page after page and answers with the sum and the number of pages.
async fn replayed(opened: &app::Opened, policy: &str, share: Share) -> (ReplayPage, usize) {
    let mut ask = ReplayAsk {
        id: POLICY.to_owned(),
        policy: policy.to_owned(),
        since: 0,
        after: 0,
        officer: "petugas-kebijakan".to_owned(),
        show_values: false,
    };
    let (mut all, mut pages) = (ReplayPage::default(), 0);
    loop {
        let page = replay(&opened.shared(), &ask, share).await.unwrap();
        let next = page.next;
        all.add(page);
        pages += 1;
        match next {
            Some(after) => ask.after = after,
            None => return (all, pages),
        }
    }
}

struct Fixed;

impl Pseudonyms for Fixed {
    fn pseudonym(&self, kind: &str, reference: &str, attempt: u32) -> Id {
        let digest = Digest::of(format!("{kind} {reference} {attempt}").as_bytes());
        Id::from_bits(*digest.as_bytes().first_chunk().unwrap())
    }
}

/// Whatever leaf changes, what is taken over from the version before is what the version after
/// would have built itself, and what is said to differ is all that differs.
#[test]
fn what_two_versions_do_alike_is_found_as_if_each_were_run_alone() {
    let (schemas, floor) = (Schemas::builtin().unwrap(), Floor::parse(FLOOR).unwrap());
    let compiled = |text: &str| {
        let source = Source::parse(POLICY, text).unwrap();
        let schema = schemas.message(&source.head.message).unwrap();
        compile(source, &floor, schema.leaves(), PartyKind::Social).ok()
    };
    let before = compiled(SHIPPED).unwrap();
    let context = Context {
        reference_date: time::macros::date!(2026 - 11 - 24),
        pseudonyms: &Fixed,
        protected: &[],
        released: &[],
        blank: &[],
    };
    let mut claims: Vec<serde_json::Value> =
        EXAMPLES.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    // a name where a unit is meant: the net finds it once the name itself is not passed on
    let mut hostile = claims[0].clone();
    hostile["body"]["referrer"]["unit"] = serde_json::json!("zarqolin");
    claims.push(hostile);
    let bodies: Vec<Body> = claims.iter().map(|c| Body::new(c["body"].clone())).collect();
    let (mut compared, mut caught) = (0, 0);
    for line in SHIPPED.lines().filter(|line| line.starts_with('"')) {
        let leaf = line.split('"').nth(1).unwrap();
        let Some(mut after) = compiled(&SHIPPED.replace(line, &format!("\"{leaf}\" = \"drop\"")))
        else {
            continue;
        };
        let mut differing = after.compare(&before);
        let passing = after.passing();
        differing.extend(before.passing().into_iter().filter(|leaf| !passing.contains(leaf)));
        for body in &bodies {
            let earlier = would_disclose(&before, body, &context, None).ok();
            let alone = disclose(&after, body, &context).map(|out| out.body().clone()).ok();
            let taken_over = would_disclose(&after, body, &context, earlier.as_ref()).ok();
            assert_eq!(taken_over, alone, "{leaf}");
            let (Some(was), Some(is)) = (earlier.map(Body::new), alone.map(Body::new)) else {
                continue;
            };
            let has = |body: &Body, name: &LeafName| -> Vec<serde_json::Value> {
                body.values(name).into_iter().filter(|v| !v.is_null()).cloned().collect()
            };
            for name in before.passing().iter().chain(&passing) {
                assert!(has(&was, name) == has(&is, name) || differing.contains(name), "{name}");
                compared += 1;
                let is_unit = name.as_str() == "/referrer/unit" && leaf != name.as_str();
                caught += usize::from(is_unit && has(&was, name) != has(&is, name));
            }
        }
    }
    assert!(compared > 1_000 && caught > 0, "{compared} {caught}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recipient_the_policy_is_for_is_counted_once_by_any_share() {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::at(directory.path().join("home"));
    init::init(&home, OffsetDateTime::now_utc()).unwrap();
    let vault = Vault::open(&keys::kek_directory(&home)).unwrap();
    {
        let database = home.database(&home.config().unwrap());
        let store = Sqlite::open(database, Options::default()).unwrap();
        let (queued, suspended) = (RecipientState::Queued, RecipientState::Suspended);
        let units = ["kemensos/sentra-handayani", "kemensos/sentra-antasena"];
        for n in 0..150 {
            store.commit(admitted(&vault, n, &[(units[0], queued)])).await.unwrap();
        }
        let both = [(units[0], queued), ("cuta-be", queued), (units[1], queued)];
        store.commit(admitted(&vault, 200, &both)).await.unwrap();
        let one = [(units[0], suspended), (units[1], queued)];
        store.commit(admitted(&vault, 201, &one)).await.unwrap();
    }
    let lock = home.lock().unwrap().unwrap();
    let opened = app::open(&home, lock).await.unwrap();
    let text = std::fs::read_to_string(home.policies().join(format!("{POLICY}.toml"))).unwrap();
    let line = text.lines().find(|line| line.starts_with("\"/subject/sex\"")).unwrap();
    let narrower = text.replace(line, "\"/subject/sex\" = \"drop\"");
    for share in [Share::Alone, Share::BesideServing] {
        let (same, pages) = replayed(&opened, &text, share).await;
        assert_eq!((same.messages, same.suspended, same.alike, pages), (154, 1, 153, 1));
        assert_eq!((same.before.released, same.after.released), (153, 153));
        assert!(same.leaves.is_empty());
        assert_eq!(same.at, same.of);
        let (other, _) = replayed(&opened, &narrower, share).await;
        assert_eq!((other.messages, other.alike), (154, 0));
        assert_eq!(other.leaves.len(), 1, "{:?}", other.leaves);
        assert_eq!(other.leaves.get("/subject/sex").unwrap().stops, 153);
    }
    // a policy of one unit's own is for that unit only
    let own = text.replace("recipient = \"kemensos\"", "recipient = \"kemensos/sentra-antasena\"");
    assert_ne!(own, text);
    let (own, _) = replayed(&opened, &own, Share::Alone).await;
    assert_eq!((own.messages, own.suspended, own.before.released), (2, 0, 2), "{own:?}");
}
