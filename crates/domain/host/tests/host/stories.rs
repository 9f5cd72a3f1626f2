//! What is judged and compared from answers.

use fleetwright_host::comparison::Weight;
use fleetwright_host::fact::UnitState;
use fleetwright_host::questions::Repositories;
use fleetwright_host::survey::{HttpStatus, List, MountMode, Port, Scope, Transport};
use fleetwright_host::{
    BootId, ChangeKind, Check, Comparison, ComparisonVerdict, Judged, Questions, Readiness, Reading,
    ReadyVerdict, Severity, SurveyReport, Thresholds, Tri, UnknownFacts, compare, readiness,
};

use crate::hostile::report;
use crate::sandbox::SECOND_BOOT;

fn asked() -> Questions {
    Questions {
        services: vec!["nginx".into()],
        agents: vec!["falcon-sensor".into()],
        health: vec!["http://localhost:8080/health".into()],
        databases: vec!["db.internal:5432".into()],
        repositories: Repositories::Probe,
        ..Questions::default()
    }
}

fn judge(change: impl FnOnce(&mut SurveyReport)) -> Readiness {
    let mut report = report();
    change(&mut report);
    readiness(&Reading::Whole(report), &Thresholds::default(), &asked())
}

fn fails(check: Check, change: impl FnOnce(&mut SurveyReport)) {
    let judged = judge(change);
    assert_eq!(judged.verdict, ReadyVerdict::NotReady, "{check:?}: {:?}", judged.findings);
    let finding = judged.deciding().expect("something decides");
    assert_eq!((finding.check, &finding.severity), (check, &Severity::Fail));
    assert!(!finding.observed.is_empty() && !finding.limit.is_empty() && !finding.action.is_empty());
}

fn warns(check: Check, change: impl FnOnce(&mut SurveyReport)) {
    let judged = judge(change);
    assert_eq!(judged.verdict, ReadyVerdict::Ready);
    let found: Vec<_> = judged.findings.iter().map(|f| (f.check, f.severity.as_str())).collect();
    assert_eq!(found, [(check, "warn")]);
}

fn not_evaluated(check: Check, verdict: ReadyVerdict, change: impl FnOnce(&mut SurveyReport)) {
    let judged = judge(change);
    let found: Vec<_> = judged.findings.iter().map(|f| (f.check, f.severity.as_str())).collect();
    assert_eq!((judged.verdict, found), (verdict, vec![(check, "not_evaluated")]));
}

fn no(evidence: &str) -> Option<Judged> {
    Some(Judged { answer: Tri::No, evidence: evidence.into() })
}

fn yes(evidence: &str) -> Option<Judged> {
    Some(Judged { answer: Tri::Yes, evidence: evidence.into() })
}

#[test]
fn a_healthy_host_is_ready_without_findings() {
    let judged = judge(|_| {});
    assert_eq!((judged.verdict, judged.findings), (ReadyVerdict::Ready, vec![]));
}

#[test]
fn limits_are_the_last_good_values() {
    let judged = judge(|report| {
        report.disks[0].used_percent = 85;
        report.disks[1].used_percent = 90;
        report.memory_available_mib = Some(512);
        report.load1_milli = Some(1_600);
    });
    assert_eq!((judged.verdict, judged.findings), (ReadyVerdict::Ready, vec![]));
}

#[test]
fn what_the_requirements_call_failures_keeps_a_host_from_being_patched() {
    fails(Check::RootDisk, |report| report.disks[0].used_percent = 86);
    fails(Check::TempDisk, |report| report.disks[1].used_percent = 91);
    fails(Check::Memory, |report| report.memory_available_mib = Some(511));
    fails(Check::Service, |report| report.services[0].state = UnitState::Inactive);
    fails(Check::Service, |report| report.services[0].state = UnitState::Absent);
    fails(Check::PackageLock, |report| report.package_lock = yes("dnf pid 815"));
    fails(Check::Repositories, |report| report.repositories = no("https://cdn.amazonlinux.com"));
    fails(Check::Health, |report| report.health[0].status = HttpStatus::Answered(503));
    fails(Check::Health, |report| report.health[0].status = HttpStatus::NoAnswer);
    fails(Check::Database, |report| report.databases[0].reachable = Tri::No);
}

#[test]
fn what_they_call_warnings_does_not() {
    warns(Check::Load, |report| report.load1_milli = Some(1_601));
    warns(Check::PendingReboot, |report| report.pending_reboot = yes("reboot-required-file"));
    warns(Check::SecurityAgent, |report| report.agents[0].state = UnitState::Absent);
}

