//! Which spans and events are measured, and as what. The names are a contract with who makes them.

use crate::fields::Fields;
use crate::metrics::{
    AWS_CALL_SECONDS, AWS_CALLS, INSTANCES, INSTANCES_TOTAL, Metrics, STEP_SECONDS, STEPS, SUCCESS_RATIO,
    TURNS, WITH_ISSUES,
};

/// The span of one request to AWS, made by the AWS adapter: `action`, `region`, `outcome`.
pub(crate) const CALL: &str = "call";
/// The span of one turn of a lane, made by the engine: `step`, `direction`.
pub(crate) const TURN: &str = "turn";
/// The target of the event that says what AWS answered, inside a [`CALL`]: `request_id`, `status`.
pub(crate) const ANSWERS: &str = "fleetwright_aws::answer";
/// The target of events about a run's hosts: `step`, `direction`, `outcome` and `seconds` of a step;
/// `instances`, `with_issues` and single outcomes of the whole run.
pub(crate) const RUN: &str = "fleetwright::run";

pub(crate) fn span_ended(metrics: &Metrics, name: &str, fields: &Fields, seconds: f64) {
    let text = |field| fields.text(field).unwrap_or("unknown");
    match name {
        CALL => {
            metrics.add(&AWS_CALLS, &[text("action"), text("region"), text("outcome")], 1.0);
            metrics.observe(&AWS_CALL_SECONDS, &[text("action")], seconds);
        }
        TURN => metrics.add(&TURNS, &[text("step"), text("direction")], 1.0),
        _ => {}
    }
}

pub(crate) fn run_event(metrics: &Metrics, fields: &Fields) {
    if let (Some(step), Some(direction), Some(outcome)) =
        (fields.text("step"), fields.text("direction"), fields.text("outcome"))
    {
        metrics.add(&STEPS, &[step, direction, outcome], 1.0);
        if let Some(seconds) = fields.number("seconds") {
            metrics.observe(&STEP_SECONDS, &[step, direction], seconds);
        }
    }
    if let (Some(outcome), Some(count)) = (fields.text("instances_that"), fields.number("count")) {
        metrics.set(&INSTANCES, &[outcome], count);
    }
    if let (Some(total), Some(issues)) = (fields.number("instances"), fields.number("with_issues")) {
        metrics.set(&INSTANCES_TOTAL, &[], total);
        metrics.set(&WITH_ISSUES, &[], issues);
        metrics.set(&SUCCESS_RATIO, &[], if total > 0.0 { (total - issues) / total } else { 1.0 });
    }
}
