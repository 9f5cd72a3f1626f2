//! Evicting pods, as budgets and webhooks allow it.

use serde_json::json;

use super::answer::{Answer, Status};
use super::asked::{Asked, Target};
use super::reading::key;
use super::writing::admitted;
use crate::world::eks::{Cluster, Ground, running};
use crate::world::kube::PODS;
use crate::world::kube::admission::Operation;
use crate::world::kube::budgets::Refused;

/// Seconds that a pod is given to stop; none where the request leaves it to the pod.
pub(super) fn grace(asked: &Asked) -> Option<i64> {
    let in_body = [&asked.body["gracePeriodSeconds"], &asked.body["deleteOptions"]["gracePeriodSeconds"]];
    let in_query = asked.query.get("gracePeriodSeconds").and_then(|it| it.parse().ok());
    in_query.or_else(|| in_body.into_iter().find_map(serde_json::Value::as_i64))
}

/// Evicts a pod (Kubernetes documentation, "API-initiated Eviction").
pub(super) fn evict(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    asked: &Asked,
    target: &Target,
) -> Result<Answer, Status> {
    let key = key(target);
    let pod = cluster.kube.get(PODS, &key.0, &key.1);
    let pod = pod.ok_or_else(|| Status::missing("pods", &key.1))?;
    let uid = &asked.body["deleteOptions"]["preconditions"]["uid"];
    let other = !uid.is_null() && *uid != pod["metadata"]["uid"];
    cluster.kube.may_evict(&key, pod).map_err(refused)?;
    if other {
        let message = format!(
            "Operation cannot be fulfilled on Pod \"{}\": the UID in the precondition differs",
            key.1
        );
        return Err(Status::new(409, "Conflict", message));
    }
    admitted(cluster, target, Operation::Create)?;
    if !asked.is_dry() {
        running::delete_pod(cluster, ground, &key, grace(asked));
    }
    let document =
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
    Ok(Answer::created(&document))
}

fn refused(refused: Refused) -> Status {
    match refused {
        Refused::Budget { name, standing } => {
            let message = format!(
                "The disruption budget {name} needs {} healthy pods and has {} currently",
                standing.desired, standing.healthy
            );
            let details = json!({ "causes": [{ "reason": "DisruptionBudget", "message": message }] });
            let message = "Cannot evict pod as it would violate the pod's disruption budget.";
            Status { details, ..Status::new(429, "TooManyRequests", message) }
        }
        Refused::Several(_) => Status::new(
            500,
            "InternalError",
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
        ),
        Refused::Webhook(message) => Status::new(403, "Forbidden", message),
    }
}
