//! The [`HostCommands`] port: Run Command of Systems Manager.

mod listing;
mod part;
mod send;

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure, InstanceId, Partial, Text};
use fleetwright_ports::{CommandRequest, CommandState, HostCommands, Invocation};
use jiff::Timestamp;

use crate::Aws;
use crate::clients::Connection;
use crate::operations::{CANCEL_COMMAND, GET_COMMAND_INVOCATION};

#[async_trait]
impl HostCommands for Aws {
    async fn send(&self, cell: &Cell<'_>, request: &CommandRequest) -> Result<Text, Failure> {
        send::send(self, cell, request).await
    }

    async fn commands(&self, cell: &Cell<'_>, since: Timestamp) -> Partial<CommandState> {
        listing::commands(self, cell, since).await
    }

    async fn invocations(&self, cell: &Cell<'_>, command: &str) -> Partial<Invocation> {
        listing::invocations(self, cell, command).await
    }

    async fn output(&self, cell: &Cell<'_>, command: &str, host: &InstanceId) -> Result<Invocation, Failure> {
        let connection: Connection<'_, aws_sdk_ssm::Client> = self.at(cell.zone, &cell.region);
        let ask = |client: &aws_sdk_ssm::Client| {
            client.get_command_invocation().command_id(command).instance_id(host.as_str()).send()
        };
        let answer = connection.call(&GET_COMMAND_INVOCATION, ask).await?;
        Ok(part::long(host, answer))
    }

    async fn cancel(&self, cell: &Cell<'_>, command: &str) -> Result<(), Failure> {
        let connection: Connection<'_, aws_sdk_ssm::Client> = self.at(cell.zone, &cell.region);
        let ask = |client: &aws_sdk_ssm::Client| client.cancel_command().command_id(command).send();
        connection.change(&CANCEL_COMMAND, &[command.into()], ask).await.map(|_| ())
    }
}
