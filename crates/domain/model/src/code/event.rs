//! Events and rules of EventBridge.

use super::{Code, Exit, codes};

codes! {
    RULE_UNUSABLE = "FW-E0001", Some(Exit::Validation), "Rule not possible",
        "The name, the pattern or a target of the rule is none that EventBridge takes. Nothing was put.",
        "The message names what is wrong and where; a pattern is a JSON object whose fields are lists, for example {\"source\": [\"fleetwright.upgrade\"]}.";
    EVENT_UNUSABLE = "FW-E0002", Some(Exit::Validation), "Event not possible",
        "An event has no kind, no source, no detail, or is larger than a call may be (256 KiB). Nothing was published.",
        "The details name the line of each; `fleetwright cloud event publish --help` shows what a line looks like.";
    EVENTS_PARTLY = "FW-E0003", Some(Exit::Partial), "Events not all published",
        "The event bus did not take some events, or a call failed. Each is named with its number, and whether it may be on the bus nevertheless.",
        "Deal with the cause and publish those again; one that may be on the bus would be there twice.";
}
