//! The Kubernetes API of each cluster, good enough for kubectl and the official clients.
//!
//! A request is for a cluster where its path begins with [`PREFIX`] and the cluster's id, or its host is the one that
//! EKS shows. Who asks is told by EKS's token; what they may do, by access entries and RBAC. Rules: Kubernetes
//! documentation, "Kubernetes API Concepts".

mod access;
mod answer;
mod asked;
mod discovery;
mod metrics;
mod names;
mod openapi;
mod patch;
mod pod_requests;
mod reading;
mod review;
mod rules;
mod scale;
mod selector;
mod served;
mod table;
mod watch;
mod writing;

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::request::Parts;

use crate::call::Service;
use crate::calls::{CallFacts, CallKind, CallRecord, FaultShare, Outcome};
use crate::estate::{Estate, Inside, Lost};
use crate::fault::{Effect, Page, Subject};
use crate::world::eks;
use answer::{Answer, Status};
use asked::Asked;
pub(crate) use watch::Watch;

/// What the paths of clusters' APIs begin with.
pub const PREFIX: &str = "/_clusters/";

/// How long a watch waits for something to happen.
const PATIENCE: Duration = Duration::from_secs(1);

/// The id of the cluster that a request is for; none where it is not for a cluster's API.
pub(crate) fn cluster_id(parts: &Parts) -> Option<&str> {
    if let Some(rest) = parts.uri.path().strip_prefix(PREFIX) {
        return rest.split('/').next();
    }
    let host = parts.headers.get(http::header::HOST).and_then(|value| value.to_str().ok());
    let host = host.or_else(|| parts.uri.host())?;
    let name = host.split(':').next()?.strip_suffix(".eks.amazonaws.com")?;
    let mut labels = name.split('.');
    labels.next().filter(|_| labels.next() == Some("gr7"))
}

/// Where a cluster is.
struct Found {
    account: String,
    region: String,
    name: String,
}

fn find(inside: &Inside, id: &str) -> Option<Found> {
    let accounts = inside.world.accounts.iter();
    let regions =
        accounts.flat_map(|(account, it)| it.regions.iter().map(move |(code, it)| (account, code, it)));
    let clusters = regions.flat_map(|(account, code, it)| {
        it.clusters.by_name.iter().map(move |(name, cluster)| (account, code, name, cluster))
    });
    clusters
        .filter(|it| it.3.id == id)
        .map(|(account, region, name, _)| Found {
            account: account.clone(),
            region: region.clone(),
            name: name.clone(),
        })
        .next()
}

/// How a request went.
struct Answered {
    answer: Answer,
    delay: Option<Duration>,
    lost: bool,
}

/// Answers one request.
///
/// # Errors
/// [`Lost`] where a fault swallows the answer.
pub(crate) async fn call(estate: &Estate, parts: &Parts, body: &Bytes) -> Result<Response<Bytes>, Lost> {
    let id = cluster_id(parts).unwrap_or_default();
    let asked = match Asked::read(parts, body, id) {
        Ok(asked) => asked,
        Err(status) => return Ok(answer::response(Answer::from(status))),
    };
    let mut answered = answer(estate, parts, &asked, id);
    if let Some(delay) = answered.delay {
        estate.clock.wait(delay).await;
    }
    if answered.answer.waits {
        estate.clock.wait(PATIENCE).await;
        answered = answer(estate, parts, &asked, id);
    }
    if answered.lost { Err(Lost) } else { Ok(answer::response(answered.answer)) }
}

/// Whether a request is for a watch of a cluster's objects.
pub(crate) fn is_watch(parts: &Parts) -> bool {
    let parameters = parts.uri.query().unwrap_or_default().split('&');
    let watches = parameters.into_iter().any(|it| matches!(it, "watch=true" | "watch=1"));
    watches && cluster_id(parts).is_some()
}

/// Answers a request for a watch over a connection that stays open: the first events, and the watch itself where it goes on.
///
/// # Errors
/// [`Lost`] where a fault swallows the answer.
pub(crate) async fn watch(
    estate: &Estate,
    parts: &Parts,
    body: &Bytes,
) -> Result<(Response<Bytes>, Option<Watch>), Lost> {
    let id = cluster_id(parts).unwrap_or_default();
    let asked = match Asked::read(parts, body, id) {
        Ok(asked) => Asked { stays: true, ..asked },
        Err(status) => return Ok((answer::response(Answer::from(status)), None)),
    };
    let answered = answer(estate, parts, &asked, id);
    if let Some(delay) = answered.delay {
        estate.clock.wait(delay).await;
    }
    if answered.lost {
        return Err(Lost);
    }
    let watch = Watch::after(&answered.answer, id, asked, estate.now());
    Ok((answer::response(answered.answer), watch))
}

