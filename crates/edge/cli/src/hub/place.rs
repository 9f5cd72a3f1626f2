//! Where a hub is, and what is opened there.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fleetwright_approval::Keyring;
use fleetwright_audit::SigningKey;
use fleetwright_aws::{Aws, Bucket, Clocks, DynamoJournal, JournalTable, connect};
use fleetwright_cluster_api::{ClusterApis, Limits};
use fleetwright_config::settings::OutputFormat;
use fleetwright_config::{Layers, Resolved, resolve};
use fleetwright_engine::{AtGates, Control};
use fleetwright_model::{Access, AccountId, Region, Regions, Text, Zone, ZoneName, code};
use fleetwright_ports::{Clock, RunId};
use fleetwright_stepfn::Function;
use fleetwright_telemetry::HttpEndpoints;
use sha2::{Digest, Sha256};

use super::{Fault, Invocation};
use crate::app::App;
use crate::args::{ConfigArgs, FleetArgs};
use crate::commands::scan::Reports;
use crate::failure::CommandError;
use crate::on_record::OnRecord;
use crate::planning::program;
use crate::running::Session;
use crate::settings::Loaded;
use crate::state::{State, refused};
use crate::upgrading::{AGENT, EventBus, FoundUpgrade, Upgrading, prometheus};
use crate::{estate_time, files, fleet, roll_out};

/// Where the configuration lies in the bucket of artefacts.
const CONFIGURATION: &str = "configuration/";
/// The file that everything else is named by.
const MAIN_FILE: &str = "fleetwright.yaml";
/// The variable with which the functions of a simulated hub keep pace with their estate.
const SPEED: &str = "ESTATE_CLOCK_SPEED";
/// How long a run is kept after it was last written to: auditors ask for the last year.
const KEPT: Duration = Duration::from_secs(400 * 86_400);

/// A hub as one of its functions sees it.
pub struct Hub {
    /// AWS, with the function's own role.
    pub aws: Aws,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The hub's own account.
    pub zone: Zone,
    /// Its region.
    pub region: Region,
    /// Its environment, as its resources are named.
    pub environment: Text,
    /// The record of runs.
    pub journal: Arc<DynamoJournal>,
    /// The same, as commands know it.
    pub state: State,
    speed: Option<f64>,
    bucket: Arc<Bucket>,
}

/// What a hub is opened with.
struct Place {
    environment: Text,
    account: AccountId,
    region: Region,
    table: Text,
    bucket: Text,
    /// The secret that heads of audit logs are signed with, where they are.
    audit_key: Option<String>,
    /// How many times as fast as the wall clock its time passes, in an estate.
    speed: Option<f64>,
}

impl Hub {
    /// Opens the hub that the function's variables name.
    ///
    /// # Errors
    /// One is missing, or says what cannot be.
    pub async fn of_function(app: &App, invocation: &Invocation<'_>) -> Result<Self, Fault> {
        let (account, region) = of_arn(invocation.arn)?;
        let (table, bucket) = (variable(app, "JOURNAL_TABLE")?, variable(app, "ARTEFACT_BUCKET")?);
        let place = Place {
            environment: app.environment.get("HUB_ENVIRONMENT").unwrap_or_default().into(),
            account,
            region,
            table: table.into(),
            bucket: bucket.into(),
            audit_key: app.environment.get("AUDIT_KEY_SECRET").map(str::to_owned),
            speed: speed(app)?,
        };
        Self::at(connected(app, place.speed).await?, place).await
    }

