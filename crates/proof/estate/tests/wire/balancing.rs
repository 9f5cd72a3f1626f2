//! Elastic Load Balancing and Auto Scaling on the wire: two generations behind one signing name,
//! permissions on single groups, faults.

use fleetwright_estate::scenario::{Overrides, ScenarioFile};

use super::*;

const SCENARIO: &str = r#"
name = "wire"
[[accounts]]
name = "one"
id = "011122223333"
regions = ["eu-central-1"]
instances_per_region = 0
[[instances]]
account = "one"
count = 2
tags = { Name = "web", Tier = "web" }
[[load_balancers]]
name = "second"
account = "one"
instances = "web"
tags = { Team = "shop" }
[[load_balancers]]
name = "first"
account = "one"
kind = "classic"
instances = "web"
[[auto_scaling_groups]]
name = "web"
account = "one"
instances = "web"
"#;

const POLICY: &str = r#"{"Statement":[
    {"Effect":"Allow","Action":["elasticloadbalancing:Describe*","autoscaling:Describe*"],"Resource":"*"},
    {"Effect":"Allow","Action":"elasticloadbalancing:DeregisterTargets","Resource":"*",
     "Condition":{"StringEquals":{"aws:ResourceTag/Team":"shop"}}},
    {"Effect":"Allow","Action":"autoscaling:SuspendProcesses",
     "Resource":"arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/web"}]}"#;

/// An estate whose hub user lives where the balancers are, and may do what the policy says.
fn balanced(faults: &str) -> Estate {
    let file = ScenarioFile::parse(SCENARIO, "test").expect("a scenario");
    let prepared = file.prepare(&Overrides::default()).expect("a world");
    let faults: Vec<FaultRule> = serde_json::from_str(faults).expect("fault rules");
    let mut world = prepared.world;
    let account = world.accounts.get_mut(SPOKE).expect("the account");
    let policy = NamedPolicy::parse("balance", POLICY).expect("a policy");
    account.iam.add_user(&SPOKE.to_owned(), "hub", vec![policy]);
    Estate::new(EstateOptions {
        seed: 7,
        clock: ClockMode::Virtual { start: start() },
        limits: LimitSettings::default(),
        faults,
        world,
        hub: Hub {
            account: SPOKE.to_owned(),
            user: "hub".to_owned(),
            region: REGION.to_owned(),
            roles: [].into(),
        },
        powershell: None,
    })
    .expect("an estate")
}

fn ask(estate: &Estate, (service, version): (&str, &str), form: &str) -> Request<Bytes> {
    let mut request = Request::post("/")
        .header("host", "127.0.0.1")
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .body(Bytes::from(format!("{form}&Version={version}")))
        .expect("a request");
    sigv4::sign(&mut request, estate.credentials(), REGION, service, start());
    request
}

const FIRST: (&str, &str) = ("elasticloadbalancing", "2012-06-01");
const SECOND: (&str, &str) = ("elasticloadbalancing", "2015-12-01");
const SCALING: (&str, &str) = ("autoscaling", "2011-01-01");
const LIST: &str = "Action=DescribeLoadBalancers";

#[tokio::test]
async fn the_version_tells_the_generations_apart() {
    let estate = balanced("[]");
    let old = estate.call(ask(&estate, FIRST, LIST)).await.expect("an answer");
    assert_eq!(element(text(&old), "LoadBalancerName"), "first");
    assert!(text(&old).contains("elasticloadbalancing.amazonaws.com/doc/2012-06-01/"));
    let new = estate.call(ask(&estate, SECOND, LIST)).await.expect("an answer");
    assert_eq!(element(text(&new), "LoadBalancerName"), "second");
    let logged: Vec<String> = estate.calls(0, 9).iter().map(|it| it.service.name().to_owned()).collect();
    assert_eq!(logged, ["elb", "elbv2"]);
    let unknown = ask(&estate, FIRST, "Action=RegisterTargets");
    assert_eq!(status_and_code(&estate, unknown).await, code(400, "InvalidAction"));
}

#[tokio::test]
async fn permissions_are_about_single_groups_and_their_tags() {
    let estate = balanced("[]");
    let groups = estate.call(ask(&estate, SECOND, "Action=DescribeTargetGroups")).await.expect("an answer");
    let arn = element(text(&groups), "TargetGroupArn").to_owned();
    let health = format!("Action=DescribeTargetHealth&TargetGroupArn={arn}");
    let health = estate.call(ask(&estate, SECOND, &health)).await.expect("an answer");
    let id = element(text(&health), "Id").to_owned();
    let change = |action: &str| format!("Action={action}&TargetGroupArn={arn}&Targets.member.1.Id={id}");
    let allowed = ask(&estate, SECOND, &change("DeregisterTargets"));
    assert_eq!(status_and_code(&estate, allowed).await, code(200, ""));
    let denied = ask(&estate, SECOND, &change("RegisterTargets"));
    assert_eq!(status_and_code(&estate, denied).await, code(403, "AccessDenied"));
    let suspend = ask(&estate, SCALING, "Action=SuspendProcesses&AutoScalingGroupName=web");
    assert_eq!(status_and_code(&estate, suspend).await, code(200, ""));
    let resume = ask(&estate, SCALING, "Action=ResumeProcesses&AutoScalingGroupName=web");
    assert_eq!(status_and_code(&estate, resume).await, code(403, "AccessDenied"));
}

#[tokio::test]
async fn faults_strike_one_generation_or_both() {
    let one = balanced(r#"[{"kind":"throttle","service":"elbv2"}]"#);
    assert_eq!(status_and_code(&one, ask(&one, FIRST, LIST)).await, code(200, ""));
    assert_eq!(status_and_code(&one, ask(&one, SECOND, LIST)).await, code(400, "Throttling"));
    let both = balanced(r#"[{"kind":"server_error","status":503,"service":"elasticloadbalancing"}]"#);
    for version in [FIRST, SECOND] {
        assert_eq!(status_and_code(&both, ask(&both, version, LIST)).await, code(503, "ServiceUnavailable"));
    }
    let groups = ask(&both, SCALING, "Action=DescribeAutoScalingGroups");
    assert_eq!(status_and_code(&both, groups).await, code(200, ""));
}
