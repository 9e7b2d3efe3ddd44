//! What the floor must turn away, whoever approves it. Each case is a way around it.

use crate::support::{compile_text, read, shipped, with_row};
use titian::policy::Fixed;

const ABROAD: &str = "kemensos-cuta-be-status";
const ABROAD_REFERRAL: &str = "kemensos-cuta-be-referral";
const HOME_CT: &str = "kemensos-bnpt-status";
const SOCIAL: &str = "bnpt-kemensos-referral";

fn refuses(id: &str, leaf: &str, operation: &str) {
    let text = with_row(id, leaf, operation);
    let Err(findings) = compile_text(&text) else {
        panic!("{leaf} = {operation} compiles in {id}");
    };
    assert!(findings.iter().any(|f| f.leaf == leaf && f.line > 1), "{leaf}: {}", findings[0]);
}

#[test]
fn abroad_a_month_is_that_of_the_event_and_no_other() {
    refuses(ABROAD, "/subject/birth/date", "\"month\"");
    refuses(ABROAD, "/next_review_on", "\"month\"");
    refuses(ABROAD, "/effective_on", "\"keep\"");
    refuses(ABROAD, "/effective_on", "\"year\"");
    refuses(ABROAD_REFERRAL, "/origin/return_month", "\"month\"");
    refuses(ABROAD_REFERRAL, "/consent/date", "\"month\"");
}

