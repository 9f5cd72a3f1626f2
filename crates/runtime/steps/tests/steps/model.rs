//! Hosts that answer our scripts as the real ones do, as far as the steps can tell.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleetwright_model::InstanceId;
use fleetwright_ports::CommandRequest;
use fleetwright_testkit::{CommandOutcome, Responder};

/// What a host is like.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) boot: u32,
    /// Whether its operating system asks for a reboot: `yes`, `no`, `unknown`.
    pub(crate) need: &'static str,
    pub(crate) services: Vec<&'static str>,
    pub(crate) root_percent: u8,
    /// Lines of the survey beside the usual ones.
    pub(crate) more: Vec<String>,
    /// False loses the report of the next reboot.
    pub(crate) reports: bool,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            boot: 1,
            need: "yes",
            services: vec!["sshd", "nginx"],
            root_percent: 40,
            more: Vec::new(),
            reports: true,
        }
    }
}

/// All hosts, and every command that was sent.
#[derive(Default)]
pub(crate) struct Models {
    pub(crate) hosts: Mutex<BTreeMap<InstanceId, Model>>,
    pub(crate) requests: Mutex<Vec<CommandRequest>>,
}

impl Models {
    pub(crate) fn change(&self, host: &InstanceId, change: impl FnOnce(&mut Model)) {
        change(self.hosts.lock().expect("no test panicked").entry(host.clone()).or_default());
    }

    pub(crate) fn responder(self: &Arc<Self>) -> Responder {
        let models = self.clone();
        Arc::new(move |request, host| {
            let mut requests = models.requests.lock().expect("no test panicked");
            if requests.last() != Some(request) {
                requests.push(request.clone());
            }
            let mut hosts = models.hosts.lock().expect("no test panicked");
            let model = hosts.entry(host.clone()).or_default();
            let script = request.parameters.iter().find(|(name, _)| &**name == "commands");
            match script {
                None => CommandOutcome::success(""),
                Some((_, lines)) if lines.iter().any(|it| it.starts_with("export FW_EXPECT")) => {
                    reboot(model, host, lines)
                }
                Some(_) => CommandOutcome::success(&survey(model, host)),
            }
        })
    }
}

/// The identity of a host's boot.
pub(crate) fn boot_id(host: &InstanceId, boot: u32) -> String {
    format!("{}-boot-{boot}", &host.as_str()[2..])
}

/// An answer with its frame.
pub(crate) fn framed(script: &str, lines: &[String]) -> String {
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("fleetwright/{script}/1\n{body}end={}\n", lines.len())
}

pub(crate) fn survey(model: &Model, host: &InstanceId) -> String {
    let mut lines: Vec<String> = [
        "os=amzn",
        "os_version=2023",
        "kernel=6.1.1",
        "uptime_s=60",
        "disk=temp 10 9000 /tmp",
        "memory_available_mib=4000",
        "memory_total_mib=8000",
        "load1_milli=100",
        "cpus=2",
        "package_manager=dnf",
        "package_lock=no",
        "repositories=yes",
        "p=ports tcp/22",
        "p=mounts 0",
        "p=users 1",
        "p=user yes root 0 root",
        "p=packages 0",
    ]
    .map(str::to_owned)
    .to_vec();
    lines.push(format!("boot_id={}", boot_id(host, model.boot)));
    lines.push(format!("disk=root {} 9000 /", model.root_percent));
    lines.push("pending_reboot=no".to_owned());
    lines.push(format!("p=services {}", model.services.join(" ")));
    lines.extend(model.more.iter().cloned());
    framed("survey", &lines)
}

/// What the guarded script does, in a few lines.
fn reboot(model: &mut Model, host: &InstanceId, script: &[String]) -> CommandOutcome {
    let expect = script.iter().find_map(|line| line.strip_prefix("export FW_EXPECT=")).expect("the map");
    let expected = expect.trim_matches('\'').split(' ').find_map(|it| it.strip_prefix(&format!("{host}=")));
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
    let force = script.iter().any(|line| line == "export FW_STRATEGY='force'");
    lines.extend([format!("need={}", model.need), "evidence=reboot-required-file".to_owned()]);
    if model.need == "no" && !force {
        lines.push("result=not_needed".to_owned());
        return CommandOutcome::success(&framed("reboot", &lines));
    }
    model.boot += 1;
    let first = framed("reboot", &[lines, vec!["result=rebooting".to_owned()]].concat());
    let after = boot_id(host, model.boot);
    let second = [format!("boot_id={after}"), format!("before={expected}"), "result=rebooted".to_owned()];
    let whole = first + &framed("reboot", &second);
    let ended = match model.reports {
        true => CommandOutcome::success(&whole),
        false => CommandOutcome::not_run(fleetwright_ports::InvocationStatus::DeliveryTimedOut),
    };
    CommandOutcome { takes: Duration::from_secs(90), reboots: true, ..ended }
}
