use fleetwright_model::PLATFORM_NAMES;
use fleetwright_model::Phase::Scan;

use super::Reading::Same;
use super::{Key, Kind, TextForm, older};

pub(super) static KEYS: &[Key] = &[
    Key::new(
        "scan.max_concurrent_regions",
        Kind::Integer { min: 1, max: 1000, unit: "regions" },
        "32",
        "How many regions of landing zones are read at the same time.",
    )
    .default("16")
    .phases(&[Scan])
    .older(&[older("scanner.max_concurrent", Same)]),
    Key::new(
        "scan.instance_ids",
        Kind::List(TextForm::InstanceId),
        "[i-0123456789abcdef0]",
        "Only these instances; empty takes all.",
    )
    .default("[]")
    .phases(&[Scan]),
    Key::new(
        "scan.include",
        Kind::List(TextForm::Pattern),
        "[\"web-*\"]",
        "Only instances whose id or name matches one of these patterns; empty takes all. Applies on top \
         of the patterns of a landing zone.",
    )
    .default("[]")
    .phases(&[Scan]),
    Key::new(
        "scan.exclude",
        Kind::List(TextForm::Pattern),
        "[\"*-legacy\", i-0123456789abcdef0]",
        "Never instances whose id or name matches one of these patterns.",
    )
    .default("[]")
    .phases(&[Scan]),
    Key::new(
        "scan.tags",
        Kind::TagFilter,
        "{Application: [web, api], Environment: prod}",
        "Only instances that carry each of these tags with one of the values. Applies on top of the tag \
         filters of a landing zone.",
    )
    .default("{}")
    .phases(&[Scan]),
    Key::new(
        "scan.platforms",
        Kind::List(TextForm::OneOf(PLATFORM_NAMES)),
        "[linux]",
        "Only instances of these operating-system families or distributions; empty takes all.",
    )
    .default("[]")
    .phases(&[Scan]),
    Key::new(
        "scan.states",
        Kind::List(TextForm::OneOf(&["pending", "running", "stopping", "stopped", "shutting-down"])),
        "[running, stopped]",
        "Only instances in these states. Terminated instances are never listed.",
    )
    .default("[pending, running, stopping, stopped, shutting-down]")
    .phases(&[Scan]),
];
