//! What is done to a stack: its resources are made, changed and deleted, each after those it depends on; where one fails,
//! what was done is undone.
//!
//! Source: CloudFormation user guide, "Stack status codes", "Stack failure options", "Continue rolling back an update".

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::resolve::Scope;
use super::{Definition, Event, Resource, ResourceStatus, Stack, StackStatus, Stage, Verb, Wanted};
use crate::fault::{Affected, Mishap};
use crate::world::timeline::{Change, Place};

/// Something of a stack that is due.
#[derive(Clone, Debug)]
pub struct Due {
    /// The number of the stack in its region.
    stack: usize,
    /// The operation it belongs to.
    operation: u64,
    /// The resource that is done.
    logical: String,
}

/// What is to be done to a stack.
#[derive(Debug)]
pub enum Operation {
    /// It is made; whether what is made new goes where that fails, though it would stay otherwise.
    Create {
        /// `RetainExceptOnCreate` of the request.
        discards_new: bool,
    },
    /// It is changed into this.
    Update(Box<Definition>),
    /// It goes on with being changed back; these resources stay as they are.
    Continue(BTreeSet<String>),
    /// It is deleted; these resources stay.
    Delete(BTreeSet<String>),
}

/// What is being done to a stack.
#[derive(Debug, Default)]
pub struct Work {
    /// The token of the request that led to it.
    pub token: Option<String>,
    waiting: BTreeMap<String, Task>,
    running: BTreeMap<String, Task>,
    failed: Vec<(String, Verb)>,
    /// What is to be deleted once all is well: physical ids whose place was taken, with their resources.
    leftovers: Vec<(String, Task)>,
    /// What is wanted in the end.
    target: BTreeMap<String, Wanted>,
    discards_new: bool,
}

/// What is done to a resource.
#[derive(Clone, Debug)]
enum Task {
    Create(Wanted),
    Update {
        wanted: Wanted,
        replaces: bool,
    },
    Restore,
    Delete {
        retained: bool,
    },
    /// What had that physical id before.
    DeleteOther {
        physical: String,
        retained: bool,
    },
}

impl Task {
    const fn verb(&self) -> Verb {
        match self {
            Self::Create(_) => Verb::Create,
            Self::Update { .. } | Self::Restore => Verb::Update,
            Self::Delete { .. } | Self::DeleteOther { .. } => Verb::Delete,
        }
    }
}

/// Begins an operation on a stack.
pub fn begin(
    place: &mut Place<'_>,
    number: usize,
    operation: Operation,
    token: Option<String>,
    at: Timestamp,
) {
    let stack = &mut place.region.stacks.all[number];
    stack.operations += 1;
    stack.work = Some(Work { token, ..Work::default() });
    match operation {
        Operation::Create { discards_new } => {
            if let Some(work) = &mut stack.work {
                work.discards_new = discards_new;
            }
            let target = wanted(stack, &stack.definition);
            let tasks = target.iter().map(|(name, it)| (name.clone(), Task::Create(it.clone()))).collect();
            phase(stack, at, StackStatus::CreateInProgress, Some("User Initiated"), tasks);
        }
        Operation::Update(definition) => {
            let target = wanted(stack, &definition);
            let tasks = changes(stack, &target);
            let before = std::mem::replace(&mut stack.definition, *definition);
            stack.before = Some((before, stack.resources.clone()));
            stack.updated = Some(at);
            if let Some(work) = &mut stack.work {
                work.target = target;
            }
            phase(stack, at, StackStatus::UpdateInProgress, Some("User Initiated"), tasks);
        }
        Operation::Continue(skipped) => {
            for name in &skipped {
                stack.note_of(at, name, ResourceStatus::Of(Verb::Update, Stage::Complete), None);
            }
            let mut tasks = restored(stack);
            tasks.retain(|name, _| !skipped.contains(name));
            phase(stack, at, StackStatus::UpdateRollbackInProgress, Some("User Initiated"), tasks);
        }
        Operation::Delete(kept) => {
            let tasks = deleted(stack, |name, resource| resource.wanted.retained || kept.contains(name));
            phase(stack, at, StackStatus::DeleteInProgress, Some("User Initiated"), tasks);
        }
    }
    go_on(place, number, at);
}

