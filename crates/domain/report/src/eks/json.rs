//! An assessment for programs, after the schema of [`super::json_schema`].

use fleetwright_eks::checks::find;
use fleetwright_eks::{CheckResult, Family, Readiness, Severity, Suppression, Verdict};
use fleetwright_kubernetes::{Hop, Minor};
use jiff::Timestamp;
use serde::Serialize;

use super::grouped::Grouped;
use super::{Assessed, TableAge};

/// Major and minor version of the format; a reader of major 1 can read every 1.x.
pub const FORMAT: &str = "1.0";

/// The assessment as JSON, indented.
pub fn assessment(assessed: &Assessed<'_>) -> String {
    let mut text = serde_json::to_string_pretty(&Document::of(assessed)).expect("plain data");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Document<'a> {
    format: String,
    fleetwright: &'a str,
    cluster: Cluster<'a>,
    read_at: Timestamp,
    hops: &'a [Hop],
    api_table: Table,
    readiness: Readiness,
    counts: Counts,
    results: Vec<Row<'a>>,
    suppressions: Suppressions<'a>,
}

#[derive(Serialize)]
struct Cluster<'a> {
    name: &'a str,
    account: String,
    region: String,
    version: Minor,
    target: Minor,
}

#[derive(Serialize)]
struct Table {
    newest: Minor,
    read_on: &'static str,
}

/// Blockers, warnings and suppressed findings are counted once for all hops; the rest are checks.
#[derive(Serialize)]
struct Counts {
    blockers: usize,
    warnings: usize,
    suppressed: usize,
    checks: usize,
    passed: usize,
    not_evaluated: usize,
    left_out: usize,
}

#[derive(Serialize)]
struct Row<'a> {
    title: &'static str,
    family: Option<Family>,
    severity: Option<Severity>,
    #[serde(flatten)]
    result: &'a CheckResult,
}

#[derive(Serialize)]
struct Suppressions<'a> {
    expired: &'a [Suppression],
    unused: &'a [Suppression],
}

impl<'a> Document<'a> {
    fn of(assessed: &Assessed<'a>) -> Self {
        let assessment = assessed.assessment;
        let grouped = Grouped::of(assessment);
        let sum = |count: fn(&super::grouped::Tally) -> usize| grouped.families.values().map(count).sum();
        let not_evaluated = |result: &&CheckResult| matches!(result.verdict, Verdict::NotEvaluated { .. });
        let mut blind: Vec<&str> =
            assessment.results.iter().filter(not_evaluated).map(|result| result.code).collect();
        blind.dedup();
        let table = TableAge::bundled();
        Self {
            format: format!("fleetwright.eks-assessment/{FORMAT}"),
            fleetwright: assessed.program,
            cluster: Cluster {
                name: assessed.cluster.name,
                account: assessed.cluster.account.to_string(),
                region: assessed.cluster.region.to_string(),
                version: assessed.version,
                target: assessed.target(),
            },
            read_at: assessed.at,
            hops: assessed.route,
            api_table: Table { newest: table.newest, read_on: table.read_on },
            readiness: assessment.readiness(),
            counts: Counts {
                blockers: grouped.blockers.len(),
                warnings: grouped.warnings.len(),
                suppressed: grouped.suppressed.len(),
                checks: sum(|tally| tally.asked),
                passed: sum(|tally| tally.passed),
                not_evaluated: blind.len(),
                left_out: grouped.left_out.len(),
            },
            results: assessment.results.iter().map(Row::of).collect(),
            suppressions: Suppressions { expired: &assessment.expired, unused: &assessment.unused },
        }
    }
}

impl<'a> Row<'a> {
    fn of(result: &'a CheckResult) -> Self {
        let check = find(result.code);
        Self {
            title: check.map_or("", |check| check.title),
            family: Family::of(result.code),
            severity: check.map(|check| check.severity),
            result,
        }
    }
}
