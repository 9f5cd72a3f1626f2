//! From resolved values to typed settings. Every value has been checked by its key's kind, so
//! what fails here is a disagreement between the table and this file; a test compares them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fleetwright_model::{ExternalId, InstanceId, InstanceState, LabelKeys, Phase, Region, Regions};

use fleetwright_window::Schedule;

use super::{
    AbortOnIssues, AgentSettings, Amount, ApprovalSettings, AuditSettings, AwsSettings, BackupSettings,
    BudgetSettings, Compliant, DrainSettings, EligibilitySettings, Expiry, FreezeSettings, GateSettings,
    Hold, LandingZoneSettings, LoadSettings, LogFormat, LogLevel, MetricChange, NotificationSettings,
    OrderingSettings, OutputFormat, OutputSettings, PatchOperation, PatchSettings, PhaseLimits,
    PhaseSettings, PrecheckSettings, Rate, Reboot, RollbackWay, SafetySettings, ScanSettings, Settings,
    StartSettings, TelemetrySettings, UnknownCalendar, UnknownFacts, UpgradeAddons, UpgradeApprovals,
    UpgradeSettings, UpgradeStrategy, UpgradeTimeouts, ValidateSettings, WaveSettings, WindowReserve,
    ZoneByZone, notifications, windows,
};
use crate::resolve::ResolvedValue;
use crate::value::{Secret, Value};

const AGREES: &str = "the key table and the settings agree";
const CONSISTENT: &str = "contradictions were looked for before";

/// Builds the settings.
pub(crate) fn build(values: &BTreeMap<String, ResolvedValue>, environments: BTreeSet<String>) -> Settings {
    let mut values =
        Values(values.iter().map(|(path, resolved)| (path.clone(), resolved.value.clone())).collect());
    let settings = take_all(&mut values, environments);
    debug_assert!(values.0.is_empty(), "read by nobody: {:?}", values.0.keys());
    settings
}

fn take_all(values: &mut Values, environments: BTreeSet<String>) -> Settings {
    Settings {
        aws: aws(values),
        landing_zones: landing_zones(values),
        environment: values.text("environment"),
        environments,
        scan: scan(values),
        tags: tags(values),
        eligibility: EligibilitySettings {
            start_stopped: values.bool("eligibility.start_stopped"),
            min_agent_version: values.text("eligibility.min_agent_version").expect(AGREES),
            max_patch_state_age: values.duration("eligibility.max_patch_state_age"),
        },
        output: output(values),
        telemetry: telemetry(values),
        audit: audit(values),
        phases: phases(values),
        safety: SafetySettings {
            dry_run: values.bool("safety.dry_run"),
            require_approval: values.bool("safety.require_approval"),
            max_concurrent: Amount::read(&values.word("safety.max_concurrent"))
                .expect("its form was checked when it was read"),
            max_failure_percentage: values.number("safety.max_failure_percentage"),
            max_failures: values.optional_integer("safety.max_failures"),
            continue_on_error: values.bool("safety.continue_on_error"),
            hold: Hold::from_word(&values.word("safety.hold")).expect(AGREES),
            automatic_rollback: values.bool("safety.automatic_rollback"),
            rollback_way: RollbackWay::from_word(&values.word("safety.rollback_way")).expect(AGREES),
            rollback_timeout: values.duration("safety.rollback_timeout"),
            waves: values.waves(),
            canary: values.integer("safety.canary"),
            bake: values.duration("safety.bake"),
            zone_by_zone: ZoneByZone::from_word(&values.word("safety.zone_by_zone")).expect(AGREES),
            zones_at_once: values.integer("safety.zones_at_once"),
            abort_on_issues: AbortOnIssues::from_word(&values.word("safety.abort_on_issues")).expect(AGREES),
            ramp: values.optional_integer("safety.ramp"),
            budgets: budgets(values),
            gate: gate(values),
            approvals: approvals(values),
            window: values.text("safety.window"),
            window_reserve: WindowReserve::from_word(&values.word("safety.window_reserve")).expect(AGREES),
            change_calendars: values.texts("safety.change_calendars"),
            change_calendar_unknown: UnknownCalendar::from_word(
                &values.word("safety.change_calendar_unknown"),
            )
            .expect(AGREES),
        },
        ordering: values.ordering(),
        windows: values.windows(),
        freezes: values.freezes(),
        agent: AgentSettings {
            event_bus: values.text("agent.event_bus"),
            event_source: values.word("agent.event_source"),
        },
        upgrade: upgrade(values),
        notifications: notifications(values),
        itsm: notifications::itsm(&values.below("itsm")).expect(CONSISTENT),
    }
}

