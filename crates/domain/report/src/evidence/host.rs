//! One host of a run: what it is, what was done to it, and what it keeps.

use std::borrow::Cow;
use std::fmt;

use fleetwright_flow::{Direction, TargetId};
use fleetwright_host::HostFinding;
use fleetwright_model::redaction::redact;
use fleetwright_model::{AccountId, ErrorClass, PatchStatus, Region, Text, ZoneName};
use fleetwright_patch::outcome::HostOutcome;
use fleetwright_patch::plan::notes::{
    BackupNote, DrainNote, PatchNote, PrecheckNote, ProbeNote, RebootNote, RestoreNote, ReturnNote,
    StartNote, ValidateNote, VerifyNote, step,
};
use fleetwright_patch::plan::{Backup, PlannedHost};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::{HostRecord, SharedTexts, cleared};

/// One host.
#[derive(Clone, Debug, PartialEq)]
pub struct RunHost<'a> {
    /// The kernel's target.
    pub target: TargetId,
    /// The wave it is in, as a place in the record's list.
    pub wave: u16,
    /// Its landing zone.
    pub zone: ZoneName,
    /// Its account.
    pub account: AccountId,
    /// Its region.
    pub region: Region,
    /// The host as it was planned.
    pub planned: &'a PlannedHost,
    /// What was known of it when the fleet was read; what the run kept nothing of is not checked.
    pub inventory: Box<HostRecord>,
    /// How it ended.
    pub outcome: HostOutcome,
    /// The step that decided, where one did.
    pub step: Option<Text>,
    /// The code of the reason.
    pub code: Option<Text>,
    /// What kind of failure it was, where a step failed.
    pub class: Option<ErrorClass>,
    /// The reason in words, where a step failed. Untrusted text.
    pub message: Option<Text>,
    /// When its first step was started.
    pub started_at: Option<Timestamp>,
    /// When its last step ended.
    pub ended_at: Option<Timestamp>,
    /// What was done, in order: every attempt, and every step that was skipped.
    pub timeline: Vec<StepRecord>,
    /// What its files say; none where the run kept none of it.
    pub files: Option<Box<HostFiles>>,
}

/// One attempt at a step, or a step that was skipped without one.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// The step, as the recipe names it ([`step`]).
    pub step: Text,
    /// Which way.
    pub direction: Direction,
    /// From 1; 0 where it was skipped before it started.
    pub attempt: u16,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What came of it.
    pub outcome: StepOutcome,
    /// What the other side calls it: an image, a command, a task.
    pub handle: Option<Text>,
    /// What is to be said of it beyond success.
    pub trouble: Option<Box<StepTrouble>>,
    /// What it left for later steps and reports.
    pub note: Option<Box<StepNote>>,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// Nothing yet.
    InFlight,
    /// The step is done.
    Succeeded,
    /// It failed, and was to be tried again.
    Retried,
    /// It failed for good.
    Failed,
    /// It was not needed, or the host was left as it is.
    Skipped,
}

impl StepOutcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [Self::InFlight, Self::Succeeded, Self::Retried, Self::Failed, Self::Skipped];

    /// The outcome as reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InFlight => "in_flight",
            Self::Succeeded => "succeeded",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// Why an attempt is not plain success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepTrouble {
    /// The code.
    pub code: Text,
    /// What kind of failure; none where it did not fail.
    pub class: Option<ErrorClass>,
    /// What happened. Untrusted text.
    pub message: Option<Text>,
    /// When the next attempt may start.
    pub retry_at: Option<Timestamp>,
}

/// What a step left, read back.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is the note of the step it is named for")]
pub enum StepNote {
    Backup(BackupNote),
    Start(StartNote),
    Precheck(PrecheckNote),
    Drain(DrainNote),
    Patch(PatchNote),
    Reboot(RebootNote),
    Verify(VerifyNote),
    Validate(ValidateNote),
    Probe(ProbeNote),
    Return(ReturnNote),
    Restore(RestoreNote),
}

impl StepNote {
    /// Reads the note a step of that name left; none where the step leaves none, or a later version
    /// wrote it otherwise.
    pub fn read(name: &str, text: &str) -> Option<Self> {
        use fleetwright_patch::plan::notes::read;
        let mut note = match name {
            step::BACKUP => read(text).map(Self::Backup),
            step::START => read(text).map(Self::Start),
            step::PRECHECK => read(text).map(Self::Precheck),
            step::DRAIN => read(text).map(Self::Drain),
            step::PATCH => read(text).map(Self::Patch),
            step::REBOOT => read(text).map(Self::Reboot),
            step::VERIFY => read(text).map(Self::Verify),
            step::VALIDATE | step::VALIDATE_RESTORED => read(text).map(Self::Validate),
            step::PROBE | step::PROBE_RESTORED => read(text).map(Self::Probe),
            step::RETURN => read(text).map(Self::Return),
            step::RESTORE => read(text).map(Self::Restore),
            _ => None,
        }?;
        note.clear();
        Some(note)
    }

