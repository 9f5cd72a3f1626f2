//! The same for clusters of EKS: what is read of them and of what they stand on, and what upgrades change.

use std::collections::BTreeSet;

use fleetwright::policy_scope::scope;
use fleetwright_aws::policy::{Use, of_zone};
use fleetwright_eks::facts::nodes::TemplateRef;
use fleetwright_eks::query::{Asks, Query, metric::window};
use fleetwright_kubernetes::Minor;
use fleetwright_model::{Cell, Failure, Phase, Region};
use fleetwright_ports::cluster_changes::{ClientToken, Conflicts, UpdateOf};
use fleetwright_ports::clusters::{ClusterName, Update, UpgradedParts};
use fleetwright_ports::self_managed::GroupSource;
use fleetwright_ports::{
    ClusterChanges, Clusters, Foundations, InstanceRefreshes, Metrics, SelfManagedGroups,
};
use jiff::Timestamp;

use super::{REGION, actions, grant, used, without, world};

const WORLD: &str = r#"
name = "least-privilege-clusters"
description = "A cluster that is upgraded, and one in Auto Mode whose rollback is called off."
seed = 283
start = "2026-11-02T02:00:00Z"

[[accounts]]
name = "shop"
id = "111122223333"
regions = ["eu-central-1"]
instances_per_region = 1

[[clusters]]
name = "shop"
account = "shop"
version = "1.34"
node_groups = [{ name = "blue", nodes = 1 }]
self_managed = [{ name = "own", nodes = 1, version = "1.33", image = "1.34" }]
addons = [{ name = "coredns", version = "v1.12.4-eksbuild.1" }]

[[clusters]]
name = "shop-auto"
account = "shop"
version = "1.34"
auto_mode = true
upgraded = { from = "1.33", days_ago = 1.0 }
"#;

/// What went wrong.
#[derive(Default)]
struct Wrong(Vec<Failure>);

impl Wrong {
    fn heard<T>(&mut self, result: Result<T, Failure>) -> Option<T> {
        result.map_err(|failure| self.0.push(failure)).ok()
    }
}

fn named(name: &str) -> ClusterName {
    name.parse().expect("a name")
}

/// The id of an update; where there is none, one that nobody has.
fn id(update: Option<Update>) -> String {
    update.map_or_else(|| "00000000-0000-4000-8000-000000000000".to_owned(), |update| update.id)
}

async fn change(aws: &impl ClusterChanges, cell: &Cell<'_>, wrong: &mut Wrong) {
    let token = |text: &str| ClientToken::new(text).expect("a token");
    let (shop, auto) = (named("shop"), named("shop-auto"));
    let addon = ("coredns", "v1.13.2-eksbuild.1");
    let begun = aws.update_addon(cell, &shop, addon.0, addon.1, Conflicts::Refuse, &token("a")).await;
    let begun = id(wrong.heard(begun));
    wrong.heard(aws.update(cell, &shop, UpdateOf::Addon(addon.0), &begun).await);
    wrong.heard(aws.update_node_group(cell, &shop, "blue", Minor::new(34), &token("n")).await);
    wrong.heard(aws.update_version(cell, &shop, Minor::new(35), &token("c")).await);
    let back = aws.update_version(cell, &auto, Minor::new(33), &token("b")).await;
    let back = id(wrong.heard(back));
    wrong.heard(aws.cancel_update(cell, &auto, &back).await);
}

/// Reads the group of one's own, refreshes it, and calls that off.
async fn refresh(aws: &(impl SelfManagedGroups + InstanceRefreshes), cell: &Cell<'_>, wrong: &mut Wrong) {
    let groups = wrong.heard(aws.groups(cell, &named("shop")).await);
    let template = groups.and_then(|groups| match &groups.first()?.source {
        GroupSource::Template { id, .. } => Some(id.clone()),
        _ => None,
    });
    // Without the group, what it would have named is asked about by an id that nobody has.
    let id = template.unwrap_or_else(|| "lt-0123456789abcdef0".to_owned());
    wrong.heard(aws.template_versions(cell, &id).await);
    wrong.heard(aws.start_refresh(cell, "own", &TemplateRef { id, version: 2 }).await);
    wrong.heard(aws.refreshes(cell, "own").await);
    wrong.heard(aws.cancel_refresh(cell, "own").await);
}

async fn read(aws: &impl Clusters, cell: &Cell<'_>, wrong: &mut Wrong) {
    let shop = named("shop");
    wrong.0.extend(aws.clusters(cell).await.failure);
    wrong.heard(aws.cluster(cell, &shop).await);
    wrong.heard(aws.versions(cell).await);
    wrong.heard(aws.updates(cell, &shop).await);
    wrong.heard(aws.refresh_insights(cell, &shop).await);
    wrong.heard(aws.refresh(cell, &shop).await);
    let insights = wrong.heard(aws.insights(cell, &shop).await);
    let insight = insights.and_then(|all| Some(all.list.first()?.id.clone())).unwrap_or_default();
    wrong.heard(aws.deprecated_uses(cell, &shop, &insight).await);
    wrong.heard(aws.addons(cell, &shop).await);
    wrong.heard(aws.addon_offer(cell, "coredns", Minor::new(34)).await);
    wrong.heard(aws.addon_schema(cell, "coredns", "v1.12.4-eksbuild.1").await);
    wrong.heard(aws.node_groups(cell, &shop).await);
}