fn wanted(stack: &Stack, definition: &Definition) -> BTreeMap<String, Wanted> {
    let Definition { template, parameters, .. } = definition;
    Scope { template, parameters, stack_id: &stack.id, physical: None }.wanted()
}

/// What is made and changed when a stack becomes this.
fn changes(stack: &Stack, target: &BTreeMap<String, Wanted>) -> BTreeMap<String, Task> {
    let before: BTreeMap<String, Wanted> =
        stack.resources.iter().map(|(name, it)| (name.clone(), it.wanted.clone())).collect();
    // What cannot be compared was refused when the change set was made.
    let changes = super::compare::compare(&before, target).unwrap_or_default();
    changes
        .into_iter()
        .filter_map(|change| {
            let wanted = target.get(&change.logical)?.clone();
            let task = match change.action {
                super::compare::Action::Add => Task::Create(wanted),
                super::compare::Action::Modify => {
                    let replaces = change.replacement != super::compare::Replacement::False;
                    Task::Update { wanted, replaces }
                }
                super::compare::Action::Remove => return None,
            };
            Some((change.logical, task))
        })
        .collect()
}

/// What has to be put back to what it was before.
fn restored(stack: &Stack) -> BTreeMap<String, Task> {
    let Some((_, before)) = &stack.before else { return BTreeMap::new() };
    let differs = |name: &str, old: &Resource| {
        stack.resources.get(name).is_some_and(|now| {
            let failed = matches!(now.status, ResourceStatus::Of(Verb::Update, Stage::Failed));
            failed || now.wanted != old.wanted || now.physical != old.physical
        })
    };
    before
        .iter()
        .filter(|(name, old)| differs(name, old))
        .map(|(name, _)| (name.clone(), Task::Restore))
        .collect()
}

fn deleted(stack: &Stack, retained: impl Fn(&str, &Resource) -> bool) -> BTreeMap<String, Task> {
    let there = stack.resources.iter().filter(|(_, resource)| !resource.status.is_gone());
    there.map(|(name, it)| (name.clone(), Task::Delete { retained: retained(name, it) })).collect()
}

fn phase(
    stack: &mut Stack,
    at: Timestamp,
    status: StackStatus,
    reason: Option<&str>,
    tasks: BTreeMap<String, Task>,
) {
    if let Some(work) = &mut stack.work {
        work.waiting = tasks;
        work.failed.clear();
    }
    stack.note(at, status, reason);
}

/// Starts what can be started; where nothing is left to do, goes on to what comes next.
fn go_on(place: &mut Place<'_>, number: usize, at: Timestamp) {
    loop {
        let stack = &mut place.region.stacks.all[number];
        let Some(work) = &stack.work else { return };
        let Some(name) = ready(stack, work) else {
            if !work.running.is_empty() || !ended(stack, at) {
                return;
            }
            continue;
        };
        start(place, number, &name, at);
    }
}

/// A resource whose turn it is.
fn ready(stack: &Stack, work: &Work) -> Option<String> {
    let open = |name: &str| work.waiting.contains_key(name) || work.running.contains_key(name);
    let after = |name: &str| match work.waiting.get(name).or_else(|| work.running.get(name)) {
        Some(Task::Create(wanted) | Task::Update { wanted, .. }) => Some(wanted),
        _ => stack.resources.get(name).map(|resource| &resource.wanted),
    };
    let is_ready = |(name, task): &(&String, &Task)| match task.verb() {
        Verb::Create | Verb::Update => {
            after(name).is_none_or(|wanted| !wanted.after.iter().any(|other| other != *name && open(other)))
        }
        Verb::Delete => {
            let mut others = work.waiting.keys().chain(work.running.keys()).filter(|other| other != name);
            !others.any(|other| after(other).is_some_and(|wanted| wanted.after.contains(*name)))
        }
    };
    work.waiting.iter().find(is_ready).map(|(name, _)| name.clone())
}

