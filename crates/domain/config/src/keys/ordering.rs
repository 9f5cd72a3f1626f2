use fleetwright_model::Phase::Patch;

use super::{Key, Kind};

pub(super) static KEYS: &[Key] = &[
    Key::new(
        "ordering.groups",
        Kind::OrderGroups,
        "[{name: orders-db, filters: {tags: {Cluster: orders}}, mode: one-at-a-time, leaders: {Role: primary}}]",
        "Sets of instances that depend on each other: how many may be out of service at once, who goes last, \
         which groups come before. Tags (`tags.order_group`, `tags.order_role`) say the same without this.",
    )
    .default("[]")
    .phases(&[Patch]),
    Key::new(
        "ordering.waivers",
        Kind::Waivers,
        "[{group: ledger, until: 2026-12-31, reason: agreed outage CHG-4711}]",
        "What is allowed though nobody can take over: the group, the last day, and the reason.",
    )
    .default("[]")
    .phases(&[Patch]),
];
