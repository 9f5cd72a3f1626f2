//! Test suites of the user's own: how they are named, which Jobs are made of them, and where they stand in plans.

use fleetwright_eks::plan::{
    Action, Approvals, Condition, PlanDocument, PlanOptions, Refused, Reversibility, UpgradePlan, checker,
};
use fleetwright_eks::suite::{JobStanding, Suite, pod_told, standing};
use fleetwright_eks::{Fact, Facts, UnreadCause};
use serde_json::{Value, json};

use super::world::healthy;
use super::{ids, planned_with};

fn suite(text: &str) -> Suite {
    text.parse().unwrap_or_else(|odd| panic!("{odd}"))
}

fn options(suites: &[&str]) -> PlanOptions {
    let suites = suites.iter().map(|text| suite(text)).collect();
    PlanOptions { approvals: Approvals::Once, suites, ..PlanOptions::default() }
}

/// A healthy cluster whose CronJobs are these.
fn with_suites(minor: u16, suites: &[&str]) -> Facts {
    let mut facts = healthy(minor);
    facts.workloads.suites = Fact::Known(suites.iter().map(|text| suite(text)).collect());
    facts
}

fn plan(suites: &[&str]) -> UpgradePlan {
    planned_with(&with_suites(33, suites), 35, &options(suites)).expect("a plan")
}

#[test]
fn a_suite_is_a_namespace_and_a_cron_job_and_everything_else_is_refused_with_the_reason() {
    let read = suite("shop/smoke.v2");
    assert_eq!(
        (read.namespace(), read.name(), read.to_string().as_str()),
        ("shop", "smoke.v2", "shop/smoke.v2")
    );
    assert_eq!(suite(&format!("a/{}", "b".repeat(52))).name().len(), 52);
    for (text, why) in [
        ("smoke", "names no namespace"),
        ("", "names no namespace"),
        ("/smoke", "is empty"),
        ("shop/", "is empty"),
        ("shop/smoke..v2", "is empty"),
        ("shop/smoke/v2", "small letters, digits and hyphens"),
        ("Shop/smoke", "small letters, digits and hyphens"),
        ("shop/smoke tests", "small letters, digits and hyphens"),
        ("shop/-smoke", "begin and end"),
        ("shop-/smoke", "begin and end"),
        (&format!("{}/smoke", "a".repeat(64)), "more than 63"),
        (&format!("shop/{}", "a".repeat(53)), "52 characters at most"),
    ] {
        let refused = text.parse::<Suite>().expect_err(text).to_string();
        assert!(refused.contains(why) && refused.contains("NAMESPACE/NAME"), "{text}: {refused}");
    }
}

#[test]
fn a_suite_is_kept_as_its_text_and_what_is_none_is_not_read() {
    let kept = serde_json::to_value(suite("shop/smoke")).expect("a text");
    assert_eq!(kept, "shop/smoke");
    assert_eq!(serde_json::from_value::<Suite>(kept).expect("a suite"), suite("shop/smoke"));
    let refused = serde_json::from_value::<Suite>(json!("shop")).expect_err("it has no name");
    assert!(refused.to_string().contains("names no namespace"), "{refused}");
}

#[test]
fn a_job_has_the_same_name_in_the_same_step_of_a_run_and_another_in_every_other() {
    let name = |suite: &str, of: &[&str]| self::suite(suite).job_name(of);
    let one = name("shop/smoke", &["run-1", "digest", "suite-1.35"]);
    assert_eq!(one, name("shop/smoke", &["run-1", "digest", "suite-1.35"]));
    assert!(one.starts_with("smoke-"), "{one}");
    let others = [
        name("shop/smoke", &["run-2", "digest", "suite-1.35"]),
        name("shop/smoke", &["run-1", "another", "suite-1.35"]),
        name("shop/smoke", &["run-1", "digest", "suite-1.36"]),
        name("shop/smoke", &["run-1d", "igest", "suite-1.35"]),
        name("bank/smoke", &["run-1", "digest", "suite-1.35"]),
    ];
    assert!(others.iter().all(|other| *other != one));
    for cron_job in ["a", &"a".repeat(52), &format!("{}-{}", "a".repeat(45), "b".repeat(6)), "smoke.v2"] {
        let name = name(&format!("shop/{cron_job}"), &["run-1"]);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(name.len() <= 63 && name.chars().all(plain) && !name.contains("--"), "{name}");
    }
}

