//! GetCommandInvocation.

use serde::Deserialize;
use serde_json::json;

use super::document;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::world::World;
use crate::world::command::CommandId;
use crate::world::command::output::{self, Stream};
use crate::world::ids::InstanceId;

/// GetCommandInvocation: what one node made of a command, with most of its output.
pub(super) struct GetCommandInvocation;

/// Characters of the standard output, at most.
const MAX_STDOUT: usize = 24_000;
/// Characters of the standard error, at most.
const MAX_STDERR: usize = 8_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    command_id: Option<String>,
    instance_id: Option<String>,
    plugin_name: Option<String>,
}

impl Operation for GetCommandInvocation {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "GetCommandInvocation"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ssm:GetCommandInvocation")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let input: Input = document::read(call)?;
        let region = document::region(world, call)?;
        let null = |member: &str| document::constraint("null", member, "Member must not be null");
        let command_id = input.command_id.ok_or_else(|| null("commandId"))?;
        let instance_id = input.instance_id.ok_or_else(|| null("instanceId"))?;
        let id = CommandId::parse(&command_id).ok_or_else(|| document::invalid_command(&command_id))?;
        if !document::is_node_id(&instance_id) {
            return Err(document::invalid_instances(&[instance_id], &call.account));
        }
        let found = region.commands.get(id).and_then(|command| {
            let invocation = command.invocation(InstanceId::parse(&instance_id).ok()?)?;
            (call.now >= invocation.visible_at).then_some((command, invocation))
        });
        let (command, invocation) =
            found.ok_or_else(|| ApiError::new(400, "InvocationDoesNotExist", String::new()))?;
        let platform = region.instances.get(invocation.instance).map(|it| it.platform);
        let plugin = platform.map_or("", |platform| command.order.document.plugin(platform));
        if input.plugin_name.as_deref().is_some_and(|name| name != plugin) {
            return Err(ApiError::new(400, "InvalidPluginName", "The plugin name isn't valid."));
        }
        let url = |stream| output::url(command, invocation.instance, platform, stream, &call.region);
        let time = |moment: Option<jiff::Timestamp>| moment.map(document::text_time).unwrap_or_default();
        let elapsed = match (invocation.started_at, invocation.ended_at) {
            (Some(from), Some(to)) => format!("PT{}S", to.duration_since(from).as_millis() as f64 / 1_000.0),
            _ => String::new(),
        };
        document::write(&json!({
            "CommandId": command_id,
            "InstanceId": instance_id,
            "Comment": command.order.comment,
            "DocumentName": command.order.document.name(),
            "DocumentVersion": command.order.version,
            "PluginName": plugin,
            "ResponseCode": invocation.exit_code,
            "ExecutionStartDateTime": time(invocation.started_at),
            "ExecutionElapsedTime": elapsed,
            "ExecutionEndDateTime": time(invocation.ended_at),
            "Status": invocation.outcome.status(),
            "StatusDetails": invocation.outcome.details(),
            "StandardOutputContent": document::cut(&invocation.stdout, MAX_STDOUT, document::OUTPUT_CUT),
            "StandardOutputUrl": url(Stream::Stdout),
            "StandardErrorContent": document::cut(&invocation.stderr, MAX_STDERR, document::ERROR_CUT),
            "StandardErrorUrl": url(Stream::Stderr),
            "CloudWatchOutputConfig": { "CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false },
        }))
    }
}