/// The values not yet taken.
struct Values(BTreeMap<String, Value>);

impl Values {
    fn take(&mut self, path: &str) -> Value {
        self.0.remove(path).expect(AGREES)
    }

    fn bool(&mut self, path: &str) -> bool {
        let Value::Bool(value) = self.take(path) else { unreachable!("{path}: {AGREES}") };
        value
    }

    fn integer(&mut self, path: &str) -> u32 {
        let Value::Integer(value) = self.take(path) else { unreachable!("{path}: {AGREES}") };
        u32::try_from(value).expect("no bound of the table is larger")
    }

    fn small(&mut self, path: &str) -> u16 {
        u16::try_from(self.integer(path)).expect("the table bounds it by less")
    }

    fn optional_integer(&mut self, path: &str) -> Option<u32> {
        match self.take(path) {
            Value::Integer(value) => Some(u32::try_from(value).expect("no bound of the table is larger")),
            Value::Unset => None,
            _ => unreachable!("{path}: {AGREES}"),
        }
    }

    fn number(&mut self, path: &str) -> f64 {
        let Value::Number(value) = self.take(path) else { unreachable!("{path}: {AGREES}") };
        value
    }

    fn duration(&mut self, path: &str) -> Duration {
        let Value::Duration(value) = self.take(path) else { unreachable!("{path}: {AGREES}") };
        value
    }

    fn optional_duration(&mut self, path: &str) -> Option<Duration> {
        match self.take(path) {
            Value::Duration(value) => Some(value),
            Value::Unset => None,
            _ => unreachable!("{path}: {AGREES}"),
        }
    }

    fn text(&mut self, path: &str) -> Option<String> {
        match self.take(path) {
            Value::Text(value) => Some(value),
            Value::Unset => None,
            _ => unreachable!("{path}: {AGREES}"),
        }
    }

    fn secret(&mut self, path: &str) -> Option<Secret> {
        match self.take(path) {
            Value::Secret(value) => Some(value),
            Value::Unset => None,
            _ => unreachable!("{path}: {AGREES}"),
        }
    }

    fn word(&mut self, path: &str) -> String {
        self.text(path).expect(AGREES)
    }

    fn texts(&mut self, path: &str) -> Vec<String> {
        let Value::Texts(values) = self.take(path) else { unreachable!("{path}: {AGREES}") };
        values
    }

    fn amount(&mut self, path: &str) -> Option<Amount> {
        let text = self.text(path)?;
        Some(Amount::read(&text).expect("its form was checked when it was read"))
    }

    fn waves(&mut self) -> Vec<WaveSettings> {
        const PATH: &str = "safety.waves";
        let Value::Waves(waves) = self.take(PATH) else { unreachable!("{PATH}: {AGREES}") };
        waves.value
    }

    fn ordering(&mut self) -> OrderingSettings {
        let groups = self.take("ordering.groups");
        let waivers = self.take("ordering.waivers");
        let (Value::OrderGroups(groups), Value::Waivers(waivers)) = (groups, waivers) else {
            unreachable!("ordering: {AGREES}")
        };
        OrderingSettings { groups: groups.value, waivers: waivers.value }
    }

