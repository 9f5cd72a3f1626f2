//! What a run is about, as far as people are told of it.

mod patching;
mod upgrading;

use std::fmt::Debug;

use fleetwright_flow::{FailedStep, Plan, Run, StageId, TargetId};
use fleetwright_model::{AccountId, Code, Phase, Text, ZoneName};
use jiff::Timestamp;

use crate::notice::{Counts, HostNamed, Kind, Severity};

/// Makes text of others fit to be told: one line, without secrets, of bounded length.
pub type Clean<'c> = &'c dyn Fn(&str) -> String;

/// What a run is about: patches of hosts, or upgrades of clusters.
pub trait Subject: Debug + Send + Sync {
    /// What the kernel walks.
    fn flow(&self) -> &Plan;

    /// The landing zones that it works in, each with its account.
    fn zones(&self) -> Vec<(ZoneName, AccountId)>;

    /// The command that shows the run.
    fn shown_by(&self) -> &'static str;

    /// Whether a target looks on behalf of a stage: what it finds speaks against all that follows.
    fn is_gate(&self, target: TargetId) -> bool;

    /// What is decided at the gate of a stage, line by line; nothing where the stage's name says it. Untrusted text.
    fn asked_at(&self, stage: StageId) -> &[String];

    /// The end of a target, where it is no good one. `failure` is the last word of its failures.
    fn ended(
        &self,
        run: &Run,
        target: TargetId,
        failure: Option<&FailedStep>,
        clean: Clean<'_>,
    ) -> Option<TargetEnd>;

    /// The run as a whole, once it is over.
    fn summary(&self, run: &Run, at: Timestamp) -> Summary;
}

/// The end of a target that people are told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetEnd {
    /// What happened.
    pub kind: Kind,
    /// How much it matters.
    pub severity: Severity,
    /// In a few words.
    pub title: String,
    /// The host, where it is one.
    pub host: Option<HostNamed>,
    /// The phase, where there are phases.
    pub phase: Option<Phase>,
    /// The code of the reason.
    pub code: Option<Text>,
}

/// A run as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Why it did not end in success.
    pub why: Option<&'static Code>,
    /// How many ended how.
    pub counts: Counts,
}
