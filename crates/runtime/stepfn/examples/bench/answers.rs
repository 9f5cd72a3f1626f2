//! Hosts that answer as real ones do when all goes well, each in its own time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fleetwright_model::InstanceId;
use fleetwright_ports::CommandRequest;
use fleetwright_testkit::{CommandOutcome, HostScript};

/// Between `least` and `most` seconds, spread over the hosts.
fn spread(number: u64, factor: u64, least: u64, most: u64) -> Duration {
    Duration::from_secs(least + number.wrapping_mul(factor) % (most - least + 1))
}

/// The number of a host that the testkit made.
fn number(host: &InstanceId) -> u64 {
    host.as_str().strip_prefix("i-").and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or_default()
}

/// How long host `number` takes for what no command does.
pub(crate) fn script(number: u64, script: &mut HostScript) {
    script.image_takes = spread(number, 37, 300, 900);
    script.agent_takes = spread(number, 7, 20, 60);
    script.checks_take = spread(number, 11, 60, 150);
}

/// Which boot each host is in.
#[derive(Default)]
pub(crate) struct Answers(Mutex<BTreeMap<InstanceId, u32>>);

impl Answers {
    /// What becomes of a command on a host.
    pub(crate) fn answer(&self, request: &CommandRequest, host: &InstanceId) -> CommandOutcome {
        let number = number(host);
        let commands = request.parameters.iter().find(|(name, _)| &**name == "commands");
        let Some((_, lines)) = commands else {
            // Patch Manager's own document.
            return CommandOutcome { takes: spread(number, 53, 120, 480), ..CommandOutcome::success("") };
        };
        let mut boots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let boot = boots.entry(host.clone()).or_insert(1);
        if lines.iter().any(|line| line.contains("FW_EXPECT")) {
            let before = boot_id(host, *boot);
            *boot += 1;
            return reboots(number, &before, &boot_id(host, *boot));
        }
        let takes = spread(number, 3, 4, 14);
        CommandOutcome { takes, ..CommandOutcome::success(&survey(&boot_id(host, *boot))) }
    }
}

fn boot_id(host: &InstanceId, boot: u32) -> String {
    format!("{}-boot-{boot}", host.as_str().trim_start_matches("i-"))
}

fn framed(script: &str, lines: &[String]) -> String {
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("fleetwright/{script}/1\n{body}end={}\n", lines.len())
}

/// The guarded script: it reboots from the expected boot, and says so from the next one.
fn reboots(number: u64, before: &str, after: &str) -> CommandOutcome {
    let lines = |boot: &str, rest: &[&str]| -> Vec<String> {
        let known = [format!("boot_id={boot}"), format!("before={before}")];
        known.into_iter().chain(rest.iter().map(|line| (*line).to_owned())).collect()
    };
    let first = ["need=yes", "evidence=reboot-required-file", "result=rebooting"];
    let output =
        framed("reboot", &lines(before, &first)) + &framed("reboot", &lines(after, &["result=rebooted"]));
    let takes = spread(number, 29, 60, 150);
    CommandOutcome { takes, reboots: true, ..CommandOutcome::success(&output) }
}

/// What a host of some size says of itself.
fn survey(boot: &str) -> String {
    let lines = [
        "os=amzn",
        "os_version=2023",
        "kernel=6.1.1",
        "uptime_s=60",
        "disk=root 40 9000 /",
        "disk=temp 10 9000 /tmp",
        "memory_available_mib=4000",
        "memory_total_mib=8000",
        "load1_milli=100",
        "cpus=2",
        "package_manager=dnf",
        "package_lock=no",
        "repositories=yes",
        "pending_reboot=no",
        "p=services sshd nginx chronyd amazon-ssm-agent crond rsyslog",
        "p=ports tcp/22 tcp/80 tcp/443",
        "p=mounts 0",
        "p=users 1",
        "p=user yes root 0 root",
        "p=packages 0",
        &format!("boot_id={boot}"),
    ]
    .map(str::to_owned);
    framed("survey", &lines)
}
