//! One table for each phase: the same hosts, with everything that phase has to say of them.

use fleetwright_patch::plan::notes::step;
use fleetwright_patch::plan::policy::{Operation, RebootStrategy};
use fleetwright_patch::plan::{Backup, Relation};

use super::instances::{next_step, outcomes, seconds, step_outcomes, title, wave_name};
use super::{Column, Kind, Rows, Subject, Value};
use crate::evidence::{RunHost, RunRecord, StepRecord};

/// A table whose rows are about a host.
pub(super) trait OfHost: Subject {
    /// The host of a row.
    fn host<'a>(row: Self::Row<'a>) -> &'a RunHost<'a>;
}

/// A table whose rows are about a step of a host.
trait OfStep: OfHost {
    /// The step, by its last attempt.
    const STEP: &'static str;

    fn step<'a>(row: Self::Row<'a>) -> Option<&'a StepRecord> {
        Self::host(row).last(Self::STEP)
    }
}

/// Who and where.
#[rustfmt::skip]
pub(super) fn identity<S: OfHost>() -> Vec<Column<S>> {
    vec![
        Column::<S>::new("instance_id", Kind::Text, "The EC2 instance.", |_, row| Value::text(Some(S::host(row).planned.id.as_str()))).always(),
        Column::<S>::new("name", Kind::Text, "Its Name tag.", |_, row| Value::text(S::host(row).name())),
        Column::<S>::new("account_id", Kind::Text, "Its account, 12 digits.", |_, row| Value::text(Some(S::host(row).account.as_str()))).always(),
        Column::<S>::new("landing_zone", Kind::Text, "Its landing zone.", |_, row| Value::text(Some(S::host(row).zone.as_str()))).always(),
        Column::<S>::new("region", Kind::Text, "Its region.", |_, row| Value::text(Some(S::host(row).region.as_str()))).always(),
    ]
}

/// What came of the step.
#[rustfmt::skip]
fn step_columns<S: OfStep>() -> Vec<Column<S>> {
    let mut columns = identity::<S>();
    columns.extend([
        Column::<S>::new("wave", Kind::Text, "The wave it is in.", |record, row| Value::text(wave_name(record, S::host(row).wave))),
        Column::<S>::new("outcome", Kind::Word(step_outcomes), "What came of the phase.", |_, row| Value::text(S::step(row).map(|visit| visit.outcome.as_str()))),
        Column::<S>::new("attempts", Kind::Integer, "How often it was tried.", |_, row| Value::integer(S::step(row).map(|visit| u64::from(visit.attempt)))),
        Column::<S>::new("started_at", Kind::Time, "When its last attempt began.", |_, row| Value::time(S::step(row).map(|visit| visit.started_at))),
        Column::<S>::new("ended_at", Kind::Time, "When that ended.", |_, row| Value::time(S::step(row).and_then(|visit| visit.ended_at))),
        Column::<S>::new("seconds", Kind::Integer, "Seconds between the two.", |_, row| Value::integer(S::step(row).and_then(|visit| seconds(Some(visit.started_at), visit.ended_at)))),
        Column::<S>::new("handle", Kind::Text, "What AWS calls it: the image, the command, the task.", |_, row| Value::text(S::step(row).and_then(|visit| visit.handle.as_deref()))),
        Column::<S>::new("code", Kind::Text, "The code of what is to be said of it.", |_, row| Value::text(code_of(S::step(row)))),
        Column::<S>::new("reason", Kind::Text, "The same in a few words.", |_, row| Value::text(title(code_of(S::step(row))))),
        Column::<S>::new("message", Kind::Text, "What happened, in the words of whoever said it.", |_, row| Value::text(S::step(row).and_then(|visit| visit.trouble.as_ref()?.message.as_deref()))),
        Column::<S>::new("next_step", Kind::Text, "What to do next.", |_, row| Value::text(next_step(code_of(S::step(row))))),
    ]);
    columns
}

fn code_of(visit: Option<&StepRecord>) -> Option<&str> {
    visit.and_then(|visit| visit.trouble.as_deref()).map(|trouble| &*trouble.code)
}

