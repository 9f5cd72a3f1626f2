//! Reads the answer of the survey script.

use std::collections::BTreeSet;

use crate::answer::{AnswerError, Frame, Reading, clean, frame};
use crate::block::unpack;
use crate::boot::BootId;
use crate::fact::{Judged, Tri, UnitState, split_word};
use crate::load::{Load, LoadFigures};
use crate::survey::{
    Database, Disk, DiskRole, FailedUnits, Health, HttpStatus, List, Mount, MountMode, PackageSet, Port,
    RecentPackage, Scope, SurveyReport, Transport, Unit, User,
};

/// Keys of the answer, in the order in which they come. `z` holds the compressed lists, `p` a line of
/// them on hosts that cannot compress.
pub const KEYS: [&str; 27] = [
    "os",
    "os_version",
    "kernel",
    "arch",
    "hostname",
    "boot_id",
    "uptime_s",
    "disk",
    "memory_available_mib",
    "memory_total_mib",
    "load1_milli",
    "cpus",
    "package_manager",
    "package_lock",
    "repositories",
    "pending_reboot",
    "failed_units",
    "service",
    "agent",
    "health",
    "database",
    "load",
    "packages",
    "cut",
    "z",
    "p",
    "end",
];

/// The most elements of a list that are kept; a list with more is not read at all.
const LIST_MAX: usize = 4_096;
/// The most keys kept in [`SurveyReport::unread`].
const UNREAD_MAX: usize = 32;

/// Reads the answer of the survey script. Keys that are not known are passed over: a newer script of the
/// same major version may say more.
///
/// # Errors
/// [`AnswerError`] when there is no answer or its version is unknown.
pub fn parse(output: &str) -> Result<Reading<SurveyReport>, AnswerError> {
    let Frame { lines, whole } = frame("survey", output)?;
    let mut report = SurveyReport::default();
    let mut plain = String::new();
    for (key, value) in &lines {
        if key == "p" {
            plain.push_str(value);
            plain.push('\n');
        } else if key == "z" {
            match unpack(value) {
                Ok(text) => lists(&text, &mut report),
                Err(error) => note(&mut report, format!("z: {error}")),
            }
        } else if take(key, value, &mut report).is_none() {
            note(&mut report, key.clone());
        }
    }
    if !plain.is_empty() {
        // The last list of a cut answer may lack its end; those without a length would not show it.
        if whole { lists(&plain, &mut report) } else { note(&mut report, "p: cut off".to_owned()) }
    }
    Ok(if whole { Reading::Whole(report) } else { Reading::Truncated(report) })
}

fn note(report: &mut SurveyReport, what: String) {
    if report.unread.len() < UNREAD_MAX && !report.unread.contains(&what) {
        report.unread.push(what);
    }
}

/// Takes one fact; `None` when its value makes no sense.
fn take(key: &str, value: &str, report: &mut SurveyReport) -> Option<()> {
    match key {
        "os" => report.os = Some(text(value)?),
        "os_version" => report.os_version = Some(text(value)?),
        "kernel" => report.kernel = Some(text(value)?),
        "arch" => report.arch = Some(text(value)?),
        "hostname" => report.hostname = Some(text(value)?),
        "boot_id" => report.boot_id = Some(BootId::new(value).ok()?),
        "uptime_s" => report.uptime_s = Some(value.parse().ok()?),
        "disk" => push(&mut report.disks, disk(value)?)?,
        "memory_available_mib" => report.memory_available_mib = Some(value.parse().ok()?),
        "memory_total_mib" => report.memory_total_mib = Some(value.parse().ok()?),
        "load1_milli" => report.load1_milli = Some(value.parse().ok()?),
        "cpus" => report.cpus = Some(value.parse().ok().filter(|&cpus| cpus > 0)?),
        "package_manager" => report.package_manager = Some(text(value)?),
        "package_lock" => report.package_lock = Some(Judged::from_line(value)?),
        "repositories" => report.repositories = Some(Judged::from_line(value)?),
        "pending_reboot" => report.pending_reboot = Some(Judged::from_line(value)?),
        "failed_units" => report.failed_units = Some(failed_units(value)?),
        "service" => push(&mut report.services, unit(value)?)?,
        "agent" => push(&mut report.agents, unit(value)?)?,
        "health" => push(&mut report.health, health(value)?)?,
        "database" => push(&mut report.databases, database(value)?)?,
        "load" => push(&mut report.load, load(value)?)?,
        "packages" => report.packages = Some(package_set(value)?),
        "cut" => report.cut = value.split(' ').filter_map(list_name).collect(),
        _ => {}
    }
    Some(())
}

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

fn push<T>(list: &mut Vec<T>, item: T) -> Option<()> {
    (list.len() < LIST_MAX).then(|| list.push(item))
}

fn list_name(word: &str) -> Option<List> {
    List::ALL.into_iter().find(|list| list.as_str() == word)
}

/// `ROLE USED% FREE_MIB PATH`
fn disk(value: &str) -> Option<Disk> {
    let (role, rest) = split_word(value);
    let (used, rest) = split_word(rest);
    let (free, path) = split_word(rest);
    let role = match role {
        "root" => DiskRole::Root,
        "boot" => DiskRole::Boot,
        "var" => DiskRole::Var,
        "temp" => DiskRole::Temp,
        _ => return None,
    };
    let used_percent = used.parse().ok().filter(|&used| used <= 100)?;
    Some(Disk { role, used_percent, free_mib: free.parse().ok()?, path: text(path)? })
}