    /// The values below a section whose names users choose, by name.
    fn named(&mut self, section: &str) -> BTreeMap<String, windows::Values> {
        let named = windows::by_name(self.0.iter(), section);
        let below = format!("{section}.");
        self.0.retain(|path, _| !path.starts_with(&below));
        named
    }

    /// The values of one section, by the last part of their path.
    fn below(&mut self, section: &str) -> windows::Values {
        let below = format!("{section}.");
        let paths: Vec<String> = self.0.keys().filter(|path| path.starts_with(&below)).cloned().collect();
        paths.into_iter().map(|path| (path[below.len()..].to_owned(), self.take(&path))).collect()
    }

    fn windows(&mut self) -> BTreeMap<String, Vec<Schedule>> {
        let schedules = |(name, values)| (name, windows::schedules(&values).expect(CONSISTENT));
        self.named("windows").into_iter().map(schedules).collect()
    }

    fn freezes(&mut self) -> BTreeMap<String, FreezeSettings> {
        let freeze = |(name, values): (String, windows::Values)| {
            let freeze = windows::freeze(&name, &values).expect(CONSISTENT);
            (name, freeze)
        };
        self.named("freezes").into_iter().map(freeze).collect()
    }

    fn rates(&mut self) -> BTreeMap<String, Rate> {
        let name = |path: &String| path.strip_prefix("aws.rates.")?.strip_suffix(".burst").map(str::to_owned);
        let names: Vec<String> = self.0.keys().filter_map(name).collect();
        names
            .into_iter()
            .map(|name| {
                let burst = self.integer(&format!("aws.rates.{name}.burst"));
                let per_second = self.number(&format!("aws.rates.{name}.per_second"));
                (name, Rate { burst, per_second })
            })
            .collect()
    }
}

fn notifications(values: &mut Values) -> NotificationSettings {
    let channels = values.named("notifications.channels").into_iter();
    let channels = channels.map(|(name, it)| (name, notifications::channel(&it).expect(CONSISTENT)));
    let channels = channels.collect();
    let routes = values.named("notifications.routes").into_iter();
    let routes = routes.map(|(name, it)| (name, notifications::route(&it).expect(CONSISTENT)));
    let routes = routes.collect();
    NotificationSettings {
        timeout: values.duration("notifications.timeout"),
        drain: values.duration("notifications.drain"),
        allow_private: values.bool("notifications.allow_private"),
        allow_loopback: values.bool("notifications.allow_loopback"),
        ca_file: values.text("notifications.ca_file"),
        channels,
        routes,
    }
}

fn budgets(values: &mut Values) -> BudgetSettings {
    BudgetSettings {
        zone: values.amount("safety.budgets.zone"),
        application: values.amount("safety.budgets.application"),
        availability_zone: values.amount("safety.budgets.availability_zone"),
        auto_scaling_group: values.amount("safety.budgets.auto_scaling_group"),
        target_group: values.amount("safety.budgets.target_group"),
    }
}

fn gate(values: &mut Values) -> GateSettings {
    GateSettings {
        alarms: values.texts("safety.gate.alarms"),
        target_groups: values.bool("safety.gate.target_groups"),
        compliance: values.bool("safety.gate.compliance"),
        differences: values.bool("safety.gate.differences"),
        patch_list_bucket: values.text("safety.gate.patch_list_bucket"),
    }
}

fn approvals(values: &mut Values) -> ApprovalSettings {
    ApprovalSettings {
        needed: values.integer("safety.approvals.needed"),
        approvers: values.texts("safety.approvals.approvers"),
        expires: values.optional_duration("safety.approvals.expires"),
        on_expiry: Expiry::from_word(&values.word("safety.approvals.on_expiry")).expect(AGREES),
    }
}

fn region(text: impl AsRef<str>) -> Region {
    Region::new(text.as_ref()).expect("its form was checked when it was read")
}

