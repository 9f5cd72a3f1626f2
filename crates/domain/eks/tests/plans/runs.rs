//! Plans made into targets of the kernel.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::addons::offering;
use crate::{of, planned, planned_with, world};
use fleetwright_eks::Facts;
use fleetwright_eks::maker::{Maker, maker};
use fleetwright_eks::plan::{Action, Approvals, PlanDocument, PlanOptions, Timeouts};
use fleetwright_eks::run::{
    Member, NotRun, Purpose, Ring, RunDocument, RunRequest, Task, UpgradeRun, step_name, upgrade, way_back,
};
use fleetwright_flow::{Gate, Run, Span, StageId, TargetId, Window};
use fleetwright_kubernetes::{Hop, Minor};

fn member(document: &PlanDocument) -> Member<'_> {
    Member { document, zone: "prod".parse().expect("a zone"), window: None }
}

fn ring<'a>(name: &str, members: Vec<Member<'a>>) -> Ring<'a> {
    Ring { name: name.to_owned(), members, at_once: 1, soak_seconds: 0 }
}

fn request<'a>(rings: &'a [Ring<'a>]) -> RunRequest<'a> {
    RunRequest { rings, approval: None, program: "0.1.0", at: world::now(), seed: 7 }
}

/// A cluster without an Auto Scaling group of one's own.
fn without_own_groups(minor: u16) -> Facts {
    let mut facts = world::healthy(minor);
    of(&mut facts.nodes.self_managed).clear();
    of(&mut facts.nodes.nodes).retain(|node| maker(node) != Maker::Other);
    facts
}

/// The document of a plan for a cluster of that name.
fn document(name: &str, from: u16, to: u16) -> PlanDocument {
    let mut plan = planned(&without_own_groups(from), to);
    plan.cluster.name = name.to_owned();
    PlanDocument::new(plan)
}

fn of_one(document: &PlanDocument) -> UpgradeRun {
    upgrade(&request(&[ring("", vec![member(document)])])).expect("a run")
}

/// The steps of a stage, ahead of its gate and behind it.
fn stage(run: &UpgradeRun, stage: usize) -> (Vec<String>, Vec<String>) {
    let targets: Vec<TargetId> = run.flow.targets_of(StageId(stage as u16)).collect();
    let name = |id: &TargetId| run.flow.target(*id).subject.trim_start_matches("shop/").to_owned();
    let is_ahead = |id: &&TargetId| run.flow.recipe_of(**id).steps.iter().all(|step| step.ahead_of_gate);
    let ahead: Vec<String> = targets.iter().filter(is_ahead).map(name).collect();
    (ahead.clone(), targets.iter().map(name).filter(|it| !ahead.contains(it)).collect())
}

#[test]
fn each_hop_is_a_stage_whose_looks_stand_ahead_of_its_gate() {
    let document = document("shop", 33, 35);
    let run = of_one(&document);
    let names: Vec<&str> = run.flow.stages.iter().map(|stage| &*stage.name).collect();
    assert_eq!(names, ["1.33 → 1.34", "1.34 → 1.35"]);
    assert!(
        run.flow.stages.iter().all(|stage| stage.gate == Gate::Approval && stage.max_failures == Some(0))
    );
    let (ahead, behind) = stage(&run, 0);
    assert_eq!(ahead, ["insights-1.34", "gate-1.34"]);
    assert_eq!(behind.first().map(String::as_str), Some("baseline"));
    let (ahead, behind) = stage(&run, 1);
    assert_eq!(ahead, ["insights-1.35", "gate-1.35"]);
    assert!(!behind.contains(&"baseline".to_owned()), "it is kept once: {behind:?}");
    assert!(
        run.asked_at(StageId(1)).contains(&"from then on it cannot go back from 1.34 to 1.33".to_owned())
    );
}

#[test]
fn every_step_but_the_approvals_is_a_target_that_waits_for_what_it_needs() {
    let document = document("shop", 33, 36);
    let run = of_one(&document);
    let plan = document.plan();
    let steps: BTreeSet<&str> = (0..run.work.len() as u32)
        .filter_map(|id| run.step_of(TargetId(id)))
        .map(|step| step.id.as_str())
        .collect();
    let work = plan.steps.iter().filter(|step| !matches!(step.action, Action::Approval { .. }));
    assert_eq!(steps, work.map(|step| step.id.as_str()).collect());
    // The plan is a chain here: so are the targets.
    for id in 1..run.flow.targets.len() as u32 {
        assert!(!run.flow.targets[id as usize].after.is_empty(), "{:?}", run.flow.targets[id as usize]);
    }
    assert_eq!(run.flow.targets[0].after, []);
}

#[test]
fn the_kernel_asks_for_the_looks_first() {
    let mut run = Run::open(Arc::new(of_one(&document("shop", 34, 35)).flow));
    let at = world::now();
    let opened = run.record(
        at,
        fleetwright_flow::Event::Opened { format: fleetwright_flow::Record::FORMAT, plan: "d".into() },
    );
    run.apply(&opened).expect("a first record");
    let owner = fleetwright_flow::Record {
        epoch: fleetwright_flow::Epoch(1),
        ..run.record(at, fleetwright_flow::Event::Owner { name: "here".into() })
    };
    run.apply(&owner).expect("an owner");
    let next = run.next(at);
    let started: Vec<_> = next.iter().map(|command| command.event()).collect();
    let started = serde_json::to_string(&started).expect("plain data");
    assert!(started.contains("\"target\":0") && !started.contains("\"target\":1"), "{started}");
}

#[test]
fn one_approval_makes_one_stage() {
    let options = PlanOptions { approvals: Approvals::Once, ..PlanOptions::default() };
    let plan = planned_with(&without_own_groups(33), 35, &options).expect("a plan");
    let document = PlanDocument::new(plan);
    let run = of_one(&document);
    assert_eq!(run.flow.stages.len(), 1);
    let (ahead, behind) = stage(&run, 0);
    assert_eq!(ahead, ["insights-1.34", "gate-1.34"]);
    assert!(behind.contains(&"gate-1.35".to_owned()));
}

#[test]
fn steps_take_as_long_as_the_plan_allows() {
    let timeouts = Timeouts {
        control_plane_seconds: 7_000,
        addon_seconds: 500,
        nodes_seconds: 500_000,
        ..Timeouts::default()
    };
    let options = PlanOptions { timeouts, ..PlanOptions::default() };
    let mut facts = without_own_groups(33);
    *of(&mut facts.addons.addons) = vec![offering("dns", "v1", &[(33, &["v1"]), (34, &["v2"])])];
    let run = of_one(&PlanDocument::new(planned_with(&facts, 34, &options).expect("a plan")));
    let longest = |name: &str| {
        let steps = run.flow.recipes.iter().flat_map(|recipe| &recipe.steps);
        let of_name = steps.filter(|step| &*step.name == name);
        of_name.map(|step| step.timeout_seconds).collect::<BTreeSet<u32>>()
    };
    assert_eq!(longest(step_name::CONTROL_PLANE), BTreeSet::from([7_000]));
    assert_eq!(longest(step_name::ADD_ON), BTreeSet::from([500]));
    assert_eq!(longest(step_name::NODE_GROUP), BTreeSet::from([500_000]));
    let usual = planned(&without_own_groups(33), 34);
    assert!(!String::from_utf8_lossy(&PlanDocument::new(usual).write()).contains("timeouts"));
}

#[test]
fn only_changes_keep_to_the_window() {
    let document = document("shop", 34, 35);
    let from = world::now();
    let until = "2025-11-01T16:00:00Z".parse().expect("a time");
    let window = Window::new("nights", vec![Span { from, until }]);
    let with = Member { window: Some(window), ..member(&document) };
    let run = upgrade(&request(&[ring("", vec![with])])).expect("a run");
    for (id, work) in run.work.iter().enumerate() {
        let changes = run.step_of(TargetId(id as u32)).is_some_and(|step| !step.calls.is_empty())
            && !matches!(&work.task, Task::Step { id } if id.as_str().starts_with("insights") || id.as_str().starts_with("gate"));
        assert_eq!(run.flow.targets[id].window.is_some(), changes, "{work:?}");
    }
    assert_eq!(run.flow.check(), Ok(()));
}

#[test]
fn a_fleet_goes_ring_by_ring_and_each_ring_proves_itself() {
    let documents: Vec<PlanDocument> =
        ["dev", "blue", "green", "red"].map(|name| document(name, 34, 35)).into();
    let canary = Ring { soak_seconds: 3600, ..ring("canary", vec![member(&documents[0])]) };
    let rest = Ring { at_once: 2, ..ring("prod", documents[1..].iter().map(member).collect()) };
    let run = upgrade(&request(&[canary, rest])).expect("a run");
    let names: Vec<&str> = run.flow.stages.iter().map(|stage| &*stage.name).collect();
    assert_eq!(names, ["ring canary", "soak canary", "ring prod"]);
    let gates: Vec<Gate> = run.flow.stages.iter().map(|stage| stage.gate).collect();
    assert_eq!(gates, [Gate::Approval, Gate::Open, Gate::Approval]);
    assert!(run.asked_at(StageId(0)).iter().all(|line| line.starts_with("cluster dev: ")));
    assert!(run.asked_at(StageId(2)).len() > run.asked_at(StageId(0)).len());
    // The third cluster of the ring takes the room of the first.
    let subject = |id: &TargetId| run.flow.target(*id).subject.to_string();
    let waits_for = |wanted: &str| {
        let found = run.flow.targets.iter().find(|target| &*target.subject == wanted).expect("a target");
        found.after.iter().map(subject).collect::<Vec<_>>()
    };
    assert_eq!(waits_for("blue/baseline"), Vec::<String>::new());
    assert_eq!(waits_for("green/baseline"), Vec::<String>::new());
    assert!(
        waits_for("red/baseline").iter().all(|it| it.starts_with("blue/"))
            && !waits_for("red/baseline").is_empty()
    );
    assert_eq!(run.flow.check(), Ok(()));
}

#[test]
fn in_a_ring_those_whose_support_ends_first_are_begun_first() {
    let documents = [document("young", 35, 36), document("old", 33, 34), document("older", 32, 33)];
    let members = documents.iter().map(member).collect();
    let run = upgrade(&request(&[ring("all", members)])).expect("a run");
    let names: Vec<&str> = run.clusters.iter().map(|cluster| cluster.plan.cluster.name.as_str()).collect();
    assert_eq!(names, ["older", "old", "young"]);
}

#[test]
fn the_way_back_is_a_run_of_its_own() {
    let document = document("shop", 33, 35);
    let hop = Hop { from: Minor::new(34), to: Minor::new(35) };
    let rings = [ring("", vec![member(&document)])];
    let run = way_back(&request(&rings), "run-1", hop).expect("a run");
    assert_eq!(run.purpose, Purpose::WayBack { of: "run-1".to_owned(), hop });
    let subjects: Vec<&str> = run.flow.targets.iter().map(|target| &*target.subject).collect();
    assert_eq!(subjects.first(), Some(&"shop/baseline"));
    assert!(subjects.contains(&"shop/back-control-plane-1.34"), "{subjects:?}");
    let other = Hop { from: Minor::new(31), to: Minor::new(32) };
    assert_eq!(way_back(&request(&rings), "run-1", other).err(), Some(NotRun::NoWayBack { hop: other }));
}

#[test]
fn what_is_not_to_be_carried_out_is_refused_with_the_reason() {
    assert_eq!(upgrade(&request(&[])).err(), Some(NotRun::Nothing));
    let good = document("shop", 34, 35);
    let twice = upgrade(&request(&[ring("a", vec![member(&good)]), ring("b", vec![member(&good)])]));
    assert!(matches!(twice.err(), Some(NotRun::Twice { cluster, .. }) if cluster == "shop"));
    let mut facts = world::healthy(34);
    of(&mut facts.control_plane.cluster).status = "UPDATING".to_owned();
    let blocked = PlanDocument::new(planned(&facts, 35));
    let refused = upgrade(&request(&[ring("", vec![member(&blocked)])]));
    assert_eq!(refused.err(), Some(NotRun::Blocked { cluster: "shop".to_owned() }));
    let mut own = planned(&world::healthy(34), 35);
    let step = own.steps.iter_mut().find(|step| step.id.as_str() == "instances-batch-1.35").expect("a step");
    let Action::SelfManagedNodes { template, .. } = &mut step.action else { panic!("{step:?}") };
    *template = None;
    let refused = upgrade(&request(&[ring("", vec![member(&PlanDocument::new(own))])]));
    assert!(
        matches!(refused.err(), Some(NotRun::NoTemplate { step, .. }) if step.as_str() == "instances-batch-1.35")
    );
}

#[test]
fn a_group_of_ones_own_is_refreshed_and_confirmed() {
    let document = PlanDocument::new(planned(&world::healthy(34), 35));
    let run = of_one(&document);
    let at = run.flow.targets.iter().position(|it| &*it.subject == "shop/instances-batch-1.35");
    let recipe = run.flow.recipe_of(TargetId(at.expect("a target") as u32));
    let steps: Vec<&str> = recipe.steps.iter().map(|step| &*step.name).collect();
    assert_eq!(steps, ["instance-refresh", "confirm"]);
}

#[test]
fn a_run_is_kept_as_a_document() {
    let document = RunDocument::new(of_one(&document("shop", 33, 34)));
    let read = RunDocument::read(&document.write()).expect("a document");
    assert_eq!(read, document);
    let mut odd = document.plan().clone();
    odd.work.pop();
    let refused = RunDocument::read(&RunDocument::new(odd).write()).expect_err("a piece of work is missing");
    assert!(refused.to_string().contains("pieces of work"), "{refused}");
}
