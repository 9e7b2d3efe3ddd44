//! Negative controls: each bug is planted in turn, and a judge has to catch it. They stand in builds
//! with the feature `mutants` only, and no release has it.

use titian::mutant::{Mutant, plant};

use super::*;

/// The first leak that some judge finds.
async fn caught(home: &std::path::Path) -> Option<sinks::Leak> {
    let (log, _guard) = logged();
    let mut run = Run::default();
    fixed::judge(home, &mut run.sinks).await;
    if run.sinks.leaks.is_empty() {
        run.compare(home, &[]).await;
    }
    if run.sinks.leaks.is_empty() {
        let gate = Gate::open(Some(home), 1).await;
        let mut few = scenarios();
        few.retain(|it| it.fault == place::Fault::Nothing || it.fault == place::Fault::SentAgain);
        // the places first, each once
        few.sort_by_key(|it| it.number % 7);
        run.plant(&gate, &log, &few, Some(150)).await;
    }
    run.sinks.leaks.into_iter().next()
}

#[test]
fn every_planted_bug_is_caught() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let model = runtime.block_on(Gate::open(None, 0)).home_only();
    plant(None);
    let found = runtime.block_on(caught(&model.path()));
    assert!(found.is_none(), "nothing is planted: {found:?}");
    let mut uncaught = Vec::new();
    for (mutant, name) in Mutant::ALL {
        plant(Some(*mutant));
        if let Some(leak) = runtime.block_on(caught(&model.path())) {
            let (oracle, what, scenario) = (leak.oracle, leak.what, leak.scenario);
            println!("caught  {name}: by {oracle}, {what} ({scenario})");
        } else {
            println!("MISSED  {name}");
            uncaught.push(*name);
        }
    }
    plant(None);
    assert!(uncaught.is_empty(), "{uncaught:?}");
}