fn answer(estate: &Estate, parts: &Parts, asked: &Asked, id: &str) -> Answered {
    let mut guard = estate.lock();
    let inside = &mut *guard;
    let now = estate.now();
    let Some(found) = find(inside, id) else {
        let status = Status::new(404, "NotFound", "there is no such cluster");
        return Answered { answer: status.into(), delay: None, lost: false };
    };
    let mut answered = Answered { answer: Answer::default(), delay: None, lost: false };
    let action = asked.action();
    let mut facts = CallFacts::default();
    if asked.changes() {
        facts.kind = CallKind::Mutation;
    }
    let mut principal = String::new();
    let result = (|| {
        let caller = access::caller(inside, estate, parts, &found.name, asked.is_open())?;
        principal = caller.as_ref().map(|it| it.principal.arn()).unwrap_or_default();
        suffer(inside, &found, (&action, asked), now, &mut answered)
            .inspect_err(|_| facts.fault = FaultShare::Struck)?;
        inside.world.advance(&found.account, &found.region, now);
        let place = inside.world.place(&found.account, &found.region);
        let mut place = place.ok_or_else(|| Status::new(404, "NotFound", "there is no such region"))?;
        let done = eks::with(&mut place, &found.name, now, |cluster, _, ground| {
            let person = access::allow(cluster, caller.as_ref(), asked)?;
            served::serve(cluster, ground, person.as_ref(), asked)
        });
        done.unwrap_or_else(|| Err(Status::new(404, "NotFound", "there is no such cluster")))
    })();
    facts.outcome = outcome(result.as_ref().err());
    let error = result.as_ref().err().map(|it| it.reason.clone().into_boxed_str());
    answered.answer = result.unwrap_or_else(Answer::from);
    // A watch that waits is told of when it has waited, unless it stays.
    if !answered.answer.waits || asked.stays {
        inside.log.push(CallRecord {
            at: now,
            account: found.account.as_str().into(),
            region: found.region.as_str().into(),
            service: Service::Eks,
            action: action.into(),
            request: described(&found, asked, &answered.answer).into(),
            ok: error.is_none(),
            error,
            request_id: String::new().into(),
            principal: principal.into(),
            facts,
        });
    }
    answered
}

/// A request for the call log, with the form in which it was answered and the bytes that this took.
fn described(found: &Found, asked: &Asked, answer: &Answer) -> String {
    let form = reading::Form::of(asked).name();
    let told = serde_json::json!({ "form": form, "bytes": answer.body.len() });
    serde_json::json!({ "cluster": found.name, "path": asked.path, "answer": told }).to_string()
}

fn outcome(error: Option<&Status>) -> Outcome {
    match error.map(|it| it.code) {
        None => Outcome::Done,
        Some(401) => Outcome::Unauthenticated,
        Some(403) => Outcome::Denied,
        Some(404 | 409 | 410 | 429) => Outcome::Refused,
        Some(500..) => Outcome::ServerError,
        Some(_) => Outcome::Illegal,
    }
}

/// Lets a fault strike: rules for the service `eks` and actions such as `kubernetes:list`.
fn suffer(
    inside: &mut Inside,
    found: &Found,
    (action, asked): (&str, &Asked),
    now: jiff::Timestamp,
    answered: &mut Answered,
) -> Result<(), Status> {
    let subject = Subject {
        account: &found.account,
        role_account: None,
        region: &found.region,
        service: Service::Eks,
        action,
        page: if asked.query.contains_key("continue") { Page::Later } else { Page::First },
    };
    match inside.faults.strike(&subject, now) {
        Some(Effect::Throttle) => {
            let message = "Too many requests, please try again later.";
            Err(Status { retry_seconds: Some(1), ..Status::new(429, "TooManyRequests", message) })
        }
        Some(Effect::ServerError { status }) => {
            Err(Status::new(status, "InternalError", "an error on the server has prevented the request"))
        }
        Some(Effect::Denied) => Err(Status::new(403, "Forbidden", "forbidden by a fault")),
        Some(Effect::ExpiredCredentials) => Err(Status::new(401, "Unauthorized", "Unauthorized")),
        Some(Effect::BadToken) => Err(Status::expired()),
        Some(Effect::Slow { delay }) => {
            answered.delay = Some(delay);
            Ok(())
        }
        Some(Effect::LostReply) => {
            answered.lost = true;
            Ok(())
        }
        _ => Ok(()),
    }
}
