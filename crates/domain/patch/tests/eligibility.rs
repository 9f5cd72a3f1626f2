//! Eligibility, one story per reason: a healthy host with one thing changed.

use fleetwright_model::{
    AgentFacts, HealthCheck, Instance, InstanceId, InstanceState, Lifecycle, Observed, OsFamily, PatchFacts,
    PingStatus, SystemHealth, Tags, code,
};
use fleetwright_patch::eligibility::{Facts, judge};
use fleetwright_patch::{LabelKeys, Labels, Platform, Rules, Verdict};
use jiff::{SignedDuration, Timestamp};

struct Story {
    instance: Instance,
    agent: Observed<AgentFacts>,
    patches: Observed<PatchFacts>,
    health: Observed<SystemHealth>,
    rules: Rules,
}

fn now() -> Timestamp {
    "2026-11-01T02:00:00Z".parse().expect("valid")
}

fn healthy() -> Story {
    Story {
        instance: Instance {
            id: InstanceId::new("i-0123456789abcdef0").expect("valid"),
            name: Some("web-01".into()),
            state: InstanceState::Running,
            os: OsFamily::Linux,
            platform_details: Some("Linux/UNIX".into()),
            instance_type: "m6i.large".into(),
            image: "ami-0123456789abcdef0".into(),
            launch_time: Some(now()),
            availability_zone: None,
            private_ip: None,
            public_ip: None,
            vpc: None,
            subnet: None,
            security_groups: Vec::new(),
            cpu_cores: Some(1),
            lifecycle: Lifecycle::OnDemand,
            root_on_ebs: true,
            tags: Tags::new(),
        },
        agent: Observed::Known(AgentFacts {
            ping: PingStatus::Online,
            last_ping: Some(now()),
            version: Some("3.3.2746.0".into()),
            platform_name: Some("Amazon Linux".into()),
            platform_version: Some("2023".into()),
            ip: None,
            computer_name: None,
        }),
        patches: Observed::Known(PatchFacts {
            baseline: "pb-0123456789abcdef0".into(),
            baseline_name: None,
            patch_group: None,
            operation: "Scan".into(),
            operation_end: Some(now()),
            installed: 400,
            installed_other: 0,
            installed_pending_reboot: 0,
            installed_rejected: 0,
            missing: 3,
            failed: 0,
            critical_non_compliant: 0,
            security_non_compliant: 0,
            other_non_compliant: 0,
        }),
        health: Observed::Known(SystemHealth { system: HealthCheck::Ok, instance: HealthCheck::Ok }),
        rules: Rules {
            start_stopped: true,
            min_agent_version: Some("3.1.0.0".parse().expect("valid")),
            max_patch_state_age: Some(SignedDuration::from_hours(24 * 7)),
        },
    }
}

impl Story {
    fn tagged(mut self, key: &str, value: &str) -> Self {
        self.instance.tags.insert(key.into(), value.into());
        self
    }

    fn agent(&mut self) -> &mut AgentFacts {
        match &mut self.agent {
            Observed::Known(agent) => agent,
            _ => panic!("the story has an agent"),
        }
    }

    fn patches(&mut self) -> &mut PatchFacts {
        match &mut self.patches {
            Observed::Known(patches) => patches,
            _ => panic!("the story has a patch state"),
        }
    }

    fn judged(&self) -> (Verdict, Vec<&'static str>) {
        let keys = LabelKeys {
            opt_out: vec!["PatchOptOut".into()],
            requires_backup: vec!["RequiresBackup".into()],
            ..LabelKeys::default()
        };
        let labels = Labels::read(&self.instance.tags, &keys);
        let platform = Platform::of(&self.instance, &self.agent);
        let facts = Facts {
            instance: &self.instance,
            agent: &self.agent,
            patches: &self.patches,
            health: &self.health,
            labels: &labels,
            platform: &platform,
        };
        let judgement = judge(facts, &self.rules, now());
        (judgement.verdict, judgement.findings.iter().map(|finding| finding.code.id).collect())
    }
}

#[test]
fn a_healthy_host_is_eligible_without_remarks() {
    assert_eq!(healthy().judged(), (Verdict::Eligible, vec![]));
}

#[test]
fn a_stopped_host_can_be_patched_after_a_start_unless_it_is_to_be_left_alone() {
    let mut story = healthy();
    story.instance.state = InstanceState::Stopped;
    story.agent().ping = PingStatus::ConnectionLost;
    story.health = Observed::Absent;
    assert_eq!(story.judged(), (Verdict::AfterStart, vec![code::STOPPED.id]));
    story.rules.start_stopped = false;
    assert_eq!(story.judged(), (Verdict::Blocked, vec![code::STOPPED_LEFT_ALONE.id]));
}

#[test]
fn a_host_that_changes_state_is_not_touched() {
    for state in [InstanceState::Pending, InstanceState::Stopping, InstanceState::ShuttingDown] {
        let mut story = healthy();
        story.instance.state = state;
        assert_eq!(story.judged(), (Verdict::Blocked, vec![code::NOT_RUNNING.id]), "{state}");
    }
}

