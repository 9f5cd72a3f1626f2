//! The settings as the rest of fleetwright takes them: plain, typed, within bounds.

mod build;
mod contradictions;
mod load;
mod notifications;
mod upgrade;
mod waves;
mod windows;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use fleetwright_model::{ExternalId, InstanceId, InstanceState, LabelKeys, Phase, Region, Regions};
use fleetwright_window::Schedule;

pub use crate::value::Secret;
pub(crate) use build::build;
pub(crate) use contradictions::find as find_contradictions;
pub use load::{LoadSettings, MetricChange, MetricDirection};
pub use notifications::{
    ChannelKind, ChannelSettings, Given, ItsmSettings, ItsmSystem, MailSettings, NotificationSettings,
    RouteSettings,
};
pub use upgrade::{
    AgentSettings, UpgradeAddons, UpgradeApprovals, UpgradeSettings, UpgradeStrategy, UpgradeTimeouts,
};
pub use waves::{
    AbortOnIssues, ApprovalSettings, BudgetSettings, Expiry, GateSettings, MetricLimit, MetricSide,
    OrderGroup, OrderMode, OrderingSettings, ProbeSettings, Tolerance, Waiver, WaveSelection, WaveSettings,
    ZoneByZone,
};
pub use windows::FreezeSettings;

/// Every setting. The fields are the sections of the file; the reference describes each key.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `aws`: how AWS is reached.
    pub aws: AwsSettings,
    /// `landing_zones`: which landing zones are meant.
    pub landing_zones: LandingZoneSettings,
    /// `environment`: the environment that is worked on.
    pub environment: Option<String>,
    /// The environments that have a section of their own under `environments`.
    pub environments: BTreeSet<String>,
    /// `scan`: what a scan looks at.
    pub scan: ScanSettings,
    /// `tags`: which tags carry what.
    pub tags: LabelKeys,
    /// `eligibility`: what makes an instance fit to be patched.
    pub eligibility: EligibilitySettings,
    /// `output`: where results go and in which form.
    pub output: OutputSettings,
    /// `telemetry`: where traces and metrics go.
    pub telemetry: TelemetrySettings,
    /// `audit`: where heads of audit logs are kept besides.
    pub audit: AuditSettings,
    /// `phases`: the phases of a run.
    pub phases: PhaseSettings,
    /// `safety`: how far a run may go before it stops.
    pub safety: SafetySettings,
    /// `ordering`: instances that depend on each other.
    pub ordering: OrderingSettings,
    /// `windows`: when instances may be changed, by the name of the window.
    pub windows: BTreeMap<String, Vec<Schedule>>,
    /// `freezes`: when nothing is changed, by the name of the freeze.
    pub freezes: BTreeMap<String, FreezeSettings>,
    /// `agent`: whom upgrades of clusters tell of what happens.
    pub agent: AgentSettings,
    /// `upgrade`: how clusters are upgraded.
    pub upgrade: UpgradeSettings,
    /// `notifications`: who is told of runs.
    pub notifications: NotificationSettings,
    /// `itsm`: the system of change records, where there is one.
    pub itsm: Option<ItsmSettings>,
}

/// `aws`: how AWS is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct AwsSettings {
    /// Region of zones that name none, and of STS and Organizations.
    pub region: Option<Region>,
    /// Role to assume in zones that name none.
    pub role_name: Option<String>,
    /// External id of roles whose zone gives none.
    pub external_id: Option<ExternalId>,
    /// Profile to start from.
    pub profile: Option<String>,
    /// How long one attempt of a call may take.
    pub timeout: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How often a call is attempted; at least 1.
    pub max_attempts: u32,
    /// Calls under way at once, over all accounts; at least 1.
    pub max_concurrent_calls: u32,
    /// How long credentials of an assumed role are asked for: 15 minutes to 12 hours.
    pub session_duration: Duration,
    /// Whether FIPS endpoints are called.
    pub use_fips: bool,
    /// Whether dual-stack endpoints are called.
    pub use_dualstack: bool,
    /// One address for every service.
    pub endpoint_url: Option<String>,
    /// Rates by `service:Action` or `service:*`.
    pub rates: BTreeMap<String, Rate>,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Requests that may be sent at once; at least 1.
    pub burst: u32,
    /// Requests per second after that; more than 0.
    pub per_second: f64,
}

