//! How a command gets to its targets and what happens to it there, change by change.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;

use super::document::Document;
use super::sequence::Progress;
use super::{
    Command, CommandChange, CommandId, Invocation, InvocationOutcome, InvocationRef, Order, output,
    patch_run, script_run, sequence, status,
};
use crate::world::agent::{LATEST_AGENT_VERSION, Ping};
use crate::world::host::environment::{ensure, strike};
use crate::world::host::fault::HostFaultKind;
use crate::world::host::shell::Effects;
use crate::world::host::state::Boot;
use crate::world::host::{HostChange, HostEventKind, HostView, RebootCause, ScriptResult, life};
use crate::world::ids::InstanceId;
use crate::world::instance::InstanceState;
use crate::world::timeline::{Change, Place};

/// The exit code with which a script on Linux asks for a reboot and another run.
const REBOOT_LINUX: i32 = 194;
/// The same on Windows.
const REBOOT_WINDOWS: i32 = 3010;

/// What an agent says of a run that its host's reboot cut off.
const CUT_OFF: &str = "document process failed unexpectedly: document worker timed out, check \
                       [ssm-document-worker]/[ssm-session-worker] log for crash reason";

/// A run that has begun; what it comes to is settled, and told at its end.
#[derive(Clone, Debug)]
pub struct Running {
    /// The boot it began in.
    pub(super) boot: u128,
    /// What it comes to.
    pub(super) result: ScriptResult,
    /// What it does to the host at its end.
    pub(super) work: Work,
}

/// What a run does to its host.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// A script's doings.
    Script(Effects),
    /// A patch run's.
    Patch(patch_run::PatchRun),
    /// A new agent.
    UpdateAgent,
}

/// Sends a command to its targets, in this order.
pub fn send(place: &mut Place<'_>, order: Order, targets: &[InstanceId], at: Timestamp) -> CommandId {
    let number = place.region.commands.len();
    let mut random = place.seed.child("command").nth(number).stream();
    // Version 4, variant 1: what the pattern of a UUID asks for.
    let id: u128 = random.random();
    let id = CommandId((id & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62));
    let invocations: Vec<Invocation> = targets
        .iter()
        .map(|target| {
            let name = place.region.instances.get(*target).and_then(|it| it.tags.get("Name"));
            Invocation {
                instance: *target,
                name: name.unwrap_or_default().into(),
                outcome: InvocationOutcome::Pending,
                visible_at: at + SignedDuration::from_millis(random.random_range(200..1_500)),
                started_at: None,
                ended_at: None,
                exit_code: -1,
                stdout: Arc::from(""),
                stderr: Arc::from(""),
                runs: 0,
                running: None,
                sequence: None,
                holds_slot: false,
            }
        })
        .collect();
    let timeout = at + SignedDuration::from_secs(order.timeout_seconds);
    let places: HashMap<_, _> = targets.iter().enumerate().map(|(n, target)| (*target, n)).collect();
    place.region.commands.push(Command {
        id,
        order,
        requested_at: at,
        invocations,
        places,
        next: 0,
        in_flight: 0,
        stopped: false,
        tally: status::Tally::default(),
    });
    for n in 0..targets.len() {
        schedule(place, timeout, CommandChange::DeliveryTimeout(InvocationRef { command: id, place: n }));
    }
    fill_slots(place, id, at);
    id
}

/// Cancels a command, for all targets or some: what no agent was given yet ends at once, what runs
/// ends soon, if the agent gets to it in time.
pub fn cancel(place: &mut Place<'_>, id: CommandId, only: &[InstanceId], at: Timestamp) {
    let Some(command) = place.region.commands.get_mut(id) else { return };
    if only.is_empty() {
        command.stopped = true;
    }
    let chosen: Vec<usize> = match only {
        [] => (0..command.invocations.len()).collect(),
        some => some.iter().filter_map(|instance| command.place(*instance)).collect(),
    };
    for n in chosen {
        let invocation = InvocationRef { command: id, place: n };
        match outcome(place, invocation) {
            Some(InvocationOutcome::Pending | InvocationOutcome::Delayed) => {
                settle(place, invocation, InvocationOutcome::Cancelled, at);
            }
            Some(InvocationOutcome::InProgress) => {
                settle(place, invocation, InvocationOutcome::Cancelling, at);
                let mut random = place.draws("cancel", n as u64, at);
                let soon = SignedDuration::from_millis(random.random_range(500..5_000));
                schedule(place, at + soon, CommandChange::Cancelled(invocation));
            }
            _ => {}
        }
    }
}

