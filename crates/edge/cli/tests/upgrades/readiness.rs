//! What assessments see beside the cluster itself: the caller's rights, who calls what goes, configurations of add-ons.

use fleetwright_eks::Verdict;
use fleetwright_eks::check::assess;
use fleetwright_kubernetes::{Hop, Minor};

use crate::stories::healthy;
use crate::world::{ACCOUNT, World};

fn hop(from: u16) -> Hop {
    Hop { from: Minor::new(from), to: Minor::new(from + 1) }
}

/// What a check says of the cluster `shop` before a hop.
async fn verdict(world: &World, from: u16, code: &str) -> Verdict {
    let route = [hop(from)];
    let facts = world.facts("shop", &route, &[]).await;
    let assessment = assess(&facts, &route, world.stage.clock.now(), &[]);
    let found = assessment.results.into_iter().find(|result| result.code == code);
    found.unwrap_or_else(|| panic!("{code} is in the catalogue")).verdict
}

fn named(verdict: &Verdict) -> Vec<(String, String, String)> {
    let Verdict::Finding { findings, .. } = verdict else { panic!("{verdict:?}") };
    findings.iter().map(|it| (it.subject.clone(), it.what.clone(), it.evidence.clone())).collect()
}

fn allow(world: &World, actions: &str) {
    let role = world.zone.access.role.as_ref().expect("a role").name().to_owned();
    let text = format!(r#"{{"Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}]}}"#);
    let policy = fleetwright_estate::policy::NamedPolicy::parse("own", &text).expect("a policy");
    assert!(world.stage.world.estate.set_role_policies(ACCOUNT, &role, vec![policy]));
}

const READS: &str = r#""eks:List*","eks:Describe*","ec2:Describe*","iam:GetRole","kms:DescribeKey","servicequotas:*","ssm:Get*""#;

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_is_found_before_anything_is_tried() {
    let world = World::of(&healthy("shop", "1.34")).await;
    allow(
        &world,
        &format!(
            r#"{READS},"iam:SimulatePrincipalPolicy","eks:UpdateAddon","eks:StartInsightsRefresh","eks:CancelUpdate","eks:UpdateClusterVersion""#
        ),
    );
    let found = named(&verdict(&world, 34, "EKS-V7").await);
    let [(action, _, evidence)] = &found[..] else { panic!("{found:?}") };
    assert_eq!(action, "eks:UpdateNodegroupVersion");
    assert!(evidence.contains("nodegroup/shop/blue/"), "{evidence}");
}

#[tokio::test(start_paused = true)]
async fn who_may_do_everything_passes_and_who_may_not_ask_does_not() {
    let world = World::of(&healthy("shop", "1.34")).await;
    allow(&world, &format!(r#"{READS},"iam:SimulatePrincipalPolicy","eks:*""#));
    assert_eq!(verdict(&world, 34, "EKS-V7").await, Verdict::Pass);
    allow(&world, &format!(r#"{READS},"eks:*""#));
    let Verdict::NotEvaluated { unread } = verdict(&world, 34, "EKS-V7").await else { panic!("open") };
    assert!(unread[0].detail.contains("iam:SimulatePrincipalPolicy"), "{unread:?}");
}

#[tokio::test(start_paused = true)]
async fn callers_are_named_and_those_that_may_be_gone_told_from_the_others() {
    let clusters = format!(
        r#"{}
        [[clusters.insights]]
        name = "Deprecated APIs removed in Kubernetes v1.32"
        category = "UPGRADE_READINESS"
        version = "1.32"
        status = "ERROR"
        reason = "Deprecated API usage detected within last 30 days."
        [[clusters.insights.deprecations]]
        usage = "/apis/flowcontrol.apiserver.k8s.io/v1beta3/flowschemas"
        replaced_with = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
        stops = "1.32"
        replacement_since = "1.29"
        callers = [
            {{ user_agent = "limiter/1.0", requests = 720, days_ago = 0.5 }},
            {{ user_agent = "old-pipeline/0.3", requests = 2, days_ago = 20.0 }},
        ]
        "#,
        healthy("shop", "1.31")
    );
    let world = World::of(&clusters).await;
    let verdict = verdict(&world, 31, "EKS-A6").await;
    let found = named(&verdict);
    let [(live, what, evidence), (stale, _, gone)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((live.as_str(), stale.as_str()), ("limiter/1.0", "old-pipeline/0.3"));
    assert!(what.contains("v1beta3 FlowSchema is not served from 1.32"), "{what}");
    assert!(evidence.contains("720 requests in 30 days") && !evidence.contains("gone"), "{evidence}");
    assert!(gone.contains("it may be gone by now"), "{gone}");
    let Verdict::Finding { findings, .. } = &verdict else { unreachable!("it was named above") };
    let grave: Vec<_> = findings.iter().map(|it| it.severity).collect();
    assert_eq!(grave, [fleetwright_eks::Severity::Blocking, fleetwright_eks::Severity::Warning]);
}

#[tokio::test(start_paused = true)]
async fn a_setting_that_the_version_to_come_does_not_know_is_found() {
    let with = |configuration: &str| {
        healthy("shop", "1.34").replace(
            r#"{ name = "coredns" }"#,
            &format!(r#"{{ name = "coredns", configuration = {configuration} }}"#),
        )
    };
    let world = World::of(&with("{ replicaCount = 3 }")).await;
    assert_eq!(verdict(&world, 34, "EKS-D3").await, Verdict::Pass);
    let world = World::of(&with("{ replicaCounts = 3 }")).await;
    let found = named(&verdict(&world, 34, "EKS-D3").await);
    let [(subject, _, evidence)] = &found[..] else { panic!("{found:?}") };
    assert_eq!(subject, "add-on coredns");
    assert!(evidence.ends_with(": replicaCounts: the version does not know this setting"), "{evidence}");
}
