//! Stacks of CloudFormation: judged, changed by change sets, followed by their events, deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure};
use jiff::Timestamp;

/// The name of a stack or of a change set: 1 to 128 letters, digits and hyphens, a letter first.
/// Source: CloudFormation API reference, CreateChangeSet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StackName(String);

/// What cannot be the name of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAStackName(String);

impl fmt::Display for NotAStackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no name of a stack: 1 to 128 letters, digits and hyphens, a letter first", self.0)
    }
}

impl std::error::Error for NotAStackName {}

impl FromStr for StackName {
    type Err = NotAStackName;

    fn from_str(text: &str) -> Result<Self, NotAStackName> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match plain && text.len() <= 128 && text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            true => Ok(Self(text.to_owned())),
            false => Err(NotAStackName(text.to_owned())),
        }
    }
}

impl StackName {
    /// As AWS writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a template is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateAt {
    /// Here; at most [`MOST_BODY_BYTES`].
    Body(String),
    /// In a bucket of the same region; at most 1 MiB.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
}

/// Bytes of a template in a request, at most. Source: CloudFormation user guide, "CloudFormation quotas".
pub const MOST_BODY_BYTES: usize = 51_200;

/// The value of a parameter.
#[derive(Clone, PartialEq, Eq)]
pub enum ParameterValue {
    /// This one.
    Given(String),
    /// This one, which nobody is to see.
    Secret(String),
    /// The one it has.
    Previous,
}

/// Secrets have no text.
impl fmt::Debug for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(value) => f.debug_tuple("Given").field(value).finish(),
            Self::Secret(_) => f.write_str("Secret(…)"),
            Self::Previous => f.write_str("Previous"),
        }
    }
}

/// Whether a change set makes a stack or changes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeSetKind {
    /// It makes one.
    Create,
    /// It changes one.
    Update,
}

/// A change set that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChangeSet {
    /// The stack.
    pub stack: StackName,
    /// The name of the change set; it is also the token that makes a second request the first one.
    pub name: StackName,
    /// What it is for.
    pub kind: ChangeSetKind,
    /// The template.
    pub template: TemplateAt,
    /// Values of parameters; those with a default can be left out.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// Tags of everything in the stack.
    pub tags: BTreeMap<String, String>,
}

/// How a change set stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeSetState {
    /// CloudFormation still compares.
    InProgress,
    /// It can be carried out.
    Ready,
    /// It would change nothing.
    Empty,
    /// It cannot be carried out, and why. Untrusted text.
    Failed(String),
}

/// What happens to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeAction {
    /// It is made.
    Add,
    /// It is changed where it is.
    Change,
    /// It may be replaced: that shows when what it refers to is changed.
    MayReplace,
    /// Another takes its place.
    Replace,
    /// It is taken out of the stack.
    Remove,
    /// Something this program does not know.
    Other,
}

impl ChangeAction {
    /// For people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Change => "change",
            Self::MayReplace => "may replace",
            Self::Replace => "replace",
            Self::Remove => "remove",
            Self::Other => "other",
        }
    }
}

/// What becomes of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceChange {
    /// Its logical id.
    pub logical: String,
    /// Its physical id, where there is one. Untrusted text.
    pub physical: Option<String>,
    /// Its type.
    pub kind: String,
    /// What happens to it.
    pub action: ChangeAction,
    /// Whether what goes stays where it is, outside the stack.
    pub retained: bool,
    /// The properties and attributes that change.
    pub about: BTreeSet<String>,
}

/// A change set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// Its ARN.
    pub id: String,
    /// The stack's ARN.
    pub stack_id: String,
    /// How it stands.
    pub state: ChangeSetState,
    /// What becomes of which resource, by logical id.
    pub changes: Vec<ResourceChange>,
}

/// How a stack stands: CloudFormation's own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackStatus(String);

impl StackStatus {
    /// The status with that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// CloudFormation's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether something is being done to the stack. One that is but a name waits for its change set.
    pub fn is_moving(&self) -> bool {
        self.0.ends_with("_IN_PROGRESS") && !self.is_reserved()
    }

    /// Whether it is being deleted.
    pub fn is_being_deleted(&self) -> bool {
        self.0 == "DELETE_IN_PROGRESS"
    }

