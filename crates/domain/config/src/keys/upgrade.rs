use super::kind::{hours, minutes, seconds};
use super::{Key, Kind, TextForm};

const NOW: std::time::Duration = std::time::Duration::ZERO;

pub(super) static KEYS: &[Key] = &[
    Key::new(
        "agent.event_bus",
        Kind::Text(TextForm::Name),
        "operations",
        "The event bus, in each cluster's account and region, that upgrades and their ways back tell of what \
         happens: `upgrade.started`, `phase.completed`, `rollback.triggered` and the others. Not set, none is \
         told; `--events` names another one for a run.",
    ),
    Key::new(
        "agent.event_source",
        Kind::Text(TextForm::Name),
        "acme.upgrades",
        "What these events have as their source.",
    )
    .default("fleetwright.upgrade"),
    Key::new(
        "upgrade.strategy",
        Kind::Text(TextForm::OneOf(&["in-place"])),
        "in-place",
        "How clusters are upgraded: `in-place` takes the cluster itself up, one minor version at a time.",
    )
    .default("in-place"),
    Key::new(
        "upgrade.approvals",
        Kind::Text(TextForm::OneOf(&["each-hop", "once"])),
        "once",
        "When people are asked: before each hop of the control plane, which closes the way back of the hop before, \
         or once before the first change.",
    )
    .default("each-hop"),
    Key::new(
        "upgrade.addons",
        Kind::Text(TextForm::OneOf(&["newest-reversible", "fewest-updates"])),
        "fewest-updates",
        "Where add-ons are after the last hop: at the newest version that serves both of its ends, or wherever the \
         fewest updates lead.",
    )
    .default("newest-reversible"),
    Key::new(
        "upgrade.groups_at_once",
        Kind::Integer { min: 1, max: 100, unit: "node groups and pools" },
        "2",
        "Node groups and pools of a cluster that are replaced at once at most.",
    )
    .default("1"),
    Key::new(
        "upgrade.alarms",
        Kind::List(TextForm::Name),
        "[shop-errors, shop-latency]",
        "CloudWatch alarms of a cluster's account and region that may not go off while it is upgraded. `--alarm` \
         names others for a plan.",
    )
    .default("[]"),
    Key::new(
        "upgrade.refresh",
        Kind::Duration { min: seconds(30), max: hours(1) },
        "10m",
        "Have EKS look at a cluster again before its insights are read, and wait for it so long. Not set, a command \
         reads them as they are, and a hub, where nobody waits, gives EKS 5 minutes.",
    ),
    Key::new(
        "upgrade.clusters_at_once",
        Kind::Integer { min: 1, max: 1_000, unit: "clusters" },
        "5",
        "Clusters of a ring that are worked on at once.",
    )
    .default("1"),
    Key::new(
        "upgrade.soak",
        Kind::Duration { min: NOW, max: hours(24 * 30) },
        "24h",
        "How long a ring of clusters proves itself before the next one begins.",
    )
    .default("1h"),
    Key::new(
        "upgrade.rollback",
        Kind::Bool,
        "false",
        "Whether a hub takes the last hop of an upgrade that failed back, as long as a way back is open. A person \
         approves that as anything else.",
    )
    .default("true"),
    Key::new(
        "upgrade.timeouts.control_plane",
        Kind::Duration { min: minutes(30), max: hours(24) },
        "2h",
        "How long EKS may take for one hop of the control plane. Usual are 10 to 20 minutes; nothing bounds it.",
    )
    .default("3h"),
    Key::new(
        "upgrade.timeouts.addon",
        Kind::Duration { min: minutes(5), max: hours(24) },
        "1h",
        "How long an add-on may take to its next version.",
    )
    .default("45m"),
    Key::new(
        "upgrade.timeouts.nodes",
        Kind::Duration { min: minutes(30), max: hours(24 * 7) },
        "8h",
        "How long the nodes of a group, of a pool or of Fargate may take to be replaced, at least: where the plan \
         expects more than a quarter of it, they have four times what is expected.",
    )
    .default("2h"),
    Key::new(
        "upgrade.timeouts.suite",
        Kind::Duration { min: minutes(1), max: hours(24) },
        "1h",
        "How long one run of a test suite (`eks plan --suite`) may take.",
    )
    .default("30m"),
];