/// `COUNT NAME…`
fn failed_units(value: &str) -> Option<FailedUnits> {
    let (count, names) = split_word(value);
    let count = count.parse().ok()?;
    Some(FailedUnits { count, names: names.split_whitespace().take(6).map(str::to_owned).collect() })
}

/// `STATE NAME`
fn unit(value: &str) -> Option<Unit> {
    let (state, name) = split_word(value);
    Some(Unit { name: text(name)?, state: UnitState::from_word(state) })
}

/// `STATUS URL`
fn health(value: &str) -> Option<Health> {
    let (status, url) = split_word(value);
    let status = match status {
        "unknown" => HttpStatus::Unknown,
        "000" => HttpStatus::NoAnswer,
        status => HttpStatus::Answered(status.parse().ok().filter(|status| (100..600).contains(status))?),
    };
    Some(Health { url: text(url)?, status })
}

/// `yes|no|unknown HOST:PORT`
fn database(value: &str) -> Option<Database> {
    let (reachable, address) = split_word(value);
    Some(Database { address: text(address)?, reachable: Tri::from_word(reachable)? })
}

/// `OK FAILED P50 P95 RATE URL` or `unknown URL`
fn load(value: &str) -> Option<Load> {
    if let Some(url) = value.strip_prefix("unknown ") {
        return Some(Load { url: text(url.trim())?, figures: None });
    }
    let mut rest = value;
    let mut words = [""; 5];
    for word in &mut words {
        (*word, rest) = split_word(rest);
    }
    Some(Load { url: text(rest)?, figures: Some(LoadFigures::read(words)?) })
}

/// `COUNT SHA256`
fn package_set(value: &str) -> Option<PackageSet> {
    let (count, sha256) = split_word(value);
    let valid = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
    valid.then(|| Some(PackageSet { count: count.parse().ok()?, sha256: sha256.to_ascii_lowercase() }))?
}

/// The long lists. A list that is shorter than it says is not read: it would look like things that are
/// gone.
fn lists(block: &str, report: &mut SurveyReport) {
    let mut lines = block.lines().take(LIST_MAX);
    while let Some(line) = lines.next() {
        let (name, rest) = split_word(line);
        let taken = match name {
            "services" => names(rest).map(|names| report.running_services = Some(names)),
            "ports" => ports(rest).map(|ports| report.ports = Some(ports)),
            "mounts" => counted(rest, &mut lines, mount).map(|mounts| report.mounts = Some(mounts)),
            "users" => {
                // An answer that says both is not believed.
                report.users = users(rest, &mut lines);
                report.users.as_ref().map(drop)
            }
            "packages" => {
                counted(rest, &mut lines, package).map(|packages| report.recent_packages = Some(packages))
            }
            _ => Some(()),
        };
        if taken.is_none() {
            note(report, clean(name, 40));
        }
    }
}

fn names(rest: &str) -> Option<BTreeSet<String>> {
    let names: BTreeSet<String> =
        rest.split_whitespace().map(|name| clean(name, 200)).filter(|name| !name.is_empty()).collect();
    (names.len() <= LIST_MAX).then_some(names)
}

fn ports(rest: &str) -> Option<BTreeSet<Port>> {
    rest.split_whitespace().map(port).collect()
}

/// `tcp/22` or `udp/323@lo`
fn port(word: &str) -> Option<Port> {
    let (transport, number) = word.split_once('/')?;
    let transport = match transport {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        _ => return None,
    };
    let (number, scope) = match number.strip_suffix("@lo") {
        Some(number) => (number, Scope::Loopback),
        None => (number, Scope::Any),
    };
    Some(Port { transport, number: number.parse().ok()?, scope })
}

/// As many lines as `count` says, each of them read by `read`.
fn counted<'a, T>(
    count: &str,
    lines: &mut impl Iterator<Item = &'a str>,
    read: fn(&str) -> Option<T>,
) -> Option<Vec<T>> {
    let count: usize = count.parse().ok().filter(|&count| count <= LIST_MAX)?;
    // Every line is taken, whatever it says, so that the next list begins where it should.
    let rows: Vec<Option<T>> = lines.take(count).map(read).collect();
    if rows.len() == count { rows.into_iter().collect() } else { None }
}

/// `mount FILE_SYSTEM ro|rw SOURCE TARGET`, spaces within names as `\040` (`proc_mounts(5)`)
fn mount(line: &str) -> Option<Mount> {
    let (file_system, rest) = split_word(line.strip_prefix("mount ")?);
    let (mode, rest) = split_word(rest);
    let (source, target) = split_word(rest);
    let mode = match mode {
        "rw" => MountMode::ReadWrite,
        "ro" => MountMode::ReadOnly,
        _ => return None,
    };
    Some(Mount {
        target: text(&unescape(target))?,
        source: unescape(source),
        file_system: clean(file_system, 40),
        mode,
    })
}

/// There is no host without an account: none at all means that nobody could read them.
fn users<'a>(count: &str, lines: &mut impl Iterator<Item = &'a str>) -> Option<Vec<User>> {
    counted(count, lines, User::from_line).filter(|users| !users.is_empty())
}

fn unescape(name: &str) -> String {
    // Backslashes last: an escaped one may stand before digits.
    clean(&name.replace(r"\040", " ").replace(r"\011", " ").replace(r"\134", r"\"), 200)
}

/// `package DAY NAME VERSION`
fn package(line: &str) -> Option<RecentPackage> {
    let (day, rest) = split_word(line.strip_prefix("package ")?);
    let (name, version) = split_word(rest);
    Some(RecentPackage { day: clean(day, 10), name: text(&clean(name, 120))?, version: clean(version, 120) })
}
