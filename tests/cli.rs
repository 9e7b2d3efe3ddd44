//! The command line as a person or a script meets it: exit codes, and where output goes.
#![cfg(test)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn titian(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_titian"))
        .args(arguments)
        .env_remove("TITIAN_HOME")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_home_is_made_in_one_go_and_never_made_over() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let made = titian(&["init", text(&home)]);
    assert_eq!(code(&made), 0, "{}", error(&made));
    let key = std::fs::read(home.join("keys/signing.jwk")).unwrap();
    assert_eq!(code(&titian(&["init", text(&home)])), 0);
    assert_eq!(std::fs::read(home.join("keys/signing.jwk")).unwrap(), key);
}

#[test]
fn a_kit_is_made_and_registered_with_its_public_half_only() {
    let directory = tempfile::tempdir().unwrap();
    let (home, kit) = (directory.path().join("home"), directory.path().join("kit"));
    assert_eq!(code(&titian(&["init", text(&home)])), 0);
    let new = ["party", "new", text(&kit), "--id", "zarqolin", "--name", "Zarqolin"];
    let new = titian(&[&new[..], &["--country", "NLD", "--kind", "foreign"]].concat());
    assert_eq!(code(&new), 0, "{}", error(&new));
    let record = kit.join("record.toml");
    let propose = |file: &Path, id: &str| {
        let words = ["party", "propose", text(file), "--id", id, "--as", "petugas-kebijakan"];
        titian(&[&words[..], &["--home", text(&home)]].concat())
    };
    // a private key, whatever it is called, is no record
    let key = kit.join("zarqolin.toml");
    std::fs::copy(kit.join("signing.jwk"), &key).unwrap();
    assert_ne!(code(&propose(&key, "zarqolin")), 0);
    let unnamed = ["party", "propose", text(&record), "--as", "petugas-kebijakan"];
    let unnamed = titian(&[&unnamed[..], &["--home", text(&home)]].concat());
    assert!(error(&unnamed).contains("say it: --id zarqolin"), "{}", error(&unnamed));
    let misnamed = propose(&record, "record");
    assert_eq!(code(&misnamed), 1, "it names itself otherwise");
    assert!(!error(&misnamed).contains("line 0"), "{}", error(&misnamed));
    let proposed = propose(&record, "zarqolin");
    assert_eq!(code(&proposed), 0, "{}", error(&proposed));
    assert!(!home.join("parties/zarqolin").exists());
}

#[test]
fn a_baseline_is_shown_and_taken_over_only_with_its_signature() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    assert_eq!(code(&titian(&["init", text(&home)])), 0);
    let shown = titian(&["baseline", "show", "--home", text(&home)]);
    assert_eq!(code(&shown), 0, "{}", error(&shown));
    assert!(String::from_utf8(shown.stdout).unwrap().starts_with("263 people as of"));
    let [table, signature] = ["t.toml", "t.jws"].map(|name| directory.path().join(name));
    std::fs::copy(home.join("baseline.toml"), &table).unwrap();
    std::fs::copy(home.join("baseline.jws"), &signature).unwrap();
    let import = ["baseline", "import", text(&table), text(&signature), "--home", text(&home)];
    for name in ["baseline.toml", "baseline.jws"] {
        std::fs::remove_file(home.join(name)).unwrap();
    }
    let none = titian(&["baseline", "show", "--home", text(&home)]);
    assert!(String::from_utf8(none.stdout).unwrap().starts_with("no baseline"));
    let first = titian(&import);
    assert!(String::from_utf8(first.stdout).unwrap().starts_with("replaces nothing"));
    let again = titian(&import);
    assert!(String::from_utf8(again.stdout).unwrap().starts_with("replaces 263 people"));
    std::fs::copy(home.join("floor.jws"), &signature).unwrap();
    let refused = titian(&import);
    assert_eq!(code(&refused), 2);
    assert!(error(&refused).contains("does not verify"), "{}", error(&refused));
}

