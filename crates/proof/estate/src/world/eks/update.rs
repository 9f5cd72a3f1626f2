//! Updates: what was asked for, how far it is, and how it ended.

use jiff::Timestamp;

use super::addons::{self, Kind};
use super::node_groups::roll::Roll;
use super::version::Minor;
use super::{Cluster, Ground, control_plane};
use crate::world::command::uuid;

/// What is updated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The cluster itself.
    Cluster,
    /// A managed node group, by name.
    NodeGroup(String),
    /// An add-on, by name.
    Addon(String),
}

/// How far an update is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not at its end.
    InProgress,
    /// It is done.
    Successful,
    /// It could not be done.
    Failed,
    /// Somebody has taken it back, or its time was over.
    Cancelled,
}

impl Status {
    /// The API's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// Why an update failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The API's code.
    pub code: String,
    /// For people.
    pub message: String,
    /// What it is about.
    pub resources: Vec<String>,
}

/// What an update does.
#[derive(Clone, Debug)]
pub enum Work {
    /// The control plane goes to a version.
    ControlPlane(Minor),
    /// The control plane goes back to a version. In Auto Mode nodes go first, until the given moment at most.
    Rollback {
        /// The version.
        to: Minor,
        /// True while nodes go back.
        nodes: bool,
        /// When it is given up.
        deadline: Timestamp,
    },
    /// A node group's nodes are replaced.
    Roll(Roll),
    /// An add-on changes.
    Addon(addons::Wish),
    /// Something that was changed at once.
    Configuration,
}

/// An update.
#[derive(Clone, Debug)]
pub struct Update {
    /// Its id, a UUID.
    pub id: String,
    /// The token that it was asked for with, and a digest of what else was asked.
    pub token: Option<(String, String)>,
    /// What is updated.
    pub subject: Subject,
    /// The API's word for the kind.
    pub kind: &'static str,
    /// What is shown of what was asked for: type, value.
    pub params: Vec<(&'static str, String)>,
    /// How far it is.
    pub status: Status,
    /// When it was asked for.
    pub created: Timestamp,
    /// Why it failed.
    pub problems: Vec<Problem>,
    /// How asking to take it back went: status, reason.
    pub cancellation: Option<(&'static str, String)>,
    /// The token that it was taken back with.
    pub cancelled_with: Option<String>,
    /// What it does.
    pub work: Work,
}

impl Cluster {
    /// The update that goes on with a subject.
    #[must_use]
    pub fn updating(&self, subject: &Subject) -> Option<&Update> {
        self.updates.iter().find(|it| it.status == Status::InProgress && it.subject == *subject)
    }

    /// An update by its id.
    #[must_use]
    pub fn update(&self, id: &str) -> Option<&Update> {
        self.updates.iter().find(|it| it.id == id)
    }

    /// The same, to be changed.
    pub fn update_mut(&mut self, id: &str) -> Option<&mut Update> {
        self.updates.iter_mut().find(|it| it.id == id)
    }

    /// Begins an update, whose id it returns.
    pub fn begin(
        &mut self,
        ground: &Ground<'_>,
        subject: Subject,
        (kind, params): (&'static str, Vec<(&'static str, String)>),
        token: Option<(String, String)>,
        work: Work,
    ) -> String {
        let id = uuid(ground.draw(self, "update"));
        self.updates.push(Update {
            id: id.clone(),
            token,
            subject,
            kind,
            params,
            status: Status::InProgress,
            created: ground.now,
            problems: Vec::new(),
            cancellation: None,
            cancelled_with: None,
            work,
        });
        id
    }

    /// Ends an update; with problems it has failed.
    pub fn end(&mut self, id: &str, problems: Vec<Problem>) {
        if let Some(update) = self.update_mut(id) {
            update.status = if problems.is_empty() { Status::Successful } else { Status::Failed };
            update.problems = problems;
        }
    }
}

/// An update goes on, or is over.
pub fn go_on(cluster: &mut Cluster, catalog: &[Kind], ground: &mut Ground<'_>, id: &str) {
    let Some(update) = cluster.update(id).filter(|it| it.status == Status::InProgress) else { return };
    match update.work.clone() {
        Work::ControlPlane(to) => control_plane::upgraded(cluster, catalog, ground, id, to),
        Work::Rollback { to, nodes, deadline } => {
            control_plane::rolled_back(cluster, catalog, ground, id, (to, nodes, deadline));
        }
        Work::Addon(wish) => addons::updated(cluster, ground, id, &wish),
        Work::Configuration => cluster.end(id, Vec::new()),
        Work::Roll(_) => {}
    }
}
