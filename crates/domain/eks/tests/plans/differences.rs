//! How two plans differ, and what explains it.

use fleetwright_eks::Facts;
use fleetwright_eks::plan::{PlanDifference, difference};
use fleetwright_kubernetes::Minor;

use super::world::healthy;
use super::{of, planned};

fn compared(change: impl Fn(&mut Facts), target: u16) -> PlanDifference {
    let mut facts = healthy(33);
    let before = planned(&facts, 34);
    change(&mut facts);
    difference(&before, &planned(&facts, target))
}

fn names(list: &[fleetwright_eks::plan::difference::StepChange]) -> Vec<&str> {
    list.iter().map(|step| step.id.as_str()).collect()
}

#[test]
fn plans_of_the_same_facts_do_not_differ() {
    assert!(compared(|_| {}, 34).is_empty());
}

#[test]
fn a_group_that_came_adds_its_step_and_is_the_reason() {
    let more = |facts: &mut Facts| {
        let groups = of(&mut facts.nodes.managed);
        let mut green = groups[0].clone();
        green.name = "green".into();
        groups.push(green);
    };
    let difference = compared(more, 34);
    assert_eq!(names(&difference.added), ["nodes-green-1.34", "health-nodes-1.34-wave-3"]);
    let because = &difference.added[0].because;
    assert_eq!(because.len(), 1);
    assert_eq!((because[0].what.as_str(), &because[0].before), ("node group green", &None));
    assert!(difference.removed.is_empty());
}

#[test]
fn a_group_of_another_size_changes_its_step() {
    let larger = |facts: &mut Facts| of(&mut facts.nodes.managed)[0].nodes = 40;
    let difference = compared(larger, 34);
    assert_eq!(names(&difference.changed), ["nodes-blue-1.34"]);
    let step = &difference.changed[0];
    assert!(step.changes.iter().any(|it| it.what == "expected_seconds"), "{step:?}");
    assert_eq!(step.because[0].after.as_deref(), Some("1.33, 40 nodes, 1 at once"));
}

#[test]
fn another_target_explains_every_step_of_its_hop() {
    let difference = compared(|_| {}, 35);
    assert!(names(&difference.added).contains(&"control-plane-1.35"));
    assert!(names(&difference.removed).contains(&"nodes-blue-1.34"), "nodes are replaced later");
    for step in difference.added.iter().chain(&difference.removed) {
        assert!(step.because.iter().any(|it| it.what == "target"), "{step:?}");
    }
}

#[test]
fn findings_that_came_are_told() {
    let busy = |facts: &mut Facts| of(&mut facts.control_plane.cluster).status = "UPDATING".into();
    let difference = compared(busy, 34);
    assert_eq!(difference.opened.iter().map(|it| it.code.as_str()).collect::<Vec<_>>(), ["EKS-V4"]);
    assert!(difference.closed.is_empty() && difference.added.is_empty());
}

#[test]
fn nodes_that_fell_behind_are_replaced_once_more() {
    let old = |facts: &mut Facts| of(&mut facts.nodes.managed)[0].version = Minor::new(30);
    let difference = compared(old, 34);
    assert!(names(&difference.added).contains(&"nodes-blue-1.33"), "{difference:?}");
}
