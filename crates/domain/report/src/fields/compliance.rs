//! Compliance: host by host, added up over what people ask by, and over runs.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_model::{PatchStatus, Text};

use super::instances::wave_name;
use super::phases::{OfHost, identity};
use super::run::percent;
use super::{Column, Get, INVENTORY, Kind, PATCH_STATE, Rows, Subject, Value};
use crate::evidence::{RunHost, RunRecord, TrendPoint};
use crate::record::{Field, HostRecord};

/// Hosts, patch by patch counted.
#[derive(Debug)]
pub enum Compliance {}

impl Subject for Compliance {
    type Row<'a> = &'a RunHost<'a>;
    const NAME: &'static str = "compliance";
    const ROW: &'static str = "host_compliance";
    const DOC: &'static str =
        "Patch compliance of every instance of the run: when the fleet was read, and after patching.";

    fn columns() -> Vec<Column<Self>> {
        let mut columns = identity::<Self>();
        let shared = ["platform", "application", "environment", "patch_baseline"];
        let inventory = INVENTORY.iter().filter(|column| shared.contains(&column.name));
        columns.extend(inventory.map(|it| Column {
            name: it.name,
            kind: it.kind,
            need: it.need,
            doc: it.doc,
            get: Get::Inventory(it.get),
        }));
        columns.extend(Self::own());
        let before = [
            "patches_missing_before",
            "patches_failed_before",
            "critical_non_compliant_before",
            "security_non_compliant_before",
        ];
        let states = PATCH_STATE.iter().filter_map(|it| {
            let name = before.iter().find(|name| name.strip_suffix("_before") == Some(it.name))?;
            Some(Column { name, kind: it.kind, need: it.need, doc: it.doc, get: Get::Inventory(it.get) })
        });
        columns.extend(states);
        columns
    }

    fn rows<'a>(record: &'a RunRecord<'a>) -> Rows<'a, Self> {
        Box::new(record.hosts.iter())
    }

    fn inventory<'a>(row: Self::Row<'a>) -> Option<&'a HostRecord> {
        Some(&row.inventory)
    }
}

impl OfHost for Compliance {
    fn host<'a>(row: Self::Row<'a>) -> &'a RunHost<'a> {
        row
    }
}

impl Compliance {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("wave", Kind::Text, "The wave it is in.", |record, h| Value::text(wave_name(record, h.wave))),
            Column::<Self>::new("compliant", Kind::Boolean, "Whether it has every patch it was to have, none of them waiting for a reboot; absent where the run did not find out.", |_, h| Value::boolean(h.is_compliant())),
            Column::<Self>::new("patches_installed", Kind::Integer, "Patches of the baseline that are installed.", |_, h| Value::integer(h.compliance().map(|note| note.installed))),
            Column::<Self>::new("patches_missing", Kind::Integer, "Patches that are missing.", |_, h| Value::integer(h.compliance().map(|note| note.missing))),
            Column::<Self>::new("patches_failed", Kind::Integer, "Patches that failed to install.", |_, h| Value::integer(h.compliance().map(|note| note.failed))),
            Column::<Self>::new("patches_pending_reboot", Kind::Integer, "Patches that wait for a reboot.", |_, h| Value::integer(h.compliance().map(|note| note.pending_reboot))),
            Column::<Self>::new("patches_rejected", Kind::Integer, "Patches that are installed though rejected.", |_, h| Value::integer(h.compliance().map(|note| note.rejected))),
            Column::<Self>::new("critical_non_compliant", Kind::Integer, "Critical patches it is not compliant with.", |_, h| Value::integer(h.compliance().map(|note| note.critical))),
            Column::<Self>::new("patches_held_back", Kind::Integer, "Patches that are missing on purpose: they are not on the promoted list.", |_, h| Value::integer(h.compliance().and_then(|note| note.drift.as_ref()).map(|drift| drift.held_back))),
            Column::<Self>::new("list_incomplete", Kind::Text, "Why the table of single patches may lack some of its.", |_, h| Value::text(h.files.as_ref().and_then(|files| files.patches_incomplete.as_deref()))),
        ]
    }
}

/// What compliance is added up over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// The whole run.
    Run,
    /// The patch baseline.
    Baseline,
    /// The account.
    Account,
    /// The landing zone.
    LandingZone,
    /// The region.
    Region,
    /// The platform.
    Platform,
    /// The environment.
    Environment,
    /// The application.
    Application,
    /// The wave.
    Wave,
    /// The severity of patches that are missing or failed.
    Severity,
    /// The CVEs such patches would close.
    Cve,
    /// The patches themselves.
    Kb,
}

