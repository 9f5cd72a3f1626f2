//! A host as a flat record: what every machine-readable report says of it, under the same names. A run
//! keeps the records of its hosts among its files, so that its reports need no AWS and no scan.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

use fleetwright_flow::Place;
use fleetwright_model::redaction::{HIDDEN, redact};
use fleetwright_model::{
    AccountId, HealthCheck, InstanceId, InstanceState, Lifecycle, Observed, PingStatus, Region, Tags, Text,
    ZoneName,
};
use fleetwright_patch::plan::{Backup, PlannedHost};
use fleetwright_patch::summary::agent_status;
use fleetwright_patch::{Host, Weight};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A value that is there, is known not to be there (`null`), or could not be read (`"not_checked"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Field<T> {
    /// Could not be read.
    NotChecked(NotChecked),
    /// The value, or that there is none.
    Value(Option<T>),
}

/// Serialises as `"not_checked"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotChecked {
    /// The only value.
    #[serde(rename = "not_checked")]
    NotChecked,
}

impl<T> Field<T> {
    /// One fact out of an observation.
    pub fn of<'a, S>(observed: &'a Observed<S>, fact: impl FnOnce(&'a S) -> Option<T>) -> Self {
        match observed {
            Observed::Known(known) => Self::Value(fact(known)),
            Observed::Absent => Self::Value(None),
            Observed::NotChecked => Self::NotChecked(NotChecked::NotChecked),
        }
    }

    /// The value, where there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => value.as_ref(),
            Self::NotChecked(_) => None,
        }
    }
}

/// Why a host has its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The code.
    pub code: Text,
    /// `blocks`, `unknown` or `note`.
    pub weight: Text,
    /// A few words.
    pub title: Text,
}

/// One host, cleared of secrets. The first 26 names are those of REQUIREMENTS RE-1, in its order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation; units are in them")]
pub struct HostRecord {
    pub instance_id: InstanceId,
    pub name: Option<Text>,
    pub platform: Text,
    pub status: InstanceState,
    pub instance_type: Text,
    pub region: Region,
    pub account_id: AccountId,
    pub landing_zone: ZoneName,
    pub ami_id: Text,
    pub launch_time: Option<Timestamp>,
    pub private_ip: Option<IpAddr>,
    pub public_ip: Option<IpAddr>,
    pub vpc_id: Option<Text>,
    pub subnet_id: Option<Text>,
    pub security_groups: Vec<Text>,
    /// `managed`, `not_managed` or `not_checked`.
    pub ssm_agent_status: Text,
    pub ssm_ping_status: Field<PingStatus>,
    pub ssm_last_ping: Field<Timestamp>,
    pub cpu_cores: Option<u32>,
    pub memory_gb: Field<f64>,
    pub storage_gb: Field<u64>,
    pub network_performance: Field<Text>,
    pub tags: Tags,
    pub requires_backup: bool,
    pub patching_group: Option<Text>,
    pub maintenance_window: Option<Text>,
    pub eligibility: Text,
    pub reasons: Vec<Reason>,
    pub application: Option<Text>,
    pub environment: Option<Text>,
    pub criticality: Option<Text>,
    pub availability_zone: Option<Text>,
    pub lifecycle: Lifecycle,
    pub platform_details: Option<Text>,
    pub os_name: Field<Text>,
    pub os_version: Field<Text>,
    pub ssm_agent_version: Field<Text>,
    pub system_status: Field<HealthCheck>,
    pub instance_status: Field<HealthCheck>,
    pub patch_baseline: Field<Text>,
    pub patch_operation: Field<Text>,
    pub patch_operation_end: Field<Timestamp>,
    pub patches_installed: Field<u32>,
    pub patches_missing: Field<u32>,
    pub patches_failed: Field<u32>,
    pub patches_pending_reboot: Field<u32>,
    pub patches_rejected: Field<u32>,
    pub critical_non_compliant: Field<u32>,
    pub security_non_compliant: Field<u32>,
    pub other_non_compliant: Field<u32>,
}

