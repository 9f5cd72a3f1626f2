use fleetwright_model::Phase::Scan;

use super::kind::hours;
use super::{Key, Kind, TextForm};

pub(super) static KEYS: &[Key] = &[
    Key::new(
        "eligibility.start_stopped",
        Kind::Bool,
        "false",
        "Whether stopped instances are patched too: started for it and stopped again afterwards.",
    )
    .default("true")
    .phases(&[Scan]),
    Key::new(
        "eligibility.min_agent_version",
        Kind::Text(TextForm::Version),
        "3.3.0.0",
        "The oldest Systems Manager agent that is trusted. From 3.3.2746 on, agents hand parameters to \
         scripts as environment variables instead of splicing them into the text.",
    )
    .default("3.3.2746.0")
    .phases(&[Scan]),
    Key::new(
        "eligibility.max_patch_state_age",
        Kind::Duration { min: hours(1), max: hours(24 * 365) },
        "48h",
        "How old the last patch scan of an instance may be before a note says that it may no longer be true.",
    )
    .default("7d")
    .phases(&[Scan]),
];
