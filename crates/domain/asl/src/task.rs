//! Tasks: what they call, and how they wait for it.

use fleetwright_model::code;
use serde_json::Value;

use crate::fields::Query;
use crate::findings::Findings;
use crate::state::State;
use crate::values::{is_put_in, meant, shown};

/// Services that Step Functions calls by themselves (Developer Guide, "Integrating services"), and whether it
/// can wait for their jobs (`.sync`) or for an answer (`.waitForTaskToken`).
const OPTIMISED: [(&str, bool, bool); 22] = [
    ("apigateway", false, true),
    ("athena", true, false),
    ("batch", true, false),
    ("bedrock", true, true),
    ("codebuild", true, false),
    ("databrew", true, false),
    ("dynamodb", false, false),
    ("ecs", true, true),
    ("eks", true, true),
    ("elasticmapreduce", true, false),
    ("emr-containers", true, false),
    ("emr-serverless", true, false),
    ("events", false, true),
    ("glue", true, false),
    ("http", false, false),
    ("lambda", false, true),
    ("mediaconvert", true, false),
    ("sagemaker", true, false),
    ("sns", false, true),
    ("sqs", false, true),
    ("states", true, true),
    ("aws-sdk", false, true),
];

pub(crate) fn task(findings: &mut Findings, state: &State<'_, '_>) {
    let place = state.place.at("Resource");
    match state.get("Resource") {
        None => {}
        Some(Value::String(text)) if is_put_in(text) => waits(findings, state, text),
        Some(Value::String(text)) => match resource(text) {
            Ok(()) => waits(findings, state, text),
            Err(why) => findings.add(&code::STATE_RESOURCE, &place, why),
        },
        Some(other) => {
            let message = format!("expected an ARN, not {}", shown(other));
            findings.add(&code::STATE_RESOURCE, &place, message);
        }
    }
    let seconds = |name: &str| state.get(name).and_then(Value::as_u64);
    if let (Some(heartbeat), Some(end)) = (seconds("HeartbeatSeconds"), seconds("TimeoutSeconds"))
        && heartbeat >= end
    {
        let message = format!("`HeartbeatSeconds` is less than `TimeoutSeconds`, which is {end}");
        findings.add(&code::DEFINITION_VALUE, &state.place.at("HeartbeatSeconds"), message);
    }
}

/// A task that waits for its token has to hand it out.
fn waits(findings: &mut Findings, state: &State<'_, '_>, resource: &str) {
    let (payload, token) = match state.query {
        Query::JsonPath => ("Parameters", "$$.Task.Token"),
        Query::Jsonata => ("Arguments", "$states.context.Task.Token"),
    };
    let handed = state.get(payload).is_some_and(|payload| payload.to_string().contains(token));
    if resource.ends_with(".waitForTaskToken") && !handed {
        let message = format!("waits for its token, which is not in `{payload}` (`{token}`)");
        findings.add(&code::STATE_TOKEN, state.place, message);
    }
}

/// Whether a text is something a task can call; else what is wrong with it.
fn resource(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, rest] = parts[..] else {
        return Err(format!("expected an ARN such as arn:aws:states:::lambda:invoke, not `{text}`"));
    };
    if partition != "aws" && !partition.starts_with("aws-") {
        return Err(format!("there is no partition `{partition}`"));
    }
    match (service, region, account) {
        ("states", "", "") => integration(rest),
        ("states", _, _) if !region.is_empty() && rest.starts_with("activity:") => numbered(account),
        ("lambda", _, _) if !region.is_empty() && rest.starts_with("function:") => numbered(account),
        _ => Err(format!(
            "`{text}` is neither a function, nor an activity, nor an integration (arn:{partition}:states:::SERVICE:ACTION)"
        )),
    }
}

fn numbered(account: &str) -> Result<(), String> {
    let good = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    if good { Ok(()) } else { Err(format!("`{account}` is no account: 12 digits are expected")) }
}

fn integration(text: &str) -> Result<(), String> {
    let (service, action) = text.split_once(':').ok_or_else(|| format!("`{text}` names no action"))?;
    let Some((_, runs_jobs, answers)) = OPTIMISED.into_iter().find(|(name, ..)| *name == service) else {
        let meant = meant(service, OPTIMISED.into_iter().map(|(name, ..)| name));
        return Err(format!(
            "`{service}` is no service with an integration of its own, which others have as aws-sdk:{service}:ACTION{meant}"
        ));
    };
    let (action, pattern) = match action.split_once('.') {
        Some((action, pattern)) => (action, Some(pattern)),
        None => (action, None),
    };
    let action = if service == "aws-sdk" {
        action
            .split_once(':')
            .map(|(_, action)| action)
            .ok_or("an aws-sdk integration names service and action")?
    } else {
        action
    };
    if !action.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Err(format!("an action begins with a small letter, unlike `{action}`"));
    }
    match pattern {
        None => Ok(()),
        Some("sync") if runs_jobs => Ok(()),
        Some("sync:2") if service == "states" => Ok(()),
        Some("waitForTaskToken") if answers => Ok(()),
        Some(pattern) => Err(format!("`{service}` cannot be waited for with `.{pattern}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_task_can_call_is_known() {
        for good in [
            "arn:aws:states:::lambda:invoke",
            "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "arn:aws:states:::states:startExecution.sync:2",
            "arn:aws:states:::aws-sdk:ssm:sendCommand",
            "arn:aws-us-gov:states:::aws-sdk:sfn:sendTaskSuccess",
            "arn:aws:states:::ecs:runTask.sync",
            "arn:aws:lambda:eu-central-1:111122223333:function:fleetwright-turn:live",
            "arn:aws:states:eu-central-1:111122223333:activity:people",
        ] {
            assert_eq!(resource(good), Ok(()), "{good}");
        }
        for bad in [
            "lambda",
            "arn:aws:states:::lambda",
            "arn:aws:states:::lamda:invoke",
            "arn:aws:states:::lambda:Invoke",
            "arn:aws:states:::lambda:invoke.sync",
            "arn:aws:states:::ssm:sendCommand",
            "arn:aws:states:::aws-sdk:ssm",
            "arn:aws:states:::aws-sdk:ssm:SendCommand",
            "arn:aws:states:::sqs:sendMessage.waitForToken",
            "arn:azure:states:::lambda:invoke",
            "arn:aws:lambda:eu-central-1:1111:function:turn",
            "arn:aws:lambda::111122223333:function:turn",
            "arn:aws:s3:::bucket",
        ] {
            assert!(resource(bad).is_err(), "{bad}");
        }
    }
}