impl Dimension {
    /// Every dimension, in the order of reports.
    pub const ALL: [Self; 12] = [
        Self::Run,
        Self::Baseline,
        Self::Account,
        Self::LandingZone,
        Self::Region,
        Self::Platform,
        Self::Environment,
        Self::Application,
        Self::Wave,
        Self::Severity,
        Self::Cve,
        Self::Kb,
    ];

    /// The dimension as reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Baseline => "baseline",
            Self::Account => "account",
            Self::LandingZone => "landing_zone",
            Self::Region => "region",
            Self::Platform => "platform",
            Self::Environment => "environment",
            Self::Application => "application",
            Self::Wave => "wave",
            Self::Severity => "severity",
            Self::Cve => "cve",
            Self::Kb => "kb",
        }
    }

    /// Whether it is about open patches, and not about all hosts.
    pub fn is_of_patches(self) -> bool {
        matches!(self, Self::Severity | Self::Cve | Self::Kb)
    }
}

/// How compliant one part of the fleet is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What is added up over.
    pub dimension: Dimension,
    /// Which one. Untrusted text.
    pub value: Text,
    /// Hosts of that part; of patches, the hosts they are open on.
    pub hosts: u32,
    /// Hosts whose compliance the run found out.
    pub judged: u32,
    /// Of those, the compliant.
    pub compliant: u32,
    /// Patches missing or failed on them together.
    pub open: u64,
}

/// Every standing of a run: by dimension, the parts with most open patches first.
pub fn standings(run: &Text, waves: &[Text], hosts: &[RunHost<'_>]) -> Vec<Standing> {
    let mut parts: BTreeMap<(Dimension, Text), Standing> = BTreeMap::new();
    for host in hosts {
        for (dimension, value) in parts_of(run, waves, host) {
            let standing = parts
                .entry((dimension, value))
                .or_insert_with_key(|(dimension, value)| Standing::none(*dimension, value));
            standing.take(host);
        }
        open_patches(host, &mut parts);
    }
    let mut standings: Vec<Standing> = parts.into_values().collect();
    standings.sort_by(|a, b| {
        let weight = |it: &Standing| (it.open, it.judged.saturating_sub(it.compliant));
        a.dimension.cmp(&b.dimension).then(weight(b).cmp(&weight(a))).then_with(|| a.value.cmp(&b.value))
    });
    standings
}

/// The parts a host belongs to.
fn parts_of(run: &Text, waves: &[Text], host: &RunHost<'_>) -> Vec<(Dimension, Text)> {
    let none = || Text::from("(none)");
    let baseline = match &host.inventory.patch_baseline {
        Field::Value(Some(baseline)) => baseline.clone(),
        Field::Value(None) => none(),
        Field::NotChecked(_) => "(not checked)".into(),
    };
    vec![
        (Dimension::Run, run.clone()),
        (Dimension::Baseline, baseline),
        (Dimension::Account, host.account.as_str().into()),
        (Dimension::LandingZone, host.zone.as_str().into()),
        (Dimension::Region, host.region.as_str().into()),
        (Dimension::Platform, host.planned.platform.clone()),
        (Dimension::Environment, host.inventory.environment.clone().unwrap_or_else(none)),
        (Dimension::Application, host.inventory.application.clone().unwrap_or_else(none)),
        (Dimension::Wave, waves.get(usize::from(host.wave)).cloned().unwrap_or_else(none)),
    ]
}

/// Adds a host to what is open by severity, CVE and patch.
fn open_patches(host: &RunHost<'_>, parts: &mut BTreeMap<(Dimension, Text), Standing>) {
    let Some(files) = &host.files else { return };
    let open = files
        .patches
        .iter()
        .filter(|patch| matches!(patch.state, PatchStatus::Missing | PatchStatus::Failed));
    let mut met: BTreeMap<(Dimension, &Text), u64> = BTreeMap::new();
    for patch in open {
        *met.entry((Dimension::Severity, &patch.severity)).or_default() += 1;
        *met.entry((Dimension::Kb, &patch.kb)).or_default() += 1;
        let cves: BTreeSet<&Text> = patch.cves.iter().collect();
        for cve in cves {
            *met.entry((Dimension::Cve, cve)).or_default() += 1;
        }
    }
    for ((dimension, value), count) in met {
        let standing = parts
            .entry((dimension, value.clone()))
            .or_insert_with_key(|(dimension, value)| Standing::none(*dimension, value));
        standing.hosts += 1;
        standing.judged += 1;
        standing.open += count;
    }
}

impl Standing {
    fn none(dimension: Dimension, value: &Text) -> Self {
        Self { dimension, value: value.clone(), hosts: 0, judged: 0, compliant: 0, open: 0 }
    }

    fn take(&mut self, host: &RunHost<'_>) {
        self.hosts += 1;
        if let Some(compliant) = host.is_compliant() {
            self.judged += 1;
            self.compliant += u32::from(compliant);
        }
        self.open += host.compliance().map_or(0, |note| u64::from(note.missed()) + u64::from(note.failed));
    }

    /// Share of the judged hosts that are compliant, in percent; none where none was judged.
    pub fn percent(&self) -> Option<f64> {
        percent(self.compliant.into(), self.judged.into())
    }
}

fn dimensions() -> Vec<&'static str> {
    Dimension::ALL.into_iter().map(Dimension::as_str).collect()
}