/// `landing_zones`: which landing zones are meant.
#[derive(Clone, Debug, PartialEq)]
pub struct LandingZoneSettings {
    /// Inventory files, as written; relative to the file that names them, see
    /// [`crate::Resolved::origin`].
    pub inventory: Vec<String>,
    /// Names or account ids of the zones that are meant; empty takes all.
    pub names: Vec<String>,
    /// Regions of zones that name none; `None` where they are read in `aws.region`.
    pub regions: Option<Regions>,
}

/// `scan`: what a scan looks at. Empty lists take all.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanSettings {
    /// Regions read at the same time; at least 1.
    pub max_concurrent_regions: u32,
    /// Only these instances.
    pub instance_ids: Vec<InstanceId>,
    /// Patterns on id or name to take.
    pub include: Vec<String>,
    /// Patterns on id or name to leave out.
    pub exclude: Vec<String>,
    /// Tags an instance must carry, each with one of the values.
    pub tags: BTreeMap<String, Vec<String>>,
    /// Operating-system families or distributions.
    pub platforms: Vec<String>,
    /// Life-cycle states.
    pub states: Vec<InstanceState>,
}

/// `eligibility`: what makes an instance fit to be patched.
#[derive(Clone, Debug, PartialEq)]
pub struct EligibilitySettings {
    /// Whether stopped instances are started and patched.
    pub start_stopped: bool,
    /// Oldest agent trusted: one to four numbers with dots.
    pub min_agent_version: String,
    /// How old a patch state may be before it is called old.
    pub max_patch_state_age: Duration,
}

/// `output`: where results go and in which form.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSettings {
    /// Directory of reports; `None` is one of the run's own.
    pub dir: Option<String>,
    /// Form of standard output.
    pub format: OutputFormat,
    /// Least severe messages logged.
    pub log_level: LogLevel,
    /// Form of log lines.
    pub log_format: LogFormat,
    /// File that log lines are appended to as well.
    pub log_file: Option<String>,
}

/// `telemetry`: where traces and metrics go.
#[derive(Clone, Debug, PartialEq)]
pub struct TelemetrySettings {
    /// The OpenTelemetry collector.
    pub otlp_endpoint: Option<String>,
    /// Headers for it.
    pub otlp_headers: Option<Secret>,
    /// File of Prometheus text.
    pub metrics_file: Option<String>,
    /// Loopback address that Prometheus text is served at.
    pub metrics_listen: Option<SocketAddr>,
    /// Between two exports.
    pub interval: Duration,
    /// Prometheus.
    pub prometheus_url: Option<String>,
    /// Headers for it.
    pub prometheus_headers: Option<Secret>,
    /// Namespace of the figures that accounts and regions are sent.
    pub cloudwatch_namespace: Option<String>,
}

/// `audit`: where heads of audit logs are kept besides the state directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditSettings {
    /// A file they are appended to.
    pub heads_file: Option<String>,
    /// The S3 bucket they are put into.
    pub heads_bucket: Option<String>,
    /// The landing zone that puts them there, by name or account id.
    pub heads_zone: Option<String>,
}

/// An enum whose words in the file are these.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$vdoc])* $variant),+
        }

        impl $name {
            /// The value as the file writes it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub(crate) fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Form of standard output.
    OutputFormat {
        /// For people.
        Text = "text",
        /// One JSON document.
        Json = "json",
        /// One JSON document per line.
        Jsonl = "jsonl",
    }
}

words! {
    /// How severe a message is, most severe first.
    LogLevel {
        /// Something failed.
        Error = "error",
        /// Something may be wrong.
        Warn = "warn",
        /// What is being done.
        Info = "info",
        /// How it is being done.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

words! {
    /// Form of log lines.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON document per line.
        Json = "json",
    }
}

/// Whether a phase is carried out, and for how long at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseLimits {
    /// Whether the phase is carried out in a full run.
    pub enabled: bool,
    /// How long the whole phase may take; `None` where it has no limit.
    pub timeout: Option<Duration>,
}

/// `phases`: the phases of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseSettings {
    /// Whether each phase is carried out, and for how long at most.
    pub limits: BTreeMap<Phase, PhaseLimits>,
    /// What only the backup phase has.
    pub backup: BackupSettings,
    /// What only the start phase has.
    pub start: StartSettings,
    /// What only the precheck phase has.
    pub precheck: PrecheckSettings,
    /// Taking hosts out of service and back; none leaves load balancers and groups alone.
    pub drain: Option<DrainSettings>,
    /// What only the patch phase has.
    pub patch: PatchSettings,
    /// What only the validate phase has.
    pub validate: ValidateSettings,
}

