//! Change records of an ITSM system: what is opened from a plan, and what a record's state lets a run do.
//!
//! The states are those that systems have in common; adapters translate. A state that nobody knows lets
//! nothing go on: an unreadable answer is no approval.

use std::collections::BTreeSet;
use std::fmt;

use fleetwright_model::{AccountId, Exit, Text};
use fleetwright_patch::PlanDocument;
use fleetwright_patch::plan::{PatchPlan, Work};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// What is asked for when a change is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangeRequest {
    /// What the record is found by again: one run has one record, however often it is asked for.
    pub mark: Text,
    /// In a few words.
    pub title: String,
    /// What will be done, to whom, and how it is taken back; lines of text.
    pub description: String,
    /// How it is taken back.
    pub backout: String,
    /// How it is proven.
    pub test: String,
    /// When it may begin.
    pub starts_at: Timestamp,
    /// When it is done by the plan's estimate.
    pub ends_at: Timestamp,
}

impl ChangeRequest {
    /// The change that a run of this plan is.
    pub fn of(run: &str, document: &PlanDocument, now: Timestamp) -> Self {
        let plan = document.plan();
        let hosts = plan.work.iter().filter_map(Work::host).count();
        let accounts: BTreeSet<&AccountId> = plan.zones.iter().map(|zone| &zone.account).collect();
        let title = format!("Patch {hosts} instances in {} accounts ({run})", accounts.len());
        let (starts_at, ends_at) = times(plan, now);
        let backout = match plan.policy.rollback.automatic {
            true => {
                "Instances that fail are restored from the image made before patching, by the run itself."
            }
            false => "Instances are restored from the image made before patching: fleetwright rollback RUN.",
        };
        Self {
            mark: mark(run),
            title,
            description: description(run, document, hosts, &accounts),
            backout: backout.replace("RUN", run),
            test:
                "Each instance is surveyed before and after patching and compared: services, ports, mounts, \
                   compliance; what is worse fails it."
                    .to_owned(),
            starts_at,
            ends_at,
        }
    }
}

/// What the record of a run is found by; letters, digits, `-` and `_`.
pub fn mark(run: &str) -> Text {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    format!("fleetwright-{}", run.chars().map(plain).collect::<String>()).into()
}

/// From the first window to the last, where there are windows; else from now on, as long as is estimated
/// to be likely.
fn times(plan: &PatchPlan, now: Timestamp) -> (Timestamp, Timestamp) {
    let spans = || plan.flow.windows.iter().flat_map(|window| &window.open);
    let starts = spans().map(|span| span.from).min().map_or(now, |opens| opens.max(now));
    let seconds = i64::try_from(plan.estimate.seconds).unwrap_or(i64::MAX / 4).clamp(3600, 14 * 86_400);
    let ends = spans().map(|span| span.until).max().unwrap_or(now + SignedDuration::from_secs(seconds));
    (starts, ends.max(starts + SignedDuration::from_hours(1)))
}

fn description(run: &str, document: &PlanDocument, hosts: usize, accounts: &BTreeSet<&AccountId>) -> String {
    const NAMED: usize = 20;
    let plan = document.plan();
    let mut lines = vec![
        format!("Run {run} of fleetwright, plan {}.", document.digest()),
        format!("{hosts} instances are patched; {} of the selection are left out.", plan.left_out.len()),
    ];
    let named = accounts.iter().take(NAMED).map(|account| account.as_str());
    lines.push(format!("Accounts: {}{}", named.collect::<Vec<_>>().join(", "), rest(accounts.len(), NAMED)));
    let mut applications: BTreeSet<&str> = BTreeSet::new();
    applications.extend(plan.work.iter().filter_map(|work| work.host()?.application.as_deref()));
    if !applications.is_empty() {
        let named: Vec<String> =
            applications.iter().take(NAMED).map(|name| crate::line(name).into_owned()).collect();
        lines.push(format!("Applications: {}{}", named.join(", "), rest(applications.len(), NAMED)));
    }
    for (number, stage) in plan.flow.stages.iter().enumerate() {
        let targets = stage.targets.clone().filter_map(|target| plan.work.get(target as usize)?.host());
        lines.push(format!("Stage {number}: {}, {} instances", crate::line(&stage.name), targets.count()));
    }
    lines.join("\n")
}