/// Hosts that came to a step of that name.
fn with_step<'a>(
    record: &'a RunRecord<'a>,
    name: &'static str,
) -> Box<dyn Iterator<Item = &'a RunHost<'a>> + 'a> {
    Box::new(record.hosts.iter().filter(move |host| host.last(name).is_some()))
}

macro_rules! phase {
    ($(#[$doc:meta])* $name:ident, $step:expr, $table:literal, $row:literal, $about:literal, $columns:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl Subject for $name {
            type Row<'a> = &'a RunHost<'a>;
            const NAME: &'static str = $table;
            const ROW: &'static str = $row;
            const DOC: &'static str = $about;

            fn columns() -> Vec<Column<Self>> {
                let mut columns = step_columns::<Self>();
                columns.extend($columns);
                columns
            }

            fn rows<'a>(record: &'a RunRecord<'a>) -> Rows<'a, Self> {
                with_step(record, $step)
            }
        }

        impl OfHost for $name {
            fn host<'a>(row: Self::Row<'a>) -> &'a RunHost<'a> {
                row
            }
        }

        impl OfStep for $name {
            const STEP: &'static str = $step;
        }
    };
}

phase!(
    /// Images made before patching.
    Backups, step::BACKUP, "backups", "backup",
    "Images: one row for each instance that came to its backup.",
    [
        Column::<Self>::new("image", Kind::Text, "The image it can be put back to.", |_, h| Value::text(h.image())),
        Column::<Self>::new("made_by", Kind::Text, "this_run or, where the plan found one, earlier_run.", |_, h| {
            let existing = matches!(h.planned.backup, Backup::Existing { .. });
            Value::text(h.image().map(|_| if existing { "earlier_run" } else { "this_run" }))
        }),
        Column::<Self>::new("snapshots", Kind::Integer, "Its snapshots.", |_, h| {
            Value::integer(h.backup().map(|note| note.snapshots))
        }),
        Column::<Self>::new("storage_gb", Kind::Integer, "Size of the volumes together, in GiB.", |_, h| {
            Value::integer(h.planned.storage_gib)
        }),
    ]
);

phase!(
    /// Judgements before patching.
    Prechecks, step::PRECHECK, "prechecks", "precheck",
    "Prechecks: one row for each instance that came to its precheck.",
    [
        Column::<Self>::new("verdict", Kind::Text, "ready, not_ready or unreachable.", |_, h| {
            Value::text(h.files.as_ref().and_then(|files| Some(&*files.precheck.as_ref()?.verdict)))
        }),
        Column::<Self>::new("agent", Kind::Text, "What Systems Manager knew of its agent.", |_, h| {
            Value::text(h.files.as_ref().and_then(|files| Some(&*files.precheck.as_ref()?.agent)))
        }),
        Column::<Self>::new("agent_version", Kind::Text, "The version of its agent.", |_, h| {
            Value::text(h.files.as_ref().and_then(|files| files.precheck.as_ref()?.agent_version.as_deref()))
        }),
        Column::<Self>::new("decided_by", Kind::Text, "What decided, where it is not a finding on the host.", |_, h| {
            Value::text(h.files.as_ref().and_then(|files| files.precheck.as_ref()?.reason.as_deref()))
        }),
        Column::<Self>::new("reboot_pending", Kind::Text, "Whether a reboot was due already: yes, no or unknown.", |_, h| {
            Value::text(h.precheck().map(|note| note.reboot_pending.as_str()))
        }),
        Column::<Self>::new("warnings", Kind::List, "Checks that warned.", |_, h| {
            Value::list(h.precheck().into_iter().flat_map(|note| &note.warnings))
        }),
    ]
);

phase!(
    /// Installations.
    Patching, step::PATCH, "patching", "installation",
    "Installations: one row for each instance that came to it.",
    [
        Column::<Self>::new("operation", Kind::Text, "What Patch Manager was asked to do: scan or install.", |record, h| {
            let operation = h.planned.operation.unwrap_or(record.header.operation);
            Value::text(Some(match operation {
                Operation::Scan => "scan",
                Operation::Install => "install",
            }))
        }),
        Column::<Self>::new("command", Kind::Text, "The command.", |_, h| {
            Value::text(h.patch().map(|note| &*note.command))
        }),
        Column::<Self>::new("report_lost", Kind::Boolean, "Whether the host's own report was lost.", |_, h| {
            Value::boolean(h.patch().map(|note| note.report_lost))
        }),
        Column::<Self>::new("patches_missing_before", Kind::Integer, "Patches that were missing when it was planned.", |_, h| {
            Value::integer(h.planned.missing)
        }),
    ]
);

