use super::{Code, Exit, codes};

const C: Option<Exit> = Some(Exit::Configuration);

codes! {
    UNREADABLE_FILE = "FW-C0001", C, "File not readable",
        "A configuration or inventory file named on the command line, in the environment or in another file cannot be read.",
        "Check the path and its permissions.";
    YAML_SYNTAX = "FW-C0002", C, "Not valid YAML",
        "The file is not well-formed YAML at the line and column named.",
        "Correct the syntax there; indentation with tabs and unclosed quotes are the usual causes.";
    UNKNOWN_KEY = "FW-C0003", C, "Unknown key",
        "A key that fleetwright does not know. Nothing is ignored silently: a misspelt safety setting would otherwise be no setting.",
        "Use the key suggested, or remove it. `fleetwright config schema` lists every key.";
    WRONG_TYPE = "FW-C0004", C, "Value of the wrong kind",
        "The value is not of the kind the key takes, for example text where a number is needed.",
        "Give a value of the kind the message names; `fleetwright config explain KEY` shows an example.";
    OUT_OF_RANGE = "FW-C0005", C, "Value out of range",
        "The value is of the right kind but outside the bounds of the key.",
        "Choose a value within the bounds the message names.";
    DUPLICATE_KEY = "FW-C0006", C, "Key given twice",
        "The same key stands twice in one mapping, or once in its current and once in an older form, with nothing to say which one counts.",
        "Keep one of the two places the message names.";
    DUPLICATE_ZONE = "FW-C0007", C, "Landing zone given twice",
        "Two landing zones have the same name, or name the same account and a region in common, so that its instances would be counted and patched twice.",
        "Rename, merge or remove one of the two places the message names.";
    INVALID_ACCOUNT = "FW-C0008", C, "Not an account id",
        "An account id has 12 digits. Numbers are padded with zeros on the left; anything else is refused.",
        "Write the 12 digits, best in quotes.";
    INVALID_ARN = "FW-C0009", C, "Not a role ARN",
        "The value is not the ARN of an IAM role, or its account is not the zone's account.",
        "Write arn:aws:iam::ACCOUNT:role/NAME with the zone's account, or give role_name instead.";
    INVALID_REGION = "FW-C0010", C, "Not a region",
        "The value does not have the form of an AWS region code.",
        "Write the code, for example eu-central-1; an availability zone (eu-central-1a) is not a region.";
    MISSING_KEY = "FW-C0011", C, "Required key missing",
        "A landing zone lacks something that cannot be guessed.",
        "Add the key the message names.";
    UNKNOWN_ZONE = "FW-C0012", C, "Unknown landing zone",
        "A landing zone is asked for by a name that no inventory defines.",
        "Use one of the names suggested, or add the zone to the inventory.";
    CIRCULAR_INVENTORY = "FW-C0013", C, "Inventories refer to each other in a circle",
        "An inventory of plain names refers to another inventory that leads back to it.",
        "Let one file hold the full entries.";
    CONFLICTING_KEYS = "FW-C0014", C, "Settings contradict each other",
        "Two settings are each valid but cannot both hold.",
        "Change one of the settings the message names.";
    INVALID_PATTERN = "FW-C0015", C, "Not a usable pattern",
        "An include or exclude pattern, or a tag filter, cannot be understood.",
        "Use * for any text and ? for one character; escape nothing else.";
    INVALID_EXTERNAL_ID = "FW-C0016", C, "Not an external id",
        "An external id has 2 to 1,224 characters, letters, digits and _+=,.@:/- only. The value is not shown because it is a shared secret.",
        "Copy the external id from the role's trust policy.";
    NO_ZONES = "FW-C0017", C, "No landing zone",
        "No inventory was given, or none of its landing zones is chosen and enabled.",
        "Name an inventory with --landing-zones FILE or landing_zones.inventory in the configuration; `fleetwright config init` writes an example of both.";
    UNKNOWN_ENVIRONMENT = "FW-C0018", C, "Unknown environment",
        "The environment asked for is neither defined in the configuration nor carried by a landing zone.",
        "Use one of the environments suggested.";
    TOO_LARGE = "FW-C0019", C, "File too large",
        "The file exceeds the bounds that keep a broken or hostile file from exhausting memory.",
        "Split the inventory into several files and name them all.";
    INVALID_SCHEDULE = "FW-C0020", C, "Not a schedule",
        "The schedule of a window, a date of a freeze or a time zone cannot be understood, or a window's duration and cutoff do not fit it. A window nobody understands would be one that never closes.",
        "Write it as the message shows; the time zone by its IANA name, such as Europe/Berlin.";
    INVALID_CALENDAR = "FW-C0021", C, "Not a usable calendar",
        "An iCalendar file of a freeze has a line that is not understood. It is not passed over, because it could move the freeze.",
        "Change the line named, or export the calendar again with plain events (DTSTART, DTEND, RRULE) in IANA time zones.";
    UNKNOWN_WINDOW = "FW-C0022", C, "Unknown window",
        "A setting names a window that is not described.",
        "Describe it under `windows`, or use one of the names there.";
    POLICY_TOO_LARGE = "FW-C0023", C, "Policy too large",
        "The IAM policy is longer than what a role can carry: 6,144 characters as a managed policy, 10,240 inline.",
        "Make one policy for each landing zone (--landing-zones NAME), or ask for fewer tags and regions.";
    UNKNOWN_CHANNEL = "FW-C0024", C, "Unknown channel",
        "A route of notifications names a channel that is not described.",
        "Describe it under `notifications.channels`, or use one of the names there.";
}
