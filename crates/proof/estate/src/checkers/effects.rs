//! I9 and I19: nothing happens twice.

use std::collections::HashMap;

use super::evidence::{Evidence, Place};
use super::{Finding, Invariant, Run};
use crate::world::host::{HostEventKind, RebootCause};
use crate::world::ids::ImageId;

pub(super) fn check(evidence: &Evidence<'_>, run: &Run) -> Vec<Finding> {
    let mut findings = Vec::new();
    for place in evidence.places.values() {
        images(place, run, &mut findings);
        hosts(place, run, &mut findings);
    }
    findings
}

/// Each name makes one image in a run, even where the first is gone again.
fn images(place: &Place<'_>, run: &Run, findings: &mut Vec<Finding>) {
    let mut first: HashMap<&str, ImageId> = HashMap::new();
    for backup in place.backups.iter().filter(|backup| backup.begun >= run.since) {
        if let Some(earlier) = first.get(backup.name.as_str()) {
            findings.push(Finding {
                invariant: Invariant::I19,
                detail: format!(
                    "the image {} of {} was made twice in {} {}: {earlier} and {}",
                    backup.name, backup.instance, place.account, place.code, backup.image
                ),
                call: None,
            });
        } else {
            first.insert(&backup.name, backup.image);
        }
    }
}

/// Each host reboots once at most, and installs the same patches once.
fn hosts(place: &Place<'_>, run: &Run, findings: &mut Vec<Finding>) {
    for it in place.region.instances.iter() {
        let mut reboots = 0_u32;
        let mut installs: Vec<&[&'static str]> = Vec::new();
        let mut twice = false;
        for event in place.history(it.id).iter().filter(|event| event.at >= run.since) {
            match &event.kind {
                // Starting, and coming up from another root volume, are boots of another kind.
                HostEventKind::Rebooted { cause, .. } => {
                    reboots += u32::from(!matches!(cause, RebootCause::Start | RebootCause::RootReplaced));
                }
                HostEventKind::Installed { patches, .. } if !patches.is_empty() => {
                    twice |= installs.contains(&patches.as_slice());
                    installs.push(patches);
                }
                _ => {}
            }
        }
        if reboots > 1 {
            let detail =
                format!("{} in {} {} was rebooted {reboots} times", it.id, place.account, place.code);
            findings.push(Finding { invariant: Invariant::I9, detail, call: None });
        }
        if twice {
            let detail =
                format!("{} in {} {} installed the same patches twice", it.id, place.account, place.code);
            findings.push(Finding { invariant: Invariant::I9, detail, call: None });
        }
    }
}
