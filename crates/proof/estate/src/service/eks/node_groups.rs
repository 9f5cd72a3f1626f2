//! Managed node groups: what they are, their version, and how many nodes they have.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    arn, cluster, flag, in_use, invalid, moment, not_found, only, paged, part, repeated, text, token,
    updates, with,
};
use crate::call::{ApiError, Call};
use crate::world::World;
use crate::world::eks::node_groups::roll::{self, Wish};
use crate::world::eks::node_groups::{AtOnce, NodeGroup, resize};
use crate::world::eks::update::{Subject, Work};
use crate::world::eks::version::Minor;
use crate::world::eks::{Cluster, What};

/// ListNodegroups.
pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let names = cluster(world, call)?.node_groups.keys().map(|name| name.as_str().into()).collect();
    paged(call, "nodegroups", names)
}

fn unknown(call: &Call) -> ApiError {
    not_found(call, format!("No node group found for name: {}.", part(call, "nodegroupName")))
}

/// DescribeNodegroup.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let name = part(call, "nodegroupName");
    let cluster = cluster(world, call)?;
    let group = cluster.node_groups.get(name).ok_or_else(|| unknown(call))?;
    Ok(json!({ "nodegroup": shown(cluster, call, name, group) }))
}

fn shown(cluster: &Cluster, call: &Call, name: &str, group: &NodeGroup) -> Value {
    let (least, wanted, most) = group.scaling;
    let issues = group.issues.iter();
    let issues: Vec<Value> = issues
        .map(|(code, message)| json!({ "code": code, "message": message, "resourceIds": [] }))
        .collect();
    let taints = group.taints.iter();
    let taints: Vec<Value> =
        taints.map(|(key, value, effect)| json!({ "key": key, "value": value, "effect": effect })).collect();
    let strategy = if group.minimal { "MINIMAL" } else { "DEFAULT" };
    let at_once = match group.at_once {
        AtOnce::Nodes(nodes) => json!({ "maxUnavailable": nodes, "updateStrategy": strategy }),
        AtOnce::Percent(percent) => {
            json!({ "maxUnavailablePercentage": percent, "updateStrategy": strategy })
        }
    };
    let mut document = json!({
        "nodegroupName": name,
        "nodegroupArn": arn(call, &format!("nodegroup/{}/{name}/{}", cluster.name, group.id)),
        "clusterName": cluster.name,
        "version": group.version.to_string(),
        "releaseVersion": group.release,
        "createdAt": moment(group.created),
        "modifiedAt": moment(group.modified),
        "status": group.status,
        "capacityType": group.capacity_type,
        "scalingConfig": { "minSize": least, "maxSize": most, "desiredSize": wanted },
        "instanceTypes": [group.instance_type],
        "subnets": group.subnets,
        "amiType": group.ami_type,
        "nodeRole": group.role,
        "diskSize": 20,
        "resources": { "autoScalingGroups": [{ "name": group.scaling_group }] },
        "health": { "issues": issues },
        "updateConfig": at_once,
        "tags": group.tags,
    });
    if let Some((id, version)) = &group.launch_template {
        document["launchTemplate"] =
            json!({ "id": id.to_string(), "name": format!("lt-{name}"), "version": version.to_string() });
    }
    if !group.labels.is_empty() {
        document["labels"] = json!(group.labels);
    }
    if !taints.is_empty() {
        document["taints"] = taints.into();
    }
    document
}

/// The group a request names, while nothing else changes it.
fn changeable<'c>(cluster: &'c Cluster, call: &Call) -> Result<&'c NodeGroup, ApiError> {
    let name = part(call, "nodegroupName");
    let group = cluster.node_groups.get(name).ok_or_else(|| unknown(call))?;
    match cluster.updating(&Subject::NodeGroup(name.to_owned())) {
        None => Ok(group),
        Some(update) => Err(in_use(
            call,
            format!("Nodegroup {name} has update {} in progress; wait for its end", update.id),
        )),
    }
}

/// The version and release that a request asks for.
fn target(cluster: &Cluster, group: &NodeGroup, call: &Call) -> Result<(Minor, String), ApiError> {
    let release = text(call, "releaseVersion")?;
    let of_release = release
        .map(|it| {
            Minor::of_release(it)
                .ok_or_else(|| invalid(call, format!("Requested release version {it} is not valid.")))
        })
        .transpose()?;
    let version = text(call, "version")?
        .map(|it| it.parse().map_err(|_| invalid(call, format!("Requested version {it} is not valid."))))
        .transpose()?;
    if let (Some(version), Some(of_release)) = (version, of_release)
        && version != of_release
    {
        return Err(invalid(
            call,
            format!("Requested release version is not valid for kubernetes version {version}."),
        ));
    }
    let to: Minor = version.or(of_release).unwrap_or(cluster.version);
    if to > cluster.version {
        return Err(invalid(
            call,
            format!(
                "Nodegroup Kubernetes version {to} must not be newer than the cluster's, {}",
                cluster.version
            ),
        ));
    }
    // Back only where the control plane may go back as well.
    let back = cluster.upgraded.is_some_and(|(before, _)| before == to);
    if to < group.version && !back {
        return Err(invalid(call, format!("Nodegroup cannot be rolled back from {} to {to}", group.version)));
    }
    if to != group.version && to != cluster.version && !back {
        return Err(invalid(
            call,
            format!(
                "Requested version {to} must be that of the cluster, {}, or of the node group",
                cluster.version
            ),
        ));
    }
    if group.ami_type.starts_with("AL2_") && to >= Minor(33) {
        return Err(invalid(
            call,
            format!("AMI type {} is not supported for kubernetes versions 1.33 and later", group.ami_type),
        ));
    }
    Ok((to, release.map_or_else(|| to.image_release(), str::to_owned)))
}

