//! Small, realistic nouns to build tests from.

use std::collections::BTreeMap;

use fleetwright_model::{
    Access, AccountId, AgentFacts, ErrorClass, Failure, HealthCheck, Instance, InstanceId, InstanceState,
    Lifecycle, OsFamily, PatchFacts, PingStatus, Region, Regions, SystemHealth, Tags, Zone, ZoneName, code,
};
use jiff::Timestamp;

/// The time at which tests take place.
pub fn now() -> Timestamp {
    "2026-11-01T02:00:00Z".parse().expect("a valid time")
}

/// A region.
pub fn region(code: &str) -> Region {
    Region::new(code).expect("a valid region")
}

/// The instance id with this number.
pub fn id(number: u64) -> InstanceId {
    InstanceId::new(format!("i-{number:017x}")).expect("a valid id")
}

/// A landing zone read with the caller's own credentials.
pub fn zone(name: &str, account: &str, regions: &[&str]) -> Zone {
    Zone {
        name: ZoneName::new(name).expect("a valid name"),
        account: AccountId::new(account).expect("a valid account id"),
        regions: Regions::Listed(regions.iter().map(|code| region(code)).collect()),
        access: Access::default(),
        environment: None,
        description: None,
        enabled: true,
        tags: BTreeMap::new(),
        include: Vec::new(),
        exclude: Vec::new(),
    }
}

/// A running Amazon Linux host without tags.
pub fn instance(number: u64, name: &str) -> Instance {
    Instance {
        id: id(number),
        name: Some(name.into()),
        state: InstanceState::Running,
        os: OsFamily::Linux,
        platform_details: Some("Linux/UNIX".into()),
        instance_type: "m6i.large".into(),
        image: "ami-0123456789abcdef0".into(),
        launch_time: Some(now()),
        availability_zone: Some("eu-central-1a".into()),
        private_ip: Some("10.0.0.10".parse().expect("a valid address")),
        public_ip: None,
        vpc: Some("vpc-0123456789abcdef0".into()),
        subnet: Some("subnet-0123456789abcdef0".into()),
        security_groups: vec!["sg-0123456789abcdef0".into()],
        cpu_cores: Some(1),
        lifecycle: Lifecycle::OnDemand,
        root_on_ebs: true,
        tags: Tags::new(),
    }
}

/// An agent that answers.
pub fn agent() -> AgentFacts {
    AgentFacts {
        ping: PingStatus::Online,
        last_ping: Some(now()),
        version: Some("3.3.2746.0".into()),
        platform_name: Some("Amazon Linux".into()),
        platform_version: Some("2023".into()),
        ip: Some("10.0.0.10".parse().expect("a valid address")),
        computer_name: Some("ip-10-0-0-10".into()),
    }
}

/// A patch state of a scan just now.
pub fn patch_facts() -> PatchFacts {
    PatchFacts {
        baseline: "pb-0123456789abcdef0".into(),
        baseline_name: None,
        patch_group: Some("web".into()),
        operation: "Scan".into(),
        operation_end: Some(now()),
        installed: 400,
        installed_other: 20,
        installed_pending_reboot: 0,
        installed_rejected: 0,
        missing: 3,
        failed: 0,
        critical_non_compliant: 1,
        security_non_compliant: 2,
        other_non_compliant: 0,
    }
}

/// Both status checks passed.
pub fn healthy() -> SystemHealth {
    SystemHealth { system: HealthCheck::Ok, instance: HealthCheck::Ok }
}

/// A missing permission.
pub fn denied(operation: &str) -> Failure {
    Failure::new(
        ErrorClass::Denied,
        &code::DENIED,
        operation,
        "You are not authorized to perform this operation.",
    )
}
