//! The checker finds each kind of wrong plan: a plan that was made well is changed, and the rule it breaks is named.

use fleetwright_eks::plan::step::{Action, Call};
use fleetwright_eks::plan::{StepId, UpgradePlan, checker};
use fleetwright_kubernetes::Minor;

use super::planned;
use super::world::healthy;

/// What is wrong with a plan after a change, as step and text.
fn wrong(change: impl Fn(&mut UpgradePlan)) -> Vec<String> {
    let mut plan = planned(&healthy(33), 35);
    assert_eq!(checker::check(&plan), []);
    change(&mut plan);
    checker::check(&plan).iter().map(ToString::to_string).collect()
}

/// The place of a step.
fn place(plan: &UpgradePlan, id: &str) -> usize {
    plan.steps.iter().position(|step| step.id.as_str() == id).unwrap_or_else(|| panic!("no step {id}"))
}

#[test]
fn every_rule_is_found_broken_where_it_is() {
    type Change = fn(&mut UpgradePlan);
    let cases: [(&str, Change, &str); 9] = [
        (
            "nodes before the control plane",
            |plan| {
                let (nodes, hop) = (place(plan, "nodes-blue-1.35"), place(plan, "control-plane-1.35"));
                plan.steps[nodes].needs.clear();
                plan.steps[nodes].needs.push(StepId::new("approve-1.34"));
                let step = plan.steps.remove(nodes);
                plan.steps.insert(hop, step);
            },
            "nodes-blue-1.35: nodes of blue get 1.35, newer than control plane 1.34",
        ),
        (
            "a hop of two minors",
            |plan| {
                let hop = place(plan, "control-plane-1.34");
                plan.steps[hop].action = Action::ControlPlane { from: Minor::new(33), to: Minor::new(35) };
            },
            "control-plane-1.34: 1.33 → 1.35 is no hop from 1.33",
        ),
        (
            "no gate",
            |plan| {
                let gate = place(plan, "gate-1.35");
                plan.steps[gate].action = Action::HealthGate { at: Minor::new(34) };
            },
            "control-plane-1.35: readiness for 1.35 is not judged before it",
        ),
        (
            "nobody is asked",
            |plan| {
                let hop = place(plan, "control-plane-1.34");
                plan.steps[hop].needs = vec![StepId::new("gate-1.34")];
            },
            "control-plane-1.34: it changes something, and nobody is asked before it",
        ),
        (
            "something is forced",
            |plan| {
                let nodes = place(plan, "nodes-blue-1.35");
                if let Call::Aws { parameters, .. } = &mut plan.steps[nodes].calls[0] {
                    parameters["force"] = true.into();
                }
            },
            "nodes-blue-1.35: a call is forced",
        ),
        (
            "a step waits for a later one",
            |plan| plan.steps[0].needs.push(StepId::new("gate-1.35")),
            "insights-1.34: it waits for gate-1.35, which is not before it",
        ),
        (
            "the last nodes are forgotten",
            |plan| {
                let nodes = place(plan, "nodes-blue-1.35");
                plan.steps[nodes].action = match plan.steps[nodes].action.clone() {
                    Action::ManagedNodes { group, from, strategy, at_once, .. } => {
                        Action::ManagedNodes { group, from, to: Minor::new(34), strategy, at_once }
                    }
                    other => other,
                };
            },
            "nodes of blue end with 1.34, not with 1.35",
        ),
        (
            "the plan ends too early",
            |plan| plan.target = Minor::new(36),
            "the control plane ends at 1.35, not at 1.36",
        ),
        (
            "a closed door is kept quiet",
            |plan| plan.rollbacks[0].closed_by = None,
            "control-plane-1.35 closes the way back of control-plane-1.34, and the plan does not say so",
        ),
    ];
    for (name, change, expected) in cases {
        let found = wrong(change);
        assert!(found.iter().any(|it| it == expected), "{name}: {found:#?}");
    }
}

#[test]
fn an_add_on_out_of_its_skew_is_found() {
    let update = |name: &str, from: &str, to: &str| {
        let action = Action::Addon { name: name.into(), from: from.into(), to: to.into() };
        wrong(move |plan| {
            let gate = place(plan, "health-control-plane-1.34");
            plan.steps[gate].action = action.clone();
        })
    };
    let found = update("kube-proxy", "v1.33.0-eksbuild.1", "v1.35.0-eksbuild.1");
    let expected = "health-control-plane-1.34: kube-proxy 1.35 may not serve beside control plane 1.34";
    assert!(found.iter().any(|it| it == expected), "{found:#?}");
    let found = update("vpc-cni", "v1.18.0-eksbuild.1", "v1.20.0-eksbuild.1");
    assert!(found.iter().any(|it| it.ends_with("are several minor versions of vpc-cni")), "{found:#?}");
}

#[test]
fn nodes_too_old_for_a_hop_are_found() {
    let found = wrong(|plan| {
        let nodes = place(plan, "nodes-blue-1.35");
        if let Action::ManagedNodes { from, .. } = &mut plan.steps[nodes].action {
            *from = Minor::new(31);
        }
    });
    let expected = "control-plane-1.35: nodes of blue have 1.31, too far from control plane 1.35";
    assert_eq!(found, [expected]);
}
