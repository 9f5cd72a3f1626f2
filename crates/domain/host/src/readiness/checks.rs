//! The checks, one function each.

use crate::fact::{Judged, Tri, UnitState};
use crate::questions::{Questions, Repositories};
use crate::readiness::{Check, HostFinding, Severity, Thresholds};
use crate::survey::{DiskRole, HttpStatus, SurveyReport};

/// Disks, memory, load, a reboot that is due.
pub(super) fn system(report: &SurveyReport, thresholds: &Thresholds, findings: &mut Vec<HostFinding>) {
    disk(report, Check::RootDisk, DiskRole::Root, thresholds.root_used_percent_max, findings);
    disk(report, Check::TempDisk, DiskRole::Temp, thresholds.temp_used_percent_max, findings);
    memory(report, thresholds, findings);
    load(report, thresholds, findings);
    pending_reboot(report, findings);
}

/// The package manager's lock and its repositories.
pub(super) fn packages(report: &SurveyReport, findings: &mut Vec<HostFinding>) {
    let free = "nobody else holds the lock";
    judged(report.package_lock.as_ref(), Tri::No, Check::PackageLock, free, findings, |observed| {
        let action = "Let the other package operation finish, or end it, then check again.";
        finding(Check::PackageLock, None, Severity::Fail, format!("held: {observed}"), free, action)
    });
    let answer = "the repositories answer";
    judged(report.repositories.as_ref(), Tri::Yes, Check::Repositories, answer, findings, |observed| {
        let action = "Check the route, proxy and DNS from the host to its repositories.";
        finding(Check::Repositories, None, Severity::Fail, format!("reachable: {observed}"), answer, action)
    });
}

/// What was asked for by name.
pub(super) fn applications(report: &SurveyReport, asked: &Questions, findings: &mut Vec<HostFinding>) {
    asked.services.iter().for_each(|name| service(report, name, findings));
    asked.health.iter().for_each(|url| health(report, url, findings));
    asked.databases.iter().for_each(|address| database(report, address, findings));
    if !asked.agents.is_empty() {
        security_agent(report, asked, findings);
    }
    if asked.repositories == Repositories::Skip {
        findings.retain(|finding| {
            finding.check != Check::Repositories || matches!(finding.severity, Severity::Fail)
        });
    }
}

fn finding(
    check: Check,
    subject: Option<&str>,
    severity: Severity,
    observed: impl Into<String>,
    limit: impl Into<String>,
    action: &str,
) -> HostFinding {
    HostFinding {
        check,
        subject: subject.map(str::to_owned),
        severity,
        observed: observed.into(),
        limit: limit.into(),
        action: action.to_owned(),
    }
}

fn not_evaluated(check: Check, subject: Option<&str>, reason: &str, limit: impl Into<String>) -> HostFinding {
    finding(
        check,
        subject,
        Severity::NotEvaluated(reason.to_owned()),
        "not known",
        limit,
        "Look at the host, or let facts that cannot be read pass in the thresholds.",
    )
}

const NOT_SAID: &str = "the host did not say";

/// A three-valued fact: `right` is no finding, unknown is not evaluated, the rest is `wrong`.
fn judged(
    fact: Option<&Judged>,
    right: Tri,
    check: Check,
    limit: &str,
    findings: &mut Vec<HostFinding>,
    wrong: impl FnOnce(&Judged) -> HostFinding,
) {
    match fact {
        None => findings.push(not_evaluated(check, None, NOT_SAID, limit)),
        Some(fact) if fact.answer == right => {}
        Some(fact) if fact.answer == Tri::Unknown => {
            let reason = if fact.evidence.is_empty() { NOT_SAID } else { &fact.evidence };
            findings.push(not_evaluated(check, None, reason, limit));
        }
        Some(fact) => findings.push(wrong(fact)),
    }
}

fn disk(report: &SurveyReport, check: Check, role: DiskRole, max: u8, findings: &mut Vec<HostFinding>) {
    let limit = format!("at most {max} % used");
    match report.disk(role) {
        None => findings.push(not_evaluated(check, None, NOT_SAID, limit)),
        Some(disk) if disk.used_percent > max => {
            let observed =
                format!("{} % of {} used, {} MiB free", disk.used_percent, disk.path, disk.free_mib);
            let action = "Free space or grow the volume, then check again.";
            findings.push(finding(check, None, Severity::Fail, observed, limit, action));
        }
        Some(_) => {}
    }
}

