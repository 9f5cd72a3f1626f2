//! Systems Manager: managed nodes, commands, patch states, patch baselines, maintenance
//! windows, change calendars and parameters.

mod cancel_command;
mod command_filters;
mod describe_document;
mod describe_instance_information;
mod describe_instance_patch_states;
mod describe_instance_patches;
mod describe_patch_baselines;
mod document;
mod get_calendar_state;
mod get_command_invocation;
mod list_command_invocations;
mod list_commands;
mod maintenance;
mod members;
mod parameters;
mod send_command;

use crate::call::Operation;

/// Every Systems Manager operation of the estate.
pub fn operations() -> Vec<Box<dyn Operation>> {
    let mut all: Vec<Box<dyn Operation>> = vec![
        Box::new(cancel_command::CancelCommand),
        Box::new(describe_document::DescribeDocument),
        Box::new(describe_instance_patches::DescribeInstancePatches),
        Box::new(get_calendar_state::GetCalendarState),
        Box::new(get_command_invocation::GetCommandInvocation),
        Box::new(list_command_invocations::ListCommandInvocations),
        Box::new(list_commands::ListCommands),
        Box::new(send_command::SendCommand),
        Box::new(describe_instance_information::DescribeInstanceInformation),
        Box::new(describe_instance_patch_states::DescribeInstancePatchStates),
        Box::new(describe_patch_baselines::DescribePatchBaselines),
    ];
    all.extend(maintenance::operations());
    all.extend(parameters::operations());
    all
}
