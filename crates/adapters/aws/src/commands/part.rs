//! One host's part of a command, from what the service says of it.

use aws_sdk_ssm::operation::get_command_invocation::GetCommandInvocationOutput;
use aws_sdk_ssm::types::{CommandInvocation, CommandPlugin};
use fleetwright_model::InstanceId;
use fleetwright_ports::{Invocation, InvocationStatus};

use crate::machines::instance_id;

/// Between standard output and standard error in a plugin's output.
/// Source: amazon-ssm-agent, plugins' output format.
const ERRORS_FOLLOW: &str = "\n----------ERROR-------\n";
/// How the agent begins the output of a step that is for another platform.
const SKIPPED: &str = "Step execution skipped";

/// From a row of ListCommandInvocations.
pub(super) fn short(row: CommandInvocation) -> Result<Invocation, String> {
    let host = instance_id(row.instance_id.as_deref())?;
    let status = row.status.as_ref().map(|status| status.as_str());
    let status = status_of(row.status_details.as_deref(), status);
    let plugins = row.command_plugins.unwrap_or_default();
    let ran = ran(&plugins);
    let (mut output, mut errors) = (String::new(), String::new());
    for plugin in &ran {
        let text = plugin.output().unwrap_or_default();
        let (out, err) = text.split_once(ERRORS_FOLLOW).unwrap_or((text, ""));
        output.push_str(out);
        errors.push_str(err);
    }
    let exit_code = ran_to(status, exit_code(&ran));
    Ok(Invocation { host, status, exit_code, output: output.into(), errors: errors.into() })
}

/// From the answer to GetCommandInvocation.
pub(super) fn long(host: &InstanceId, answer: GetCommandInvocationOutput) -> Invocation {
    let status = answer.status.as_ref().map(|status| status.as_str());
    let status = status_of(answer.status_details.as_deref(), status);
    Invocation {
        host: host.clone(),
        status,
        exit_code: ran_to(status, Some(answer.response_code)),
        output: answer.standard_output_content.unwrap_or_default().into(),
        errors: answer.standard_error_content.unwrap_or_default().into(),
    }
}

/// The plugins that ran: a document has steps for several platforms, and the others are skipped.
fn ran(plugins: &[CommandPlugin]) -> Vec<&CommandPlugin> {
    let skipped = |plugin: &&CommandPlugin| plugin.output().unwrap_or_default().starts_with(SKIPPED);
    let ran: Vec<&CommandPlugin> = plugins.iter().filter(|plugin| !skipped(plugin)).collect();
    if ran.is_empty() { plugins.iter().collect() } else { ran }
}

/// The first exit code that is not 0, else the last.
fn exit_code(plugins: &[&CommandPlugin]) -> Option<i32> {
    let mut codes = plugins.iter().map(|plugin| plugin.response_code());
    codes.clone().find(|code| !matches!(code, 0 | -1)).or_else(|| codes.next_back())
}

/// The exit code of a script that ran to its end; -1 says that it did not, and so does a 0 before
/// the end.
fn ran_to(status: InvocationStatus, exit_code: Option<i32>) -> Option<i32> {
    let ran = matches!(
        status,
        InvocationStatus::Success | InvocationStatus::Failed | InvocationStatus::ExecutionTimedOut
    );
    exit_code.filter(|code| ran && *code != -1)
}

/// `StatusDetails` with or without spaces; where it is missing, the coarser `Status`.
/// Source: Systems Manager user guide, "Understanding command statuses".
fn status_of(details: Option<&str>, status: Option<&str>) -> InvocationStatus {
    let words = details.filter(|details| !details.is_empty()).or(status).unwrap_or_default();
    let word: String = words.chars().filter(char::is_ascii_alphanumeric).collect();
    match word.to_ascii_lowercase().as_str() {
        "pending" | "inprogress" | "delayed" | "cancelling" => InvocationStatus::InProgress,
        "success" => InvocationStatus::Success,
        "failed" => InvocationStatus::Failed,
        "deliverytimedout" => InvocationStatus::DeliveryTimedOut,
        // Without details nobody knows whether it ran: as if it had.
        "executiontimedout" | "timedout" => InvocationStatus::ExecutionTimedOut,
        "cancelled" | "canceled" => InvocationStatus::Cancelled,
        "undeliverable" => InvocationStatus::Undeliverable,
        "terminated" => InvocationStatus::Terminated,
        "invalidplatform" => InvocationStatus::InvalidPlatform,
        "accessdenied" => InvocationStatus::AccessDenied,
        _ => InvocationStatus::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ssm::types::CommandInvocationStatus;

    use super::*;

    fn plugin(response_code: i32, output: &str) -> CommandPlugin {
        CommandPlugin::builder().response_code(response_code).output(output).build()
    }

    fn row(details: &str, plugins: Vec<CommandPlugin>) -> Invocation {
        let row = CommandInvocation::builder().instance_id("i-0123456789abcdef0");
        let row = row.status(CommandInvocationStatus::Failed).status_details(details);
        short(row.set_command_plugins(Some(plugins)).build()).expect("usable")
    }

    #[test]
    fn the_details_count_and_not_the_status_that_lumps_them_together() {
        for (details, status) in [
            ("Delivery Timed Out", InvocationStatus::DeliveryTimedOut),
            ("DeliveryTimedOut", InvocationStatus::DeliveryTimedOut),
            ("ExecutionTimedOut", InvocationStatus::ExecutionTimedOut),
            ("Undeliverable", InvocationStatus::Undeliverable),
            ("Terminated", InvocationStatus::Terminated),
            ("InvalidPlatform", InvocationStatus::InvalidPlatform),
            ("Access Denied", InvocationStatus::AccessDenied),
            ("Delayed", InvocationStatus::InProgress),
            ("SomethingNew", InvocationStatus::Unknown),
            ("", InvocationStatus::Failed),
        ] {
            assert_eq!(row(details, Vec::new()).status, status, "{details}");
        }
    }

    #[test]
    fn a_step_for_another_platform_says_nothing_of_this_host() {
        let skipped = "Step execution skipped due to unsupported platform: linux. Step name: PatchWindows";
        let part = row("Failed", vec![plugin(0, skipped), plugin(5, "out\n----------ERROR-------\nerr")]);
        assert_eq!((part.exit_code, &*part.output, &*part.errors), (Some(5), "out", "err"));
    }

    #[test]
    fn a_script_that_did_not_run_has_no_exit_code() {
        assert_eq!(row("Failed", vec![plugin(-1, "")]).exit_code, None);
        assert_eq!(row("Undeliverable", vec![plugin(0, "")]).exit_code, None);
        assert_eq!(row("InProgress", vec![plugin(0, "")]).exit_code, None);
        assert_eq!(row("Success", vec![plugin(0, "")]).exit_code, Some(0));
    }
}
