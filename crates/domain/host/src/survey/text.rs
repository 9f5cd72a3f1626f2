//! A survey as text for people: the `stdout.txt` of the evidence.

use std::fmt::{self, Write};

use crate::survey::{List, SurveyReport};

/// What stands where a fact is not known.
const NOT_SAID: &str = "not said by the host";

impl fmt::Display for SurveyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        identity(self, f)?;
        resources(self, f)?;
        packages(self, f)?;
        applications(self, f)?;
        long_lists(self, f)?;
        if !self.unread.is_empty() {
            row(f, "not readable", &self.unread.join(", "))?;
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, value: &dyn fmt::Display) -> fmt::Result {
    writeln!(f, "{name:<20} {value}")
}

fn fact<T: fmt::Display>(f: &mut fmt::Formatter<'_>, name: &str, value: Option<&T>) -> fmt::Result {
    match value {
        Some(value) => row(f, name, value),
        None => row(f, name, &NOT_SAID),
    }
}

fn identity(report: &SurveyReport, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    fact(f, "host name", report.hostname.as_ref())?;
    fact(f, "operating system", report.os.as_ref())?;
    fact(f, "version", report.os_version.as_ref())?;
    fact(f, "kernel", report.kernel.as_ref())?;
    fact(f, "architecture", report.arch.as_ref())?;
    fact(f, "boot", report.boot_id.as_ref())?;
    fact(f, "up", report.uptime_s.map(|s| format!("{} h {} min", s / 3600, s / 60 % 60)).as_ref())
}

fn resources(report: &SurveyReport, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for disk in &report.disks {
        let name = format!("disk {}", disk.role.as_str());
        row(f, &name, &format!("{} % used, {} MiB free ({})", disk.used_percent, disk.free_mib, disk.path))?;
    }
    let memory = report.memory_available_mib.map(|available| match report.memory_total_mib {
        Some(total) => format!("{available} of {total} MiB available"),
        None => format!("{available} MiB available"),
    });
    fact(f, "memory", memory.as_ref())?;
    let load = report.load1_milli.map(|load| format!("{}.{:02}", load / 1000, load % 1000 / 10));
    fact(f, "load (1 min)", load.as_ref())?;
    fact(f, "processors", report.cpus.as_ref())
}

fn packages(report: &SurveyReport, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    fact(f, "package manager", report.package_manager.as_ref())?;
    fact(f, "package lock held", report.package_lock.as_ref())?;
    fact(f, "repositories answer", report.repositories.as_ref())?;
    fact(f, "reboot pending", report.pending_reboot.as_ref())?;
    let set = report.packages.as_ref().map(|set| format!("{} (sha256 {})", set.count, set.sha256));
    fact(f, "packages", set.as_ref())
}

fn applications(report: &SurveyReport, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let failed = report.failed_units.as_ref().map(|failed| match failed.count {
        0 => "none".to_owned(),
        count => format!("{count}: {}", failed.names.join(", ")),
    });
    fact(f, "failed units", failed.as_ref())?;
    for unit in &report.services {
        row(f, "service", &format!("{} {}", unit.name, unit.state.as_str()))?;
    }
    for unit in &report.agents {
        row(f, "security agent", &format!("{} {}", unit.name, unit.state.as_str()))?;
    }
    for health in &report.health {
        row(f, "health endpoint", &format!("{} {}", health.url, health.status))?;
    }
    for database in &report.databases {
        row(f, "database", &format!("{} reachable: {}", database.address, database.reachable))?;
    }
    for load in &report.load {
        let figures = load.figures.map_or("not measured".to_owned(), |figures| figures.to_string());
        row(f, "under load", &format!("{} {figures}", load.url))?;
    }
    Ok(())
}

fn long_lists(report: &SurveyReport, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let services: Option<Vec<String>> = report.running_services.as_ref().map(|s| s.iter().cloned().collect());
    list(report, f, List::Services, "running services", services)?;
    let ports = report.ports.as_ref().map(|ports| ports.iter().map(ToString::to_string).collect());
    list(report, f, List::Ports, "listening ports", ports)?;
    let mounts = report.mounts.as_ref().map(|mounts| {
        let line = |m: &super::Mount| {
            format!("{} from {} ({}, {})", m.target, m.source, m.file_system, m.mode.as_str())
        };
        mounts.iter().map(line).collect()
    });
    list(report, f, List::Mounts, "mounts", mounts)?;
    let users = report.users.as_ref().map(|users| users.iter().map(ToString::to_string).collect());
    list(report, f, List::Users, "users", users)?;
    let recent = report
        .recent_packages
        .as_ref()
        .map(|packages| packages.iter().map(|p| format!("{} {} {}", p.day, p.name, p.version)).collect());
    list(report, f, List::Packages, "installed lately", recent)
}

fn list(
    report: &SurveyReport,
    f: &mut fmt::Formatter<'_>,
    list: List,
    title: &str,
    items: Option<Vec<String>>,
) -> fmt::Result {
    match items {
        None if report.unread.iter().any(|key| key == list.as_str()) => row(f, title, &"could not be read"),
        None if report.cut.contains(&list) => row(f, title, &"left out: did not fit into the answer"),
        None => row(f, title, &NOT_SAID),
        Some(items) if items.is_empty() => row(f, title, &"none"),
        Some(items) => {
            row(f, title, &items.len())?;
            items.iter().try_for_each(|item| {
                f.write_str("  ")?;
                f.write_str(item)?;
                f.write_char('\n')
            })
        }
    }
}
