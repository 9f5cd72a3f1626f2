//! Pods.

use fleetwright_kubernetes::pod::Phase;
use fleetwright_kubernetes::quantity::pod_requests;
use fleetwright_kubernetes::{Labels, Pod, Resources};
use serde_json::Value;

use super::value::{self, Fault, items, labels, metadata, needed, parsed, text};
use super::volumes::{self, Claims};
use super::{Kind, Objects, Read, placement};

/// Every pod.
pub(super) fn read(objects: &Objects) -> Read<Vec<Pod>> {
    let pods = objects.list(Kind::Pods)?;
    let claims = match pods.iter().any(volumes::has_claims) {
        true => volumes::claims(objects)?,
        false => Claims::new(),
    };
    value::each(pods, |of| pod(of, &claims))
}

fn pod(of: &Value, claims: &Claims) -> Result<Pod, Fault> {
    let metadata = metadata(of)?;
    let phase: Phase = parsed(of, "/status/phase")?.ok_or("status.phase is missing")?;
    let containers = items(of, "/spec/containers")?;
    if containers.is_empty() {
        return Err("spec.containers is missing".to_owned());
    }
    let all = || containers.iter().chain(of["spec"]["initContainers"].as_array().into_iter().flatten());
    let images = all().map(|container| needed(container, "/image").map(str::to_owned));
    let ends = text(of, "/spec/restartPolicy")?.is_some_and(|policy| policy != "Always");
    Ok(Pod {
        node: text(of, "/spec/nodeName")?.filter(|name| !name.is_empty()).map(str::to_owned),
        phase,
        ready: condition(of, "Ready") == Some(true),
        crash_looping: crash_loops(of),
        requests: requests(of)?,
        node_selector: labels(of, "/spec/nodeSelector")?,
        node_affinity: placement::node_affinity(of)?,
        pod_affinity: placement::pod_affinity(of, "podAffinity")?,
        pod_anti_affinity: placement::pod_affinity(of, "podAntiAffinity")?,
        topology_spread: placement::topology_spread(of, &metadata.labels)?,
        tolerations: placement::tolerations(of)?,
        grace_seconds: parsed(of, "/spec/terminationGracePeriodSeconds")?.unwrap_or(30),
        volumes: volumes::volumes(of, &metadata.name, claims)?,
        images: images.collect::<Result<_, _>>()?,
        readiness_probe: ends || containers.iter().any(|container| container["readinessProbe"].is_object()),
        metadata,
    })
}

/// Whether a condition holds; `None` where it is not told.
pub(super) fn condition(object: &Value, kind: &str) -> Option<bool> {
    let mut conditions = object["status"]["conditions"].as_array()?.iter();
    conditions.find(|of| of["type"] == kind).map(|of| of["status"] == "True")
}

fn crash_loops(pod: &Value) -> bool {
    let statuses = ["containerStatuses", "initContainerStatuses"];
    let statuses = statuses.iter().flat_map(|kind| pod["status"][*kind].as_array().into_iter().flatten());
    statuses.into_iter().any(|of| of["state"]["waiting"]["reason"] == "CrashLoopBackOff")
}

/// What a pod asks of its node. What it asks for as a whole counts before what its containers do.
///
/// Source: kubernetes.io, "Assign Pod-level CPU and memory resources".
fn requests(pod: &Value) -> Result<Resources, Fault> {
    let of = |container: &Value| {
        parsed::<Resources>(container, "/resources/requests").map(Option::unwrap_or_default)
    };
    let containers: Vec<Resources> =
        items(pod, "/spec/containers")?.iter().map(of).collect::<Result<_, _>>()?;
    let (mut init, mut sidecars) = (Vec::new(), Vec::new());
    for container in items(pod, "/spec/initContainers")? {
        let stays = text(container, "/restartPolicy")? == Some("Always");
        if stays { sidecars.push(of(container)?) } else { init.push(of(container)?) }
    }
    let overhead: Resources = parsed(pod, "/spec/overhead")?.unwrap_or_default();
    let mut requests = pod_requests(&containers, &init, &sidecars, &overhead);
    let whole: Resources = parsed(pod, "/spec/resources/requests")?.unwrap_or_default();
    for (name, amount) in whole {
        let more = overhead.get(&name).copied().unwrap_or_default();
        requests.insert(name, amount.plus(more));
    }
    Ok(requests)
}

/// Labels of the pods that a controller makes.
pub(super) fn template_labels(controller: &Value) -> Result<Labels, Fault> {
    labels(controller, "/spec/template/metadata/labels")
}
