//! Plans of upgrades for people.

use fleetwright_eks::facts::NodePool;
use fleetwright_eks::plan::{PlanDocument, PlanOptions, PlanRequest, difference, plan};
use fleetwright_eks::query::Query;
use fleetwright_eks::{Fact, Facts};
use fleetwright_kubernetes::{IntOrPercent, Minor};
use fleetwright_model::{AccountId, Region};
use fleetwright_report::eks::{plan as planned, plan_difference, runbook};

use super::world;

pub(crate) fn document(facts: &Facts, target: u16) -> PlanDocument {
    document_with(facts, target, &PlanOptions::default())
}

fn document_with(facts: &Facts, target: u16, options: &PlanOptions) -> PlanDocument {
    let request = PlanRequest {
        facts,
        account: &AccountId::new("111122223333").expect("an account"),
        region: &Region::new("eu-central-1").expect("a region"),
        target: Minor::new(target),
        options,
        suppressions: &[],
        program: "0.1.0",
        at: world::now(),
    };
    PlanDocument::new(plan(&request).expect("a plan"))
}

pub(crate) fn change<T>(fact: &mut Fact<T>, change: impl Fn(&mut T)) {
    match fact {
        Fact::Known(value) => change(value),
        Fact::NotRead(unread) => panic!("known in a healthy world: {unread:?}"),
    }
}

