//! A host as a flat record: what every machine-readable report says of it, under the same names.

use std::collections::BTreeMap;

use fleetwright_model::Observed;
use fleetwright_patch::summary::agent_status;
use fleetwright_patch::{Host, Weight};
use jiff::Timestamp;
use serde::Serialize;

/// A value that is there, is known not to be there (`null`), or could not be read (`"not_checked"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Field<T> {
    /// The value, or that there is none.
    Value(Option<T>),
    /// Could not be read.
    NotChecked(NotChecked),
}

/// Serialises as `"not_checked"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
}

/// Why a host has its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The code.
    pub code: &'static str,
    /// `blocks`, `unknown` or `note`.
    pub weight: &'static str,
    /// A few words.
    pub title: &'static str,
}

/// One host. The first 26 names are those of REQUIREMENTS RE-1, in its order.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the names are the documentation; units are in them")]
pub struct HostRecord<'a> {
    pub instance_id: &'a str,
    pub name: Option<&'a str>,
    pub platform: &'static str,
    pub status: &'static str,
    pub instance_type: &'a str,
    pub region: &'a str,
    pub account_id: &'a str,
    pub landing_zone: &'a str,
    pub ami_id: &'a str,
    pub launch_time: Option<Timestamp>,
    pub private_ip: Option<String>,
    pub public_ip: Option<String>,
    pub vpc_id: Option<&'a str>,
    pub subnet_id: Option<&'a str>,
    pub security_groups: Vec<&'a str>,
    /// `managed`, `not_managed` or `not_checked`.
    pub ssm_agent_status: &'static str,
    pub ssm_ping_status: Field<&'static str>,
    pub ssm_last_ping: Field<Timestamp>,
    pub cpu_cores: Option<u32>,
    pub memory_gb: Field<f64>,
    pub storage_gb: Field<u64>,
    pub network_performance: Field<&'a str>,
    pub tags: BTreeMap<&'a str, &'a str>,
    pub requires_backup: bool,
    pub patching_group: Option<&'a str>,
    pub maintenance_window: Option<&'a str>,
    pub eligibility: &'static str,
    pub reasons: Vec<Reason>,
    pub application: Option<&'a str>,
    pub environment: Option<&'a str>,
    pub criticality: Option<String>,
    pub availability_zone: Option<&'a str>,
    pub lifecycle: &'static str,
    pub platform_details: Option<&'a str>,
    pub os_name: Field<&'a str>,
    pub os_version: Field<&'a str>,
    pub ssm_agent_version: Field<&'a str>,
    pub system_status: Field<&'static str>,
    pub instance_status: Field<&'static str>,
    pub patch_baseline: Field<&'a str>,
    pub patch_operation: Field<&'a str>,
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

impl<'a> HostRecord<'a> {
    /// The record of one host.
    pub fn of(host: &'a Host) -> Self {
        let Host { instance, agent, patches, health, storage, hardware, labels, .. } = host;
        Self {
            instance_id: instance.id.as_str(),
            name: instance.name.as_deref(),
            platform: host.platform.name(),
            status: instance.state.as_str(),
            instance_type: &instance.instance_type,
            region: host.region.as_str(),
            account_id: host.account.as_str(),
            landing_zone: host.zone.as_str(),
            ami_id: &instance.image,
            launch_time: instance.launch_time,
            private_ip: instance.private_ip.map(|ip| ip.to_string()),
            public_ip: instance.public_ip.map(|ip| ip.to_string()),
            vpc_id: instance.vpc.as_deref(),
            subnet_id: instance.subnet.as_deref(),
            security_groups: instance.security_groups.iter().map(AsRef::as_ref).collect(),
            ssm_agent_status: match agent {
                Observed::Known(_) => "managed",
                Observed::Absent | Observed::NotChecked => agent_status(host),
            },
            ssm_ping_status: Field::of(agent, |agent| Some(agent.ping.as_str())),
            ssm_last_ping: Field::of(agent, |agent| agent.last_ping),
            cpu_cores: instance.cpu_cores,
            memory_gb: Field::of(hardware, |hardware| Some(gib(hardware.memory_mib))),
            storage_gb: Field::of(storage, |storage| Some(storage.gib)),
            network_performance: Field::of(hardware, |hardware| Some(&*hardware.network_performance)),
            tags: instance.tags.iter().map(|(key, value)| (key.as_ref(), value.as_ref())).collect(),
            requires_backup: labels.requires_backup,
            patching_group: labels.patch_group.as_deref(),
            maintenance_window: labels.maintenance_window.as_deref(),
            eligibility: host.judgement.verdict.as_str(),
            reasons: reasons(host),
            application: labels.application.as_deref(),
            environment: labels.environment.as_deref(),
            criticality: labels.criticality.as_ref().map(ToString::to_string),
            availability_zone: instance.availability_zone.as_deref(),
            lifecycle: instance.lifecycle.as_str(),
            platform_details: instance.platform_details.as_deref(),
            os_name: Field::of(agent, |agent| agent.platform_name.as_deref()),
            os_version: Field::of(agent, |agent| agent.platform_version.as_deref()),
            ssm_agent_version: Field::of(agent, |agent| agent.version.as_deref()),
            system_status: Field::of(health, |health| Some(health.system.as_str())),
            instance_status: Field::of(health, |health| Some(health.instance.as_str())),
            patch_baseline: Field::of(patches, |state| {
                Some(state.baseline_name.as_deref().unwrap_or(&state.baseline))
            }),
            patch_operation: Field::of(patches, |state| Some(&*state.operation)),
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
}

fn reasons(host: &Host) -> Vec<Reason> {
    let weight = |weight| match weight {
        Weight::Blocks => "blocks",
        Weight::Unknown => "unknown",
        Weight::Note => "note",
    };
    host.judgement
        .findings
        .iter()
        .map(|found| Reason { code: found.code.id, weight: weight(found.weight), title: found.code.title })
        .collect()
}

/// GiB, which people and RE-1's column name call GB; exact to a quarter.
#[expect(clippy::cast_precision_loss, reason = "memory sizes are far below 2^52 MiB")]
fn gib(mib: u64) -> f64 {
    mib as f64 / 1024.0
}