#[test]
fn a_fact_that_matters_and_was_not_read_is_never_a_pass() {
    not_evaluated(Check::RootDisk, ReadyVerdict::Unknown, |report| {
        report.disks.remove(0);
    });
    not_evaluated(Check::Memory, ReadyVerdict::Unknown, |report| report.memory_available_mib = None);
    not_evaluated(Check::Service, ReadyVerdict::Unknown, |report| report.services.clear());
    not_evaluated(Check::PackageLock, ReadyVerdict::Unknown, |report| report.package_lock = None);
    not_evaluated(Check::Health, ReadyVerdict::Unknown, |report| report.health.clear());
    not_evaluated(Check::Database, ReadyVerdict::Unknown, |report| report.databases.clear());
}

#[test]
fn a_fact_that_matters_less_is_shown_and_does_not_block() {
    not_evaluated(Check::Load, ReadyVerdict::Ready, |report| report.cpus = None);
    not_evaluated(Check::SecurityAgent, ReadyVerdict::Ready, |report| report.agents.clear());
    not_evaluated(Check::Repositories, ReadyVerdict::Ready, |report| {
        report.repositories = Some(Judged { answer: Tri::Unknown, evidence: "not-probed".into() });
    });
    not_evaluated(Check::PendingReboot, ReadyVerdict::Ready, |report| report.pending_reboot = None);
}

#[test]
fn whether_unknown_facts_block_is_a_setting() {
    let mut host = report();
    (host.memory_available_mib, host.cpus) = (None, None);
    let verdict = |unknown| {
        let thresholds = Thresholds { unknown, ..Thresholds::default() };
        readiness(&Reading::Whole(host.clone()), &thresholds, &asked()).verdict
    };
    assert_eq!(verdict(UnknownFacts::NoneBlock), ReadyVerdict::Ready);
    assert_eq!(verdict(UnknownFacts::CriticalBlock), ReadyVerdict::Unknown);
    assert_eq!(verdict(UnknownFacts::AllBlock), ReadyVerdict::Unknown);
}

#[test]
fn an_answer_that_was_cut_off_makes_no_host_ready() {
    let judged = readiness(&Reading::Truncated(report()), &Thresholds::default(), &asked());
    assert_eq!((judged.verdict, judged.findings[0].check), (ReadyVerdict::Unknown, Check::Answer));
}

#[test]
fn a_failure_outweighs_what_is_not_known() {
    let judged = judge(|report| {
        report.memory_available_mib = None;
        report.disks[0].used_percent = 99;
    });
    assert_eq!(judged.verdict, ReadyVerdict::NotReady);
    let order: Vec<_> = judged.findings.iter().map(|f| f.check).collect();
    assert_eq!(order, [Check::RootDisk, Check::Memory]);
}

fn after(change: impl FnOnce(&mut SurveyReport)) -> Comparison {
    let mut now = report();
    now.boot_id = Some(BootId::new(SECOND_BOOT).expect("a boot id"));
    change(&mut now);
    compare(Some(&Reading::Whole(report())), Some(&Reading::Whole(now)))
}

fn only(
    comparison: &Comparison,
    verdict: ComparisonVerdict,
    weight: Weight,
    kind: ChangeKind,
    subject: &str,
) {
    assert_eq!(comparison.verdict, verdict, "{:?}", comparison.changes);
    let found: Vec<_> = comparison.changes.iter().map(|c| (c.weight, c.kind, c.subject.as_str())).collect();
    assert_eq!(found, [(weight, kind, subject)]);
}

#[test]
fn a_host_that_came_back_as_it_was_is_the_same_and_its_reboot_is_proven() {
    let same = after(|_| {});
    assert_eq!((same.verdict, same.rebooted, same.changes), (ComparisonVerdict::Same, Tri::Yes, vec![]));
    let unmoved = compare(Some(&Reading::Whole(report())), Some(&Reading::Whole(report())));
    assert_eq!(unmoved.rebooted, Tri::No);
}

#[test]
fn what_worked_and_does_not_is_worse() {
    use ComparisonVerdict::Worse as Verdict;
    let gone = after(|now| {
        now.running_services.as_mut().unwrap().remove("nginx");
    });
    only(&gone, Verdict, Weight::Worse, ChangeKind::Service, "nginx");
    let closed = after(|now| now.ports.as_mut().unwrap().retain(|port| port.number != 8080));
    only(&closed, Verdict, Weight::Worse, ChangeKind::Port, "tcp/8080");
    let unmounted = after(|now| {
        now.mounts.as_mut().unwrap().pop();
    });
    only(&unmounted, Verdict, Weight::Worse, ChangeKind::Mount, "/data");
    let read_only = after(|now| now.mounts.as_mut().unwrap()[1].mode = MountMode::ReadOnly);
    only(&read_only, Verdict, Weight::Worse, ChangeKind::Mount, "/data");
    let ill = after(|now| now.health[0].status = HttpStatus::Answered(502));
    only(&ill, Verdict, Weight::Worse, ChangeKind::Health, "http://localhost:8080/health");
    let unreachable = after(|now| now.databases[0].reachable = Tri::No);
    only(&unreachable, Verdict, Weight::Worse, ChangeKind::Database, "db.internal:5432");
    let stopped = after(|now| now.services[0].state = UnitState::Failed);
    only(&stopped, Verdict, Weight::Worse, ChangeKind::CriticalService, "nginx");
}

