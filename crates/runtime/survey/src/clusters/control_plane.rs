//! The control plane and what it stands on.

use std::time::Duration;

use fleetwright_eks::facts::control_plane::{
    Cluster, ControlPlaneFacts, Insight, InsightCategory, InsightStatus, Insights,
};
use fleetwright_eks::facts::{Caller, Fact, UnreadCause};
use fleetwright_eks::{owner, read};
use fleetwright_model::Failure;
use fleetwright_ports::clusters::{ClusterDescription, Refresh, Update, UpdateStatus};
use futures::join;

use super::{ClusterPorts, ClusterRequest, fact, map, unread};

/// Between two looks at whether EKS has looked again.
const LOOK: Duration = Duration::from_secs(10);

/// Everything that AWS says of a control plane; what its own API says is not asked here.
pub(super) async fn read(
    ports: ClusterPorts<'_>,
    request: ClusterRequest<'_>,
    description: &ClusterDescription,
) -> ControlPlaneFacts {
    let (cell, name) = (request.cell, request.name);
    let (eks, ground) = (ports.clusters, ports.foundations);
    let cluster: &Cluster = &description.cluster;
    let (offers, updates, insights, subnets, groups, role, key, interfaces) = join!(
        eks.versions(cell),
        eks.updates(cell, name),
        insights(ports, request),
        ground.subnets(cell, &cluster.subnet_ids),
        ground.security_groups(cell, &cluster.security_group_ids),
        ground.cluster_role(cell, &description.role),
        key(ports, request, description),
        ground.network_interfaces(cell),
    );
    let updates = fact(updates);
    let insights = fact(insights);
    ControlPlaneFacts {
        cluster: Fact::Known(cluster.clone()),
        offers: fact(offers),
        updates_in_progress: map(&updates, |all| in_progress(all)),
        upgraded_at: map(&updates, |all| upgraded_at(all)),
        rollback_blockers: map(&insights, rollback_blockers),
        endpoint: Fact::unread(UnreadCause::NotAsked, "the cluster's own API was not asked"),
        rights: Fact::unread(UnreadCause::NotAsked, "IAM was not asked"),
        cluster_rights: Fact::unread(UnreadCause::NotAsked, "the cluster's own API was not asked"),
        subnets: fact(subnets),
        security_groups: fact(groups),
        role: fact(role),
        key,
        network_interfaces: fact(interfaces),
        insights,
        managed_by: Fact::Known(owner::managers(&description.tags)),
        freeze: request.freeze.clone(),
        backup: Fact::unread(UnreadCause::NotAsked, "the cluster's own API was not asked"),
    }
}

/// Who called deprecated APIs, as the insights say that found any.
pub(super) async fn clients(
    ports: ClusterPorts<'_>,
    request: ClusterRequest<'_>,
    insights: &Fact<Insights>,
) -> Fact<Vec<Caller>> {
    let insights = match insights {
        Fact::Known(_) if request.route.is_empty() => {
            return Fact::unread(UnreadCause::NotAsked, "no upgrade was asked about");
        }
        Fact::Known(insights) => insights,
        Fact::NotRead(why) => return Fact::NotRead(why.clone()),
    };
    let found = |it: &&Insight| {
        it.category == InsightCategory::UpgradeReadiness && it.status != InsightStatus::Passing
    };
    let mut uses = Vec::new();
    for insight in insights.list.iter().filter(found) {
        match ports.clusters.deprecated_uses(request.cell, request.name, &insight.id).await {
            Ok(found) => uses.extend(found),
            Err(failure) => return unread(&failure),
        }
    }
    read::clients(&uses)
}

async fn key(
    ports: ClusterPorts<'_>,
    request: ClusterRequest<'_>,
    description: &ClusterDescription,
) -> Fact<Option<fleetwright_eks::facts::control_plane::EncryptionKey>> {
    let Some(arn) = &description.key else { return Fact::Known(None) };
    match ports.foundations.encryption_key(request.cell, arn).await {
        Ok(Some(key)) => Fact::Known(Some(key)),
        // A key that is gone encrypts nothing any more; it is no cluster without a key.
        Ok(None) => Fact::Known(Some(fleetwright_eks::facts::control_plane::EncryptionKey {
            id: arn.clone(),
            state: "NotFound".to_owned(),
        })),
        Err(failure) => unread(&failure),
    }
}

fn in_progress(updates: &[Update]) -> Vec<String> {
    let going = updates.iter().filter(|update| update.status == UpdateStatus::InProgress);
    going.map(|update| format!("{} {}", update.kind, update.id)).collect()
}

fn upgraded_at(updates: &[Update]) -> Option<jiff::Timestamp> {
    let raised =
        |update: &&Update| update.kind == "VersionUpdate" && update.status == UpdateStatus::Successful;
    updates.iter().filter(raised).map(|update| update.created_at).max()
}

fn rollback_blockers(insights: &Insights) -> Vec<String> {
    let blocks =
        |category, status| category == InsightCategory::RollbackReadiness && status == InsightStatus::Error;
    let blocking = insights.list.iter().filter(|insight| blocks(insight.category, insight.status));
    blocking.map(|insight| insight.name.clone()).collect()
}

/// The insights, after EKS has looked again where that was asked for. Where it does not come to an end in time, those
/// it has are read: their age says what they are worth.
async fn insights(ports: ClusterPorts<'_>, request: ClusterRequest<'_>) -> Result<Insights, Failure> {
    if let Some(patience) = request.refresh {
        let (cell, name) = (request.cell, request.name);
        ports.clusters.refresh_insights(cell, name).await?;
        let mut waited = Duration::ZERO;
        while waited < patience && ports.clusters.refresh(cell, name).await? == Refresh::InProgress {
            ports.clock.sleep(LOOK).await;
            waited += LOOK;
        }
    }
    ports.clusters.insights(request.cell, request.name).await
}
