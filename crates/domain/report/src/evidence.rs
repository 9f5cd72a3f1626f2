//! The record of a run: one value that every report of it is a view of.
//!
//! It is folded from the plan, the journal's records, what was kept of the fleet when it was read, and
//! the files of the hosts ([`fold`]). Equal inputs give equal records; nothing here asks a clock, a disk
//! or AWS. All texts that came from AWS, from hosts or from people are untrusted: what looks like a
//! secret is taken out of them here, and each report makes them safe for the place they go to.

mod errors;
mod fold;
mod host;
mod waves;

use std::collections::BTreeMap;

use fleetwright_flow::{Epoch, RunView};
use fleetwright_model::{AccountId, Exit, Phase, Region, Text, ZoneName};
use fleetwright_patch::milestones::Milestones;
use fleetwright_patch::outcome::HostOutcome;
use fleetwright_patch::plan::policy::{Operation, RebootStrategy};
use fleetwright_patch::plan::{Estimate, LeftOut, Parent, PlannedGap, Scanned};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fields::Standing;
use crate::json::CallCount;

pub use errors::{ErrorGroup, ErrorSubject};
pub use fold::{Folding, fold};
pub use host::{
    ChangeRecord, CheckRecord, HostFiles, KeptOutput, PatchRecord, PrecheckFile, RunHost, StepNote,
    StepOutcome, StepRecord, StepTrouble,
};
pub use waves::{GateCheck, GateKind, GateRecord, WaveRecord, gate_state};

/// Everything that is told of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord<'a> {
    /// What it is, and how it ended as a whole.
    pub header: RunHeader,
    /// Its waves, in order; a plan without waves has one, which holds every host.
    pub waves: Vec<WaveRecord>,
    /// Its gates, in order: what was decided, and what was looked at between waves.
    pub gates: Vec<GateRecord>,
    /// Its hosts, in the plan's order.
    pub hosts: Vec<RunHost<'a>>,
    /// Its regions whose old images were cleaned up.
    pub clean_ups: Vec<CleanUpRecord>,
    /// Hosts of the selection that were not worked on, and why.
    pub left_out: &'a [LeftOut],
    /// What could not be read when the plan was made.
    pub gaps: &'a [PlannedGap],
    /// Everything that went wrong, by code, what concerns most hosts first.
    pub errors: Vec<ErrorGroup>,
    /// How compliant it is, added up over what people ask by.
    pub compliance: Vec<Standing>,
    /// Calls sent to AWS, by IAM action, as far as they were counted.
    pub calls: BTreeMap<String, CallCount>,
    /// Where it stands: stages, steps, budgets, windows.
    pub view: RunView,
    /// What held it, and who let it go on.
    pub milestones: Milestones,
    /// How compliant the fleet was after earlier runs, oldest first; this run is the last.
    pub trend: Vec<TrendPoint>,
}

/// A run as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct RunHeader {
    /// Its name.
    pub run: Text,
    /// SHA-256 of its plan, hexadecimal.
    pub digest: Text,
    /// The version that writes the report.
    pub fleetwright: Text,
    /// The program that made the plan.
    pub planned_by: Text,
    /// When the plan was made.
    pub planned_at: Timestamp,
    /// When the fleet was read.
    pub scanned: Scanned,
    /// The phases that were planned.
    pub phases: Vec<Phase>,
    /// The run it continues, where it does.
    pub parent: Option<Parent>,
    /// When it was opened.
    pub started_at: Option<Timestamp>,
    /// When its last record was written.
    pub ended_at: Option<Timestamp>,
    /// Seconds from the first record to the last.
    pub seconds: u64,
    /// 200 complete, 202 under way, 206 partial, 500 did not reach its end (REQUIREMENTS RE-9).
    pub status: u16,
    /// The exit code.
    pub exit: Exit,
    /// The code of why it is not plain success.
    pub code: Option<&'static str>,
    /// The same in a few words.
    pub reason: Option<&'static str>,
    /// What to do next.
    pub next_step: Option<&'static str>,
    /// Who drove it, in order.
    pub owners: Vec<OwnerRecord>,
    /// What the plan expected.
    pub estimate: Estimate,
    /// What Patch Manager is asked to do, where a host does not say otherwise.
    pub operation: Operation,
    /// When hosts are rebooted, where one does not say otherwise.
    pub reboot: RebootStrategy,
    /// The head of the audit log, where there is one.
    pub audit: Option<AuditHead>,
}

/// A process that drove the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OwnerRecord {
    /// Since when.
    pub at: Timestamp,
    /// The ownership its records were written under.
    pub epoch: Epoch,
    /// Who, for people. Untrusted text.
    pub name: Text,
}

/// The head of a run's audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditHead {
    /// Records in the log.
    pub records: u64,
    /// The hash of the last one, hexadecimal.
    pub hash: Text,
    /// The public key that signed it, where it is signed.
    pub key: Option<Text>,
}

/// A region whose images past their retention were deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleanUpRecord {
    /// The landing zone.
    pub zone: ZoneName,
    /// Its account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// How it ended.
    pub outcome: HostOutcome,
    /// The code of the reason, where it did not end well.
    pub code: Option<Text>,
    /// The reason in words. Untrusted text.
    pub message: Option<Text>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Images deregistered.
    pub images: Option<u32>,
    /// Snapshots deleted.
    pub snapshots: Option<u32>,
    /// Images past their retention that were kept, because an instance may need them.
    pub kept: Option<u32>,
}

/// How compliant the fleet was after one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrendPoint {
    /// The run.
    pub run: Text,
    /// When it ended, or its last record was written.
    pub at: Timestamp,
    /// Its hosts.
    pub hosts: u32,
    /// Those that ended in success.
    pub succeeded: u32,
    /// Those whose compliance is known.
    pub judged: u32,
    /// Of those, the compliant.
    pub compliant: u32,
    /// Patches missing or failed on them together.
    pub patches_missing: u64,
}

impl RunRecord<'_> {
    /// How many hosts ended how, best first; outcomes that nobody had are left out.
    pub fn outcomes(&self) -> Vec<(HostOutcome, u32)> {
        let count = |outcome: HostOutcome| {
            let hosts = self.hosts.iter().filter(|host| host.outcome == outcome).count();
            u32::try_from(hosts).unwrap_or(u32::MAX)
        };
        let counts = HostOutcome::ALL.into_iter().map(|outcome| (outcome, count(outcome)));
        counts.filter(|(_, hosts)| *hosts > 0).collect()
    }
}
