use super::kind::{minutes, seconds};
use super::{Key, Kind, TextForm};

pub(super) static KEYS: &[Key] = &[
    Key::new(
        "itsm.system",
        Kind::Text(TextForm::OneOf(&["servicenow", "jira"])),
        "servicenow",
        "The system that keeps change records. Without one there are none.",
    ),
    Key::new("itsm.url", Kind::Text(TextForm::Url), "https://example.service-now.com", "Where the system is, as `https://` and its host."),
    Key::new("itsm.user", Kind::Text(TextForm::Name), "svc-fleetwright", "Who we are there; for Jira Cloud the e-mail address. Without one the password is a bearer token."),
    Key::new("itsm.password", Kind::Text(TextForm::Password), "correct horse battery staple", "The password or API token.").secret(),
    Key::new("itsm.password_file", Kind::Text(TextForm::Path), "itsm-password.txt", "A file with the password, in its place."),
    Key::new(
        "itsm.gate",
        Kind::Bool,
        "false",
        "Whether the gates of a run are decided by its change record: an approved change in its time approves, \
         a rejected or cancelled one rejects. Where the gate names approvers, `change-record` must be one of them.",
    )
    .default("true"),
    Key::new(
        "itsm.poll",
        Kind::Duration { min: seconds(10), max: minutes(60) },
        "5m",
        "How often a record is looked at while a gate waits for it.",
    )
    .default("1m"),
    Key::new(
        "itsm.fields",
        Kind::List(TextForm::Name),
        "[assignment_group=Platform, category=Software]",
        "Further fields of new records, as name=value: what the system's own rules ask for.",
    )
    .default("[]"),
    Key::new(
        "itsm.change_type",
        Kind::Text(TextForm::OneOf(&["normal", "standard", "emergency"])),
        "standard",
        "The type of changes in ServiceNow.",
    )
    .default("normal"),
    Key::new("itsm.project", Kind::Text(TextForm::Name), "OPS", "The key of the project in Jira."),
    Key::new("itsm.issue_type", Kind::Text(TextForm::Name), "Task", "The type of issues in Jira.").default("Change"),
    Key::new(
        "itsm.approved_states",
        Kind::List(TextForm::Name),
        "[Approved, Ready for implementation]",
        "Statuses in Jira in which a change may be made.",
    )
    .default("[Approved]"),
    Key::new("itsm.rejected_states", Kind::List(TextForm::Name), "[Declined]", "Statuses in Jira in which it must not be.")
        .default("[Rejected, Declined, Cancelled, Canceled]"),
    Key::new("itsm.underway_state", Kind::Text(TextForm::Name), "In Progress", "The status in Jira of a change that is being made.")
        .default("Implementing"),
    Key::new("itsm.done_state", Kind::Text(TextForm::Name), "Done", "The status in Jira of a change that was made.").default("Completed"),
    Key::new("itsm.failed_state", Kind::Text(TextForm::Name), "Done", "The status in Jira of a change that failed.").default("Failed"),
];
