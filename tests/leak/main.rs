//! The leak test: does anything come out that must not, for anybody, in any form, under any fault,
//! and does what may pass, pass unchanged?
//!
//! `cargo test --test leak` runs the small set, with a table of what was looked at
//! (`-- --nocapture`). `TITIAN_LEAK=100000` generates that many messages instead.
//!
//! Seven judges, each with words of its own, none with a line of the gateway's: the published
//! schema by another implementation (`published`), worlds that differ in protected values only
//! (`twin`), a search of everything that comes out (`search`, `sinks`), two partners who compare
//! (`link`), a partner who remembers (`group`), refusals that tell nobody (`scenario`) and what the
//! policy's text says must come out (`golden`).
#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "how long a run takes is told by the machine's clock"
)]

#[cfg(feature = "mutants")]
mod controls;
mod cover;
mod fixed;
mod gate;
mod golden;
mod group;
mod link;
mod place;
mod plant;
mod published;
mod scenario;
mod search;
mod sinks;
mod twin;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use gate::Gate;
use group::Known;
use link::Linkage;
use place::{FAULTS, POSITIONS, Position};
use plant::{CLASSES, SURFACES};
use published::Published;
use scenario::{Runner, Scenario, Told};
use sinks::{Log, Sinks};
use twin::{Compared, Twins};

/// Scenarios in which every pair of class and position, position and surface, position and fault
/// stands; and then every pair of class and surface where nothing is wrong with the place.
fn scenarios() -> Vec<Scenario> {
    let sizes = [CLASSES.len(), POSITIONS.len(), SURFACES.len(), FAULTS.len()];
    let mut rows = cover::array(&sizes, &[(0, 1), (1, 2), (1, 3)]);
    let known = POSITIONS.iter().filter(|position| position.is_known).count();
    // those that are taken stand first, and `Nothing` and `SentAgain` among the faults
    rows.extend(cover::array(
        &[CLASSES.len(), known, SURFACES.len(), 2],
        &[(0, 1), (1, 2), (1, 3)],
    ));
    let scenario = |(number, row): (usize, &Vec<usize>)| Scenario {
        number: number as u64,
        class: &CLASSES[row[0]],
        position: &POSITIONS[row[1]],
        surface: &SURFACES[row[2]],
        fault: FAULTS[row[3]],
    };
    rows.iter().enumerate().map(scenario).collect()
}

/// Everything that a run came to.
#[derive(Default)]
struct Run {
    told: Told,
    sinks: Sinks,
    published: Published,
    linkage: Linkage,
    known: Known,
    scenarios: u64,
    compared: Compared,
    validated: Option<usize>,
    tokens: usize,
    smallest: usize,
}

impl Run {
    async fn plant(
        &mut self,
        gate: &Gate,
        log: &Log,
        scenarios: &[Scenario],
        messages: Option<u64>,
    ) {
        let mut runner = Runner::new(gate);
        loop {
            for scenario in scenarios {
                let scenario = Scenario { number: self.scenarios, ..*scenario };
                let told = runner.run(&scenario).await;
                self.scenarios += 1;
                self.published.add(&told);
                self.linkage.add(&told);
                self.known.add(&told);
                self.told.join(&told);
                runner.sinks.search("log", &log.take());
                if messages.is_some_and(|most| self.told.messages >= most) {
                    break;
                }
            }
            if messages.is_none_or(|most| self.told.messages >= most) {
                break;
            }
        }
        runner.sinks.search_home(&gate.home());
        self.validated = self.published.judge(gate, &mut runner.sinks).await;
        self.tokens = self.linkage.judge(&mut runner.sinks);
        self.smallest = self.known.judge(&mut runner.sinks);
        self.sinks.join(runner.sinks);
    }

    async fn compare(&mut self, home: &std::path::Path, tokens: &[String]) {
        let (one, other) = (Gate::open(Some(home), 7).await, Gate::open(Some(home), 7).await);
        let mut twins = Twins::new(&one, &other);
        twins.changes(2).await;
        for token in tokens {
            twins.called(token, 2).await;
        }
        for position in POSITIONS.iter().filter(|position| is_value(position)) {
            twins.refused(position, str::to_owned).await;
            twins.refused(position, str::to_uppercase).await;
        }
        let (sinks, compared) = twins.into_sinks();
        self.sinks.join(sinks);
        self.compared = compared;
    }

    fn print(&self, took: Duration) {
        let Told { messages, admitted, refused, held, exact, .. } = &self.told;
        let (scenarios, a_second) =
            (self.scenarios, u128::from(*messages) * 1000 / took.as_millis());
        println!("{scenarios} scenarios, {messages} messages, {took:.1?}, {a_second}/s");
        println!("admitted {admitted}, refused {refused}, held {held}; bodies exact {exact}");
        println!(
            "worlds compared: {} pairs, {} refusals",
            self.compared.pairs, self.compared.refusals
        );
        match self.validated {
            Some(bodies) => println!("bodies that differ, by another validator: {bodies}"),
            None => println!("left out: another validator (install python3-jsonschema)"),
        }
        println!("tokens that partners compared: {}", self.tokens);
        println!("smallest group abroad: {}", self.smallest);
        for (sink, (count, bytes)) in &self.sinks.searched {
            println!("  searched {sink:28} {count:>9} times {bytes:>13} bytes");
        }
        for leak in self.sinks.leaks.iter().take(20) {
            println!("LEAK by {}: {} in {}; {}", leak.oracle, leak.what, leak.sink, leak.scenario);
        }
    }
}

/// Where any value stands in a place of its own and is refused there.
fn is_value(position: &Position) -> bool {
    !position.is_known && !matches!(position.name, "path" | "a megabyte" | "message id")
}

/// Every token of every closed list, each `stride`th of them.
fn tokens(stride: usize) -> Vec<String> {
    fn visit(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    if let ("enum", Value::Array(codes)) = (name.as_str(), value) {
                        into.extend(codes.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    visit(value, into);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| visit(item, into)),
            _ => {}
        }
    }
    let mut all = BTreeSet::new();
    for schema in [
        include_str!("../../schemas/referral.1.json"),
        include_str!("../../schemas/status.1.json"),
        include_str!("../../schemas/envelope.json"),
        include_str!("../../schemas/codes/provinces.json"),
    ] {
        visit(&serde_json::from_str(schema).unwrap(), &mut all);
    }
    let released = ["under_18", "adult", "open", "closed", "abroad", "special_protection"];
    all.extend(released.map(str::to_owned));
    all.into_iter().step_by(stride).collect()
}

fn logged() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    (log, tracing::subscriber::set_default(subscriber))
}

#[test]
fn nothing_planted_comes_out_and_what_may_pass_is_unchanged() {
    let messages = std::env::var("TITIAN_LEAK").ok().map(|count| count.parse().unwrap());
    let (log, _guard) = logged();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let began = Instant::now();
    let mut run = Run::default();
    runtime.block_on(async {
        let model = Gate::open(None, 0).await.home_only();
        run.compare(&model.path(), &tokens(if messages.is_some() { 1 } else { 20 })).await;
        run.sinks.search("log", &log.take());
        fixed::judge(&model.path(), &mut run.sinks).await;
        let gate = Gate::open(Some(&model.path()), 1).await;
        run.plant(&gate, &log, &scenarios(), messages).await;
    });
    run.print(began.elapsed());
    assert!(run.told.admitted * 4 > run.told.messages, "too little passes to say anything");
    assert!(run.sinks.leaks.is_empty(), "{} leaks", run.sinks.leaks.len());
}