/// Makes a change that is due now.
pub fn apply(place: &mut Place<'_>, change: CommandChange, at: Timestamp) {
    match change {
        CommandChange::Deliver(invocation) => deliver(place, invocation, at),
        CommandChange::DeliveryTimeout(invocation) => {
            if matches!(
                outcome(place, invocation),
                Some(InvocationOutcome::Pending | InvocationOutcome::Delayed)
            ) {
                settle(place, invocation, InvocationOutcome::DeliveryTimedOut, at);
            }
        }
        CommandChange::Finish(invocation, run) => finish(place, invocation, run, at),
        CommandChange::ExecutionTimeout(invocation) => {
            let open = [Some(InvocationOutcome::InProgress), Some(InvocationOutcome::Cancelling)];
            if open.contains(&outcome(place, invocation)) {
                settle(place, invocation, InvocationOutcome::ExecutionTimedOut, at);
            }
        }
        CommandChange::Cancelled(invocation) => cancelled(place, invocation, at),
    }
}

/// The agent that an invocation waited for is there again.
pub fn agent_is_back(place: &mut Place<'_>, invocation: InvocationRef, at: Timestamp) {
    let Some(entry) = get(place, invocation) else { return };
    match (entry.outcome, entry.running.clone()) {
        (InvocationOutcome::Delayed, _) => deliver(place, invocation, at),
        (InvocationOutcome::InProgress, Some(running)) => match running.work {
            Work::Script(_) | Work::UpdateAgent => begin(place, invocation, at),
            Work::Patch(run) => {
                let id = entry.instance;
                let text = patch_run::report(place, id, &run, at);
                let result = running.result;
                tell(place, invocation, result.exit_code, (result.stdout + &text, result.stderr), at);
            }
        },
        (InvocationOutcome::Cancelling, _) => settle(place, invocation, InvocationOutcome::Cancelled, at),
        _ => {}
    }
}

fn schedule(place: &mut Place<'_>, at: Timestamp, change: CommandChange) {
    place.region.schedule(at, Change::Host(HostChange::Command(change)));
}

fn get<'p>(place: &'p Place<'_>, invocation: InvocationRef) -> Option<&'p Invocation> {
    place.region.commands.get(invocation.command)?.invocations.get(invocation.place)
}

fn outcome(place: &Place<'_>, invocation: InvocationRef) -> Option<InvocationOutcome> {
    get(place, invocation).map(|entry| entry.outcome)
}

/// Changes how an invocation stands, and lets the next targets have the command.
fn settle(place: &mut Place<'_>, invocation: InvocationRef, outcome: InvocationOutcome, at: Timestamp) {
    let Some(command) = place.region.commands.get_mut(invocation.command) else { return };
    command.settle(invocation.place, outcome);
    if outcome.is_final() {
        let entry = &mut command.invocations[invocation.place];
        entry.ended_at = Some(at);
        entry.running = None;
        fill_slots(place, invocation.command, at);
    }
}

fn fill_slots(place: &mut Place<'_>, id: CommandId, at: Timestamp) {
    while let Some(n) = place.region.commands.get_mut(id).and_then(Command::take_slot) {
        let mut random = place.seed.child("delivery").nth(n).child(&id.to_string()).stream();
        let soon = SignedDuration::from_millis(random.random_range(400..3_000));
        schedule(place, at + soon, CommandChange::Deliver(InvocationRef { command: id, place: n }));
    }
}

