//! CancelCommand.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::document;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::world::World;
use crate::world::command::{CommandId, run};
use crate::world::ids::InstanceId;

/// CancelCommand: for all nodes or for some; what already runs ends if the agent gets to it in time.
pub(super) struct CancelCommand;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    command_id: Option<String>,
    instance_ids: Option<Vec<String>>,
}

impl Operation for CancelCommand {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "CancelCommand"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ssm:CancelCommand")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let input: Input = document::read(call)?;
        let region = document::region(world, call)?;
        let text = input.command_id.unwrap_or_default();
        let command = CommandId::parse(&text).and_then(|id| region.commands.get(id));
        let command = command.ok_or_else(|| document::invalid_command(&text))?;
        let named = input.instance_ids.unwrap_or_default();
        if named.iter().collect::<BTreeSet<_>>().len() < named.len() {
            return Err(ApiError::new(
                400,
                "DuplicateInstanceId",
                "You can't specify an instance ID in more than one place.",
            ));
        }
        let read =
            |text: &String| InstanceId::parse(text).ok().filter(|id| command.invocation(*id).is_some());
        let bad: Vec<String> = named.iter().filter(|text| read(text).is_none()).cloned().collect();
        if !bad.is_empty() {
            return Err(document::invalid_instances(&bad, &call.account));
        }
        let only: Vec<InstanceId> = named.iter().filter_map(read).collect();
        let id = command.id;
        if let Some(mut place) = world.place(&call.account, &call.region) {
            run::cancel(&mut place, id, &only, call.now);
        }
        Ok("{}".to_owned())
    }
}
