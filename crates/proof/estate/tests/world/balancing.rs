//! Balancers: how instances are registered, become healthy or not, and drain.

use fleetwright_estate::call::{ApiError, Input, QueryParams, Service};
use fleetwright_estate::world::Region;
use fleetwright_estate::world::instance::InstanceState;
use jiff::SignedDuration;
use serde_json::Value;

use crate::{Stage, code, prepare, texts};
use fleetwright_estate::scenario::Overrides;

/// Four web servers behind an application balancer and a classic one, in one Auto Scaling group, and
/// two that are in none.
pub(crate) const WEB: &str = r#"
name = "web"
seed = 5
[[accounts]]
name = "one"
regions = ["eu-central-1"]
instances_per_region = 0
[[instances]]
account = "one"
count = 4
tags = { Name = "web", Tier = "web" }
[[instances]]
account = "one"
count = 2
tags = { Name = "spare", Tier = "web" }
[[load_balancers]]
name = "shop"
account = "one"
target_group = "shop-web"
instances = "web"
deregistration_delay = 60
health_interval = 10
healthy_threshold = 3
tags = { Team = "shop" }
[[load_balancers]]
name = "shop-old"
account = "one"
kind = "classic"
instances = "web"
deregistration_delay = 30
health_interval = 10
healthy_threshold = 2
"#;

/// A day in a region: calls at given seconds after the start.
pub(crate) struct Scene {
    pub(crate) stage: Stage,
}

impl Scene {
    pub(crate) fn new(more: &str) -> Self {
        Self { stage: Stage::new(&format!("{WEB}{more}")) }
    }

    pub(crate) fn moment(&self, second: i64) -> jiff::Timestamp {
        self.stage.prepared.start + SignedDuration::from_secs(second)
    }

    fn answer(
        &mut self,
        second: i64,
        service: Service,
        action: &str,
        input: Input,
    ) -> Result<String, ApiError> {
        let mut call = self.stage.call(service, action, input);
        call.now = self.moment(second);
        self.stage.prepared.world.advance(&call.account, &call.region, call.now);
        self.stage.answer(&call)
    }

    /// A call of a JSON service.
    pub(crate) fn json(
        &mut self,
        second: i64,
        service: Service,
        action: &str,
        document: serde_json::Value,
    ) -> Result<serde_json::Value, ApiError> {
        let body = self.answer(second, service, action, Input::Json(document))?;
        Ok(serde_json::from_str(&body).expect("the answer is JSON"))
    }

    pub(crate) fn at(
        &mut self,
        second: i64,
        service: Service,
        action: &str,
        params: &[(&str, &str)],
    ) -> Result<String, ApiError> {
        let values = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.answer(second, service, action, Input::Query(QueryParams { values }))
    }

    pub(crate) fn ok(
        &mut self,
        second: i64,
        service: Service,
        action: &str,
        params: &[(&str, &str)],
    ) -> String {
        match self.at(second, service, action, params) {
            Ok(body) => body,
            Err(error) => panic!("{action} at second {second}: {} {}", error.code, error.message),
        }
    }

    pub(crate) fn ssm(&mut self, second: i64, action: &str, document: Value) -> Result<Value, ApiError> {
        let body = self.answer(second, Service::Ssm, action, Input::Json(document))?;
        Ok(serde_json::from_str(&body).expect("the answer is JSON"))
    }

    pub(crate) fn region(&self) -> &Region {
        &self.stage.prepared.world.accounts[&self.stage.account].regions[&self.stage.region]
    }

    /// The ids of the instances of that name that are not gone, in order.
    pub(crate) fn named(&self, name: &str) -> Vec<String> {
        let there = |state| !matches!(state, InstanceState::ShuttingDown | InstanceState::Terminated);
        let fit =
            self.region().instances.iter().filter(|it| it.tags.get("Name") == Some(name) && there(it.state));
        fit.map(|it| it.id.to_string()).collect()
    }

    pub(crate) fn target_group(&self) -> String {
        self.region().balancing.second().next().expect("a balancer").pool.arn.clone()
    }

    /// State and reason of one target.
    fn health(&mut self, second: i64, id: &str) -> (String, String) {
        let arn = self.target_group();
        let params = [("TargetGroupArn", arn.as_str()), ("Targets.member.1.Id", id)];
        let body = self.ok(second, Service::Elbv2, "DescribeTargetHealth", &params);
        (texts(&body, "State").remove(0), texts(&body, "Reason").pop().unwrap_or_default())
    }

    pub(crate) fn target(&mut self, second: i64, action: &str, id: &str) -> Result<String, ApiError> {
        let arn = self.target_group();
        self.at(second, Service::Elbv2, action, &[("TargetGroupArn", &arn), ("Targets.member.1.Id", id)])
    }