fn deliver(place: &mut Place<'_>, invocation: InvocationRef, at: Timestamp) {
    let Some(entry) = get(place, invocation) else { return };
    if !matches!(entry.outcome, InvocationOutcome::Pending | InvocationOutcome::Delayed) {
        return;
    }
    let id = entry.instance;
    match reach(place, id, invocation, at) {
        Reach::Listens => begin(place, invocation, at),
        Reach::Ignores => {}
        Reach::Ends(outcome) => settle(place, invocation, outcome, at),
        Reach::Later => {
            settle(place, invocation, InvocationOutcome::Delayed, at);
            if let Some(host) = ensure(place.region, id) {
                host.waiting.push(invocation);
            }
        }
    }
}

/// Whether an agent can be given a command.
enum Reach {
    Listens,
    /// It pings, but the command never arrives.
    Ignores,
    Later,
    Ends(InvocationOutcome),
}

fn reach(place: &mut Place<'_>, id: InstanceId, invocation: InvocationRef, at: Timestamp) -> Reach {
    let document =
        place.region.commands.get(invocation.command).map(|command| command.order.document.clone());
    let Some(it) = place.region.instances.get(id) else {
        return Reach::Ends(InvocationOutcome::Undeliverable);
    };
    let (state, platform) = (it.state, it.platform);
    let ping = it.agent.as_ref().map(|agent| agent.ping);
    if document.is_some_and(|document| !document.runs_on(platform)) {
        return Reach::Ends(InvocationOutcome::InvalidPlatform);
    }
    let up = matches!(state, InstanceState::Running | InstanceState::Pending);
    let (Some(ping), true) = (ping, up) else {
        return Reach::Ends(InvocationOutcome::Undeliverable);
    };
    let mut struck = |kind| strike(place.region, id, kind, at).is_some();
    if struck(HostFaultKind::AccessDenied) {
        return Reach::Ends(InvocationOutcome::AccessDenied);
    }
    if struck(HostFaultKind::Terminated) {
        return Reach::Ends(InvocationOutcome::Terminated);
    }
    if struck(HostFaultKind::CommandNeverReceived) {
        return Reach::Ignores;
    }
    if let Some(rule) = strike(place.region, id, HostFaultKind::AgentLost, at) {
        // No boot brings this agent back: it is there again when the rule is over.
        if let Some(until) = rule.until {
            schedule(place, until, CommandChange::Deliver(invocation));
        }
        return Reach::Later;
    }
    let booted = ensure(place.region, id).is_some_and(|host| host.boot == Boot::Up);
    match ping {
        Ping::Online { .. } if booted => Reach::Listens,
        Ping::Inactive(_) => Reach::Ends(InvocationOutcome::Undeliverable),
        _ => Reach::Later,
    }
}

/// Begins a run; the first one, or another after a reboot or after an earlier part.
fn begin(place: &mut Place<'_>, invocation: InvocationRef, at: Timestamp) {
    let Some(command) = place.region.commands.get(invocation.command) else { return };
    let id = command.invocations[invocation.place].instance;
    let document = command.order.document.clone();
    let limit_seconds = document.execution_seconds(&command.order.parameters);
    let Some(boot) = place.region.instances.get(id).map(|it| it.boot_id) else { return };
    let mut random = place.draws("run", id.0, at);
    let overhead = SignedDuration::from_millis(random.random_range(300..2_500));
    let (mut result, work) = match document {
        Document::RunShellScript | Document::RunPowerShellScript => script_run::run(place, invocation, at),
        Document::RunPatchBaseline => patch_run::run(place, invocation, None, at),
        Document::UpdateSsmAgent => update_agent(random.random_range(15..60)),
        Document::Noop => (ScriptResult::default(), Work::Script(Effects::default())),
        Document::RunPatchBaselineWithHooks | Document::Custom(_) => sequence::run(place, invocation, at),
    };
    if strike(place.region, id, HostFaultKind::ExecutionTimeout, at).is_some() {
        result.seconds = u64::MAX;
    }
    let takes = SignedDuration::from_secs(i64::try_from(result.seconds).unwrap_or(i64::MAX / 4)) + overhead;
    settle(place, invocation, InvocationOutcome::InProgress, at);
    let Some(command) = place.region.commands.get_mut(invocation.command) else { return };
    let entry = &mut command.invocations[invocation.place];
    entry.runs += 1;
    let run = entry.runs;
    let started = *entry.started_at.get_or_insert(at);
    entry.running = Some(Box::new(Running { boot, result, work }));
    let limit = started + SignedDuration::from_secs(limit_seconds);
    match at.checked_add(takes).ok().filter(|end| *end <= limit) {
        Some(end) => schedule(place, end, CommandChange::Finish(invocation, run)),
        None => schedule(place, limit, CommandChange::ExecutionTimeout(invocation)),
    }
}