#[test]
fn a_preview_abroad_says_of_how_many_the_case_could_be() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    assert_eq!(code(&titian(&["init", text(&home)])), 0);
    let preview = |policy: &str, how: &[&str]| {
        let shown = titian(&[&["policy", "preview", policy, "--home", text(&home)], how].concat());
        String::from_utf8(shown.stdout).unwrap()
    };
    let line = "alike after one release: 134 of the baseline (k = 10)";
    assert!(preview("kemensos-cuta-be-status", &[]).contains(line));
    let cases = preview("kemensos-cuta-be-status", &["--json"]);
    let cases: serde_json::Value = serde_json::from_str(&cases).unwrap();
    let group = serde_json::json!({"baseline": 134, "k": 10});
    assert_eq!(cases[0]["received"]["group"], group);
    assert!(!preview("kemensos-bnpt-status", &[]).contains("alike"));
}

#[test]
fn usage_and_unusable_input_end_with_2_and_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    assert_eq!(code(&titian(&["no-such-command"])), 2);
    assert_eq!(code(&titian(&["send", "x.json"])), 2);
    let served = titian(&["serve", "--home", text(&home)]);
    assert_eq!(code(&served), 2);
    assert_eq!(error(&served).lines().count(), 1, "{}", error(&served));
    assert!(!home.exists(), "a failed start makes nothing");
    titian(&["init", text(&home)]);
    let sent = titian(&["send", "--home", text(&home), "--as", "nobody", "x.json"]);
    assert_eq!(code(&sent), 2);
}

#[test]
fn a_start_whose_port_is_taken_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    titian(&["init", text(&home)]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = std::fs::read_to_string(home.join("titian.toml")).unwrap();
    let config = config
        .replace("127.0.0.1:8443", &free.to_string())
        .replace("127.0.0.1:9464", &taken.local_addr().unwrap().to_string());
    std::fs::write(home.join("titian.toml"), config).unwrap();
    let served = titian(&["serve", "--home", text(&home)]);
    assert_eq!(code(&served), 2);
    assert!(error(&served).contains("cannot be bound"), "{}", error(&served));
    assert!(!home.join("titian.db").exists(), "nothing was begun");
}

#[test]
fn loose_permissions_stop_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    titian(&["init", text(&home)]);
    let key = home.join("keys/pseudonym");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let served = titian(&["serve", "--home", text(&home)]);
    assert_eq!(code(&served), 2);
    assert!(error(&served).contains("open to others"), "{}", error(&served));
}

#[test]
fn evidence_is_verified_offline_with_its_verdict_as_exit_code() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/evidence");
    let (bundle, pins) = (vectors.join("sender.json"), vectors.join("pins.json"));
    let good = titian(&["verify", text(&bundle), "--pins", text(&pins)]);
    assert_eq!(code(&good), 0, "{}", error(&good));
    let directory = tempfile::tempdir().unwrap();
    let changed = directory.path().join("changed.json");
    let bytes = std::fs::read_to_string(&bundle).unwrap();
    std::fs::write(&changed, bytes.replacen("\"index\":", "\"index\":1", 1)).unwrap();
    let json = titian(&["--json", "verify", text(&changed), "--pins", text(&pins)]);
    assert_eq!(code(&json), 1, "{}", error(&json));
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(report["verdict"], "failed");
    assert!(report["checks"].as_array().unwrap().iter().any(|c| c["result"] == "failed"));
    std::fs::write(&changed, "{}").unwrap();
    assert_eq!(code(&titian(&["verify", text(&changed), "--pins", text(&pins)])), 2);
}

/// Every command's help, as a person reads it: a change of it is a change of what we promise.
#[test]
fn the_help_of_every_command_is_as_recorded() {
    let mut all = String::new();
    let mut waiting = vec![Vec::<String>::new()];
    while let Some(command) = waiting.pop() {
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        arguments.push("--help");
        let shown = titian(&arguments);
        assert_eq!(code(&shown), 0, "{command:?}");
        let help = String::from_utf8(shown.stdout).unwrap();
        for line in help.lines().skip_while(|line| *line != "Commands:").skip(1) {
            let Some(name) = line.strip_prefix("  ").and_then(|line| line.split(' ').next()) else {
                break;
            };
            if !name.is_empty() && name != "help" {
                waiting.push([&command[..], &[name.to_owned()]].concat());
            }
        }
        writeln!(all, "$ titian {}\n{help}", arguments.join(" ")).unwrap();
    }
    insta::assert_snapshot!("help", all);
}

