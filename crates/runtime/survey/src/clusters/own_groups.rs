//! Auto Scaling groups of one's own, and what their launch templates say.

use fleetwright_eks::facts::nodes::{
    GroupTemplate, KubeletFlag, LaunchSource, Launched, NewNodes, SelfManagedGroup, TemplateRef,
    TemplateVersion,
};
use fleetwright_eks::facts::{Fact, Unread, UnreadCause};
use fleetwright_eks::maker::{Maker, maker};
use fleetwright_kubernetes::{Minor, Node};
use fleetwright_model::{ErrorClass, Failure};
use fleetwright_ports::self_managed::{GroupDescription, GroupSource};
use futures::{StreamExt, join, stream};

use super::ground::{Ground, Wanted};
use super::{ClusterPorts, ClusterRequest, map, unread, why};

/// Groups looked up side by side; the governor of the adapter paces them.
const SIDE_BY_SIDE: usize = 8;

/// The groups of one's own.
pub(super) struct OwnGroups {
    pub(super) groups: Fact<Vec<SelfManagedGroup>>,
    pub(super) arns: Fact<Vec<String>>,
}

/// The groups that are tagged as the cluster's.
pub(super) async fn read(ports: ClusterPorts<'_>, request: ClusterRequest<'_>) -> OwnGroups {
    let described = match ports.groups.groups(request.cell, request.name).await {
        Ok(described) => described,
        Err(failure) => return OwnGroups { groups: unread(&failure), arns: unread(&failure) },
    };
    let arns = Fact::Known(described.iter().map(|group| group.arn.clone()).collect());
    let each = described.into_iter().map(|group| of_group(ports, request, group));
    OwnGroups { groups: Fact::Known(stream::iter(each).buffered(SIDE_BY_SIDE).collect().await), arns }
}

async fn of_group(
    ports: ClusterPorts<'_>,
    request: ClusterRequest<'_>,
    group: GroupDescription,
) -> SelfManagedGroup {
    let (source, refreshes) =
        join!(source(ports, request, group.source), ports.groups.refreshes(request.cell, &group.name),);
    let refreshing = match refreshes {
        Ok(refreshes) => Fact::Known(refreshes.iter().any(|it| it.status.is_active())),
        Err(failure) => Fact::NotRead(failed(&failure)),
    };
    SelfManagedGroup {
        name: group.name,
        desired: group.size.1,
        source,
        suspended: group.suspended,
        refreshing,
        instances: group.instances,
        new_nodes: NewNodes::not_read(group.subnet_ids, &left_alone()),
    }
}

/// Why nothing more is asked of a group.
fn left_alone() -> Unread {
    Unread { cause: UnreadCause::NotAsked, detail: "no instance of the group is replaced".to_owned() }
}

async fn source(ports: ClusterPorts<'_>, request: ClusterRequest<'_>, of: GroupSource) -> LaunchSource {
    match of {
        GroupSource::Configuration => LaunchSource::Configuration,
        GroupSource::Unclear => LaunchSource::SeveralTemplates,
        GroupSource::Template { id, version, mixed } => {
            let versions = template(ports, request, &id).await;
            LaunchSource::Template(GroupTemplate { id, selected: version, mixed, versions })
        }
    }
}

/// The versions of a launch template.
pub(super) async fn template(
    ports: ClusterPorts<'_>,
    request: ClusterRequest<'_>,
    id: &str,
) -> Fact<Vec<TemplateVersion>> {
    match ports.groups.template_versions(request.cell, id).await {
        Ok(versions) => Fact::Known(versions),
        Err(failure) => Fact::NotRead(failed(&failure)),
    }
}

/// Why something is not known of what must be there: that it is gone is no answer either.
fn failed(failure: &Failure) -> Unread {
    let unread = why(failure);
    match failure.class {
        ErrorClass::NotFound => Unread { cause: UnreadCause::Failed, ..unread },
        _ => unread,
    }
}

/// What is known of the groups, or nothing where all nodes come from somewhere else and nobody needs to know.
pub(super) fn where_it_matters<T>(of: Fact<Vec<T>>, nodes: &Fact<Vec<Node>>) -> Fact<Vec<T>> {
    let elsewhere = |nodes: &Vec<Node>| nodes.iter().all(|node| maker(node) != Maker::Other);
    match (&of, nodes) {
        (Fact::NotRead(_), Fact::Known(nodes)) if elsewhere(nodes) => Fact::Known(Vec::new()),
        _ => of,
    }
}