#[test]
fn could_not_check_is_never_eligible() {
    let mut story = healthy();
    story.agent = Observed::NotChecked;
    assert_eq!(story.judged(), (Verdict::Unknown, vec![code::AGENT_UNCHECKED.id]));

    for health in [
        Observed::NotChecked,
        Observed::Absent,
        Observed::Known(SystemHealth { system: HealthCheck::Ok, instance: HealthCheck::InsufficientData }),
    ] {
        let mut story = healthy();
        story.health = health;
        assert_eq!(story.judged(), (Verdict::Unknown, vec![code::STATUS_UNCHECKED.id]));
    }

    let mut story = healthy();
    story.agent().ping = PingStatus::Unknown;
    assert_eq!(story.judged(), (Verdict::Unknown, vec![code::AGENT_UNCHECKED.id]));

    let mut story = healthy();
    story.agent().version = None;
    assert_eq!(story.judged(), (Verdict::Unknown, vec![code::AGENT_VERSION_UNKNOWN.id]));

    let mut story = healthy();
    story.instance.state = InstanceState::Unknown;
    assert_eq!(story.judged().0, Verdict::Unknown);
}

#[test]
fn agents_that_do_not_answer_are_told_apart() {
    let mut story = healthy();
    story.agent = Observed::Absent;
    assert_eq!(story.judged(), (Verdict::Blocked, vec![code::NO_AGENT.id]));
    for (ping, code) in
        [(PingStatus::ConnectionLost, &code::AGENT_LOST), (PingStatus::Inactive, &code::AGENT_INACTIVE)]
    {
        let mut story = healthy();
        story.agent().ping = ping;
        assert_eq!(story.judged(), (Verdict::Blocked, vec![code.id]), "{ping}");
    }
}

#[test]
fn agent_versions_are_compared_as_numbers() {
    let mut story = healthy();
    story.rules.min_agent_version = Some("3.10".parse().expect("valid"));
    story.agent().version = Some("3.9.99.0".into());
    assert_eq!(story.judged(), (Verdict::Blocked, vec![code::AGENT_TOO_OLD.id]));
    story.agent().version = Some("3.10.0.0".into());
    assert_eq!(story.judged().0, Verdict::Eligible);
}

#[test]
fn a_failed_status_check_blocks_and_a_fresh_one_waits() {
    for (instance, expected) in [
        (HealthCheck::Impaired, (Verdict::Blocked, vec![code::STATUS_IMPAIRED.id])),
        (HealthCheck::Initializing, (Verdict::Unknown, vec![code::STATUS_INITIALIZING.id])),
    ] {
        let mut story = healthy();
        story.health = Observed::Known(SystemHealth { system: HealthCheck::Ok, instance });
        assert_eq!(story.judged(), expected);
    }
}

#[test]
fn tags_can_opt_out_and_mark_cluster_nodes() {
    assert_eq!(healthy().tagged("PatchOptOut", "yes").judged(), (Verdict::Blocked, vec![code::OPTED_OUT.id]));
    for (key, value) in [
        ("eks:nodegroup-name", "ng-1"),
        ("karpenter.sh/nodepool", "default"),
        ("kubernetes.io/cluster/blue", "owned"),
    ] {
        assert_eq!(
            healthy().tagged(key, value).judged(),
            (Verdict::Blocked, vec![code::CLUSTER_NODE.id]),
            "{key}"
        );
    }
    assert_eq!(healthy().tagged("kubernetes.io/cluster/blue", "shared").judged().0, Verdict::Eligible);
}

#[test]
fn spot_and_auto_scaling_are_remarks() {
    let mut story = healthy().tagged("aws:autoscaling:groupName", "web");
    story.instance.lifecycle = Lifecycle::Spot;
    assert_eq!(story.judged(), (Verdict::Eligible, vec![code::SPOT.id, code::AUTO_SCALING.id]));
}

#[test]
fn a_host_without_a_way_back_is_blocked_unless_its_backup_is_waived() {
    let mut story = healthy();
    story.instance.root_on_ebs = false;
    assert_eq!(story.judged(), (Verdict::Blocked, vec![code::NO_IMAGE_BACKUP.id]));
    assert_eq!(
        story.tagged("RequiresBackup", "false").judged(),
        (Verdict::Eligible, vec![code::NO_IMAGE_BACKUP.id])
    );
}

#[test]
fn an_unsupported_platform_is_blocked() {
    let mut story = healthy();
    story.agent().platform_name = Some("Bottlerocket".into());
    assert_eq!(story.judged(), (Verdict::Blocked, vec![code::UNSUPPORTED_PLATFORM.id]));
}

#[test]
fn patch_states_are_remarks_that_tell_never_from_not_checked_from_old() {
    let mut story = healthy();
    story.patches = Observed::Absent;
    assert_eq!(story.judged(), (Verdict::Eligible, vec![code::NEVER_SCANNED.id]));
    story.patches = Observed::NotChecked;
    assert_eq!(story.judged(), (Verdict::Eligible, vec![code::PATCH_STATE_UNCHECKED.id]));

    let mut story = healthy();
    story.patches().installed_pending_reboot = 2;
    story.patches().operation_end = now().checked_sub(SignedDuration::from_hours(24 * 8)).ok();
    assert_eq!(story.judged(), (Verdict::Eligible, vec![code::PENDING_REBOOT.id, code::PATCH_STATE_OLD.id]));
}

#[test]
fn the_heaviest_finding_decides_and_comes_first() {
    let mut story = healthy().tagged("PatchOptOut", "");
    story.health = Observed::NotChecked;
    story.instance.lifecycle = Lifecycle::Spot;
    let (verdict, codes) = story.judged();
    assert_eq!(verdict, Verdict::Blocked);
    assert_eq!(codes, [code::OPTED_OUT.id, code::STATUS_UNCHECKED.id, code::SPOT.id]);
}