async fn look_below(aws: &(impl Clusters + Foundations), cell: &Cell<'_>, wrong: &mut Wrong) {
    // Without the description, what it would have named is asked about by names that nobody has.
    let described = aws.cluster(cell, &named("shop")).await.ok();
    let arn = |service: &str, rest: &str| format!("arn:aws:{service}:{}:{rest}", cell.zone.account);
    let role = described.as_ref().map_or_else(|| arn("iam:", "role/nobody"), |it| it.role.clone());
    let key = described.and_then(|it| it.key).unwrap_or_else(|| arn(&format!("kms:{REGION}"), "key/nobody"));
    wrong.heard(aws.subnets(cell, &["subnet-00000000000000000".to_owned()]).await);
    wrong.heard(aws.security_groups(cell, &["sg-00000000000000000".to_owned()]).await);
    wrong.heard(aws.cluster_role(cell, &role).await);
    wrong.heard(aws.encryption_key(cell, &key).await);
    wrong.heard(aws.instance_offers(cell, &["m6i.large".to_owned()]).await);
    wrong.heard(aws.network_interfaces(cell).await);
    wrong.heard(aws.vcpu_quotas(cell).await);
    wrong.heard(aws.volume_storage(cell).await);
    let image = "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/x86_64/standard/recommended/image_id";
    wrong.heard(aws.public_parameters(cell, &[image.to_owned()]).await);
    let [addons, node_groups] = ["coredns", "blue"].map(|name| vec![name.to_owned()]);
    let parts = UpgradedParts { addons: &addons, node_groups: &node_groups, scaling_groups: &[] };
    wrong.heard(aws.upgrade_rights(cell, &named("shop"), parts).await);
}

/// What a plan may say must hold beside a cluster.
async fn look_beside(aws: &impl Metrics, cell: &Cell<'_>, now: Timestamp, wrong: &mut Wrong) {
    wrong.0.extend(aws.alarms(cell, &["errors".into()]).await.failure);
    let errors = Query::of_cloudwatch("errors=Shop:errors Sum or 0 <= 5").expect("a metric");
    let Asks::Metric(errors) = errors.asks else { panic!("a metric of CloudWatch") };
    wrong.heard(aws.value(cell, &errors, window(now)).await);
}

/// Upgrades clusters and reads everything of them; everything that went wrong.
async fn clusters(missing: Option<&str>) -> (Vec<String>, BTreeSet<&'static str>, BTreeSet<String>) {
    let stage = world(WORLD, &[]).await;
    let zone = stage.fleet.zones[0].clone();
    let scan = scope(&stage.settings, &stage.fleet, &[Phase::Scan]);
    let mut scope = scope(&stage.settings, &stage.fleet, &[Phase::Scan]);
    scope.uses.extend([Use::Clusters, Use::ClusterUpgrades]);
    scope.clusters.insert("shop*".to_owned());
    let statements = of_zone(&scope);
    grant(&stage, &without(statements.clone(), missing));
    let cell = &Cell { zone: &zone, region: Region::new(REGION).expect("a region") };
    let mut wrong = Wrong::default();
    change(&stage.aws, cell, &mut wrong).await;
    refresh(&stage.aws, cell, &mut wrong).await;
    read(&stage.aws, cell, &mut wrong).await;
    look_below(&stage.aws, cell, &mut wrong).await;
    look_beside(&stage.aws, cell, stage.clock.now(), &mut wrong).await;
    let wrong = wrong.0.iter().map(ToString::to_string).collect();
    let of_scans = actions(&of_zone(&scan));
    (wrong, actions(&statements).difference(&of_scans).copied().collect(), used(&stage))
}

#[tokio::test(start_paused = true)]
async fn upgrades_of_clusters_need_what_the_policy_says_and_miss_what_it_does_not() {
    let (wrong, granted, used) = clusters(None).await;
    assert_eq!(wrong, [""; 0]);
    assert_eq!(granted.len(), 35, "{granted:?}");
    for action in granted {
        assert!(used.contains(action), "{action} is never used");
        let (wrong, ..) = clusters(Some(action)).await;
        assert!(wrong.iter().any(|said| said.contains(action)), "without {action}: {wrong:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_clusters_are_not_changed() {
    let stage = world(WORLD, &[]).await;
    let zone = stage.fleet.zones[0].clone();
    let mut scope = scope(&stage.settings, &stage.fleet, &[Phase::Scan]);
    scope.uses.extend([Use::Clusters, Use::ClusterUpgrades]);
    scope.clusters.insert("other".to_owned());
    grant(&stage, &of_zone(&scope));
    let cell = &Cell { zone: &zone, region: Region::new(REGION).expect("a region") };
    let mut wrong = Wrong::default();
    change(&stage.aws, cell, &mut wrong).await;
    let denied: BTreeSet<String> = wrong
        .0
        .into_iter()
        .filter(|it| it.class == fleetwright_model::ErrorClass::Denied)
        .map(|it| it.operation)
        .collect();
    let changes =
        ["eks:CancelUpdate", "eks:UpdateAddon", "eks:UpdateClusterVersion", "eks:UpdateNodegroupVersion"];
    assert_eq!(denied, changes.map(str::to_owned).into());
    // Asked before anything is tried, IAM says the same.
    let [addons, node_groups] = ["coredns", "blue"].map(|name| vec![name.to_owned()]);
    let parts = UpgradedParts { addons: &addons, node_groups: &node_groups, scaling_groups: &[] };
    let of = [named("shop"), named("other")];
    let rights = |name| stage.aws.upgrade_rights(cell, name, parts);
    let (shop, other) = (rights(&of[0]).await.expect("rights"), rights(&of[1]).await.expect("rights"));
    assert!(shop.iter().all(|right| !right.allowed), "{shop:?}");
    assert!(other.iter().all(|right| right.allowed), "{other:?}");
    let asked: BTreeSet<String> = other.into_iter().map(|right| right.action).collect();
    let asked: Vec<&str> =
        asked.iter().map(String::as_str).filter(|it| *it != "eks:StartInsightsRefresh").collect();
    assert_eq!(asked, changes);
}
