//! ListCommands.

use serde_json::{Value, json};

use super::command_filters::{Input, Question};
use super::document;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::world::World;
use crate::world::command::Command;

/// ListCommands: the commands sent, the newest first, with the counts of their invocations.
pub(super) struct ListCommands;

/// A command as SendCommand and ListCommands show it.
pub(super) fn shown(command: &Command) -> Value {
    let order = &command.order;
    let outcome = command.outcome();
    let tally = command.tally();
    let ids: Vec<String> = order.instance_ids.iter().map(ToString::to_string).collect();
    json!({
        "CommandId": command.id.to_string(),
        "DocumentName": order.document.name(),
        "DocumentVersion": order.version,
        "Comment": order.comment,
        "ExpiresAfter": document::seconds(command.expires_at()),
        "Parameters": order.parameters,
        "InstanceIds": ids,
        "Targets": order.targets,
        "RequestedDateTime": document::seconds(command.requested_at),
        "Status": outcome.status,
        "StatusDetails": outcome.details,
        "OutputS3BucketName": order.output_bucket,
        "OutputS3KeyPrefix": order.output_prefix,
        "MaxConcurrency": order.max_concurrency,
        "MaxErrors": order.max_errors,
        "TargetCount": command.invocations.len(),
        "CompletedCount": tally.completed,
        "ErrorCount": tally.errors,
        "DeliveryTimedOutCount": tally.delivery_timed_out,
        "ServiceRole": "",
        "NotificationConfig": { "NotificationArn": "", "NotificationEvents": [] },
        "CloudWatchOutputConfig": { "CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false },
        "TimeoutSeconds": order.timeout_seconds,
    })
}

impl Operation for ListCommands {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "ListCommands"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ssm:ListCommands")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let input: Input = document::read(call)?;
        let region = document::region(world, call)?;
        let question = Question::read(&input, region, call)?;
        let mut commands = Vec::new();
        let mut token = None;
        for (place, command) in question.candidates(region) {
            // A token names the place of the next command, counted from 1: 0 is the first page's.
            if question.start != 0 && place as u64 >= question.start {
                continue;
            }
            if question.instance.is_some_and(|id| command.invocation(id).is_none()) {
                continue;
            }
            let outcome = command.outcome();
            let ended = command.tally().completed == command.invocations.len();
            if !question.accepts(command, [outcome.status, outcome.details], ended) {
                continue;
            }
            if commands.len() == question.size {
                token = Some(page::token(call, place as u64 + 1));
                break;
            }
            commands.push(shown(command));
        }
        let mut answer = json!({ "Commands": commands });
        if let Some(token) = token {
            answer["NextToken"] = token.into();
        }
        document::write(&answer)
    }
}