/// Each part stands behind the one before.
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at =
            rest.find(part).unwrap_or_else(|| panic!("{part:?} is not, or not in its place, in\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn the_text_says_whether_it_can_be_done_what_is_done_and_how_to_get_back() {
    let document = document(&world::healthy(33), 35);
    let text = planned::text(&document);
    let digest = format!("Digest {}", document.digest());
    in_order(
        &text,
        &[
            "Can be carried out, once it is approved.",
            "cluster shop in eu-central-1 (account 111122223333): 1.33 → 1.34 → 1.35, in-place",
            "nodes are replaced once (2 sets)",
            "Steps (14)",
            "  4. control-plane-1.34: control plane 1.33 → 1.34 (about 12 min)",
            "from then on it cannot go back from 1.34 to 1.33",
            "control-plane-1.35: control plane 1.34 → 1.35",
            "closes the way back of control-plane-1.34",
            "nodes-blue-1.35: node group blue 1.33 → 1.35, DEFAULT, 1 at once (about 18 min)",
            "Way back of 1.33 → 1.34, within 7 days, until control-plane-1.35 begins",
            "Way back of 1.34 → 1.35, within 7 days\n",
            "Expected: about",
            &digest,
        ],
    );
}

#[test]
fn what_must_hold_while_it_is_upgraded_is_in_the_plan_and_in_the_runbook() {
    let document = document_with(&world::healthy(33), 34, &conditions("s3cr3t"));
    let held = [
        "alarm 5xx has not gone off",
        "query errors: sum(failed) <= 0.01",
        "metric slow: AWS/ApplicationELB:TargetResponseTime{LoadBalancer=app/shop/1} p99 <= before +10%",
        "endpoint shop: https://shop.example.com/health?… answers",
    ];
    let (text, runbook) = (planned::text(&document), runbook::runbook(&document));
    in_order(&text, &[&["What must hold while it is upgraded (4)"][..], &held].concat());
    in_order(&runbook, &held);
    assert!(!text.contains("s3cr3t") && !runbook.contains("s3cr3t"));
    // Each look waits for metrics of the time behind what was done.
    in_order(&text, &["health-control-plane-1.34", "(about 9 min)"]);
}

#[test]
fn how_conditions_differ_is_told_without_what_may_be_a_secret() {
    let of = |options: &PlanOptions| document_with(&world::healthy(33), 34, options);
    let [before, after] = ["s3cr3t", "an0ther"].map(|token| of(&conditions(token)));
    let found = difference(before.plan(), after.plan());
    let text = plan_difference::text(&found);
    assert!(text.contains("options.endpoints.0.url: https://shop.example.com/health?… (SHA-256 "), "{text}");
    let text = text + &plan_difference::json(&found);
    assert!(!text.contains("s3cr3t") && !text.contains("an0ther"), "{text}");
    let without = difference(of(&PlanOptions::default()).plan(), before.plan());
    let text = plan_difference::text(&without);
    for added in ["options.queries.1.metric.statistic: – → p99", "options.endpoints.0.name: – → shop"]
    {
        assert!(text.contains(added), "{text}");
    }
    assert!(!(text + &plan_difference::json(&without)).contains("s3cr3t"));
}

/// Everything that a plan may say must hold.
pub(crate) fn conditions(token: &str) -> PlanOptions {
    let slow = "slow=AWS/ApplicationELB:TargetResponseTime{LoadBalancer=app/shop/1} p99 <= before +10%";
    let endpoint = format!("shop=https://shop.example.com/health?token={token}");
    PlanOptions {
        alarms: vec!["5xx".to_owned()],
        queries: vec![
            Query::of_prometheus("errors=sum(failed) <= 0.01").expect("a query"),
            Query::of_cloudwatch(slow).expect("a metric"),
        ],
        endpoints: vec![endpoint.parse().expect("an endpoint")],
        ..PlanOptions::default()
    }
}

#[test]
fn test_suites_are_told_and_the_runbook_makes_and_awaits_a_job_of_each() {
    let suites = vec!["shop/smoke".parse().expect("a suite")];
    let mut facts = world::healthy(33);
    facts.workloads.suites = Fact::Known(suites.iter().cloned().collect());
    let document = document_with(&facts, 34, &PlanOptions { suites, ..PlanOptions::default() });
    let text = planned::text(&document);
    in_order(
        &text,
        &["test suite shop/smoke passes", "suite-1.34-shop-smoke: test suite shop/smoke, at 1.34"],
    );
    let book = runbook::runbook(&document);
    in_order(
        &book,
        &[
            "suite-before-shop-smoke",
            "kubectl create job smoke-",
            " --from=cronjob/smoke --namespace shop",
            "kubectl wait job/smoke-",
            "kubectl logs job/smoke-",
            "the Job of test suite shop/smoke is complete",
            "suite-1.34-shop-smoke",
        ],
    );
    let jobs: Vec<&str> = book.lines().filter(|line| line.starts_with("kubectl create job")).collect();
    let distinct: std::collections::BTreeSet<&str> = jobs.iter().copied().collect();
    assert!(jobs.len() > 2 && distinct.len() == jobs.len(), "each step makes a Job of its own: {jobs:?}");
}

#[test]
fn a_plan_that_cannot_be_carried_out_says_so_first() {
    let mut facts = world::healthy(33);
    change(&mut facts.control_plane.cluster, |cluster| cluster.status = "UPDATING".into());
    let text = planned::text(&document(&facts, 34));
    in_order(
        &text,
        &["Cannot be carried out: 1 blocker.", "Blockers (1)", "EKS-V4", "status UPDATING", "Steps"],
    );
    assert!(runbook::runbook(&document(&facts, 34)).contains("**Cannot be carried out: 1 blocker.**"));
    facts = world::healthy(33);
    facts.control_plane.role = Fact::unread(fleetwright_eks::UnreadCause::Denied, "iam:GetRole");
    let text = planned::text(&document(&facts, 34));
    in_order(
        &text,
        &["Cannot be carried out: checks that may block could not look at 1 source", "EKS-C4 access denied"],
    );
}

/// Makes a node one of a pool of Karpenter.
pub(super) fn pooled(facts: &mut Facts) {
    let pool = NodePool {
        name: "general".into(),
        auto_mode: false,
        image_family: "AL2023".into(),
        pinned_images: false,
        held: false,
        budget: IntOrPercent::Count(2),
        vcpus_left: None,
    };
    change(&mut facts.nodes.pools, |pools| pools.push(pool.clone()));
    change(&mut facts.nodes.nodes, |nodes| {
        nodes[0].metadata.labels.insert("karpenter.sh/nodepool".into(), "general".into());
    });
}

#[test]
fn a_runbook_has_every_call_as_a_command_and_every_way_back() {
    let mut facts = world::healthy(33);
    pooled(&mut facts);
    let text = runbook::runbook(&document(&facts, 34));
    in_order(
        &text,
        &[
            "# Upgrade of shop to 1.34",
            "### 1. refresh the insights, for 1.33 → 1.34",
            "aws eks start-insights-refresh --region eu-central-1 --cli-input-json '{\"clusterName\":\"shop\"}'",
            "kubectl patch nodepools.karpenter.sh general --type json --patch '[{\"op\":\"add\"",
            "Begin only when:",
            "- the control plane has 1.33",
            "aws eks update-cluster-version --region eu-central-1 --cli-input-json \
             '{\"force\":false,\"name\":\"shop\",\"version\":\"1.34\"}'",
            "aws eks wait cluster-active --name shop --region eu-central-1",
            "Way back: eks:UpdateClusterVersion to 1.33 (VersionRollback), after nodes and add-ons, within 7 days",
            "aws eks update-nodegroup-version",
            "aws autoscaling start-instance-refresh",
            "## Way back of 1.33 → 1.34",
        ],
    );
    assert_eq!(text.matches("```").count() % 2, 0, "every block ends");
}

#[test]
fn hostile_names_stay_words_of_commands_and_become_no_markup() {
    let evil = "x'; rm -rf / #\n```\n# <b>\u{1b}[2J";
    let mut facts = world::healthy(33);
    change(&mut facts.control_plane.cluster, |cluster| cluster.name = evil.into());
    change(&mut facts.nodes.managed, |groups| groups[0].name = evil.into());
    let document = document(&facts, 34);
    let text = planned::text(&document);
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let runbook = runbook::runbook(&document);
    assert!(!runbook.contains('\u{1b}'), "{runbook:?}");
    for line in runbook.lines() {
        assert!(!line.starts_with("# <b>") && (!line.starts_with("```") || line.len() <= 5), "{line:?}");
        if line.starts_with("aws ") {
            assert!(!line.contains("x'; rm"), "the word ends too early: {line}");
        }
    }
}

#[test]
fn differences_are_told_with_their_reason() {
    let facts = world::healthy(33);
    let mut larger = facts.clone();
    change(&mut larger.nodes.managed, |groups| groups[0].nodes = 40);
    let (before, after) = (document(&facts, 34), document(&larger, 34));
    let told = difference(before.plan(), after.plan());
    in_order(
        &plan_difference::text(&told),
        &[
            "Read or asked otherwise (1):",
            "node group blue: 1.33, 2 nodes, 1 at once → 1.33, 40 nodes, 1 at once",
            "Steps changed (1):",
            "~ nodes-blue-1.34",
            "expected_seconds: 1080 → 12480",
            "because node group blue",
        ],
    );
    assert!(plan_difference::json(&told).contains("\"changed\": ["));
    let same = difference(before.plan(), before.plan());
    assert_eq!(plan_difference::text(&same), "The plans do the same in the same way.\n");
}
