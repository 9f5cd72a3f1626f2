//! Run Command: commands, their invocations, and what becomes of both.

pub mod custom_document;
pub mod document;
pub mod output;
pub mod override_list;
pub mod parameter;
pub mod patch_run;
pub mod run;
pub mod script_run;
mod sequence;
pub mod status;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::ids::InstanceId;
use document::Document;
use run::Running;
pub use status::{CommandOutcome, InvocationOutcome};

/// A command's id: a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u128);

impl CommandId {
    /// Reads an id as a client wrote it; `None` where it is not a UUID.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let dashes = text.bytes().enumerate().all(|(n, b)| (b == b'-') == matches!(n, 8 | 13 | 18 | 23));
        if text.len() != 36 || !dashes {
            return None;
        }
        u128::from_str_radix(&text.replace('-', ""), 16).ok().map(Self)
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&uuid(self.0))
    }
}

/// A number in the form of a UUID.
#[must_use]
pub fn uuid(number: u128) -> String {
    let digits = format!("{number:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// One invocation: a command and the place of the instance in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvocationRef {
    /// The command.
    pub command: CommandId,
    /// The place among its invocations, from 0.
    pub place: usize,
}

/// Something that becomes due with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandChange {
    /// The agent asks for its messages, and gets this one.
    Deliver(InvocationRef),
    /// The time for delivery is over.
    DeliveryTimeout(InvocationRef),
    /// What runs has come to its end; the number says which run, counted from 1.
    Finish(InvocationRef, u32),
    /// The time for execution is over.
    ExecutionTimeout(InvocationRef),
    /// The agent has ended a run that a user cancelled.
    Cancelled(InvocationRef),
}

/// How many at once, or how many errors: a number, or a share of the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// So many.
    Count(usize),
    /// So many of a hundred.
    Percent(usize),
}

impl Measure {
    /// Reads `50` or `10%`; the caller has checked the form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_suffix('%') {
            Some(digits) => digits.parse().ok().map(Self::Percent),
            None => text.parse().ok().map(Self::Count),
        }
    }

    /// The number it comes to for so many targets, rounded down.
    #[must_use]
    pub const fn of(self, targets: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => targets * percent / 100,
        }
    }
}

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Order {
    /// The document.
    pub document: Document,
    /// The version asked for, as written; empty where none was.
    pub version: String,
    /// The comment, which carries a client's mark.
    pub comment: String,
    /// The parameters as given.
    pub parameters: Map<String, Value>,
    /// The instances named, as given.
    pub instance_ids: Vec<InstanceId>,
    /// The targets named, as given.
    pub targets: Value,
    /// Seconds until a command that was not delivered is given up.
    pub timeout_seconds: i64,
    /// How many instances at once.
    pub max_concurrency: String,
    /// How many errors before no further instance gets the command.
    pub max_errors: String,
    /// The bucket the output goes to; empty without one.
    pub output_bucket: String,
    /// The prefix of the output's keys.
    pub output_prefix: String,
}

/// What one instance made of a command.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The instance.
    pub instance: InstanceId,
    /// Its `Name` tag when the command was sent.
    pub name: Arc<str>,
    /// How it stands.
    pub outcome: InvocationOutcome,
    /// When GetCommandInvocation knows it.
    pub visible_at: Timestamp,
    /// When the agent began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The exit code; -1 before there is one.
    pub exit_code: i32,
    /// What it wrote to its standard output.
    pub stdout: Arc<str>,
    /// What it wrote to its standard error.
    pub stderr: Arc<str>,
    /// How often it was begun: more than once where it asked for reboots or has several parts.
    pub runs: u32,
    pub(super) running: Option<Box<Running>>,
    /// How far it has come, where its document has several parts.
    sequence: Option<Box<sequence::Sequence>>,
    /// True once the agent has been given the command.
    pub(super) holds_slot: bool,
}

/// A command.
#[derive(Debug)]
pub struct Command {
    /// Its id.
    pub id: CommandId,
    /// What was asked for.
    pub order: Order,
    /// When.
    pub requested_at: Timestamp,
    /// One for each target, in the order they get it.
    pub invocations: Vec<Invocation>,
    places: HashMap<InstanceId, usize>,
    /// The place of the next target that has not been given the command.
    next: usize,
    in_flight: usize,
    /// True once nobody is to get the command any more.
    pub(super) stopped: bool,
    pub(super) tally: status::Tally,
}

