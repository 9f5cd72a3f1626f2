//! The tables of what single hosts went through and left: steps, findings, patches, differences, files.

use std::borrow::Cow;

use super::instances::{classes, seconds, step_outcomes};
use super::phases::{OfHost, identity};
use super::{Column, Kind, Rows, Subject, Value};
use crate::evidence::{
    ChangeRecord, CheckRecord, HostFiles, KeptOutput, PatchRecord, RunHost, RunRecord, StepRecord,
};

macro_rules! of_hosts {
    ($(#[$doc:meta])* $name:ident, $item:ty, $table:literal, $row:literal, $about:literal, $items:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl Subject for $name {
            type Row<'a> = (&'a RunHost<'a>, &'a $item);
            const NAME: &'static str = $table;
            const ROW: &'static str = $row;
            const DOC: &'static str = $about;

            fn columns() -> Vec<Column<Self>> {
                let mut columns = identity::<Self>();
                columns.extend(Self::own());
                columns
            }

            fn rows<'a>(record: &'a RunRecord<'a>) -> Rows<'a, Self> {
                let items: for<'b> fn(&'b RunHost<'b>) -> &'b [$item] = $items;
                Box::new(record.hosts.iter().flat_map(move |host| items(host).iter().map(move |item| (host, item))))
            }
        }

        impl OfHost for $name {
            fn host<'a>(row: Self::Row<'a>) -> &'a RunHost<'a> {
                row.0
            }
        }
    };
}

fn files<'a, T>(host: &'a RunHost<'a>, items: impl FnOnce(&'a HostFiles) -> &'a [T]) -> &'a [T] {
    host.files.as_deref().map_or(&[], items)
}

of_hosts!(
    /// Every attempt at every step, and every step that was skipped.
    Timelines, StepRecord, "timeline", "step",
    "What was done to each instance, in order: every attempt, and every step that was skipped.",
    |host| &host.timeline
);

of_hosts!(
    /// What was found on hosts before patching.
    Findings, CheckRecord, "findings", "finding",
    "What the prechecks found: failures, what could not be evaluated, and risks.",
    |host| files(host, |files| files.precheck.as_ref().map_or(&[], |precheck| &precheck.checks))
);

of_hosts!(
    /// Single patches.
    Patches, PatchRecord, "patches", "patch",
    "Single patches after patching, of the instances whose patches are not all in order.",
    |host| files(host, |files| &files.patches)
);

of_hosts!(
    /// Differences between before and after.
    Differences, ChangeRecord, "differences", "difference",
    "What differs on the instances from before: services, ports, mounts, users, endpoints, kernel, packages.",
    |host| files(host, |files| &files.changes)
);

of_hosts!(
    /// Files that were kept.
    Outputs, KeptOutput, "outputs", "output",
    "Files of the instances among the run's artefacts: what they answered before and after.",
    |host| files(host, |files| &files.outputs)
);

impl Timelines {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("step", Kind::Text, "The step.", |_, (_, it)| Value::text(Some(&it.step))).always(),
            Column::<Self>::new("direction", Kind::Word(|| vec!["do", "undo"]), "Forward, or on the way back.", |_, (_, it)| Value::text(Some(if it.direction.is_do() { "do" } else { "undo" }))).always(),
            Column::<Self>::new("attempt", Kind::Integer, "From 1; 0 where it was skipped before it began.", |_, (_, it)| Value::Integer(it.attempt.into())).always(),
            Column::<Self>::new("outcome", Kind::Word(step_outcomes), "What came of it.", |_, (_, it)| Value::text(Some(it.outcome.as_str()))).always(),
            Column::<Self>::new("started_at", Kind::Time, "When it began.", |_, (_, it)| Value::Time(it.started_at)).always(),
            Column::<Self>::new("ended_at", Kind::Time, "When it ended.", |_, (_, it)| Value::time(it.ended_at)),
            Column::<Self>::new("seconds", Kind::Integer, "Seconds between the two.", |_, (_, it)| Value::integer(seconds(Some(it.started_at), it.ended_at))),
            Column::<Self>::new("handle", Kind::Text, "What AWS calls it: the image, the command, the task.", |_, (_, it)| Value::text(it.handle.as_deref())),
            Column::<Self>::new("code", Kind::Text, "The code of what is to be said of it.", |_, (_, it)| Value::text(it.trouble.as_deref().map(|trouble| &*trouble.code))),
            Column::<Self>::new("class", Kind::Word(classes), "What kind of failure it was.", |_, (_, it)| Value::text(it.trouble.as_deref().and_then(|trouble| trouble.class).map(|class| class.as_str()))),
            Column::<Self>::new("message", Kind::Text, "What happened, in the words of whoever said it.", |_, (_, it)| Value::text(it.trouble.as_deref().and_then(|trouble| trouble.message.as_deref()))),
            Column::<Self>::new("retry_at", Kind::Time, "When the next attempt could begin.", |_, (_, it)| Value::time(it.trouble.as_deref().and_then(|trouble| trouble.retry_at))),
        ]
    }
}

