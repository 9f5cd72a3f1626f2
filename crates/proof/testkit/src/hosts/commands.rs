use std::time::Duration;

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure, InstanceId, InstanceState, Partial, Text};
use fleetwright_ports::commands::{COMMAND_BATCH, SHORT_OUTPUT};
use fleetwright_ports::{CommandRequest, CommandState, HostCommands, Invocation, InvocationStatus};
use jiff::Timestamp;

use super::{CommandOutcome, FakeHosts, State, after, malformed, missing};

const SEND: &str = "ssm:SendCommand";
const CANCEL: &str = "ssm:CancelCommand";
const INVOCATION: &str = "ssm:GetCommandInvocation";
/// Characters of standard output of the long form.
const LONG_OUTPUT: usize = 24_000;
/// Characters of standard error of the long form.
const LONG_ERRORS: usize = 8_000;

/// A command that was sent.
pub(super) struct Sent {
    id: Text,
    mark: Text,
    at: Timestamp,
    hosts: Vec<(InstanceId, CommandOutcome, Timestamp)>,
}

impl Sent {
    fn state(&self, now: Timestamp) -> CommandState {
        let completed = self.hosts.iter().filter(|(_, _, ends)| *ends <= now).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        CommandState {
            id: self.id.clone(),
            mark: self.mark.clone(),
            hosts: self.hosts.iter().map(|(host, ..)| host.clone()).collect(),
            requested_at: Some(self.at),
            ended: completed == self.hosts.len(),
            targets: count(self.hosts.len()),
            completed: count(completed),
        }
    }
}

fn invocation(
    (host, outcome, ends): &(InstanceId, CommandOutcome, Timestamp),
    now: Timestamp,
    (output, errors): (usize, usize),
) -> Invocation {
    let cut = |text: &str, most: usize| -> Text { text.chars().take(most).collect::<String>().into() };
    if now < *ends {
        let status = InvocationStatus::InProgress;
        return Invocation {
            host: host.clone(),
            status,
            exit_code: None,
            output: "".into(),
            errors: "".into(),
        };
    }
    Invocation {
        host: host.clone(),
        status: outcome.status,
        exit_code: outcome.exit_code,
        output: cut(&outcome.output, output),
        errors: cut(&outcome.errors, errors),
    }
}

fn legal(request: &CommandRequest) -> Result<(), Failure> {
    let delivery = Duration::from_secs(30)..=Duration::from_secs(30 * 86_400);
    match request {
        it if it.hosts.is_empty() || it.hosts.len() > COMMAND_BATCH => {
            Err(malformed(SEND, "1 to 50 instance ids"))
        }
        it if it.mark.chars().count() > 100 => Err(malformed(SEND, "a comment has at most 100 characters")),
        it if !delivery.contains(&it.delivery_timeout) => {
            Err(malformed(SEND, "TimeoutSeconds is 30 s to 30 days"))
        }
        _ => Ok(()),
    }
}

/// What the host will make of it: a host that does not run receives nothing.
fn outcome(
    state: &mut State,
    cell: &Cell<'_>,
    request: &CommandRequest,
    id: &InstanceId,
    now: Timestamp,
) -> CommandOutcome {
    let responder = state.responder.clone();
    let Some(host) = state.cell(cell).hosts.get_mut(id) else {
        return CommandOutcome::not_run(InvocationStatus::Undeliverable);
    };
    if host.state(now) != InstanceState::Running {
        let lost = CommandOutcome::not_run(InvocationStatus::DeliveryTimedOut);
        return CommandOutcome { takes: request.delivery_timeout, ..lost };
    }
    let outcome = host.script.next(&request.document);
    let outcome = outcome.or_else(|| responder.map(|respond| respond(request, id)));
    let outcome = outcome.unwrap_or_else(|| CommandOutcome::success(""));
    if outcome.reboots {
        host.boot(after(now, outcome.takes));
    }
    outcome
}

#[async_trait]
impl HostCommands for FakeHosts {
    async fn send(&self, cell: &Cell<'_>, request: &CommandRequest) -> Result<Text, Failure> {
        self.write(SEND, |state, now| {
            legal(request)?;
            for id in &request.hosts {
                state.cell(cell).host(SEND, "InvalidInstanceId", id, now)?;
            }
            let hosts = request.hosts.iter().map(|id| {
                let outcome = outcome(state, cell, request, id, now);
                let ends = after(now, outcome.takes);
                (id.clone(), outcome, ends)
            });
            let hosts = hosts.collect();
            let id: Text = format!("{:08x}-0000-4000-8000-000000000000", state.number()).into();
            let mark = request.mark.clone();
            state.cell(cell).commands.push(Sent { id: id.clone(), mark, at: now, hosts });
            state.took_effect(now, SEND, &request.hosts, &request.mark);
            Ok(id)
        })
    }

    async fn commands(&self, cell: &Cell<'_>, since: Timestamp) -> Partial<CommandState> {
        match self.read("ssm:ListCommands") {
            Err(failure) => Partial::broken_off(Vec::new(), failure),
            Ok((now, mut state)) => {
                let lag = state.lag;
                let sent = state.cell(cell).commands.iter().rev();
                let seen = sent.filter(|command| command.at >= since && after(command.at, lag) <= now);
                Partial::complete(seen.map(|command| command.state(now)).collect())
            }
        }
    }

    async fn invocations(&self, cell: &Cell<'_>, command: &str) -> Partial<Invocation> {
        match self.read("ssm:ListCommandInvocations") {
            Err(failure) => Partial::broken_off(Vec::new(), failure),
            Ok((now, mut state)) => {
                let lag = state.lag;
                let mut sent = state.cell(cell).commands.iter();
                let found = sent.find(|it| &*it.id == command && after(it.at, lag) <= now);
                let hosts = found.map_or(&[][..], |command| &command.hosts);
                let short = (SHORT_OUTPUT, SHORT_OUTPUT);
                Partial::complete(hosts.iter().map(|host| invocation(host, now, short)).collect())
            }
        }
    }

    async fn output(&self, cell: &Cell<'_>, command: &str, host: &InstanceId) -> Result<Invocation, Failure> {
        let (now, mut state) = self.read(INVOCATION)?;
        let lag = state.lag;
        let mut sent = state.cell(cell).commands.iter();
        let found = sent.find(|it| &*it.id == command && after(it.at, lag) <= now);
        match found.and_then(|command| command.hosts.iter().find(|(id, ..)| id == host)) {
            Some(host) => Ok(invocation(host, now, (LONG_OUTPUT, LONG_ERRORS))),
            None => Err(missing(INVOCATION, "InvocationDoesNotExist", command)),
        }
    }

    async fn cancel(&self, cell: &Cell<'_>, command: &str) -> Result<(), Failure> {
        self.write(CANCEL, |state, now| {
            let mut sent = state.cell(cell).commands.iter_mut();
            let Some(found) = sent.find(|it| &*it.id == command) else {
                return Err(missing(CANCEL, "InvalidCommandId", command));
            };
            let open = found.hosts.iter_mut().filter(|(_, _, ends)| *ends > now);
            let cancelled: Vec<InstanceId> = open
                .map(|(host, outcome, ends)| {
                    *outcome = CommandOutcome::not_run(InvocationStatus::Cancelled);
                    *ends = now;
                    host.clone()
                })
                .collect();
            state.took_effect(now, CANCEL, &cancelled, command);
            Ok(())
        })
    }
}
