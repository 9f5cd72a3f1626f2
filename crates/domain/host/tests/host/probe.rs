//! The probe script, run for real.

use fleetwright_host::{ProbeRequest, Request, Shell, render};

use crate::sandbox::{Host, shells_with_programs};

fn request(commands: &[&str], urls: &[&str]) -> Request {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Request::Probe(ProbeRequest { commands: owned(commands), urls: owned(urls) })
}

/// Exit code and last line.
fn asked(host: &Host, shell: &[std::path::PathBuf], request: &Request) -> (i32, String) {
    let ran = host.run(shell, &render(Shell::Posix, request).expect("a request that can be asked"));
    (ran.status, ran.stdout.lines().last().unwrap_or_default().to_owned())
}

#[test]
fn every_command_must_end_with_0_and_the_first_that_does_not_is_named() {
    for (name, shell) in shells_with_programs() {
        let host = Host::new();
        let well = request(&["true", "test \"$(echo 'a b' | wc -l)\" -eq 1 && ls *"], &[]);
        assert_eq!(asked(&host, &shell, &well), (0, "probe: passed".to_owned()), "{name}");
        let ill = request(&["true", "exit 3", "true"], &[]);
        assert_eq!(asked(&host, &shell, &ill), (1, "probe: exit code 3 of exit 3".to_owned()), "{name}");
        // Variables that nobody has set are the command's own affair.
        let unset = request(&["test -z \"$NOBODY_SET_THIS\""], &[]);
        assert_eq!(asked(&host, &shell, &unset).0, 0, "{name}");
    }
}

#[test]
fn addresses_must_answer_well() {
    let host = Host::new();
    for (status, expected) in [
        ("200", (0, "probe: passed".to_owned())),
        ("503", (1, "probe: 503 from http://localhost:8080/ready".to_owned())),
        ("000", (1, "probe: 000 from http://localhost:8080/ready".to_owned())),
    ] {
        host.tool("curl", &format!("printf {status}"));
        for (name, shell) in shells_with_programs() {
            let ready = request(&[], &["http://localhost:8080/ready"]);
            assert_eq!(asked(&host, &shell, &ready), expected, "{name}");
        }
    }
}

#[test]
fn more_commands_than_there_is_room_for_and_lines_are_refused() {
    let refused = |request: &Request| render(Shell::Posix, request).expect_err("refused").to_string();
    assert!(refused(&request(&["true"; 5], &[])).contains("at most 4"));
    assert!(refused(&request(&["true\nfalse"], &[])).contains("control character"));
    assert!(refused(&request(&[], &["localhost:80"])).contains("http://"));
    let windows = render(Shell::PowerShell, &request(&["Get-Service W3SVC"], &[])).expect("a request");
    assert!(windows.contains(&"$env:FW_COMMAND_1 = 'Get-Service W3SVC'".to_owned()));
}