/// Compliance, added up.
#[derive(Debug)]
pub enum ComplianceTotals {}

impl Subject for ComplianceTotals {
    type Row<'a> = &'a Standing;
    const NAME: &'static str = "compliance_totals";
    const ROW: &'static str = "total";
    const DOC: &'static str = "Compliance by baseline, account, landing zone, region, platform, environment, application and wave; open patches by severity, CVE and patch.";

    #[rustfmt::skip]
    fn columns() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("dimension", Kind::Word(dimensions), "What is added up over.", |_, s| Value::text(Some(s.dimension.as_str()))).always(),
            Column::<Self>::new("value", Kind::Text, "Which one.", |_, s| Value::text(Some(&s.value))),
            Column::<Self>::new("instances", Kind::Integer, "Instances of that part; of patches, the instances they are open on.", |_, s| Value::Integer(s.hosts.into())).always(),
            Column::<Self>::new("judged", Kind::Integer, "Instances whose compliance the run found out.", |_, s| Value::Integer(s.judged.into())).always(),
            Column::<Self>::new("compliant", Kind::Integer, "Of those, the compliant.", |_, s| Value::Integer(s.compliant.into())).always(),
            Column::<Self>::new("compliant_percent", Kind::Number, "The same in percent.", |_, s| s.percent().map_or(Value::Absent, Value::Number)),
            Column::<Self>::new("patches_open", Kind::Integer, "Patches missing or failed on them together, those held back on purpose left out.", |_, s| Value::Integer(s.open)).always(),
        ]
    }

    fn rows<'a>(record: &'a RunRecord<'a>) -> Rows<'a, Self> {
        Box::new(record.compliance.iter())
    }
}

/// Compliance over runs.
#[derive(Debug)]
pub enum Trend {}

impl Subject for Trend {
    type Row<'a> = &'a TrendPoint;
    const NAME: &'static str = "trend";
    const ROW: &'static str = "point";
    const DOC: &'static str =
        "Compliance after this run and earlier ones of the same state directory, oldest first.";

    #[rustfmt::skip]
    fn columns() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("run_id", Kind::Text, "The run.", |_, t| Value::text(Some(&t.run))).always(),
            Column::<Self>::new("at", Kind::Time, "When its last record was written.", |_, t| Value::Time(t.at)).always(),
            Column::<Self>::new("instances", Kind::Integer, "Its instances.", |_, t| Value::Integer(t.hosts.into())).always(),
            Column::<Self>::new("success", Kind::Integer, "Those that ended in success.", |_, t| Value::Integer(t.succeeded.into())).always(),
            Column::<Self>::new("judged", Kind::Integer, "Those whose compliance it found out.", |_, t| Value::Integer(t.judged.into())).always(),
            Column::<Self>::new("compliant", Kind::Integer, "Of those, the compliant.", |_, t| Value::Integer(t.compliant.into())).always(),
            Column::<Self>::new("compliant_percent", Kind::Number, "The same in percent.", |_, t| percent(t.compliant.into(), t.judged.into()).map_or(Value::Absent, Value::Number)),
            Column::<Self>::new("patches_open", Kind::Integer, "Patches missing or failed on them together.", |_, t| Value::Integer(t.patches_missing)).always(),
        ]
    }

    fn rows<'a>(record: &'a RunRecord<'a>) -> Rows<'a, Self> {
        Box::new(record.trend.iter())
    }
}
