//! Bad configurations: every fault is found, at its place, with what to do.

use fleetwright_config::{ConfigErrors, Snippet, SourceText};

use crate::{fixture, lines, resolve_file};

fn faults(text: &str) -> ConfigErrors {
    resolve_file(SourceText::new("bad.yaml", text)).expect_err("faulty")
}

#[test]
fn every_fault_of_a_file_is_reported_with_its_place_and_the_nearest_key() {
    let errors = resolve_file(fixture!("configurations/faulty.yaml")).expect_err("faulty");
    let expected = [
        "2:3 FW-C0003 unknown key `aws.regoin`; did you mean `aws.region`?",
        "3:12 FW-C0004 `aws.timeout` needs a duration such as 90s, 30m or 1h30m, found `soon`",
        "4:17 FW-C0005 `aws.max_attempts` must be 1 to 20 attempts, found 99",
        "5:16 FW-C0016 `aws.external_id` is not an external id (2 to 1,224 letters, digits and _+=,.@:/-)",
        "6:13 FW-C0004 `aws.use_fips` needs true or false, found the text \"true\"",
        "8:29 FW-C0011 `aws.rates.ec2:DescribeInstances` has `burst` but no `per_second`",
        "9:5 FW-C0004 `DescribeInstances` is not an action such as ec2:DescribeInstances",
        "12:5 FW-C0003 unknown key `phases.backup.retention-days`; did you mean `phases.backup.retention_days`?",
        "13:14 FW-C0004 `phases.backup.enabled` needs true or false, found `maybe`",
        "14:9 FW-C0004 `phases.scan` is a section: it needs a mapping, found a plain value",
        "16:22 FW-C0004 `scan.platforms`: `windoze` is not one of linux, windows, macos, almalinux, \
         amazon-linux, centos, debian, oracle-linux, raspberry-pi-os, rhel, rocky, sles, ubuntu, unsupported",
        "18:18 FW-C0015 `scan.tags`: the tag `Application` has no value, so that nothing would ever match",
        "19:11 FW-C0004 `scan.states`: `terminated` is not one of pending, running, stopping, stopped, shutting-down",
        "22:19 FW-C0005 `workflow.timeouts.ami_creation` must be 30s to 1d, found 5s",
        "23:12 FW-C0004 `log_level`: `LOUD` is not one of error, warn, info, debug, trace",
        "25:3 FW-C0003 unknown key `ami_backup.retention`; did you mean `phases.backup.retention_days`?",
        "26:1 FW-C0003 unknown key `aws.region`: keys are nested, not written with dots",
        "28:3 FW-C0004 `prod.eu` is not the name of an environment (letters, digits, - and _)",
        "30:5 FW-C0014 `environments.prod.environment` cannot stand inside an environment's own section",
        "31:5 FW-C0003 unknown key `environments.prod.saftey`; did you mean `environments.prod.safety`?",
        "32:10 FW-C0004 `environments.prod.aws` is a section: it needs a mapping, found a list",
    ];
    assert_eq!(lines(&errors), expected);
}

#[test]
fn one_error_is_one_line_with_file_and_code() {
    let error = faults("aws:\n  regoin: x\n");
    assert_eq!(
        error.to_string(),
        "bad.yaml:2:3: unknown key `aws.regoin`; did you mean `aws.region`? [FW-C0003]"
    );
    assert_eq!(error.first().key_path.as_deref(), Some("aws.regoin"));
}

#[test]
fn a_faulty_secret_is_neither_repeated_nor_shown_as_source() {
    let errors = faults("aws: {external_id: 'planted secret'}");
    assert!(!format!("{errors} {errors:?}").contains("planted"));
    assert_eq!(errors.first().snippet, Snippet::Hide);
}

#[test]
fn a_setting_in_current_and_older_form_must_agree() {
    let errors = resolve_file(fixture!("configurations/twice.yaml")).expect_err("contradicts itself");
    assert_eq!(
        lines(&errors),
        [
            "3:3 FW-C0006 `aws.max_attempts` is 3 here and 5 at configurations/twice.yaml:2:3 (as aws.max_retries)",
            "8:1 FW-C0006 `phases.backup.enabled` is false here (as skip_backup) and true at configurations/twice.yaml:6:5",
        ],
        "retention_days is 14 in both forms"
    );
    assert_eq!(errors.first().related[0].line, 2);
}

#[test]
fn a_key_twice_in_one_mapping_names_both_places() {
    let errors = faults("aws:\n  region: eu-central-1\n  profile: a\n  region: eu-west-1\n");
    assert_eq!(lines(&errors), ["4:3 FW-C0006 the key `region` stands here and at bad.yaml:2:3"]);
}

#[test]
fn positions_hold_in_files_with_windows_line_ends_byte_order_marks_and_wide_characters() {
    let text = "\u{feff}# Übersicht\r\naws:\r\n  profile: \"größe\"\r\n  regoin: \"日本\" # ここ\r\n";
    let errors = faults(text);
    assert_eq!(lines(&errors), ["4:3 FW-C0003 unknown key `aws.regoin`; did you mean `aws.region`?"]);
    let fleetwright_config::Place::File(place) = &errors.first().place else { panic!("in a file") };
    assert_eq!(&text[place.offset..place.offset + place.length], "regoin");
}

#[test]
fn what_is_not_well_formed_is_one_fault_at_its_place() {
    for (text, place) in
        [("aws: [\n", "2:1"), ("aws:\n\tregion: x\n", "2:2"), ("a: 'b\n", "1:4"), ("a: *missing\n", "1:4")]
    {
        let errors = faults(text);
        assert_eq!((errors.len(), errors.first().code.id), (1, "FW-C0002"), "{text:?}: {errors}");
        assert!(errors.to_string().starts_with(&format!("bad.yaml:{place}: ")), "{text:?}: {errors}");
    }
}

#[test]
fn what_is_well_formed_but_means_nothing_is_refused() {
    for (text, code, words) in [
        ("aws: {}\n---\naws: {}\n", "FW-C0002", "second document"),
        ("[a, b]\n", "FW-C0004", "a configuration is a mapping"),
        ("? [a]\n: b\n", "FW-C0002", "a key must be text"),
        ("aws: !secret x\n", "FW-C0002", "the tag !secret"),
        ("a: &x {b: *x}\n", "FW-C0002", ""),
        ("aws:\n  <<: 5\n", "FW-C0002", "`<<` takes a mapping"),
        ("landing_zones:\n  - {name: a}\n", "FW-C0004", "landing_zones"),
    ] {
        let errors = faults(text);
        assert_eq!(errors.first().code.id, code, "{text:?}: {errors}");
        assert!(errors.to_string().contains(words), "{text:?}: {errors}");
    }
}

#[test]
fn files_that_would_exhaust_memory_are_refused() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let previous = format!("*a{}, ", level - 1).repeat(10);
        laughs.push_str(&format!("a{level}: &a{level} [{previous}]\n"));
    }
    let deep = format!("a: {}", "[".repeat(200));
    let mut chain = String::from("- &b0 [x]\n");
    for level in 1..200 {
        chain.push_str(&format!("- &b{level} [*b{}]\n", level - 1));
    }
    let long = format!("# {}\n", "x".repeat(17 * 1024 * 1024));
    for text in [laughs, deep, chain, long] {
        assert_eq!(faults(&text).first().code.id, "FW-C0019");
    }
}
