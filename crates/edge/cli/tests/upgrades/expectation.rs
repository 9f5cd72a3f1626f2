//! `[expect.upgrade]` of a scenario file: what an upgrade of its clusters comes to (documented in `scenarios/README.md`).

use std::collections::BTreeMap;

use fleetwright_eks::suite::Suite;
use fleetwright_estate::scenario::ScenarioFile;
use fleetwright_kubernetes::Minor;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// What is upgraded, what happens meanwhile, and what it comes to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// The version that the clusters are to get, such as `1.35`.
    pub(crate) to: Minor,
    /// Configuration keys that differ from the defaults.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, String>,
    /// How often approvals are asked for.
    #[serde(default)]
    pub(crate) approvals: Approvals,
    /// CloudWatch alarms that the plans name.
    #[serde(default)]
    pub(crate) alarms: Vec<String>,
    /// Test suites that the plans name.
    #[serde(default)]
    pub(crate) suites: Vec<Suite>,
    /// Rings, in order; all clusters at once where absent.
    #[serde(default)]
    pub(crate) rings: Vec<Ring>,
    /// Minutes that a ring proves itself before the next begins.
    #[serde(default)]
    pub(crate) soak_minutes: u32,
    /// What the plans say.
    pub(crate) plans: Vec<Planned>,
    /// What somebody changes in clusters after the plans were made.
    #[serde(default)]
    pub(crate) changes: Vec<Change>,
    /// What is decided at gates.
    #[serde(default)]
    pub(crate) gate: Gate,
    /// What the run comes to; none where it is refused, because a plan blocks.
    pub(crate) run: Option<Came>,
    /// Taking the last hop back.
    pub(crate) rollback: Option<Rollback>,
}

/// How often approvals are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Approvals {
    /// Once for all hops.
    #[default]
    Once,
    /// Before each hop.
    EachHop,
}

/// A ring of a fleet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ring {
    /// Its name.
    pub(crate) name: String,
    /// Its clusters by name, with `*` and `?`.
    pub(crate) clusters: Vec<String>,
}

/// What plans say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Planned {
    /// Of which clusters, by name, with `*` and `?`.
    pub(crate) cluster: String,
    /// Everything that blocks; none where absent.
    #[serde(default)]
    pub(crate) blocks: Vec<Blocked>,
    /// How often the nodes of a set are replaced; not looked at where absent.
    pub(crate) rolls: Option<BTreeMap<String, usize>>,
}

/// Something that blocks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Blocked {
    /// The check's code.
    pub(crate) code: String,
    /// Words that a finding of it has.
    #[serde(default)]
    pub(crate) words: Vec<String>,
}

/// What somebody changes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// When; before the run begins where absent.
    pub(crate) at: Option<Timestamp>,
    /// The cluster.
    pub(crate) cluster: String,
    /// The object's path in the API of the cluster.
    pub(crate) path: String,
    /// A JSON Patch (RFC 6902).
    pub(crate) patch: Value,
}

/// What is decided at gates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Gate {
    /// They are approved.
    #[default]
    Approve,
    /// Nothing: nobody comes.
    Nobody,
}

/// What a run comes to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Came {
    /// How it ends.
    pub(crate) ends: Ends,
    /// How often approval was asked for; not looked at where absent.
    pub(crate) asked: Option<usize>,
    /// What became of the clusters; each is among them.
    pub(crate) clusters: Vec<ExpectedCluster>,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ends {
    /// Every step went its way.
    Complete,
    /// A failure stopped it.
    Halted,
    /// It waits for an approval.
    Waits,
}

/// What became of clusters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedCluster {
    /// Which, by name, with `*` and `?`; each must be so.
    pub(crate) cluster: String,
    /// How they stand: `done`, `failed`, `not-begun`, `left`, `under-way`.
    pub(crate) standing: String,
    /// The version of the control plane in the world.
    pub(crate) version: Minor,
    /// The version of every node in the world; not looked at where absent.
    pub(crate) nodes: Option<Minor>,
    /// Updates that EKS made: kind, and the node group or add-on behind it. Those not named are none; not looked at where
    /// absent.
    pub(crate) effects: Option<BTreeMap<String, usize>>,
    /// How single steps stand.
    #[serde(default)]
    pub(crate) steps: BTreeMap<String, String>,
    /// The step that failed; none where absent.
    pub(crate) failed: Option<FailedStep>,
    /// Hours at least from the end of the ring before to its first step.
    pub(crate) begun_after_hours: Option<i64>,
    /// Stretches of time in one of which each of its steps that change something was begun; empty says nothing.
    #[serde(default)]
    pub(crate) begins: Vec<Stretch>,
    /// The hop that can be taken back, such as `1.34 → 1.35`; not looked at where absent, none where empty.
    pub(crate) way_back: Option<String>,
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

/// A step that failed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailedStep {
    /// Its name.
    pub(crate) step: String,
    /// The code of what people should look at.
    pub(crate) code: String,
    /// Words that its message has.
    #[serde(default)]
    pub(crate) words: Vec<String>,
}

/// Taking the last hop of a cluster back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rollback {
    /// The cluster.
    pub(crate) cluster: String,
    /// Days after the end of the run.
    #[serde(default)]
    pub(crate) after_days: u64,
    /// Words of why fleetwright does not begin it; it begins it where absent. It is tried in either case: EKS has its own
    /// word.
    pub(crate) closed: Option<String>,
    /// What it comes to.
    pub(crate) run: Came,
}

/// The `[expect.upgrade]` of a scenario's text; none where it has none.
///
/// # Errors
/// The first thing that is wrong, with file and line.
pub(crate) fn parse(text: &str, origin: &str) -> Result<Option<Expected>, String> {
    #[derive(Deserialize)]
    struct File {
        expect: Option<Expect>,
    }
    #[derive(Deserialize)]
    struct Expect {
        upgrade: Option<Expected>,
    }
    ScenarioFile::parse(text, origin).map_err(|error| error.to_string())?;
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
        format!("{origin}, line {line}: {}", error.message())
    })?;
    Ok(file.expect.and_then(|expect| expect.upgrade))
}

#[test]
fn an_unknown_key_is_refused_with_file_and_line() {
    let text = "name = \"x\"\n[expect.upgrade]\nto = \"1.35\"\nplans = []\n[expect.upgrade.run]\nends = \"complete\"\nclusters = []\nendz = 1\n";
    let refused = parse(text, "upgrade-x.toml").expect_err("there is no such key");
    assert!(
        refused.starts_with("upgrade-x.toml, line 8: ") && refused.contains("unknown field `endz`"),
        "{refused}"
    );
}