fn update_agent(seconds: u64) -> (ScriptResult, Work) {
    let stdout = format!("Successfully updated amazon-ssm-agent to version {LATEST_AGENT_VERSION}\n");
    (ScriptResult { exit_code: 0, stdout, stderr: String::new(), seconds }, Work::UpdateAgent)
}

fn finish(place: &mut Place<'_>, invocation: InvocationRef, run: u32, at: Timestamp) {
    let Some(entry) = get(place, invocation) else { return };
    let id = entry.instance;
    let open = matches!(entry.outcome, InvocationOutcome::InProgress | InvocationOutcome::Cancelling);
    let Some(running) = entry.running.clone().filter(|_| open && entry.runs == run) else { return };
    let same_boot = place.region.instances.get(id).is_some_and(|it| it.boot_id == running.boot);
    let up = place.region.hosts.get(id).is_none_or(|host| host.boot == Boot::Up);
    if !same_boot || !up {
        conclude(place, invocation, 1, (String::new(), CUT_OFF.to_owned()), at);
        return;
    }
    let result = running.result;
    match running.work {
        Work::UpdateAgent => {
            if let Some(agent) = place.region.instances.get_mut(id).and_then(|it| it.agent.as_mut()) {
                agent.version = LATEST_AGENT_VERSION.into();
                agent.ping = Ping::since(at);
            }
            tell(place, invocation, result.exit_code, (result.stdout, result.stderr), at);
        }
        Work::Script(effects) => script_done(place, invocation, id, (result, &effects), at),
        Work::Patch(run) => patch_done(place, invocation, id, (result, &run), at),
    }
}

fn script_done(
    place: &mut Place<'_>,
    invocation: InvocationRef,
    id: InstanceId,
    (result, effects): (ScriptResult, &Effects),
    at: Timestamp,
) {
    script_run::take_effect(place, id, invocation.command, effects, at);
    let windows = place.region.instances.get(id).is_some_and(|it| it.platform.is_windows());
    let asks = result.exit_code == if windows { REBOOT_WINDOWS } else { REBOOT_LINUX };
    let cause = RebootCause::Script(invocation.command);
    if asks {
        wait_through_reboot(place, invocation, id, cause, at);
        return;
    }
    if !(effects.reboots && strike(place.region, id, HostFaultKind::ReportLost, at).is_some()) {
        tell(place, invocation, result.exit_code, (result.stdout, result.stderr), at);
    } else {
        time_out_later(place, invocation);
    }
    if effects.reboots {
        life::reboot(place, id, cause, at);
    }
}

fn patch_done(
    place: &mut Place<'_>,
    invocation: InvocationRef,
    id: InstanceId,
    (result, run): (ScriptResult, &patch_run::PatchRun),
    at: Timestamp,
) {
    if result.exit_code != 0 && run.installed.is_empty() && run.failed.is_empty() {
        tell(place, invocation, result.exit_code, (result.stdout, result.stderr), at);
        return;
    }
    let reboots = patch_run::take_effect(place, id, invocation.command, run, at);
    let cause = RebootCause::Patching(invocation.command);
    if run.changes() && strike(place.region, id, HostFaultKind::ReportLost, at).is_some() {
        time_out_later(place, invocation);
        if reboots {
            life::reboot(place, id, cause, at);
        }
    } else if reboots {
        wait_through_reboot(place, invocation, id, cause, at);
    } else {
        let text = patch_run::report(place, id, run, at);
        tell(place, invocation, result.exit_code, (result.stdout + &text, result.stderr), at);
    }
}

