//! Node pools of Karpenter and of Auto Mode.

use std::cmp::Ordering;

use fleetwright_eks::Facts;
use fleetwright_eks::facts::NodePool;
use fleetwright_eks::plan::step::Action;
use fleetwright_eks::plan::{PlanOptions, PlanStep, PoolCalls, Refused, StepId, UpgradePlan, checker};
use fleetwright_eks::run::outcome::{HeldPool, StepOutcome, StepStanding, held_pools};
use fleetwright_kubernetes::{IntOrPercent, Minor};

use super::world::{self, healthy, node};
use super::{ids, of, planned, planned_with};

fn with_pool(kubelet: u16, change: impl Fn(&mut NodePool)) -> Facts {
    let mut facts = healthy(33);
    let mut pool = NodePool {
        name: "general".into(),
        auto_mode: false,
        image_family: "AL2023".into(),
        pinned_images: false,
        held: false,
        budget: IntOrPercent::Percent(20),
        vcpus_left: None,
    };
    change(&mut pool);
    let mut of_pool = node("pool-1", "1a", Minor::new(kubelet));
    of_pool.metadata.labels.insert("karpenter.sh/nodepool".into(), pool.name.clone());
    of(&mut facts.nodes.nodes).push(of_pool);
    of(&mut facts.nodes.pools).push(pool);
    facts
}

#[test]
fn drift_is_held_back_from_the_first_hop_and_let_go_in_waves_after_the_last() {
    let plan = planned(&with_pool(33, |_| {}), 36);
    let ids = ids(&plan);
    let place =
        |id: &str| ids.iter().position(|it| *it == id).unwrap_or_else(|| panic!("{id} not in {ids:?}"));
    assert!(place("approve-1.34") < place("hold-general"), "{ids:?}");
    assert!(place("hold-general") < place("control-plane-1.34"), "{ids:?}");
    assert!(place("control-plane-1.36") < place("pool-general-1.36"), "{ids:?}");
    let step = plan.step(&StepId::new("pool-general-1.36")).expect("a step");
    let Action::PoolNodes { waves, .. } = &step.action else { panic!("{step:?}") };
    assert_eq!(waves, &["1", "10%", "20%"]);
    let bodies: Vec<String> = step.calls.iter().map(|it| serde_json::to_string(it).expect("JSON")).collect();
    let value = |nodes: &str| format!(r#""value":"{nodes}""#);
    let parts = [value("1"), value("0"), value("10%"), value("0"), r#""op":"remove""#.to_owned()];
    assert_eq!(bodies.len(), parts.len());
    for (body, part) in bodies.iter().zip(&parts) {
        assert!(body.contains(part.as_str()) && body.contains(r#""op":"test""#), "{body}");
    }
    let calls = PoolCalls::of(step);
    assert_eq!(calls.open, [("1", &step.calls[0]), ("10%", &step.calls[2])]);
    assert_eq!((calls.release, calls.hold), (step.calls.last(), None));
    assert!(["0", "1", "10%"].iter().all(|nodes| calls.puts(nodes)) && !calls.puts("20%"));
    assert_eq!(plan.node_rolls()["general"], 1);
    assert_eq!(checker::check(&plan), []);
}

#[test]
fn a_pool_that_must_be_replaced_on_the_way_waits_again_after_it() {
    let plan = planned(&with_pool(31, |_| {}), 36);
    let on_the_way = plan.step(&StepId::new("pool-general-1.34")).expect("a step");
    let last = on_the_way.calls.last().expect("a call");
    assert!(serde_json::to_string(last).expect("JSON").contains(r#""op":"add""#), "{last:?}");
    let end = plan.step(&StepId::new("pool-general-1.36")).expect("a step");
    assert!(end.calls.iter().all(|call| !format!("{call:?}").contains("\"add\"")), "{end:?}");
}

/// What became of a plan's steps up to one that failed.
fn until(plan: &UpgradePlan, failed: &str) -> Vec<StepOutcome> {
    let at = plan.steps.iter().position(|step| step.id.as_str() == failed).expect("a step of the plan");
    let outcome = |(number, step): (usize, &PlanStep)| StepOutcome {
        id: step.id.to_string(),
        what: step.action.told(),
        standing: match number.cmp(&at) {
            Ordering::Less => StepStanding::Done,
            Ordering::Equal => StepStanding::Failed,
            Ordering::Greater => StepStanding::Left,
        },
        started_at: (number <= at).then(world::now),
        ended_at: (number <= at).then(world::now),
        expected_seconds: step.expected_seconds,
        attempts: u16::from(number <= at),
        update: None,
        code: None,
        message: None,
    };
    plan.steps.iter().enumerate().map(outcome).collect()
}

#[test]
fn a_pool_is_told_as_held_until_its_roll_begins_and_again_behind_one_on_the_way() {
    let plan = planned(&with_pool(31, |_| {}), 36);
    let held = |failed: &str| held_pools(&plan, &until(&plan, failed));
    let general = |certain| vec![HeldPool { pool: "general".into(), certain }];
    assert_eq!(held("gate-1.34"), []);
    assert_eq!(held("hold-general"), general(false), "nobody knows whether it was put there");
    assert_eq!(held("control-plane-1.34"), general(true));
    assert_eq!(held("pool-general-1.34"), [], "a roll that fails lets go, or says why not");
    assert_eq!(held("control-plane-1.35"), general(true), "the roll on the way holds it again");
    let last = plan.steps.last().expect("a step");
    assert_eq!(held(last.id.as_str()), [], "{}", last.id);
}

#[test]
fn pinned_images_keep_their_nodes_as_long_as_the_skew_allows() {
    let pinned = |kubelet| with_pool(kubelet, |pool| pool.pinned_images = true);
    let plan = planned(&pinned(33), 36);
    assert!(plan.left_alone.iter().any(|left| left.subject == "node pool general"), "{:?}", plan.left_alone);
    assert!(ids(&plan).iter().all(|id| !id.contains("general")), "{:?}", ids(&plan));
    let refused = planned_with(&pinned(32), 36, &PlanOptions::default()).expect_err("too old for 1.36");
    let Refused::KeptTooOld { kubelet, control_plane, .. } = refused else { panic!("{refused}") };
    assert_eq!((kubelet, control_plane), (Minor::new(32), Minor::new(36)));
}

#[test]
fn auto_mode_is_waited_for_and_not_told_what_to_do() {
    let plan = planned(&with_pool(33, |pool| pool.auto_mode = true), 34);
    assert!(ids(&plan).iter().all(|id| !id.starts_with("hold-")), "{:?}", ids(&plan));
    let step = plan.step(&StepId::new("pool-general-1.34")).expect("a step");
    assert!(step.calls.is_empty(), "{step:?}");
    assert!(step.action.told().ends_with("by Auto Mode"), "{}", step.action.told());
}