fn aws(values: &mut Values) -> AwsSettings {
    AwsSettings {
        region: values.text("aws.region").map(region),
        role_name: values.text("aws.role_name"),
        external_id: values
            .secret("aws.external_id")
            .map(|id| ExternalId::new(id.reveal()).expect("its form was checked when it was read")),
        profile: values.text("aws.profile"),
        timeout: values.duration("aws.timeout"),
        connect_timeout: values.duration("aws.connect_timeout"),
        max_attempts: values.integer("aws.max_attempts"),
        max_concurrent_calls: values.integer("aws.max_concurrent_calls"),
        session_duration: values.duration("aws.session_duration"),
        use_fips: values.bool("aws.use_fips"),
        use_dualstack: values.bool("aws.use_dualstack"),
        endpoint_url: values.text("aws.endpoint_url"),
        rates: values.rates(),
    }
}

fn landing_zones(values: &mut Values) -> LandingZoneSettings {
    let regions = values.texts("landing_zones.regions");
    LandingZoneSettings {
        inventory: values.texts("landing_zones.inventory"),
        names: values.texts("landing_zones.names"),
        regions: match regions.as_slice() {
            [] => None,
            [all] if all == "all" => Some(Regions::AllEnabled),
            listed => Some(Regions::Listed(listed.iter().map(region).collect())),
        },
    }
}

fn scan(values: &mut Values) -> ScanSettings {
    let Value::Tags(tags) = values.take("scan.tags") else { unreachable!("scan.tags: {AGREES}") };
    ScanSettings {
        max_concurrent_regions: values.integer("scan.max_concurrent_regions"),
        instance_ids: values
            .texts("scan.instance_ids")
            .into_iter()
            .map(|id| InstanceId::new(id).expect("its form was checked when it was read"))
            .collect(),
        include: values.texts("scan.include"),
        exclude: values.texts("scan.exclude"),
        tags,
        platforms: values.texts("scan.platforms"),
        states: values
            .texts("scan.states")
            .iter()
            .map(|state| InstanceState::from_name(state).expect("the table lists EC2's names"))
            .collect(),
    }
}

fn tags(values: &mut Values) -> LabelKeys {
    LabelKeys {
        application: values.texts("tags.application"),
        environment: values.texts("tags.environment"),
        criticality: values.texts("tags.criticality"),
        patch_group: values.texts("tags.patch_group"),
        maintenance_window: values.texts("tags.maintenance_window"),
        requires_backup: values.texts("tags.requires_backup"),
        opt_out: values.texts("tags.opt_out"),
        services: values.texts("tags.services"),
        health: values.texts("tags.health"),
        databases: values.texts("tags.databases"),
        order_group: values.texts("tags.order_group"),
        order_role: values.texts("tags.order_role"),
        load: values.texts("tags.load"),
        thresholds: values.texts("tags.thresholds"),
    }
}

fn output(values: &mut Values) -> OutputSettings {
    OutputSettings {
        dir: values.text("output.dir"),
        format: OutputFormat::from_word(&values.word("output.format")).expect(AGREES),
        log_level: LogLevel::from_word(&values.word("output.log_level")).expect(AGREES),
        log_format: LogFormat::from_word(&values.word("output.log_format")).expect(AGREES),
        log_file: values.text("output.log_file"),
    }
}

fn telemetry(values: &mut Values) -> TelemetrySettings {
    TelemetrySettings {
        otlp_endpoint: values.text("telemetry.otlp_endpoint"),
        otlp_headers: values.secret("telemetry.otlp_headers"),
        metrics_file: values.text("telemetry.metrics_file"),
        metrics_listen: values
            .text("telemetry.metrics_listen")
            .map(|address| address.parse().expect("its form was checked when it was read")),
        interval: values.duration("telemetry.interval"),
        prometheus_url: values.text("telemetry.prometheus_url"),
        prometheus_headers: values.secret("telemetry.prometheus_headers"),
        cloudwatch_namespace: values.text("telemetry.cloudwatch_namespace"),
    }
}

