use fleetwright_model::Phase::{Backup, Patch, Precheck, Start, Validate};

use super::Reading::Same;
use super::kind::{hours, minutes};
use super::{Key, Kind, TextForm, older};

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
        Kind::Text(TextForm::Amount),
        "5%",
        "How many instances may be out of service at once, as a number or as a share of those worked on.",
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
        "safety.max_failures",
        Kind::Integer { min: 0, max: 100_000, unit: "instances" },
        "3",
        "How many instances of a wave may fail before nothing further is started. Where the share allows \
         fewer, the share counts.",
    )
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
    Key::new(
        "safety.hold",
        Kind::Text(TextForm::OneOf(&["install", "reboot"])),
        "reboot",
        "From when on an instance counts as out of service: while patches are installed, which restarts \
         services on some platforms, or from its reboot on. It counts until it is verified healthy.",
    )
    .default("install")
    .phases(&[Patch]),
    Key::new(
        "safety.automatic_rollback",
        Kind::Bool,
        "true",
        "Whether an instance that does not come back or is worse than before is restored from its image \
         without asking. What was written to its root volume since the image is then lost.",
    )
    .default("false")
    .phases(&[Patch, Validate]),
    Key::new(
        "safety.rollback_way",
        Kind::Text(TextForm::OneOf(&["replace-root", "new-instance"])),
        "new-instance",
        "How an instance is restored: by replacing its root volume, which keeps its id, addresses, role and \
         data volumes, or by launching a new instance from the image.",
    )
    .default("replace-root")
    .phases(&[Patch, Validate]),
    Key::new(
        "safety.rollback_timeout",
        Kind::Duration { min: minutes(5), max: hours(12) },
        "1h",
        "How long restoring an instance may take.",
    )
    .default("30m")
    .phases(&[Patch, Validate]),
    Key::new(
        "safety.window",
        Kind::Text(TextForm::Window),
        "Sun 23:00-03:00 Europe/Berlin",
        "When instances may be changed whose tags (`tags.maintenance_window`) do not say: the name of a window of \
         `windows`, or days, times and time zone. Without it they may be changed at any time, \
         freezes left out.",
    )
    .phases(&[Patch]),
    Key::new(
        "safety.change_calendars",
        Kind::List(TextForm::Name),
        "[production-freeze]",
        "Names or ARNs of change calendars of Systems Manager. A name is asked for in every account and region \
         that is worked in, an ARN in its own region. While one of them is closed no host of the run is begun; \
         hosts already changed are taken to their end.",
    )
    .default("[]")
    .phases(&[Patch]),
    Key::new(
        "safety.change_calendar_unknown",
        Kind::Text(TextForm::OneOf(&["closed", "open"])),
        "open",
        "What a change calendar that could not be read is taken for.",
    )
    .default("closed")
    .phases(&[Patch]),
];
