//! The guarded reboot, run as the agent runs it: again from the top after the boot.

use std::collections::BTreeMap;
use std::fs;

use fleetwright_host::{
    BootId, Reading, RebootReport, RebootRequest, RebootResult, Request, Shell, Strategy, Tri, reboot, render,
};

use crate::distributions::{DUE, NOT_DUE, rhel};
use crate::sandbox::{FIRST_BOOT, Host, INSTANCE, Ran, SECOND_BOOT, shells};

fn request(strategy: Strategy, expected: &[(&str, &str)]) -> Vec<String> {
    let expected: BTreeMap<_, _> = expected
        .iter()
        .map(|(instance, boot)| (instance.parse().expect("an id"), BootId::new(*boot).expect("a boot id")))
        .collect();
    let request = RebootRequest { strategy, expected, run: "2026-11-21-patch".into() };
    render(Shell::Posix, &Request::Reboot(request)).expect("a request that can be made")
}

fn read(ran: &Ran) -> RebootReport {
    assert_eq!(ran.stderr, "");
    match reboot::parse(&ran.stdout).expect("an answer") {
        Reading::Whole(report) => report,
        Reading::Truncated(_) => panic!("read as cut off:\n{}", ran.stdout),
    }
}

fn on_each_shell(host: impl Fn() -> Host, story: impl Fn(&dyn Fn(&[String]) -> Ran, &Host)) {
    for (name, shell) in shells() {
        println!("with {name}");
        let host = host();
        story(&|commands| host.run(&shell, commands), &host);
    }
}

#[test]
fn a_host_reboots_once_and_proves_it_when_the_script_runs_again() {
    let commands =
        request(Strategy::Conditional, &[("i-0aaaaaaaaaaaaaaaa", SECOND_BOOT), (INSTANCE, FIRST_BOOT)]);
    on_each_shell(
        || rhel("9.6", DUE, 1),
        |run, host| {
            let first = run(&commands);
            assert_eq!(first.status, reboot::LINUX_REBOOT_STATUS);
            let report = read(&first);
            assert_eq!((report.result, report.need), (RebootResult::Rebooting, Some(Tri::Yes)));
            assert_eq!(report.evidence.as_deref(), Some("needs-restarting"));
            host.boot(SECOND_BOOT);
            let second = run(&commands);
            assert_eq!(second.status, 0);
            let report = read(&Ran { stdout: format!("{}{}", first.stdout, second.stdout), ..second });
            assert_eq!(report.result, RebootResult::Rebooted);
            assert_eq!(report.before.unwrap().as_str(), FIRST_BOOT);
            assert_eq!(report.boot_id.unwrap().as_str(), SECOND_BOOT);
            assert_eq!(report.run.as_deref(), Some("2026-11-21-patch"));
        },
    );
}

#[test]
fn a_second_request_in_the_same_boot_is_not_a_second_reboot() {
    let commands = request(Strategy::Force, &[(INSTANCE, FIRST_BOOT)]);
    on_each_shell(Host::new, |run, _| {
        assert_eq!(run(&commands).status, reboot::LINUX_REBOOT_STATUS);
        for _ in 0..3 {
            let again = run(&commands);
            assert_eq!((again.status, read(&again).result), (0, RebootResult::Pending));
        }
    });
}

#[test]
fn a_host_that_was_rebooted_by_somebody_else_is_not_rebooted_again() {
    let commands = request(Strategy::Force, &[(INSTANCE, FIRST_BOOT)]);
    on_each_shell(Host::new, |run, host| {
        host.boot(SECOND_BOOT);
        let ran = run(&commands);
        assert_eq!((ran.status, read(&ran).result), (0, RebootResult::Rebooted));
    });
}

#[test]
fn a_host_that_nobody_expects_refuses() {
    for expected in [&[][..], &[("i-0aaaaaaaaaaaaaaaa", FIRST_BOOT)][..]] {
        let commands = request(Strategy::Force, expected);
        on_each_shell(Host::new, |run, _| {
            let ran = run(&commands);
            let report = read(&ran);
            assert_eq!((ran.status, report.result), (0, RebootResult::Refused));
            assert_eq!(report.reason.as_deref(), Some("not-expected-here"));
        });
    }
}

#[test]
fn a_host_that_cannot_tell_its_boot_refuses() {
    let commands = request(Strategy::Force, &[(INSTANCE, FIRST_BOOT)]);
    on_each_shell(Host::new, |run, host| {
        fs::remove_file(host.path("/proc/sys/kernel/random/boot_id")).unwrap();
        let ran = run(&commands);
        assert_eq!((ran.status, read(&ran).reason.as_deref()), (0, Some("no-boot-id")));
    });
}

#[test]
fn without_a_place_for_its_marker_a_host_refuses() {
    let commands = request(Strategy::Force, &[(INSTANCE, FIRST_BOOT)]);
    on_each_shell(Host::new, |run, host| {
        fs::remove_dir(host.path("/run")).unwrap();
        let ran = run(&commands);
        assert_eq!((ran.status, read(&ran).reason.as_deref()), (0, Some("no-marker")));
    });
}

#[test]
fn a_marker_of_an_earlier_boot_hinders_nothing() {
    let commands = request(Strategy::Force, &[(INSTANCE, FIRST_BOOT)]);
    on_each_shell(Host::new, |run, host| {
        host.file("/run/fleetwright-reboot", SECOND_BOOT);
        assert_eq!(run(&commands).status, reboot::LINUX_REBOOT_STATUS);
    });
}

#[test]
fn a_host_that_needs_no_reboot_gets_none() {
    let commands = request(Strategy::Conditional, &[(INSTANCE, FIRST_BOOT)]);
    on_each_shell(
        || rhel("8.10", NOT_DUE, 0),
        |run, host| {
            let ran = run(&commands);
            let report = read(&ran);
            assert_eq!((ran.status, report.result, report.need), (0, RebootResult::NotNeeded, Some(Tri::No)));
            assert!(!host.path("/run/fleetwright-reboot").exists());
        },
    );
}

#[test]
fn a_host_that_cannot_say_whether_it_needs_a_reboot_is_rebooted_and_says_so() {
    let commands = request(Strategy::Conditional, &[(INSTANCE, FIRST_BOOT)]);
    on_each_shell(
        || rhel("9.6", "Error: cannot open Packages database", 1),
        |run, _| {
            let ran = run(&commands);
            let report = read(&ran);
            assert_eq!((ran.status, report.need), (reboot::LINUX_REBOOT_STATUS, Some(Tri::Unknown)));
            assert!(report.to_string().contains("unknown counts as needed"), "{report}");
        },
    );
}

#[test]
fn a_claim_without_a_proof_is_not_believed() {
    let same =
        format!("fleetwright/reboot/1\nboot_id={FIRST_BOOT}\nbefore={FIRST_BOOT}\nresult=rebooted\nend=3\n");
    assert!(reboot::parse(&same).is_err());
    assert!(reboot::parse("fleetwright/reboot/1\nresult=rebooted\nend=1\n").is_err());
}
