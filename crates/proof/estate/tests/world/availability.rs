//! How many members of a group are out of service at once, and whether all are back: good runs pass,
//! bad ones are found out.

use fleetwright_estate::call::Service;
use fleetwright_estate::checkers::availability::out_of_service;
use fleetwright_estate::checkers::{Invariant, Phase, Run, check_run};

use crate::balancing::Scene;

const GROUP: &str = r#"
[[auto_scaling_groups]]
name = "shop"
account = "one"
instances = "web"
max = 6
"#;

fn run(scene: &Scene, most: usize) -> Run {
    Run { since: scene.moment(0), most_out: [("targetgroup/*".to_owned(), most)].into(), ..Run::default() }
}

fn found(scene: &mut Scene, second: i64, run: &Run) -> Vec<Invariant> {
    let at = scene.moment(second);
    scene.stage.prepared.world.advance_all(at);
    check_run(&[], &scene.stage.prepared.world, run).into_iter().map(|finding| finding.invariant).collect()
}

fn reboot(scene: &mut Scene, second: i64, id: &str) {
    scene.ok(second, Service::Ec2, "RebootInstances", &[("InstanceId.1", id)]);
}

#[test]
fn one_after_another_stays_within_a_budget_of_one_and_two_at_once_do_not() {
    let mut good = Scene::new("");
    let ids = good.named("web");
    let budget = run(&good, 1);
    for (n, id) in ids.iter().enumerate() {
        let second = 1 + 1_000 * n as i64;
        good.target(second, "DeregisterTargets", id).expect("deregistered");
        reboot(&mut good, second + 100, id);
        good.target(second + 500, "RegisterTargets", id).expect("registered");
    }
    assert_eq!(found(&mut good, 5_000, &budget), []);
    let outages = out_of_service(&good.stage.prepared.world, budget.since);
    let of_group = outages.iter().find(|it| it.group == "targetgroup/shop-web").expect("the group");
    assert_eq!(of_group.most(), 1);
    assert_eq!(of_group.steps.last().map(|(_, out)| *out), Some(0));

    let mut bad = Scene::new("");
    reboot(&mut bad, 1, &ids[0]);
    bad.target(2, "DeregisterTargets", &ids[1]).expect("deregistered");
    assert_eq!(found(&mut bad, 100, &budget), [Invariant::I1]);
    let wider = run(&bad, 2);
    assert_eq!(found(&mut bad, 100, &wider), []);
}

#[test]
fn what_fails_by_itself_leaves_less_of_the_budget_and_is_no_finding_itself() {
    let sick = "[[hosts]]\nkind = \"app_unhealthy\"\ninstance = \"web\"\nfrom = \"2026-11-02T02:10:00Z\"\n";
    let mut scene = Scene::new(sick);
    let budget = run(&scene, 1);
    assert_eq!(found(&mut scene, 1_000, &budget), [], "all four failed by themselves");
    let id = scene.named("spare").remove(0);
    reboot(&mut scene, 1_000, &id);
    assert_eq!(found(&mut scene, 1_100, &budget), [], "the spare is in no group");
}

#[test]
fn whatever_was_taken_out_is_back_at_the_end() {
    let mut scene = Scene::new(GROUP);
    let ids = scene.named("web");
    let ended = Run { phase: Phase::Ended, ..run(&scene, 4) };
    scene.target(1, "DeregisterTargets", &ids[0]).expect("deregistered");
    assert_eq!(found(&mut scene, 100, &ended), [Invariant::I33]);
    scene.target(100, "RegisterTargets", &ids[0]).expect("registered");
    assert_eq!(found(&mut scene, 200, &ended), []);

    let name = ("AutoScalingGroupName", "shop");
    let one = ("InstanceIds.member.1", ids[1].as_str());
    scene.ok(
        200,
        Service::AutoScaling,
        "EnterStandby",
        &[name, one, ("ShouldDecrementDesiredCapacity", "true")],
    );
    assert_eq!(found(&mut scene, 300, &ended), [Invariant::I33]);
    scene.ok(300, Service::AutoScaling, "ExitStandby", &[name, one]);
    assert_eq!(found(&mut scene, 400, &ended), []);

    scene.ok(400, Service::AutoScaling, "SuspendProcesses", &[name, ("ScalingProcesses.member.1", "Launch")]);
    assert_eq!(found(&mut scene, 500, &ended), [Invariant::I33]);
    scene.ok(500, Service::AutoScaling, "ResumeProcesses", &[name]);
    assert_eq!(found(&mut scene, 600, &ended), []);
}
