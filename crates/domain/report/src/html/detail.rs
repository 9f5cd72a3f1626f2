//! What single hosts went through: a block of hosts, each text of theirs told once.

use std::fmt::Write as _;
use std::io::{self, Write};

use fleetwright_model::Text;
use jiff::Timestamp;
use serde::Serialize;

use crate::evidence::{ChangeRecord, CheckRecord, PatchRecord, RunHost, RunRecord, StepRecord};
use crate::record::Field;

use super::columns::{Seconds, seconds};
use super::dictionary::Dictionary;

/// A text of the block, by its place.
type Told = u32;

/// The texts of a block.
#[derive(Default)]
struct Texts {
    told: Dictionary,
    json: Vec<u8>,
}

impl Texts {
    fn told(&mut self, text: &str) -> io::Result<Told> {
        self.json.clear();
        serde_json::to_writer(&mut self.json, text)?;
        self.told.place(&self.json)
    }

    fn maybe(&mut self, text: Option<&str>) -> io::Result<Option<Told>> {
        text.map(|text| self.told(text)).transpose()
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
#[derive(Default, Serialize)]
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
    o: Vec<(Told, Told)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    od: Option<Told>,
}

impl PackedHost {
    fn clear(&mut self) {
        let Self { s, f, k, c, n, p, pi, o, od } = self;
        s.clear();
        f.clear();
        k.clear();
        c.clear();
        n.clear();
        p.clear();
        o.clear();
        (*pi, *od) = (None, None);
    }
}

/// What details are packed in; its memory serves one block after the other.
#[derive(Default)]
pub(super) struct Packer {
    texts: Texts,
    host: PackedHost,
    json: Vec<u8>,
    /// A text that is put together.
    text: String,
}

impl Packer {
    /// Writes the block of these hosts.
    ///
    /// # Errors
    /// What the writer says.
    pub(super) fn write(
        &mut self,
        json: &mut impl Write,
        record: &RunRecord<'_>,
        hosts: &[RunHost<'_>],
    ) -> io::Result<()> {
        let from = record.header.started_at.unwrap_or(Timestamp::UNIX_EPOCH);
        self.texts.told.clear();
        json.write_all(b"{\"hosts\":[")?;
        for (place, host) in hosts.iter().enumerate() {
            self.pack(host, from)?;
            self.json.clear();
            if place > 0 {
                self.json.push(b',');
            }
            serde_json::to_writer(&mut self.json, &self.host)?;
            json.write_all(&self.json)?;
        }
        json.write_all(b"],\"x\":[")?;
        json.write_all(self.texts.told.json())?;
        json.write_all(b"]}")
    }

    fn pack(&mut self, host: &RunHost<'_>, from: Timestamp) -> io::Result<()> {
        self.host.clear();
        self.said(host)?;
        self.counts(host)?;
        let Self { texts, host: packed, text, .. } = self;
        for visit in &host.timeline {
            packed.s.push(step(visit, from, texts)?);
        }
        let Some(files) = host.files.as_deref() else { return Ok(()) };
        for it in files.precheck.iter().flat_map(|precheck| &precheck.checks) {
            packed.k.push(check(it, texts)?);
        }
        for it in &files.changes {
            packed.c.push(change(it, texts)?);
        }
        for it in &files.patches {
            packed.p.push(patch(it, texts, text)?);
        }
        packed.pi = texts.maybe(files.patches_incomplete.as_deref())?;
        for it in &files.outputs {
            packed.o.push((texts.told(it.taken)?, texts.told(&it.file)?));
        }
        if !files.outputs.is_empty() {
            text.clear();
            write!(text, "{}", host.directory()).map_err(io::Error::other)?;
            packed.od = Some(texts.told(text)?);
        }
        Ok(())
    }

    /// What the checks before and after said as a whole.
    fn said(&mut self, host: &RunHost<'_>) -> io::Result<()> {
        let Self { texts, host: packed, text, .. } = self;
        let mut say = |label: &str, said: &str| {
            packed.f.push((texts.told(label)?, texts.told(said)?));
            Ok::<(), io::Error>(())
        };
        if let Some(precheck) = host.files.as_deref().and_then(|files| files.precheck.as_ref()) {
            say("Precheck", &precheck.verdict)?;
            say("Agent", &precheck.agent)?;
            if let Some(version) = precheck.agent_version.as_deref() {
                say("Agent version", version)?;
            }
            if let Some(reason) = precheck.reason.as_deref() {
                say("Because of", reason)?;
            }
        }
        if let Some(validation) = host.validation() {
            say("Checks compared with before", in_figures(text, validation.checks))?;
            let lists = [
                ("Worse than before", &validation.worse),
                ("Not compared", &validation.not_compared),
                ("Nothing to compare with", &validation.facts),
            ];
            for (label, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
                say(label, joined(text, list, "; "))?;
            }
        }
        if let Some(reboot) = host.reboot() {
            let how = if reboot.rebooted() { "proven by its boot ids: " } else { "not needed: " };
            text.clear();
            text.push_str(how);
            text.push_str(&reboot.evidence);
            say("Reboot", text)?;
        }
        Ok(())
    }

    /// Its patches in numbers, before and after.
    fn counts(&mut self, host: &RunHost<'_>) -> io::Result<()> {
        let Self { texts, host: packed, text, .. } = self;
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
        for (label, before, after) in rows {
            let label = texts.told(label)?;
            let before = match before {
                Field::Value(count) => texts.maybe(count.map(|count| in_figures(text, count)))?,
                Field::NotChecked(_) => Some(texts.told("not checked")?),
            };
            let after = texts.maybe(after.map(|count| in_figures(text, count)))?;
            if before.is_some() || after.is_some() {
                packed.n.push((label, before, after));
            }
        }
        Ok(())
    }
}

fn in_figures(text: &mut String, count: u32) -> &str {
    text.clear();
    // Writing into a text cannot fail.
    let _ = write!(text, "{count}");
    text
}

fn joined<'t>(text: &'t mut String, list: &[Text], between: &str) -> &'t str {
    text.clear();
    for (place, part) in list.iter().enumerate() {
        if place > 0 {
            text.push_str(between);
        }
        text.push_str(part);
    }
    text
}

