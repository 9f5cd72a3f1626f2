//! The JSON Schema (draft 2020-12) of an assessment.

use fleetwright_eks::{Family, Readiness, Severity, UnreadCause};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::json::FORMAT;

/// The schema. Properties that it does not name are allowed, because a later minor version may bring them.
pub fn assessment() -> Json {
    let verdicts = ["pass", "finding", "not-evaluated"];
    let results = object(
        "One check's answer for the cluster, or for one hop.",
        &["hop", "findings", "unread"],
        [
            ("title", text("What the check asks for.")),
            ("family", one_of("What the check is about.", &Family::ALL)),
            (
                "severity",
                one_of("How grave its findings are at most.", &[Severity::Warning, Severity::Blocking]),
            ),
            ("code", pattern("The check's code; never used for anything else.", "^EKS-[A-Z][0-9]+[a-z]?$")),
            ("hop", hop()),
            ("verdict", one_of("What it said. `not-evaluated` is no pass.", &verdicts)),
            ("findings", list("With `finding`: what was found.", finding())),
            ("unread", list("With `finding` and `not-evaluated`: what could not be looked at.", unread())),
        ],
    );
    let mut schema = object(
        &format!("What the readiness checks say of an EKS cluster; format {FORMAT}."),
        &[],
        [
            ("format", pattern("The format and its version.", "^fleetwright\\.eks-assessment/1\\.[0-9]+$")),
            ("fleetwright", text("Version of fleetwright.")),
            ("cluster", cluster()),
            ("read_at", time("When the cluster had been read.")),
            ("hops", list("The way that was asked about, one minor each.", hop())),
            ("api_table", api_table()),
            ("readiness", readiness()),
            ("counts", counts()),
            ("results", list("In the order of the catalogue, then of the hops.", results)),
            ("suppressions", suppressions()),
        ],
    );
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["$id"] = format!("urn:fleetwright:eks-assessment:{FORMAT}").into();
    schema["title"] = "An assessment of an EKS cluster".into();
    schema
}

fn readiness() -> Json {
    let all = [Readiness::Ready, Readiness::NotReady, Readiness::CannotSay, Readiness::NothingToDo];
    let doc =
        "Whether an upgrade may start. `cannot-say`: a check that may block could not look at everything.";
    one_of(doc, &all)
}

fn cluster() -> Json {
    object(
        "The cluster, and the version it is to get.",
        &[],
        [
            ("name", text("Its name.")),
            ("account", pattern("Its account.", "^[0-9]{12}$")),
            ("region", text("Its region.")),
            ("version", minor("The version of its control plane.")),
            ("target", minor("The version that the way leads to.")),
        ],
    )
}

fn api_table() -> Json {
    object(
        "How fresh the table is that uses of APIs were judged by.",
        &[],
        [
            ("newest", minor("The newest version of Kubernetes that it knows.")),
            ("read_on", pattern("The day its oldest row was read.", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")),
        ],
    )
}

fn counts() -> Json {
    let number = |doc: &str| json!({ "description": doc, "type": "integer", "minimum": 0 });
    object(
        "Findings are counted once for all hops they are about, checks by their codes.",
        &[],
        [
            ("blockers", number("Findings that the upgrade does not start over.")),
            ("warnings", number("Other findings.")),
            ("suppressed", number("Findings that somebody decided to live with.")),
            ("checks", number("Checks that were asked.")),
            ("passed", number("Checks that passed for every hop.")),
            ("not_evaluated", number("Checks that found nothing and could not look at everything.")),
            ("left_out", number("Sources that somebody decided not to read.")),
        ],
    )
}

fn suppressions() -> Json {
    let one = || {
        object(
            "A suppression.",
            &[],
            [
                ("code", text("The check's code.")),
                (
                    "subject",
                    json!({ "description": "Whom it covers; null is all.", "type": ["string", "null"] }),
                ),
                ("reason", text("Why.")),
                ("expires_at", time("From when on the finding counts again.")),
            ],
        )
    };
    object(
        "Suppressions to look at.",
        &[],
        [
            ("expired", list("They ended, and would have covered a finding.", one())),
            ("unused", list("They cover nothing.", one())),
        ],
    )
}

fn finding() -> Json {
    object(
        "Something that stands in the way.",
        &["suppressed"],
        [
            ("severity", one_of("How grave it is.", &[Severity::Warning, Severity::Blocking])),
            ("subject", text("What it is about. Untrusted text.")),
            ("what", text("What is wrong.")),
            ("evidence", text("What was read that says so. Untrusted text.")),
            ("remedy", text("What to do.")),
            ("suppressed", text("Why it was suppressed, where it was.")),
        ],
    )
}

fn unread() -> Json {
    let causes = [
        UnreadCause::Denied,
        UnreadCause::Unsupported,
        UnreadCause::Failed,
        UnreadCause::NotAsked,
        UnreadCause::Incomplete,
    ];
    object(
        "Something that could not be looked at.",
        &[],
        [
            ("cause", one_of("What kind of reason.", &causes)),
            ("detail", text("What was asked, and what was answered. Untrusted text.")),
        ],
    )
}

fn hop() -> Json {
    let ends = [("from", minor("The version before.")), ("to", minor("The version after: the next minor."))];
    object("One upgrade of the control plane.", &[], ends)
}

fn object<const N: usize>(doc: &str, optional: &[&str], properties: [(&str, Json); N]) -> Json {
    let required: Vec<&str> =
        properties.iter().map(|(name, _)| *name).filter(|name| !optional.contains(name)).collect();
    let required = json!(required);
    let properties: Map<String, Json> =
        properties.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    json!({ "description": doc, "type": "object", "required": required, "properties": properties })
}

fn text(doc: &str) -> Json {
    json!({ "description": doc, "type": "string" })
}

fn pattern(doc: &str, pattern: &str) -> Json {
    json!({ "description": doc, "type": "string", "pattern": pattern })
}

fn minor(doc: &str) -> Json {
    pattern(doc, "^1\\.[0-9]+$")
}

fn time(doc: &str) -> Json {
    json!({ "description": doc, "type": "string", "format": "date-time" })
}

fn list(doc: &str, items: Json) -> Json {
    json!({ "description": doc, "type": "array", "items": items })
}

fn one_of<T: Serialize>(doc: &str, values: &[T]) -> Json {
    json!({ "description": doc, "enum": values })
}
