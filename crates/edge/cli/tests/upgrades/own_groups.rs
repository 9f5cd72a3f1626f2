//! Auto Scaling groups of one's own: read, judged, refreshed, and taken back.

use fleetwright_eks::Verdict;
use fleetwright_eks::check::assess;
use fleetwright_eks::facts::nodes::LaunchSource;
use fleetwright_eks::plan::{PlanDocument, Standing};
use fleetwright_eks::run::NotRun;
use fleetwright_eks::run::outcome::ClusterStanding;
use fleetwright_estate::policy::NamedPolicy;
use fleetwright_flow::Ending;
use fleetwright_kubernetes::{Hop, Minor};

use crate::world::{ACCOUNT, World};

const BEFORE: Minor = Minor::new(33);
const AFTER: Minor = Minor::new(34);
const HOP: Hop = Hop { from: BEFORE, to: AFTER };

/// A cluster of which one group of one's own makes all nodes.
fn cluster(group: &str) -> String {
    format!(
        r#"
        [[clusters]]
        name = "shop"
        account = "shop-prod"
        version = "1.33"
        logging = ["audit"]
        self_managed = [{{ name = "batch", nodes = 3, {group} }}]
        addons = [{{ name = "vpc-cni" }}, {{ name = "coredns" }}, {{ name = "kube-proxy" }}]
        workloads = [{{ name = "web", namespace = "shop", replicas = 3, max_unavailable = 1 }}]
        "#
    )
}

/// Whose template has a second version for the version to come.
const READY: &str = r#"image = "1.34", template_version = "1", hook = true"#;

/// What a check says of the cluster.
async fn verdict(world: &World, code: &str) -> Verdict {
    let facts = world.facts("shop", &[HOP], &[]).await;
    let assessment = assess(&facts, &[HOP], world.stage.clock.now(), &[]);
    assessment.results.into_iter().find(|result| result.code == code).expect("in the catalogue").verdict
}

fn blockers(document: &PlanDocument) -> Vec<(&str, &str)> {
    document.plan().blockers().map(|it| (it.code.as_str(), it.subject.as_str())).collect()
}

#[tokio::test(start_paused = true)]
async fn instances_are_refreshed_to_the_version_and_back() {
    // Room for a surge is only looked at beside groups of EKS.
    let beside = "node_groups = [{ name = \"blue\", nodes = 1 }]\nself_managed";
    let world = World::of(&cluster(READY).replace("self_managed", beside)).await;
    let document = world.planned("shop", 34).await;
    assert_eq!(document.plan().standing(), Standing::Executable, "{:#?}", document.plan().unread);
    let staged = world.run(document).await.expect("a plan that can be carried out");
    assert_eq!(staged.drive().await.ending(), Some(Ending::Complete), "{:#?}", staged.outcomes().await);
    assert_eq!(staged.outcome().await.standing, ClusterStanding::Done);
    assert_eq!(staged.world.versions("shop").await, (AFTER, vec![AFTER; 4]));
    assert_eq!(staged.effects().get("batch InstanceRefresh 2"), Some(&1));
    let back = staged.back("shop", HOP).await;
    assert_eq!(back.drive().await.ending(), Some(Ending::Complete), "{:#?}", back.outcomes().await);
    assert_eq!(back.world.versions("shop").await, (BEFORE, vec![BEFORE; 4]));
    assert_eq!(back.effects().get("batch InstanceRefresh 1"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn a_group_is_read_with_its_template_and_its_nodes() {
    let world = World::of(&cluster(r#"image = "1.34", suspended = ["Launch"], protected = 1"#)).await;
    let facts = world.facts("shop", &[HOP], &[]).await;
    let [group] = facts.nodes.self_managed.known().expect("read").as_slice() else { panic!("one group") };
    assert_eq!((group.name.as_str(), group.desired, group.protected_instances()), ("batch", 3, 1));
    assert_eq!(group.suspended, ["Launch"]);
    let LaunchSource::Template(template) = &group.source else { panic!("{group:?}") };
    assert_eq!((template.selected.as_str(), template.launches()), ("$Latest", Some(2)));
    let minors: Vec<_> = template.versions.known().expect("read").iter().map(|it| it.minor).collect();
    assert_eq!(minors, [Some(AFTER), Some(BEFORE)]);
    let nodes = facts.nodes.nodes.known().expect("read");
    assert!(nodes.len() == 3 && nodes.iter().all(|node| group.has(node)), "{nodes:?}");
    let Verdict::Finding { findings, .. } = verdict(&world, "EKS-N14").await else { panic!("found") };
    assert_eq!(findings.len(), 2, "{findings:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_version_for_the_target_nothing_is_begun() {
    let world = World::of(&cluster("hook = true")).await;
    let document = world.planned("shop", 34).await;
    assert_eq!(blockers(&document), [("EKS-N4", "Auto Scaling group batch")]);
    assert!(matches!(world.run(document).await.err(), Some(NotRun::Blocked { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_launch_configuration_blocks_and_a_flag_that_goes_is_found() {
    let world = World::of(&cluster("launch_configuration = true")).await;
    assert_eq!(blockers(&world.planned("shop", 34).await), [("EKS-N8", "Auto Scaling group batch")]);
    let script = r#"user_data = "bootstrap.sh shop --kubelet-extra-args --keep-terminated-pod-volumes""#;
    let world = World::of(&cluster(&format!("{READY}, {script}"))).await;
    let Verdict::Finding { findings, .. } = verdict(&world, "EKS-N5").await else { panic!("found") };
    assert!(findings[0].subject.starts_with("version 2 of launch template lt-"), "{findings:?}");
}

fn allow(world: &World, actions: &str) {
    let role = world.zone.access.role.as_ref().expect("a role").name().to_owned();
    let text = format!(r#"{{"Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}]}}"#);
    let policy = NamedPolicy::parse("own", &text).expect("a policy");
    assert!(world.stage.world.estate.set_role_policies(ACCOUNT, &role, vec![policy]));
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_or_done_is_told() {
    const REST: &str = r#""eks:*","ec2:Describe*","iam:*","kms:DescribeKey","servicequotas:*","ssm:Get*""#;
    let world = World::of(&cluster(READY)).await;
    allow(&world, &format!(r#"{REST},"autoscaling:Describe*""#));
    let Verdict::Finding { findings, .. } = verdict(&world, "EKS-V7").await else { panic!("found") };
    let denied: Vec<&str> = findings.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(denied, ["autoscaling:CancelInstanceRefresh", "autoscaling:StartInstanceRefresh"]);
    allow(&world, &format!(r#"{REST},"autoscaling:*""#));
    assert_eq!(verdict(&world, "EKS-V7").await, Verdict::Pass);
    allow(&world, REST);
    for code in ["EKS-N4", "EKS-N5", "EKS-N7", "EKS-N8", "EKS-N14", "EKS-V7"] {
        let Verdict::NotEvaluated { unread } = verdict(&world, code).await else { panic!("{code} is open") };
        assert!(unread.iter().any(|it| it.detail.contains("autoscaling:Describe")), "{code}: {unread:?}");
    }
}
