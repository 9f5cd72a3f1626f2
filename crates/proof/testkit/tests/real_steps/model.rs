//! Hosts that answer our scripts as real ones do, as far as the steps can tell, and count what was
//! really done to them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleetwright_model::{InstanceId, Text};
use fleetwright_ports::{CommandRequest, InvocationStatus};
use fleetwright_testkit::{CommandOutcome, Responder};

/// How an installation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Install {
    /// Well.
    Succeeds,
    /// It installs something and fails.
    Fails,
    /// It installs, and its report is lost.
    ReportLost,
    /// Nobody receives the command.
    Undeliverable,
}

/// One host.
#[derive(Clone, Debug)]
struct Model {
    boot: u32,
    /// How its next installations go; after them they succeed.
    installs: VecDeque<Install>,
    /// Its next answers to surveys that get lost.
    silent: u32,
    /// The next reboots whose reports get lost.
    lost_reports: u32,
    /// True where a service does not come up after the reboot.
    breaks: bool,
    installed: usize,
    rebooted: usize,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            boot: 1,
            installs: VecDeque::new(),
            silent: 0,
            lost_reports: 0,
            breaks: false,
            installed: 0,
            rebooted: 0,
        }
    }
}

/// All hosts.
#[derive(Default)]
pub(crate) struct Models(Mutex<BTreeMap<InstanceId, Model>>);

impl Models {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<InstanceId, Model>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn plan_installs(&self, host: &InstanceId, installs: &[Install]) {
        self.lock().entry(host.clone()).or_default().installs.extend(installs);
    }

    pub(crate) fn be_silent(&self, host: &InstanceId, times: u32) {
        self.lock().entry(host.clone()).or_default().silent = times;
    }

    pub(crate) fn lose_reports(&self, host: &InstanceId, times: u32) {
        self.lock().entry(host.clone()).or_default().lost_reports = times;
    }

    pub(crate) fn break_at_reboot(&self, host: &InstanceId) {
        self.lock().entry(host.clone()).or_default().breaks = true;
    }

    /// Another boot than any that was seen.
    pub(crate) fn boot_anew(&self, host: &InstanceId) {
        self.lock().entry(host.clone()).or_default().boot += 1_000;
    }

    /// What was really done, by mark.
    pub(crate) fn done(&self) -> BTreeMap<String, usize> {
        let mut done = BTreeMap::new();
        for (host, model) in &*self.lock() {
            for (what, count) in [("install", model.installed), ("reboot", model.rebooted)] {
                if count > 0 {
                    done.insert(format!("{what} {host}"), count);
                }
            }
        }
        done
    }

    pub(crate) fn responder(self: &Arc<Self>) -> Responder {
        let models = self.clone();
        Arc::new(move |request, host| {
            let mut hosts = models.lock();
            let model = hosts.entry(host.clone()).or_default();
            match request.parameters.iter().find(|(name, _)| &**name == "commands") {
                None if installs(request) => install(model),
                None => CommandOutcome::success(""),
                Some((_, lines))
                    if lines
                        .iter()
                        .any(|line| line.contains("FW_EXPECT=") || line.contains("FW_EXPECT =")) =>
                {
                    reboot(model, host, lines)
                }
                Some(_) if model.silent > 0 => {
                    model.silent -= 1;
                    CommandOutcome::not_run(InvocationStatus::Undeliverable)
                }
                Some(_) => CommandOutcome::success(&survey(model, host)),
            }
        })
    }
}

/// Whether the command installs patches.
pub(crate) fn installs(request: &CommandRequest) -> bool {
    let install: (Text, Vec<String>) = ("Operation".into(), vec!["Install".to_owned()]);
    request.parameters.contains(&install)
}

fn install(model: &mut Model) -> CommandOutcome {
    let how = model.installs.pop_front().unwrap_or(Install::Succeeds);
    if how != Install::Undeliverable {
        model.installed += 1;
    }
    let outcome = match how {
        Install::Succeeds => CommandOutcome::success(""),
        Install::Fails => CommandOutcome::failure(1, "a package could not be installed"),
        Install::ReportLost => CommandOutcome::not_run(InvocationStatus::ExecutionTimedOut),
        Install::Undeliverable => CommandOutcome::not_run(InvocationStatus::Undeliverable),
    };
    CommandOutcome { takes: Duration::from_secs(120), ..outcome }
}

fn boot_id(host: &InstanceId, boot: u32) -> String {
    format!("{}-boot-{boot}", &host.as_str()[2..])
}

/// An answer with its frame.
fn framed(script: &str, lines: &[String]) -> String {
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("fleetwright/{script}/1\n{body}end={}\n", lines.len())
}

fn survey(model: &Model, host: &InstanceId) -> String {
    let services = if model.breaks && model.rebooted > 0 { "sshd" } else { "sshd nginx" };
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
        "p=ports tcp/22",
        "p=mounts 0",
        "p=users 1",
        "p=user yes root 0 root",
        "p=packages 0",
        &format!("boot_id={}", boot_id(host, model.boot)),
        &format!("p=services {services}"),
    ]
    .map(str::to_owned);
    framed("survey", &lines)
}

/// What the guarded script does, in a few lines: no reboot but from the expected boot.
fn reboot(model: &mut Model, host: &InstanceId, script: &[String]) -> CommandOutcome {
    let expected = script.iter().filter(|line| line.contains("FW_EXPECT"));
    let expected = expected
        .flat_map(|line| line.split(['\'', ' ', '"']))
        .find_map(|word| word.strip_prefix(host.as_str())?.strip_prefix('=').map(str::to_owned));
    let now = boot_id(host, model.boot);
    let mut lines = vec![format!("boot_id={now}")];
    let Some(expected) = expected else {
        lines.extend(["result=refused".to_owned(), "reason=not-expected-here".to_owned()]);
        return CommandOutcome::success(&framed("reboot", &lines));
    };
    lines.push(format!("before={expected}"));
    if expected != now {
        lines.push("result=rebooted".to_owned());
        return CommandOutcome::success(&framed("reboot", &lines));
    }
    lines.extend(["need=yes".to_owned(), "evidence=reboot-required-file".to_owned()]);
    model.boot += 1;
    model.rebooted += 1;
    let first = framed("reboot", &[lines, vec!["result=rebooting".to_owned()]].concat());
    let after = boot_id(host, model.boot);
    let second = [format!("boot_id={after}"), format!("before={expected}"), "result=rebooted".to_owned()];
    let ended = match model.lost_reports {
        0 => CommandOutcome::success(&(first + &framed("reboot", &second))),
        _ => {
            model.lost_reports -= 1;
            CommandOutcome::not_run(InvocationStatus::DeliveryTimedOut)
        }
    };
    CommandOutcome { takes: Duration::from_secs(90), reboots: true, ..ended }
}