/// UpdateNodegroupVersion.
pub(super) fn update_version(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    only(call, &["version", "releaseVersion", "force", "clientRequestToken"])?;
    let (force, name) = (flag(call, "force")?, part(call, "nodegroupName").to_owned());
    with(world, call, |cluster, _, ground| {
        if let Some(update) = repeated(cluster, call)? {
            return Ok(update);
        }
        let group = changeable(cluster, call)?;
        let (to, release) = target(cluster, group, call)?;
        let wish = Wish { group: name, to, release, force };
        let id = roll::begin(cluster, ground, wish, token(call)?).ok_or_else(|| unknown(call))?;
        updates::begun(cluster, &id)
    })
}

/// UpdateNodegroupConfig: how many nodes, how many at once, labels.
pub(super) fn update_config(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    only(call, &["scalingConfig", "updateConfig", "labels", "clientRequestToken"])?;
    let name = part(call, "nodegroupName").to_owned();
    with(world, call, |cluster, _, ground| {
        if let Some(update) = repeated(cluster, call)? {
            return Ok(update);
        }
        let mut group = changeable(cluster, call)?.clone();
        let mut params = Vec::new();
        scale(&mut group, call, &mut params)?;
        at_once(&mut group, call, &mut params)?;
        label(&mut group, call, &mut params);
        if params.is_empty() {
            return Err(invalid(call, "At least one configuration has to be given"));
        }
        group.modified = ground.now;
        cluster.node_groups.insert(name.clone(), group);
        resize(cluster, ground, &name);
        let subject = Subject::NodeGroup(name);
        let id = cluster.begin(ground, subject, ("ConfigUpdate", params), token(call)?, Work::Configuration);
        ground.after(SignedDuration::from_secs(1), What::Update(id.clone()));
        updates::begun(cluster, &id)
    })
}

type Params = Vec<(&'static str, String)>;

fn scale(group: &mut NodeGroup, call: &Call, params: &mut Params) -> Result<(), ApiError> {
    let wish = &call.json()["scalingConfig"];
    if wish.is_null() {
        return Ok(());
    }
    let (mut least, mut wanted, mut most) = group.scaling;
    for (name, shown, place) in [
        ("minSize", "MinSize", &mut least),
        ("desiredSize", "DesiredSize", &mut wanted),
        ("maxSize", "MaxSize", &mut most),
    ] {
        if let Some(size) = wish[name].as_u64() {
            *place = size as usize;
            params.push((shown, size.to_string()));
        }
    }
    if least > most || most == 0 {
        return Err(invalid(
            call,
            format!("Minimum capacity {least} can't be greater than maximum size {most}"),
        ));
    }
    if !(least..=most).contains(&wanted) {
        return Err(invalid(call, format!("desired capacity {wanted} must be between {least} and {most}")));
    }
    group.scaling = (least, wanted, most);
    Ok(())
}

fn at_once(group: &mut NodeGroup, call: &Call, params: &mut Params) -> Result<(), ApiError> {
    let wish = &call.json()["updateConfig"];
    let number = |name: &str| wish[name].as_u64().map(|it| it as usize);
    match (number("maxUnavailable"), number("maxUnavailablePercentage")) {
        (Some(nodes @ 1..=100), None) => {
            group.at_once = AtOnce::Nodes(nodes);
            params.push(("MaxUnavailable", nodes.to_string()));
        }
        (None, Some(percent @ 1..=100)) => {
            group.at_once = AtOnce::Percent(percent);
            params.push(("MaxUnavailablePercentage", percent.to_string()));
        }
        (None, None) => {}
        _ => {
            return Err(invalid(
                call,
                "one of maxUnavailable and maxUnavailablePercentage must be from 1 to 100",
            ));
        }
    }
    match wish["updateStrategy"].as_str() {
        None => {}
        Some(strategy @ ("DEFAULT" | "MINIMAL")) => {
            group.minimal = strategy == "MINIMAL";
            params.push(("UpdateStrategy", strategy.to_owned()));
        }
        Some(odd) => return Err(invalid(call, format!("unknown updateStrategy {odd}"))),
    }
    Ok(())
}

/// Labels of the group; nodes that are there keep theirs until they are replaced.
fn label(group: &mut NodeGroup, call: &Call, params: &mut Params) {
    let wish = &call.json()["labels"];
    for (key, value) in wish["addOrUpdateLabels"].as_object().into_iter().flatten() {
        group.labels.insert(key.clone(), value.as_str().unwrap_or_default().to_owned());
        params.push(("LabelsToAdd", json!({ key: value }).to_string()));
    }
    for key in wish["removeLabels"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        group.labels.remove(key);
        params.push(("LabelsToRemove", key.to_owned()));
    }
}