#[test]
fn a_change_is_said_in_sentences_and_shown_on_synthetic_cases() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    assert_eq!(code(&titian(&["init", text(&home)])), 0);
    let shipped = home.join("policies/kemensos-bnpt-status.toml");
    let shipped = std::fs::read_to_string(shipped).unwrap();
    let changed = directory.path().join("changed.toml");
    let by_year = shipped.replace("= \"month\" ", "= \"year\" ");
    assert_ne!(by_year, shipped);
    std::fs::write(&changed, &by_year).unwrap();
    let diff = |before: &str, after: &str, more: &[&str]| {
        let arguments = ["policy", "diff", before, after, "--home", text(&home)];
        titian(&[&arguments[..], more].concat())
    };
    let (id, file) = ("kemensos-bnpt-status", text(&changed));
    let narrowed = diff(id, file, &["--lang", "en"]);
    assert_eq!(code(&narrowed), 0, "{}", error(&narrowed));
    let said = String::from_utf8(narrowed.stdout).unwrap();
    assert!(said.contains("differently: its year only; so far its month only"), "{said}");
    // a year instead of a month is no wider, but it is told otherwise: that takes two, as it does
    // when it is proposed
    assert!(said.contains("two officers of different units"), "{said}");
    let dropped =
        shipped.replace("\"/location/adm1\"      = \"keep\"", "\"/location/adm1\" = \"drop\"");
    std::fs::write(&changed, dropped).unwrap();
    let stops = diff(id, text(&changed), &["--lang", "en"]);
    assert!(String::from_utf8(stops.stdout).unwrap().contains("one officer"));
    std::fs::write(&changed, &by_year).unwrap();
    let widened: serde_json::Value =
        serde_json::from_slice(&diff(file, id, &["--json"]).stdout).unwrap();
    assert_eq!(widened["widens"], true);
    assert_eq!(widened["leaves"][0]["leaf"], "/effective_on");
    assert_eq!(code(&diff(id, "kemensos-cuta-be-status", &[])), 2);
    assert_eq!(code(&diff(id, "no-such-policy", &[])), 2);

    let preview = ["policy", "preview", file, "--before", id, "--home", text(&home), "--json"];
    let cases: serde_json::Value = serde_json::from_slice(&titian(&preview).stdout).unwrap();
    assert_eq!(cases[0]["before"]["body"]["effective_on"], "2026-11");
    assert_eq!(cases[0]["after"]["body"]["effective_on"], "2026");
    let hostile = cases.as_array().unwrap().iter().find(|case| case["case"] == "hostile").unwrap();
    assert!(hostile["refused_by_schema"].as_array().is_some_and(|faults| !faults.is_empty()));
    assert!(hostile.get("after").is_none());
}