    /// Opens the hub of that environment, in the account and region of this terminal's credentials, by the names that its
    /// template gives (`domain/templates`).
    ///
    /// # Errors
    /// Account or region cannot be found out, or the name is none.
    pub async fn of_environment(app: &App, name: &str) -> Result<Self, Fault> {
        if !is_environment(name) {
            return Err(Fault::of(&code::USAGE, format!("--hub {name:?}: {ENVIRONMENT_FORM}")));
        }
        let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| app.environment.get(name));
        let region = region.and_then(|region| Region::new(region).ok());
        let none = || Fault::of(&code::INVALID_REGION, "AWS_REGION does not say in which region the hub is");
        let region = region.ok_or_else(none)?;
        let speed = speed(app)?;
        let found = connected(app, speed).await?;
        let account = found.aws.own_account().await?;
        let place = Place {
            environment: name.into(),
            table: format!("fleetwright-{name}-journal").into(),
            bucket: format!("fleetwright-{name}-{account}-{region}").into(),
            account,
            region,
            audit_key: None,
            speed,
        };
        Self::at(found, place).await
    }

    async fn at(found: Connected, place: Place) -> Result<Self, Fault> {
        let Connected { aws, clock } = found;
        let Place { environment, account, region, table, bucket, audit_key, speed } = place;
        let zone = own_zone(account, &region)?;
        let lease = Duration::from_secs(u64::from(Function::Turn.seconds()) + 30);
        let at = JournalTable { zone: zone.clone(), region: region.clone(), table, lease, keep: KEPT };
        let journal = Arc::new(DynamoJournal::new(aws.clone(), Arc::clone(&clock), at));
        let bucket = Arc::new(Bucket::new(aws.clone(), zone.clone(), region.clone(), bucket));
        let key = match audit_key {
            Some(id) => Some(signing_key(&aws, &zone, &region, &id).await?),
            None => None,
        };
        let state = State {
            journal: journal.clone(),
            artifacts: bucket.clone(),
            audit: Arc::new(journal.audit_logs(key)),
            budgets: Arc::new(journal.budgets()),
            directory: None,
            hub: None,
        };
        Ok(Self { environment, aws, clock, zone, region, journal, state, speed, bucket })
    }

    /// The keys and people of approval links; none where the hub has none.
    ///
    /// # Errors
    /// The secret cannot be read, or is no keyring.
    pub async fn keyring(&self, app: &App) -> Result<Option<Keyring>, Fault> {
        let Some(id) = app.environment.get("APPROVAL_KEY_SECRET") else { return Ok(None) };
        let bytes = self.aws.secret(&self.zone, &self.region, id).await?;
        let ring = Keyring::read(&String::from_utf8_lossy(&bytes));
        ring.map(Some).map_err(|error| {
            Fault::of(&code::KEYRING_UNUSABLE, format!("the secret of approval keys: {error}"))
        })
    }

    /// The configuration of the hub, with what only its variables and secrets know.
    ///
    /// # Errors
    /// It cannot be read, or has mistakes.
    pub async fn session(&self, app: &App) -> Result<(Loaded, Session), Fault> {
        let directory = self.fetch_configuration().await?;
        let args = FleetArgs {
            config: ConfigArgs {
                config: vec![directory.join(MAIN_FILE)],
                environment: app.environment.get("HUB_ENVIRONMENT").map(str::to_owned),
                set: Vec::new(),
            },
            ..FleetArgs::default()
        };
        let external_id = self.external_id(app).await?;
        let loaded = app.settings(&args, |flags| {
            if let Some(role) = app.environment.get("SPOKE_ROLE_NAME") {
                flags.set("SPOKE_ROLE_NAME", "aws.role_name", role);
            }
            if let Some(external_id) = external_id {
                flags.set("EXTERNAL_ID_SECRET", "aws.external_id", external_id);
            }
        })?;
        let session = app.session(&loaded, &args, self.speed).await?;
        Ok((loaded, session))
    }

    async fn external_id(&self, app: &App) -> Result<Option<String>, Fault> {
        let Some(id) = app.environment.get("EXTERNAL_ID_SECRET") else { return Ok(None) };
        let secret = self.aws.secret(&self.zone, &self.region, id).await?;
        Ok(Some(String::from_utf8_lossy(&secret).into_owned()))
    }

    /// Puts the files of the configuration where they can be read as files.
    async fn fetch_configuration(&self) -> Result<PathBuf, CommandError> {
        let keys = self.bucket.list_objects(CONFIGURATION).await.map_err(|error| refused(&error))?;
        let directory =
            std::env::temp_dir().join(format!("fleetwright-configuration-{}", std::process::id()));
        files::remove_directory(&directory)?;
        let mut is_there = false;
        for key in keys.iter().filter(|key| !key.ends_with('/')) {
            let Some(name) = key.strip_prefix(CONFIGURATION) else { continue };
            // Keys of safe segments alone are read: none leads out of the directory.
            let content = self.bucket.get_object(key).await.map_err(|error| refused(&error))?;
            let Some(content) = content else { continue };
            let path = directory.join(name);
            files::make_directory(path.parent().unwrap_or(&directory))?;
            files::write_atomically(&path, |file| std::io::Write::write_all(file, &content))?;
            is_there |= name == MAIN_FILE;
        }
        if is_there {
            return Ok(directory);
        }
        let message = format!("the bucket of artefacts has no {CONFIGURATION}{MAIN_FILE}");
        Err(CommandError::new(&code::UNREADABLE_FILE, message))
    }

    /// Reserves a run for an execution.
    ///
    /// # Errors
    /// It is that of another one, and this one is not to take it over.
    pub async fn reserve(&self, run: &RunId, execution: &str, takes_over: bool) -> Result<(), Fault> {
        let holder = self.journal.reserve(run, execution, takes_over).await?;
        match holder == execution {
            true => Ok(()),
            false => Err(Fault::unusable(format!(
                "{run} is the run of {holder}; another execution goes on with it where its input says \"resume\": true"
            ))),
        }
    }

    /// What upgrades clusters in a turn of an execution.
    pub(super) async fn upgrading(
        &self,
        app: &App,
        session: &Session,
        found: &FoundUpgrade,
        (execution, owner): (&str, &Text),
    ) -> Result<Upgrading, Fault> {
        let State { journal, artifacts, audit, budgets, .. } = &self.state;
        let state = State {
            journal: Arc::clone(journal),
            artifacts: Arc::clone(artifacts),
            audit: Arc::clone(audit),
            budgets: Arc::clone(budgets),
            directory: None,
            hub: None,
        };
        let digest = found.plan.digest();
        let on_record = OnRecord::of(&self.state, &found.run, digest, owner, person(execution));
        Ok(Upgrading {
            aws: session.aws().clone(),
            apis: ClusterApis::new(Arc::clone(&self.clock), Limits::default(), AGENT),
            clock: Arc::clone(&self.clock),
            zones: session.zones().await,
            control: Control::new(owner.clone(), AtGates::Wait),
            calendars: roll_out::calendars(session.settings()),
            events: EventBus::kept(&self.state, &found.run).await?,
            told: session.outgoing(&on_record).await?,
            on_record,
            reports: Reports::None,
            format: OutputFormat::Json,
            console: app.console,
            queries: prometheus(&session.settings().telemetry)?,
            endpoints: Arc::new(HttpEndpoints::new(Arc::new(fleetwright_clock::SystemClock))),
            state,
        })
    }

    /// Its runs, for commands.
    pub fn into_state(self) -> State {
        let hub = Arc::new(self);
        let State { journal, artifacts, audit, budgets, .. } = &hub.state;
        State {
            journal: Arc::clone(journal),
            artifacts: Arc::clone(artifacts),
            audit: Arc::clone(audit),
            budgets: Arc::clone(budgets),
            directory: None,
            hub: Some(Arc::clone(&hub)),
        }
    }

    /// Lets the execution go on that waits for a decision about the run, if one does.
    ///
    /// # Errors
    /// Step Functions refuses, or the journal.
    pub async fn wake(&self, run: &RunId) -> Result<bool, Fault> {
        let Some(token) = self.journal.token(run).await? else { return Ok(false) };
        let woken = self.aws.wake(&self.zone, &self.region, &token).await?;
        Ok(woken == fleetwright_aws::Woken::Yes)
    }
}

