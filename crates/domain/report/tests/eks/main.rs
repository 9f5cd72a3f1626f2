//! What people and pipelines read of an EKS cluster.

mod assessments;
mod plans;
mod runs;
mod schemas;
#[path = "../../../eks/tests/checks/world.rs"]
mod world;

use fleetwright_eks::{
    Assessment, CheckResult, Finding, Severity, Suppression, Unread, UnreadCause, Verdict,
};
use fleetwright_kubernetes::{Hop, Minor};
use fleetwright_model::{AccountId, Region};
use fleetwright_report::eks::{Assessed, ClusterName};
use jiff::Timestamp;

fn at() -> Timestamp {
    "2026-11-22T02:00:00Z".parse().expect("a time")
}

fn route() -> Vec<Hop> {
    Minor::new(33).hops_to(Minor::new(35)).expect("upwards")
}

fn finding(severity: Severity, subject: &str) -> Finding {
    Finding {
        severity,
        subject: subject.into(),
        what: "it stands in the way".into(),
        evidence: "seen there".into(),
        remedy: "Move it.".into(),
        suppressed: None,
    }
}

fn unread(cause: UnreadCause) -> Unread {
    Unread { cause, detail: "iam:GetRole said no".into() }
}

fn found(code: &'static str, hop: Option<Hop>, findings: Vec<Finding>) -> CheckResult {
    CheckResult { code, hop, verdict: Verdict::Finding { findings, unread: vec![] } }
}

fn blind(code: &'static str, cause: UnreadCause) -> CheckResult {
    CheckResult { code, hop: None, verdict: Verdict::NotEvaluated { unread: vec![unread(cause)] } }
}

fn passed(code: &'static str) -> CheckResult {
    CheckResult { code, hop: None, verdict: Verdict::Pass }
}

fn assessment(results: Vec<CheckResult>) -> Assessment {
    Assessment { results, expired: vec![], unused: vec![] }
}

/// One of everything: a blocker of two hops, a warning, a gap, a source left out, a suppressed finding, a pass.
fn everything() -> Assessment {
    let route = route();
    let blocker = || vec![finding(Severity::Blocking, "node group blue")];
    let suppressed =
        Finding { suppressed: Some("agreed with ops".into()), ..finding(Severity::Blocking, "webhook w") };
    let old = Suppression {
        code: "EKS-P1".into(),
        subject: Some("shop/*".into()),
        reason: "until the move".into(),
        expires_at: at(),
    };
    Assessment {
        expired: vec![old.clone()],
        unused: vec![Suppression { subject: None, ..old }],
        ..assessment(vec![
            passed("EKS-V4"),
            blind("EKS-C4", UnreadCause::Denied),
            blind("EKS-A5", UnreadCause::NotAsked),
            found("EKS-W1", None, vec![suppressed]),
            found("EKS-N3", Some(route[0]), blocker()),
            found("EKS-N3", Some(route[1]), blocker()),
            found("EKS-P4", None, vec![finding(Severity::Warning, "Deployment shop/web")]),
        ])
    }
}

/// Renders an assessment.
fn rendered<T>(assessment: &Assessment, render: impl Fn(&Assessed<'_>) -> T) -> T {
    named("shop", assessment, render)
}

fn named<T>(name: &str, assessment: &Assessment, render: impl Fn(&Assessed<'_>) -> T) -> T {
    let account = AccountId::new("111122223333").expect("an account");
    let region = Region::new("eu-central-1").expect("a region");
    let route = route();
    render(&Assessed {
        program: "0.1.0",
        cluster: ClusterName { account: &account, region: &region, name },
        version: Minor::new(33),
        route: &route,
        at: at(),
        assessment,
    })
}