#[test]
fn an_officers_key_is_made_whole_and_fits_into_the_file_of_officers() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("words"), "tiga belas kata\n").unwrap();
    std::fs::set_permissions(at("words"), PermissionsExt::from_mode(0o600)).unwrap();
    let key_file = |file: &str, name: &str| {
        let words = ["officer", "key", text(&at(file)), "--name", name, "--json", "--passphrase"]
            .map(str::to_owned);
        let words = [&words[..], &[text(&at("words")).to_owned()]].concat();
        titian(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    // names with a dot have files of their own, whatever stands after it
    for name in ["budi.santoso", "budi.other"] {
        let made = key_file(name, name);
        assert_eq!(code(&made), 0, "{}", error(&made));
        assert!(at(&format!("{name}.public.jwk")).exists());
    }
    // half a pair is not made beside what is there
    std::fs::remove_file(at("budi.other")).unwrap();
    assert_eq!(code(&key_file("budi.other", "budi.other")), 2);
    assert!(!at("budi.other").exists());
    let named = key_file("upper", "Budi Santoso");
    assert_eq!(code(&named), 2);
    assert!(error(&named).contains("2 to 64"), "{}", error(&named));
    assert!(!at("upper").exists());
    // what it prints is taken once party and roles are said, and not before
    let made: serde_json::Value =
        serde_json::from_slice(&key_file("c.jwk", "citra").stdout).unwrap();
    let block = made["officers_toml"].as_str().unwrap();
    let home = at("home");
    assert_eq!(code(&titian(&["init", text(&home)])), 0);
    let write = |block: &str| std::fs::write(home.join("officers.toml"), block).unwrap();
    write(block);
    assert_eq!(code(&titian(&["init", text(&home)])), 2);
    write(&block.replace("\"\"", "\"kemensos\"").replace("[]", "[\"editor\"]"));
    let taken = titian(&["officer", "list", "--home", text(&home)]);
    assert_eq!(code(&taken), 0, "{}", error(&taken));
    assert!(String::from_utf8(taken.stdout).unwrap().contains("citra"));
}

#[test]
fn a_proposal_is_shown_as_what_it_changes() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    assert_eq!(code(&titian(&["init", text(&home)])), 0);
    let run = |words: &[&str]| titian(&[words, &["--home", text(&home)]].concat());
    let said = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    let json = |output: &Output| serde_json::from_slice::<serde_json::Value>(&output.stdout);
    let id = "mou-id-be";
    let exported = json(&run(&["agreement", "export", id, "--json"])).unwrap();
    let before = exported["text"].as_str().unwrap();
    let after = before.replace("k = 10", "k = 9");
    assert_ne!(before, after);
    let file = directory.path().join("mou-id-be.toml");
    std::fs::write(&file, after).unwrap();
    let proposed = run(&["agreement", "propose", text(&file), "--as", "petugas-kebijakan"]);
    assert_eq!(code(&proposed), 0, "{}", error(&proposed));
    let look = ["agreement", "approve", id, "--as", "pejabat-pengesah"];
    let shown = run(&look);
    assert_eq!(code(&shown), 1);
    let shown = said(&shown);
    assert!(shown.contains("\n- k = 10\n+ k = 9\n"), "{shown}");
    let title = before.lines().find(|line| line.starts_with("title")).unwrap();
    assert!(!shown.contains(title), "{shown}");
    let looked = json(&run(&[&look[..], &["--json"]].concat())).unwrap();
    assert_eq!((&looked["state"], &looked["version"]), (&"proposed".into(), &2.into()));
    // a name with a dot is an officer's before it is a file's
    let nobody = run(&["officer", "propose", "a.b", "--as", "petugas-kebijakan"]);
    assert!(error(&nobody).contains("no officer `a.b`"), "{}", error(&nobody));
}

