//! Auto Scaling groups: what they replace, what keeps them from it, and standby.

use fleetwright_estate::call::Service;

use crate::balancing::Scene;
use crate::{code, texts};

const GROUP: &str = r#"
[[auto_scaling_groups]]
name = "shop-web"
account = "one"
instances = "web"
min = 3
max = 5
balancers = ["shop-web"]
"#;

const NAME: (&str, &str) = ("AutoScalingGroupName", "shop-web");

/// Id and life-cycle state of every member.
fn members(scene: &mut Scene, second: i64) -> Vec<(String, String)> {
    let body = scene.ok(second, Service::AutoScaling, "DescribeAutoScalingInstances", &[]);
    texts(&body, "InstanceId").into_iter().zip(texts(&body, "LifecycleState")).collect()
}

fn state(scene: &mut Scene, second: i64, id: &str) -> String {
    let all = members(scene, second);
    all.into_iter().find(|(known, _)| known == id).map(|(_, state)| state).unwrap_or_default()
}

fn standby(scene: &mut Scene, second: i64, action: &str, id: &str, decrement: Option<&str>) -> String {
    let mut params = vec![NAME, ("InstanceIds.member.1", id)];
    params.extend(decrement.map(|decrement| ("ShouldDecrementDesiredCapacity", decrement)));
    code(scene.at(second, Service::AutoScaling, action, &params))
}

fn stop(scene: &mut Scene, second: i64, id: &str) {
    scene.ok(second, Service::Ec2, "StopInstances", &[("InstanceId.1", id)]);
}

fn desired(scene: &mut Scene, second: i64) -> String {
    let body = scene.ok(second, Service::AutoScaling, "DescribeAutoScalingGroups", &[]);
    texts(&body, "DesiredCapacity").remove(0)
}

#[test]
fn a_group_shows_its_bounds_its_instances_and_its_target_groups() {
    let mut scene = Scene::new(GROUP);
    let body = scene.ok(
        0,
        Service::AutoScaling,
        "DescribeAutoScalingGroups",
        &[("AutoScalingGroupNames.member.1", "shop-web"), ("AutoScalingGroupNames.member.2", "none")],
    );
    let one = |name: &str| texts(&body, name).remove(0);
    assert_eq!([one("MinSize"), one("MaxSize"), one("DesiredCapacity")], ["3", "5", "4"]);
    assert_eq!(texts(&body, "LifecycleState"), ["InService"; 4]);
    assert!(body.contains(&scene.target_group()), "{body}");
    assert_eq!(members(&mut scene, 0).len(), 4);
    let id = scene.named("web").remove(0);
    let tagged = scene.region().instances.iter().find(|it| it.id.to_string() == id).expect("it is there");
    assert_eq!(tagged.tags.get("aws:autoscaling:groupName"), Some("shop-web"));
}

#[test]
fn a_stopped_instance_in_service_is_terminated_and_replaced() {
    let mut scene = Scene::new(GROUP);
    let id = scene.named("web").remove(0);
    stop(&mut scene, 0, &id);
    assert_eq!(state(&mut scene, 59, &id), "InService");
    let later = members(&mut scene, 400);
    assert!(!later.iter().any(|(known, _)| *known == id), "{later:?}");
    assert_eq!(later.len(), 4);
    assert!(later.iter().all(|(_, state)| state == "InService"), "{later:?}");
    let gone = scene.ok(400, Service::Ec2, "DescribeInstances", &[("InstanceId.1", &id)]);
    assert!(texts(&gone, "name").iter().any(|state| state == "terminated"), "{gone}");
    let activities = scene.ok(400, Service::AutoScaling, "DescribeScalingActivities", &[NAME]);
    let told = texts(&activities, "Description");
    assert!(told[0].starts_with("Launching a new EC2 instance: i-"), "{told:?}");
    assert_eq!(told[1], format!("Terminating EC2 instance: {id}"));
    let arn = scene.target_group();
    let health = scene.ok(600, Service::Elbv2, "DescribeTargetHealth", &[("TargetGroupArn", &arn)]);
    assert_eq!(texts(&health, "State"), ["healthy"; 4], "the new one is registered");
}

#[test]
fn an_instance_in_standby_may_stop_and_comes_back_as_it_was() {
    let mut scene = Scene::new(GROUP);
    let id = scene.named("web").remove(0);
    assert_eq!(standby(&mut scene, 0, "EnterStandby", &id, Some("true")), "no error");
    assert_eq!(state(&mut scene, 59, &id), "EnteringStandby", "its target drains");
    assert_eq!(standby(&mut scene, 59, "ExitStandby", &id, None), "ValidationError");
    assert_eq!(state(&mut scene, 60, &id), "Standby");
    assert_eq!(desired(&mut scene, 60), "3");
    stop(&mut scene, 61, &id);
    assert_eq!(state(&mut scene, 1_000, &id), "Standby");
    scene.ok(1_000, Service::Ec2, "StartInstances", &[("InstanceId.1", &id)]);
    assert_eq!(standby(&mut scene, 1_400, "ExitStandby", &id, None), "no error");
    assert_eq!(state(&mut scene, 1_401, &id), "Pending");
    assert_eq!(state(&mut scene, 1_410, &id), "InService");
    assert_eq!(desired(&mut scene, 1_410), "4");
    assert_eq!(members(&mut scene, 3_000).len(), 4);
    assert_eq!(state(&mut scene, 3_000, &id), "InService");
}