fn rest(all: usize, named: usize) -> String {
    match all.saturating_sub(named) {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

/// A record of an ITSM system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangeRecord {
    /// What the system's own calls take.
    pub id: Text,
    /// What people call it.
    pub number: Text,
    /// Where people find it.
    pub url: String,
    /// Where it stands.
    pub state: ChangeState,
    /// The state as the system names it; untrusted text.
    pub state_name: Text,
    /// When the change may be made, where the record says so.
    pub starts_at: Option<Timestamp>,
    /// Until when.
    pub ends_at: Option<Timestamp>,
}

/// Where a change record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// It waits for approval.
    Waits,
    /// It may be made.
    Approved,
    /// It was refused.
    Rejected,
    /// It was taken back.
    Cancelled,
    /// It is over.
    Closed,
    /// Nobody knows what the system's state means.
    Unknown,
}

/// What a change record lets a run do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// To go on.
    Go,
    /// To wait, and why.
    Wait(String),
    /// To end, and why.
    Never(String),
}

impl ChangeRecord {
    /// What the record lets a run do now.
    pub fn verdict(&self, now: Timestamp) -> Verdict {
        let named =
            |what: &str| format!("{} {what} (state {:?})", self.number, crate::line(&self.state_name));
        match self.state {
            ChangeState::Rejected => Verdict::Never(named("was rejected")),
            ChangeState::Cancelled => Verdict::Never(named("was cancelled")),
            ChangeState::Closed => Verdict::Never(named("is closed already")),
            ChangeState::Waits => Verdict::Wait(named("waits for approval")),
            ChangeState::Unknown => Verdict::Wait(named("is in a state that is not known")),
            ChangeState::Approved if self.ends_at.is_some_and(|ends| ends <= now) => {
                Verdict::Never(named("is approved, but its time is over"))
            }
            ChangeState::Approved => match self.starts_at.filter(|starts| now < *starts) {
                Some(starts) => Verdict::Wait(named(&format!("is approved from {starts} on"))),
                None => Verdict::Go,
            },
        }
    }
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOutcome {
    /// As planned.
    Successful,
    /// With issues.
    Issues,
    /// It was not made, or not to its end.
    Unsuccessful,
}

impl ChangeOutcome {
    /// How a run that ended with this exit code ended as a change.
    pub fn of(exit: Exit) -> Self {
        match exit {
            Exit::Success | Exit::Nothing => Self::Successful,
            Exit::Partial => Self::Issues,
            _ => Self::Unsuccessful,
        }
    }

    /// The outcome in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Successful => "successful",
            Self::Issues => "successful with issues",
            Self::Unsuccessful => "unsuccessful",
        }
    }
}

impl fmt::Display for ChangeOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(state: ChangeState) -> ChangeRecord {
        ChangeRecord {
            id: "1".into(),
            number: "CHG0030001".into(),
            url: "https://example.com/1".into(),
            state,
            state_name: "x\ny".into(),
            starts_at: None,
            ends_at: None,
        }
    }

    #[test]
    fn only_an_approved_change_in_its_time_lets_a_run_go_on() {
        let at = |seconds: i64| Timestamp::from_second(seconds).expect("a time");
        let approved = |starts, ends| ChangeRecord {
            starts_at: Some(at(starts)),
            ends_at: Some(at(ends)),
            ..record(ChangeState::Approved)
        };
        assert_eq!(record(ChangeState::Approved).verdict(at(5)), Verdict::Go);
        assert_eq!(approved(5, 9).verdict(at(5)), Verdict::Go);
        assert_eq!(approved(5, 9).verdict(at(8)), Verdict::Go);
        assert!(matches!(approved(5, 9).verdict(at(4)), Verdict::Wait(_)));
        assert!(matches!(approved(5, 9).verdict(at(9)), Verdict::Never(_)));
        for state in [ChangeState::Waits, ChangeState::Unknown] {
            assert!(matches!(record(state).verdict(at(5)), Verdict::Wait(why) if !why.contains('\n')));
        }
        for state in [ChangeState::Rejected, ChangeState::Cancelled, ChangeState::Closed] {
            assert!(matches!(record(state).verdict(at(5)), Verdict::Never(_)));
        }
    }

    #[test]
    fn marks_are_fit_for_labels() {
        assert_eq!(&*mark("run-2026 \"x\""), "fleetwright-run-2026--x-");
    }
}
