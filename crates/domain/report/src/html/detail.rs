//! What single hosts went through: a block of hosts, each text of theirs told once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::evidence::{ChangeRecord, CheckRecord, HostFiles, PatchRecord, RunHost, RunRecord, StepRecord};
use crate::record::Field;

use super::columns::{Seconds, seconds};

/// A text of the block, by its place.
type Told = u32;

/// The texts of a block.
#[derive(Default)]
struct Texts<'a> {
    places: HashMap<Cow<'a, str>, Told>,
    texts: Vec<Cow<'a, str>>,
}

impl<'a> Texts<'a> {
    fn told(&mut self, text: impl Into<Cow<'a, str>>) -> Told {
        let text = text.into();
        if let Some(place) = self.places.get(&text) {
            return *place;
        }
        let place = Told::try_from(self.texts.len()).unwrap_or(Told::MAX);
        self.places.insert(text.clone(), place);
        self.texts.push(text);
        place
    }

    fn maybe(&mut self, text: Option<impl Into<Cow<'a, str>>>) -> Option<Told> {
        text.map(|text| self.told(text))
    }
}

/// Tenths of seconds since the run began, as seconds: shorter steps than that are nobody's matter.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Offset {
    Whole(i64),
    Part(f64),
}

#[expect(clippy::cast_precision_loss, reason = "a run's tenths of seconds are far below 2^52")]
fn offset(at: Timestamp, from: Timestamp) -> Offset {
    match at.duration_since(from).as_millis() / 100 {
        whole if whole % 10 == 0 => Offset::Whole(i64::try_from(whole / 10).unwrap_or(i64::MAX)),
        part => Offset::Part(part as f64 / 10.0),
    }
}

type PackedStep = (Told, u8, u16, Offset, Option<Offset>, Told, Option<Told>, Option<Told>, Option<Told>);
type PackedCheck = (Told, Option<Told>, Told, Told, Told, Told);
type PackedChange = (Told, Told, Told, Told, Told);
type PackedPatch = (Told, Told, Told, Told, Told, Option<Seconds>, Option<Told>);

/// One host; `web/src/data/format.ts` names the parts.
#[derive(Serialize)]
struct PackedHost {
    s: Vec<PackedStep>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    f: Vec<(Told, Told)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    k: Vec<PackedCheck>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    c: Vec<PackedChange>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    n: Vec<(Told, Option<Told>, Option<Told>)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    p: Vec<PackedPatch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pi: Option<Told>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    o: Vec<(Told, Told, Told)>,
}

#[derive(Serialize)]
struct PackedBlock<'a> {
    hosts: Vec<PackedHost>,
    x: &'a [Cow<'a, str>],
}

/// Writes the block of these hosts.
///
/// # Errors
/// What the writer says.
pub(super) fn write(json: &mut impl Write, record: &RunRecord<'_>, hosts: &[RunHost<'_>]) -> io::Result<()> {
    let mut texts = Texts::default();
    let from = record.header.started_at.unwrap_or(Timestamp::UNIX_EPOCH);
    let hosts = hosts.iter().map(|host| packed(host, from, &mut texts)).collect();
    serde_json::to_writer(json, &PackedBlock { hosts, x: &texts.texts })?;
    Ok(())
}

fn packed<'a>(host: &'a RunHost<'a>, from: Timestamp, texts: &mut Texts<'a>) -> PackedHost {
    let files = host.files.as_deref();
    let of_files = |list: fn(&HostFiles) -> usize| files.map_or(0, list);
    let mut packed = PackedHost {
        s: host.timeline.iter().map(|visit| step(visit, from, texts)).collect(),
        f: said(host, texts),
        k: Vec::new(),
        c: Vec::with_capacity(of_files(|files| files.changes.len())),
        n: counts(host, texts),
        p: Vec::with_capacity(of_files(|files| files.patches.len())),
        pi: None,
        o: Vec::with_capacity(of_files(|files| files.outputs.len())),
    };
    if let Some(files) = files {
        let checks = files.precheck.iter().flat_map(|precheck| &precheck.checks);
        packed.k = checks.map(|it| check(it, texts)).collect();
        packed.c.extend(files.changes.iter().map(|it| change(it, texts)));
        packed.p.extend(files.patches.iter().map(|it| patch(it, texts)));
        packed.pi = texts.maybe(files.patches_incomplete.as_deref());
        let outputs = files.outputs.iter();
        packed.o.extend(
            outputs.map(|it| (texts.told(it.taken), texts.told(&*it.file), texts.told(it.key(host)))),
        );
    }
    packed
}

