//! How compliant the hosts are, as the first picture tells it.

use serde::Serialize;

use crate::evidence::RunRecord;
use crate::fields::{Dimension, Standing};

/// Compliance after patching.
#[derive(Serialize)]
pub(super) struct Compliance<'a> {
    /// Patch baselines, those with most open patches first.
    baselines: Vec<Baseline<'a>>,
    /// Patches that are missing or failed, by severity.
    severities: Vec<Severity<'a>>,
}

#[derive(Serialize)]
struct Baseline<'a> {
    name: &'a str,
    hosts: u32,
    judged: u32,
    compliant: u32,
    open: u64,
}

#[derive(Serialize)]
struct Severity<'a> {
    name: &'a str,
    hosts: u32,
    open: u64,
}

/// What the record has added up.
pub(super) fn of<'a>(record: &'a RunRecord<'a>) -> Compliance<'a> {
    let standings = |dimension: Dimension| {
        record.compliance.iter().filter(move |standing: &&Standing| standing.dimension == dimension)
    };
    let baseline = |it: &'a Standing| Baseline {
        name: &it.value,
        hosts: it.hosts,
        judged: it.judged,
        compliant: it.compliant,
        open: it.open,
    };
    let severity = |it: &'a Standing| Severity { name: &it.value, hosts: it.hosts, open: it.open };
    Compliance {
        baselines: standings(Dimension::Baseline).map(baseline).collect(),
        severities: standings(Dimension::Severity).map(severity).collect(),
    }
}
