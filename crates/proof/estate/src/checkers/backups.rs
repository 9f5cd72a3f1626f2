//! I7 and I8: no install without a usable backup, and no backup deleted while it may be needed.

use jiff::Timestamp;

use super::evidence::{Backup, Evidence, Place, installs, named};
use super::{Finding, Invariant, Run};
use crate::world::diary::Health;
use crate::world::host::HostEventKind;
use crate::world::ids::InstanceId;

pub(super) fn check(evidence: &Evidence<'_>, run: &Run) -> Vec<Finding> {
    let mut findings = asked(evidence, run);
    for place in evidence.places.values() {
        done(place, run, &mut findings);
        deleted(place, run, &mut findings);
    }
    findings
}

/// Installs that were asked for, whatever became of them.
fn asked(evidence: &Evidence<'_>, run: &Run) -> Vec<Finding> {
    let mut findings = Vec::new();
    for record in evidence.changes().filter(|record| record.at >= run.since && installs(record)) {
        let Some(place) = evidence.place(record) else { continue };
        for id in named(record) {
            if let Some(detail) = unprotected(place, id, record.at, run) {
                let call = Some(record.request_id.to_string());
                findings.push(Finding { invariant: Invariant::I7, detail, call });
            }
        }
    }
    findings
}

/// Installs that happened, however their hosts were chosen.
fn done(place: &Place<'_>, run: &Run, findings: &mut Vec<Finding>) {
    for it in place.region.instances.iter() {
        for event in place.history(it.id) {
            let installed = matches!(&event.kind, HostEventKind::Installed { .. }) && event.at >= run.since;
            let Some(detail) = installed.then(|| unprotected(place, it.id, event.at, run)).flatten() else {
                continue;
            };
            findings.push(Finding { invariant: Invariant::I7, detail, call: None });
        }
    }
}

/// Why an instance had no usable backup at `at`; `None` where it had one or needs none.
fn unprotected(place: &Place<'_>, id: InstanceId, at: Timestamp, run: &Run) -> Option<String> {
    if run.without_backup.contains(&id.to_string()) {
        return None;
    }
    let backups = place.of_instance.get(&id).map(Vec::as_slice).unwrap_or_default();
    let usable = backups.iter().any(|n| is_usable(place, &place.backups[*n], at, run));
    (!usable).then(|| {
        format!(
            "{id} in {} {} was patched at {at} without an available image and complete snapshots made since {}",
            place.account, place.code, run.since
        )
    })
}

fn is_usable(place: &Place<'_>, backup: &Backup, at: Timestamp, run: &Run) -> bool {
    let complete = |id| {
        place.completed.get(id).is_some_and(|done| *done <= at)
            && place.deleted.get(id).is_none_or(|(gone, _)| *gone > at)
    };
    backup.begun >= run.since
        && backup.available.is_some_and(|available| available <= at)
        && backup.deregistered.is_none_or(|(gone, _)| gone > at)
        && backup.snapshots.iter().all(complete)
}

/// Backups that went too early.
fn deleted(place: &Place<'_>, run: &Run, findings: &mut Vec<Finding>) {
    for backup in &place.backups {
        let image = backup.deregistered.map(|gone| (backup.image.to_string(), gone));
        let snapshots =
            backup.snapshots.iter().filter_map(|id| Some((id.to_string(), *place.deleted.get(id)?)));
        for (what, (at, source)) in image.into_iter().chain(snapshots) {
            if at < run.since {
                continue;
            }
            let age = at.duration_since(backup.begun);
            let reason = if age < run.retention {
                format!("{} s old; it must be kept for {} s", age.as_secs(), run.retention.as_secs())
            } else if source == Health::Unhealthy {
                "while its instance was not healthy".to_owned()
            } else {
                continue;
            };
            let detail = format!("{what}, a backup of {}, was deleted {reason}", backup.instance);
            findings.push(Finding { invariant: Invariant::I8, detail, call: None });
        }
    }
}