fn start(place: &mut Place<'_>, number: usize, name: &str, at: Timestamp) {
    let stack = &mut place.region.stacks.all[number];
    let Some(task) = stack.work.as_mut().and_then(|work| work.waiting.remove(name)) else { return };
    let status = ResourceStatus::Of(task.verb(), Stage::InProgress);
    match &task {
        Task::Delete { retained: true } => {
            stack.note_of(at, name, ResourceStatus::DeleteSkipped, None);
            return;
        }
        Task::DeleteOther { physical, retained } => {
            let status = if *retained { ResourceStatus::DeleteSkipped } else { status };
            note_other(stack, at, name, physical, status);
            if *retained {
                return;
            }
        }
        Task::Create(wanted) => {
            let fresh =
                Resource { wanted: wanted.clone(), physical: String::new(), status, reason: None, at };
            stack.resources.insert(name.to_owned(), fresh);
            stack.note_of(at, name, status, None);
        }
        Task::Update { replaces: true, .. } => {
            let reason =
                "Requested update requires the creation of a new physical resource; hence creating one.";
            stack.note_of(at, name, status, Some(reason));
        }
        Task::Update { .. } | Task::Restore | Task::Delete { .. } => stack.note_of(at, name, status, None),
    }
    let (operation, draw) = (stack.operations, stack.events.len() as u64);
    if let Some(work) = &mut stack.work {
        work.running.insert(name.to_owned(), task);
    }
    let length = place.length(place.pace.stack_resource, "stack-resource", draw, at);
    let due = Due { stack: number, operation, logical: name.to_owned() };
    place.region.schedule(at + length, Change::Stack(Box::new(due)));
}

/// Notes what happens to something whose place another resource has taken.
fn note_other(stack: &mut Stack, at: Timestamp, name: &str, physical: &str, status: ResourceStatus) {
    let Some(resource) = stack.resources.get(name) else { return };
    let event = Event {
        id: String::new(),
        at,
        logical: name.to_owned(),
        physical: physical.to_owned(),
        kind: resource.wanted.kind.clone(),
        status: status.name(),
        reason: None,
        token: stack.token(),
    };
    stack.push(event);
}

/// A resource of a stack is done.
pub fn apply(place: &mut Place<'_>, due: &Due, at: Timestamp) {
    let Due { stack: number, operation, logical } = due;
    let Some(stack) = place.region.stacks.all.get_mut(*number) else { return };
    if stack.operations != *operation {
        return;
    }
    let Some(task) = stack.work.as_mut().and_then(|work| work.running.remove(logical)) else { return };
    let named = format!("{}/{logical}", stack.name);
    let affected =
        Affected { account: place.account, region: place.code, instance: logical, name: Some(&named) };
    let fails =
        place.mishaps.strike(&affected, at, |mishap| (mishap == Mishap::StackResourceFails).then_some(()));
    let stack = &mut place.region.stacks.all[*number];
    match fails {
        Some(()) => failed(stack, logical, &task, at),
        None => done(stack, logical, &task, at),
    }
    go_on(place, *number, at);
}

fn done(stack: &mut Stack, name: &str, task: &Task, at: Timestamp) {
    let before = stack.before.as_ref().and_then(|(_, before)| before.get(name)).cloned();
    let made = physical_of(stack, name, task);
    let mut leftover = None;
    if let Some(resource) = stack.resources.get_mut(name) {
        match task {
            Task::Create(_) => resource.physical = made,
            Task::Update { wanted, replaces } => {
                resource.wanted = wanted.clone();
                if *replaces {
                    let physical = std::mem::replace(&mut resource.physical, made);
                    let retained = wanted.retained_when_replaced;
                    leftover = Some(Task::DeleteOther { physical, retained });
                }
            }
            Task::Restore => {
                if let Some(before) = before {
                    let physical = std::mem::replace(&mut resource.physical, before.physical.clone());
                    resource.wanted = before.wanted;
                    if physical != before.physical {
                        leftover = Some(Task::DeleteOther { physical, retained: false });
                    }
                }
            }
            Task::Delete { .. } | Task::DeleteOther { .. } => {}
        }
    }
    if let (Some(work), Some(task)) = (&mut stack.work, leftover) {
        work.leftovers.push((name.to_owned(), task));
    }
    let status = ResourceStatus::Of(task.verb(), Stage::Complete);
    match task {
        Task::DeleteOther { physical, .. } => note_other(stack, at, name, physical, status),
        _ => stack.note_of(at, name, status, None),
    }
}