fn cron_job() -> Value {
    let pod = json!({ "spec": { "restartPolicy": "Never", "containers": [{ "name": "suite" }] } });
    let template = json!({
        "metadata": { "labels": { "team": "shop" }, "annotations": { "owner": "ada" } },
        "spec": { "backoffLimit": 1, "ttlSecondsAfterFinished": 5, "template": pod },
    });
    json!({
        "metadata": { "name": "smoke", "namespace": "shop", "uid": "u-1", "labels": { "not": "taken" } },
        "spec": { "schedule": "@daily", "suspend": true, "jobTemplate": template },
    })
}

#[test]
fn a_job_is_made_as_kubectl_makes_one_of_a_cron_job_and_stays_until_it_was_seen() {
    let job = suite("shop/smoke").job("smoke-1", &cron_job()).expect("it has a template");
    assert_eq!((&job["apiVersion"], &job["kind"]), (&json!("batch/v1"), &json!("Job")));
    let metadata = json!({
        "name": "smoke-1", "namespace": "shop", "labels": { "team": "shop" },
        "annotations": { "owner": "ada", "cronjob.kubernetes.io/instantiate": "manual" },
        "ownerReferences": [{
            "apiVersion": "batch/v1", "kind": "CronJob", "name": "smoke", "uid": "u-1", "controller": true,
        }],
    });
    assert_eq!(job["metadata"], metadata);
    let mut spec = cron_job()["spec"]["jobTemplate"]["spec"].clone();
    spec["ttlSecondsAfterFinished"] = 3600.into();
    assert_eq!(job["spec"], spec);
    let odd = suite("shop/smoke").job("smoke-1", &json!({ "spec": {} })).expect_err("no template");
    assert!(odd.to_string().contains("CronJob shop/smoke has no template"), "{odd}");
}

#[test]
fn a_job_has_ended_where_a_condition_says_so_and_not_before() {
    let said = |conditions: Value| standing(&json!({ "status": { "conditions": conditions } }));
    let condition = |kind: &str, status: &str| json!({ "type": kind, "status": status, "reason": "BackoffLimitExceeded", "message": "too often" });
    assert_eq!(standing(&json!({})), JobStanding::Running);
    for lead in ["SuccessCriteriaMet", "FailureTarget", "Suspended"] {
        assert_eq!(said(json!([condition(lead, "True")])), JobStanding::Running, "{lead}");
    }
    assert_eq!(said(json!([condition("Complete", "False")])), JobStanding::Running);
    let complete = json!([condition("SuccessCriteriaMet", "True"), condition("Complete", "True")]);
    assert_eq!(said(complete), JobStanding::Complete);
    let why = "BackoffLimitExceeded: too often".to_owned();
    assert_eq!(said(json!([condition("Failed", "True")])), JobStanding::Failed { why });
}

#[test]
fn a_pod_is_told_by_how_its_containers_ended_or_by_what_it_waits_for() {
    let ended = json!({ "exitCode": 1, "reason": "Error", "message": "3 of 12 failed\n" });
    let well = json!({ "exitCode": 0, "reason": "Completed" });
    let statuses = |state: Value| json!([{ "name": "suite", "state": state }]);
    let again =
        json!([{ "name": "suite", "state": { "running": {} }, "lastState": { "terminated": ended } }]);
    let image = json!({ "reason": "ImagePullBackOff", "message": "no such image" });
    let unplaced =
        json!([{ "type": "PodScheduled", "status": "False", "message": "0/3 nodes are available" }]);
    for (phase, members, told) in [
        (
            "Failed",
            json!({ "containerStatuses": statuses(json!({ "terminated": ended })) }),
            "pod a is Failed: container suite ended with 1 (Error: 3 of 12 failed)",
        ),
        (
            "Succeeded",
            json!({ "containerStatuses": statuses(json!({ "terminated": well })) }),
            "pod a is Succeeded",
        ),
        (
            "Running",
            json!({ "containerStatuses": again }),
            "pod a is Running: container suite ended with 1 (Error: 3 of 12 failed)",
        ),
        (
            "Pending",
            json!({ "containerStatuses": statuses(json!({ "waiting": image })) }),
            "pod a is Pending: container suite waits (ImagePullBackOff: no such image)",
        ),
        ("Pending", json!({ "conditions": unplaced }), "pod a is Pending: 0/3 nodes are available"),
        (
            "Failed",
            json!({ "message": "The node was low on memory" }),
            "pod a is Failed: The node was low on memory",
        ),
    ] {
        let mut status = members;
        status["phase"] = phase.into();
        assert_eq!(pod_told(&json!({ "metadata": { "name": "a" }, "status": status })), told);
    }
}

