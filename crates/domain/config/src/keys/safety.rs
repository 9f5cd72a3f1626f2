use fleetwright_model::Phase::{Backup, Patch, Precheck, Start, Validate};

use super::Reading::Same;
use super::{Key, Kind, older};

pub(super) static KEYS: &[Key] = &[
    Key::new(
        "safety.dry_run",
        Kind::Bool,
        "true",
        "Whether every call that would change something is left out. A scan changes nothing in any case.",
    )
    .default("false"),
    Key::new(
        "safety.require_approval",
        Kind::Bool,
        "false",
        "Whether a person must approve before patching begins and between waves.",
    )
    .default("true")
    .phases(&[Patch]),
    Key::new(
        "safety.max_concurrent",
        Kind::Integer { min: 1, max: 1000, unit: "instances" },
        "5",
        "How many instances may be out of service at once.",
    )
    .default("10")
    .phases(&[Patch]),
    Key::new(
        "safety.max_failure_percentage",
        Kind::Number { min: 0.0, max: 100.0, unit: "percent" },
        "5",
        "The share of a wave's instances that may fail before nothing further is started.",
    )
    .default("10")
    .phases(&[Patch]),
    Key::new(
        "safety.continue_on_error",
        Kind::Bool,
        "false",
        "Whether the other instances go on when one has failed; false starts nothing further after the \
         first failure. A scan always reads on and lists what it could not read.",
    )
    .default("true")
    .phases(&[Backup, Start, Precheck, Patch, Validate])
    .older(&[older("continue_on_error", Same)]),
];