fn failed(stack: &mut Stack, name: &str, task: &Task, at: Timestamp) {
    let verb = task.verb();
    if let Some(work) = &mut stack.work {
        work.failed.push((name.to_owned(), verb));
    }
    let status = ResourceStatus::Of(verb, Stage::Failed);
    let reason = format!(
        "Resource handler returned message: \"{name} does not work, as the estate was told\" (RequestToken: {}, \
         HandlerErrorCode: GeneralServiceException)",
        uuid(&[&stack.id, name, &at.to_string()])
    );
    if let Task::DeleteOther { physical, .. } = task {
        return note_other(stack, at, name, physical, status);
    }
    stack.note_of(at, name, status, Some(&reason));
    if verb == Verb::Delete {
        return;
    }
    // Whatever else was begun is given up, and what was not is not begun.
    let Some(work) = &mut stack.work else { return };
    work.waiting.clear();
    let given_up = std::mem::take(&mut work.running);
    work.failed.extend(given_up.iter().map(|(name, task)| (name.clone(), task.verb())));
    for (name, task) in given_up {
        let word = if task.verb() == Verb::Create { "creation" } else { "update" };
        let status = ResourceStatus::Of(task.verb(), Stage::Failed);
        stack.note_of(at, &name, status, Some(&format!("Resource {word} cancelled")));
    }
}

/// The names of what failed, as a reason of the stack.
fn failures(work: &Work) -> Option<String> {
    let of = |verb: Verb, word: &str| {
        let mut names: Vec<&str> =
            work.failed.iter().filter(|(_, failed)| *failed == verb).map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let names = names.join(", ");
        (!names.is_empty()).then(|| format!("The following resource(s) failed to {word}: [{names}]. "))
    };
    let all = [of(Verb::Create, "create"), of(Verb::Update, "update"), of(Verb::Delete, "delete")];
    let text: String = all.into_iter().flatten().collect();
    (!text.is_empty()).then_some(text)
}

/// Nothing is left to do in this phase: goes on to the next one. False where the operation is over.
fn ended(stack: &mut Stack, at: Timestamp) -> bool {
    let Some(work) = &mut stack.work else { return false };
    let failures = failures(work);
    let leftovers = std::mem::take(&mut work.leftovers);
    match (stack.status, failures) {
        (StackStatus::CreateInProgress, None) => {
            stack.outputs = outputs(stack);
            over(stack, at, StackStatus::CreateComplete, None)
        }
        (StackStatus::CreateInProgress, Some(said)) => {
            let keeps = !work.discards_new;
            let tasks = deleted(stack, |_, resource| {
                keeps && resource.wanted.retained && !resource.physical.is_empty()
            });
            let said = format!("{said}Rollback requested by user.");
            phase(stack, at, StackStatus::RollbackInProgress, Some(&said), tasks);
            true
        }
        (StackStatus::UpdateInProgress, None) => {
            let mut tasks: BTreeMap<String, Task> = leftovers.into_iter().collect();
            tasks.extend(removed(stack));
            phase(stack, at, StackStatus::UpdateCompleteCleanupInProgress, None, tasks);
            true
        }
        (StackStatus::UpdateInProgress, Some(said)) => {
            let tasks = restored(stack);
            phase(stack, at, StackStatus::UpdateRollbackInProgress, Some(&said), tasks);
            true
        }
        (StackStatus::UpdateCompleteCleanupInProgress, _) => {
            stack.outputs = outputs(stack);
            stack.before = None;
            over(stack, at, StackStatus::UpdateComplete, None)
        }
        (StackStatus::UpdateRollbackInProgress, None) => {
            let mut tasks: BTreeMap<String, Task> = leftovers.into_iter().collect();
            tasks.extend(added(stack));
            phase(stack, at, StackStatus::UpdateRollbackCompleteCleanupInProgress, None, tasks);
            true
        }
        (StackStatus::UpdateRollbackInProgress, Some(said)) => {
            over(stack, at, StackStatus::UpdateRollbackFailed, Some(&said))
        }
        (StackStatus::UpdateRollbackCompleteCleanupInProgress, _) => {
            if let Some((definition, _)) = stack.before.take() {
                stack.definition = definition;
            }
            over(stack, at, StackStatus::UpdateRollbackComplete, None)
        }
        (StackStatus::RollbackInProgress, None) => over(stack, at, StackStatus::RollbackComplete, None),
        (StackStatus::RollbackInProgress, Some(said)) => {
            over(stack, at, StackStatus::RollbackFailed, Some(&said))
        }
        (StackStatus::DeleteInProgress, None) => {
            stack.deleted = Some(at);
            over(stack, at, StackStatus::DeleteComplete, None)
        }
        (StackStatus::DeleteInProgress, Some(said)) => {
            over(stack, at, StackStatus::DeleteFailed, Some(&said))
        }
        _ => false,
    }
}

