//! Steps that refresh the instances of Auto Scaling groups of one's own.

use fleetwright_eks::facts::nodes::{GroupTemplate, LaunchSource, TemplateRef};
use fleetwright_eks::plan::{Action, PlanOptions, Reversibility, Standing, StepId, UpgradePlan};
use fleetwright_eks::{Fact, Facts, UnreadCause};
use fleetwright_kubernetes::Minor;

use super::world::{healthy, node, own_group};
use super::{of, planned, planned_with};

fn template(facts: &mut Facts) -> &mut GroupTemplate {
    match &mut of(&mut facts.nodes.self_managed)[0].source {
        LaunchSource::Template(template) => template,
        other => panic!("{other:?}"),
    }
}

/// What a step of the plan, or of the way back over its only hop, launches from.
fn launched(plan: &UpgradePlan, id: &str) -> Option<TemplateRef> {
    let back = plan.rollbacks.iter().flat_map(|back| &back.steps);
    let step = plan.steps.iter().chain(back).find(|step| step.id.as_str() == id).expect("a step");
    let Action::SelfManagedNodes { template, .. } = &step.action else { panic!("{step:?}") };
    template.clone()
}

#[test]
fn a_group_gets_the_version_of_its_template_for_the_target_and_goes_back_to_the_one_it_had() {
    let plan = planned(&healthy(33), 34);
    let version = |version| Some(TemplateRef { id: "lt-batch".to_owned(), version });
    assert_eq!(launched(&plan, "instances-batch-1.34"), version(34));
    assert_eq!(launched(&plan, "back-instances-batch-1.33"), version(33));
    let step = plan.step(&StepId::new("instances-batch-1.34")).expect("a step");
    assert_eq!(
        step.action.told(),
        "Auto Scaling group batch 1.33 → 1.34, by an instance refresh with version 34 of launch template lt-batch"
    );
    let Reversibility::Reversible { how, .. } = &step.reversibility else { panic!("{step:?}") };
    assert_eq!(
        how,
        "an instance refresh with version 33 of launch template lt-batch, whose image is of 1.33"
    );
}

#[test]
fn without_a_version_for_the_target_the_plan_says_what_to_make_and_blocks() {
    let mut facts = healthy(33);
    of(&mut template(&mut facts).versions).retain(|it| it.minor != Some(Minor::new(34)));
    let plan = planned(&facts, 34);
    assert_eq!(plan.standing(), Standing::Blocked);
    let blockers: Vec<_> = plan.blockers().map(|it| (it.code.as_str(), it.subject.as_str())).collect();
    assert_eq!(blockers, [("EKS-N4", "Auto Scaling group batch")], "once");
    assert_eq!(launched(&plan, "instances-batch-1.34"), None);
}

#[test]
fn a_roll_on_the_way_needs_a_version_of_its_own() {
    let mut facts = healthy(33);
    of(&mut facts.nodes.nodes).iter_mut().for_each(|node| node.kubelet = Minor::new(30));
    of(&mut template(&mut facts).versions).retain(|it| it.number != 33);
    let plan = planned(&facts, 34);
    let blockers: Vec<_> = plan.blockers().map(|it| it.what.clone()).collect();
    assert!(blockers.iter().any(|what| what.contains("has an image of 1.33")), "{blockers:?}");
}

#[test]
fn versions_that_nobody_may_read_leave_the_plan_undecided() {
    let mut facts = healthy(33);
    template(&mut facts).versions = Fact::unread(UnreadCause::Denied, "ec2:DescribeLaunchTemplateVersions");
    assert_eq!(planned(&facts, 34).standing(), Standing::Undecided);
}

#[test]
fn nodes_go_with_the_group_that_has_their_instances_and_others_are_left_alone() {
    let mut facts = healthy(33);
    let (old, minor) = (Minor::new(32), Minor::new(33));
    of(&mut facts.nodes.nodes).extend([node("node-c", "1a", old), node("node-d", "1a", minor)]);
    of(&mut facts.nodes.self_managed).push(own_group("spot", &["node-c"], old));
    let plan = planned(&facts, 34);
    assert_eq!(plan.observed["Auto Scaling group batch"], "1.33, 2 nodes, 1 at once");
    assert_eq!(plan.observed["Auto Scaling group spot"], "1.32, 1 nodes, 1 at once");
    assert_eq!(plan.observed["nodes of nobody"], "1.33");
    assert_eq!(plan.node_rolls()["spot"], 1);
}

#[test]
fn groups_that_no_single_template_makes_are_left_alone() {
    for source in [LaunchSource::Configuration, LaunchSource::SeveralTemplates] {
        let mut facts = healthy(33);
        of(&mut facts.nodes.self_managed)[0].source = source;
        let plan = planned(&facts, 34);
        let alone: Vec<_> = plan.left_alone.iter().map(|it| it.subject.as_str()).collect();
        assert_eq!(alone, ["Auto Scaling group batch"]);
        assert!(plan.steps.iter().all(|step| !step.id.as_str().starts_with("instances-")));
    }
}

#[test]
fn groups_that_nobody_may_list_are_no_matter_where_all_nodes_come_from_elsewhere() {
    let mut facts = healthy(33);
    facts.nodes.self_managed = Fact::unread(UnreadCause::Denied, "autoscaling:DescribeAutoScalingGroups");
    let refused = planned_with(&facts, 34, &PlanOptions::default()).expect_err("whose nodes are they?");
    assert!(refused.to_string().starts_with("there is no plan without the Auto Scaling groups"), "{refused}");
    for node in of(&mut facts.nodes.nodes) {
        node.metadata.labels.insert("eks.amazonaws.com/nodegroup".into(), "blue".into());
    }
    // The checks of them stay open all the same.
    assert_eq!(planned(&facts, 34).standing(), Standing::Undecided);
}