impl HostRecord {
    /// The record of one host.
    pub fn of(host: &Host) -> Self {
        let Host { instance, agent, patches, health, storage, hardware, labels, .. } = host;
        Self {
            instance_id: instance.id.clone(),
            name: instance.name.as_ref().map(cleared),
            platform: host.platform.name().into(),
            status: instance.state,
            instance_type: instance.instance_type.clone(),
            region: host.region.clone(),
            account_id: host.account.clone(),
            landing_zone: host.zone.clone(),
            ami_id: instance.image.clone(),
            launch_time: instance.launch_time,
            private_ip: instance.private_ip,
            public_ip: instance.public_ip,
            vpc_id: instance.vpc.clone(),
            subnet_id: instance.subnet.clone(),
            security_groups: instance.security_groups.clone(),
            ssm_agent_status: match agent {
                Observed::Known(_) => "managed",
                Observed::Absent | Observed::NotChecked => agent_status(host),
            }
            .into(),
            ssm_ping_status: Field::of(agent, |agent| Some(agent.ping)),
            ssm_last_ping: Field::of(agent, |agent| agent.last_ping),
            cpu_cores: instance.cpu_cores,
            memory_gb: Field::of(hardware, |hardware| Some(gib(hardware.memory_mib))),
            storage_gb: Field::of(storage, |storage| Some(storage.gib)),
            network_performance: Field::of(hardware, |hardware| Some(hardware.network_performance.clone())),
            tags: instance.tags.iter().map(|(key, value)| (cleared(key), tag_value(key, value))).collect(),
            requires_backup: labels.requires_backup,
            patching_group: labels.patch_group.clone(),
            maintenance_window: labels.maintenance_window.clone(),
            eligibility: host.judgement.verdict.as_str().into(),
            reasons: reasons(host),
            application: labels.application.clone(),
            environment: labels.environment.clone(),
            criticality: labels.criticality.as_ref().map(|it| it.to_string().into()),
            availability_zone: instance.availability_zone.clone(),
            lifecycle: instance.lifecycle,
            platform_details: instance.platform_details.clone(),
            os_name: Field::of(agent, |agent| agent.platform_name.clone()),
            os_version: Field::of(agent, |agent| agent.platform_version.clone()),
            ssm_agent_version: Field::of(agent, |agent| agent.version.clone()),
            system_status: Field::of(health, |health| Some(health.system)),
            instance_status: Field::of(health, |health| Some(health.instance)),
            patch_baseline: Field::of(patches, |state| {
                Some(state.baseline_name.as_ref().unwrap_or(&state.baseline).clone())
            }),
            patch_operation: Field::of(patches, |state| Some(state.operation.clone())),
            patch_operation_end: Field::of(patches, |state| state.operation_end),
            patches_installed: Field::of(patches, |state| Some(state.installed)),
            patches_missing: Field::of(patches, |state| Some(state.missing)),
            patches_failed: Field::of(patches, |state| Some(state.failed)),
            patches_pending_reboot: Field::of(patches, |state| Some(state.installed_pending_reboot)),
            patches_rejected: Field::of(patches, |state| Some(state.installed_rejected)),
            critical_non_compliant: Field::of(patches, |state| Some(state.critical_non_compliant)),
            security_non_compliant: Field::of(patches, |state| Some(state.security_non_compliant)),
            other_non_compliant: Field::of(patches, |state| Some(state.other_non_compliant)),
        }
    }

    /// What a plan tells of a host of which nothing else was kept; what it does not tell is not checked.
    pub fn planned(host: &PlannedHost, place: &Place) -> Self {
        fn unread<T>() -> Field<T> {
            Field::NotChecked(NotChecked::NotChecked)
        }
        Self {
            instance_id: host.id.clone(),
            name: host.name.as_ref().map(cleared),
            platform: host.platform.clone(),
            status: host.state,
            instance_type: "".into(),
            region: place.region.clone(),
            account_id: place.account.clone(),
            landing_zone: place.zone.clone(),
            ami_id: "".into(),
            launch_time: host.launch_time,
            private_ip: None,
            public_ip: None,
            vpc_id: None,
            subnet_id: None,
            security_groups: Vec::new(),
            ssm_agent_status: "not_checked".into(),
            ssm_ping_status: unread(),
            ssm_last_ping: unread(),
            cpu_cores: None,
            memory_gb: unread(),
            storage_gb: host.storage_gib.map_or_else(unread, |gib| Field::Value(Some(gib))),
            network_performance: unread(),
            tags: Tags::new(),
            requires_backup: !matches!(host.backup, Backup::None { .. }),
            patching_group: None,
            maintenance_window: None,
            eligibility: "planned".into(),
            reasons: Vec::new(),
            application: host.application.clone(),
            environment: host.environment.clone(),
            criticality: None,
            availability_zone: host.availability_zone.clone(),
            lifecycle: Lifecycle::OnDemand,
            platform_details: None,
            os_name: unread(),
            os_version: unread(),
            ssm_agent_version: unread(),
            system_status: unread(),
            instance_status: unread(),
            patch_baseline: unread(),
            patch_operation: unread(),
            patch_operation_end: unread(),
            patches_installed: unread(),
            patches_missing: host.missing.map_or_else(unread, |missing| Field::Value(Some(missing))),
            patches_failed: unread(),
            patches_pending_reboot: unread(),
            patches_rejected: unread(),
            critical_non_compliant: unread(),
            security_non_compliant: unread(),
            other_non_compliant: unread(),
        }
    }

