//! Every request as a span, and what it was answered as an event in it: whoever traces, measures or logs
//! listens to these.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tracing::Span;
use tracing::field::Empty;

use crate::governor::Outcome;
use crate::operation::Operation;
use crate::place::{Place, Scope};

/// The target of the event that says what a request was answered.
pub(crate) const ANSWER: &str = "fleetwright_aws::answer";

/// The span of one request: the `attempt`-th at its call, counted from 1.
pub(crate) fn call(operation: &Operation, place: &Place, attempt: u32) -> Span {
    let account = match &place.scope {
        Scope::Account(account) => account.as_str(),
        Scope::Caller(_) => "caller",
    };
    tracing::debug_span!(
        "call",
        action = operation.iam,
        service = ?operation.service,
        operation = operation.name,
        account,
        region = place.region.as_str(),
        attempt,
        outcome = Empty,
    )
}

/// Says in the span what came of it.
pub(crate) fn ended(span: &Span, outcome: Outcome, refused: bool) {
    let outcome = match outcome {
        Outcome::Throttled => "throttled",
        Outcome::Answered if refused => "refused",
        Outcome::Answered => "answered",
        Outcome::Unknown => "unanswered",
    };
    span.record("outcome", outcome);
}

/// Says what was answered, in the span of whoever waits for it. S3 and the older services name the id of a
/// request otherwise. Source: AWS General Reference, "Common request ids".
pub(crate) fn answered(answer: &HttpResponse) {
    let headers = answer.headers();
    let id = ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"]
        .iter()
        .find_map(|name| headers.get(*name))
        .unwrap_or_default();
    tracing::trace!(target: ANSWER, request_id = id, status = answer.status().as_u16(), "answered");
}
