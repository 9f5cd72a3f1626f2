//! The scripts of both systems say what is read, and nothing else.

use std::collections::BTreeSet;

use fleetwright_host::{Questions, RebootRequest, Request, Shell, Strategy, reboot, render, survey};

fn text(shell: Shell, request: &Request) -> String {
    render(shell, request).expect("a request that can be made").join("\n")
}

fn survey_request() -> Request {
    Request::Survey(Questions::default())
}

fn reboot_request() -> Request {
    Request::Reboot(RebootRequest {
        strategy: Strategy::Force,
        expected: Default::default(),
        run: "r".into(),
    })
}

/// First words after `marker`, without quotation marks.
fn after<'a>(text: &'a str, marker: &str) -> BTreeSet<&'a str> {
    text.match_indices(marker)
        .filter(|(at, _)| !text[..*at].ends_with(|c: char| c.is_alphanumeric() || "$-#".contains(c)))
        .filter_map(|(at, _)| {
            text[at + marker.len()..].split([' ', '\n', '\'', '"', '(']).find(|word| !word.is_empty())
        })
        .filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect()
}

fn said(shell: Shell, request: &Request) -> BTreeSet<&'static str> {
    let text = text(shell, request);
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let text: &'static str = code.join("\n").leak();
    let markers: &[&str] = match shell {
        Shell::Posix => &["say ", "say_units "],
        Shell::PowerShell => &["Say '", "Say-Services '"],
    };
    let mut keys: BTreeSet<_> = markers.iter().flat_map(|marker| after(text, marker)).collect();
    for packed in ["z", "p"] {
        if [format!("'{packed}="), format!("\"{packed}="), format!("/{packed}=")]
            .iter()
            .any(|form| text.contains(form))
        {
            keys.insert(packed);
        }
    }
    keys.insert("end");
    keys
}

#[test]
fn the_survey_of_linux_says_what_is_read() {
    assert_eq!(said(Shell::Posix, &survey_request()), survey::KEYS.into_iter().collect());
}

#[test]
fn the_survey_of_windows_says_the_same_but_never_uncompressed() {
    let read: BTreeSet<_> = survey::KEYS.into_iter().filter(|key| *key != "p").collect();
    assert_eq!(said(Shell::PowerShell, &survey_request()), read);
}

#[test]
fn the_reboot_of_both_systems_says_what_is_read() {
    let mut read: BTreeSet<_> = reboot::KEYS.into_iter().collect();
    read.insert("end");
    for shell in [Shell::Posix, Shell::PowerShell] {
        assert_eq!(said(shell, &reboot_request()), read, "{shell:?}");
    }
}

#[test]
fn both_systems_end_every_answer_with_its_count_and_ask_for_a_reboot_in_their_own_way() {
    assert!(text(Shell::Posix, &reboot_request()).contains("exit 194"));
    assert!(text(Shell::PowerShell, &reboot_request()).contains("'rebooting' '' 3010"));
    for shell in [Shell::Posix, Shell::PowerShell] {
        for request in [survey_request(), reboot_request()] {
            assert!(text(shell, &request).contains("end="), "{shell:?}");
        }
    }
}

#[test]
fn every_parameter_that_a_script_reads_is_given_to_it() {
    for shell in [Shell::Posix, Shell::PowerShell] {
        for request in [survey_request(), reboot_request()] {
            let text = text(shell, &request);
            let given: BTreeSet<_> = text
                .lines()
                .filter_map(|line| line.strip_prefix("export ").or_else(|| line.strip_prefix("$env:")))
                .filter_map(|line| line.split(['=', ' ']).next())
                .filter(|name| name.starts_with("FW_"))
                .collect();
            let read: BTreeSet<_> = text
                .match_indices("FW_")
                .map(|(at, _)| {
                    text[at..]
                        .split(|c: char| !c.is_ascii_uppercase() && c != '_')
                        .next()
                        .expect("split gives one at least")
                })
                .collect();
            assert_eq!(read, given, "{shell:?}");
        }
    }
}

#[test]
fn the_scripts_have_no_bashisms_and_stay_short() {
    let text = text(Shell::Posix, &survey_request());
    for word in ["[[", "local ", "<<<", "&>", "declare ", "source ", "$RANDOM", "${!"] {
        let found: Vec<_> =
            text.lines().filter(|line| !line.starts_with('#') && line.contains(word)).collect();
        assert!(found.is_empty(), "{word}: {found:?}");
    }
}
