//! Which tags of an instance mean what.

/// The tag keys that carry each label, tried in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelKeys {
    /// The application an instance belongs to.
    pub application: Vec<String>,
    /// Its environment.
    pub environment: Vec<String>,
    /// How critical it is.
    pub criticality: Vec<String>,
    /// Its patch group.
    pub patch_group: Vec<String>,
    /// Its maintenance window.
    pub maintenance_window: Vec<String>,
    /// Whether it needs a backup before patching; without the tag it does.
    pub requires_backup: Vec<String>,
    /// Whether it is to be left alone.
    pub opt_out: Vec<String>,
    /// Services that must be active on it.
    pub services: Vec<String>,
    /// Addresses on it that must answer.
    pub health: Vec<String>,
    /// Databases it must reach.
    pub databases: Vec<String>,
    /// Addresses on it that are put under load.
    pub load: Vec<String>,
    /// The set of instances that depend on each other it belongs to.
    pub order_group: Vec<String>,
    /// Its part in that set.
    pub order_role: Vec<String>,
    /// Thresholds of the precheck that differ on it.
    pub thresholds: Vec<String>,
}