fn upgrade(values: &mut Values) -> UpgradeSettings {
    UpgradeSettings {
        strategy: UpgradeStrategy::from_word(&values.word("upgrade.strategy")).expect(AGREES),
        approvals: UpgradeApprovals::from_word(&values.word("upgrade.approvals")).expect(AGREES),
        addons: UpgradeAddons::from_word(&values.word("upgrade.addons")).expect(AGREES),
        groups_at_once: values.small("upgrade.groups_at_once"),
        alarms: values.texts("upgrade.alarms"),
        refresh: values.optional_duration("upgrade.refresh"),
        clusters_at_once: values.small("upgrade.clusters_at_once"),
        soak: values.duration("upgrade.soak"),
        rollback: values.bool("upgrade.rollback"),
        timeouts: UpgradeTimeouts {
            control_plane: values.duration("upgrade.timeouts.control_plane"),
            addon: values.duration("upgrade.timeouts.addon"),
            nodes: values.duration("upgrade.timeouts.nodes"),
            suite: values.duration("upgrade.timeouts.suite"),
        },
    }
}

fn audit(values: &mut Values) -> AuditSettings {
    AuditSettings {
        heads_file: values.text("audit.heads_file"),
        heads_bucket: values.text("audit.heads_bucket"),
        heads_zone: values.text("audit.heads_zone"),
    }
}

fn phases(values: &mut Values) -> PhaseSettings {
    let mut limits = |phase: Phase| PhaseLimits {
        enabled: values.bool(&format!("phases.{phase}.enabled")),
        // Writing reports takes seconds and cannot be left half done.
        timeout: (phase != Phase::Report).then(|| values.duration(&format!("phases.{phase}.timeout"))),
    };
    PhaseSettings {
        limits: Phase::ALL.into_iter().map(|phase| (phase, limits(phase))).collect(),
        backup: BackupSettings {
            wait_timeout: values.duration("phases.backup.wait_timeout"),
            retention_days: values.integer("phases.backup.retention_days"),
            max_concurrent: values.integer("phases.backup.max_concurrent"),
            max_attempts: values.integer("phases.backup.max_attempts"),
            reboot: values.bool("phases.backup.reboot"),
            clean_up: values.bool("phases.backup.clean_up"),
            lead: values.duration("phases.backup.lead"),
        },
        start: StartSettings {
            wait_timeout: values.duration("phases.start.wait_timeout"),
            agent_timeout: values.duration("phases.start.agent_timeout"),
            max_concurrent: values.integer("phases.start.max_concurrent"),
            max_attempts: values.integer("phases.start.max_attempts"),
        },
        drain: values.bool("phases.drain.enabled").then_some(DrainSettings {
            timeout: values.duration("phases.drain.timeout"),
            return_timeout: values.duration("phases.drain.return_timeout"),
        }),
        precheck: PrecheckSettings {
            root_disk_percent: values.integer("phases.precheck.root_disk_percent"),
            temp_disk_percent: values.integer("phases.precheck.temp_disk_percent"),
            min_memory_mib: values.integer("phases.precheck.min_memory_mib"),
            load_percent: values.integer("phases.precheck.load_percent"),
            services: values.texts("phases.precheck.services"),
            security_agents: values.texts("phases.precheck.security_agents"),
            remedy_agent: values.bool("phases.precheck.remedy_agent"),
            unknown_facts: UnknownFacts::from_word(&values.word("phases.precheck.unknown_facts"))
                .expect(AGREES),
        },
        patch: PatchSettings {
            execution_timeout: values.duration("phases.patch.execution_timeout"),
            operation: PatchOperation::from_word(&values.word("phases.patch.operation")).expect(AGREES),
            document: values.text("phases.patch.document"),
            pre_install_hook: values.text("phases.patch.pre_install_hook"),
            post_install_hook: values.text("phases.patch.post_install_hook"),
            on_exit_hook: values.text("phases.patch.on_exit_hook"),
            delivery_timeout: values.duration("phases.patch.delivery_timeout"),
            compliant: Compliant::from_word(&values.word("phases.patch.compliant")).expect(AGREES),
            reboot: Reboot::from_word(&values.word("phases.patch.reboot")).expect(AGREES),
            reboot_timeout: values.duration("phases.patch.reboot_timeout"),
            max_rebooting: values.integer("phases.patch.max_rebooting"),
        },
        validate: ValidateSettings {
            wait_timeout: values.duration("phases.validate.wait_timeout"),
            health_checks: values.bool("phases.validate.health_checks"),
            ssm_ping: values.bool("phases.validate.ssm_ping"),
            cpu_rise_points: Some(values.integer("phases.validate.cpu_rise_points"))
                .filter(|points| *points > 0),
            alarms: values.texts("phases.validate.alarms"),
            metrics: values
                .texts("phases.validate.metrics")
                .iter()
                .map(|text| MetricChange::read(text).expect("its form was checked when it was read"))
                .collect(),
            load: load(values),
            check_document: values.text("phases.validate.check_document"),
        },
    }
}

