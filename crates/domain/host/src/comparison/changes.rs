//! The differences, kind by kind.

use std::collections::BTreeSet;

use crate::comparison::users::users;
use crate::comparison::{Change, ChangeKind, Weight};
use crate::fact::{Tri, UnitState};
use crate::survey::{FailedUnits, List, Mount, MountMode, Port, Scope, SurveyReport, Unit};

/// Ports from here on are handed out by the kernel (Linux: `ip_local_port_range`, 32768 by default;
/// Windows: 49152, RFC 6335) and differ from boot to boot.
const EPHEMERAL_FROM: u16 = 32_768;

pub(super) fn push(
    changes: &mut Vec<Change>,
    weight: Weight,
    kind: ChangeKind,
    subject: impl ToString,
    before: impl ToString,
    after: impl ToString,
) {
    changes.push(Change {
        weight,
        kind,
        subject: subject.to_string(),
        before: before.to_string(),
        after: after.to_string(),
    });
}

/// Services, ports, mounts and users.
pub(super) fn lists(before: &SurveyReport, after: &SurveyReport, changes: &mut Vec<Change>) {
    match (&before.running_services, &after.running_services) {
        (Some(then), Some(now)) => services(before, then, now, changes),
        _ => list_missing(before, after, List::Services, ChangeKind::Service, changes),
    }
    match (&before.ports, &after.ports) {
        (Some(then), Some(now)) => ports(then, now, changes),
        _ => list_missing(before, after, List::Ports, ChangeKind::Port, changes),
    }
    match (&before.mounts, &after.mounts) {
        (Some(then), Some(now)) => mounts(then, now, changes),
        _ => list_missing(before, after, List::Mounts, ChangeKind::Mount, changes),
    }
    match (&before.users, &after.users) {
        (Some(then), Some(now)) => users(then, now, changes),
        _ => list_missing(before, after, List::Users, ChangeKind::User, changes),
    }
}

fn list_missing(
    before: &SurveyReport,
    after: &SurveyReport,
    list: List,
    kind: ChangeKind,
    changes: &mut Vec<Change>,
) {
    let said = |report: &SurveyReport| {
        let known = match list {
            List::Services => report.running_services.is_some(),
            List::Ports => report.ports.is_some(),
            List::Mounts => report.mounts.is_some(),
            List::Users => report.users.is_some(),
            List::Packages => report.recent_packages.is_some(),
        };
        match known {
            true => "known",
            false if report.unread.iter().any(|key| key == list.as_str()) => "could not be read",
            false if report.cut.contains(&list) => "left out, did not fit",
            // Programs before this one did not ask for users.
            false if list == List::Users => "not collected",
            false => "not said",
        }
    };
    push(changes, Weight::NotEvaluated, kind, list.as_str(), said(before), said(after));
}

fn services(
    host: &SurveyReport,
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
    changes: &mut Vec<Change>,
) {
    let windows = host.os.as_deref() == Some("windows");
    let is_transient = |name: &str| is_transient(name) || (windows && is_per_user(name));
    for name in before.difference(after) {
        if !is_transient(name) {
            push(changes, Weight::Worse, ChangeKind::Service, name, "running", "not running");
        }
    }
    for name in after.difference(before) {
        if !is_transient(name) {
            push(changes, Weight::Note, ChangeKind::Service, name, "not running", "running");
        }
    }
}