    /// Whether it is but a name, which a change set was made for.
    pub fn is_reserved(&self) -> bool {
        self.0 == "REVIEW_IN_PROGRESS"
    }

    /// Whether it was made and can only be deleted: its making failed.
    pub fn is_ruin(&self) -> bool {
        matches!(self.0.as_str(), "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED")
    }

    /// What was done to the stack has come to a good end.
    pub fn is_good(&self) -> bool {
        matches!(self.0.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "DELETE_COMPLETE")
    }

    /// Whether it is gone.
    pub fn is_deleted(&self) -> bool {
        self.0 == "DELETE_COMPLETE"
    }

    /// Whether a person is needed: CloudFormation could neither go on nor go back.
    pub fn is_stuck(&self) -> bool {
        matches!(self.0.as_str(), "UPDATE_ROLLBACK_FAILED" | "ROLLBACK_FAILED" | "DELETE_FAILED")
    }
}

/// A stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// Its ARN.
    pub id: String,
    /// How it stands.
    pub status: StackStatus,
    /// Why. Untrusted text.
    pub reason: Option<String>,
    /// Whether it may not be deleted.
    pub protected: bool,
    /// Parameters with what is shown of their values.
    pub parameters: BTreeMap<String, String>,
    /// What it says of itself.
    pub outputs: BTreeMap<String, String>,
}

/// Something that happened to a stack or to one of its resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackEvent {
    /// Unique within the stack.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The logical id; the stack's name where it is about the stack.
    pub logical: String,
    /// The physical id. Untrusted text.
    pub physical: String,
    /// The type.
    pub kind: String,
    /// How the resource stands since: CloudFormation's own word.
    pub status: String,
    /// Why. Untrusted text.
    pub reason: Option<String>,
}

impl StackEvent {
    /// Whether it is about the stack of that ARN itself, and not about what is in it.
    pub fn is_of(&self, stack: &str) -> bool {
        self.kind == STACK && self.physical == stack
    }

    /// Whether an operation on the stack of that ARN begins with it; a rollback belongs to the operation that failed.
    fn begins(&self, stack: &str) -> bool {
        let begins = ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"];
        self.is_of(stack) && begins.contains(&self.status.as_str())
    }

    /// Whether it says that something was not done for a reason of its own, and not because something else was given up.
    pub fn is_cause(&self) -> bool {
        let follows = self
            .reason
            .as_deref()
            .is_some_and(|reason| reason.starts_with("Resource ") && reason.ends_with(" cancelled"));
        self.status.ends_with("_FAILED") && !follows && self.kind != STACK
    }
}

/// The type of a stack among its own events.
pub const STACK: &str = "AWS::CloudFormation::Stack";

/// The event that everything else that failed follows from: the first of its own reason. Events are from old to new.
pub fn first_cause(events: &[StackEvent]) -> Option<&StackEvent> {
    events.iter().find(|event| event.is_cause())
}

/// How many of these events were there when the operation began that is the newest on the stack of that ARN. Events are from
/// old to new; all belong to it where none says that it began.
pub fn before_last_operation(events: &[StackEvent], stack: &str) -> usize {
    events.iter().rposition(|event| event.begins(stack)).unwrap_or(0)
}

