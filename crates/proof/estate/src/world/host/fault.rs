//! What goes wrong on hosts: rules that say which hosts suffer, from when, and how.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::pattern;

/// Kinds of misfortune.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostFaultKind {
    /// The agent is not heard from.
    AgentLost,
    /// The agent does not come back after a reboot.
    AgentNeverReturns,
    /// The agent comes back late: `minutes` after the boot.
    AgentLate,
    /// The root file system is full but for a hundredth.
    DiskFull,
    /// Patches whose name matches `patch` cannot be installed.
    PatchFails,
    /// A patch leaves `service` failed.
    PatchBreaksService,
    /// A patch leaves an account behind, `user`, that may do everything.
    PatchAddsUser,
    /// After a patch the next boot hangs.
    PatchBricksBoot,
    /// The host asks for a reboot that no pending patch explains.
    NeedsReboot,
    /// Somebody else holds the package manager's lock.
    PackageLock,
    /// The package repositories do not answer.
    RepositoryUnreachable,
    /// The application's health endpoint answers 503, from `when` on.
    AppUnhealthy,
    /// The application answers fifty times slower, from `when` on; its health endpoint stays well.
    AppSlow,
    /// A patch run takes effect, but its report is lost in the race with the reboot.
    ReportLost,
    /// Commands never reach the agent, though it pings.
    CommandNeverReceived,
    /// The agent is refused the command.
    AccessDenied,
    /// Systems Manager ends the invocation as if the command's limit of errors were used up.
    Terminated,
    /// Scripts run into their time limit.
    ExecutionTimeout,
    /// The load is four times the number of processors.
    LoadHigh,
    /// Next to no memory is available.
    MemoryLow,
    /// `service` has failed.
    ServiceDown,
    /// After a patch the processors are busy.
    CpuHighAfterPatch,
}

/// From when a misfortune shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// From the rule's `from` on.
    #[default]
    Always,
    /// Once the host was patched.
    AfterPatch,
    /// Once the host was rebooted.
    AfterReboot,
}

/// One rule; a `[[hosts]]` table of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostFault {
    /// What goes wrong.
    pub kind: HostFaultKind,
    /// Accounts by id; `*` and `?` are wildcards.
    #[serde(default = "any")]
    pub account: String,
    /// Regions by code, with wildcards.
    #[serde(default = "any")]
    pub region: String,
    /// Instances by id or by their `Name` tag, with wildcards.
    #[serde(default = "any")]
    pub instance: String,
    /// The share of those hosts that suffer, from 0 to 1; which ones, the seed decides.
    #[serde(default = "whole")]
    pub share: f64,
    /// Not before this time of the estate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// No longer at this time of the estate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How often it strikes each host at most; no limit where absent. Counts for what strikes an
    /// event (a command, a boot, an install), not for a condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// From when it shows; for `app_unhealthy`, `app_slow`, `service_down`, `load_high` and `memory_low`.
    #[serde(default)]
    pub when: When,
    /// How late, in minutes, for `agent_late`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
    /// The service, for `patch_breaks_service` and `service_down`; the application's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The account, for `patch_adds_user`; `support` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Patches by id or package, with wildcards, for `patch_fails` and the kinds that a patch
    /// brings about.
    #[serde(default = "any")]
    pub patch: String,
}

fn any() -> String {
    "*".to_owned()
}

const fn whole() -> f64 {
    1.0
}

impl HostFault {
    /// What makes no sense about the rule, with what to give instead.
    ///
    /// # Errors
    /// The field and the problem, in one sentence.
    pub fn check(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.share) {
            return Err(format!("share: {} must be from 0 to 1", self.share));
        }
        if let (Some(from), Some(until)) = (self.from, self.until)
            && from >= until
        {
            return Err(format!("until: {until} must be after from, {from}"));
        }
        match (self.kind, self.minutes) {
            (HostFaultKind::AgentLate, None | Some(0)) => {
                return Err("minutes: agent_late needs a number of minutes, 1 or more".to_owned());
            }
            (kind, Some(_)) if kind != HostFaultKind::AgentLate => {
                return Err("minutes: belongs to kind agent_late only".to_owned());
            }
            _ => {}
        }
        if let Some(user) = &self.user {
            if self.kind != HostFaultKind::PatchAddsUser {
                return Err("user: belongs to kind patch_adds_user only".to_owned());
            }
            if user.is_empty() || user.contains(|c: char| c == ':' || c == ',' || c.is_control()) {
                return Err(format!("user: {user:?} must be a name without ':' and ','"));
            }
        }
        let of_service = matches!(self.kind, HostFaultKind::PatchBreaksService | HostFaultKind::ServiceDown);
        if self.service.is_some() && !of_service {
            return Err("service: belongs to kinds patch_breaks_service and service_down only".to_owned());
        }
        Ok(())
    }

    /// True where the rule is about this host at this time, the share apart.
    #[must_use]
    pub fn is_about(&self, account: &str, region: &str, names: [&str; 2], at: Timestamp) -> bool {
        pattern::matches(&self.account, account)
            && pattern::matches(&self.region, region)
            && names.iter().any(|name| pattern::matches(&self.instance, name))
            && self.from.is_none_or(|from| at >= from)
            && self.until.is_none_or(|until| at < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        toml::from_str::<HostFault>(text).expect("a rule").check().expect_err("must be refused")
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_refused_with_its_field() {
        assert!(refused("kind = \"agent_late\"").starts_with("minutes"));
        assert!(refused("kind = \"disk_full\"\nminutes = 3").starts_with("minutes"));
        assert!(refused("kind = \"disk_full\"\nshare = 1.5").starts_with("share"));
        assert!(refused("kind = \"disk_full\"\nservice = \"nginx\"").starts_with("service"));
        assert!(refused("kind = \"disk_full\"\nuser = \"x\"").starts_with("user"));
        assert!(refused("kind = \"patch_adds_user\"\nuser = \"x:0\"").starts_with("user"));
        let times = "from = \"2026-11-02T00:00:00Z\"\nuntil = \"2026-11-01T00:00:00Z\"";
        assert!(refused(&format!("kind = \"disk_full\"\n{times}")).starts_with("until"));
    }
}
