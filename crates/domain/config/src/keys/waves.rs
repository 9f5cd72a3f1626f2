use fleetwright_model::Phase::Patch;

use super::kind::hours;
use super::{Key, Kind, TextForm};

const AMOUNT: Kind = Kind::Text(TextForm::Amount);
const NOW: std::time::Duration = std::time::Duration::ZERO;

pub(super) static KEYS: &[Key] = &[
    Key::new(
        "safety.waves",
        Kind::Waves,
        "[{name: pilot, size: 5%}, {name: rest}]",
        "Waves, walked one after another; an instance is in the first that takes it, and one that none takes is \
         left out. Without any, all instances behind the canary are one wave.",
    )
    .default("[]")
    .phases(&[Patch]),
    Key::new(
        "safety.canary",
        Kind::Integer { min: 0, max: 100, unit: "instances" },
        "2",
        "How many instances of each operating-system family go ahead of all others where 10 or more are patched: \
         the least critical ones, spread over zones. 0 has no canary.",
    )
    .default("1")
    .phases(&[Patch]),
    Key::new(
        "safety.bake",
        Kind::Duration { min: NOW, max: hours(24) },
        "1h",
        "How long to wait after each wave, the last one left out, before its results are looked at.",
    )
    .default("10m")
    .phases(&[Patch]),
    Key::new(
        "safety.zone_by_zone",
        Kind::Text(TextForm::OneOf(&["none", "landing-zone", "region", "availability-zone"])),
        "availability-zone",
        "Whether each wave goes on one zone at a time, with the checks of a gate between them, and what a zone is.",
    )
    .default("none")
    .phases(&[Patch]),
    Key::new(
        "safety.zones_at_once",
        Kind::Integer { min: 1, max: 1_000, unit: "zones" },
        "4",
        "How many zones a wave that goes on zone by zone changes at once: with `safety.zone_by_zone: landing-zone`, \
         how many accounts; with `region`, how many regions of accounts.",
    )
    .default("1")
    .phases(&[Patch]),
    Key::new(
        "safety.abort_on_issues",
        Kind::Text(TextForm::OneOf(&["never", "gate", "any"])),
        "any",
        "Which faults between two waves end the run: none, a check of the gate that fails, or as well every \
         instance that did not end well.",
    )
    .default("gate")
    .phases(&[Patch]),
    Key::new(
        "safety.ramp",
        Kind::Integer { min: 1, max: 100_000, unit: "instances" },
        "1",
        "How many instances may be out of service at once in the beginning: one more with each that is verified \
         healthy, up to `safety.max_concurrent`.",
    )
    .phases(&[Patch]),
    Key::new(
        "safety.budgets.zone",
        AMOUNT,
        "20%",
        "Instances of one region of a landing zone out of service at once.",
    )
    .phases(&[Patch]),
    Key::new(
        "safety.budgets.application",
        AMOUNT,
        "1",
        "Instances of one application (`tags.application`) in one environment out of service at once; 100% is no budget.",
    )
    .default("50%")
    .phases(&[Patch]),
    Key::new(
        "safety.budgets.availability_zone",
        AMOUNT,
        "25%",
        "Instances of one availability zone of a landing zone out of service at once.",
    )
    .phases(&[Patch]),
    Key::new(
        "safety.budgets.auto_scaling_group",
        AMOUNT,
        "1",
        "Instances of one Auto Scaling group out of service at once; 100% is no budget.",
    )
    .default("50%")
    .phases(&[Patch]),
    Key::new(
        "safety.budgets.target_group",
        AMOUNT,
        "1",
        "Instances of one target group of a load balancer out of service at once; 100% is no budget.",
    )
    .default("50%")
    .phases(&[Patch]),
    Key::new(
        "safety.gate.alarms",
        Kind::List(TextForm::Name),
        "[checkout-errors]",
        "CloudWatch alarms that must not be in alarm between two waves, and while the wave is waited after.",
    )
    .default("[]")
    .phases(&[Patch]),
    Key::new(
        "safety.gate.target_groups",
        Kind::Bool,
        "false",
        "Whether the target groups of a wave's instances must be healthy before the next wave.",
    )
    .default("true")
    .phases(&[Patch]),
    Key::new(
        "safety.gate.compliance",
        Kind::Bool,
        "false",
        "Whether a wave's instances must be compliant before the next wave.",
    )
    .default("true")
    .phases(&[Patch]),
    Key::new(
        "safety.gate.differences",
        Kind::Bool,
        "false",
        "Whether a wave's instances must be no worse than before it, before the next wave.",
    )
    .default("true")
    .phases(&[Patch]),
    Key::new(
        "safety.gate.patch_list_bucket",
        Kind::Text(TextForm::Name),
        "acme-patch-lists",
        "S3 bucket in which the exact patches of the first wave are left, so that later waves install the same. \
         The instances must be able to read it.",
    )
    .phases(&[Patch]),
    Key::new(
        "safety.approvals.needed",
        Kind::Integer { min: 1, max: 20, unit: "people" },
        "2",
        "How many different people must approve. One rejection is enough.",
    )
    .default("1")
    .phases(&[Patch]),
    Key::new(
        "safety.approvals.approvers",
        Kind::List(TextForm::Name),
        "[ada, grace]",
        "Who may decide; empty is anybody who may reach the run.",
    )
    .default("[]")
    .phases(&[Patch]),
    Key::new(
        "safety.approvals.expires",
        Kind::Duration { min: super::kind::minutes(1), max: hours(24 * 30) },
        "4h",
        "How long a decision may take from when it is asked for.",
    )
    .phases(&[Patch]),
    Key::new(
        "safety.approvals.on_expiry",
        Kind::Text(TextForm::OneOf(&["reject", "skip"])),
        "skip",
        "What happens when nobody decided in time: the run ends, or the wave is left out.",
    )
    .default("reject")
    .phases(&[Patch]),
];