    fn classic(&mut self, second: i64, action: &str, id: &str) -> Result<String, ApiError> {
        let params = [("LoadBalancerName", "shop-old"), ("Instances.member.1.InstanceId", id)];
        self.at(second, Service::ClassicElb, action, &params)
    }
}

fn pair(state: &str, reason: &str) -> (String, String) {
    (state.to_owned(), reason.to_owned())
}

#[test]
fn what_a_scenario_puts_behind_a_balancer_is_healthy_from_the_start() {
    let mut scene = Scene::new("");
    let groups = scene.ok(0, Service::Elbv2, "DescribeTargetGroups", &[("Names.member.1", "shop-web")]);
    assert_eq!(texts(&groups, "TargetType"), ["instance"]);
    assert_eq!(texts(&groups, "HealthyThresholdCount"), ["3"]);
    let balancers = scene.ok(0, Service::Elbv2, "DescribeLoadBalancers", &[]);
    assert_eq!(texts(&balancers, "LoadBalancerName"), ["shop"], "classic ones are of the other generation");
    let arn = scene.target_group();
    let tags = scene.ok(0, Service::Elbv2, "DescribeTags", &[("ResourceArns.member.1", &arn)]);
    assert_eq!(texts(&tags, "Value"), ["shop"]);
    let attributes =
        scene.ok(0, Service::Elbv2, "DescribeTargetGroupAttributes", &[("TargetGroupArn", &arn)]);
    assert!(attributes.contains("<Key>deregistration_delay.timeout_seconds</Key><Value>60</Value>"));
    let health = scene.ok(0, Service::Elbv2, "DescribeTargetHealth", &[("TargetGroupArn", &arn)]);
    assert_eq!(texts(&health, "State"), ["healthy"; 4]);
    let classic = scene.ok(0, Service::ClassicElb, "DescribeLoadBalancers", &[]);
    assert_eq!(texts(&classic, "InstanceId").len(), 4);
    let states =
        scene.ok(0, Service::ClassicElb, "DescribeInstanceHealth", &[("LoadBalancerName", "shop-old")]);
    assert_eq!(texts(&states, "State"), ["InService"; 4]);
}

#[test]
fn a_deregistered_target_drains_and_a_registered_one_is_initial_first() {
    let mut scene = Scene::new("");
    let id = scene.named("web").remove(0);
    scene.target(0, "DeregisterTargets", &id).expect("deregistered");
    assert_eq!(scene.health(59, &id), pair("draining", "Target.DeregistrationInProgress"));
    assert_eq!(scene.health(60, &id), pair("unused", "Target.NotRegistered"));
    scene.target(61, "DeregisterTargets", &id).expect("one that is not registered is no error");
    scene.target(100, "RegisterTargets", &id).expect("registered");
    assert_eq!(scene.health(109, &id), pair("initial", "Elb.RegistrationInProgress"));
    assert_eq!(scene.health(110, &id), pair("healthy", ""));
    scene.target(120, "DeregisterTargets", &id).expect("deregistered");
    scene.target(130, "RegisterTargets", &id).expect("brought back while it drains");
    assert_eq!(scene.health(200, &id), pair("healthy", ""));
}

#[test]
fn a_target_is_unhealthy_while_its_application_fails_and_unused_while_it_is_stopped() {
    let mut scene = Scene::new(
        "[[hosts]]\nkind = \"app_unhealthy\"\ninstance = \"web\"\nfrom = \"2026-11-02T02:10:00Z\"\nuntil = \"2026-11-02T02:20:00Z\"\n",
    );
    assert_eq!(scene.stage.prepared.start.to_string(), "2026-11-02T02:00:00Z");
    let id = scene.named("web").remove(0);
    assert_eq!(scene.health(619, &id), pair("healthy", ""));
    assert_eq!(scene.health(620, &id), pair("unhealthy", "Target.FailedHealthChecks"));
    assert_eq!(scene.health(1_229, &id), pair("unhealthy", "Target.FailedHealthChecks"));
    assert_eq!(scene.health(1_230, &id), pair("healthy", ""), "three checks later");
    scene.ok(2_000, Service::Ec2, "StopInstances", &[("InstanceId.1", &id)]);
    assert_eq!(scene.health(2_001, &id), pair("unused", "Target.InvalidState"));
    let refused = scene.target(2_200, "RegisterTargets", &id).expect_err("it is stopped");
    assert_eq!(refused.code, "InvalidTarget");
    assert!(refused.message.contains("not in a running state"), "{}", refused.message);
    scene.ok(2_200, Service::Ec2, "StartInstances", &[("InstanceId.1", &id)]);
    assert_eq!(scene.health(2_600, &id), pair("healthy", ""));
}

