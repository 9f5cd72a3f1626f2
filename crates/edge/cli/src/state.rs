//! The state directory: where it is, which runs it has, what each was begun with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleetwright_config::SourceText;
use fleetwright_config::keys::{self, Secrecy};
use fleetwright_eks::run::RunDocument;
use fleetwright_flow::{DocumentError, Event, Plan, Walked};
use fleetwright_model::code;
use fleetwright_patch::PlanDocument;
use fleetwright_ports::{Artifacts, AuditLogs, Budgets, Journal, JournalError, LoadedRun, RunEntry, RunId};
use fleetwright_store::{
    FileAuditLogs, MemoryArtifacts, MemoryAuditLogs, MemoryBudgets, MemoryJournal, SqliteBudgets,
    SqliteJournal,
};
use serde::{Deserialize, Serialize};

use crate::args::{ConfigArgs, FleetArgs, StateArgs};
use crate::environment::Environment;
use crate::failure::CommandError;
use crate::hub::Hub;
use crate::planning::program;

/// The variable that names the state directory.
pub const VARIABLE: &str = "FLEETWRIGHT_STATE_DIR";

/// The file of a run that says what it was begun with.
const INVOCATION: &str = "invocation.json";

/// The runs of one state directory.
pub struct State {
    /// The durable record.
    pub journal: Arc<dyn Journal>,
    /// The runs' files.
    pub artifacts: Arc<dyn Artifacts>,
    /// What is recorded around every call that changes something.
    pub audit: Arc<dyn AuditLogs>,
    /// What runs have out of service in the groups they share.
    pub budgets: Arc<dyn Budgets>,
    /// The directory; none where runs are kept in memory or on a hub.
    pub directory: Option<PathBuf>,
    /// The hub, for whoever is to wake its executions.
    pub hub: Option<Arc<Hub>>,
}

/// What a run was begun with: enough to find the same configuration and landing zones again. Values
/// of `--set` that are secrets are not kept; whoever resumes gives them again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Invocation {
    config: Vec<PathBuf>,
    environment: Option<String>,
    set: Vec<String>,
    landing_zones: Vec<String>,
    regions: Vec<String>,
    /// The input of the run: its text, because files that are handed over do not stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<String>,
}

/// A run that was found, with its plan.
pub struct Found<D> {
    /// Its name.
    pub run: RunId,
    /// What the journal has of it.
    pub loaded: LoadedRun,
    /// Its plan.
    pub plan: D,
}

/// A run that patches hosts.
pub type FoundRun = Found<PlanDocument>;

/// What a run was made from, as commands want it.
pub trait Kept: Sized {
    /// Reads what the journal keeps.
    ///
    /// # Errors
    /// It is something else, or cannot be followed.
    fn read(run: &RunId, bytes: &[u8]) -> Result<Self, CommandError>;

    /// What the kernel walks.
    fn flow(&self) -> &Plan;
}

fn unreadable(run: &RunId, error: &DocumentError) -> CommandError {
    CommandError::new(error.code(), format!("{run}: {error}"))
}

impl Kept for PlanDocument {
    fn read(run: &RunId, bytes: &[u8]) -> Result<Self, CommandError> {
        Self::read(bytes).map_err(|error| match RunDocument::is_in(bytes) {
            true => CommandError::new(&code::UPGRADE_RUN, format!("{run} upgrades EKS clusters")),
            false => unreadable(run, &error),
        })
    }

    fn flow(&self) -> &Plan {
        &self.plan().flow
    }
}

impl Kept for RunDocument {
    fn read(run: &RunId, bytes: &[u8]) -> Result<Self, CommandError> {
        Self::read(bytes).map_err(|error| match PlanDocument::is_in(bytes) {
            true => CommandError::new(&code::USAGE, format!("{run} patches hosts: fleetwright status {run}")),
            false => unreadable(run, &error),
        })
    }

    fn flow(&self) -> &Plan {
        &self.plan().flow
    }
}

/// Whatever a run is about.
impl Kept for Walked {
    fn read(run: &RunId, bytes: &[u8]) -> Result<Self, CommandError> {
        Self::read(bytes).map_err(|error| unreadable(run, &error))
    }

    fn flow(&self) -> &Plan {
        &self.flow
    }
}

impl<D> Found<D> {
    /// Whether it upgrades EKS clusters.
    pub fn is_upgrade(&self) -> bool {
        RunDocument::is_in(&self.loaded.plan)
    }
}