/// The groups, which learn from nodes what their images do not tell.
pub(super) fn with_nodes(
    mut groups: Fact<Vec<SelfManagedGroup>>,
    nodes: &Fact<Vec<Node>>,
) -> Fact<Vec<SelfManagedGroup>> {
    if let (Fact::Known(groups), Fact::Known(nodes)) = (&mut groups, nodes) {
        groups.iter_mut().for_each(|group| group.learn_from(nodes));
    }
    groups
}

/// What new nodes of the groups take that are refreshed, and the ground that they come to stand on.
pub(super) async fn with_ground(
    ports: ClusterPorts<'_>,
    request: ClusterRequest<'_>,
    groups: &mut Fact<Vec<SelfManagedGroup>>,
) -> Ground {
    let last = request.route.last().map(|hop| hop.to);
    let Fact::Known(groups) = groups else {
        return Ground::read(ports, request.cell, Wanted::default()).await;
    };
    let mut wanted = Wanted::default();
    let mut refreshed: Vec<(&mut SelfManagedGroup, Result<Launched, Unread>)> = Vec::new();
    for group in groups.iter_mut().filter(|group| !group.instances.is_empty()) {
        let Some(launched) = group.launched(last).transpose() else { continue };
        wanted.add(&group.new_nodes.subnet_ids, launched.as_ref());
        refreshed.push((group, launched));
    }
    let ground = Ground::read(ports, request.cell, wanted).await;
    for (group, launched) in refreshed {
        let subnet_ids = std::mem::take(&mut group.new_nodes.subnet_ids);
        group.new_nodes = ground.new_nodes(subnet_ids, launched.as_ref());
    }
    ground
}

/// The flags that user data of the groups gives the kubelet of the version to come: by the version of the template for
/// it, or where there is none by that which whoever makes one begins with.
pub(super) fn kubelet_flags(
    groups: &Fact<Vec<SelfManagedGroup>>,
    nodes: &Fact<Vec<Node>>,
    last: Option<Minor>,
) -> Fact<Vec<KubeletFlag>> {
    let groups = match where_it_matters(map(groups, Clone::clone), nodes) {
        Fact::Known(groups) => groups,
        Fact::NotRead(why) => return Fact::NotRead(why),
    };
    if let Some(nobodys) = nobodys(&groups, nodes) {
        return Fact::NotRead(nobodys);
    }
    let mut flags = Vec::new();
    for group in &groups {
        let Some(template) = group.template() else { continue };
        let versions = match &template.versions {
            Fact::Known(versions) => versions,
            Fact::NotRead(why) => return Fact::NotRead(why.clone()),
        };
        let Some(number) = group.version_to_come(last) else { continue };
        let by = TemplateRef { id: template.id.clone(), version: number };
        match of_version(versions, &by) {
            Ok(found) => flags.extend(found),
            Err(why) => return Fact::NotRead(why),
        }
    }
    Fact::Known(flags)
}

/// The flags that a version of a template gives the kubelet.
pub(super) fn of_version(versions: &[TemplateVersion], by: &TemplateRef) -> Result<Vec<KubeletFlag>, Unread> {
    let incomplete = |what: &str| Unread { cause: UnreadCause::Incomplete, detail: format!("{by}: {what}") };
    let version = versions.iter().find(|it| it.number == by.version);
    let version = version.ok_or_else(|| incomplete("there is no such version"))?;
    let flags = version.kubelet_flags.as_ref().ok_or_else(|| incomplete("its user data cannot be read"))?;
    Ok(flags.iter().map(|flag| KubeletFlag { flag: flag.clone(), by: by.to_string() }).collect())
}

/// That nodes come from groups that are not known, whose user data nobody read.
fn nobodys(groups: &[SelfManagedGroup], nodes: &Fact<Vec<Node>>) -> Option<Unread> {
    let is_nobodys =
        |node: &&Node| maker(node) == Maker::Other && !groups.iter().any(|group| group.has(node));
    let nodes = match nodes {
        Fact::Known(nodes) => nodes,
        Fact::NotRead(why) => return Some(why.clone()),
    };
    let names: Vec<&str> = nodes.iter().filter(is_nobodys).map(|node| node.metadata.name.as_str()).collect();
    let some = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    let detail = format!(
        "{} nodes, such as {some}, come from no Auto Scaling group that is tagged as the cluster's: their user data \
         is not read",
        names.len()
    );
    (!names.is_empty()).then_some(Unread { cause: UnreadCause::Incomplete, detail })
}