/// The limits are taken also where there is no load test: every value is read.
fn load(values: &mut Values) -> Option<LoadSettings> {
    let settings = LoadSettings {
        requests: values.integer("phases.validate.load_requests"),
        rate: values.integer("phases.validate.load_rate"),
        duration: values.duration("phases.validate.load_duration"),
        latency_rise_percent: values.integer("phases.validate.load_latency_rise_percent"),
        error_points: values.integer("phases.validate.load_error_points"),
        throughput_drop_percent: values.integer("phases.validate.load_throughput_drop_percent"),
        p95_max_ms: Some(values.integer("phases.validate.load_p95_max")).filter(|most| *most > 0),
        error_percent_max: Some(values.integer("phases.validate.load_error_percent_max"))
            .filter(|most| *most < 100),
        throughput_min: Some(values.integer("phases.validate.load_throughput_min"))
            .filter(|least| *least > 0),
    };
    (settings.requests > 0).then_some(settings)
}

#[cfg(test)]
mod tests {
    use crate::layers::{Flag, Layers};
    use crate::resolve::resolve;
    use crate::settings::LoadSettings;

    #[test]
    fn every_key_of_the_table_reaches_the_settings_and_every_setting_has_a_key() {
        // `build` takes every value out of the map and asserts that none is left.
        let rate =
            |key: &str, text: &str| Flag::new("--set", format!("aws.rates.ssm:SendCommand.{key}"), text);
        let layers =
            Layers { flags: vec![rate("burst", "5"), rate("per_second", "0.5")], ..Layers::default() };
        let settings = resolve(&layers).expect("defaults are valid").settings;
        assert_eq!(settings.aws.rates["ssm:SendCommand"].burst, 5);
        assert_eq!(settings.aws.max_attempts, 8);
    }

    #[test]
    fn a_load_test_is_made_only_where_it_is_asked_for() {
        let settings =
            |flags| resolve(&Layers { flags, ..Layers::default() }).expect("valid").settings.phases.validate;
        let unset = settings(Vec::new());
        assert_eq!((unset.load, unset.check_document), (None, None));
        let asked = settings(vec![
            Flag::new("--set", "phases.validate.load_requests".to_owned(), "50"),
            Flag::new("--set", "phases.validate.check_document".to_owned(), "Acme-CheckApplication"),
        ]);
        assert_eq!(
            asked.load,
            Some(LoadSettings {
                requests: 50,
                latency_rise_percent: 50,
                error_points: 1,
                throughput_drop_percent: 30,
                rate: 0,
                duration: std::time::Duration::from_secs(15),
                p95_max_ms: None,
                error_percent_max: None,
                throughput_min: None,
            })
        );
        assert_eq!(asked.check_document.as_deref(), Some("Acme-CheckApplication"));
    }
}
