//! No value becomes code, shown by shells that really run them.

use std::process::{Command, Stdio};

use fleetwright_host::quote::{posix_export, powershell_assign};
use fleetwright_host::{Questions, RebootRequest, Request, Shell, Strategy, render};
use proptest::prelude::*;

use crate::sandbox::shells;

/// What each shell holds after the assignments, one value after the other.
fn held_by_shells(values: &[String]) -> Vec<(&'static str, Vec<String>)> {
    let mut script = String::new();
    for value in values {
        script.push_str(&posix_export("FW_X", value).expect("a value without control characters"));
        script.push_str("\nprintf '%s\\000' \"$FW_X\"\n");
    }
    shells()
        .into_iter()
        .map(|(name, shell)| {
            let output = Command::new(&shell[0])
                .args(&shell[1..])
                .args(["-c", &script])
                .env_clear()
                .stdin(Stdio::null())
                .output()
                .expect("a shell runs");
            let text = String::from_utf8(output.stdout).expect("plain text");
            (name, text.split_terminator('\0').map(str::to_owned).collect())
        })
        .collect()
}

#[test]
fn values_that_want_to_be_code_stay_values() {
    let hostile: Vec<String> = [
        "'; touch /tmp/owned; '",
        "$(reboot)",
        "`reboot`",
        "${IFS}",
        "\\",
        "\\'",
        "''",
        "'",
        "\"",
        "a b  c",
        "*",
        "~",
        "!!",
        "{{ssm:secret}}",
        "{{{{",
        "}}}'}}",
        "-n",
        "%s%n",
        "\u{2019}; reboot",
        "日本 ünï",
        "&& || |",
        "#",
        "",
        "$'\\n'",
    ]
    .map(str::to_owned)
    .to_vec();
    for (name, held) in held_by_shells(&hostile) {
        assert_eq!(held, hostile, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_the_value_the_shell_holds_just_that(
        values in prop::collection::vec("[ -~]{0,40}|[\\PC]{0,20}|['\"\\\\$`{}]{0,12}", 1..30)
    ) {
        for (name, held) in held_by_shells(&values) {
            prop_assert_eq!(&held, &values, "{}", name);
        }
    }

    #[test]
    fn powershell_sees_one_string_of_printable_ascii(value in "[\\PC]{0,40}|['\u{2018}\u{2019}{}+]{0,12}") {
        let line = powershell_assign("FW_X", &value).unwrap();
        prop_assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)));
        prop_assert!(!line.contains("{{"));
        prop_assert_eq!(powershell_value(line.strip_prefix("$env:FW_X = ").unwrap()), value);
    }
}

/// What PowerShell makes of `'…' + [char]0x… + '…'`: the few rules of its language that we use.
fn powershell_value(expression: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut rest = expression;
    loop {
        if let Some(number) = rest.strip_prefix("[char]0x") {
            units.push(u16::from_str_radix(&number[..4], 16).expect("four digits"));
            rest = &number[4..];
        } else {
            rest = rest.strip_prefix('\'').expect("a string begins");
            loop {
                let end = rest.find('\'').expect("a string ends");
                units.extend(rest[..end].encode_utf16());
                rest = &rest[end + 1..];
                match rest.strip_prefix('\'') {
                    Some(after) => {
                        units.push(u16::from(b'\''));
                        rest = after;
                    }
                    None => break,
                }
            }
        }
        match rest.strip_prefix(" + ") {
            Some(after) => rest = after,
            None => break,
        }
    }
    assert_eq!(rest, "", "something stands behind the string");
    String::from_utf16(&units).expect("whole characters")
}

#[test]
fn systems_manager_finds_nothing_to_replace_in_any_command() {
    let survey = Request::Survey(Questions {
        health: vec!["http://localhost/{{ssm:x}}".into()],
        ..Questions::default()
    });
    let reboot = Request::Reboot(RebootRequest {
        strategy: Strategy::Conditional,
        expected: Default::default(),
        run: "r1".into(),
    });
    for shell in [Shell::Posix, Shell::PowerShell] {
        for request in [&survey, &reboot] {
            let commands = render(shell, request).expect("a request that can be made");
            assert!(commands.iter().all(|line| !line.contains("{{") && !line.contains('\n')));
            // Far below what SendCommand takes, and far below what a shell takes.
            assert!(commands.iter().map(String::len).sum::<usize>() < 20_000);
        }
    }
}

#[test]
fn a_run_whose_name_is_not_plain_is_refused() {
    let reboot =
        RebootRequest { strategy: Strategy::Force, expected: Default::default(), run: "../x".into() };
    let error = render(Shell::Posix, &Request::Reboot(reboot)).unwrap_err();
    assert!(error.to_string().contains("../x"), "{error}");
}
