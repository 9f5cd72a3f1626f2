//! The sections keys are grouped in.

/// A mapping of the configuration file that groups keys.
#[derive(Debug)]
pub struct Section {
    /// Dotted path.
    pub path: &'static str,
    /// What its keys are about, one sentence.
    pub doc: &'static str,
    /// Which names users choose for what is in it; `None` where the names are given.
    pub names: Option<Names>,
}

/// Names that users choose.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// One of them.
    pub example: &'static str,
    /// What they are, in words.
    pub what: &'static str,
    /// The same as a regular expression.
    pub pattern: &'static str,
    /// Whether a text is one.
    pub valid: fn(&str) -> bool,
}

/// Names of windows and freezes.
const WINDOW_NAME: Names = Names {
    example: "sunday-night",
    what: "the name of a window (1 to 64 letters, digits, - and _)",
    pattern: "^[A-Za-z0-9_-]{1,64}$",
    valid: fleetwright_window::is_window_name,
};

const FREEZE_NAME: Names = Names {
    example: "year-end",
    what: "the name of a freeze (1 to 64 letters, digits, - and _)",
    ..WINDOW_NAME
};

const ACTION: Names = Names {
    example: "ec2:DescribeInstances",
    what: "an action such as ec2:DescribeInstances",
    pattern: "^[A-Za-z0-9-]+:([A-Za-z0-9-]+|\\*)$",
    valid: is_action,
};

const CHANNEL_NAME: Names = Names {
    example: "ops-chat",
    what: "the name of a channel (1 to 64 letters, digits, - and _)",
    ..WINDOW_NAME
};

const ROUTE_NAME: Names = Names {
    example: "failures",
    what: "the name of a route (1 to 64 letters, digits, - and _)",
    ..WINDOW_NAME
};

/// `service:Action` or `service:*`, as IAM policies name actions.
fn is_action(name: &str) -> bool {
    name.split_once(':').is_some_and(|(service, action)| {
        let plain =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        plain(service) && (action == "*" || plain(action))
    })
}

const fn section(path: &'static str, doc: &'static str) -> Section {
    Section { path, doc, names: None }
}

const fn named(path: &'static str, names: Names, doc: &'static str) -> Section {
    Section { path, doc, names: Some(names) }
}

static SECTIONS: &[Section] = &[
    section("aws", "How AWS is reached."),
    named(
        "aws.rates",
        ACTION,
        "Request rates of single actions, where the account's limits differ from those AWS publishes; \
         one entry per `service:Action`, or `service:*` for all actions of a service.",
    ),
    section("aws.rates.*", "The token bucket of one action in one account and region."),
    section("landing_zones", "Where the landing zones are described and which of them are meant."),
    section("scan", "What a scan looks at."),
    section("tags", "Which tags carry what. Each is a list of tag keys that are tried in order."),
    section("eligibility", "What makes an instance fit to be patched."),
    section("output", "Where results go and in which form."),
    section("telemetry", "Where traces and metrics go."),
    section(
        "audit",
        "Where the signed heads of audit logs are kept besides the state directory, so that nobody who can change \
         the log can change what proves it.",
    ),
    section("phases", "The phases of a run."),
    section("phases.scan", "Reading the fleet."),
    section("phases.backup", "Images before anything changes."),
    section("phases.start", "Starting stopped instances."),
    section("phases.precheck", "Checking that hosts can be patched."),
    section(
        "phases.drain",
        "Taking hosts out of load balancers and Auto Scaling groups while they are patched, and putting them back.",
    ),
    section("phases.patch", "Installing patches and rebooting."),
    section("phases.validate", "Proving that hosts are well afterwards."),
    section("phases.report", "Writing reports."),
    section("safety", "How far a run may go before it stops."),
    section(
        "safety.budgets",
        "How many members of a group may be out of service at once; the strictest of all that an instance is in wins. \
         Members that are down by themselves count, and so do those of other runs; while nobody can look who is \
         down, nobody further is taken out of service.",
    ),
    section("safety.gate", "What is looked at between two waves."),
    section("safety.approvals", "Who approves, and until when."),
    section("ordering", "Instances that depend on each other."),
    named(
        "windows",
        WINDOW_NAME,
        "When instances may be changed. A window is meant by its name in `safety.window` or in a tag \
         (`tags.maintenance_window`), which may as well be a schedule, such as `Sun 23:00-03:00 Europe/Berlin`.",
    ),
    section("windows.*", "One window."),
    named("freezes", FREEZE_NAME, "When nothing is changed, whatever the windows say."),
    section("freezes.*", "One freeze: dates, calendars, or both."),
    section("agent", "Whom upgrades of clusters tell of what happens."),
    section("upgrade", "How clusters are upgraded where no flag says otherwise."),
    section("upgrade.timeouts", "How long the steps of an upgrade may take before they count as failed."),
    section(
        "notifications",
        "Who is told of runs. Nothing of it can hold a run up or fail it; what could not be delivered is named at \
         the run's end.",
    ),
    named("notifications.channels", CHANNEL_NAME, "Where messages go."),
    section("notifications.channels.*", "One channel."),
    named(
        "notifications.routes",
        ROUTE_NAME,
        "Which notices go to which channels; without a route nothing goes anywhere.",
    ),
    section(
        "notifications.routes.*",
        "One route: a notice that meets all of its conditions goes to its channels.",
    ),
    section("itsm", "The system that keeps change records, and decides at gates."),
];

/// Every section, in the order of the default file.
pub fn sections() -> impl Iterator<Item = &'static Section> {
    SECTIONS.iter()
}

/// Which names users choose for what is in a section.
pub(crate) fn names_in(path: &str) -> Option<Names> {
    sections().find(|section| section.path == path)?.names
}
