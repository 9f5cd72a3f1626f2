//! Auto Scaling groups of one's own whose launch template has no version for a step.

use super::OpenFinding;
use super::nodes::{Kind, Sets};
use super::step::{Action, PlanStep};
use crate::check::Severity;

/// The check that asks for images of the last version; a plan may need others on its way.
const CODE: &str = "EKS-N4";

/// Adds a finding for each step that has nothing to launch, unless there is one that says the same. Where the versions
/// could not be read, the check says so.
pub(super) fn without_image(steps: &[PlanStep], sets: &Sets<'_>, findings: &mut Vec<OpenFinding>) {
    for step in steps {
        let Action::SelfManagedNodes { group: name, to, template: None, .. } = &step.action else { continue };
        let group = sets.planned.iter().find_map(|set| match set.kind {
            Kind::SelfManaged(group) if group.name == *name => Some(group),
            _ => None,
        });
        let Some(group) = group.filter(|it| it.template().is_some_and(|it| it.versions.known().is_some()))
        else {
            continue;
        };
        let (what, evidence) = group.missing_version(*to);
        let subject = step.action.subject();
        if findings.iter().any(|it| it.code == CODE && it.subject == subject && it.what == what) {
            continue;
        }
        findings.push(OpenFinding {
            code: CODE.to_owned(),
            hop: None,
            severity: Severity::Blocking,
            subject,
            what,
            evidence,
            remedy: "Build or choose an image for the version.".to_owned(),
        });
    }
}
