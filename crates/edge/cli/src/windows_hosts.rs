//! How simulated Windows hosts answer our PowerShell scripts.
//!
//! PowerShell does not run where the estate does, so the scripts' answers are written here, in their
//! format, from the host's modelled state. Linux scripts are really executed by the estate.

use fleetwright_estate::world::host::accounts::Standing;
use fleetwright_estate::world::host::state::ServiceState;
use fleetwright_estate::world::host::{HostView, PowerShell, ScriptResult};
use fleetwright_host::LoadTarget;
use sha2::{Digest, Sha256};

/// Exit code that asks the agent to reboot and to run the script again.
/// Source: Systems Manager user guide, "Rebooting managed node from scripts".
const REBOOT: i32 = 3010;

/// Answers the survey and the reboot script; knows no other.
#[derive(Clone, Copy, Debug, Default)]
pub struct WindowsHosts;

impl PowerShell for WindowsHosts {
    fn run(&self, host: &HostView<'_>, script: &str) -> Option<ScriptResult> {
        let ends_with = |name: &str| script.contains(&format!("Complete '{name}'"));
        let (stdout, exit_code, seconds) = match () {
            () if ends_with("reboot") => reboot(host, script),
            () if ends_with("survey") => (survey(host, script), 0, 4),
            () => return None,
        };
        Some(ScriptResult { exit_code, stdout, stderr: String::new(), seconds })
    }
}

/// The lines of an answer.
struct Answer(Vec<String>);

impl Answer {
    fn say(&mut self, key: &str, value: impl std::fmt::Display) {
        self.0.push(format!("{key}={value}"));
    }

    fn complete(self, name: &str) -> String {
        let count = self.0.len();
        format!("fleetwright/{name}/1\n{}\nend={count}\n", self.0.join("\n"))
    }
}

/// The value of `$env:NAME = '…'` in a script.
fn variable(script: &str, name: &str) -> String {
    let start = format!("$env:{name} = '");
    let value = script.lines().find_map(|line| line.trim().strip_prefix(start.as_str())?.strip_suffix('\''));
    value.unwrap_or_default().replace("''", "'")
}

/// The event-log form of a boot id: a record number and a time, different for every boot.
fn boot_id(host: &HostView<'_>) -> String {
    let record = host.instance.boot_id % 1_000_000;
    format!("log-{record}-{}", host.host.booted_at.strftime("%Y%m%d%H%M%S"))
}

fn reboot(host: &HostView<'_>, script: &str) -> (String, i32, u64) {
    let mut answer = Answer(Vec::new());
    let now = boot_id(host);
    answer.say("boot_id", &now);
    answer.say("run", variable(script, "FW_RUN"));
    let expect = variable(script, "FW_EXPECT");
    let id = host.instance.id.to_string();
    let expected = expect.split(' ').find_map(|entry| entry.strip_prefix(id.as_str())?.strip_prefix('='));
    let Some(expected) = expected else {
        return concluded(answer, "refused", "not-expected-here", 0);
    };
    answer.say("before", expected);
    if expected != now {
        return concluded(answer, "rebooted", "", 0);
    }
    let (need, evidence) = match (variable(script, "FW_STRATEGY").as_str(), host.reboot_required()) {
        ("force", _) => ("yes", "force"),
        (_, true) => ("yes", "component-based-servicing"),
        (_, false) => ("no", "registry"),
    };
    answer.say("need", need);
    answer.say("evidence", evidence);
    match need {
        "no" => concluded(answer, "not_needed", "", 0),
        _ => concluded(answer, "rebooting", "", REBOOT),
    }
}

fn concluded(mut answer: Answer, result: &str, reason: &str, exit_code: i32) -> (String, i32, u64) {
    answer.say("result", result);
    if !reason.is_empty() {
        answer.say("reason", reason);
    }
    (answer.complete("reboot"), exit_code, 2)
}

