//! The simulated AWS inside this process: its world, its scenarios, and the wire to our adapter.

use std::sync::Arc;

use bytes::Bytes;
use fleetwright_aws::{Aws, AwsOptions, ConnectionLost, InProcess, Origin, StaticCredentials, connect};
use fleetwright_clock::VirtualClock;
use fleetwright_config::{Settings, SourceText};
use fleetwright_estate::clock::ClockMode;
use fleetwright_estate::estate::{Estate, EstateOptions};
use fleetwright_estate::landing_zones;
use fleetwright_estate::scenario::{Overrides, ScenarioFile};
use fleetwright_model::code;
use fleetwright_ports::Clock;
use fleetwright_survey::Fleet;
use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;

use crate::args::WorldArgs;
use crate::console::Console;
use crate::environment::Environment;
use crate::failure::CommandError;
use crate::settings::{Flags, load};
use crate::windows_hosts::WindowsHosts;
use crate::{files, fleet};

/// Scenarios that are part of the binary, by name.
pub const EMBEDDED: [(&str, &str); 4] = [
    ("demo", include_str!("../../../../scenarios/demo.toml")),
    ("scale", include_str!("../../../../scenarios/scale.toml")),
    ("scale-run", include_str!("../../../../scenarios/scale-run.toml")),
    ("scale-run-faults", include_str!("../../../../scenarios/scale-run-faults.toml")),
];

/// An estate with what people and tools need to use it. Clones are the same estate.
#[derive(Clone)]
pub struct World {
    /// The estate.
    pub estate: Arc<Estate>,
    /// The landing-zone inventory of its accounts, as YAML.
    pub inventory: String,
    /// The scenario's name.
    pub name: String,
    /// What everything random in it is drawn from.
    pub seed: u64,
}

/// When the scenario's world begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// When the scenario says: equal runs are equal.
    Scenario,
    /// At this time, so that nothing in the world is old.
    At(Timestamp),
}

/// Makes the world the arguments ask for. `clock` is told when the scenario starts.
///
/// # Errors
/// The scenario cannot be read or asks for something impossible.
pub fn world(
    args: &WorldArgs,
    start: Start,
    clock: impl FnOnce(Timestamp) -> ClockMode,
) -> Result<World, CommandError> {
    let (origin, text) = scenario_text(args.scenario.as_deref().unwrap_or("demo"))?;
    let overrides = Overrides {
        seed: args.seed,
        start: match start {
            Start::Scenario => None,
            Start::At(time) => Some(time),
        },
        accounts: args.accounts,
        instances: args.instances,
        ..Overrides::default()
    };
    world_of(&text, &origin, &overrides, clock)
}

/// Makes the world of a scenario that is there as text.
///
/// # Errors
/// The scenario cannot be read or asks for something impossible.
pub fn world_of(
    text: &str,
    origin: &str,
    overrides: &Overrides,
    clock: impl FnOnce(Timestamp) -> ClockMode,
) -> Result<World, CommandError> {
    let unusable = |error: &dyn std::fmt::Display| CommandError::new(&code::SCENARIO, error.to_string());
    let file = ScenarioFile::parse(text, origin).map_err(|error| unusable(&error))?;
    let prepared = file.prepare(overrides).map_err(|error| unusable(&error))?;
    let inventory = landing_zones::render(&prepared.landing_zones);
    let (name, seed, clock) = (prepared.name.clone(), prepared.seed, clock(prepared.start));
    let options = EstateOptions {
        powershell: Some(Arc::new(WindowsHosts)),
        ..EstateOptions::from_scenario(prepared, clock)
    };
    let estate = Estate::new(options).map_err(|error| unusable(&error))?;
    Ok(World { estate: Arc::new(estate), inventory, name, seed })
}

fn scenario_text(name: &str) -> Result<(String, String), CommandError> {
    if let Some((name, text)) = EMBEDDED.iter().find(|(embedded, _)| *embedded == name) {
        return Ok(((*name).to_owned(), (*text).to_owned()));
    }
    files::read_text(name.as_ref()).map(|text| (name.to_owned(), text)).map_err(|error| {
        let known: Vec<&str> = EMBEDDED.iter().map(|(name, _)| *name).collect();
        let message = format!("{}; embedded scenarios are {}", error.message, known.join(", "));
        CommandError::new(&code::SCENARIO, message)
    })
}

