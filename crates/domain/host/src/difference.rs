//! Everything that differs between what a host said before and after, as a document for people who look
//! later. What a difference means is judged elsewhere (`comparison`); here nothing is left out and nothing
//! weighed. What could not be compared says so, and is never "no difference".

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::fact::Tri;
use crate::survey::{MountMode, SurveyReport};

/// Before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// Before; none where the host did not say.
    pub before: Option<String>,
    /// After.
    pub after: Option<String>,
}

/// A list before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listed {
    /// Both times it was there.
    Compared {
        /// Only after.
        added: Vec<String>,
        /// Only before.
        removed: Vec<String>,
    },
    /// One time, or both, the host did not say, or its list did not fit.
    NotCompared,
}

impl Listed {
    /// True where it was compared and is the same.
    pub fn is_same(&self) -> bool {
        matches!(self, Self::Compared { added, removed } if added.is_empty() && removed.is_empty())
    }
}

/// A host before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Whether it was booted in between.
    pub rebooted: Tri,
    /// Facts of one value that differ: kernel, version, number and digest of packages ….
    pub facts: BTreeMap<String, Pair>,
    /// What was installed lately, as `name version`: what is only after came in between. The list holds the
    /// newest packages; the whole set is compared by its digest.
    pub packages: Listed,
    /// Running services.
    pub services: Listed,
    /// Listening ports.
    pub ports: Listed,
    /// Mounts, as `target source file-system mode`.
    pub mounts: Listed,
    /// Local users, as `name (id, login, groups)`: one that changed is there twice. Older documents have none.
    #[serde(default = "not_compared")]
    pub users: Listed,
}

impl Difference {
    /// What differs.
    pub fn between(before: &SurveyReport, after: &SurveyReport) -> Self {
        let rebooted = match (&before.boot_id, &after.boot_id) {
            (Some(then), Some(now)) => then.rebooted(now),
            _ => Tri::Unknown,
        };
        let (then, now) = (facts(before), facts(after));
        let names: BTreeSet<&str> = then.keys().chain(now.keys()).copied().collect();
        let differing = names.into_iter().filter(|name| then.get(name) != now.get(name));
        let facts = differing.map(|name| {
            (name.to_owned(), Pair { before: then.get(name).cloned(), after: now.get(name).cloned() })
        });
        Self {
            rebooted,
            facts: facts.collect(),
            packages: listed(packages(before), packages(after)),
            services: listed(before.running_services.clone(), after.running_services.clone()),
            ports: listed(ports(before), ports(after)),
            mounts: listed(mounts(before), mounts(after)),
            users: listed(users(before), users(after)),
        }
    }
}

fn listed(before: Option<BTreeSet<String>>, after: Option<BTreeSet<String>>) -> Listed {
    let (Some(before), Some(after)) = (before, after) else { return Listed::NotCompared };
    Listed::Compared {
        added: after.difference(&before).cloned().collect(),
        removed: before.difference(&after).cloned().collect(),
    }
}

fn facts(report: &SurveyReport) -> BTreeMap<&'static str, String> {
    let set = report.packages.as_ref();
    let named = [
        ("os", report.os.clone()),
        ("os_version", report.os_version.clone()),
        ("kernel", report.kernel.clone()),
        ("architecture", report.arch.clone()),
        ("hostname", report.hostname.clone()),
        ("package_manager", report.package_manager.clone()),
        ("packages", set.map(|set| set.count.to_string())),
        ("packages_sha256", set.map(|set| set.sha256.clone())),
        ("failed_units", report.failed_units.as_ref().map(|failed| failed.count.to_string())),
        ("memory_total_mib", report.memory_total_mib.map(|mib| mib.to_string())),
        ("cpus", report.cpus.map(|cpus| cpus.to_string())),
    ];
    named.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn packages(report: &SurveyReport) -> Option<BTreeSet<String>> {
    let recent = report.recent_packages.as_ref()?;
    Some(recent.iter().map(|package| format!("{} {}", package.name, package.version)).collect())
}

fn ports(report: &SurveyReport) -> Option<BTreeSet<String>> {
    Some(report.ports.as_ref()?.iter().map(ToString::to_string).collect())
}

fn mounts(report: &SurveyReport) -> Option<BTreeSet<String>> {
    let mode = |mode: MountMode| mode.as_str();
    let line = |mount: &crate::survey::Mount| {
        format!("{} {} {} {}", mount.target, mount.source, mount.file_system, mode(mount.mode))
    };
    Some(report.mounts.as_ref()?.iter().map(line).collect())
}

fn users(report: &SurveyReport) -> Option<BTreeSet<String>> {
    Some(report.users.as_ref()?.iter().map(ToString::to_string).collect())
}

fn not_compared() -> Listed {
    Listed::NotCompared
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::RecentPackage;

    fn host(kernel: &str, services: &[&str], packages: &[(&str, &str)]) -> SurveyReport {
        let recent = packages.iter().map(|(name, version)| RecentPackage {
            day: "2026-11-01".to_owned(),
            name: (*name).to_owned(),
            version: (*version).to_owned(),
        });
        SurveyReport {
            kernel: Some(kernel.to_owned()),
            running_services: Some(services.iter().map(|name| (*name).to_owned()).collect()),
            recent_packages: Some(recent.collect()),
            ..SurveyReport::default()
        }
    }

    #[test]
    fn what_came_and_went_is_named_and_what_stayed_is_not() {
        let before = host("6.1.0-13", &["cron", "nginx", "sshd"], &[("openssl", "3.0.11")]);
        let after =
            host("6.1.0-18", &["cron", "sshd", "timer"], &[("openssl", "3.0.11"), ("openssl", "3.0.13")]);
        let found = Difference::between(&before, &after);
        let kernel = Pair { before: Some("6.1.0-13".to_owned()), after: Some("6.1.0-18".to_owned()) };
        assert_eq!(found.facts, BTreeMap::from([("kernel".to_owned(), kernel)]));
        let only = |added: &[&str], removed: &[&str]| Listed::Compared {
            added: added.iter().map(|it| (*it).to_owned()).collect(),
            removed: removed.iter().map(|it| (*it).to_owned()).collect(),
        };
        assert_eq!(found.services, only(&["timer"], &["nginx"]));
        assert_eq!(found.packages, only(&["openssl 3.0.13"], &[]));
    }

    #[test]
    fn a_list_that_was_not_there_at_both_times_is_not_compared_and_not_the_same() {
        let found = Difference::between(&host("6.1", &["cron"], &[]), &SurveyReport::default());
        assert_eq!((&found.services, found.services.is_same()), (&Listed::NotCompared, false));
        assert_eq!(found.facts["kernel"].after, None);
        assert!(Difference::between(&host("6", &[], &[]), &host("6", &[], &[])).services.is_same());
    }
}
