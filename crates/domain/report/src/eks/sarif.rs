//! An assessment as SARIF 2.1.0, for code scanning and dashboards.
//!
//! The rules are the checks of the catalogue. A finding is a result of kind `fail`; what could not be looked at is one of
//! kind `open` ("insufficient information to decide") and a notification beside it, so that a viewer that knows only one
//! of the two shows it. Passed checks are no results: viewers that ignore `kind` would show them as problems.
//! Source: OASIS, SARIF 2.1.0 plus errata 01, 3.20 invocation, 3.27 result, 3.35 suppression, 3.58 notification.

use std::collections::BTreeMap;

use fleetwright_eks::check::{Check, CheckResult};
use fleetwright_eks::checks::catalogue;
use fleetwright_eks::{Finding, Severity, Unread, Verdict};
use fleetwright_kubernetes::Hop;
use serde_json::{Value as Json, json};

use super::{Assessed, headline, text};
use crate::text::time;

/// The schema of the standard.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The assessment as SARIF, indented.
pub fn assessment(assessed: &Assessed<'_>) -> String {
    let mut text = serde_json::to_string_pretty(&document(assessed)).expect("plain data");
    text.push('\n');
    text
}

fn document(assessed: &Assessed<'_>) -> Json {
    let log = Log::of(assessed);
    let results: Vec<Json> =
        assessed.assessment.results.iter().flat_map(|result| log.results(result)).collect();
    let rules: Vec<Json> = catalogue().map(rule).collect();
    let driver = json!({
        "name": "fleetwright",
        "version": assessed.program,
        "rules": rules,
    });
    let run = json!({
        "tool": { "driver": driver },
        "automationDetails": { "id": format!("eks-assessment/{}/", log.path) },
        "invocations": [log.invocation()],
        "results": results,
        "columnKind": "unicodeCodePoints",
        "properties": {
            "readiness": assessed.assessment.readiness().as_str(),
            "way": assessed.way(),
        },
    });
    json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Blocking => "error",
        Severity::Warning => "warning",
    }
}

fn rule(check: &'static Check) -> Json {
    let markdown =
        format!("{}\n\n**What to do:** {}\n\n**Read from:** {}", check.why, check.remedy, check.source);
    json!({
        "id": check.code,
        "shortDescription": { "text": check.title },
        "fullDescription": { "text": check.why },
        "help": { "text": format!("{} {}", check.why, check.remedy), "markdown": markdown },
        "defaultConfiguration": { "level": level(check.severity) },
        "properties": { "tags": [check.family().title()], "source": check.source },
    })
}

/// What every result needs.
struct Log<'a> {
    assessed: &'a Assessed<'a>,
    /// Places of rules in the catalogue.
    indexes: BTreeMap<&'static str, usize>,
    /// Account, region and cluster as a relative address: viewers want an artefact, and reject other schemes than `file`.
    path: String,
}

impl<'a> Log<'a> {
    fn of(assessed: &'a Assessed<'a>) -> Self {
        let indexes = catalogue().enumerate().map(|(index, check)| (check.code, index)).collect();
        let cluster = assessed.cluster;
        // Names of clusters are of letters, digits, `-` and `_` (EKS API reference, CreateCluster); others are kept out
        // of the address.
        let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
        let name: String = cluster.name.chars().map(plain).collect();
        Self { assessed, indexes, path: format!("{}/{}/{name}", cluster.account, cluster.region) }
    }

    fn results(&self, result: &CheckResult) -> Vec<Json> {
        let (findings, unread) = match &result.verdict {
            Verdict::Pass => (&[][..], &[][..]),
            Verdict::Finding { findings, unread } => (findings.as_slice(), unread.as_slice()),
            Verdict::NotEvaluated { unread } => (&[][..], unread.as_slice()),
        };
        let found = findings.iter().map(|finding| self.finding(result, finding));
        found.chain(unread.iter().map(|unread| self.open(result, unread))).collect()
    }

    fn finding(&self, result: &CheckResult, finding: &Finding) -> Json {
        let evidence = match finding.evidence.as_str() {
            "" => String::new(),
            evidence => format!(" ({evidence})"),
        };
        let message = format!(
            "{}: {}{evidence}{}. {}",
            finding.subject,
            finding.what,
            of_hop(result.hop),
            finding.remedy
        );
        let mut json = self.result(result, &finding.subject, &message);
        json["kind"] = "fail".into();
        json["level"] = level(finding.severity).into();
        if let Some(reason) = &finding.suppressed {
            let accepted = json!({ "kind": "external", "status": "accepted", "justification": reason });
            json["suppressions"] = json!([accepted]);
        }
        json
    }

    fn open(&self, result: &CheckResult, unread: &Unread) -> Json {
        let message = format!(
            "Could not be checked{}: {}: {}",
            of_hop(result.hop),
            text::cause(unread.cause),
            unread.detail
        );
        let mut json = self.result(result, &unread.detail, &message);
        json["kind"] = "open".into();
        json["level"] = "none".into();
        json
    }

    /// What all results have. An empty list of suppressions says that it is not suppressed.
    fn result(&self, result: &CheckResult, subject: &str, message: &str) -> Json {
        let hop = result.hop.map_or_else(|| "cluster".to_owned(), |hop| hop.to.to_string());
        let location = json!({
            "physicalLocation": { "artifactLocation": { "uri": self.path } },
            "logicalLocations": [{
                "name": subject,
                "fullyQualifiedName": format!("{}/{subject}", self.path),
                "kind": "resource",
            }],
        });
        json!({
            "ruleId": result.code,
            "ruleIndex": self.indexes.get(result.code),
            "message": { "text": message },
            "locations": [location],
            "partialFingerprints": { "clusterCheckHopSubject/v1": format!("{} {} {hop} {subject}", self.path, result.code) },
            "suppressions": [],
        })
    }

    fn invocation(&self) -> Json {
        let assessment = self.assessed.assessment;
        let notifications: Vec<Json> = assessment
            .unread()
            .map(|(code, unread)| {
                let level = if unread.was_left_out() { "note" } else { "warning" };
                json!({
                    "level": level,
                    "message": { "text": format!("{code} could not look: {}: {}", text::cause(unread.cause), unread.detail) },
                    "associatedRule": { "id": code, "index": self.indexes.get(code) },
                })
            })
            .collect();
        json!({
            "executionSuccessful": assessment.unread().all(|(_, unread)| unread.was_left_out()),
            "endTimeUtc": time(self.assessed.at),
            "exitCodeDescription": headline::headline(self.assessed),
            "toolExecutionNotifications": notifications,
        })
    }
}

fn of_hop(hop: Option<Hop>) -> String {
    hop.map(|hop| format!(" [hop to {}]", hop.to)).unwrap_or_default()
}