impl PhaseSettings {
    /// Whether a phase is carried out, and for how long at most.
    pub fn limits(&self, phase: Phase) -> PhaseLimits {
        *self.limits.get(&phase).expect("built for every phase")
    }
}

/// `phases.backup`.
#[derive(Clone, Debug, PartialEq)]
pub struct BackupSettings {
    /// How long to wait for one image.
    pub wait_timeout: Duration,
    /// Days images are kept; at least 1.
    pub retention_days: u32,
    /// Images in the making at once; at least 1.
    pub max_concurrent: u32,
    /// Attempts per image; at least 1.
    pub max_attempts: u32,
    /// Whether instances are restarted for their image.
    pub reboot: bool,
    /// Whether images past their retention are deleted.
    pub clean_up: bool,
    /// How long before its window opens an instance is prepared.
    pub lead: Duration,
}

/// `phases.start`.
#[derive(Clone, Debug, PartialEq)]
pub struct StartSettings {
    /// How long to wait until status checks pass.
    pub wait_timeout: Duration,
    /// How long to wait until the agent answers.
    pub agent_timeout: Duration,
    /// Instances starting at once; at least 1.
    pub max_concurrent: u32,
    /// Attempts per instance; at least 1.
    pub max_attempts: u32,
}

/// `phases.drain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainSettings {
    /// How long a host may take to let go of its requests.
    pub timeout: Duration,
    /// How long it may take to be healthy again.
    pub return_timeout: Duration,
}

/// `phases.precheck`.
#[derive(Clone, Debug, PartialEq)]
pub struct PrecheckSettings {
    /// A fuller root disk fails, in percent.
    pub root_disk_percent: u32,
    /// A fuller disk for temporary files fails, in percent.
    pub temp_disk_percent: u32,
    /// Less available memory fails, in MiB.
    pub min_memory_mib: u32,
    /// A higher load is warned of, in percent of the processors.
    pub load_percent: u32,
    /// Services that must be active on every host.
    pub services: Vec<String>,
    /// Security agents of which one should be active.
    pub security_agents: Vec<String>,
    /// Whether an agent that is too old is updated once.
    pub remedy_agent: bool,
    /// What a check that could not be made leads to.
    pub unknown_facts: UnknownFacts,
}

words! {
    /// What a check that could not be made leads to.
    UnknownFacts {
        /// The host is not patched.
        Block = "block",
        /// The host is warned of.
        Warn = "warn",
    }
}

/// A number of instances, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many; at least 1.
    Count(u32),
    /// So many of a hundred, 1 to 100.
    Percent(u32),
}

impl Amount {
    /// Reads `10` or `10%`; nothing else.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let digits =
            |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        match text.strip_suffix('%') {
            Some(percent) => digits(percent).filter(|it| (1..=100).contains(it)).map(Self::Percent),
            None => digits(text).filter(|it| *it >= 1).map(Self::Count),
        }
    }
}

/// `phases.patch`.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchSettings {
    /// How long installing may take on one instance.
    pub execution_timeout: Duration,
    /// What Patch Manager is asked to do.
    pub operation: PatchOperation,
    /// The document that does it, where it is not AWS's own.
    pub document: Option<String>,
    /// Document to run before installing.
    pub pre_install_hook: Option<String>,
    /// Document to run after installing.
    pub post_install_hook: Option<String>,
    /// Document to run at the end, whatever happened.
    pub on_exit_hook: Option<String>,
    /// How long an agent may take to receive a command.
    pub delivery_timeout: Duration,
    /// What becomes of instances that miss nothing.
    pub compliant: Compliant,
    /// Whether instances are rebooted.
    pub reboot: Reboot,
    /// How long an instance may take to be back.
    pub reboot_timeout: Duration,
    /// Instances rebooting at once in one account and region; at least 1.
    pub max_rebooting: u32,
}

words! {
    /// What Patch Manager is asked to do.
    PatchOperation {
        /// Install missing patches.
        Install = "install",
        /// Only look which are missing.
        Scan = "scan",
    }
}

words! {
    /// What becomes of instances that miss nothing.
    Compliant {
        /// They are not worked on.
        LeaveOut = "leave-out",
        /// They are worked on like all others.
        Include = "include",
    }
}

