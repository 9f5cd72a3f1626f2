//! The instance table: what a host is, what became of it, and what each phase did.

use fleetwright_model::code;
use fleetwright_patch::outcome::HostOutcome;
use fleetwright_patch::plan::notes::step;

use super::{Column, Get, INVENTORY, Kind, PATCH_STATE, Rows, Subject, Value};
use crate::evidence::{RunHost, RunRecord, StepOutcome};
use crate::record::HostRecord;

/// Every host of the run.
#[derive(Debug)]
pub enum Instances {}

impl Subject for Instances {
    type Row<'a> = &'a RunHost<'a>;
    const NAME: &'static str = "instances";
    const ROW: &'static str = "instance";
    const DOC: &'static str = "Every instance of the run: what it was when the fleet was read, what became \
                               of it, and what each phase did.";

    fn columns() -> Vec<Column<Self>> {
        let mut columns: Vec<Column<Self>> = INVENTORY
            .iter()
            .map(|it| Column {
                name: it.name,
                kind: it.kind,
                need: it.need,
                doc: it.doc,
                get: Get::Inventory(it.get),
            })
            .collect();
        columns.extend(outcome());
        columns.extend(phases());
        columns.extend(PATCH_STATE.iter().zip(BEFORE).map(|(it, name)| Column {
            name,
            kind: it.kind,
            need: it.need,
            doc: it.doc,
            get: Get::Inventory(it.get),
        }));
        columns
    }

    fn rows<'a>(record: &'a RunRecord<'a>) -> Rows<'a, Self> {
        Box::new(record.hosts.iter())
    }

    fn inventory<'a>(row: Self::Row<'a>) -> Option<&'a HostRecord> {
        Some(&row.inventory)
    }
}

/// The names of [`PATCH_STATE`] in a run.
const BEFORE: [&str; 8] = [
    "patches_installed_before",
    "patches_missing_before",
    "patches_failed_before",
    "patches_pending_reboot_before",
    "patches_rejected_before",
    "critical_non_compliant_before",
    "security_non_compliant_before",
    "other_non_compliant_before",
];

/// The words for the outcome of a host.
pub(super) fn outcomes() -> Vec<&'static str> {
    HostOutcome::ALL.into_iter().map(HostOutcome::as_str).collect()
}

/// The words for the outcome of a step.
pub(super) fn step_outcomes() -> Vec<&'static str> {
    StepOutcome::ALL.into_iter().map(StepOutcome::as_str).collect()
}

/// The words for the class of a failure.
pub(super) fn classes() -> Vec<&'static str> {
    use fleetwright_model::ErrorClass as Class;
    let all = [
        Class::Throttled,
        Class::Transient,
        Class::Ambiguous,
        Class::Denied,
        Class::Conflict,
        Class::NotFound,
        Class::Permanent,
    ];
    all.into_iter().map(Class::as_str).collect()
}

/// A few words for a code.
pub(super) fn title(code: Option<&str>) -> Option<&'static str> {
    code.and_then(code::find).map(|code| code.title)
}

/// What to do about a code.
pub(super) fn next_step(code: Option<&str>) -> Option<&'static str> {
    code.and_then(code::find).map(|code| code.next_step)
}

/// Whole seconds between two moments; none where one is missing.
pub(super) fn seconds(from: Option<jiff::Timestamp>, until: Option<jiff::Timestamp>) -> Option<u64> {
    Some(u64::try_from(until?.duration_since(from?).as_secs()).unwrap_or(0))
}

/// The name of a wave.
pub(super) fn wave_name<'a>(record: &'a RunRecord<'a>, wave: u16) -> Option<&'a str> {
    record.waves.get(usize::from(wave)).map(|wave| &*wave.name)
}

#[rustfmt::skip]
fn outcome() -> Vec<Column<Instances>> {
    vec![
        Column::<Instances>::new("wave", Kind::Text, "The wave it is in.", |record, h| Value::text(wave_name(record, h.wave))),
        Column::<Instances>::new("outcome", Kind::Word(outcomes), "How it ended.", |_, h| Value::text(Some(h.outcome.as_str()))).always(),
        Column::<Instances>::new("step", Kind::Text, "The step that decided, where one did.", |_, h| Value::text(h.step.as_deref())),
        Column::<Instances>::new("code", Kind::Text, "The code of the reason.", |_, h| Value::text(h.code.as_deref())),
        Column::<Instances>::new("class", Kind::Word(classes), "What kind of failure it was.", |_, h| Value::text(h.class.map(|class| class.as_str()))),
        Column::<Instances>::new("reason", Kind::Text, "The reason in a few words.", |_, h| Value::text(title(h.code.as_deref()))),
        Column::<Instances>::new("message", Kind::Text, "What happened, in the words of whoever said it.", |_, h| Value::text(h.message.as_deref())),
        Column::<Instances>::new("next_step", Kind::Text, "What to do next.", |_, h| Value::text(next_step(h.code.as_deref()))),
        Column::<Instances>::new("started_at", Kind::Time, "When its first step began.", |_, h| Value::time(h.started_at)),
        Column::<Instances>::new("ended_at", Kind::Time, "When its last step ended.", |_, h| Value::time(h.ended_at)),
        Column::<Instances>::new("seconds", Kind::Integer, "Seconds between the two.", |_, h| Value::integer(seconds(h.started_at, h.ended_at))),
    ]
}

