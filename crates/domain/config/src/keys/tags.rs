use fleetwright_model::Phase::{Backup, Patch, Precheck, Scan, Validate};

use super::{Key, Kind, TextForm};

const KEY_LIST: Kind = Kind::List(TextForm::TagKey);

pub(super) static KEYS: &[Key] = &[
    Key::new("tags.application", KEY_LIST, "[app-id]", "The application an instance belongs to.")
        .default("[Application, application, App, app]")
        .phases(&[Scan]),
    Key::new("tags.environment", KEY_LIST, "[Stage]", "The environment an instance belongs to.")
        .default("[Environment, environment, Env, env]")
        .phases(&[Scan]),
    Key::new("tags.criticality", KEY_LIST, "[Tier]", "How critical an instance is.")
        .default("[Criticality, criticality, BusinessCriticality]")
        .phases(&[Scan]),
    Key::new(
        "tags.patch_group",
        KEY_LIST,
        "[\"Patch Group\"]",
        "The patch group. `Patch Group` and `PatchGroup` are the two keys Systems Manager itself knows.",
    )
    .default("[\"Patch Group\", PatchGroup]")
    .phases(&[Scan, Patch]),
    Key::new(
        "tags.maintenance_window",
        KEY_LIST,
        "[Window]",
        "The window in which an instance may be changed.",
    )
    .default("[MaintenanceWindow, \"Maintenance Window\", maintenance_window]")
    .phases(&[Scan, Patch]),
    Key::new(
        "tags.requires_backup",
        KEY_LIST,
        "[Backup]",
        "Whether an image is made before patching; the tag's value is true/yes/on or false/no/off.",
    )
    .default("[RequiresBackup, requires_backup, Backup]")
    .phases(&[Scan, Backup]),
    Key::new(
        "tags.opt_out",
        KEY_LIST,
        "[DoNotPatch]",
        "Leaves an instance alone, unless the tag's value is false, no, off or 0.",
    )
    .default("[PatchOptOut, DoNotPatch]")
    .phases(&[Scan]),
    Key::new(
        "tags.services",
        KEY_LIST,
        "[Services]",
        "Services that must be active on an instance before and after patching, separated by spaces or commas.",
    )
    .default("[\"fleetwright:services\"]")
    .phases(&[Precheck, Validate]),
    Key::new(
        "tags.health",
        KEY_LIST,
        "[HealthCheck]",
        "Addresses on the instance itself that must answer with 2xx before and after patching, separated by \
         spaces, for example `http://localhost:8080/health`.",
    )
    .default("[\"fleetwright:health\"]")
    .phases(&[Precheck, Validate]),
    Key::new(
        "tags.databases",
        KEY_LIST,
        "[Databases]",
        "Databases an instance must reach before and after patching, as HOST:PORT separated by spaces.",
    )
    .default("[\"fleetwright:databases\"]")
    .phases(&[Precheck, Validate]),
    Key::new(
        "tags.load",
        KEY_LIST,
        "[LoadTest]",
        "Addresses on the instance itself that are put under load before and after patching, separated by spaces, \
         for example `http://localhost:8080/search?q=test`; `phases.validate.load_requests` says with how many \
         requests. A good answer has a status from 200 to 399, or the one that stands before the address, as in \
         `301=http://localhost:8080/old`. The requests are GET and must change nothing.",
    )
    .default("[\"fleetwright:load\"]")
    .phases(&[Precheck, Validate]),
    Key::new(
        "tags.order_group",
        KEY_LIST,
        "[Cluster]",
        "The set of instances it depends on: the name of a group of `ordering.groups`, or \
         `one-at-a-time:NAME`, `quorum:NAME`, `singleton:NAME` for a set that only tags describe.",
    )
    .default("[\"fleetwright:group\"]")
    .phases(&[Patch]),
    Key::new(
        "tags.order_role",
        KEY_LIST,
        "[Role]",
        "Its part in that set: `primary`, `leader`, `master` and `writer` go last.",
    )
    .default("[\"fleetwright:role\"]")
    .phases(&[Patch]),
    Key::new(
        "tags.thresholds",
        KEY_LIST,
        "[PrecheckThresholds]",
        "Thresholds of the precheck that differ on an instance, for example `root_disk_percent=95 min_memory_mib=256`.",
    )
    .default("[\"fleetwright:thresholds\"]")
    .phases(&[Precheck]),
];