/// CloudFormation in one cell.
#[async_trait]
pub trait Stacks: Send + Sync {
    /// What CloudFormation refuses of a template; nothing where it takes it.
    ///
    /// # Errors
    /// The failure of the call, but not a refusal of the template.
    async fn refusal(&self, cell: &Cell<'_>, template: &TemplateAt) -> Result<Option<String>, Failure>;

    /// A stack by its name, or a deleted one by its ARN; none where there is none.
    ///
    /// # Errors
    /// The failure of the call.
    async fn stack(&self, cell: &Cell<'_>, named: &str) -> Result<Option<Stack>, Failure>;

    /// The template a stack was made from, as it was given.
    ///
    /// # Errors
    /// The failure of the call.
    async fn template(&self, cell: &Cell<'_>, stack: &str) -> Result<String, Failure>;

    /// Makes a change set, or finds the one of the same name and token; its ARN.
    ///
    /// # Errors
    /// The failure of the call.
    async fn make_change_set(&self, cell: &Cell<'_>, new: &NewChangeSet) -> Result<String, Failure>;

    /// A change set by its ARN, with all its changes.
    ///
    /// # Errors
    /// The failure of a call.
    async fn change_set(&self, cell: &Cell<'_>, id: &str) -> Result<ChangeSet, Failure>;

    /// Begins to carry a change set out; a second time with the same token changes nothing. Where it fails, what it has
    /// made new is deleted again, also what would stay otherwise: names that are taken would keep the next try from
    /// succeeding.
    ///
    /// # Errors
    /// The failure of the call.
    async fn carry_out(
        &self,
        cell: &Cell<'_>,
        stack: &StackName,
        id: &str,
        token: &str,
    ) -> Result<(), Failure>;

    /// Deletes a change set; one that is not there is deleted already.
    ///
    /// # Errors
    /// The failure of the call.
    async fn drop_change_set(&self, cell: &Cell<'_>, stack: &StackName, id: &str) -> Result<(), Failure>;

    /// What happened to a stack after the event of that id, or ever, from old to new.
    ///
    /// # Errors
    /// The failure of a call.
    async fn events(
        &self,
        cell: &Cell<'_>,
        stack: &str,
        after: Option<&str>,
    ) -> Result<Vec<StackEvent>, Failure>;

    /// Begins to delete a stack, by its ARN; one that is gone is deleted already.
    ///
    /// # Errors
    /// The failure of the call.
    async fn delete_stack(&self, cell: &Cell<'_>, stack: &str, token: &str) -> Result<(), Failure>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(logical: &str, kind: &str, status: &str, reason: &str) -> StackEvent {
        StackEvent {
            id: String::new(),
            at: Timestamp::UNIX_EPOCH,
            logical: logical.to_owned(),
            physical: String::new(),
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
        }
    }

    #[test]
    fn names_of_stacks_are_told_from_others() {
        assert_eq!(
            "fleetwright-hub-prod".parse::<StackName>().map(|it| it.to_string()),
            Ok("fleetwright-hub-prod".to_owned())
        );
        for odd in ["", "1a", "a_b", "-a", &"x".repeat(129)] {
            assert_eq!(odd.parse::<StackName>(), Err(NotAStackName(odd.to_owned())));
        }
    }

    #[test]
    fn the_first_cause_is_not_what_was_given_up_for_it() {
        let events = [
            event("Key", "AWS::KMS::Key", "CREATE_IN_PROGRESS", "x"),
            event("Log", "AWS::Logs::LogGroup", "CREATE_FAILED", "Resource creation cancelled"),
            event("Key", "AWS::KMS::Key", "CREATE_FAILED", "no right"),
            event("hub", STACK, "ROLLBACK_FAILED", "x"),
        ];
        assert_eq!(first_cause(&events).map(|event| event.logical.as_str()), Some("Key"));
        assert_eq!(first_cause(&events[..2]), None);
    }

    #[test]
    fn the_newest_operation_begins_with_what_the_stack_says_of_itself_and_a_rollback_belongs_to_it() {
        let of_stack = |id: &str, status: &str| StackEvent {
            physical: id.to_owned(),
            ..event("hub", STACK, status, "")
        };
        let events = [
            of_stack("arn", "CREATE_IN_PROGRESS"),
            of_stack("arn", "CREATE_COMPLETE"),
            of_stack("arn", "UPDATE_IN_PROGRESS"),
            of_stack("within", "CREATE_IN_PROGRESS"),
            of_stack("arn", "UPDATE_ROLLBACK_IN_PROGRESS"),
        ];
        assert_eq!(before_last_operation(&events, "arn"), 2);
        assert_eq!(before_last_operation(&events[..2], "arn"), 0);
        assert_eq!(before_last_operation(&events, "other"), 0);
    }

    #[test]
    fn a_secret_value_is_in_no_text() {
        let value = ParameterValue::Secret("hunter2".to_owned());
        assert!(!format!("{value:?}").contains("hunter2"));
    }

    #[test]
    fn a_stack_that_is_but_a_name_does_not_move() {
        assert!(!StackStatus::new("REVIEW_IN_PROGRESS").is_moving());
        assert!(StackStatus::new("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS").is_moving());
        assert!(StackStatus::new("UPDATE_ROLLBACK_FAILED").is_stuck());
    }
}
