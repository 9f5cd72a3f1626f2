//! Invariants over what happened: what a well-behaved client never does.
//!
//! The numbers are those of the safety invariants the project keeps. Some are about single calls
//! ([`calls`]) and hold for every client; the others are about a whole run, of which the caller
//! says what it was meant to do ([`Run`]). The evidence is the call log and what the world itself
//! noted: its diary, and the history of its hosts.

pub mod availability;
mod backups;
pub mod calls;
mod control;
mod effects;
mod evidence;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calls::CallRecord;
use crate::world::{AccountId, World};

pub use calls::check;

/// How accounts are meant to be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The account the hub principal lives in.
    pub hub: AccountId,
    /// Per account the ARNs of the roles it may be reached through. An account without an entry
    /// may be reached through any role of its own.
    pub roles: BTreeMap<AccountId, BTreeSet<String>>,
}

/// Whether the run under check was meant to change anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Changes are listed.
    #[default]
    Real,
    /// Every change is a finding.
    DryRun,
}

/// An invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Invariant {
    /// No more members of a group out of service at once than its budget has.
    I1,
    /// No install without a usable backup.
    I7,
    /// No backup deleted within its retention or while its instance is not healthy.
    I8,
    /// One reboot per instance and run, one install per instance and set of patches.
    I9,
    /// No change after a stop.
    I15,
    /// No effect twice.
    I19,
    /// No change to an instance that is not the one that was planned for.
    I23,
    /// No avoidable throttling; no bucket below zero.
    I24,
    /// Every request is one AWS accepts.
    I25,
    /// Each account is reached only through its own role, from the hub.
    I29,
    /// No call with expired credentials.
    I30,
    /// A dry run changes nothing.
    I31,
    /// What was taken out of service or started is put back.
    I33,
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which invariant.
    pub invariant: Invariant,
    /// What happened, in one sentence.
    pub detail: String,
    /// Request id of the call, where one call is at fault.
    pub call: Option<String>,
}

/// The verdict over a call log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether there is no finding.
    pub ok: bool,
    /// Every broken invariant, in the order of the log.
    pub findings: Vec<Finding>,
    /// Request ids of the calls that changed the world.
    pub mutations: Vec<String>,
}

/// What a run was meant to do, for the invariants about whole runs.
///
/// As JSON it is the body of `POST /_estate/check`; whatever is left out is at its default, and
/// `retention` is written as in `"24h"`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// When it began: backups must be newer, and its reboots are counted from then on.
    pub since: Timestamp,
    /// Instances that may be patched without a backup, by id.
    pub without_backup: BTreeSet<String>,
    /// How long a backup must be kept.
    pub retention: SignedDuration,
    /// The instances it was planned for: id and launch time. Empty where that is not to be judged.
    pub planned: BTreeMap<String, Timestamp>,
    /// Moments after which a principal, by its ARN with `*` and `?`, must not change anything.
    pub stops: Vec<(Timestamp, String)>,
    /// How many members of a group may be out of service at once: by group (`targetgroup/NAME`,
    /// `loadbalancer/NAME`, `autoscaling/NAME`), with `*` and `?`. Groups that none fits are not judged.
    pub most_out: BTreeMap<String, usize>,
    /// Whether the run is over, so that everything has to be as it was.
    pub phase: Phase,
}

/// Whether a run is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It goes on.
    #[default]
    Going,
    /// It has come to its end.
    Ended,
}

/// Judges a run by what was asked and what really happened.
#[must_use]
pub fn check_run(records: &[CallRecord], world: &World, run: &Run) -> Vec<Finding> {
    let evidence = evidence::Evidence::gather(records, world);
    let mut findings = backups::check(&evidence, run);
    findings.extend(effects::check(&evidence, run));
    findings.extend(control::check(&evidence, run));
    findings.extend(availability::check(&evidence, run));
    findings
}