impl World {
    /// The credentials of the estate's operator.
    pub fn credentials(&self) -> StaticCredentials {
        let credentials = self.estate.credentials();
        StaticCredentials {
            access_key_id: credentials.access_key.clone(),
            secret_access_key: credentials.secret.clone(),
            session_token: credentials.token.clone(),
        }
    }

    /// The wire from our adapter into the estate.
    pub fn transport(&self) -> Arc<dyn InProcess> {
        Arc::new(Wire(Arc::clone(&self.estate)))
    }
}

/// A simulated fleet with everything a command needs to work on it, all in one virtual time.
pub struct Stage {
    /// The world.
    pub world: World,
    /// The time they share.
    pub clock: Arc<dyn Clock>,
    /// The settings: defaults and the flags handed in. Nothing is taken from the user's own
    /// configuration, so that the stage is the same everywhere.
    pub settings: Settings,
    /// Every landing zone of the estate.
    pub fleet: Fleet,
    /// Our adapter, wired to the estate.
    pub aws: Aws,
    options: AwsOptions,
}

impl Stage {
    /// Sets the stage. Meant for a runtime whose time is paused: waiting then costs nothing, and
    /// equal seeds give equal reports.
    ///
    /// # Errors
    /// The scenario or a flag is not usable.
    pub async fn set(args: &WorldArgs, flags: Flags, console: Console) -> Result<Self, CommandError> {
        Self::with(|clock| world(args, Start::Scenario, clock), flags, console).await
    }

    /// The same, of a scenario that is there as text.
    ///
    /// # Errors
    /// As [`Stage::set`].
    pub async fn of_text(
        (text, origin): (&str, &str),
        seed: u64,
        flags: Flags,
        console: Console,
    ) -> Result<Self, CommandError> {
        let overrides = Overrides { seed: Some(seed), ..Overrides::default() };
        Self::with(|clock| world_of(text, origin, &overrides, clock), flags, console).await
    }

    async fn with(
        make: impl FnOnce(&mut dyn FnMut(Timestamp) -> ClockMode) -> Result<World, CommandError>,
        flags: Flags,
        console: Console,
    ) -> Result<Self, CommandError> {
        let mut shared = None;
        let world = make(&mut |start| {
            let clock = *shared.insert(VirtualClock::starting_at(start));
            ClockMode::External(Arc::new(move || clock.now()))
        })?;
        let clock: Arc<dyn Clock> = Arc::new(shared.expect("every world asks for its clock"));
        Self::of_world(world, clock, flags, console).await
    }

    /// The stage as another process sees it: the same world and the same time, with settings of its own
    /// and an adapter with nothing in its memory.
    ///
    /// # Errors
    /// A flag is not usable.
    pub async fn beside(&self, flags: Flags, console: Console) -> Result<Self, CommandError> {
        Self::of_world(self.world.clone(), Arc::clone(&self.clock), flags, console).await
    }

    async fn of_world(
        world: World,
        clock: Arc<dyn Clock>,
        flags: Flags,
        console: Console,
    ) -> Result<Self, CommandError> {
        let loaded = load(&[], flags, &Environment::default(), console)?;
        let text = SourceText::new("landing-zones.yaml", world.inventory.clone());
        let fleet = fleet::choose_from(&loaded, &[text], &[], None, console)?;
        let options = AwsOptions {
            origin: Origin::InProcess { transport: world.transport(), credentials: world.credentials() },
            ..fleet::aws_options(&loaded.resolved)?
        };
        let aws = connect(options.clone(), Arc::clone(&clock)).await;
        Ok(Self { world, clock, settings: loaded.resolved.settings, fleet, aws, options })
    }

    /// The adapter of another process: wired to the same estate, with nothing in its memory.
    pub async fn another_adapter(&self) -> Aws {
        connect(self.options.clone(), Arc::clone(&self.clock)).await
    }
}

/// The target of the events that say which call was answered, inside the spans of whoever made it.
pub const WIRE: &str = "fleetwright::wire";

struct Wire(Arc<Estate>);

impl InProcess for Wire {
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectionLost>> {
        async move {
            let answer = self.0.call(request).await.map_err(|_| ConnectionLost)?;
            let id = answer.headers().get("x-amzn-requestid").and_then(|id| id.to_str().ok());
            tracing::trace!(target: WIRE, request_id = id.unwrap_or_default(), "answered");
            Ok(answer)
        }
        .boxed()
    }
}