/// Services that come and go by themselves or carry a name of this boot: logins, what runs on a timer or
/// on demand.
fn is_transient(name: &str) -> bool {
    const PREFIXES: [&str; 18] = [
        "user@",
        "user-runtime-dir@",
        "session-",
        "run-",
        "sshd@",
        "apt-news",
        "esm-cache",
        "motd-news",
        "ua-timer",
        "update-notifier",
        "getty@",
        "serial-getty@",
        "apt-daily",
        "dnf-makecache",
        "packagekit",
        "systemd-hostnamed",
        "systemd-timedated",
        "systemd-localed",
    ];
    const ON_DEMAND: [&str; 12] = [
        "fwupd",
        "man-db",
        "fstrim",
        "logrotate",
        "unattended-upgrades",
        "polkit",
        "TrustedInstaller",
        "msiserver",
        "wuauserv",
        "BITS",
        "WaaSMedicSvc",
        "UsoSvc",
    ];
    ON_DEMAND.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Windows' per-user services: `CDPUserSvc_3a4f2`, another suffix at each login.
fn is_per_user(name: &str) -> bool {
    name.rsplit_once('_').is_some_and(|(_, suffix)| {
        (4..=8).contains(&suffix.len()) && suffix.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

fn ports(before: &BTreeSet<Port>, after: &BTreeSet<Port>, changes: &mut Vec<Change>) {
    let weighed = |port: &Port, weight| if port.number >= EPHEMERAL_FROM { Weight::Note } else { weight };
    for port in before.difference(after) {
        let local = Port { scope: Scope::Loopback, ..*port };
        let any = Port { scope: Scope::Any, ..*port };
        if after.contains(&any) {
            continue;
        }
        let now = if after.contains(&local) { "this host only" } else { "closed" };
        push(changes, weighed(port, Weight::Worse), ChangeKind::Port, port, "listening", now);
    }
    for port in after.difference(before) {
        let other = match port.scope {
            Scope::Any => Scope::Loopback,
            Scope::Loopback => Scope::Any,
        };
        let was_other = before.contains(&Port { scope: other, ..*port });
        // A port that only this host could reach and that now others can is worth a look.
        let (then, weight) = match (port.scope, was_other) {
            (Scope::Any, true) => ("this host only", Weight::Warn),
            (Scope::Loopback, true) => continue,
            (_, false) => ("closed", Weight::Note),
        };
        push(changes, weighed(port, weight), ChangeKind::Port, port, then, "listening");
    }
}

fn mounts(before: &[Mount], after: &[Mount], changes: &mut Vec<Change>) {
    // Later mounts hide earlier ones of the same place.
    fn at<'a>(mounts: &'a [Mount], target: &str) -> Option<&'a Mount> {
        mounts.iter().rev().find(|mount| mount.target == target)
    }
    let targets: BTreeSet<&str> = before.iter().chain(after).map(|mount| mount.target.as_str()).collect();
    for target in targets {
        match (at(before, target), at(after, target)) {
            (Some(then), None) => {
                push(changes, Weight::Worse, ChangeKind::Mount, target, &then.source, "not mounted");
            }
            (None, Some(now)) => {
                push(changes, Weight::Note, ChangeKind::Mount, target, "not mounted", &now.source);
            }
            (Some(then), Some(now)) if then.mode != now.mode => {
                let weight = match now.mode {
                    MountMode::ReadOnly => Weight::Worse,
                    MountMode::ReadWrite => Weight::Note,
                };
                push(changes, weight, ChangeKind::Mount, target, then.mode.as_str(), now.mode.as_str());
            }
            _ => {}
        }
    }
}

/// What was asked for by name.
pub(super) fn named(before: &SurveyReport, after: &SurveyReport, changes: &mut Vec<Change>) {
    units(&before.services, &after.services, ChangeKind::CriticalService, changes);
    units(&before.agents, &after.agents, ChangeKind::SecurityAgent, changes);
    for then in before.health.iter().filter(|health| health.status.healthy() == Some(true)) {
        let now = after.health.iter().find(|health| health.url == then.url).map(|health| health.status);
        let weight = match now.and_then(|status| status.healthy()) {
            Some(true) => continue,
            Some(false) => Weight::Worse,
            None => Weight::NotEvaluated,
        };
        let now = now.map_or("not said".to_owned(), |status| status.to_string());
        push(changes, weight, ChangeKind::Health, &then.url, then.status, now);
    }
    for then in before.databases.iter().filter(|database| database.reachable == Tri::Yes) {
        let now = after.databases.iter().find(|database| database.address == then.address);
        let weight = match now.map(|database| database.reachable) {
            Some(Tri::Yes) => continue,
            Some(Tri::No) => Weight::Worse,
            Some(Tri::Unknown) | None => Weight::NotEvaluated,
        };
        let now = now.map_or("not said", |database| database.reachable.as_str());
        push(
            changes,
            weight,
            ChangeKind::Database,
            &then.address,
            "reachable: yes",
            format!("reachable: {now}"),
        );
    }
}

fn units(before: &[Unit], after: &[Unit], kind: ChangeKind, changes: &mut Vec<Change>) {
    for then in before {
        let now = after.iter().find(|unit| unit.name == then.name).map(|unit| unit.state);
        let weight = match (then.state, now) {
            (UnitState::Active, Some(UnitState::Active)) => continue,
            (UnitState::Active, None | Some(UnitState::Unknown)) => Weight::NotEvaluated,
            (UnitState::Active, Some(_)) => Weight::Worse,
            (then, Some(now)) if then != now => Weight::Note,
            _ => continue,
        };
        let now = now.map_or("not said", UnitState::as_str);
        push(changes, weight, kind, &then.name, then.state.as_str(), now);
    }
}

/// Kernel, packages, failed units, a reboot that is still due.
pub(super) fn system(before: &SurveyReport, after: &SurveyReport, changes: &mut Vec<Change>) {
    if let (Some(then), Some(now)) = (&before.kernel, &after.kernel)
        && then != now
    {
        push(changes, Weight::Note, ChangeKind::Kernel, "", then, now);
    }
    if let (Some(then), Some(now)) = (&before.packages, &after.packages)
        && then != now
    {
        let weight = if now.count < then.count { Weight::Warn } else { Weight::Note };
        let word = |count, digest: &str| format!("{count} ({})", digest.get(..12).unwrap_or(digest));
        let (then, now) = (word(then.count, &then.sha256), word(now.count, &now.sha256));
        push(changes, weight, ChangeKind::Packages, "", then, now);
    }
    if let (Some(then), Some(now)) = (&before.failed_units, &after.failed_units) {
        let new: Vec<&str> =
            now.names.iter().filter(|name| !then.names.contains(name)).map(String::as_str).collect();
        if now.count > then.count || !new.is_empty() {
            let words = |units: &FailedUnits| format!("{} {}", units.count, units.names.join(" "));
            push(changes, Weight::Warn, ChangeKind::FailedUnits, new.join(" "), words(then), words(now));
        }
    }
    if let Some(now) = after.pending_reboot.as_ref().filter(|now| now.answer == Tri::Yes) {
        let then = before.pending_reboot.as_ref().map_or("not said".to_owned(), ToString::to_string);
        push(changes, Weight::Warn, ChangeKind::PendingReboot, "", then, now);
    }
}
