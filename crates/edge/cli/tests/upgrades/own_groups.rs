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
    let world = World::of(&cluster(READY)).await;
    let document = world.planned("shop", 34).await;
    assert_eq!(document.plan().standing(), Standing::Executable, "{:#?}", document.plan().unread);
    let staged = world.run(document).await.expect("a plan that can be carried out");
    assert_eq!(staged.drive().await.ending(), Some(Ending::Complete), "{:#?}", staged.outcomes().await);
    assert_eq!(staged.outcome().await.standing, ClusterStanding::Done);
    assert_eq!(staged.world.versions("shop").await, (AFTER, vec![AFTER; 3]));
    assert_eq!(staged.effects().get("batch InstanceRefresh 2"), Some(&1));
    let back = staged.back("shop", HOP).await;
    assert_eq!(back.drive().await.ending(), Some(Ending::Complete), "{:#?}", back.outcomes().await);
    assert_eq!(back.world.versions("shop").await, (BEFORE, vec![BEFORE; 3]));
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
async fn room_for_the_instances_of_a_refresh_is_looked_at() {
    let codes = ["EKS-K1", "EKS-K2", "EKS-K3", "EKS-K5"];
    let world = World::of(&cluster(READY)).await;
    for code in codes {
        assert_eq!(verdict(&world, code).await, Verdict::Pass, "{code}");
    }
    let facts = world.facts("shop", &[HOP], &[]).await;
    let [group] = facts.nodes.self_managed.known().expect("read").as_slice() else { panic!("one group") };
    let each = &group.new_nodes;
    assert_eq!((each.zones.len(), each.vcpus.known()), (each.subnet_ids.len(), Some(&2)), "{each:?}");
    assert!(each.pods_per_node.known().is_some_and(|pods| *pods > 0), "{each:?}");
    let full = (0..3)
        .map(|zone| format!("[[subnets]]\naccount = \"shop-prod\"\nzone = {zone}\nfree_addresses = 1\n"));
    let quota = "[[quotas]]\naccount = \"shop-prod\"\ncode = \"L-1216C47A\"\nvalue = 7\n".to_owned();
    let world = World::of(&full.chain([quota, cluster(READY)]).collect::<String>()).await;
    for (code, words) in
        [("EKS-K1", "1 new nodes take up to "), ("EKS-K3", "new nodes take up to 2 vCPUs, 1 are left")]
    {
        let Verdict::Finding { findings, .. } = verdict(&world, code).await else {
            panic!("{code} finds it")
        };
        let [found] = findings.as_slice() else { panic!("{findings:?}") };
        assert_eq!(found.subject, "Auto Scaling group batch");
        assert!(found.what.starts_with(words), "{found:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn volumes_are_added_up_against_the_quotas_of_their_types() {
    let usage = async |world: &World| {
        let facts = world.facts("shop", &[HOP], &[]).await;
        let quotas = facts.nodes.volume_quotas.known().expect("read").iter();
        quotas.map(|(kind, usage)| (kind.clone(), usage.used, usage.quota)).collect::<Vec<_>>()
    };
    let world = World::of(&cluster(READY)).await;
    assert_eq!(verdict(&world, "EKS-K4").await, Verdict::Pass);
    let roots = 3 * 20;
    assert_eq!(usage(&world).await, [("gp2".into(), 0, 50 * 1_024), ("gp3".into(), roots, 50 * 1_024)]);
    let none = "[[quotas]]\naccount = \"shop-prod\"\ncode = \"L-7A658B76\"\nvalue = 0\n";
    let world = World::of(&format!("{none}{}", cluster(READY))).await;
    let Verdict::Finding { findings, .. } = verdict(&world, "EKS-K4").await else { panic!("found") };
    let [found] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((found.subject.as_str(), found.evidence.as_str()), ("gp3", "60 of 0 GiB in use"));
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
    let open = ["EKS-N4", "EKS-N5", "EKS-N7", "EKS-N8", "EKS-N14", "EKS-K1", "EKS-K3", "EKS-K5", "EKS-V7"];
    for code in open {
        let Verdict::NotEvaluated { unread } = verdict(&world, code).await else { panic!("{code} is open") };
        assert!(unread.iter().any(|it| it.detail.contains("autoscaling:Describe")), "{code}: {unread:?}");
    }
}