fn step<'a>(visit: &'a StepRecord, from: Timestamp, texts: &mut Texts<'a>) -> PackedStep {
    let trouble = visit.trouble.as_deref();
    (
        texts.told(&*visit.step),
        u8::from(!visit.direction.is_do()),
        visit.attempt,
        offset(visit.started_at, from),
        visit.ended_at.map(|at| offset(at, from)),
        texts.told(visit.outcome.as_str()),
        texts.maybe(trouble.map(|it| &*it.code)),
        texts.maybe(trouble.and_then(|it| it.message.as_deref())),
        texts.maybe(visit.handle.as_deref()),
    )
}

/// What the checks before and after said as a whole.
fn said<'a>(host: &'a RunHost<'a>, texts: &mut Texts<'a>) -> Vec<(Told, Told)> {
    let mut said: Vec<(&str, Cow<'a, str>)> = Vec::new();
    if let Some(precheck) = host.files.as_deref().and_then(|files| files.precheck.as_ref()) {
        said.push(("Precheck", Cow::Borrowed(&precheck.verdict)));
        said.push(("Agent", Cow::Borrowed(&precheck.agent)));
        said.extend(
            precheck.agent_version.as_deref().map(|version| ("Agent version", Cow::Borrowed(version))),
        );
        said.extend(precheck.reason.as_deref().map(|reason| ("Because of", Cow::Borrowed(reason))));
    }
    if let Some(validation) = host.validation() {
        said.push(("Checks compared with before", validation.checks.to_string().into()));
        let lists = [
            ("Worse than before", &validation.worse),
            ("Not compared", &validation.not_compared),
            ("Nothing to compare with", &validation.facts),
        ];
        said.extend(lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(label, list)| {
            (label, list.iter().map(|text| &**text).collect::<Vec<_>>().join("; ").into())
        }));
    }
    if let Some(reboot) = host.reboot() {
        let how = if reboot.rebooted() { "proven by its boot ids" } else { "not needed" };
        said.push(("Reboot", format!("{how}: {}", reboot.evidence).into()));
    }
    said.into_iter().map(|(label, text)| (texts.told(label.to_owned()), texts.told(text))).collect()
}

fn check<'a>(it: &'a CheckRecord, texts: &mut Texts<'a>) -> PackedCheck {
    (
        texts.told(it.check.as_str()),
        texts.maybe(it.subject.as_deref()),
        texts.told(it.severity.as_str()),
        texts.told(&*it.observed),
        texts.told(&*it.limit),
        texts.told(&*it.action),
    )
}

fn change<'a>(it: &'a ChangeRecord, texts: &mut Texts<'a>) -> PackedChange {
    (
        texts.told(it.kind.as_str()),
        texts.told(it.weight.as_str()),
        texts.told(&*it.subject),
        texts.told(&*it.before),
        texts.told(&*it.after),
    )
}

fn patch<'a>(it: &'a PatchRecord, texts: &mut Texts<'a>) -> PackedPatch {
    let cves = (!it.cves.is_empty()).then(|| it.cves.iter().map(|cve| &**cve).collect::<Vec<_>>().join(", "));
    (
        texts.told(&*it.title),
        texts.told(&*it.kb),
        texts.told(&*it.classification),
        texts.told(&*it.severity),
        texts.told(it.state.as_str()),
        it.installed_at.map(seconds),
        texts.maybe(cves),
    )
}

/// Its patches in numbers, before and after.
fn counts<'a>(host: &'a RunHost<'a>, texts: &mut Texts<'a>) -> Vec<(Told, Option<Told>, Option<Told>)> {
    let before = &host.inventory;
    let after = host.compliance();
    let rows = [
        ("Installed", &before.patches_installed, after.map(|note| note.installed)),
        ("Missing", &before.patches_missing, after.map(|note| note.missing)),
        ("Failed to install", &before.patches_failed, after.map(|note| note.failed)),
        ("Waiting for a reboot", &before.patches_pending_reboot, after.map(|note| note.pending_reboot)),
        ("Installed though rejected", &before.patches_rejected, after.map(|note| note.rejected)),
        ("Critical and not compliant", &before.critical_non_compliant, after.map(|note| note.critical)),
    ];
    let told = rows.into_iter().filter_map(|(label, before, after)| {
        let before = match before {
            Field::Value(count) => count.map(|count| count.to_string()),
            Field::NotChecked(_) => Some("not checked".to_owned()),
        };
        let after = after.map(|count| count.to_string());
        (before.is_some() || after.is_some())
            .then(|| (texts.told(label), texts.maybe(before), texts.maybe(after)))
    });
    told.collect()
}
