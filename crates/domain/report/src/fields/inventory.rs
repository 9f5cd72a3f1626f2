//! What was known of a host when the fleet was read: the columns that scans and runs share.

use std::borrow::Cow;
use std::fmt::Display;

use super::{Kind, Need, Value};
use crate::record::{Field, HostRecord};

/// One column.
#[derive(Clone, Copy)]
pub struct InventoryColumn {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it always holds a value.
    pub need: Need,
    /// What it says.
    pub doc: &'static str,
    /// Its value.
    pub get: for<'a> fn(&'a HostRecord) -> Value<'a>,
}

const fn column(
    name: &'static str,
    kind: Kind,
    need: Need,
    doc: &'static str,
    get: for<'a> fn(&'a HostRecord) -> Value<'a>,
) -> InventoryColumn {
    InventoryColumn { name, kind, need, doc, get }
}

use Need::{Always, MayBeUnread, Sometimes};

/// The first 26 are REQUIREMENTS RE-1's, in its order.
#[rustfmt::skip]
pub const INVENTORY: &[InventoryColumn] = &[
    column("instance_id", Kind::Text, Always, "The EC2 instance.", |r| Value::text(Some(r.instance_id.as_str()))),
    column("name", Kind::Text, Sometimes, "Its Name tag.", |r| Value::text(r.name.as_deref())),
    column("platform", Kind::Text, Always, "The operating system: linux, windows, or the distribution where it is known.", |r| Value::text(Some(&r.platform))),
    column("status", Kind::Text, Always, "Its life-cycle state.", |r| Value::text(Some(r.status.as_str()))),
    column("instance_type", Kind::Text, MayBeUnread, "Its instance type.", |r| known(&r.instance_type)),
    column("region", Kind::Text, Always, "Its region.", |r| Value::text(Some(r.region.as_str()))),
    column("account_id", Kind::Text, Always, "Its account, 12 digits.", |r| Value::text(Some(r.account_id.as_str()))),
    column("landing_zone", Kind::Text, Always, "The landing zone it was found in.", |r| Value::text(Some(r.landing_zone.as_str()))),
    column("ami_id", Kind::Text, MayBeUnread, "The AMI it was launched from.", |r| known(&r.ami_id)),
    column("launch_time", Kind::Time, Sometimes, "When it was last started.", |r| Value::time(r.launch_time)),
    column("private_ip", Kind::Text, Sometimes, "Its private address.", |r| shown(r.private_ip)),
    column("public_ip", Kind::Text, Sometimes, "Its public address.", |r| shown(r.public_ip)),
    column("vpc_id", Kind::Text, Sometimes, "Its VPC.", |r| Value::text(r.vpc_id.as_deref())),
    column("subnet_id", Kind::Text, Sometimes, "Its subnet.", |r| Value::text(r.subnet_id.as_deref())),
    column("security_groups", Kind::List, Sometimes, "Its security groups.", |r| Value::list(&r.security_groups)),
    column("ssm_agent_status", Kind::Text, Always, "Whether Systems Manager knows it: managed, not_managed or not_checked.", |r| Value::text(Some(&r.ssm_agent_status))),
    column("ssm_ping_status", Kind::Text, MayBeUnread, "Whether its agent answers.", |r| word(&r.ssm_ping_status)),
    column("ssm_last_ping", Kind::Time, MayBeUnread, "When its agent last answered.", |r| read(&r.ssm_last_ping, |at| Value::Time(*at))),
    column("cpu_cores", Kind::Integer, Sometimes, "CPU cores.", |r| Value::integer(r.cpu_cores)),
    column("memory_gb", Kind::Number, MayBeUnread, "Memory, in GiB.", |r| read(&r.memory_gb, |gb| Value::Number(*gb))),
    column("storage_gb", Kind::Integer, MayBeUnread, "Size of its volumes together, in GiB.", |r| read(&r.storage_gb, |gb| Value::Integer(*gb))),
    column("network_performance", Kind::Text, MayBeUnread, "Network performance as EC2 words it.", |r| word(&r.network_performance)),
    column("tags", Kind::Map, Sometimes, "All its tags.", |r| Value::Map(r.tags.iter().map(|(key, value)| (&**key, Cow::Borrowed(&**value))).collect())),
    column("requires_backup", Kind::Boolean, Always, "Whether it needs a backup before patching.", |r| Value::Boolean(r.requires_backup)),
    column("patching_group", Kind::Text, Sometimes, "Its patch group.", |r| Value::text(r.patching_group.as_deref())),
    column("maintenance_window", Kind::Text, Sometimes, "Its maintenance window.", |r| Value::text(r.maintenance_window.as_deref())),
    column("eligibility", Kind::Text, Always, "Whether it could be patched when the fleet was read: eligible, after_start, unknown, blocked; planned where only the plan tells of it.", |r| Value::text(Some(&r.eligibility))),
    column("reasons", Kind::List, Sometimes, "The codes of the reasons for that.", |r| Value::list(r.reasons.iter().map(|reason| &*reason.code))),
    column("application", Kind::Text, Sometimes, "The application it belongs to.", |r| Value::text(r.application.as_deref())),
    column("environment", Kind::Text, Sometimes, "Its environment.", |r| Value::text(r.environment.as_deref())),
    column("criticality", Kind::Text, Sometimes, "How critical it is.", |r| Value::text(r.criticality.as_deref())),
    column("availability_zone", Kind::Text, Sometimes, "Its availability zone.", |r| Value::text(r.availability_zone.as_deref())),
    column("lifecycle", Kind::Text, Always, "How it was bought: on-demand, spot or scheduled.", |r| Value::text(Some(r.lifecycle.as_str()))),
    column("platform_details", Kind::Text, Sometimes, "EC2's words for its platform.", |r| Value::text(r.platform_details.as_deref())),
    column("os_name", Kind::Text, MayBeUnread, "Its operating system, as its agent says.", |r| word(&r.os_name)),
    column("os_version", Kind::Text, MayBeUnread, "The version of that.", |r| word(&r.os_version)),
    column("ssm_agent_version", Kind::Text, MayBeUnread, "The version of its agent.", |r| word(&r.ssm_agent_version)),
    column("system_status", Kind::Text, MayBeUnread, "EC2's check of the machine underneath.", |r| word(&r.system_status)),
    column("instance_status", Kind::Text, MayBeUnread, "EC2's check of the instance.", |r| word(&r.instance_status)),
    column("patch_baseline", Kind::Text, MayBeUnread, "The patch baseline it was last measured by.", |r| word(&r.patch_baseline)),
    column("patch_operation", Kind::Text, MayBeUnread, "The last operation of Patch Manager: Scan or Install.", |r| word(&r.patch_operation)),
    column("patch_operation_end", Kind::Time, MayBeUnread, "When that ended.", |r| read(&r.patch_operation_end, |at| Value::Time(*at))),
];