phase!(
    /// Reboots.
    Reboots, step::REBOOT, "reboots", "reboot",
    "Reboots: one row for each instance that came to it, rebooted or not.",
    [
        Column::<Self>::new("strategy", Kind::Text, "conditional, force or skip.", |record, h| {
            Value::text(Some(match h.planned.reboot.unwrap_or(record.header.reboot) {
                RebootStrategy::Conditional => "conditional",
                RebootStrategy::Force => "force",
                RebootStrategy::Skip => "skip",
            }))
        }),
        Column::<Self>::new("rebooted", Kind::Boolean, "Whether it was rebooted, proven by its boot ids.", |_, h| {
            Value::boolean(h.reboot().map(|note| note.rebooted()))
        }),
        Column::<Self>::new("evidence", Kind::Text, "What said that it was needed, or that it was not.", |_, h| {
            Value::text(h.reboot().map(|note| &*note.evidence))
        }),
        Column::<Self>::new("boot_id_before", Kind::Text, "Its boot id before.", |_, h| {
            Value::text(h.reboot().map(|note| &*note.before))
        }),
        Column::<Self>::new("boot_id_after", Kind::Text, "Its boot id after.", |_, h| {
            Value::text(h.reboot().map(|note| &*note.after))
        }),
    ]
);

phase!(
    /// Comparisons with before.
    Validations, step::VALIDATE, "validation", "comparison",
    "Comparisons with the state before: one row for each instance that came to it.",
    [
        Column::<Self>::new("checks", Kind::Integer, "Checks that were made.", |_, h| {
            Value::integer(h.validation().map(|note| note.checks))
        }),
        Column::<Self>::new("worse", Kind::List, "What is worse than before.", |_, h| {
            Value::list(h.validation().into_iter().flat_map(|note| &note.worse))
        }),
        Column::<Self>::new("not_compared", Kind::List, "What could not be compared.", |_, h| {
            Value::list(h.validation().into_iter().flat_map(|note| &note.not_compared))
        }),
        Column::<Self>::new("facts", Kind::List, "What there was nothing to compare with.", |_, h| {
            Value::list(h.validation().into_iter().flat_map(|note| &note.facts))
        }),
    ]
);

phase!(
    /// Hosts that were put back.
    Rollbacks, step::RESTORE, "rollbacks", "rollback",
    "Rollbacks: one row for each instance that was put back to its image, or should have been.",
    [
        Column::<Self>::new("trigger", Kind::Text, "automatic, or decision where somebody asked for it.", |record, _| {
            let parent = record.header.parent.as_ref();
            let asked = parent.is_some_and(|parent| parent.relation == Relation::Rollback);
            Value::text(Some(if asked { "decision" } else { "automatic" }))
        }),
        Column::<Self>::new("cause", Kind::Text, "The code of the failure that led to it.", |_, h| {
            Value::text(h.code.as_deref())
        }),
        Column::<Self>::new("host_outcome", Kind::Word(outcomes), "How the instance ended.", |_, h| {
            Value::text(Some(h.outcome.as_str()))
        }).always(),
        Column::<Self>::new("restored_from", Kind::Text, "The image it was put back to.", |_, h| {
            Value::text(h.restoration().map(|note| &*note.image))
        }),
        Column::<Self>::new("restored_seconds", Kind::Integer, "Seconds from the intent until it was back.", |_, h| {
            Value::integer(h.restoration().map(|note| note.seconds))
        }),
        Column::<Self>::new("replacement", Kind::Text, "The instance that took its place.", |_, h| {
            Value::text(h.restoration().and_then(|note| note.replacement.as_deref()))
        }),
        Column::<Self>::new("validated", Kind::Word(step_outcomes), "What came of the comparison after that.", |_, h| {
            Value::text(h.last(step::VALIDATE_RESTORED).map(|visit| visit.outcome.as_str()))
        }),
    ]
);