fn step(visit: &StepRecord, from: Timestamp, texts: &mut Texts) -> io::Result<PackedStep> {
    let trouble = visit.trouble.as_deref();
    Ok((
        texts.told(&visit.step)?,
        u8::from(!visit.direction.is_do()),
        visit.attempt,
        offset(visit.started_at, from),
        visit.ended_at.map(|at| offset(at, from)),
        texts.told(visit.outcome.as_str())?,
        texts.maybe(trouble.map(|it| &*it.code))?,
        texts.maybe(trouble.and_then(|it| it.message.as_deref()))?,
        texts.maybe(visit.handle.as_deref())?,
    ))
}

fn check(it: &CheckRecord, texts: &mut Texts) -> io::Result<PackedCheck> {
    Ok((
        texts.told(it.check.as_str())?,
        texts.maybe(it.subject.as_deref())?,
        texts.told(it.severity.as_str())?,
        texts.told(&it.observed)?,
        texts.told(&it.limit)?,
        texts.told(&it.action)?,
    ))
}

fn change(it: &ChangeRecord, texts: &mut Texts) -> io::Result<PackedChange> {
    Ok((
        texts.told(it.kind.as_str())?,
        texts.told(it.weight.as_str())?,
        texts.told(&it.subject)?,
        texts.told(&it.before)?,
        texts.told(&it.after)?,
    ))
}

fn patch(it: &PatchRecord, texts: &mut Texts, text: &mut String) -> io::Result<PackedPatch> {
    let cves = (!it.cves.is_empty()).then(|| joined(text, &it.cves, ", "));
    Ok((
        texts.told(&it.title)?,
        texts.told(&it.kb)?,
        texts.told(&it.classification)?,
        texts.told(&it.severity)?,
        texts.told(it.state.as_str())?,
        it.installed_at.map(seconds),
        texts.maybe(cves)?,
    ))
}