#[test]
fn the_data_protection_officer_signs_floor_and_baseline_without_a_home() {
    use titian::app::floor::{BaselineStatement, FloorStatement, verify};
    use titian::config::Mode;
    use titian::sign::PublicKey;
    let desk = tempfile::tempdir().unwrap();
    let at = |name: &str| desk.path().join(name);
    let secret = at("passphrase");
    std::fs::write(&secret, "sepuluh kata sandi").unwrap();
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let titian = |arguments: &[&str]| {
        let mut titian = Command::new(env!("CARGO_BIN_EXE_titian"));
        titian.current_dir(desk.path()).args(arguments).args(["--passphrase", "passphrase"]);
        titian.output().unwrap()
    };
    let made = titian(&["officer", "key", "dpo.key", "--name", "dpo"]);
    assert!(made.status.success());
    // what it says next is what a data protection officer does, not an officer
    let said = String::from_utf8(made.stdout).unwrap();
    assert!(said.contains("dpo.jwk is a copy of dpo.key.public.jwk"), "{said}");
    assert!(said.contains("titian floor sign floor.toml --key dpo.key"), "{said}");
    assert!(!said.contains("officer add") && !said.contains("officers.toml"), "{said}");
    // a key of another name says whose it is
    assert!(titian(&["officer", "key", "ria.key", "--name", "ria"]).status.success());
    std::fs::copy("config/floor.production.toml", at("ria.toml")).unwrap();
    let sign = ["floor", "sign", "ria.toml", "--key", "ria.key"];
    assert_eq!(titian(&sign).status.code(), Some(2));
    assert!(titian(&[&sign[..], &["--as", "ria"]].concat()).status.success());
    for name in ["floor", "baseline"] {
        let file = format!("{name}.toml");
        let shipped = if name == "floor" { "floor.production.toml" } else { &file };
        std::fs::copy(format!("config/{shipped}"), at(&file)).unwrap();
        let sign = [name, "sign", &file, "--key", "dpo.key"];
        let signed = titian(&sign);
        assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
        assert_eq!(titian(&sign).status.code(), Some(2), "the one that is there stays");
    }
    let jwk = std::fs::read(at("dpo.key.public.jwk")).unwrap();
    let dpo = PublicKey::from_jwk(&serde_json::from_slice(&jwk).unwrap()).unwrap();
    let read = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    let by = (&dpo, Mode::Production);
    verify::<FloorStatement>(by, read("floor.toml").as_bytes(), &read("floor.jws")).unwrap();
    verify::<BaselineStatement>(by, read("baseline.toml").as_bytes(), &read("baseline.jws"))
        .unwrap();
    std::fs::write(at("other.toml"), "no = \"floor\"").unwrap();
    assert_eq!(titian(&["floor", "sign", "other.toml", "--key", "dpo.key"]).status.code(), Some(2));
}

/// Of what a command said to run again with, the word after `--confirm`.
fn confirmed_by(output: &Output) -> String {
    let said = error(output);
    let word = said.trim_end().rsplit_once("--confirm ").map(|(_, word)| word.to_owned());
    word.unwrap_or_else(|| panic!("{said}"))
}

#[test]
fn what_is_approved_is_the_version_and_digest_that_were_shown() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    assert_eq!(code(&titian(&["init", text(&home)])), 0);
    let run = |words: &[&str]| titian(&[words, &["--home", text(&home)]].concat());
    let id = "mou-id-be";
    let file = directory.path().join("mou-id-be.toml");
    let shipped = std::fs::read_to_string(home.join("agreements/mou-id-be.toml")).unwrap();
    let propose = |k: u32| {
        std::fs::write(&file, shipped.replace("k = 10", &format!("k = {k}"))).unwrap();
        run(&["agreement", "propose", text(&file), "--as", "petugas-kebijakan"])
    };
    let look = ["agreement", "approve", id, "--as", "pejabat-pengesah"];
    let approve = |confirm: &str| run(&[&look[..], &["--confirm", confirm]].concat());
    assert_eq!(code(&propose(9)), 0);
    let second = confirmed_by(&run(&look));
    assert!(second.starts_with("2:") && second.len() == 2 + 43, "{second}");
    let digest = second.strip_prefix("2:").unwrap();
    let first = |of: &str, length: usize| of.chars().take(length).collect::<String>();
    let short = [first(digest, 8), first(&second, 2 + 8), first(&second, 2 + 21)];
    for short in short.iter().map(String::as_str).chain([digest, "2:"]) {
        let refused = approve(short);
        assert_eq!(code(&refused), 2, "{short}");
        assert!(error(&refused).contains("at least the first 22 characters"), "{short}");
    }
    // another text came since: whoever confirms the one before has not seen it
    assert_eq!(code(&propose(8)), 0);
    let late = approve(&second);
    assert_eq!(code(&late), 1);
    assert!(error(&late).contains("is version 3 by now, not 2"), "{}", error(&late));
    let third = confirmed_by(&run(&look));
    let other = approve(&format!("3:{digest}"));
    assert!(error(&other).contains("another digest"), "{}", error(&other));
    let approved = approve(&first(&third, 2 + 22));
    assert_eq!(code(&approved), 0, "{}", error(&approved));
    assert!(String::from_utf8(approved.stdout).unwrap().contains("in_force"));
}