impl Command {
    /// When it expires unless it was delivered, as ListCommands shows it: the time for delivery,
    /// and the time for execution on top.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        let seconds =
            self.order.timeout_seconds + self.order.document.execution_seconds(&self.order.parameters);
        self.requested_at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
    }

    /// The invocation of an instance.
    #[must_use]
    pub fn invocation(&self, instance: InstanceId) -> Option<&Invocation> {
        self.places.get(&instance).map(|&place| &self.invocations[place])
    }

    /// The place of an instance among the invocations.
    #[must_use]
    pub fn place(&self, instance: InstanceId) -> Option<usize> {
        self.places.get(&instance).copied()
    }

    /// How the command stands.
    #[must_use]
    pub fn outcome(&self) -> CommandOutcome {
        let most = Measure::parse(&self.order.max_errors).map_or(0, |m| m.of(self.invocations.len()));
        status::of_command(&self.tally, self.invocations.len(), most)
    }

    /// The counts of its invocations.
    #[must_use]
    pub const fn tally(&self) -> &status::Tally {
        &self.tally
    }

    /// The place of the next target that may get the command now.
    fn take_slot(&mut self) -> Option<usize> {
        let limit = Measure::parse(&self.order.max_concurrency).map_or(50, |m| m.of(self.invocations.len()));
        if self.stopped || self.in_flight >= limit.max(1) {
            return None;
        }
        while let Some(invocation) = self.invocations.get_mut(self.next) {
            let place = self.next;
            self.next += 1;
            if invocation.outcome == InvocationOutcome::Pending {
                invocation.holds_slot = true;
                self.in_flight += 1;
                return Some(place);
            }
        }
        None
    }

    /// Changes how an invocation stands, and the counts with it.
    fn settle(&mut self, place: usize, outcome: InvocationOutcome) {
        let invocation = &mut self.invocations[place];
        self.tally.change(invocation.outcome, outcome);
        invocation.outcome = outcome;
        if outcome.is_final() && std::mem::take(&mut invocation.holds_slot) {
            self.in_flight -= 1;
        }
        let most = Measure::parse(&self.order.max_errors).map_or(0, |m| m.of(self.invocations.len()));
        if self.tally.errors > most && !self.stopped {
            self.stopped = true;
            self.end_unsent(InvocationOutcome::Terminated);
        }
    }

    /// Ends every invocation that no agent was given yet.
    fn end_unsent(&mut self, outcome: InvocationOutcome) {
        for place in self.next..self.invocations.len() {
            let now = self.invocations[place].outcome;
            if !now.is_final() {
                self.tally.change(now, outcome);
                self.invocations[place].outcome = outcome;
            }
        }
        self.next = self.invocations.len();
    }
}

/// A region's commands.
#[derive(Debug, Default)]
pub struct Commands {
    ordered: Vec<Command>,
    places: HashMap<CommandId, usize>,
    /// Which commands named an instance, by place, the oldest first.
    of_instance: HashMap<InstanceId, Vec<usize>>,
}

impl Commands {
    /// The command with this id.
    #[must_use]
    pub fn get(&self, id: CommandId) -> Option<&Command> {
        self.places.get(&id).map(|&place| &self.ordered[place])
    }

    pub(super) fn get_mut(&mut self, id: CommandId) -> Option<&mut Command> {
        self.places.get(&id).map(|&place| &mut self.ordered[place])
    }

    /// Every command, the oldest first.
    pub fn iter(&self) -> std::slice::Iter<'_, Command> {
        self.ordered.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ordered.len()
    }

    /// True before the first.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ordered.is_empty()
    }

    /// The places of the commands that an instance was named in, the oldest first.
    #[must_use]
    pub fn of_instance(&self, instance: InstanceId) -> &[usize] {
        self.of_instance.get(&instance).map_or(&[], Vec::as_slice)
    }

    /// The command at a place.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&Command> {
        self.ordered.get(place)
    }

    fn push(&mut self, command: Command) {
        let place = self.ordered.len();
        self.places.insert(command.id, place);
        for invocation in &command.invocations {
            self.of_instance.entry(invocation.instance).or_default().push(place);
        }
        self.ordered.push(command);
    }
}