/// What is known before the configuration is read: the defaults, and what variables say.
fn of_variables(app: &App) -> Result<Resolved, Fault> {
    let ours = app.environment.iter().filter(|(name, _)| name.starts_with("FLEETWRIGHT_"));
    let variables = ours.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    resolve(&Layers { variables, ..Layers::default() }).map_err(|errors| {
        Fault::unusable(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })
}

/// A variable of the function.
///
/// # Errors
/// It is not set.
pub(super) fn variable<'a>(app: &'a App, name: &str) -> Result<&'a str, Fault> {
    let value = app.environment.get(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| Fault::unusable(format!("the function has no variable {name}")))
}

fn speed(app: &App) -> Result<Option<f64>, Fault> {
    let Some(text) = app.environment.get(SPEED) else { return Ok(None) };
    match text.parse() {
        Ok(speed) if (1.0..=100_000.0).contains(&speed) => Ok(Some(speed)),
        _ => Err(Fault::unusable(format!("{SPEED} is {text:?}, and not a number from 1 to 100000"))),
    }
}

/// Account and region of a function (`arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME`).
fn of_arn(arn: &str) -> Result<(AccountId, Region), Fault> {
    let mut parts = arn.split(':').skip(3);
    let (region, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let wrong = || Fault::unusable(format!("{arn:?} is no ARN of a function"));
    let region = Region::new(region).map_err(|_| wrong())?;
    Ok((AccountId::new(account).map_err(|_| wrong())?, region))
}

/// The hub's own account, as the function's role sees it.
fn own_zone(account: AccountId, region: &Region) -> Result<Zone, Fault> {
    let name = ZoneName::new("hub").map_err(|error| Fault::unusable(error.to_string()))?;
    Ok(Zone {
        name,
        account,
        regions: Regions::Listed(vec![region.clone()]),
        access: Access::default(),
        environment: None,
        description: None,
        enabled: true,
        tags: Default::default(),
        include: Vec::new(),
        exclude: Vec::new(),
    })
}

/// The key that signs heads of audit logs: made of a secret of at least 256 bits, which the hub's template has made.
async fn signing_key(aws: &Aws, zone: &Zone, region: &Region, id: &str) -> Result<SigningKey, Fault> {
    let secret = aws.secret(zone, region, id).await?;
    Ok(SigningKey::new(Sha256::digest(&secret).into()))
}

/// AWS, and the time it is called by.
struct Connected {
    aws: Aws,
    clock: Arc<dyn Clock>,
}

/// Connects with what is known before the configuration is read.
async fn connected(app: &App, speed: Option<f64>) -> Result<Connected, Fault> {
    let wall: Arc<dyn Clock> = Arc::new(fleetwright_clock::SystemClock);
    let clock: Arc<dyn Clock> = match speed {
        None => Arc::clone(&wall),
        Some(speed) => {
            let now = estate_time::now(app.environment.get("AWS_ENDPOINT_URL"))?;
            Arc::new(fleetwright_clock::ScaledClock::starting_at(now, speed))
        }
    };
    let options = fleet::aws_options(&of_variables(app)?)?;
    let aws = connect(options, Clocks { work: Arc::clone(&clock), credentials: wall }).await;
    Ok(Connected { aws, clock })
}

/// Names of environments that a hub can have: its bucket is named after it.
pub const ENVIRONMENT_FORM: &str = "the environment of a hub is named by 1 to 22 lower-case letters, digits and hyphens, a letter or digit first";

/// Whether a hub can have that environment.
pub fn is_environment(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=22).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('-')
}

/// Who takes a turn, for people.
pub(super) fn owner(execution: &str, invocation: &Invocation<'_>, number: u32) -> Text {
    format!("{}, turn {number} of {execution} ({})", program(), invocation.request).into()
}

/// Who acts where no person does, for the record.
pub(super) fn person(execution: &str) -> Text {
    format!("the hub, for {execution}").into()
}
