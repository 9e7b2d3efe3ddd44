//! What a foreign recipient is told, as the uniqueness budget adds it up.

use serde_json::{Value, json};
use time::macros::date;
use titian::policy::{Baseline, Profile};

use crate::support::{read, shipped};

#[test]
fn a_profile_grows_by_what_is_released_and_by_nothing_else() {
    let policy = shipped("kemensos-cuta-be-status");
    let body = |age: &str| {
        json!({
            "pad": "___", "subject": {"ref": "zarqolin", "birth": {"date": age}},
            "origin": {"pathway": null}, "category": {"ppks": "special_protection"},
            "to_state": "open", "effective_on": "2026-11",
        })
    };
    let one = Profile::default().with("a", (&policy, &body("adult"), date!(2026 - 11 - 24)), true);
    let part = |month: &str| {
        json!({
            "values": {
                "/category/ppks": "\"special_protection\"", "/effective_on": "\"2026-11\"",
                "/subject/birth/date": "\"adult\"", "/to_state": "\"open\"",
            },
            "month": month, "weighed": true,
        })
    };
    let text = |profile: &Profile| serde_json::from_str::<Value>(&profile.text()).unwrap();
    assert_eq!(text(&one), json!({"parts": {"a": part("2026-11")}}));
    assert_eq!(one.releases(), 1);

    let again = one.with("b", (&policy, &body("adult"), date!(2026 - 12 - 01)), true);
    assert_eq!(text(&again), json!({"parts": {"a": part("2026-11"), "b": part("2026-12")}}));
    assert_eq!(again.releases(), 2);
    assert_ne!(again.canonical(), one.canonical());
    // made anew it takes its own place
    let anew = again.with("b", (&policy, &body("adult"), date!(2026 - 12 - 01)), true);
    assert_eq!(anew, again);

    // a person told as two ages is nobody in the table; months and number ask it nothing
    let baseline = Baseline::parse(&read("config/baseline.toml")).unwrap();
    assert_eq!(baseline.alike(&one), baseline.alike(&again));
    let other = again.with("c", (&policy, &body("under_18"), date!(2026 - 12 - 01)), true);
    assert!(baseline.alike(&again) > 0);
    assert_eq!(baseline.alike(&other), 0);
}

#[test]
fn every_leaf_that_a_standing_policy_releases_is_a_column_or_an_event() {
    let baseline = Baseline::parse(&read("config/baseline.toml")).unwrap();
    let columns: Vec<&String> = baseline.rows().next().unwrap().0.keys().collect();
    let known = |leaf: &str| {
        columns.iter().any(|column| *column == leaf) || baseline.events().any(|event| event == leaf)
    };
    for id in ["kemensos-cuta-be-status", "kemensos-cuta-be-referral"] {
        for leaf in shipped(id).passing().iter().filter(|leaf| leaf.as_str() != "/subject/ref") {
            assert!(known(leaf.as_str()), "{id} {leaf}");
        }
    }
}
