//! What a pipeline carries out: the configured workflow, and where it runs.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetwright_model::Phase;

/// The workflow that is written as a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// The environments a pipeline can be started for; at least one. The first is the one a schedule works on.
    pub environments: Vec<Environment>,
    /// The configuration file, as the pipeline's commands name it.
    pub configuration: String,
    /// How the program gets to where commands run.
    pub program: Program,
    /// Labels of the runners (GitHub, Jenkins), tags (GitLab) or selectors of the delegate (Harness) that commands
    /// run on; at least one. They share [`Workflow::state_directory`].
    pub runners: Vec<String>,
    /// The directory that holds the record of runs, on every runner. It outlives jobs, and holds the key that signs
    /// audit logs: it is never an artefact.
    pub state_directory: String,
    /// Where reports are left.
    pub reports: Reports,
    /// The phases that are carried out, each with how long it may take; none has no limit.
    pub phases: BTreeMap<Phase, Option<Duration>>,
    /// Waves of a run; 1 where all are patched at once.
    pub waves: u32,
    /// How long is waited after a wave.
    pub bake: Duration,
    /// How long restoring an instance may take.
    pub rollback: Duration,
    /// Who lets a run go on.
    pub approvals: Approvals,
    /// Whether runs have a change record.
    pub change_records: bool,
    /// When a run begins by itself: five fields of cron, in UTC.
    pub schedule: Option<String>,
    /// Landing zones and regions that are worked on side by side, where a platform has a matrix.
    pub matrix: Matrix,
    /// Addresses that hear how a pipeline ended, besides the channels of the configuration.
    pub notified: Vec<String>,
    /// Commits that actions of GitHub's are pinned to, by `owner/name`; the others are pinned by their major version.
    pub pins: BTreeMap<String, String>,
    /// The place of the Harness pipeline.
    pub harness: HarnessPlace,
}

/// An environment with how it is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name in the configuration: letters, digits, - and _.
    pub name: String,
    /// The ARN of the role that the platform's own token is exchanged for; none leaves that to a variable of the
    /// platform, `AWS_ROLE_ARN`.
    pub role: Option<String>,
}

/// How the program gets to where commands run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// It is installed on the runners.
    Installed,
    /// It is in this container image, by digest where it is to stay the same. Harness runs commands on the delegate,
    /// where it has to be installed.
    Image(String),
}

/// Where reports are left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reports {
    /// The directory, relative to where a job works; its files are the artefacts.
    pub directory: String,
    /// Where they are copied to besides: `s3://bucket/prefix`.
    pub address: Option<String>,
}

/// Who lets a run go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approvals {
    /// Different people who must approve; at least 1.
    pub needed: u32,
    /// Groups of users (Harness) or names of users and groups (Jenkins) who may; empty leaves that to the platform.
    pub groups: Vec<String>,
    /// How long a decision may take.
    pub expires: Duration,
}

/// Landing zones and regions that are worked on side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Landing zones, by name.
    pub zones: Vec<String>,
    /// Regions.
    pub regions: Vec<String>,
    /// How many at once.
    pub most: u32,
}

/// Where a Harness pipeline belongs; what is not named is asked for when the pipeline is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HarnessPlace {
    /// The identifier of the organisation.
    pub organization: Option<String>,
    /// The identifier of the project.
    pub project: Option<String>,
}

const HOUR: Duration = Duration::from_secs(3600);

/// The longest a stage may take: what GitHub grants a job on a runner of one's own (Actions limits, 5 days).
const LONGEST: Duration = Duration::from_secs(5 * 24 * 3600);

/// What a phase is given that has no limit of its own.
const UNLIMITED: Duration = Duration::from_secs(12 * 3600);

impl Workflow {
    /// A workflow with every phase, one person's approval, and its files where they usually are.
    pub fn new(environments: Vec<Environment>) -> Self {
        Self {
            environments,
            configuration: "fleetwright.yaml".to_owned(),
            program: Program::Installed,
            runners: vec!["fleetwright".to_owned()],
            state_directory: "/var/lib/fleetwright".to_owned(),
            reports: Reports { directory: "reports".to_owned(), address: None },
            phases: Phase::ALL.into_iter().map(|phase| (phase, Some(HOUR))).collect(),
            waves: 1,
            bake: Duration::ZERO,
            rollback: HOUR,
            approvals: Approvals { needed: 1, groups: Vec::new(), expires: 24 * HOUR },
            change_records: false,
            schedule: None,
            matrix: Matrix { zones: Vec::new(), regions: Vec::new(), most: 4 },
            notified: Vec::new(),
            pins: BTreeMap::new(),
            harness: HarnessPlace::default(),
        }
    }

    /// How long these phases may take together, those that are not carried out left out; with a quarter of an hour
    /// to begin and to end in.
    pub(crate) fn limit(&self, phases: &[Phase]) -> Duration {
        let limits = phases.iter().filter_map(|phase| self.phases.get(phase));
        let sum: Duration = limits.map(|limit| limit.unwrap_or(UNLIMITED)).sum();
        (sum + HOUR / 4).min(LONGEST)
    }

    /// How long patching may take: its phases, what a failure is put back in, and the waiting behind so many waves.
    pub(crate) fn patching(&self, waves: u32) -> Duration {
        let waiting = self.bake.saturating_mul(waves);
        (self.limit(&[Phase::Patch, Phase::Validate]) + self.rollback).saturating_add(waiting).min(LONGEST)
    }

    /// Whether later waves have a gate of their own.
    pub(crate) fn has_waves(&self) -> bool {
        self.waves > 1
    }
}