/// What the new template does not want any more.
fn removed(stack: &Stack) -> BTreeMap<String, Task> {
    let target = stack.work.as_ref().map(|work| &work.target);
    let is_wanted = |name: &str| target.is_some_and(|target| target.contains_key(name));
    let mut all = deleted(stack, |_, resource| resource.wanted.retained);
    all.retain(|name, _| !is_wanted(name));
    all
}

/// What the old template does not know.
fn added(stack: &Stack) -> BTreeMap<String, Task> {
    let mut all = deleted(stack, |_, _| false);
    all.retain(|name, _| stack.before.as_ref().is_some_and(|(_, before)| !before.contains_key(name)));
    all
}

fn over(stack: &mut Stack, at: Timestamp, status: StackStatus, reason: Option<&str>) -> bool {
    stack.note(at, status, reason);
    stack.work = None;
    if !matches!(status, StackStatus::DeleteComplete | StackStatus::DeleteFailed) {
        stack.resources.retain(|_, resource| !resource.status.is_gone());
    }
    false
}

fn outputs(stack: &Stack) -> Vec<super::Output> {
    let physical = stack.physical();
    let Definition { template, parameters, .. } = &stack.definition;
    Scope { template, parameters, stack_id: &stack.id, physical: Some(&physical) }.outputs()
}

/// The physical id of a resource that is made: the name it is given, or one of CloudFormation's making.
fn physical_of(stack: &Stack, name: &str, task: &Task) -> String {
    let (Task::Create(wanted) | Task::Update { wanted, .. }) = task else { return String::new() };
    let physical = stack.physical();
    let Definition { template, parameters, .. } = &stack.definition;
    let scope = Scope { template, parameters, stack_id: &stack.id, physical: Some(&physical) };
    let properties = scope.value(&wanted.properties);
    let naming = [
        "AlarmName",
        "AliasName",
        "BucketName",
        "DashboardName",
        "FunctionName",
        "LogGroupName",
        "QueueName",
        "RoleName",
        "StateMachineName",
        "TableName",
        "TopicName",
        "Name",
    ];
    let given = naming.iter().find_map(|naming| properties[*naming].as_str());
    let is_named_so = wanted.kind != "AWS::Lambda::Permission";
    let own = || {
        let drawn = hex::encode(Sha256::digest(format!("{}/{name}/{}", stack.id, stack.events.len())));
        format!("{}-{name}-{}", stack.name, drawn[..12].to_uppercase())
    };
    let plain = given.filter(|_| is_named_so).map_or_else(own, str::to_owned);
    let part = |number: usize| stack.id.split(':').nth(number).unwrap_or_default();
    match wanted.kind.as_str() {
        "AWS::SNS::Topic" => format!("arn:aws:sns:{}:{}:{plain}", part(3), part(4)),
        "AWS::StepFunctions::StateMachine" => {
            format!("arn:aws:states:{}:{}:stateMachine:{plain}", part(3), part(4))
        }
        _ => plain,
    }
}

/// A UUID of these parts.
#[must_use]
pub fn uuid(parts: &[&str]) -> String {
    let drawn = hex::encode(Sha256::digest(parts.join("\n")));
    format!("{}-{}-4{}-8{}-{}", &drawn[..8], &drawn[8..12], &drawn[12..15], &drawn[15..18], &drawn[18..30])
}
