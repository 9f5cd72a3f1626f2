//! `instances.csv`: one row per host.

use std::fmt::Display;
use std::io::{self, Write};

use fleetwright_patch::Host;

use crate::record::{Field, HostRecord};
use crate::safe;

type Column = (&'static str, fn(&HostRecord) -> String);

/// The columns, in order. The first 26 are REQUIREMENTS RE-1's; later phases add theirs at the end.
pub const COLUMNS: &[Column] = &[
    ("instance_id", |r| r.instance_id.to_string()),
    ("name", |r| text(r.name.as_ref())),
    ("platform", |r| r.platform.to_string()),
    ("status", |r| r.status.to_string()),
    ("instance_type", |r| r.instance_type.to_string()),
    ("region", |r| r.region.to_string()),
    ("account_id", |r| r.account_id.to_string()),
    ("landing_zone", |r| r.landing_zone.to_string()),
    ("ami_id", |r| r.ami_id.to_string()),
    ("launch_time", |r| text(r.launch_time.as_ref())),
    ("private_ip", |r| text(r.private_ip.as_ref())),
    ("public_ip", |r| text(r.public_ip.as_ref())),
    ("vpc_id", |r| text(r.vpc_id.as_ref())),
    ("subnet_id", |r| text(r.subnet_id.as_ref())),
    ("security_groups", |r| r.security_groups.join(";")),
    ("ssm_agent_status", |r| r.ssm_agent_status.to_string()),
    ("ssm_ping_status", |r| field(&r.ssm_ping_status)),
    ("ssm_last_ping", |r| field(&r.ssm_last_ping)),
    ("cpu_cores", |r| text(r.cpu_cores.as_ref())),
    ("memory_gb", |r| field(&r.memory_gb)),
    ("storage_gb", |r| field(&r.storage_gb)),
    ("network_performance", |r| field(&r.network_performance)),
    ("tags", |r| serde_json::to_string(&r.tags).expect("text keys and values always serialise")),
    ("requires_backup", |r| r.requires_backup.to_string()),
    ("patching_group", |r| text(r.patching_group.as_ref())),
    ("maintenance_window", |r| text(r.maintenance_window.as_ref())),
    ("eligibility", |r| r.eligibility.to_string()),
    ("reasons", |r| r.reasons.iter().map(|reason| &*reason.code).collect::<Vec<_>>().join(";")),
    ("application", |r| text(r.application.as_ref())),
    ("environment", |r| text(r.environment.as_ref())),
    ("criticality", |r| text(r.criticality.as_ref())),
    ("availability_zone", |r| text(r.availability_zone.as_ref())),
    ("lifecycle", |r| r.lifecycle.to_string()),
    ("platform_details", |r| text(r.platform_details.as_ref())),
    ("os_name", |r| field(&r.os_name)),
    ("os_version", |r| field(&r.os_version)),
    ("ssm_agent_version", |r| field(&r.ssm_agent_version)),
    ("system_status", |r| field(&r.system_status)),
    ("instance_status", |r| field(&r.instance_status)),
    ("patch_baseline", |r| field(&r.patch_baseline)),
    ("patch_operation", |r| field(&r.patch_operation)),
    ("patch_operation_end", |r| field(&r.patch_operation_end)),
    ("patches_installed", |r| field(&r.patches_installed)),
    ("patches_missing", |r| field(&r.patches_missing)),
    ("patches_failed", |r| field(&r.patches_failed)),
    ("patches_pending_reboot", |r| field(&r.patches_pending_reboot)),
    ("patches_rejected", |r| field(&r.patches_rejected)),
    ("critical_non_compliant", |r| field(&r.critical_non_compliant)),
    ("security_non_compliant", |r| field(&r.security_non_compliant)),
    ("other_non_compliant", |r| field(&r.other_non_compliant)),
];

fn text(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn field<T: Display>(value: &Field<T>) -> String {
    match value {
        Field::Value(value) => text(value.as_ref()),
        Field::NotChecked(_) => "not_checked".to_owned(),
    }
}

/// Writes the header and a row per host. Cells that a spreadsheet could take for a formula are made
/// safe; an empty cell means "none", `not_checked` means that it could not be read.
///
/// # Errors
/// What the writer says.
pub fn write_instances<'a>(writer: impl Write, hosts: impl IntoIterator<Item = &'a Host>) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(writer);
    csv.write_record(COLUMNS.iter().map(|(name, _)| name))?;
    for host in hosts {
        let record = HostRecord::of(host);
        for (_, value) in COLUMNS {
            csv.write_field(safe::cell(&value(&record)).as_bytes())?;
        }
        csv.write_record(None::<&[u8]>)?;
    }
    csv.flush()
}