impl Findings {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("check", Kind::Text, "What was looked at.", |_, (_, it)| Value::text(Some(it.check.as_str()))).always(),
            Column::<Self>::new("subject", Kind::Text, "Which service, endpoint or database, where there are several.", |_, (_, it)| Value::text(it.subject.as_deref())),
            Column::<Self>::new("severity", Kind::Text, "How much it weighs.", |_, (_, it)| Value::text(Some(it.severity.as_str()))).always(),
            Column::<Self>::new("observed", Kind::Text, "What the host said.", |_, (_, it)| Value::text(Some(&it.observed))),
            Column::<Self>::new("limit", Kind::Text, "What would have been right.", |_, (_, it)| Value::text(Some(&it.limit))),
            Column::<Self>::new("action", Kind::Text, "What to do.", |_, (_, it)| Value::text(Some(&it.action))),
        ]
    }
}

impl Patches {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("kb", Kind::Text, "The knowledge-base id; on Linux the package with its architecture.", |_, (_, it)| Value::text(Some(&it.kb))),
            Column::<Self>::new("title", Kind::Text, "Its title; on Linux the package with its version.", |_, (_, it)| Value::text(Some(&it.title))),
            Column::<Self>::new("classification", Kind::Text, "Its classification, e.g. Security.", |_, (_, it)| Value::text(Some(&it.classification))),
            Column::<Self>::new("severity", Kind::Text, "Its severity, e.g. Critical.", |_, (_, it)| Value::text(Some(&it.severity))),
            Column::<Self>::new("state", Kind::Text, "What Patch Manager found of it, e.g. MISSING.", |_, (_, it)| Value::text(Some(it.state.as_str()))).always(),
            Column::<Self>::new("installed_at", Kind::Time, "When it was installed.", |_, (_, it)| Value::time(it.installed_at)),
            Column::<Self>::new("cves", Kind::List, "The CVEs it closes.", |_, (_, it)| Value::list(&it.cves)),
        ]
    }
}

impl Differences {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("weight", Kind::Text, "worse, not_evaluated, warn or note.", |_, (_, it)| Value::text(Some(it.weight.as_str()))).always(),
            Column::<Self>::new("kind", Kind::Text, "What changed.", |_, (_, it)| Value::text(Some(it.kind.as_str()))).always(),
            Column::<Self>::new("subject", Kind::Text, "Which one, where there are several.", |_, (_, it)| Value::text(Some(&it.subject))),
            Column::<Self>::new("before", Kind::Text, "What was before.", |_, (_, it)| Value::text(Some(&it.before))),
            Column::<Self>::new("after", Kind::Text, "What is now.", |_, (_, it)| Value::text(Some(&it.after))),
        ]
    }
}

impl Outputs {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("taken", Kind::Word(|| vec!["pre", "post"]), "Before patching, or after.", |_, (_, it)| Value::text(Some(it.taken))).always(),
            Column::<Self>::new("file", Kind::Text, "Its name.", |_, (_, it)| Value::text(Some(&it.file))).always(),
            Column::<Self>::new("path", Kind::Text, "Where it is among the run's artefacts.", |_, (host, it)| Value::Text(Cow::Owned(it.key(host)))).always(),
        ]
    }
}
