use std::collections::HashMap;
use std::ops::RangeInclusive;

use fleetwright_model::code;
use fleetwright_model::{Cell, ErrorClass, Failure, InstanceId, Text};
use fleetwright_ports::CommandRequest;
use fleetwright_ports::commands::COMMAND_BATCH;

use crate::Aws;
use crate::clients::Connection;
use crate::operations::SEND_COMMAND;
use crate::pages::unexpected;

/// Characters of a comment. Source: SSM API reference, SendCommand, Comment.
const LONGEST_COMMENT: usize = 100;
/// Seconds of delivery. Source: SSM API reference, SendCommand, TimeoutSeconds.
const DELIVERY: RangeInclusive<u64> = 30..=2_592_000;
/// Concurrency and errors are counted here, not there: the service's error count leaves out hosts
/// that were never reached, and its defaults are 50 hosts at once and no error.
/// Source: Systems Manager user guide, "Using concurrency and error controls".
const ALL_OF_THEM: &str = "100%";

/// Sends a command; its output goes nowhere but to the service itself.
pub(super) async fn send(aws: &Aws, cell: &Cell<'_>, request: &CommandRequest) -> Result<Text, Failure> {
    let seconds = legal(request)?;
    let hosts: Vec<String> = request.hosts.iter().map(|host| host.as_str().to_owned()).collect();
    let parameters: HashMap<String, Vec<String>> =
        request.parameters.iter().map(|(name, values)| (name.as_ref().to_owned(), values.clone())).collect();
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let send = |client: &aws_sdk_ssm::Client| {
        let command = client.send_command().document_name(&*request.document);
        let command = command.set_instance_ids(Some(hosts.clone())).comment(&*request.mark);
        let command = command.set_parameters(Some(parameters.clone()).filter(|all| !all.is_empty()));
        command.timeout_seconds(seconds).max_concurrency(ALL_OF_THEM).max_errors(ALL_OF_THEM).send()
    };
    let answer = connection.change(&SEND_COMMAND, &ids(&request.hosts), send).await?;
    match answer.command.and_then(|command| command.command_id) {
        Some(id) => Ok(id.into()),
        None => {
            let failure = unexpected(&SEND_COMMAND, "the answer names no command id");
            Err(Failure { class: ErrorClass::Ambiguous, ..failure })
        }
    }
}

/// What is changed, for the record.
fn ids(hosts: &[InstanceId]) -> Vec<Text> {
    hosts.iter().map(|host| host.as_str().into()).collect()
}

/// The seconds of delivery of a request that the service would take.
fn legal(request: &CommandRequest) -> Result<i32, Failure> {
    let seconds = request.delivery_timeout.as_secs();
    let (hosts, mark) = (request.hosts.len(), request.mark.chars().count());
    let fault = match i32::try_from(seconds).ok().filter(|_| DELIVERY.contains(&seconds)) {
        None => format!("a delivery of {seconds} s; 30 s to 30 days are allowed"),
        Some(_) if !(1..=COMMAND_BATCH).contains(&hosts) => {
            format!("{hosts} hosts; 1 to {COMMAND_BATCH} are allowed")
        }
        Some(_) if mark > LONGEST_COMMENT => {
            format!("a mark of {mark} characters; {LONGEST_COMMENT} are allowed")
        }
        Some(seconds) => return Ok(seconds),
    };
    let message = format!("not sent: the command has {fault}");
    let failure = Failure::new(ErrorClass::Permanent, &code::REQUEST_REFUSED, SEND_COMMAND.iam, &message);
    Err(Failure { attempts: 0, ..failure })
}