words! {
    /// Whether instances are rebooted after installing.
    Reboot {
        /// Where the operating system asks for it or says nothing.
        Conditional = "conditional",
        /// Always.
        Force = "force",
        /// Never.
        Skip = "skip",
    }
}

/// `phases.validate`.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidateSettings {
    /// How long to wait until an instance is well again.
    pub wait_timeout: Duration,
    /// Whether status checks and health endpoints must pass.
    pub health_checks: bool,
    /// Whether the agent must answer.
    pub ssm_ping: bool,
    /// How far CPU utilisation may rise, in percentage points; none does not look.
    pub cpu_rise_points: Option<u32>,
    /// Alarms that must not be in alarm.
    pub alarms: Vec<String>,
    /// Metrics that are compared with before.
    pub metrics: Vec<MetricChange>,
    /// The load test; none where there is to be none.
    pub load: Option<LoadSettings>,
    /// A document of the organisation's own that must end well.
    pub check_document: Option<String>,
}

/// `safety`: how far a run may go before it stops.
#[derive(Clone, Debug, PartialEq)]
pub struct SafetySettings {
    /// Whether every changing call is left out.
    pub dry_run: bool,
    /// Whether a person must approve.
    pub require_approval: bool,
    /// Instances out of service at once.
    pub max_concurrent: Amount,
    /// Percent of a wave that may fail.
    pub max_failure_percentage: f64,
    /// Instances that may fail, where a number was given.
    pub max_failures: Option<u32>,
    /// Whether others go on when one has failed.
    pub continue_on_error: bool,
    /// From when on an instance counts as out of service.
    pub hold: Hold,
    /// Whether instances are restored without asking.
    pub automatic_rollback: bool,
    /// How instances are restored.
    pub rollback_way: RollbackWay,
    /// How long restoring an instance may take.
    pub rollback_timeout: Duration,
    /// Waves, in order; empty is one.
    pub waves: Vec<WaveSettings>,
    /// Instances of each operating-system family that go ahead; 0 has none.
    pub canary: u32,
    /// How long to wait after a wave.
    pub bake: Duration,
    /// Whether a wave goes on one zone at a time.
    pub zone_by_zone: ZoneByZone,
    /// How many zones such a wave changes at once.
    pub zones_at_once: u32,
    /// Which faults between two waves end the run.
    pub abort_on_issues: AbortOnIssues,
    /// Instances out of service at once in the beginning.
    pub ramp: Option<u32>,
    /// Members of a group out of service at once.
    pub budgets: BudgetSettings,
    /// What is looked at between two waves.
    pub gate: GateSettings,
    /// Who approves, and until when.
    pub approvals: ApprovalSettings,
    /// The window of instances whose tags name none: a name of `windows`, or a schedule
    /// ([`fleetwright_window::WindowTag`]).
    pub window: Option<String>,
    /// What must be left of a window before an instance is begun.
    pub window_reserve: WindowReserve,
    /// Names or ARNs of the change calendars that are asked; empty asks none.
    pub change_calendars: Vec<String>,
    /// What a change calendar that could not be read is taken for.
    pub change_calendar_unknown: UnknownCalendar,
}

words! {
    /// What the reserve of a window is made of.
    WindowReserve {
        /// What steps took at earlier runs, or usually take.
        Usual = "usual",
        /// Their time-outs.
        TimeOuts = "timeouts",
    }
}

words! {
    /// What a change calendar that could not be read is taken for.
    UnknownCalendar {
        /// Nothing may be changed.
        Closed = "closed",
        /// Changes may happen.
        Open = "open",
    }
}

words! {
    /// From when on an instance counts as out of service.
    Hold {
        /// From the installation on.
        Install = "install",
        /// From the reboot on.
        Reboot = "reboot",
    }
}

words! {
    /// How instances are restored.
    RollbackWay {
        /// By replacing the root volume.
        ReplaceRoot = "replace-root",
        /// By launching a new instance from the image.
        NewInstance = "new-instance",
    }
}

#[cfg(test)]
mod tests {
    use super::Amount;

    #[test]
    fn an_amount_is_a_number_or_a_share_and_nothing_else() {
        assert_eq!(Amount::read("10"), Some(Amount::Count(10)));
        assert_eq!(Amount::read("10%"), Some(Amount::Percent(10)));
        for wrong in ["0", "0%", "101%", "-1", "+1", "1.5", "%", "", "10 %"] {
            assert_eq!(Amount::read(wrong), None, "{wrong:?}");
        }
    }
}