/// The patch state when the fleet was read. A run has one of its own from after patching, and shows this
/// one with `_before` at the end of the names.
#[rustfmt::skip]
pub const PATCH_STATE: &[InventoryColumn] = &[
    column("patches_installed", Kind::Integer, MayBeUnread, "Patches of the baseline that were installed.", |r| count(&r.patches_installed)),
    column("patches_missing", Kind::Integer, MayBeUnread, "Patches that were missing.", |r| count(&r.patches_missing)),
    column("patches_failed", Kind::Integer, MayBeUnread, "Patches that had failed to install.", |r| count(&r.patches_failed)),
    column("patches_pending_reboot", Kind::Integer, MayBeUnread, "Patches that waited for a reboot.", |r| count(&r.patches_pending_reboot)),
    column("patches_rejected", Kind::Integer, MayBeUnread, "Patches that were installed though rejected.", |r| count(&r.patches_rejected)),
    column("critical_non_compliant", Kind::Integer, MayBeUnread, "Critical patches it was not compliant with.", |r| count(&r.critical_non_compliant)),
    column("security_non_compliant", Kind::Integer, MayBeUnread, "Security patches it was not compliant with.", |r| count(&r.security_non_compliant)),
    column("other_non_compliant", Kind::Integer, MayBeUnread, "Other patches it was not compliant with.", |r| count(&r.other_non_compliant)),
];

fn shown<'a>(value: Option<impl Display>) -> Value<'a> {
    value.map_or(Value::Absent, |value| Value::Text(Cow::Owned(value.to_string())))
}

/// A text that every instance has, and that is empty where nobody could look.
fn known(text: &str) -> Value<'_> {
    if text.is_empty() { Value::NotChecked } else { Value::Text(Cow::Borrowed(text)) }
}

fn read<'a, T>(field: &'a Field<T>, value: impl FnOnce(&'a T) -> Value<'a>) -> Value<'a> {
    match field {
        Field::NotChecked(_) => Value::NotChecked,
        Field::Value(None) => Value::Absent,
        Field::Value(Some(found)) => value(found),
    }
}

fn count<'a>(field: &'a Field<u32>) -> Value<'a> {
    read(field, |count| Value::Integer(u64::from(*count)))
}

fn word<'a, T: AsWord>(field: &'a Field<T>) -> Value<'a> {
    read(field, |word| Value::Text(Cow::Borrowed(word.as_word())))
}

/// What is written as its word.
trait AsWord {
    fn as_word(&self) -> &str;
}

impl AsWord for fleetwright_model::Text {
    fn as_word(&self) -> &str {
        self
    }
}

impl AsWord for fleetwright_model::PingStatus {
    fn as_word(&self) -> &str {
        self.as_str()
    }
}

impl AsWord for fleetwright_model::HealthCheck {
    fn as_word(&self) -> &str {
        self.as_str()
    }
}