    /// Lets texts share one allocation with the handle of their step, or with those of other hosts.
    pub(super) fn share(&mut self, handle: Option<&Text>, texts: &mut SharedTexts) {
        let named = match self {
            Self::Backup(note) => &mut note.image,
            Self::Patch(note) => &mut note.command,
            Self::Reboot(note) => return texts.share(&mut note.evidence),
            _ => return,
        };
        if let Some(handle) = handle.filter(|handle| *handle == named) {
            *named = Text::clone(handle);
        }
    }

    /// Takes secrets out of what hosts said.
    fn clear(&mut self) {
        let lists: Vec<&mut Vec<Text>> = match self {
            Self::Precheck(note) => vec![&mut note.warnings],
            Self::Verify(note) => note.drift.iter_mut().map(|drift| &mut drift.named).collect(),
            Self::Validate(note) => vec![&mut note.worse, &mut note.not_compared, &mut note.facts],
            _ => Vec::new(),
        };
        lists.into_iter().flatten().for_each(|text| *text = cleared(text));
        if let Self::Reboot(note) = self {
            note.evidence = cleared(&note.evidence);
        }
    }
}

/// What the files of one host say, as far as reports show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFiles {
    /// The judgement before patching.
    pub precheck: Option<PrecheckFile>,
    /// Single patches after patching; kept for hosts whose patches are not all in order.
    pub patches: Vec<PatchRecord>,
    /// Why there may be more of them, where the listing broke off. Untrusted text.
    pub patches_incomplete: Option<Text>,
    /// What differs from before, heaviest first.
    pub changes: Vec<ChangeRecord>,
    /// Files of the host among the run's artefacts, e.g. what it answered before and after.
    pub outputs: Vec<KeptOutput>,
}

/// The judgement before patching.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrecheckFile {
    /// `ready`, `not_ready` or `unreachable`.
    pub verdict: Text,
    /// `online`, `lost`, `inactive`, `never_registered` or `unknown`.
    pub agent: Text,
    /// The agent's version, where it is known. Untrusted text.
    #[serde(default)]
    pub agent_version: Option<Text>,
    /// What decided, where it is not a finding on the host itself. Untrusted text.
    #[serde(default)]
    pub reason: Option<Text>,
    /// What was found on the host.
    #[serde(default, rename = "findings")]
    pub checks: Vec<CheckRecord>,
}

/// One finding of the precheck.
pub type CheckRecord = HostFinding;

/// One patch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchRecord {
    /// Its title; on Linux the package with its version. Untrusted text.
    pub title: Text,
    /// The knowledge-base id, on Linux the package with its architecture. Untrusted text.
    pub kb: Text,
    /// E.g. `SecurityUpdates`. Untrusted text.
    pub classification: Text,
    /// E.g. `Critical`. Untrusted text.
    pub severity: Text,
    /// What was found.
    pub state: PatchStatus,
    /// When it was installed, where it was and the host knows.
    #[serde(default)]
    pub installed_at: Option<Timestamp>,
    /// The CVEs it closes. Untrusted texts.
    #[serde(default)]
    pub cves: Vec<Text>,
}

/// One difference between before and after.
pub type ChangeRecord = fleetwright_host::Change;

/// A file of a host among the run's artefacts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct KeptOutput {
    /// `pre` or `post`.
    pub taken: &'static str,
    /// Its name, e.g. `stdout.txt`.
    pub file: Text,
}

impl KeptOutput {
    /// Its key among the run's artefacts.
    pub fn key(&self, host: &RunHost<'_>) -> String {
        format!("{}/{}/{}", self.taken, host.directory(), self.file)
    }
}

impl HostFiles {
    /// Gives back the room that lists keep for more.
    pub(super) fn shrink(&mut self) {
        self.patches.shrink_to_fit();
        self.changes.shrink_to_fit();
        self.outputs.shrink_to_fit();
        self.precheck.iter_mut().for_each(|precheck| precheck.checks.shrink_to_fit());
    }

