//! ListCommandInvocations.

use serde_json::{Value, json};

use super::command_filters::{Input, Question};
use super::document;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::world::command::output::{self, Stream};
use crate::world::command::{Command, Invocation};
use crate::world::{Region, World};

/// ListCommandInvocations: what each node made of a command.
pub(super) struct ListCommandInvocations;

/// Characters of a plugin's output, at most.
const MAX_OUTPUT: usize = 2_500;
/// What stands between the two outputs in a plugin's.
const BETWEEN: &str = "\n----------ERROR-------\n";

fn shown(
    command: &Command,
    invocation: &Invocation,
    (region, code): (&Region, &str),
    details: bool,
) -> Value {
    let order = &command.order;
    let platform = region.instances.get(invocation.instance).map(|it| it.platform);
    let url = |stream| output::url(command, invocation.instance, platform, stream, code);
    let plugins = if details { vec![plugin(command, invocation, (region, code))] } else { Vec::new() };
    json!({
        "CommandId": command.id.to_string(),
        "InstanceId": invocation.instance.to_string(),
        "InstanceName": &*invocation.name,
        "Comment": order.comment,
        "DocumentName": order.document.name(),
        "DocumentVersion": order.version,
        "RequestedDateTime": document::seconds(command.requested_at),
        "Status": invocation.outcome.status(),
        "StatusDetails": invocation.outcome.details(),
        "StandardOutputUrl": url(Stream::Stdout),
        "StandardErrorUrl": url(Stream::Stderr),
        "CommandPlugins": plugins,
        "ServiceRole": "",
        "NotificationConfig": { "NotificationArn": "", "NotificationEvents": [] },
        "CloudWatchOutputConfig": { "CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false },
    })
}

fn plugin(command: &Command, invocation: &Invocation, (region, code): (&Region, &str)) -> Value {
    let order = &command.order;
    let platform = region.instances.get(invocation.instance).map(|it| it.platform);
    let name = platform.map_or(order.document.name(), |platform| order.document.plugin(platform));
    let url = |stream| output::url(command, invocation.instance, platform, stream, code);
    let text = match invocation.stderr.is_empty() {
        true => invocation.stdout.to_string(),
        false => format!("{}{BETWEEN}{}", invocation.stdout, invocation.stderr),
    };
    let mut plugin = json!({
        "Name": name,
        "Status": invocation.outcome.plugin_status(),
        "StatusDetails": invocation.outcome.details(),
        "ResponseCode": invocation.exit_code,
        "Output": document::cut(&text, MAX_OUTPUT, document::OUTPUT_CUT),
        "StandardOutputUrl": url(Stream::Stdout),
        "StandardErrorUrl": url(Stream::Stderr),
        "OutputS3Region": if order.output_bucket.is_empty() { "" } else { code },
        "OutputS3BucketName": order.output_bucket,
        "OutputS3KeyPrefix": order.output_prefix,
    });
    for (member, moment) in
        [("ResponseStartDateTime", invocation.started_at), ("ResponseFinishDateTime", invocation.ended_at)]
    {
        if let Some(moment) = moment {
            plugin[member] = document::seconds(moment).into();
        }
    }
    plugin
}

impl Operation for ListCommandInvocations {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "ListCommandInvocations"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ssm:ListCommandInvocations")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let input: Input = document::read(call)?;
        let region = document::region(world, call)?;
        let question = Question::read(&input, region, call)?;
        // A token names command and invocation to go on with, the command counted from 1.
        let (from_command, from_place) = (question.start >> 32, (question.start & 0xffff_ffff) as usize);
        let mut found = Vec::new();
        let mut token = None;
        'all: for (place, command) in question.candidates(region) {
            let number = place as u64 + 1;
            if question.start != 0 && number > from_command {
                continue;
            }
            let first = if number == from_command { from_place } else { 0 };
            let only = question.instance.map(|id| command.place(id));
            let range = match only {
                None => first..command.invocations.len(),
                Some(Some(place)) => place.max(first)..place + 1,
                Some(None) => continue,
            };
            for n in range {
                let invocation = &command.invocations[n];
                let status = [invocation.outcome.status(), invocation.outcome.details()];
                // A new invocation is not to be seen at once.
                if call.now < invocation.visible_at
                    || !question.accepts(command, status, invocation.outcome.is_final())
                {
                    continue;
                }
                if found.len() == question.size {
                    token = Some(page::token(call, number << 32 | n as u64));
                    break 'all;
                }
                found.push(shown(command, invocation, (region, &call.region), input.details));
            }
        }
        let mut answer = json!({ "CommandInvocations": found });
        if let Some(token) = token {
            answer["NextToken"] = token.into();
        }
        document::write(&answer)
    }
}
