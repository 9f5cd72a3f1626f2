//! Stacks of CloudFormation in one region: what they are made of, their change sets, and what happened to them.
//!
//! Their resources are records: they do not come to life. Source: CloudFormation user guide, "Understand stacks" and
//! "Stack status codes".

pub mod compare;
pub mod resolve;
mod run;
mod status;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use compare::ResourceChange;
pub use run::{Due, Operation, Work, apply, begin, uuid};
pub use status::{ResourceStatus, StackStatus, Stage, Verb};

/// The stacks of a region.
#[derive(Debug, Default)]
pub struct Stacks {
    /// In the order of their making; those that are deleted stay, and are found by their ids.
    pub all: Vec<Stack>,
}

/// What a stack is made of, or would be.
#[derive(Clone, Debug, Default)]
pub struct Definition {
    /// The template.
    pub template: Value,
    /// The template as it was given.
    pub text: String,
    /// The value of every parameter.
    pub parameters: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// What was acknowledged.
    pub capabilities: Vec<String>,
    /// The role that resources are made with; none for the caller's own rights.
    pub role: Option<String>,
}

/// A stack.
#[derive(Debug)]
pub struct Stack {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub status: StackStatus,
    /// Why.
    pub reason: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Option<Timestamp>,
    /// When it was deleted.
    pub deleted: Option<Timestamp>,
    /// What it is made of.
    pub definition: Definition,
    /// What it is made of, while it is being changed: what it goes back to.
    pub before: Option<(Definition, BTreeMap<String, Resource>)>,
    /// Whether it may not be deleted.
    pub protected: bool,
    /// Its resources by logical id, those that are gone among them while it is being changed.
    pub resources: BTreeMap<String, Resource>,
    /// What happened, from old to new.
    pub events: Vec<Event>,
    /// Its change sets, in the order of their making.
    pub change_sets: Vec<ChangeSet>,
    /// What it answers of itself.
    pub outputs: Vec<Output>,
    /// What is being done to it.
    pub work: Option<Work>,
    /// Operations so far.
    pub operations: u64,
}

/// An output of a stack.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What is said of it.
    pub description: Option<String>,
}

/// A resource as a template wants it, with everything resolved but what other resources will say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its type.
    pub kind: String,
    /// Its properties.
    pub properties: Value,
    /// Whether it stays when it is taken out of the template, or its stack is deleted.
    pub retained: bool,
    /// Whether it stays when another takes its place.
    pub retained_when_replaced: bool,
    /// What it is made after, and deleted before.
    pub after: BTreeSet<String>,
}

/// A resource of a stack.
#[derive(Clone, Debug)]
pub struct Resource {
    /// What it was made from.
    pub wanted: Wanted,
    /// As its service knows it; empty before it is made.
    pub physical: String,
    /// How it stands.
    pub status: ResourceStatus,
    /// Why.
    pub reason: Option<String>,
    /// Since when.
    pub at: Timestamp,
}

/// Something that happened to a stack or to one of its resources.
#[derive(Clone, Debug)]
pub struct Event {
    /// Unique within the stack.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The logical id; the stack's name where it is about the stack.
    pub logical: String,
    /// The physical id.
    pub physical: String,
    /// The type.
    pub kind: String,
    /// How it stands.
    pub status: &'static str,
    /// Why.
    pub reason: Option<String>,
    /// The token of the request that led to it.
    pub token: Option<String>,
}

/// Whether a change set makes a stack or changes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeSetKind {
    /// It makes one.
    Create,
    /// It changes one.
    Update,
}

/// Whether a change set was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// Not yet.
    Available,
    /// It was begun.
    Begun,
}

/// Changes that can be made to a stack.
#[derive(Clone, Debug)]
pub struct ChangeSet {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What is said of it.
    pub description: Option<String>,
    /// What it is for.
    pub kind: ChangeSetKind,
    /// When it was made.
    pub created: Timestamp,
    /// When CloudFormation has compared everything.
    pub ready: Timestamp,
    /// What the stack will be made of.
    pub definition: Definition,
    /// What becomes of which resource; empty where nothing does.
    pub changes: Vec<ResourceChange>,
    /// Whether it was carried out.
    pub execution: Execution,
    /// The token it was made with.
    pub token: Option<String>,
    /// The token it was carried out with.
    pub executed_with: Option<String>,
}

impl ChangeSet {
    /// Whether it would change nothing, and so cannot be carried out.
    #[must_use]
    pub fn is_empty(&self, stack: &Stack) -> bool {
        self.changes.is_empty()
            && self.kind == ChangeSetKind::Update
            && self.definition.tags == stack.definition.tags
    }
}

impl Stacks {
    /// The number of a stack: by name where it is not deleted, by id in any case.
    #[must_use]
    pub fn find(&self, given: &str) -> Option<usize> {
        let is_meant = |stack: &Stack| {
            stack.id == given || (stack.name == given && stack.status != StackStatus::DeleteComplete)
        };
        self.all.iter().rposition(is_meant)
    }
}

impl Stack {
    /// Notes that something happened to the stack itself.
    pub(super) fn note(&mut self, at: Timestamp, status: StackStatus, reason: Option<&str>) {
        self.status = status;
        self.reason = reason.map(str::to_owned);
        self.push(Event {
            id: String::new(),
            at,
            logical: self.name.clone(),
            physical: self.id.clone(),
            kind: "AWS::CloudFormation::Stack".to_owned(),
            status: status.name(),
            reason: reason.map(str::to_owned),
            token: self.token(),
        });
    }

    /// Notes that something happened to a resource.
    pub(super) fn note_of(
        &mut self,
        at: Timestamp,
        logical: &str,
        status: ResourceStatus,
        reason: Option<&str>,
    ) {
        let token = self.token();
        let Some(resource) = self.resources.get_mut(logical) else { return };
        (resource.status, resource.at) = (status, at);
        resource.reason = reason.map(str::to_owned);
        let event = Event {
            id: String::new(),
            at,
            logical: logical.to_owned(),
            physical: resource.physical.clone(),
            kind: resource.wanted.kind.clone(),
            status: status.name(),
            reason: reason.map(str::to_owned),
            token,
        };
        self.push(event);
    }

    fn push(&mut self, event: Event) {
        let id = format!("{}-{}-{:06}", event.logical, event.status, self.events.len());
        self.events.push(Event { id, ..event });
    }

    fn token(&self) -> Option<String> {
        self.work.as_ref().and_then(|work| work.token.clone())
    }

    /// The physical ids of what there is, by logical id.
    #[must_use]
    pub fn physical(&self) -> BTreeMap<String, String> {
        self.resources.iter().map(|(name, it)| (name.clone(), it.physical.clone())).collect()
    }
}
