//! From records to notices.

use fleetwright_flow::{Event, Signal};
use fleetwright_model::redaction::Redactor;
use fleetwright_model::{Phase, code};
use fleetwright_notify::{Kind, Severity};

use crate::samples::{Tale, plan};

#[test]
fn a_host_that_fails_is_told_once_with_its_reason_place_and_next_step() {
    let mut tale = Tale::of(plan(), Redactor::default());
    let told = tale.fail(0, 0, code::STATE_UNUSABLE.id, "disk\nfull");
    let [notice] = told.as_slice() else { panic!("one notice, not {told:?}") };
    assert_eq!((notice.kind, notice.severity), (Kind::HostFailed, Severity::Error));
    assert_eq!(notice.scope.phase, Some(Phase::Backup));
    assert_eq!(notice.scope.accounts, [tale.plan.flow.places[0].account.clone()]);
    assert_eq!(notice.message.as_deref(), Some("disk\u{fffd}full"));
    assert_eq!(notice.next_step.as_deref(), Some(code::STATE_UNUSABLE.next_step));
    assert!(notice.title.contains("failed at backup"), "{}", notice.title);
    let host = notice.host.as_ref().expect("it is about a host");
    assert_eq!(host.id, tale.plan.work[0].host().expect("a host").id);
}

#[test]
fn a_run_that_is_taken_up_tells_nothing_again() {
    let mut tale = Tale::of(plan(), Redactor::default());
    tale.fail(0, 0, code::STATE_UNUSABLE.id, "disk full");
    let mut later = fleetwright_notify::Teller::new("run-1", tale.plan.clone(), Redactor::default());
    assert_eq!(later.notices(&[], &tale.run), []);
    std::mem::swap(&mut tale.teller, &mut later);
    let told = tale.tell(Event::Signalled {
        signal: Signal::Pause,
        by: "ann".into(),
        basis: None,
        reason: Some("look at db\u{202e}1".into()),
        mail: None,
    });
    let [notice] = told.as_slice() else { panic!("the pause alone, not {told:?}") };
    assert_eq!((notice.kind, notice.title.as_str()), (Kind::RunHeld, "paused by ann"));
    assert_eq!(notice.message.as_deref(), Some("look at db\u{fffd}1"));
}

#[test]
fn a_run_is_told_from_its_failures_to_one_summary_with_counts() {
    let mut tale = Tale::of(plan(), Redactor::default());
    let told = tale.fail_all(code::STATE_UNUSABLE.id);
    let kinds: Vec<Kind> = told.iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [Kind::HostFailed, Kind::RunEnded]);
    let notice = &told[1];
    assert_eq!(notice.severity, Severity::Error);
    assert_eq!(notice.title, "run halted by failures: 1 failed, 1 skipped");
    let counts = notice.counts.as_ref().expect("a summary counts");
    assert_eq!((counts.hosts, counts.outcomes.get("failed")), (2, Some(&1)));
    assert_eq!(notice.code.as_deref(), Some(code::RUN_HALTED.id));
    assert_eq!(notice.next_step.as_deref(), Some(code::RUN_HALTED.next_step));
    assert_eq!(notice.scope.phase, None);
}

#[test]
fn secrets_of_hosts_and_of_people_reach_no_notice() {
    let redactor = Redactor::knowing(["hunter2-canary".to_owned()]);
    let mut tale = Tale::of(plan(), redactor);
    let mut told = tale.fail(
        0,
        0,
        code::STATE_UNUSABLE.id,
        "hunter2-canary refused; DB_PASSWORD=canary-b AKIAIOSFODNN7CANARYX",
    );
    let reason = Some("token=canary-c hunter2-canary".into());
    told.extend(tale.tell(Event::Signalled {
        signal: Signal::Abort,
        by: "hunter2-canary".into(),
        basis: None,
        reason,
        mail: None,
    }));
    let all = serde_json::to_string(&told).expect("notices are data");
    assert_eq!(told.len(), 2);
    assert!(!all.to_lowercase().contains("canary"), "{all}");
    assert!(all.contains("(hidden) refused; DB_PASSWORD=(hidden)"), "{all}");
}
