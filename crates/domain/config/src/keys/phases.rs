use fleetwright_model::Phase::{Backup, Patch, Precheck, Report, Scan, Start, Validate};

use super::Reading::{Inverted, Minutes, Retries, Same};
use super::kind::{hours, minutes, seconds};
use super::{Key, Kind, TextForm, older};

const PHASE_TIME: Kind = Kind::Duration { min: minutes(1), max: hours(72) };
const WAIT_TIME: Kind = Kind::Duration { min: seconds(30), max: hours(24) };
const IN_FLIGHT: Kind = Kind::Integer { min: 1, max: 1000, unit: "instances" };
const PERCENT: Kind = Kind::Integer { min: 1, max: 100, unit: "percent" };
const ATTEMPTS: Kind = Kind::Integer { min: 1, max: 20, unit: "attempts" };

const ENABLED: &str = "Whether the phase is carried out in a full run.";
const TIMEOUT: &str = "How long the phase may take at most; for phases that work on instances, one attempt on one \
     instance. What is not done by then is reported as such.";

pub(super) static KEYS: &[Key] = &[
    Key::new("phases.scan.enabled", Kind::Bool, "true", ENABLED).default("true").phases(&[Scan]).older(&[
        older("workflow.phases.scanner.enabled", Same),
        older("workflow.phases.scan", Same),
        older("scanner.enabled", Same),
    ]),
    Key::new("phases.scan.timeout", PHASE_TIME, "10m", TIMEOUT).default("30m").phases(&[Scan]).older(&[
        older("workflow.phases.scanner.timeout", Same),
        older("workflow.phases.scanner.wait_timeout", Same),
        older("scanner.timeout_minutes", Minutes),
    ]),
    Key::new("phases.backup.enabled", Kind::Bool, "true", ENABLED).default("true").phases(&[Backup]).older(&[
        older("workflow.phases.ami_backup.enabled", Same),
        older("workflow.phases.backup", Same),
        older("ami_backup.enabled", Same),
        older("skip_backup", Inverted),
    ]),
    Key::new("phases.backup.timeout", PHASE_TIME, "8h", TIMEOUT).default("4h").phases(&[Backup]).older(&[
        older("workflow.phases.ami_backup.timeout", Same),
        older("ami_backup.timeout_minutes", Minutes),
    ]),
    Key::new("phases.backup.wait_timeout", WAIT_TIME, "90m",
        "How long to wait for one image to become available. Large volumes take hours.")
        .default("2h")
        .phases(&[Backup])
        .older(&[
            older("workflow.phases.ami_backup.wait_timeout", Same),
            older("workflow.timeouts.ami_creation", Same),
        ]),
    Key::new("phases.backup.retention_days", Kind::Integer { min: 1, max: 3650, unit: "days" }, "14",
        "How long images are kept. An image that an instance not yet verified may need is kept longer.")
        .default("30")
        .phases(&[Backup])
        .older(&[older("workflow.phases.ami_backup.retention_days", Same)]),
    Key::new("phases.backup.max_concurrent", IN_FLIGHT, "50", "How many images may be in the making at once in one account and region.")
        .default("20")
        .phases(&[Backup])
        .older(&[older("ami_backup.max_concurrent", Same)]),
    Key::new("phases.backup.max_attempts", ATTEMPTS, "2",
        "How often the image of an instance is attempted, the first time included.")
        .default("3")
        .phases(&[Backup])
        .older(&[older("ami_backup.retry_attempts", Retries)]),
    Key::new("phases.backup.reboot", Kind::Bool, "true",
        "Whether instances are restarted for their image. Without, the image is as after a power cut; with, \
         the service is interrupted twice.")
        .default("false")
        .phases(&[Backup]),
    Key::new("phases.backup.clean_up", Kind::Bool, "false",
        "Whether images of earlier runs, and their snapshots, are deleted when their retention is over.")
        .default("true")
        .phases(&[Backup]),
    Key::new("phases.backup.lead", Kind::Duration { min: hours(1), max: hours(24 * 7) }, "6h",
        "How long before its window opens an instance is prepared: the image, the checks before patching. What \
         is older when the window opens is no way back any more. It is longer where preparing all of them \
         takes longer; instances without a window are prepared at once.")
        .default("12h")
        .phases(&[Backup, Precheck]),
    Key::new("phases.start.enabled", Kind::Bool, "true", ENABLED).default("true").phases(&[Start]).older(&[
        older("workflow.phases.server_start.enabled", Same),
        older("workflow.phases.start_servers.enabled", Same),
        older("server_manager.enabled", Same),
    ]),
    Key::new("phases.start.timeout", PHASE_TIME, "30m", TIMEOUT).default("1h").phases(&[Start]).older(&[
        older("workflow.phases.server_start.timeout", Same),
        older("workflow.phases.start_servers.timeout", Same),
        older("server_manager.timeout_minutes", Minutes),
    ]),
    Key::new("phases.start.wait_timeout", WAIT_TIME, "5m",
        "How long to wait until a started instance runs and its status checks pass.")
        .default("10m")
        .phases(&[Start])
        .older(&[
            older("workflow.phases.server_start.wait_timeout", Same),
            older("workflow.phases.start_servers.wait_timeout", Same),
        ]),
    Key::new("phases.start.agent_timeout", WAIT_TIME, "5m",
        "How long to wait until the Systems Manager agent of a started instance answers.")
        .default("10m")
        .phases(&[Start])
        .older(&[older("workflow.timeouts.ssm_connection", Same)]),
    Key::new("phases.start.max_concurrent", IN_FLIGHT, "50",
        "How many instances may be starting at once in one account and region. More than a hundred agents that register together hinder each other.")
        .default("20")
        .phases(&[Start])
        .older(&[older("server_manager.max_concurrent", Same)]),
    Key::new("phases.start.max_attempts", ATTEMPTS, "2",
        "How often the start of an instance is attempted, the first time included.")
        .default("3")
        .phases(&[Start])
        .older(&[older("server_manager.retry_attempts", Retries)]),
    Key::new("phases.precheck.enabled", Kind::Bool, "true", ENABLED)
        .default("true")
        .phases(&[Precheck])
        .older(&[older("workflow.phases.precheck", Same)]),
    Key::new("phases.precheck.timeout", PHASE_TIME, "15m", TIMEOUT).default("30m").phases(&[Precheck]),
    Key::new("phases.precheck.root_disk_percent", PERCENT, "90", "A root disk that is fuller than this fails.")
        .default("85")
        .phases(&[Precheck]),
    Key::new("phases.precheck.temp_disk_percent", PERCENT, "95", "A disk for temporary files that is fuller than this fails.")
        .default("90")
        .phases(&[Precheck]),
    Key::new("phases.precheck.min_memory_mib", Kind::Integer { min: 0, max: 1_048_576, unit: "MiB" }, "256",
        "Less available memory than this fails.")
        .default("512")
        .phases(&[Precheck]),
    Key::new("phases.precheck.load_percent", Kind::Integer { min: 1, max: 10_000, unit: "percent of the processors" }, "100",
        "A load higher than this share of the processors is warned of.")
        .default("80")
        .phases(&[Precheck]),
    Key::new("phases.precheck.services", Kind::List(TextForm::Name), "[sshd, chronyd]",
        "Services that must be active on every host; `tags.services` names those of single instances.")
        .default("[]")
        .phases(&[Precheck, Validate]),
    Key::new("phases.precheck.security_agents", Kind::List(TextForm::Name), "[falcon-sensor, ds_agent]",
        "Security agents of which one should be active; without one the host is warned of.")
        .default("[]")
        .phases(&[Precheck]),
    Key::new("phases.precheck.remedy_agent", Kind::Bool, "false",
        "Whether a Systems Manager agent older than `eligibility.min_agent_version` is updated, once, before the host is given up.")
        .default("true")
        .phases(&[Precheck]),
    Key::new("phases.precheck.unknown_facts", Kind::Text(TextForm::OneOf(&["block", "warn"])), "warn",
        "What a check that could not be made leads to, for the checks that would keep a host from being patched.")
        .default("block")
        .phases(&[Precheck]),
    Key::new("phases.drain.enabled", Kind::Bool, "true",
        "Whether hosts are taken out of their load balancers, and put into standby in their Auto Scaling groups, \
         before they are patched. They are put back whatever becomes of them.")
        .default("true")
        .phases(&[Patch]),
    Key::new("phases.drain.timeout", WAIT_TIME, "30m",
        "How long a host may take to let go of its requests: longer than the deregistration delay of its target \
         groups. A host that takes longer is not patched.")
        .default("15m")
        .phases(&[Patch]),
    Key::new("phases.drain.return_timeout", WAIT_TIME, "15m",
        "How long a host may take to be healthy again behind its load balancers.")
        .default("10m")
        .phases(&[Patch]),
    Key::new("phases.patch.enabled", Kind::Bool, "true", ENABLED)
        .default("true")
        .phases(&[Patch])
        .older(&[older("workflow.phases.patch", Same)]),
    Key::new("phases.patch.timeout", PHASE_TIME, "4h", TIMEOUT).default("6h").phases(&[Patch]),
    Key::new("phases.patch.execution_timeout", Kind::Duration { min: minutes(5), max: hours(2) }, "90m",
        "How long installing may take on one instance.")
        .default("1h")
        .phases(&[Patch])
        .older(&[older("workflow.timeouts.patch_execution", Same)]),
    Key::new("phases.patch.operation", Kind::Text(TextForm::OneOf(&["install", "scan"])), "scan",
        "What Patch Manager is asked to do: install missing patches, or only look which are missing.")
        .default("install")
        .phases(&[Patch]),
    Key::new("phases.patch.document", Kind::Text(TextForm::Name), "Acme-RunPatchBaseline",
        "A document of your own to patch with. It takes the parameters of `AWS-RunPatchBaseline`, must not reboot \
         when told `NoReboot`, and reports to Patch Manager.")
        .phases(&[Patch]),
    Key::new("phases.patch.pre_install_hook", Kind::Text(TextForm::Name), "Acme-StopApplication",
        "A document that Patch Manager runs on each instance before installing.")
        .phases(&[Patch]),
    Key::new("phases.patch.post_install_hook", Kind::Text(TextForm::Name), "Acme-StartApplication",
        "A document that Patch Manager runs on each instance after installing.")
        .phases(&[Patch]),
    Key::new("phases.patch.on_exit_hook", Kind::Text(TextForm::Name), "Acme-Notify",
        "A document that Patch Manager runs on each instance at the end, whatever happened.")
        .phases(&[Patch]),
    Key::new("phases.patch.delivery_timeout", Kind::Duration { min: seconds(30), max: hours(24) }, "5m",
        "How long an agent may take to receive a command before it counts as undelivered.")
        .default("10m")
        .phases(&[Precheck, Patch, Validate]),
    Key::new("phases.patch.compliant", Kind::Text(TextForm::OneOf(&["leave-out", "include"])), "include",
        "What becomes of instances that, by a patch state no older than `eligibility.max_patch_state_age`, miss nothing.")
        .default("leave-out")
        .phases(&[Patch]),
    Key::new("phases.patch.reboot", Kind::Text(TextForm::OneOf(&["conditional", "force", "skip"])), "skip",
        "Whether instances are rebooted after installing: where the operating system's own evidence asks for it \
         or says nothing, always, or never. Patch Manager lists what was installed without a reboot as waiting \
         for one, whatever the operating system says.")
        .default("conditional")
        .phases(&[Patch]),
    Key::new("phases.patch.reboot_timeout", WAIT_TIME, "10m",
        "How long an instance may take to be back after its reboot: status checks, agent, and a new boot id.")
        .default("20m")
        .phases(&[Patch]),
    Key::new("phases.patch.max_rebooting", IN_FLIGHT, "20",
        "How many instances of one account and region may be rebooting at once.")
        .default("5")
        .phases(&[Patch]),
    Key::new("phases.validate.enabled", Kind::Bool, "true", ENABLED).default("true").phases(&[Validate]).older(&[
        older("workflow.phases.validation.enabled", Same),
        older("skip_validation", Inverted),
    ]),
    Key::new("phases.validate.timeout", PHASE_TIME, "30m", TIMEOUT)
        .default("1h")
        .phases(&[Validate])
        .older(&[older("workflow.phases.validation.timeout", Same)]),
    Key::new("phases.validate.wait_timeout", WAIT_TIME, "5m",
        "How long to wait until a patched instance is well again before it counts as failed. At least 20 minutes where \
         metrics are compared: CloudWatch has its first whole period after validation began only then.")
        .default("10m")
        .phases(&[Validate])
        .older(&[older("workflow.phases.validation.wait_timeout", Same)]),
    Key::new("phases.validate.health_checks", Kind::Bool, "false",
        "Whether EC2's status checks and the application's health endpoints must pass.")
        .default("true")
        .phases(&[Validate])
        .older(&[older("workflow.phases.validation.health_checks", Same)]),
    Key::new("phases.validate.ssm_ping", Kind::Bool, "false",
        "Whether the Systems Manager agent must answer, with a ping newer than the reboot.")
        .default("true")
        .phases(&[Validate])
        .older(&[older("workflow.phases.validation.ssm_ping", Same)]),
    Key::new("phases.validate.cpu_rise_points", Kind::Integer { min: 0, max: 100, unit: "percentage points" }, "30",
        "How far the mean CPU utilisation since validation began may rise over the one of the hour before the fleet was \
         read; 0 does not look.")
        .default("0")
        .phases(&[Validate]),
    Key::new("phases.validate.alarms", Kind::List(TextForm::Name), "[checkout-errors]",
        "CloudWatch alarms that must not be in alarm after patching, by name; each is looked up in every account and region worked in.")
        .default("[]")
        .phases(&[Validate]),
    Key::new("phases.validate.load_requests", Kind::Integer { min: 0, max: 2000, unit: "requests" }, "100",
        "How many requests, one after another, are made of each address that `tags.load` names, before and after \
         patching, within `phases.validate.load_duration`; the instance needs `curl`. 0 makes no load test.")
        .default("0")
        .phases(&[Precheck, Validate]),
    Key::new("phases.validate.load_rate", Kind::Integer { min: 0, max: 1000, unit: "requests per second" }, "10",
        "How many requests of an address may begin in one second. 0 begins each when the one before it was answered.")
        .default("0")
        .phases(&[Precheck, Validate]),
    Key::new("phases.validate.load_duration", Kind::Duration { min: seconds(1), max: minutes(2) }, "1m",
        "How long the load test of an instance may take, all its addresses together; after that no further request \
         is made.")
        .default("15s")
        .phases(&[Precheck, Validate]),
    Key::new("phases.validate.load_latency_rise_percent", Kind::Integer { min: 1, max: 1000, unit: "percent" }, "100",
        "How far the median and the 95th percentile of the latency under load may each rise over the one before \
         patching. A rise of 20 ms or less never counts.")
        .default("50")
        .phases(&[Validate]),
    Key::new("phases.validate.load_error_points", Kind::Integer { min: 0, max: 100, unit: "percentage points" }, "5",
        "How far the share of failed requests under load may rise over the one before patching.")
        .default("1")
        .phases(&[Validate]),
    Key::new("phases.validate.load_throughput_drop_percent", PERCENT, "50",
        "How far the throughput under load, in good answers per second of waiting, may fall below the one before \
         patching. A mean answer that takes 10 ms longer or less never counts.")
        .default("30")
        .phases(&[Validate]),
    Key::new("phases.validate.load_p95_max", Kind::Integer { min: 0, max: 6000, unit: "milliseconds" }, "500",
        "The 95th percentile of the latency under load that is expected in any case, also where nothing was measured \
         before. 0 expects none.")
        .default("0")
        .phases(&[Validate]),
    Key::new("phases.validate.load_error_percent_max", PERCENT, "2",
        "The share of requests under load that may fail in any case, also where as many failed before. 100 expects \
         nothing.")
        .default("100")
        .phases(&[Validate]),
    Key::new("phases.validate.load_throughput_min", Kind::Integer { min: 0, max: 10_000, unit: "answers per second" }, "50",
        "The good answers per second of waiting that are expected under load in any case. 0 expects none.")
        .default("0")
        .phases(&[Validate]),
    Key::new("phases.validate.metrics", Kind::List(TextForm::MetricChange), "[\"NetworkPacketsOut -50%\", \"CWAgent:mem_used_percent +20%\"]",
        "CloudWatch metrics of an instance whose mean since validation began, over the last ten minutes at most, is \
         compared with the one over the hour before the fleet was read: the metric, and by how many percent it may rise (`+`) or fall (`-`). A \
         metric outside `AWS/EC2` has its namespace before it and is the one whose only dimension is `InstanceId`. \
         What is beyond its tolerance counts as worse than before; what was not measured was not compared.")
        .default("[]")
        .phases(&[Validate]),
    Key::new("phases.validate.check_document", Kind::Text(TextForm::Name), "Acme-CheckApplication",
        "A document of your own that is run on each patched instance once the rest is well; it takes no parameters. \
         Exit code 0 passes, another one counts as worse than before. It may be run more than once, and must \
         change nothing.")
        .phases(&[Validate]),
    Key::new("phases.report.enabled", Kind::Bool, "true", "Whether report files are written.")
        .default("true")
        .phases(&[Report]),
];