impl State {
    /// Opens the state directory the flags, the environment or the platform name.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open(args: &StateArgs, environment: &Environment) -> Result<Self, CommandError> {
        Self::at(&directory(args, environment)?)
    }

    /// The same, where there is one already: whoever only looks makes none.
    ///
    /// # Errors
    /// It is there and cannot be used.
    pub fn existing(args: &StateArgs, environment: &Environment) -> Result<Option<Self>, CommandError> {
        match directory(args, environment) {
            Ok(directory) if directory.is_dir() => Self::at(&directory).map(Some),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// Opens this state directory.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn at(directory: &Path) -> Result<Self, CommandError> {
        let directory = directory.to_owned();
        let journal = SqliteJournal::open(&directory, &program()).map_err(|error| refused(&error))?;
        let artifacts = journal.artifacts();
        let audit = FileAuditLogs::open(&directory, random_bytes).map_err(|error| refused(&error))?;
        let budgets = SqliteBudgets::open(&directory).map_err(|error| refused(&error))?;
        Ok(Self {
            journal: Arc::new(journal),
            artifacts: Arc::new(artifacts),
            audit: Arc::new(audit),
            budgets: Arc::new(budgets),
            directory: Some(directory),
            hub: None,
        })
    }

    /// Runs in memory, which end with the process.
    pub fn in_memory() -> Self {
        Self {
            journal: Arc::new(MemoryJournal::new()),
            artifacts: Arc::new(MemoryArtifacts::new()),
            audit: Arc::new(MemoryAuditLogs::new()),
            budgets: Arc::new(MemoryBudgets::new()),
            directory: None,
            hub: None,
        }
    }

    /// Every run, newest first.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub async fn runs(&self) -> Result<Vec<RunEntry>, CommandError> {
        self.journal.runs().await.map_err(|error| refused(&error))
    }

    /// The run of that name, or the only unfinished one.
    ///
    /// # Errors
    /// There is none, there are several, or it is of another kind.
    pub async fn unfinished<D: Kept>(&self, name: Option<&str>) -> Result<Found<D>, CommandError> {
        if let Some(name) = name {
            return self.load(&run_id(name)?).await;
        }
        let open: Vec<RunEntry> = self.runs().await?.into_iter().filter(is_unfinished).collect();
        match open.as_slice() {
            [] => Err(CommandError::new(&code::NOTHING_UNFINISHED, self.none_here())),
            [only] => self.load(&only.run).await,
            several => {
                let names: Vec<&str> = several.iter().map(|entry| entry.run.as_str()).collect();
                let message = format!("{} runs are unfinished: {}", several.len(), names.join(", "));
                Err(CommandError::new(&code::SEVERAL_UNFINISHED, message))
            }
        }
    }

    /// The run of that name, or the newest.
    ///
    /// # Errors
    /// There is none, or it is of another kind.
    pub async fn find<D: Kept>(&self, name: Option<&str>) -> Result<Found<D>, CommandError> {
        match name {
            Some(name) => self.load(&run_id(name)?).await,
            None => match self.runs().await?.first() {
                Some(newest) => self.load(&newest.run).await,
                None => Err(CommandError::new(&code::NO_SUCH_RUN, self.none_here())),
            },
        }
    }

    /// The name of a run that is there, or of the newest one; its journal is not read.
    ///
    /// # Errors
    /// There is none.
    pub async fn name(&self, name: Option<&str>) -> Result<RunId, CommandError> {
        match name {
            Some(name) => run_id(name),
            None => match self.runs().await?.first() {
                Some(newest) => Ok(newest.run.clone()),
                None => Err(CommandError::new(&code::NO_SUCH_RUN, self.none_here())),
            },
        }
    }

    fn none_here(&self) -> String {
        match &self.directory {
            Some(directory) => format!("{} has no run of that kind", directory.display()),
            None => "there is no run of that kind".to_owned(),
        }
    }

    async fn load<D: Kept>(&self, run: &RunId) -> Result<Found<D>, CommandError> {
        let loaded = self.journal.load(run).await.map_err(|error| refused(&error))?;
        let plan = D::read(run, &loaded.plan)?;
        Ok(Found { run: run.clone(), loaded, plan })
    }

    /// Keeps what a run was begun with.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn keep_invocation(&self, run: &RunId, invocation: &Invocation) -> Result<(), CommandError> {
        let bytes = serde_json::to_vec_pretty(invocation).expect("an invocation is plain data");
        self.artifacts.put(run, INVOCATION, &bytes).await.map_err(|error| refused(&error))
    }

    /// What a run was begun with, in the place of flags that were not given.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn fleet_args(&self, run: &RunId, given: &FleetArgs) -> Result<FleetArgs, CommandError> {
        Ok(self.invocation(run).await?.completing(given))
    }

    /// The input a run was begun with.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn input(&self, run: &RunId) -> Result<Option<SourceText>, CommandError> {
        let text = self.invocation(run).await?.input;
        Ok(text.map(|text| SourceText::new(format!("the input of {run}"), text)))
    }

    async fn invocation(&self, run: &RunId) -> Result<Invocation, CommandError> {
        let kept = self.artifacts.get(run, INVOCATION).await.map_err(|error| refused(&error))?;
        Ok(kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
    }
}