#[test]
fn a_port_that_only_the_host_itself_can_reach_now_is_worse_and_one_that_opened_up_is_a_warning() {
    let at = |scope| Port { transport: Transport::Tcp, number: 8080, scope };
    let narrowed = after(|now| {
        let ports = now.ports.as_mut().unwrap();
        ports.remove(&at(Scope::Any));
        ports.insert(at(Scope::Loopback));
    });
    only(&narrowed, ComparisonVerdict::Worse, Weight::Worse, ChangeKind::Port, "tcp/8080");
    assert_eq!(narrowed.changes[0].after, "this host only");
    let opened = after(|now| {
        let ports = now.ports.as_mut().unwrap();
        ports.remove(&Port { transport: Transport::Udp, number: 323, scope: Scope::Loopback });
        ports.insert(Port { transport: Transport::Udp, number: 323, scope: Scope::Any });
    });
    only(&opened, ComparisonVerdict::Same, Weight::Warn, ChangeKind::Port, "udp/323");
}

#[test]
fn logins_timers_and_ports_of_the_moment_are_not_missed() {
    let mut then = report();
    let services = then.running_services.as_mut().unwrap();
    for name in ["user@1000", "session-3", "apt-daily-upgrade", "man-db", "sshd@7-10.0.0.4:22-10.0.0.9:51122"]
    {
        services.insert(name.into());
    }
    then.ports.as_mut().unwrap().insert(Port {
        transport: Transport::Udp,
        number: 41_234,
        scope: Scope::Any,
    });
    let compared = compare(Some(&Reading::Whole(then)), Some(&Reading::Whole(report())));
    only(&compared, ComparisonVerdict::Same, Weight::Note, ChangeKind::Port, "udp/41234");
}

#[test]
fn a_login_service_of_windows_is_not_missed_and_a_service_of_linux_with_such_a_name_is() {
    let gone = |os: &str| {
        let mut then = report();
        then.os = Some(os.into());
        then.running_services.as_mut().expect("a list").insert("billing_2026".into());
        compare(Some(&Reading::Whole(then)), Some(&Reading::Whole(report())))
    };
    assert_eq!(gone("windows").verdict, ComparisonVerdict::Same);
    only(&gone("amzn"), ComparisonVerdict::Worse, Weight::Worse, ChangeKind::Service, "billing_2026");
}

#[test]
fn what_patching_changes_is_noted_and_not_held_against_the_host() {
    let patched = after(|now| {
        now.kernel = Some("6.1.156-177.286.amzn2023.x86_64".into());
        now.packages.as_mut().unwrap().sha256 = "0".repeat(64);
        now.running_services.as_mut().unwrap().insert("new-daemon".into());
    });
    assert_eq!(patched.verdict, ComparisonVerdict::Same);
    let kinds: Vec<_> = patched.changes.iter().map(|c| (c.weight, c.kind)).collect();
    assert_eq!(
        kinds,
        [
            (Weight::Note, ChangeKind::Service),
            (Weight::Note, ChangeKind::Kernel),
            (Weight::Note, ChangeKind::Packages)
        ]
    );
}

#[test]
fn without_a_state_from_before_nothing_passes() {
    let now = Reading::Whole(report());
    for compared in [compare(None, Some(&now)), compare(Some(&now), None), compare(None, None)] {
        assert_eq!((compared.verdict, compared.rebooted), (ComparisonVerdict::NotEvaluated, Tri::Unknown));
        assert!(!compared.changes.is_empty());
    }
    let cut = compare(Some(&Reading::Truncated(report())), Some(&now));
    assert_eq!(cut.verdict, ComparisonVerdict::NotEvaluated);
}

#[test]
fn a_list_that_did_not_fit_is_not_evaluated_and_hides_no_failure() {
    let compared = after(|now| {
        (now.running_services, now.cut) = (None, vec![List::Services]);
        now.health[0].status = HttpStatus::NoAnswer;
    });
    let found: Vec<_> = compared.changes.iter().map(|c| (c.weight, c.kind)).collect();
    assert_eq!(found, [(Weight::Worse, ChangeKind::Health), (Weight::NotEvaluated, ChangeKind::Service)]);
    assert!(compared.changes[1].after.contains("did not fit"), "{}", compared.changes[1]);
}