#[test]
fn a_terminated_instance_leaves_its_balancers() {
    let mut scene = Scene::new("");
    let id = scene.named("web").remove(0);
    scene.ok(0, Service::Ec2, "TerminateInstances", &[("InstanceId.1", &id)]);
    assert_eq!(scene.health(1, &id), pair("unused", "Target.NotRegistered"));
    let classic = scene.ok(1, Service::ClassicElb, "DescribeLoadBalancers", &[]);
    assert_eq!(texts(&classic, "InstanceId").len(), 3);
}

#[test]
fn a_classic_balancer_drains_too_and_names_what_it_does_not_know() {
    let mut scene = Scene::new("");
    let (web, spare) = (scene.named("web").remove(0), scene.named("spare").remove(0));
    let attributes = scene.ok(
        0,
        Service::ClassicElb,
        "DescribeLoadBalancerAttributes",
        &[("LoadBalancerName", "shop-old")],
    );
    assert_eq!(texts(&attributes, "Timeout"), ["30"]);
    let left = scene.classic(0, "DeregisterInstancesFromLoadBalancer", &web).expect("deregistered");
    assert_eq!(texts(&left, "InstanceId").len(), 3);
    let draining = scene.classic(29, "DescribeInstanceHealth", &web).expect("it drains");
    assert_eq!(texts(&draining, "Description"), ["Instance deregistration currently in progress."]);
    assert_eq!(code(scene.classic(30, "DescribeInstanceHealth", &web)), "InvalidInstance");
    assert_eq!(code(scene.classic(31, "DeregisterInstancesFromLoadBalancer", &web)), "InvalidInstance");
    scene.classic(40, "RegisterInstancesWithLoadBalancer", &spare).expect("registered");
    let new = scene.classic(41, "DescribeInstanceHealth", &spare).expect("registered");
    assert_eq!(
        (texts(&new, "State").remove(0), texts(&new, "ReasonCode").remove(0)),
        pair("OutOfService", "ELB")
    );
    let old = scene.classic(60, "DescribeInstanceHealth", &spare).expect("registered");
    assert_eq!(texts(&old, "State"), ["InService"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut scene = Scene::new("");
    let nowhere = "arn:aws:elasticloadbalancing:eu-central-1:011122223333:targetgroup/none/0123456789abcdef";
    let ask = |scene: &mut Scene, params: &[(&str, &str)]| {
        code(scene.at(0, Service::Elbv2, "RegisterTargets", params))
    };
    assert_eq!(ask(&mut scene, &[]), "ValidationError");
    assert_eq!(ask(&mut scene, &[("TargetGroupArn", nowhere)]), "TargetGroupNotFound");
    let arn = scene.target_group();
    let absent = [("TargetGroupArn", arn.as_str()), ("Targets.member.1.Id", "i-0123456789abcdef0")];
    assert_eq!(ask(&mut scene, &absent), "InvalidTarget");
    let odd = [("TargetGroupArn", arn.as_str()), ("Colour", "red")];
    assert_eq!(ask(&mut scene, &odd), "ValidationError");
    let names = [("Names.member.1", "none")];
    assert_eq!(code(scene.at(0, Service::Elbv2, "DescribeTargetGroups", &names)), "TargetGroupNotFound");
    assert_eq!(code(scene.at(0, Service::Elbv2, "DescribeLoadBalancers", &names)), "LoadBalancerNotFound");
    let names = [("LoadBalancerNames.member.1", "shop")];
    assert_eq!(
        code(scene.at(0, Service::ClassicElb, "DescribeLoadBalancers", &names)),
        "LoadBalancerNotFound"
    );
}

#[test]
fn a_generated_fleet_gets_balancers_and_groups_when_it_asks_for_them() {
    let text = |more: &str| {
        format!(
            "name = \"g\"\nseed = 3\n[fleet]\naccounts = 1\ninstances = 200\n{more}\n[fleet.shares]\nauto_scaling = 0.6\n"
        )
    };
    let count = |text: &str| {
        let prepared = prepare(text, &Overrides::default());
        let zone = &prepared.landing_zones[0];
        let region = &prepared.world.accounts[&zone.account_id].regions["eu-central-1"];
        (region.balancing.iter().count(), region.scaling.iter().count(), region.instances.len())
    };
    let plain = count(&text(""));
    assert_eq!((plain.0, plain.1), (0, 0));
    let asked = count(&format!("{}balanced = 1.0\n", text("auto_scaling_groups = \"kept\"")));
    assert!(asked.0 > 3 && asked.1 > 3, "{asked:?}");
    assert_eq!(asked.2, plain.2);
}