#[test]
fn the_bounds_of_the_group_limit_standby() {
    let mut scene = Scene::new(GROUP);
    let ids = scene.named("web");
    assert_eq!(standby(&mut scene, 0, "EnterStandby", &ids[0], Some("true")), "no error");
    let refused = scene
        .at(
            1,
            Service::AutoScaling,
            "EnterStandby",
            &[NAME, ("InstanceIds.member.1", &ids[1]), ("ShouldDecrementDesiredCapacity", "true")],
        )
        .expect_err("three are the least");
    assert_eq!(
        refused.message,
        "AutoScalingGroup shop-web has min-size=3, max-size=5, and desired-size=3. To place into standby 1 \
         instance, please update the AutoScalingGroup sizes appropriately."
    );
    for id in &ids[1..3] {
        assert_eq!(standby(&mut scene, 2, "EnterStandby", id, Some("false")), "no error");
    }
    let later = members(&mut scene, 300);
    assert_eq!(later.iter().filter(|(_, state)| state == "InService").count(), 3, "others were launched");
    for id in &ids[..2] {
        assert_eq!(standby(&mut scene, 300, "ExitStandby", id, None), "no error");
    }
    assert_eq!(
        standby(&mut scene, 300, "ExitStandby", &ids[2], None),
        "ValidationError",
        "five are the most"
    );
    let spare = scene.named("spare").remove(0);
    assert_eq!(standby(&mut scene, 300, "EnterStandby", &spare, Some("true")), "ValidationError");
}

#[test]
fn suspended_processes_put_off_a_replacement_and_resuming_makes_up_for_it() {
    let processes = |scene: &mut Scene, second, action: &str, names: &[&str]| {
        let keys: Vec<String> = (1..=names.len()).map(|n| format!("ScalingProcesses.member.{n}")).collect();
        let mut params = vec![NAME];
        params.extend(keys.iter().map(String::as_str).zip(names.iter().copied()));
        code(scene.at(second, Service::AutoScaling, action, &params))
    };
    let mut scene = Scene::new(GROUP);
    let id = scene.named("web").remove(0);
    assert_eq!(processes(&mut scene, 0, "SuspendProcesses", &["Sleep"]), "ValidationError");
    assert_eq!(processes(&mut scene, 0, "SuspendProcesses", &["ReplaceUnhealthy"]), "no error");
    stop(&mut scene, 1, &id);
    scene.ok(300, Service::Ec2, "StartInstances", &[("InstanceId.1", &id)]);
    assert_eq!(state(&mut scene, 900, &id), "InService");
    let group = scene.ok(900, Service::AutoScaling, "DescribeAutoScalingGroups", &[]);
    assert_eq!(texts(&group, "ProcessName"), ["ReplaceUnhealthy"]);
    assert!(texts(&group, "HealthStatus").contains(&"Unhealthy".to_owned()), "the mark stays");
    assert_eq!(processes(&mut scene, 900, "ResumeProcesses", &[]), "no error");
    assert_eq!(state(&mut scene, 901, &id), "", "healthy again, and replaced all the same");

    let mut watched = Scene::new(GROUP);
    let id = watched.named("web").remove(0);
    assert_eq!(processes(&mut watched, 0, "SuspendProcesses", &["HealthCheck"]), "no error");
    stop(&mut watched, 1, &id);
    watched.ok(300, Service::Ec2, "StartInstances", &[("InstanceId.1", &id)]);
    assert_eq!(processes(&mut watched, 900, "ResumeProcesses", &["HealthCheck"]), "no error");
    assert_eq!(state(&mut watched, 2_000, &id), "InService", "nobody ever marked it");
}

#[test]
fn a_group_that_goes_by_its_balancers_replaces_what_they_find_unhealthy() {
    let sick = "[[hosts]]\nkind = \"app_unhealthy\"\ninstance = \"web\"\nshare = 1.0\nfrom = \"2026-11-02T02:10:00Z\"\nuntil = \"2026-11-02T02:15:00Z\"\n";
    let mut by_ec2 = Scene::new(&format!("{GROUP}{sick}"));
    let before = by_ec2.named("web");
    members(&mut by_ec2, 1_800);
    assert_eq!(by_ec2.named("web"), before);
    let mut by_elb = Scene::new(&format!("{}health_check = \"elb\"\n{sick}", GROUP));
    members(&mut by_elb, 1_800);
    let after = by_elb.named("web");
    assert!(before.iter().all(|id| !after.contains(id)), "{after:?}");
}
