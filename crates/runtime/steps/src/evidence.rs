//! The files a run keeps of each host, and what is in them.

use fleetwright_flow::PlaceId;
use fleetwright_host::{HostFinding, Reading, SurveyReport};
use fleetwright_model::{ErrorClass, InstanceId, OsFamily, PingStatus, code};
use fleetwright_ports::RunId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::context::{Context, storage_failure};
use fleetwright_step::Outcome;

/// When evidence was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Before patching.
    Before,
    /// After it.
    After,
}

impl Taken {
    /// The first segment of the key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Before => "pre",
            Self::After => "post",
        }
    }
}

/// The answer as the host gave it.
pub const ANSWER: &str = "answer.txt";
/// The answer for people.
pub const STDOUT: &str = "stdout.txt";
/// What the host said on standard error.
pub const STDERR: &str = "stderr.txt";
/// Where the answer comes from: [`Meta`].
pub const META: &str = "meta.json";
/// The answer as it was read: a `Reading<SurveyReport>`.
pub const SURVEY: &str = "survey.json";
/// The judgement before patching: [`PrecheckResult`].
pub const PRECHECK: &str = "precheck.json";
/// Single patches of hosts whose patches are not all in order: [`PatchList`].
pub const PATCHES: &str = "patches.json";
/// The comparison with the state before: `fleetwright_host::Comparison`.
pub const COMPARISON: &str = "comparison.json";
/// What the organisation's own check said of the host after patching.
pub const CHECK: &str = "check.txt";
/// Says that a stopped instance was found running and is not ours to stop.
pub const LEFT_RUNNING: &str = "left-running.json";
/// What a host was taken out of for patching, and whether it is back.
pub const OUT_OF_SERVICE: &str = "out-of-service.json";

/// The key of a host's file, e.g.
/// `pre/account-111122223333/region-eu-central-1/linux/i-0abc/stdout.txt`.
pub fn key(
    taken: Taken,
    account: &fleetwright_model::AccountId,
    region: &fleetwright_model::Region,
    os: OsFamily,
    instance: &InstanceId,
    file: &str,
) -> String {
    format!("{}/account-{account}/region-{region}/{os}/{instance}/{file}", taken.as_str())
}

/// Where an answer comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The run.
    pub run: String,
    /// The host.
    pub instance: InstanceId,
    /// The command.
    pub command: String,
    /// When it was sent.
    pub sent_at: jiff::Timestamp,
    /// When the answer was read.
    pub read_at: jiff::Timestamp,
    /// The exit code, where the script ran.
    pub exit_code: Option<i32>,
    /// True where the whole answer arrived.
    pub whole: bool,
}

/// Whether a host can be patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrecheckVerdict {
    /// It can; its findings are risks.
    Ready,
    /// Something must be put right first.
    NotReady,
    /// Nothing can be run on it.
    Unreachable,
}

/// What Systems Manager knows of a host's agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentClass {
    /// It answers.
    Online,
    /// It has stopped answering.
    Lost,
    /// It has been silent for long.
    Inactive,
    /// It was never registered.
    NeverRegistered,
    /// Systems Manager uses a word that is not known.
    Unknown,
}

impl AgentClass {
    /// The class of a ping status; none where Systems Manager does not know the instance.
    pub fn of(ping: Option<PingStatus>) -> Self {
        match ping {
            Some(PingStatus::Online) => Self::Online,
            Some(PingStatus::ConnectionLost) => Self::Lost,
            Some(PingStatus::Inactive) => Self::Inactive,
            Some(PingStatus::Unknown) => Self::Unknown,
            None => Self::NeverRegistered,
        }
    }

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Lost => "lost",
            Self::Inactive => "inactive",
            Self::NeverRegistered => "never registered",
            Self::Unknown => "in an unknown state",
        }
    }
}

/// The judgement before patching.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrecheckResult {
    /// The host.
    pub instance: InstanceId,
    /// The verdict.
    pub verdict: PrecheckVerdict,
    /// Its agent.
    pub agent: AgentClass,
    /// The agent's version, where it is known.
    pub agent_version: Option<String>,
    /// What decided, where it is not a finding on the host itself.
    pub reason: Option<String>,
    /// What was found on the host: failures, what could not be evaluated, risks; each with what to do.
    pub findings: Vec<HostFinding>,
}

/// Single patches of one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PatchList {
    /// The patches.
    pub patches: Vec<fleetwright_model::PatchDetail>,
    /// Why there may be more, where the listing broke off.
    pub incomplete: Option<String>,
}

/// A host's files.
#[derive(Clone, Copy)]
pub(crate) struct Files<'a> {
    pub(crate) context: &'a Context,
    pub(crate) place: PlaceId,
    pub(crate) os: OsFamily,
    pub(crate) instance: &'a InstanceId,
}

impl Files<'_> {
    fn key(&self, taken: Taken, file: &str) -> String {
        let place = &self.context.plan().flow.places[self.place.index()];
        key(taken, &place.account, &place.region, self.os, self.instance, file)
    }

    /// Keeps a file.
    pub(crate) async fn keep(&self, taken: Taken, file: &str, bytes: &[u8]) -> Result<(), Outcome> {
        let artifacts = &self.context.ports().artifacts;
        let kept = artifacts.put(self.context.run(), &self.key(taken, file), bytes).await;
        kept.map_err(|error| Outcome::Failed(storage_failure(&error)))
    }

    /// Keeps a value as JSON.
    pub(crate) async fn keep_json<T: Serialize>(
        &self,
        taken: Taken,
        file: &str,
        value: &T,
    ) -> Result<(), Outcome> {
        let bytes = serde_json::to_vec_pretty(value).expect("evidence is plain data");
        self.keep(taken, file, &bytes).await
    }

    /// A value this run keeps as JSON; none where there is no such file. One that cannot be read back is
    /// a failure: somebody relies on it.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        taken: Taken,
        file: &str,
    ) -> Result<Option<T>, Outcome> {
        let key = self.key(taken, file);
        let found = self.context.ports().artifacts.get(self.context.run(), &key).await;
        let Some(bytes) = found.map_err(|error| Outcome::Failed(storage_failure(&error)))? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            let words = format!("{key} of this run cannot be read: {error}");
            Outcome::failed(ErrorClass::Permanent, &code::STATE_UNUSABLE, "artifacts", &words)
        })
    }

    /// Whether this run keeps such a file.
    pub(crate) async fn has(&self, taken: Taken, file: &str) -> Result<bool, Outcome> {
        let found = self.context.ports().artifacts.get(self.context.run(), &self.key(taken, file)).await;
        found.map(|bytes| bytes.is_some()).map_err(|error| Outcome::Failed(storage_failure(&error)))
    }

    /// What the host said before patching, as that run keeps it. What cannot be read back is as if it
    /// were not there: the host then counts as not compared.
    pub(crate) async fn survey_before(&self, run: &RunId) -> Result<Option<Reading<SurveyReport>>, Outcome> {
        let found = self.context.ports().artifacts.get(run, &self.key(Taken::Before, SURVEY)).await;
        let bytes = found.map_err(|error| Outcome::Failed(storage_failure(&error)))?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }
}