/// The invocation stays in progress while the host reboots, and goes on when the agent is back.
fn wait_through_reboot(
    place: &mut Place<'_>,
    invocation: InvocationRef,
    id: InstanceId,
    cause: RebootCause,
    at: Timestamp,
) {
    if let Some(host) = ensure(place.region, id) {
        host.waiting.push(invocation);
    }
    time_out_later(place, invocation);
    life::reboot(place, id, cause, at);
}

fn time_out_later(place: &mut Place<'_>, invocation: InvocationRef) {
    let Some(command) = place.region.commands.get(invocation.command) else { return };
    let seconds = command.order.document.execution_seconds(&command.order.parameters);
    let Some(started) = command.invocations[invocation.place].started_at else { return };
    let limit = started + SignedDuration::from_secs(seconds);
    schedule(place, limit, CommandChange::ExecutionTimeout(invocation));
}

/// A run has ended: the next part begins where there is one, or the agent reports the end.
fn tell(
    place: &mut Place<'_>,
    invocation: InvocationRef,
    exit_code: i32,
    outputs: (String, String),
    at: Timestamp,
) {
    let Some(command) = place.region.commands.get_mut(invocation.command) else { return };
    let entry = &mut command.invocations[invocation.place];
    let Some(sequence) = entry.sequence.as_mut() else {
        conclude(place, invocation, exit_code, outputs, at);
        return;
    };
    match sequence.advance(exit_code, outputs) {
        // What was cancelled ends with the part that ran.
        Progress::GoesOn if entry.outcome == InvocationOutcome::Cancelling => {
            settle(place, invocation, InvocationOutcome::Cancelled, at);
        }
        Progress::GoesOn => begin(place, invocation, at),
        Progress::Ended(exit_code, outputs) => conclude(place, invocation, exit_code, outputs, at),
    }
}

/// The agent reports the end of a command.
fn conclude(
    place: &mut Place<'_>,
    invocation: InvocationRef,
    exit_code: i32,
    (stdout, stderr): (String, String),
    at: Timestamp,
) {
    let Some(command) = place.region.commands.get_mut(invocation.command) else { return };
    let entry = &mut command.invocations[invocation.place];
    entry.exit_code = exit_code;
    entry.stdout = stdout.into();
    entry.stderr = match exit_code {
        0 => stderr.into(),
        code => format!("{stderr}failed to run commands: exit status {code}").into(),
    };
    output::store(place, invocation, at);
    let outcome = if exit_code == 0 { InvocationOutcome::Success } else { InvocationOutcome::Failed };
    settle(place, invocation, outcome, at);
}

/// The agent has ended a run that a user cancelled; an install goes on to its end.
fn cancelled(place: &mut Place<'_>, invocation: InvocationRef, at: Timestamp) {
    let Some(entry) = get(place, invocation) else { return };
    let installs = matches!(
        entry.running.as_deref(),
        Some(Running { work: Work::Patch(run), .. }) if run.changes()
    );
    if entry.outcome == InvocationOutcome::Cancelling && !installs {
        settle(place, invocation, InvocationOutcome::Cancelled, at);
    }
}

/// What a host looks like to a run that begins now.
pub(super) fn view<'p>(place: &'p Place<'_>, id: InstanceId, at: Timestamp) -> Option<HostView<'p>> {
    Some(HostView::new(place.region, place.region.instances.get(id)?, at))
}

/// Enters something into a host's history.
pub(super) fn note(place: &mut Place<'_>, id: InstanceId, at: Timestamp, kind: HostEventKind) {
    place.region.note_host_event(id, at, kind);
}