/// The outcome of a step in the host's timeline.
fn did<'a>(host: &'a RunHost<'a>, name: &str) -> Value<'a> {
    Value::text(host.last(name).map(|visit| visit.outcome.as_str()))
}

#[rustfmt::skip]
fn phases() -> Vec<Column<Instances>> {
    vec![
        Column::<Instances>::new("backup", Kind::Word(step_outcomes), "What came of the backup.", |_, h| did(h, step::BACKUP)),
        Column::<Instances>::new("image", Kind::Text, "The image it can be put back to.", |_, h| Value::text(h.image())),
        Column::<Instances>::new("snapshots", Kind::Integer, "Snapshots of that image, where this run made it.", |_, h| Value::integer(h.backup().map(|note| note.snapshots))),
        Column::<Instances>::new("start", Kind::Word(step_outcomes), "What came of starting it, where it was stopped.", |_, h| did(h, step::START)),
        Column::<Instances>::new("precheck", Kind::Word(step_outcomes), "What came of the precheck.", |_, h| did(h, step::PRECHECK)),
        Column::<Instances>::new("precheck_warnings", Kind::List, "Checks that warned.", |_, h| Value::list(h.precheck().into_iter().flat_map(|note| &note.warnings))),
        Column::<Instances>::new("drain", Kind::Word(step_outcomes), "What came of taking it out of service.", |_, h| did(h, step::DRAIN)),
        Column::<Instances>::new("patch", Kind::Word(step_outcomes), "What came of the installation.", |_, h| did(h, step::PATCH)),
        Column::<Instances>::new("reboot", Kind::Word(step_outcomes), "What came of the reboot step.", |_, h| did(h, step::REBOOT)),
        Column::<Instances>::new("rebooted", Kind::Boolean, "Whether it was rebooted, proven by its boot ids.", |_, h| Value::Boolean(h.reboot().is_some_and(|note| note.rebooted()))).always(),
        Column::<Instances>::new("boot_id_before", Kind::Text, "Its boot id before.", |_, h| Value::text(h.reboot().map(|note| &*note.before))),
        Column::<Instances>::new("boot_id_after", Kind::Text, "Its boot id after.", |_, h| Value::text(h.reboot().map(|note| &*note.after))),
        Column::<Instances>::new("verify", Kind::Word(step_outcomes), "What came of the rescan.", |_, h| did(h, step::VERIFY)),
        Column::<Instances>::new("compliant", Kind::Boolean, "Whether it has every patch it was to have, none of them waiting for a reboot.", |_, h| Value::boolean(h.is_compliant())),
        Column::<Instances>::new("patches_installed", Kind::Integer, "Patches of the baseline that are installed.", |_, h| Value::integer(h.compliance().map(|note| note.installed))),
        Column::<Instances>::new("patches_missing", Kind::Integer, "Patches that are missing.", |_, h| Value::integer(h.compliance().map(|note| note.missing))),
        Column::<Instances>::new("patches_failed", Kind::Integer, "Patches that failed to install.", |_, h| Value::integer(h.compliance().map(|note| note.failed))),
        Column::<Instances>::new("patches_pending_reboot", Kind::Integer, "Patches that wait for a reboot.", |_, h| Value::integer(h.compliance().map(|note| note.pending_reboot))),
        Column::<Instances>::new("patches_held_back", Kind::Integer, "Patches that are missing on purpose: they are not on the promoted list.", |_, h| Value::integer(h.compliance().and_then(|note| note.drift.as_ref()).map(|drift| drift.held_back))),
        Column::<Instances>::new("patch_drift", Kind::List, "How it differs from the promoted list.", |_, h| Value::list(h.compliance().and_then(|note| note.drift.as_ref()).into_iter().flat_map(|drift| &drift.named))),
        Column::<Instances>::new("validate", Kind::Word(step_outcomes), "What came of the comparison with before.", |_, h| did(h, step::VALIDATE)),
        Column::<Instances>::new("worse", Kind::List, "What is worse than before.", |_, h| Value::list(h.validation().into_iter().flat_map(|note| &note.worse))),
        Column::<Instances>::new("not_compared", Kind::List, "What could not be compared.", |_, h| Value::list(h.validation().into_iter().flat_map(|note| &note.not_compared))),
        Column::<Instances>::new("facts", Kind::List, "What there was nothing to compare with.", |_, h| Value::list(h.validation().into_iter().flat_map(|note| &note.facts))),
        Column::<Instances>::new("return", Kind::Word(step_outcomes), "What came of putting it back into service.", |_, h| did(h, step::RETURN)),
        Column::<Instances>::new("stop_again", Kind::Word(step_outcomes), "What came of stopping it again.", |_, h| did(h, step::STOP_AGAIN)),
        Column::<Instances>::new("restore", Kind::Word(step_outcomes), "What came of putting it back to its image.", |_, h| did(h, step::RESTORE)),
        Column::<Instances>::new("restored_from", Kind::Text, "The image it was put back to.", |_, h| Value::text(h.restoration().map(|note| &*note.image))),
        Column::<Instances>::new("restored_seconds", Kind::Integer, "Seconds that took.", |_, h| Value::integer(h.restoration().map(|note| note.seconds))),
        Column::<Instances>::new("replacement", Kind::Text, "The instance that took its place, where it could not be kept.", |_, h| Value::text(h.restoration().and_then(|note| note.replacement.as_deref()))),
    ]
}