#[test]
fn abroad_an_allowed_word_cannot_carry_another_leaf() {
    let by_sex =
        r#"{ op = "code_map", map = { female = "open", male = "closed", unknown = "adult" } }"#;
    refuses(ABROAD, "/subject/sex", by_sex);
    let outcome = r#"{ op = "code_map", map = { deceased = "closed", aged_out = "adult" } }"#;
    refuses(ABROAD, "/outcome", outcome);
    let pathway = r#"{ op = "code_map", map = { deportan = "abroad", returnis = "domestic", repatriasi = "open", domestik = "closed" } }"#;
    refuses(ABROAD, "/origin/pathway", pathway);
    let state = r#"{ op = "code_map", map = { declined = "closed", accepted = "open" } }"#;
    refuses(ABROAD, "/to_state", state);
    refuses(ABROAD, "/from_state", r#"{ op = "code_map", table = "open_closed" }"#);
    let needs = r#"{ op = "code_map", map = { pregnancy = "open" } }"#;
    refuses(ABROAD_REFERRAL, "/subject/needs", needs);
    refuses(ABROAD_REFERRAL, "/concerns", "{ op = \"count\", cap = 4 }");
}

#[test]
fn abroad_only_two_bands_of_age() {
    refuses(ABROAD, "/subject/birth/date", r#"{ op = "age_band", bands = "domestic" }"#);
    refuses(ABROAD, "/subject/birth/date", "\"keep\"");
}

#[test]
fn direct_values_and_texts_do_not_leave_in_any_form() {
    for leaf in ["/subject/name/full", "/subject/name/alias", "/location/address", "/summary"] {
        for operation in ["\"keep\"", "\"hold\"", r#"{ op = "constant", value = "open" }"#] {
            refuses(ABROAD_REFERRAL, leaf, operation);
        }
    }
    refuses(ABROAD_REFERRAL, "/subject/name/alias", "{ op = \"count\", cap = 4 }");
    refuses(HOME_CT, "/note", "\"keep\"");
    refuses(HOME_CT, "/note", "\"hold\"");
    refuses(HOME_CT, "/outcome", "\"keep\"");
    refuses(HOME_CT, "/service_codes", "\"keep\"");
    refuses(HOME_CT, "/service_codes", "{ op = \"count\", cap = 4 }");
}

#[test]
fn a_text_for_a_social_agency_waits_for_an_officer() {
    refuses(SOCIAL, "/summary", "\"keep\"");
    refuses(SOCIAL, "/summary", r#"{ op = "constant", value = "see the file" }"#);
    assert!(compile_text(&with_row(SOCIAL, "/summary", "\"drop\"")).is_ok());
}

#[test]
fn the_length_of_an_array_counts_as_its_leaves_do() {
    // a referral to counter-terrorism, in which everything but what is tried is dropped
    let rows = read(&format!("config/policies/{ABROAD_REFERRAL}.toml"));
    let ct = |rows: String| {
        rows.lines()
            .map(|line| match line.split_once(" = ") {
                Some((name, _)) if name.trim() == "recipient" => "recipient = \"bnpt\"".to_owned(),
                Some((name, _)) if name.starts_with("\"/subject/birth/date") => {
                    format!("{name} = \"drop\"")
                }
                _ => line.to_owned(),
            })
            .collect::<Vec<_>>()
    };
    let with_array = |array: &str| {
        let prefix = format!("\"{array}/");
        let mut rows = ct(rows.clone());
        rows.retain(|line| !line.starts_with(&prefix));
        rows.push(format!("\"{array}\" = {{ op = \"count\", cap = 4 }}"));
        compile_text(&rows.join("\n"))
    };
    assert!(compile_text(&ct(rows.clone()).join("\n")).is_ok());
    assert!(with_array("/household").is_ok());
    for array in ["/attachments", "/subject/ids"] {
        let findings = with_array(array).err().unwrap_or_else(|| panic!("{array} is counted"));
        assert_eq!(findings[0].leaf, array);
    }
}

#[test]
fn references_leave_as_pseudonyms_or_not_at_all() {
    for id in [ABROAD, HOME_CT, SOCIAL] {
        refuses(id, "/subject/ref", "\"keep\"");
        refuses(id, "/subject/ref", r#"{ op = "constant", value = "open" }"#);
    }
    refuses(SOCIAL, "/consent/bid_ref", "\"keep\"");
    refuses(SOCIAL, "/subject/sex", "\"pseudonym\"");
}

#[test]
fn learning_and_statistics_get_no_individual_message() {
    for purpose in ["jwg_learning", "statistics"] {
        for id in [ABROAD, HOME_CT, SOCIAL] {
            let text = read(&format!("config/policies/{id}.toml"));
            let (before, after) = text.split_once("purpose = \"").unwrap();
            let (_, after) = after.split_once('"').unwrap();
            let findings = compile_text(&format!("{before}purpose = \"{purpose}\"{after}"))
                .err()
                .unwrap_or_else(|| panic!("{id} for {purpose} compiles"));
            assert_eq!(findings[0].leaf, "purpose");
        }
    }
}

#[test]
fn every_leaf_has_one_operation_and_is_named_where_it_has_none_or_two() {
    let text = read(&format!("config/policies/{ABROAD}.toml"));
    let without: String =
        text.lines().filter(|l| !l.starts_with("\"/outcome\"")).collect::<Vec<_>>().join("\n");
    let findings = compile_text(&without).unwrap_err();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].leaf, "/outcome");
    for more in ["\"/subject\" = \"drop\"", "\"/subject/birth\" = \"drop\""] {
        let findings = compile_text(&format!("{text}\n{more}\n")).unwrap_err();
        assert!(findings.iter().any(|f| f.message.to_string().contains("twice")), "{more}");
    }
    let findings = compile_text(&format!("{text}\n\"/subject/sexx\" = \"drop\"\n")).unwrap_err();
    assert_eq!(findings[0].accepted.first().map(String::as_str), Some("/subject/sex"));
    let findings = compile_text(&text.replace("\"/outcome\"", "\"/subject\"")).unwrap_err();
    assert!(findings.iter().any(|f| f.leaf == "/outcome"));
}

#[test]
fn no_name_stands_for_more_than_it_says() {
    let text = read(&format!("config/policies/{ABROAD}.toml"));
    let (head, _) = text.split_once("[leaves]").unwrap();
    for name in ["", "*", "/*", "/", "subject"] {
        assert!(
            compile_text(&format!("{head}\n[leaves]\n\"{name}\" = \"drop\"\n")).is_err(),
            "{name}"
        );
    }
}

#[test]
fn what_is_passed_on_looks_like_no_identifier() {
    for value in ["3171014503110000", "siti@example.org", "+62 812 0000 0000"] {
        let operation = format!("{{ op = \"constant\", value = \"{value}\" }}");
        refuses(SOCIAL, "/subject/scope", &operation);
        refuses(
            SOCIAL,
            "/subject/sex",
            &format!("{{ op = \"code_map\", map = {{ female = \"{value}\" }} }}"),
        );
    }
}

#[test]
fn a_stranger_is_foreign_whatever_its_record_says() {
    use crate::support::{floors, table};
    use titian::domain::PartyKind;
    use titian::policy::{Source, compile};
    let text = read(&format!("config/policies/{SOCIAL}.toml"))
        .replace("recipient = \"kemensos\"", "recipient = \"dinas\"");
    for floor in floors() {
        let source = Source::parse("tried", &text).unwrap();
        assert!(compile(source, &floor, table("referral/1"), PartyKind::Social).is_err());
    }
}

#[test]
fn everything_shipped_compiles_under_both_floors() {
    use crate::support::{floors, kind_of, table};
    use titian::policy::{Source, compile};
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/config/policies")).unwrap()
    {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        let id = path.file_stem().unwrap().to_string_lossy().into_owned();
        for floor in floors() {
            let source = Source::parse(&id, &std::fs::read_to_string(&path).unwrap()).unwrap();
            let kind = kind_of(&source.head.recipient.party);
            let leaves = table(source.head.message.as_str());
            let compiled = compile(source, &floor, leaves, kind);
            assert!(compiled.is_ok(), "{id}: {}", compiled.unwrap_err()[0]);
        }
    }
    for floor in floors() {
        let fixed = Fixed::new(&floor, |name| Some(table(name))).unwrap();
        assert!(fixed.iter().all(|plan| plan.id() == "fixed"));
    }
    assert!(shipped(ABROAD).foreign());
}

#[test]
fn a_code_that_no_row_maps_is_warned_of() {
    assert!(shipped(ABROAD).warnings().is_empty() && shipped(HOME_CT).warnings().is_empty());
    let few = r#"{ op = "code_map", map = { pendidikan = "pendidikan" } }"#;
    let policy = compile_text(&with_row(HOME_CT, "/service_codes", few)).unwrap();
    assert_eq!(policy.warnings().len(), 1);
    assert!(policy.warnings()[0].message.to_string().contains("kesehatan"));
}
