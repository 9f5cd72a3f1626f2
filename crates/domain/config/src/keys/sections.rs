//! The sections keys are grouped in.

/// A mapping of the configuration file that groups keys.
#[derive(Debug)]
pub struct Section {
    /// Dotted path.
    pub path: &'static str,
    /// What its keys are about, one sentence.
    pub doc: &'static str,
}

const fn section(path: &'static str, doc: &'static str) -> Section {
    Section { path, doc }
}

static SECTIONS: &[Section] = &[
    section("aws", "How AWS is reached."),
    section(
        "aws.rates",
        "Request rates of single actions, where the account's limits differ from those AWS publishes; \
         one entry per `service:Action`, or `service:*` for all actions of a service.",
    ),
    section("aws.rates.*", "The token bucket of one action in one account and region."),
    section("landing_zones", "Where the landing zones are described and which of them are meant."),
    section("scan", "What a scan looks at."),
    section("tags", "Which tags carry what. Each is a list of tag keys that are tried in order."),
    section("eligibility", "What makes an instance fit to be patched."),
    section("output", "Where results go and in which form."),
    section("phases", "The phases of a run."),
    section("phases.scan", "Reading the fleet."),
    section("phases.backup", "Images before anything changes."),
    section("phases.start", "Starting stopped instances."),
    section("phases.precheck", "Checking that hosts can be patched."),
    section("phases.patch", "Installing patches and rebooting."),
    section("phases.validate", "Proving that hosts are well afterwards."),
    section("phases.report", "Writing reports."),
    section("safety", "How far a run may go before it stops."),
    section(
        "safety.budgets",
        "How many members of a group may be out of service at once; the strictest of all that an instance is in wins.",
    ),
    section("safety.gate", "What is looked at between two waves."),
    section("safety.approvals", "Who approves, and until when."),
    section("ordering", "Instances that depend on each other."),
];

/// Every section, in the order of the default file.
pub fn sections() -> impl Iterator<Item = &'static Section> {
    SECTIONS.iter()
}