fn survey(host: &HostView<'_>, script: &str) -> String {
    let mut answer = Answer(Vec::new());
    let (total, available) = host.memory_kib();
    let cpus = host.instance.instance_type.vcpus;
    answer.say("os", "windows");
    answer.say("os_version", host.kernel());
    answer.say("kernel", host.kernel());
    answer.say("arch", "AMD64");
    answer.say("hostname", host.hostname());
    answer.say("boot_id", boot_id(host));
    answer.say("uptime_s", host.uptime_seconds());
    if let Some(root) = host.mounts().first() {
        let percent = (root.used_kib * 100).div_ceil(root.kib.max(1));
        let free = (root.kib - root.used_kib) / 1024;
        answer.say("disk", format!("root {percent} {free} C:\\"));
        answer.say("disk", format!("temp {percent} {free} C:\\Windows\\Temp"));
    }
    answer.say("memory_available_mib", available / 1024);
    answer.say("memory_total_mib", total / 1024);
    answer.say("load1_milli", host.load_hundredths()[0] * 10);
    answer.say("cpus", cpus);
    answer.say("package_manager", "windows-update");
    answer.say("package_lock", if host.package_lock() { "yes windows-installer" } else { "no" });
    answer.say("repositories", "unknown not-probed");
    answer.say(
        "pending_reboot",
        if host.reboot_required() { "yes component-based-servicing" } else { "no registry" },
    );
    services(host, script, &mut answer);
    answer.complete("survey")
}

/// Named services, endpoints, packages and the long lists.
fn services(host: &HostView<'_>, script: &str, answer: &mut Answer) {
    let services = host.services();
    let failed: Vec<&str> =
        services.iter().filter(|(_, state)| **state == ServiceState::Failed).map(|(name, _)| *name).collect();
    answer.say("failed_units", format!("{} {}", failed.len(), failed.join(" ")).trim_end());
    for (key, variable_name) in [("service", "FW_SERVICES"), ("agent", "FW_AGENTS")] {
        for name in variable(script, variable_name).split(' ').filter(|name| !name.is_empty()) {
            let state = match services.get(name) {
                Some(ServiceState::Active) => "active",
                Some(_) => "inactive",
                None => "absent",
            };
            answer.say(key, format!("{state} {name}"));
        }
    }
    for url in variable(script, "FW_HEALTH").split(' ').filter(|url| !url.is_empty()) {
        let status = host.health_status().map_or("000".to_owned(), |status| status.to_string());
        answer.say("health", format!("{status} {url}"));
    }
    let load = variable(script, "FW_LOAD");
    let mut words = load.split(' ').filter(|word| !word.is_empty());
    while let (Some(requests), Some(url)) = (words.next(), words.next()) {
        let LoadTarget { url, status, .. } = LoadTarget::read(url, 1);
        answer.say("load", format!("{} {url}", figures(host, requests, status)));
    }
    for database in variable(script, "FW_DATABASES").split(' ').filter(|address| !address.is_empty()) {
        answer.say("database", format!("yes {database}"));
    }
    let packages = host.packages();
    let names: Vec<&str> = packages.keys().copied().collect();
    let digest = Sha256::digest(format!("{packages:?}"));
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    answer.say("packages", format!("{} {digest}", names.len()));
    answer.say("cut", "packages");
    let running: Vec<&str> =
        services.iter().filter(|(_, state)| **state == ServiceState::Active).map(|(name, _)| *name).collect();
    answer.say("p", format!("services {}", running.join(" ")));
    let ports: Vec<String> = host.ports().iter().map(|port| format!("tcp/{port}")).collect();
    answer.say("p", format!("ports {}", ports.join(" ")));
    answer.say("p", "mounts 1");
    answer.say("p", "mount NTFS rw C: C:\\");
    let accounts = host.accounts();
    answer.say("p", format!("users {}", accounts.len()));
    for account in &accounts {
        let (login, groups) = match account.standing {
            Standing::Service => ("no", "-"),
            Standing::Person => ("yes", "-"),
            Standing::Administrator => ("yes", "administrators"),
        };
        answer.say("p", format!("user {login} {groups} {} {}", account.sid(), account.name));
    }
}

/// What the load test of the survey measures on a host that answers each request alike.
fn figures(host: &HostView<'_>, requests: &str, expected: Option<u16>) -> String {
    let latency = host.app_latency_ms().max(1);
    match host.health_status() {
        Some(status) if expected.map_or((200..400).contains(&status), |it| it == status) => {
            format!("{requests} 0 {latency} {latency} {}", 10_000 / latency)
        }
        _ => format!("0 {requests} 0 0 0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_as_the_renderer_writes_them() {
        let script = "$env:FW_RUN = 'run-1'\n$env:FW_SERVICES = 'it''s a b'\n";
        assert_eq!(variable(script, "FW_RUN"), "run-1");
        assert_eq!(variable(script, "FW_SERVICES"), "it's a b");
        assert_eq!(variable(script, "FW_AGENTS"), "");
    }
}
