//! Volumes of pods, and where the volumes behind their claims can be reached.

use std::collections::BTreeMap;

use fleetwright_kubernetes::node::{HOSTNAME_LABEL, ZONE_LABEL};
use fleetwright_kubernetes::pod::{Binding, Volume};
use serde_json::Value;

use super::value::{self, Fault, items, member, needed, text, texts};
use super::{Kind, Objects, Read};

/// Where each claim's volume can be reached, by namespace and name. A claim without a volume is not among them.
pub(super) type Claims = BTreeMap<(String, String), Binding>;

/// Reads claims and volumes.
pub(super) fn claims(objects: &Objects) -> Read<Claims> {
    let mut volumes: BTreeMap<&str, Binding> = BTreeMap::new();
    for volume in objects.list(Kind::Volumes)? {
        let read = needed(volume, "/metadata/name").and_then(|name| Ok((name, binding(volume)?)));
        let (name, binding) = value::of(volume, read)?;
        volumes.insert(name, binding);
    }
    let bound = |claim: &Value| {
        let namespace = needed(claim, "/metadata/namespace")?.to_owned();
        let name = needed(claim, "/metadata/name")?.to_owned();
        let volume = text(claim, "/spec/volumeName")?.and_then(|volume| volumes.get(volume));
        Ok(volume.map(|volume| ((namespace, name), volume.clone())))
    };
    let all = value::each(objects.list(Kind::Claims)?, bound)?;
    Ok(all.into_iter().flatten().collect())
}

/// Where a volume can be reached.
///
/// Source: kubernetes.io, "Persistent Volumes", node affinity; labels of zones by drivers: the standard one, the
/// deprecated `failure-domain.beta.kubernetes.io/zone`, and `topology.ebs.csi.aws.com/zone`.
fn binding(volume: &Value) -> Result<Binding, Fault> {
    if member(volume, "/spec/local").is_some() || member(volume, "/spec/hostPath").is_some() {
        return Ok(Binding::Node);
    }
    let mut zones = Vec::new();
    for term in items(volume, "/spec/nodeAffinity/required/nodeSelectorTerms")? {
        for expression in items(term, "/matchExpressions")? {
            match needed(expression, "/key")? {
                HOSTNAME_LABEL => return Ok(Binding::Node),
                key if key.ends_with("/zone") => zones.extend(texts(expression, "/values")?),
                key if key.ends_with("/region") => {}
                key => return Err(format!("it is bound to nodes by {key}, which is not known")),
            }
        }
    }
    // Volumes of the driver in the tree have labels, which join zones with two underscores.
    if let (true, Some(zone)) = (zones.is_empty(), volume["metadata"]["labels"][ZONE_LABEL].as_str()) {
        zones = zone.split("__").map(str::to_owned).collect();
    }
    zones.sort();
    zones.dedup();
    Ok(if zones.is_empty() { Binding::Anywhere } else { Binding::Zones(zones) })
}

/// The volumes of a pod that matter. `claims` is asked for only where the pod has some.
pub(super) fn volumes(pod: &Value, name: &str, claims: &Claims) -> Result<Vec<Volume>, Fault> {
    let mut found = Vec::new();
    let namespace = text(pod, "/metadata/namespace")?.unwrap_or_default();
    for volume in items(pod, "/spec/volumes")? {
        if let Some(path) = text(volume, "/hostPath/path")? {
            found.push(Volume::HostPath(path.to_owned()));
        } else if member(volume, "/emptyDir").is_some() {
            found.push(Volume::EmptyDir { memory: text(volume, "/emptyDir/medium")? == Some("Memory") });
        } else if member(volume, "/gitRepo").is_some() {
            found.push(Volume::GitRepo);
        } else if let Some(claim) = claim(volume, name)? {
            let bound_to = claims.get(&(namespace.to_owned(), claim.clone())).cloned();
            found.push(Volume::Claim { name: claim, bound_to: bound_to.unwrap_or(Binding::Anywhere) });
        }
    }
    Ok(found)
}

/// The claim of a volume: named, or made with the pod and named after both.
fn claim(volume: &Value, pod: &str) -> Result<Option<String>, Fault> {
    if let Some(claim) = text(volume, "/persistentVolumeClaim/claimName")? {
        return Ok(Some(claim.to_owned()));
    }
    match member(volume, "/ephemeral") {
        None => Ok(None),
        Some(_) => Ok(Some(format!("{pod}-{}", needed(volume, "/name")?))),
    }
}

/// Whether a pod has claims.
pub(super) fn has_claims(pod: &Value) -> bool {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    volumes.into_iter().any(|of| of["persistentVolumeClaim"].is_object() || of["ephemeral"].is_object())
}