impl Invocation {
    /// What these flags say, with paths that hold from anywhere.
    pub fn of(args: &FleetArgs, config: &[PathBuf], input: Option<&SourceText>) -> Self {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let zone = |text: &String| match fleetwright_config::landing_zones::is_path(text) {
            true => absolute(Path::new(text)).display().to_string(),
            false => text.clone(),
        };
        let is_secret = |setting: &&String| {
            let key = setting.split('=').next().unwrap_or_default();
            keys::all().any(|known| known.path == key && known.secrecy == Secrecy::Secret)
        };
        Self {
            config: config.iter().map(|path| absolute(path)).collect(),
            environment: args.config.environment.clone(),
            set: args.config.set.iter().filter(|setting| !is_secret(setting)).cloned().collect(),
            landing_zones: args.landing_zones.iter().map(zone).collect(),
            regions: args.regions.clone(),
            input: input.map(|input| input.text.clone()),
        }
    }

    fn completing(self, given: &FleetArgs) -> FleetArgs {
        let or = |given: &Vec<String>, kept: Vec<String>| if given.is_empty() { kept } else { given.clone() };
        let mut set = self.set;
        set.extend(given.config.set.iter().cloned());
        FleetArgs {
            config: ConfigArgs {
                config: if given.config.config.is_empty() {
                    self.config
                } else {
                    given.config.config.clone()
                },
                environment: given.config.environment.clone().or(self.environment),
                set,
            },
            landing_zones: or(&given.landing_zones, self.landing_zones),
            regions: or(&given.regions, self.regions),
        }
    }
}

/// True where there is something to resume: the run was begun, or nobody can tell, and is not over. A
/// process that died between making a run and its first record did nothing.
fn is_unfinished(entry: &RunEntry) -> bool {
    let readable = entry.created_at != jiff::Timestamp::UNIX_EPOCH;
    let never_begun = entry.last.is_none() && readable;
    !is_closed(entry) && !never_begun
}

/// True where the run's last record closes it.
pub fn is_closed(entry: &RunEntry) -> bool {
    entry.last.as_ref().is_some_and(|record| matches!(record.event, Event::Closed { .. }))
}

fn run_id(name: &str) -> Result<RunId, CommandError> {
    name.parse().map_err(|error| CommandError::new(&code::USAGE, format!("{error}")))
}

/// Flag, variable, platform: `$XDG_STATE_HOME/fleetwright`, else `~/.local/state/fleetwright`.
/// Source: XDG Base Directory Specification.
pub(crate) fn directory(args: &StateArgs, environment: &Environment) -> Result<PathBuf, CommandError> {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let named = args.state_dir.clone().or_else(|| set(VARIABLE));
    named
        .or_else(|| {
            set("XDG_STATE_HOME").filter(|path| path.is_absolute()).map(|path| path.join("fleetwright"))
        })
        .or_else(|| set("HOME").map(|home| home.join(".local/state/fleetwright")))
        .ok_or_else(|| {
            let message = "neither --state-dir nor HOME says where runs are kept";
            CommandError::new(&code::STATE_UNUSABLE, message)
        })
}

/// Bytes of the system's source of randomness, for a key.
fn random_bytes() -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| format!("no randomness: {error}"))?;
    Ok(bytes)
}

/// What a refusal of the journal means for a command.
pub fn refused(error: &JournalError) -> CommandError {
    CommandError::new(error.code(), error.to_string())
}