#[test]
fn suites_stand_before_the_first_change_behind_each_hop_and_behind_the_replacement_of_nodes() {
    let plan = plan(&["shop/smoke", "shop/pay"]);
    let expected = [
        "insights-1.34",
        "gate-1.34",
        "approve-1.34",
        "suite-before-shop-smoke",
        "suite-before-shop-pay",
        "control-plane-1.34",
        "health-control-plane-1.34",
        "suite-1.34-shop-smoke",
        "suite-1.34-shop-pay",
        "insights-1.35",
        "gate-1.35",
        "control-plane-1.35",
        "health-control-plane-1.35",
        "suite-1.35-shop-smoke",
        "suite-1.35-shop-pay",
        "nodes-blue-1.35",
        "health-nodes-1.35-wave-1",
        "instances-batch-1.35",
        "health-nodes-1.35-wave-2",
        "suite-nodes-1.35-shop-smoke",
        "suite-nodes-1.35-shop-pay",
    ];
    assert_eq!(ids(&plan), expected);
    assert_eq!(checker::check(&plan), []);
    for step in plan.steps.iter().filter(|step| matches!(step.action, Action::Suite { .. })) {
        assert_eq!(
            (step.needs.len(), &step.reversibility),
            (1, &Reversibility::NothingToUndo),
            "{}",
            step.id
        );
        assert!(matches!(&step.after[..], [Condition::SuitePassed { .. }]), "{:?}", step.after);
    }
    let back: Vec<&str> = plan.rollbacks[0].steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(back[back.len() - 2..], ["suite-back-1.33-shop-smoke", "suite-back-1.33-shop-pay"]);
    let document = PlanDocument::new(plan);
    assert!(PlanDocument::read(&document.write()).is_ok(), "a plan with suites is a plan");
}

#[test]
fn a_cron_job_that_is_not_there_is_found_when_the_upgrade_is_planned() {
    let facts = with_suites(33, &["shop/smoke"]);
    let refused =
        planned_with(&facts, 34, &options(&["shop/smoke", "shop/pay"])).expect_err("one is missing");
    assert_eq!(refused, Refused::NoSuite(suite("shop/pay")));
    assert!(
        refused.to_string().contains("test suite shop/pay: the cluster has no such CronJob"),
        "{refused}"
    );
    let mut unread = facts;
    unread.workloads.suites = Fact::unread(UnreadCause::Denied, "get cronjobs is forbidden");
    let refused = planned_with(&unread, 34, &options(&["shop/smoke"])).expect_err("nobody could look");
    assert!(refused.to_string().contains("CronJobs of the test suites"), "{refused}");
    assert!(planned_with(&unread, 34, &options(&[])).is_ok(), "who names no suite need not look");
}

#[test]
fn a_plan_that_leaves_a_suite_out_breaks_its_rules() {
    for (left_out, when) in
        [("suite-before-shop-smoke", "before the first"), ("suite-nodes-1.35-shop-smoke", "after the last")]
    {
        let mut plan = plan(&["shop/smoke"]);
        let at = plan.steps.iter().position(|step| step.id.as_str() == left_out).expect("a step");
        let step = plan.steps.remove(at);
        for later in &mut plan.steps {
            if later.needs.contains(&step.id) {
                later.needs.clone_from(&step.needs);
            }
        }
        let told: Vec<String> = checker::check(&plan).iter().map(ToString::to_string).collect();
        assert_eq!(told, [format!("test suite shop/smoke is not run {when} change")]);
    }
}