#[test]
fn a_draft_that_another_wrote_is_looked_at_before_it_is_proposed() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    assert_eq!(code(&titian(&["init", text(&home)])), 0);
    let run = |words: &[&str]| titian(&[words, &["--home", text(&home)]].concat());
    let file = directory.path().join("bnpt.toml");
    let record = std::fs::read_to_string(home.join("parties/bnpt/record.toml")).unwrap();
    let draft = |name: &str, officer: &str, more: &[&str]| {
        let line = format!("name = \"{name}\"");
        let old = record.lines().find(|line| line.starts_with("name = ")).unwrap();
        std::fs::write(&file, record.replace(old, &line)).unwrap();
        let import = ["party", "import", text(&file), "--as", officer];
        let drafted = run(&[&import[..], more].concat());
        assert_eq!(code(&drafted), 0, "{}", error(&drafted));
    };
    let (editor, duty) = ("petugas-kebijakan", "petugas-jaga");
    let look = ["party", "propose", "bnpt", "--as", editor];
    let propose = |confirm: &str| run(&[&look[..], &["--confirm", confirm]].concat());
    draft("N", duty, &[]);
    let shown = run(&look);
    assert_eq!(code(&shown), 1);
    let said = String::from_utf8(shown.stdout.clone()).unwrap();
    assert!(
        said.contains("\n+ name = \"N\"\n") && said.contains("written by petugas-jaga"),
        "{said}"
    );
    let seen = confirmed_by(&shown);
    // another text under the same number, after it was looked at
    draft("O", duty, &["--version", "2"]);
    let other = propose(&seen);
    assert_eq!(code(&other), 1);
    assert!(error(&other).contains("version 2 has another digest"), "{}", error(&other));
    let proposed = propose(&confirmed_by(&run(&look)));
    assert_eq!(code(&proposed), 0, "{}", error(&proposed));
    // what was written last by its own hand needs no second look
    draft("P", duty, &[]);
    draft("Q", editor, &["--version", "3"]);
    assert_eq!(code(&run(&look)), 0);
    // and a file is what is looked at
    let with_file = ["party", "propose", text(&file), "--as", editor, "--confirm", &seen];
    assert!(error(&run(&with_file)).contains("not for a file"));
}

#[test]
fn how_many_officers_a_version_takes_is_said_as_it_was_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    assert_eq!(code(&titian(&["init", text(&home)])), 0);
    let id = "kemensos-bnpt-status";
    let run = |words: &[&str]| titian(&[words, &["--home", text(&home)]].concat());
    let said = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    let file = directory.path().join(format!("{id}.toml"));
    let shipped = std::fs::read_to_string(home.join(format!("policies/{id}.toml"))).unwrap();
    let no_sex =
        shipped.replace("\"/subject/sex\"        = \"keep\"", "\"/subject/sex\" = \"drop\"");
    let less =
        no_sex.replace("\"/location/adm1\"      = \"keep\"", "\"/location/adm1\" = \"drop\"");
    assert!(shipped != no_sex && no_sex != less);
    let act = |act: &str, of: &str| {
        std::fs::write(&file, of).unwrap();
        let done = run(&["policy", act, text(&file), "--as", "petugas-kebijakan"]);
        assert_eq!(code(&done), 0, "{}", error(&done));
        let about = said(&done);
        assert!(!about.contains("petugas boleh") && !about.contains("dua petugas"), "{about}");
        about
    };
    // nothing is recorded of a draft yet
    let drafted = act("import", &less);
    assert!(!drafted.contains("its author") && !drafted.contains("takes"), "{drafted}");
    let alone = act("propose", &less);
    assert!(alone.contains("its author was enough"), "{alone}");
    let both = act("propose", &no_sex);
    assert!(both.contains("proposed, takes two officers of two units"), "{both}");
    let looked = run(&["policy", "approve", id, "--as", "pejabat-pengesah", "--json"]);
    let looked: serde_json::Value = serde_json::from_slice(&looked.stdout).unwrap();
    assert_eq!(looked["needs"], "two_units");
}
