//! The contract of [`HostCommands`](crate::HostCommands), against hosts that answer a command well.

use std::collections::BTreeSet;
use std::time::Duration;

use fleetwright_model::{Cell, ErrorClass, InstanceId};

use super::eventually;
use crate::commands::COMMAND_BATCH;
use crate::{Clock, CommandRequest, HostCommands, InvocationStatus};

/// What the cell under test holds.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Hosts whose agents answer, 2 to [`COMMAND_BATCH`].
    pub hosts: Vec<InstanceId>,
    /// A command that ends well on each of them; its hosts and mark are set by the suite.
    pub command: CommandRequest,
}

/// Runs the whole suite.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(commands: &dyn HostCommands, cell: &Cell<'_>, clock: &dyn Clock, expected: &Expected) {
    assert!((2..=COMMAND_BATCH).contains(&expected.hosts.len()), "the suite needs some hosts");
    is_found_again_by_its_mark_and_ends_everywhere(commands, cell, clock, expected).await;
    an_unknown_host_refuses_the_whole_call(commands, cell, clock, expected).await;
    what_is_illegal_is_refused(commands, cell, expected).await;
    what_does_not_exist_is_not_found(commands, cell, expected).await;
    can_be_cancelled_late(commands, cell, clock, expected).await;
}

fn request(expected: &Expected, hosts: &[InstanceId], mark: &str) -> CommandRequest {
    CommandRequest { hosts: hosts.to_vec(), mark: mark.into(), ..expected.command.clone() }
}

async fn is_found_again_by_its_mark_and_ends_everywhere(
    commands: &dyn HostCommands,
    cell: &Cell<'_>,
    clock: &dyn Clock,
    expected: &Expected,
) {
    let since = clock.now();
    let request = request(expected, &expected.hosts, "fw conformance first");
    let id = commands.send(cell, &request).await.expect("a command to hosts that answer is taken");
    let hosts: BTreeSet<&InstanceId> = expected.hosts.iter().collect();

    let listed = eventually(clock, "the command is listed", async || {
        let listed = commands.commands(cell, since).await;
        assert_eq!(listed.failure, None, "the listing is complete");
        listed.items.into_iter().find(|command| command.mark == request.mark)
    })
    .await;
    assert_eq!(listed.id, id, "the mark leads to the id");
    assert!(listed.hosts.is_empty() || listed.hosts.iter().collect::<BTreeSet<_>>() == hosts);

    let ended = eventually(clock, "the command ends", async || {
        let listed = commands.commands(cell, since).await.items;
        listed.into_iter().find(|command| command.id == id && command.ended)
    })
    .await;
    let count = u32::try_from(hosts.len()).expect("few");
    assert_eq!((ended.targets, ended.completed), (count, count), "the counts say what the hosts did");

    let invocations = commands.invocations(cell, &id).await;
    assert_eq!(invocations.failure, None, "every host's part can be read");
    let found: BTreeSet<&InstanceId> = invocations.items.iter().map(|invocation| &invocation.host).collect();
    assert_eq!(found, hosts, "each host has its part");
    assert_eq!(invocations.items.len(), hosts.len(), "and only one");
    for invocation in &invocations.items {
        assert_eq!(invocation.status, InvocationStatus::Success, "{invocation:?}");
        assert_eq!(invocation.exit_code, Some(0), "a script that ran has an exit code");
        assert!(invocation.output.chars().count() <= crate::commands::SHORT_OUTPUT);
    }
    let first = &expected.hosts[0];
    let long = commands.output(cell, &id, first).await.expect("the long form can be read");
    let short = invocations.items.iter().find(|it| it.host == *first).expect("found above");
    assert_eq!((&long.host, long.status, long.exit_code), (first, short.status, short.exit_code));
    assert!(long.output.starts_with(&*short.output), "the long form begins as the short one");
}

async fn an_unknown_host_refuses_the_whole_call(
    commands: &dyn HostCommands,
    cell: &Cell<'_>,
    clock: &dyn Clock,
    expected: &Expected,
) {
    let since = clock.now();
    let unknown = InstanceId::new("i-0ffffffffffffffff").expect("well formed");
    let request = request(expected, &[expected.hosts[0].clone(), unknown], "fw conformance unknown");
    let failure = commands.send(cell, &request).await.expect_err("one host does not exist");
    assert_eq!(failure.class, ErrorClass::NotFound, "{failure}");
    clock.sleep(Duration::from_secs(60)).await;
    let listed = commands.commands(cell, since).await;
    assert_eq!(listed.failure, None);
    assert!(listed.items.iter().all(|command| command.mark != request.mark), "it was sent to nobody");
}

async fn what_is_illegal_is_refused(commands: &dyn HostCommands, cell: &Cell<'_>, expected: &Expected) {
    let legal = request(expected, &expected.hosts, "fw conformance illegal");
    let too_many =
        (0..=COMMAND_BATCH).map(|n| InstanceId::new(format!("i-{n:017x}")).expect("well formed")).collect();
    let illegal = [
        ("no hosts", CommandRequest { hosts: Vec::new(), ..legal.clone() }),
        ("more hosts than a call takes", CommandRequest { hosts: too_many, ..legal.clone() }),
        ("a mark that is too long", CommandRequest { mark: "x".repeat(101).into(), ..legal.clone() }),
        ("a hasty delivery", CommandRequest { delivery_timeout: Duration::from_secs(29), ..legal }),
    ];
    for (what, request) in illegal {
        let failure = commands.send(cell, &request).await.expect_err(what);
        assert_eq!(failure.class, ErrorClass::Permanent, "{what}: {failure}");
    }
}

async fn what_does_not_exist_is_not_found(commands: &dyn HostCommands, cell: &Cell<'_>, expected: &Expected) {
    let nothing = "00000000-0000-0000-0000-000000000000";
    let failure = commands.output(cell, nothing, &expected.hosts[0]).await.expect_err("there is none");
    assert_eq!(failure.class, ErrorClass::NotFound, "{failure}");
    let failure = commands.cancel(cell, nothing).await.expect_err("there is none");
    assert_eq!(failure.class, ErrorClass::NotFound, "{failure}");
    let invocations = commands.invocations(cell, nothing).await;
    assert!(invocations.items.is_empty());
}

async fn can_be_cancelled_late(
    commands: &dyn HostCommands,
    cell: &Cell<'_>,
    clock: &dyn Clock,
    expected: &Expected,
) {
    let request = request(expected, &expected.hosts, "fw conformance cancelled");
    let id = commands.send(cell, &request).await.expect("taken");
    commands.cancel(cell, &id).await.expect("a command can be cancelled");
    let ended = eventually(clock, "a cancelled command ends", async || {
        let parts = commands.invocations(cell, &id).await.items;
        let open = parts.iter().any(|part| part.status == InvocationStatus::InProgress);
        (parts.len() == expected.hosts.len() && !open).then_some(parts)
    })
    .await;
    for part in ended {
        let fits = matches!(part.status, InvocationStatus::Cancelled | InvocationStatus::Success);
        assert!(fits, "cancelled, or already done: {part:?}");
    }
    commands.cancel(cell, &id).await.expect("cancelling what has ended is no error");
}
