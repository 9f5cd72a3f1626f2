use super::{Key, Kind, TextForm};

pub(super) static KEYS: &[Key] = &[
    Key::new(
        "audit.heads_file",
        Kind::Text(TextForm::Path),
        "/mnt/worm/fleetwright-heads.jsonl",
        "A file that the signed head of each run's audit log is appended to when the run ends or stops for the time \
         being; on storage that those who run fleetwright cannot change, as a rule. `audit verify --head` takes it.",
    ),
    Key::new(
        "audit.heads_bucket",
        Kind::Text(TextForm::Name),
        "acme-audit-heads",
        "The S3 bucket that these heads are put into as well, as `audit/RUN/head-NUMBER.jsonl`; one with Object Lock, \
         as a rule, whose default retention says how long they are kept. It may be of another region, and of another \
         account that lets the landing zone in. Needs `s3:PutObject` on `audit/*` in it.",
    ),
    Key::new(
        "audit.heads_zone",
        Kind::Text(TextForm::ZoneName),
        "security",
        "The landing zone that puts them there, by name or account id. Not set, the first of those worked in.",
    ),
];
