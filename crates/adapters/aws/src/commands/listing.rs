use aws_sdk_ssm::types::{Command, CommandFilter, CommandFilterKey, CommandStatus};
use fleetwright_model::{Cell, InstanceId, Partial, Text};
use fleetwright_ports::{CommandState, Invocation};
use futures::FutureExt;
use jiff::Timestamp;

use super::part;
use crate::Aws;
use crate::clients::Connection;
use crate::operations::{LIST_COMMAND_INVOCATIONS, LIST_COMMANDS};
use crate::pages::{Page, pages};
use crate::sdk_time::timestamp;

/// Rows per page. Source: SSM API reference, ListCommands and ListCommandInvocations, MaxResults.
const PAGE: i32 = 50;

/// The commands sent since then.
pub(super) async fn commands(aws: &Aws, cell: &Cell<'_>, since: Timestamp) -> Partial<CommandState> {
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    let filter = CommandFilter::builder().key(CommandFilterKey::InvokedAfter).value(whole_second(since));
    let filter = &filter.build().expect("key and value are set");
    pages(
        &LIST_COMMANDS,
        |command: &CommandState| &command.id,
        |token| {
            let send = move |client: &aws_sdk_ssm::Client| {
                let request = client.list_commands().filters(filter.clone()).max_results(PAGE);
                request.set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(&LIST_COMMANDS, send).await?;
                let rows = answer.commands.unwrap_or_default();
                Ok(Page::of(rows.into_iter().map(command), answer.next_token))
            }
            .boxed()
        },
    )
    .await
}

/// `2026-11-01T02:00:00Z`, the form of the filter: the second that `since` lies in, so that nothing
/// is left out. Source: SSM API reference, CommandFilter.
fn whole_second(since: Timestamp) -> String {
    Timestamp::from_second(since.as_nanosecond().div_euclid(1_000_000_000) as i64)
        .unwrap_or(since)
        .to_string()
}

fn command(row: Command) -> Result<CommandState, String> {
    let id: Text = row.command_id.ok_or("a missing command id")?.into();
    // The commands of others are listed too, and go to nodes that are no instances.
    let hosts = row.instance_ids.unwrap_or_default().into_iter().filter_map(|id| InstanceId::new(id).ok());
    let ended = matches!(
        row.status,
        Some(
            CommandStatus::Success
                | CommandStatus::Failed
                | CommandStatus::TimedOut
                | CommandStatus::Cancelled
        )
    );
    let count = |number: i32| u32::try_from(number).unwrap_or(0);
    Ok(CommandState {
        id,
        mark: row.comment.unwrap_or_default().into(),
        hosts: hosts.collect(),
        requested_at: row.requested_date_time.as_ref().and_then(timestamp),
        ended,
        targets: count(row.target_count),
        completed: count(row.completed_count),
    })
}

/// Every host's part of one command, with what its plugins said.
pub(super) async fn invocations(aws: &Aws, cell: &Cell<'_>, command: &str) -> Partial<Invocation> {
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    pages(
        &LIST_COMMAND_INVOCATIONS,
        |part: &Invocation| part.host.as_str(),
        |token| {
            let send = move |client: &aws_sdk_ssm::Client| {
                let request = client.list_command_invocations().command_id(command).details(true);
                request.max_results(PAGE).set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(&LIST_COMMAND_INVOCATIONS, send).await?;
                let rows = answer.command_invocations.unwrap_or_default();
                Ok(Page::of(rows.into_iter().map(part::short), answer.next_token))
            }
            .boxed()
        },
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_takes_the_second_that_the_time_lies_in() {
        let since: Timestamp = "2026-11-01T02:00:00.999Z".parse().expect("valid");
        assert_eq!(whole_second(since), "2026-11-01T02:00:00Z");
    }

    #[test]
    fn a_command_without_an_end_in_its_status_goes_on() {
        let row = |status| command(Command::builder().command_id("c").status(status).build());
        for (status, ended) in [
            (CommandStatus::Pending, false),
            (CommandStatus::Cancelling, false),
            (CommandStatus::from("Paused"), false),
            (CommandStatus::TimedOut, true),
            (CommandStatus::Success, true),
        ] {
            assert_eq!(row(status).expect("usable").ended, ended);
        }
    }
}
