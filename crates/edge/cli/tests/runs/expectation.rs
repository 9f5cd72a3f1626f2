//! `[expect.run]` of a scenario file: what a run of it comes to (documented in `scenarios/README.md`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

/// What is run, and what it comes to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// Configuration keys that differ from the defaults.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, String>,
    /// What is decided at the gate.
    #[serde(default)]
    pub(crate) gate: Gate,
    /// When somebody aborts.
    pub(crate) abort_at: Option<String>,
    /// The exit code.
    pub(crate) exit: u8,
    /// Why it is not 0.
    pub(crate) code: Option<String>,
    /// How many hosts ended how; those not named are none.
    pub(crate) outcomes: BTreeMap<String, usize>,
    /// What became of single hosts.
    #[serde(default)]
    pub(crate) hosts: Vec<ExpectedHost>,
    /// What happened in the world.
    #[serde(default)]
    pub(crate) effects: BTreeMap<String, usize>,
    /// Hosts, by `Name` tag or id, of whom the earlier are through before the later are touched.
    #[serde(default)]
    pub(crate) in_order: Vec<Vec<String>>,
    /// Members of groups, as the estate names them, out of service at once at most.
    #[serde(default)]
    pub(crate) most_out: BTreeMap<String, usize>,
    /// What a plan made again afterwards has to do.
    pub(crate) replan: Option<Replan>,
    /// When hosts are sent the command that patches them; somebody is in each of these times.
    #[serde(default)]
    pub(crate) begins: Vec<Stretch>,
    /// When hosts are installed on, rebooted, started, stopped or given another root; empty says nothing.
    #[serde(default)]
    pub(crate) changes: Vec<Stretch>,
    /// Codes of hosts that the plan leaves out, with how many there are.
    #[serde(default)]
    pub(crate) left_out: BTreeMap<String, usize>,
    /// Words that the summary has.
    #[serde(default)]
    pub(crate) summary: Vec<String>,
    /// Words that the plan has, as it is shown.
    #[serde(default)]
    pub(crate) plan: Vec<String>,
}

/// A stretch of time; its end is not part of it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stretch {
    /// Its first moment.
    pub(crate) from: Timestamp,
    /// The first moment after it.
    pub(crate) until: Timestamp,
}

impl Stretch {
    /// Whether a moment is in it.
    pub(crate) fn has(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// What is decided at the gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Gate {
    /// It is approved.
    #[default]
    Approve,
    /// It is rejected.
    Reject,
    /// Nothing: nobody comes.
    Nobody,
}

/// What a plan made again afterwards has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Replan {
    /// Nothing for hosts that ended in success.
    Nothing,
}

/// What became of hosts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedHost {
    /// Which, by `Name` tag or id, with `*` and `?`; each must be so.
    pub(crate) host: String,
    /// How they ended.
    pub(crate) outcome: String,
    /// The code of the reason; any where absent.
    pub(crate) code: Option<String>,
    /// The step that decided; any where absent.
    pub(crate) step: Option<String>,
    /// The instances' state in the world at the end; any where absent.
    pub(crate) state: Option<String>,
}
