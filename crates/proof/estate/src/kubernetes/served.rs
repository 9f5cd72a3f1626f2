//! One request after authorization: to whom it goes.

use super::access::Person;
use super::answer::{Answer, Status};
use super::asked::Asked;
use super::scale::SCALED;
use super::{discovery, metrics, openapi, pod_requests, reading, review, scale, watch, writing};
use crate::world::eks::{Cluster, Ground};

/// Answers a request.
///
/// # Errors
/// What the API server answers where it cannot be done.
pub(super) fn serve(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    caller: Option<&Person>,
    asked: &Asked,
) -> Result<Answer, Status> {
    let Some(target) = &asked.target else {
        return match asked.path.as_str() {
            path if path.starts_with("/livez")
                || path.starts_with("/readyz")
                || path.starts_with("/healthz") =>
            {
                Ok(Answer::text("ok"))
            }
            "/version" => Ok(Answer::document(&metrics::version(cluster))),
            "/metrics" => Ok(Answer::text(metrics::text(cluster))),
            path if path.starts_with("/openapi/") => openapi::answer(cluster, asked).ok_or_else(no_page),
            _ => discovery::answer(cluster, asked).unwrap_or_else(|| Err(no_page())),
        };
    };
    let served = discovery::of(cluster, target)?;
    let mut answer = match (asked.verb(), target.subresource.as_str()) {
        ("create", "") if served.plural.ends_with("reviews") => review::answer(cluster, caller, asked)?,
        ("create", "eviction") if target.plural == "pods" => {
            pod_requests::evict(cluster, ground, asked, target)?
        }
        ("get", "scale") if SCALED.contains(&target.resource().as_str()) => scale::get(cluster, target)?,
        ("update" | "patch", "scale") if SCALED.contains(&target.resource().as_str()) => {
            scale::change(cluster, ground, asked, target)?
        }
        ("watch", "") => watch::answer(cluster, asked, &served, ground.now)?,
        ("list", "") => reading::list(cluster, asked, &served, ground.now)?,
        ("get", "" | "status") => reading::get(cluster, asked, &served, ground.now)?,
        ("create", "") => writing::create(cluster, ground, asked, &served)?,
        ("update", "" | "status") => writing::update(cluster, ground, asked, &served)?,
        ("patch", "" | "status") => writing::patch(cluster, ground, asked, &served)?,
        ("delete", "") => writing::delete(cluster, ground, asked, &served)?,
        _ => {
            let message = "the server does not allow this method on the requested resource";
            return Err(Status::new(405, "MethodNotAllowed", message));
        }
    };
    if let Some((since, gone, instead)) = &served.deprecated {
        let name = if served.group.is_empty() { "v1".to_owned() } else { target.api_version() };
        let gone_text = gone.map(|it| format!(", unavailable in v{it}+")).unwrap_or_default();
        answer
            .warnings
            .push(format!("{name} {} is deprecated in v{since}+{gone_text}; use {instead}", served.kind));
        let gone = gone.map(|it| it.to_string()).unwrap_or_default();
        let call = (served.group.clone(), served.version.clone(), served.plural.clone(), gone);
        cluster.deprecated_calls.insert(call);
    }
    Ok(answer)
}

fn no_page() -> Status {
    Status::new(404, "NotFound", "the server could not find the requested resource")
}