    /// Lets equal texts share one allocation: fleets repeat themselves.
    pub fn share(&mut self, texts: &mut SharedTexts) {
        let plain = [
            &mut self.platform,
            &mut self.instance_type,
            &mut self.ami_id,
            &mut self.ssm_agent_status,
            &mut self.eligibility,
        ];
        plain.into_iter().for_each(|text| texts.share(text));
        let optional = [
            &mut self.vpc_id,
            &mut self.subnet_id,
            &mut self.patching_group,
            &mut self.maintenance_window,
            &mut self.application,
            &mut self.environment,
            &mut self.criticality,
            &mut self.availability_zone,
            &mut self.platform_details,
        ];
        optional.into_iter().flatten().for_each(|text| texts.share(text));
        let fields = [
            &mut self.network_performance,
            &mut self.os_name,
            &mut self.os_version,
            &mut self.ssm_agent_version,
            &mut self.patch_baseline,
            &mut self.patch_operation,
        ];
        for field in fields {
            if let Field::Value(Some(text)) = field {
                texts.share(text);
            }
        }
        self.security_groups.iter_mut().for_each(|text| texts.share(text));
        for reason in &mut self.reasons {
            [&mut reason.code, &mut reason.weight, &mut reason.title]
                .into_iter()
                .for_each(|text| texts.share(text));
        }
        let tags = std::mem::take(&mut self.tags);
        self.tags = tags
            .into_iter()
            .map(|(mut key, mut value)| {
                texts.share(&mut key);
                texts.share(&mut value);
                (key, value)
            })
            .collect();
    }
}

/// A text without secrets.
pub(crate) fn cleared(text: &Text) -> Text {
    match redact(text) {
        Cow::Borrowed(_) => Text::clone(text),
        Cow::Owned(clean) => clean.into(),
    }
}

/// The value of a tag without secrets: its key may say that it is one.
fn tag_value(key: &str, value: &Text) -> Text {
    let pair = format!("{key}={value}");
    match redact(&pair) {
        Cow::Borrowed(_) => Text::clone(value),
        Cow::Owned(clean) => clean.strip_prefix(&format!("{key}=")).unwrap_or(HIDDEN).into(),
    }
}

/// Texts that were met before.
#[derive(Clone, Debug, Default)]
pub struct SharedTexts(BTreeSet<Text>);

impl SharedTexts {
    /// Texts are shared up to this many; what comes after that seldom repeats itself.
    const MOST: usize = 50_000;

    /// Replaces the text by the equal one that was met before, or keeps it for those that follow.
    pub fn share(&mut self, text: &mut Text) {
        match self.0.get(text) {
            Some(known) => *text = Text::clone(known),
            None if self.0.len() < Self::MOST => {
                self.0.insert(Text::clone(text));
            }
            None => {}
        }
    }
}

fn reasons(host: &Host) -> Vec<Reason> {
    let weight = |weight| match weight {
        Weight::Blocks => "blocks",
        Weight::Unknown => "unknown",
        Weight::Note => "note",
    };
    let reason = |found: &fleetwright_patch::Finding| Reason {
        code: found.code.id.into(),
        weight: weight(found.weight).into(),
        title: found.code.title.into(),
    };
    host.judgement.findings.iter().map(reason).collect()
}

/// GiB, which people and RE-1's column name call GB; exact to a quarter.
#[expect(clippy::cast_precision_loss, reason = "memory sizes are far below 2^52 MiB")]
fn gib(mib: u64) -> f64 {
    mib as f64 / 1024.0
}
