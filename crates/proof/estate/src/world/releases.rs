//! Patches that their publishers release while a scenario runs: nobody has or lacks them before.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::host::environment::ensure;
use super::ids::InstanceId;
use super::patch_catalog::{Patch, patches};
use super::timeline::Place;
use crate::policy::pattern;

/// One release; a `[[releases]]` table of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Patches by id or package; `*` and `?` are wildcards.
    pub patch: String,
    /// When they get into the repositories.
    pub at: Timestamp,
    /// Instances that lack them from then on, by id or by their `Name` tag, with wildcards.
    #[serde(default = "any")]
    pub instance: String,
}

fn any() -> String {
    "*".to_owned()
}

impl Release {
    /// True where it is about this patch.
    #[must_use]
    pub fn names(&self, patch: &Patch) -> bool {
        pattern::matches(&self.patch, patch.id) || pattern::matches(&self.patch, patch.title)
    }
}

/// Whether a patch is in the repositories: it always was, or has been released.
#[must_use]
pub fn is_out(releases: &[Release], patch: &Patch, at: Timestamp) -> bool {
    let mut about = releases.iter().filter(|release| release.names(patch)).peekable();
    about.peek().is_none() || about.any(|release| release.at <= at)
}

/// Lets a host lack what was released since it last looked.
pub(super) fn catch_up(place: &mut Place<'_>, id: InstanceId, at: Timestamp) {
    let environment = place.region.hosts.environment().clone();
    if environment.releases().is_empty() {
        return;
    }
    let Some(it) = place.region.instances.get(id) else { return };
    let known = patches(it.platform);
    let names = [id.to_string(), it.tags.get("Name").unwrap_or_default().to_owned()];
    let due = |release: &&Release| {
        release.at <= at && names.iter().any(|name| pattern::matches(&release.instance, name))
    };
    let due: Vec<&Release> = environment.releases().iter().filter(due).collect();
    let Some(host) = ensure(place.region, id) else { return };
    let software = &mut host.software;
    let has = |patch: &Patch| software.installed.iter().any(|it| it.patch == patch);
    let lacks: Vec<&'static Patch> = known
        .iter()
        .filter(|patch| {
            let new = due.iter().any(|release| release.names(patch)) && !has(patch);
            new || software.missing.contains(patch)
        })
        .collect();
    software.missing = lacks;
}