fn memory(report: &SurveyReport, thresholds: &Thresholds, findings: &mut Vec<HostFinding>) {
    let min = thresholds.memory_available_mib_min;
    let limit = format!("at least {min} MiB available");
    match report.memory_available_mib {
        None => findings.push(not_evaluated(Check::Memory, None, NOT_SAID, limit)),
        Some(available) if available < min => {
            let observed = format!("{available} MiB available");
            let action = "Stop what is not needed, or lower the limit for hosts of this size.";
            findings.push(finding(Check::Memory, None, Severity::Fail, observed, limit, action));
        }
        Some(_) => {}
    }
}

fn load(report: &SurveyReport, thresholds: &Thresholds, findings: &mut Vec<HostFinding>) {
    let max = thresholds.load_per_cpu_percent_max;
    let limit = format!("at most {max} % per processor");
    match report.load_per_cpu_percent() {
        None => findings.push(not_evaluated(Check::Load, None, NOT_SAID, limit)),
        Some(load) if load > max => {
            let observed = format!("{load} % per processor");
            let action = "Patch when the host is less busy; patching will be slow now.";
            findings.push(finding(Check::Load, None, Severity::Warn, observed, limit, action));
        }
        Some(_) => {}
    }
}

fn pending_reboot(report: &SurveyReport, findings: &mut Vec<HostFinding>) {
    let limit = "no reboot is due";
    judged(report.pending_reboot.as_ref(), Tri::No, Check::PendingReboot, limit, findings, |observed| {
        let action = "Earlier changes take effect with the next reboot; expect more than this run's.";
        finding(Check::PendingReboot, None, Severity::Warn, format!("due: {observed}"), limit, action)
    });
}

fn service(report: &SurveyReport, name: &str, findings: &mut Vec<HostFinding>) {
    let (check, limit) = (Check::Service, "active");
    let state = report.services.iter().find(|unit| unit.name == name).map(|unit| unit.state);
    match state {
        Some(UnitState::Active) => {}
        None | Some(UnitState::Unknown) => {
            findings.push(not_evaluated(check, Some(name), NOT_SAID, limit));
        }
        Some(state) => {
            let action = "Start the service, or take it off the list of critical services.";
            findings.push(finding(check, Some(name), Severity::Fail, state.as_str(), limit, action));
        }
    }
}

fn health(report: &SurveyReport, url: &str, findings: &mut Vec<HostFinding>) {
    let (check, limit) = (Check::Health, "HTTP 200 to 399");
    let status = report.health.iter().find(|health| health.url == url).map(|health| health.status);
    match status.map(|status| (status, HttpStatus::healthy(status))) {
        Some((_, Some(true))) => {}
        Some((status, Some(false))) => {
            let action = "Correct the application first; after patching nobody could tell what broke it.";
            findings.push(finding(check, Some(url), Severity::Fail, status.to_string(), limit, action));
        }
        None => findings.push(not_evaluated(check, Some(url), NOT_SAID, limit)),
        Some((_, None)) => {
            findings.push(not_evaluated(check, Some(url), "the host has neither curl nor wget", limit));
        }
    }
}

fn database(report: &SurveyReport, address: &str, findings: &mut Vec<HostFinding>) {
    let (check, limit) = (Check::Database, "takes connections");
    let reachable = report.databases.iter().find(|database| database.address == address);
    match reachable.map(|database| database.reachable) {
        Some(Tri::Yes) => {}
        Some(Tri::No) => {
            let action = "Check the database and the route to it.";
            findings.push(finding(check, Some(address), Severity::Fail, "no connection", limit, action));
        }
        None => findings.push(not_evaluated(check, Some(address), NOT_SAID, limit)),
        Some(Tri::Unknown) => {
            findings.push(not_evaluated(
                check,
                Some(address),
                "the host has no program to connect with",
                limit,
            ));
        }
    }
}

/// One active agent is enough.
fn security_agent(report: &SurveyReport, asked: &Questions, findings: &mut Vec<HostFinding>) {
    let (check, limit) = (Check::SecurityAgent, format!("one active of {}", asked.agents.join(", ")));
    let states: Vec<UnitState> = asked
        .agents
        .iter()
        .map(|name| {
            report.agents.iter().find(|unit| unit.name == *name).map_or(UnitState::Unknown, |unit| unit.state)
        })
        .collect();
    if states.contains(&UnitState::Active) {
        return;
    }
    if states.contains(&UnitState::Unknown) {
        findings.push(not_evaluated(check, None, NOT_SAID, limit));
        return;
    }
    let observed: Vec<String> =
        asked.agents.iter().zip(&states).map(|(name, state)| format!("{name} {}", state.as_str())).collect();
    let action = "Install or start the agent; policy may forbid a host without one.";
    findings.push(finding(check, None, Severity::Warn, observed.join(", "), limit, action));
}
