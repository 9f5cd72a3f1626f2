//! Whether there is a way back, and who else has a hand in it.

use jiff::SignedDuration;

use crate::check::{Applies, Check, Context, Examination, Scope, Severity};

pub(super) const CHECKS: &[Check] = &[
    Check {
        code: "EKS-R1",
        title: "There is a fresh backup of the cluster's objects",
        why: "A version rollback does not bring back what was deleted or changed in etcd.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "velero.io Backups",
        remedy: "Make a backup before the upgrade.",
        evaluate: has_backup,
    },
    Check {
        code: "EKS-R2",
        title: "The upgrade can be rolled back",
        why: "EKS goes back by one minor within seven days, and only without features that forbid it.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:DescribeCluster, eks:ListInsights",
        remedy: "Do without the feature, or decide that there is no way back.",
        evaluate: can_be_rolled_back,
    },
    Check {
        code: "EKS-R3",
        title: "Nobody else manages the cluster's version",
        why: "What describes the cluster elsewhere takes the version back, or fails over it.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "tags of the cluster",
        remedy: "Change the version there as well, or upgrade from there.",
        evaluate: has_one_owner,
    },
    Check {
        code: "EKS-R5",
        title: "No freeze holds",
        why: "Changes are not made in a freeze.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "windows and freezes of the configuration",
        remedy: "Wait until it ends.",
        evaluate: is_not_frozen,
    },
];

/// A backup that is older is told of.
const BACKUP_AGE_MAX: SignedDuration = SignedDuration::from_hours(24);

fn has_backup(context: &Context<'_>, exam: &mut Examination) {
    match exam.read(&context.facts.control_plane.backup) {
        None => {}
        Some(None) => exam.find("backup", "there is no backup", "no Backup of velero.io has ended"),
        Some(Some(backup)) => {
            if !backup.complete {
                exam.find(
                    &backup.name,
                    "the newest backup is not complete",
                    "phase PartiallyFailed or Failed",
                );
            }
            if context.at.duration_since(backup.completed_at) > BACKUP_AGE_MAX {
                let evidence = format!("completed {}", backup.completed_at);
                exam.find(&backup.name, "the newest backup is more than a day old", evidence);
            }
        }
    }
}

fn can_be_rolled_back(context: &Context<'_>, exam: &mut Examination) {
    let Some(cluster) = exam.read(&context.facts.control_plane.cluster) else { return };
    let blockers = exam.read(&context.facts.control_plane.rollback_blockers);
    for feature in blockers.into_iter().flatten() {
        let what = "a feature in use forbids a rollback, even a forced one";
        exam.find(&cluster.name, what, feature);
    }
    if context.route.len() > 1 {
        let what = format!("of {} hops only the last can be rolled back", context.route.len());
        exam.find(&cluster.name, what, "EKS rolls back by one minor version");
    }
}

fn has_one_owner(context: &Context<'_>, exam: &mut Examination) {
    for owner in exam.read(&context.facts.control_plane.managed_by).into_iter().flatten() {
        exam.find(owner, "the cluster is described elsewhere", "its tags");
    }
}

fn is_not_frozen(context: &Context<'_>, exam: &mut Examination) {
    if let Some(Some(freeze)) = exam.read(&context.facts.control_plane.freeze) {
        exam.find(freeze, "a freeze holds, or begins before the upgrade can end", freeze.clone());
    }
}
