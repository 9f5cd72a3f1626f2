use super::Reading::{PythonLevel, Same};
use super::{Key, Kind, TextForm, older};

pub(super) static KEYS: &[Key] = &[
    Key::new(
        "output.dir",
        Kind::Text(TextForm::Path),
        "patching/reports",
        "The directory reports are written into. Not set, every run gets a directory of its own under `reports`.",
    )
    .older(&[older("output_dir", Same)]),
    Key::new(
        "output.format",
        Kind::Text(TextForm::OneOf(&["text", "json", "jsonl"])),
        "json",
        "The form of what is written to standard output.",
    )
    .default("text"),
    Key::new(
        "output.log_level",
        Kind::Text(TextForm::OneOf(&["error", "warn", "info", "debug", "trace"])),
        "debug",
        "The least severe messages that are logged. The older top-level `log_level` takes the level names \
         of Python's logging as well.",
    )
    .default("info")
    .older(&[older("log_level", PythonLevel)]),
    Key::new(
        "output.log_format",
        Kind::Text(TextForm::OneOf(&["text", "json"])),
        "json",
        "The form of log lines on standard error.",
    )
    .default("text"),
    Key::new(
        "output.log_file",
        Kind::Text(TextForm::Path),
        "fleetwright.log.jsonl",
        "A file that log lines are appended to as JSON Lines, besides those on standard error and at `info` at \
         least, whatever `output.log_level` says: each with the run, landing zone, region, step and instance it is \
         about. In no log line is a secret: known ones, and what looks like one, are masked where it is written.",
    ),
];
