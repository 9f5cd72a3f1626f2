//! Maintenance windows of Systems Manager: the service's own schedules, with what they do to whom.

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure, Partial, Text};
use jiff::Timestamp;

/// Windows of one account and region at most. Source: AWS General Reference, Systems Manager quotas.
pub const MOST_WINDOWS: usize = 50;
/// Values of one selection at most, and selections of one target. Source: SSM API reference, Target
/// and RegisterTargetWithMaintenanceWindow.
pub const MOST_VALUES: usize = 50;
/// Selections of one target at most.
pub const MOST_SELECTIONS: usize = 5;

/// A window as the service has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaintenanceWindow {
    /// Its id, `mw-…`.
    pub id: Text,
    /// Its name; several may have the same.
    pub name: Text,
    /// Whether it opens at all.
    pub enabled: bool,
    /// When it opens, as a cron, rate or at expression.
    pub schedule: Text,
    /// The time zone of the schedule; UTC without one.
    pub time_zone: Option<Text>,
    /// How long it is open.
    pub duration_hours: u32,
    /// Nothing starts in so much of its end.
    pub cutoff_hours: u32,
    /// When it opens next; none where it never does again.
    pub next: Option<Timestamp>,
}

/// Instances by a tag (`tag:Patch Group`), by a tag's presence (`tag-key`) or by id (`InstanceIds`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selection {
    /// What is compared.
    pub key: Text,
    /// One of these.
    pub values: Vec<Text>,
}

/// Whom a window's tasks may go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowTarget {
    /// Its id within the window.
    pub id: Text,
    /// All of these hold.
    pub selections: Vec<Selection>,
}

/// What a window does when it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowTask {
    /// Its id within the window.
    pub id: Text,
    /// Whether it runs a document's commands on instances.
    pub runs_command: bool,
    /// The document's name or ARN.
    pub document: Text,
    /// Whom it goes to: targets of the window (`WindowTargetIds`), or instances.
    pub targets: Vec<Selection>,
    /// On how many at once, as a count or percentage.
    pub max_concurrency: Option<Text>,
    /// After how many errors it stops, as a count or percentage.
    pub max_errors: Option<Text>,
}

/// A window that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWindow {
    /// Its name: 3 to 128 letters, digits, `_`, `-` and `.`.
    pub name: Text,
    /// What it is for, up to 128 characters; empty for nothing.
    pub description: Text,
    /// A cron or at expression.
    pub schedule: Text,
    /// The schedule's time zone.
    pub time_zone: Option<Text>,
    /// 1 to 24.
    pub duration_hours: u32,
    /// Less than the duration.
    pub cutoff_hours: u32,
    /// Makes the same call again harmless: 1 to 64 characters.
    pub token: Text,
}

/// A task that is to be registered: a document that is run on the window's targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// The document.
    pub document: Text,
    /// Its parameters.
    pub parameters: Vec<(Text, Vec<String>)>,
    /// Ids of the window's targets.
    pub targets: Vec<Text>,
    /// On how many at once, as a count or percentage.
    pub max_concurrency: Text,
    /// After how many errors it stops, as a count or percentage.
    pub max_errors: Text,
    /// As [`NewWindow::token`].
    pub token: Text,
}

/// The maintenance windows of one cell.
#[async_trait]
pub trait MaintenanceWindows: Send + Sync {
    /// Every window.
    async fn windows(&self, cell: &Cell<'_>) -> Partial<MaintenanceWindow>;

    /// When the window opens next, in order: up to a hundred times.
    async fn openings(&self, cell: &Cell<'_>, window: &str) -> Partial<Timestamp>;

    /// Whom it goes to.
    async fn targets(&self, cell: &Cell<'_>, window: &str) -> Partial<WindowTarget>;

    /// What it does.
    async fn tasks(&self, cell: &Cell<'_>, window: &str) -> Partial<WindowTask>;

    /// Makes a window without targets and tasks, once per token. Gives its id.
    ///
    /// # Errors
    /// The service refuses it, or the reply is lost (`Ambiguous`).
    async fn create_window(&self, cell: &Cell<'_>, window: &NewWindow) -> Result<Text, Failure>;

    /// Registers a target, once per token. Gives its id.
    ///
    /// # Errors
    /// As [`MaintenanceWindows::create_window`]; there is no such window.
    async fn register_target(
        &self,
        cell: &Cell<'_>,
        window: &str,
        selections: &[Selection],
        token: &str,
    ) -> Result<Text, Failure>;

    /// Registers a task that goes to no further host once the cutoff is reached; what runs is finished.
    /// Once per token. Gives its id.
    ///
    /// # Errors
    /// As [`MaintenanceWindows::register_target`].
    async fn register_task(&self, cell: &Cell<'_>, window: &str, task: &NewTask) -> Result<Text, Failure>;

    /// Deletes a window with its targets and tasks; one that is gone is no error.
    ///
    /// # Errors
    /// The service refuses.
    async fn delete_window(&self, cell: &Cell<'_>, window: &str) -> Result<(), Failure>;
}