    /// Takes secrets out of what hosts and Patch Manager said, and lets equal texts share one
    /// allocation.
    pub fn clear(&mut self, texts: &mut SharedTexts) {
        let clear = |text: &mut String| {
            if let Cow::Owned(clean) = redact(text) {
                *text = clean;
            }
        };
        if let Some(precheck) = &mut self.precheck {
            [&mut precheck.reason, &mut precheck.agent_version]
                .into_iter()
                .flatten()
                .for_each(|text| *text = cleared(text));
            texts.share(&mut precheck.verdict);
            texts.share(&mut precheck.agent);
            for check in &mut precheck.checks {
                [&mut check.observed, &mut check.limit, &mut check.action].into_iter().for_each(clear);
                check.subject.iter_mut().for_each(clear);
            }
        }
        for change in &mut self.changes {
            [&mut change.subject, &mut change.before, &mut change.after].into_iter().for_each(clear);
        }
        for patch in &mut self.patches {
            let plain = [&mut patch.title, &mut patch.kb, &mut patch.classification, &mut patch.severity];
            plain.into_iter().chain(&mut patch.cves).for_each(|text| {
                *text = cleared(text);
                texts.share(text);
            });
        }
        self.patches_incomplete.iter_mut().for_each(|text| *text = cleared(text));
        self.outputs.iter_mut().for_each(|output| texts.share(&mut output.file));
    }
}

impl RunHost<'_> {
    /// Its `Name` tag, cleared of secrets. Untrusted text.
    pub fn name(&self) -> Option<&str> {
        self.inventory.name.as_deref()
    }

    /// Its directory below `pre` or `post` among the run's artefacts.
    pub fn directory(&self) -> impl fmt::Display {
        fmt::from_fn(|f| {
            let (account, region, PlannedHost { os, id, .. }) = (&self.account, &self.region, self.planned);
            write!(f, "account-{account}/region-{region}/{os}/{id}")
        })
    }

    /// The last attempt at a step of that name, on either way; a skipped one only where there is no
    /// other.
    pub fn last(&self, name: &str) -> Option<&StepRecord> {
        let mut of_name = self.timeline.iter().rev().filter(|visit| &*visit.step == name);
        let last = of_name.clone().find(|visit| visit.outcome != StepOutcome::Skipped);
        last.or_else(|| of_name.next())
    }

    /// The note a step of that name left.
    fn note(&self, name: &str) -> Option<&StepNote> {
        let left = self.timeline.iter().rev().filter(|visit| &*visit.step == name);
        left.filter_map(|visit| visit.note.as_deref()).next()
    }

    /// The image it has as its way back: one of this run or, where the plan found one, of an earlier.
    pub fn image(&self) -> Option<&str> {
        match (self.backup(), &self.planned.backup) {
            (Some(note), _) => Some(&note.image),
            (None, Backup::Existing { image }) => Some(image),
            (None, _) => None,
        }
    }

    /// Its image of this run.
    pub fn backup(&self) -> Option<&BackupNote> {
        match self.note(step::BACKUP)? {
            StepNote::Backup(note) => Some(note),
            _ => None,
        }
    }

    /// What was found before patching.
    pub fn precheck(&self) -> Option<&PrecheckNote> {
        match self.note(step::PRECHECK)? {
            StepNote::Precheck(note) => Some(note),
            _ => None,
        }
    }

    /// The installation.
    pub fn patch(&self) -> Option<&PatchNote> {
        match self.note(step::PATCH)? {
            StepNote::Patch(note) => Some(note),
            _ => None,
        }
    }

    /// The reboot, where one was proven or proven not to be needed.
    pub fn reboot(&self) -> Option<&RebootNote> {
        match self.note(step::REBOOT)? {
            StepNote::Reboot(note) => Some(note),
            _ => None,
        }
    }

    /// Compliance after patching.
    pub fn compliance(&self) -> Option<&VerifyNote> {
        match self.note(step::VERIFY)? {
            StepNote::Verify(note) => Some(note),
            _ => None,
        }
    }

    /// The comparison with before, of the restored host where it was restored.
    pub fn validation(&self) -> Option<&ValidateNote> {
        match self.note(step::VALIDATE_RESTORED).or_else(|| self.note(step::VALIDATE))? {
            StepNote::Validate(note) => Some(note),
            _ => None,
        }
    }

    /// The restoration.
    pub fn restoration(&self) -> Option<&RestoreNote> {
        match self.note(step::RESTORE)? {
            StepNote::Restore(note) => Some(note),
            _ => None,
        }
    }

    /// Whether it has every patch it was to have, and has them at work, where that is known. A patch that waits
    /// for a reboot does not protect yet.
    /// Source: Systems Manager user guide, "Understanding patch compliance state values", of which
    /// `INSTALLED_PENDING_REBOOT` and `INSTALLED_REJECTED` are not compliant.
    pub fn is_compliant(&self) -> Option<bool> {
        let note = self.compliance()?;
        let drifts = note.drift.as_ref().is_some_and(|drift| !drift.is_none());
        let open = note.failed > 0 || note.missed() > 0 || note.rejected > 0 || note.pending_reboot > 0;
        Some(!open && !drifts)
    }
}
