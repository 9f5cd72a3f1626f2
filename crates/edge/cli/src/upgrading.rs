//! The commands that carry out upgrades of EKS clusters, from plan files to exit codes.

mod defaults;
mod driving;
mod events;
mod told;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleetwright_clock::SystemClock;
use fleetwright_cluster_api::{ClusterApis, Limits};
use fleetwright_config::settings::{TelemetrySettings, UpgradeSettings};
use fleetwright_eks::plan::PlanDocument;
use fleetwright_eks::run::outcome::{OpenWayBack, outcomes, way_back};
use fleetwright_eks::run::{self, Member, NotRun, Ring, RunDocument, RunRequest};
use fleetwright_engine::{AtGates, Begin, Control};
use fleetwright_flow::{Run, Signal, Walked};
use fleetwright_model::{Exit, Zone, code};
use fleetwright_ports::{Queries, RunId};
use fleetwright_report::safe;
use fleetwright_telemetry::{Collector, HttpEndpoints, PrometheusQueries};
use jiff::Timestamp;

use crate::app::{App, Outcome, Time, in_runtime};
use crate::args::{DriveArgs, EksRollbackArgs, EksUpgradeArgs, ResumeArgs};
use crate::commands::plan::{fresh_seed, run_id};
use crate::commands::runs::{Decision, Folded, decide, fold, is_driven};
use crate::failure::CommandError;
use crate::on_record::OnRecord;
use crate::planning::program;
use crate::running::Session;
use crate::state::{Found, State, refused};
use crate::{files, fleet, interrupt, roll_out};

pub use defaults::plan_options;
pub use driving::Upgrading;
pub use events::EventBus;
pub use told::{Told, exit_of, report_files, tell, write_reports};

/// Who we say we are: audit logs of clusters name it.
pub const AGENT: &str = concat!("fleetwright/", env!("CARGO_PKG_VERSION"));

/// A run that upgrades clusters.
pub type FoundUpgrade = Found<RunDocument>;

/// The plan files of a ring.
struct RingFiles {
    name: String,
    plans: Vec<PathBuf>,
}

impl App {
    /// `fleetwright eks upgrade`.
    pub fn upgrade_clusters(&self, args: &EksUpgradeArgs) -> Outcome {
        // What is wrong with files needs no AWS to be told.
        let rings = rings(args)?;
        let driven = &args.driven;
        let documents: Vec<(&RingFiles, Vec<PlanDocument>)> = rings
            .iter()
            .map(|ring| Ok((ring, ring.plans.iter().map(|path| read(path)).collect::<Result<_, _>>()?)))
            .collect::<Result<_, CommandError>>()?;
        let loaded = self.driving_settings(&driven.fleet, &driven.report)?;
        let usual = &loaded.resolved.settings;
        let events = EventBus::of(&driven.events, &usual.agent)?;
        let soak_seconds = soak_seconds(args, &usual.upgrade)?;
        let at_once = args.at_once.unwrap_or(usual.upgrade.clusters_at_once).into();
        in_runtime(Time::Wall, async {
            let state = self.state(&driven.drive.state).await?;
            let session = self.session(&loaded, &driven.fleet, driven.drive.clock_speed).await?;
            let zones = session.zones().await;
            let now = session.clock().now();
            let window = roll_out::window(session.settings(), args.window.as_deref(), now)?;
            let member = |document| {
                let zone = zone_of(document, &zones)?.name.clone();
                Ok(Member { document, zone, window: window.clone() })
            };
            let rings = documents.iter().map(|(ring, documents)| {
                Ok(Ring {
                    name: ring.name.clone(),
                    members: documents.iter().map(member).collect::<Result<_, CommandError>>()?,
                    at_once,
                    soak_seconds,
                })
            });
            let rings: Vec<Ring<'_>> = rings.collect::<Result<_, CommandError>>()?;
            let plan = run::upgrade(&request(&session, &rings)).map_err(|refused| not_run(&refused))?;
            self.begin_upgrade(session, state, &driven.drive, zones, (RunDocument::new(plan), events)).await
        })
    }

    /// `fleetwright eks rollback`.
    pub fn rollback_upgrade(&self, args: &EksRollbackArgs) -> Outcome {
        let driven = &args.driven;
        in_runtime(Time::Wall, async {
            let state = self.state(&driven.drive.state).await?;
            let found: FoundUpgrade = state.find(Some(&args.run)).await?;
            if is_driven(&state, &found).await? {
                let message = format!("{} is driven by somebody: abort it first", found.run);
                return Err(CommandError::new(&code::RUN_UNFINISHED, message));
            }
            let fleet = state.fleet_args(&found.run, &driven.fleet).await?;
            let loaded = self.driving_settings(&fleet, &driven.report)?;
            let events = EventBus::of(&driven.events, &loaded.resolved.settings.agent)?;
            let session = self.session(&loaded, &fleet, driven.drive.clock_speed).await?;
            let (cluster, back) = open_way_back(&found, args.cluster.as_deref(), session.clock().now())?;
            let of = &found.plan.plan().clusters[cluster];
            let document = PlanDocument::new(of.plan.clone());
            let zones = session.zones().await;
            let zone = zone_of(&document, &zones)?.name.clone();
            let member = Member { document: &document, zone, window: None };
            let rings = [Ring { name: String::new(), members: vec![member], at_once: 1, soak_seconds: 0 }];
            let plan = run::way_back(&request(&session, &rings), found.run.as_str(), back.hop)
                .map_err(|refused| not_run(&refused))?;
            self.begin_upgrade(session, state, &driven.drive, zones, (RunDocument::new(plan), events)).await
        })
    }

    /// `fleetwright resume`, of a run that upgrades clusters.
    pub(crate) async fn resume_upgrade(
        &self,
        state: State,
        found: FoundUpgrade,
        args: &ResumeArgs,
    ) -> Outcome {
        let Folded { run, damage, .. } = fold(&found);
        if let Some(damage) = damage {
            return Err(CommandError::new(&code::JOURNAL_DAMAGED, format!("{}: {damage}", found.run)));
        }
        let fleet = state.fleet_args(&found.run, &args.fleet).await?;
        let loaded = self.driving_settings(&fleet, &args.report)?;
        let session = self.session(&loaded, &fleet, args.drive.clock_speed).await?;
        if run.is_paused() && is_driven(&state, &found).await? {
            let (by, clock) = (self.user(), Arc::clone(session.clock()));
            let found: Found<Walked> = state.find(Some(found.run.as_str())).await?;
            return decide(&state, &found, Decision::Resume, &by, None, &*clock, self.console).await;
        }
        let zones = session.zones().await;
        let events = EventBus::kept(&state, &found.run).await?;
        let of = (&found.run, &found.plan);
        let upgrading = self.upgrading(&session, state, &args.drive, zones, of, events).await?;
        if run.is_paused() {
            upgrading.control.signal(Signal::Resume, self.user(), None);
        }
        let earlier = found.loaded.records.clone();
        let begin = Begin::Resume { digest: found.plan.digest().clone(), loaded: found.loaded };
        upgrading.drive(&found.plan, begin, earlier).await
    }

    async fn begin_upgrade(
        &self,
        session: Session,
        state: State,
        drive: &DriveArgs,
        zones: Vec<Zone>,
        (document, events): (RunDocument, Option<EventBus>),
    ) -> Outcome {
        if session.settings().safety.dry_run {
            let state = Run::open(Arc::new(document.plan().flow.clone()));
            tell(
                &Told { run: "dry run", document: &document, state: &state, records: &[], why: None },
                session.settings().output.format,
                session.clock().now(),
            )?;
            self.console.note("dry run: this is what would be done; nothing was changed");
            return Ok(Exit::Success);
        }
        let clock = Arc::clone(session.clock());
        let run = run_id(clock.as_ref(), document.plan().flow.seed);
        let created = state.journal.create(&run, &document.write(), clock.now()).await;
        created.map_err(|error| refused(&error))?;
        state.keep_invocation(&run, session.invocation()).await?;
        if let Some(events) = &events {
            events.keep(&state, &run).await?;
        }
        self.console.note(&format!("{run} begins; `fleetwright eks status {run}` shows it from elsewhere"));
        let upgrading = self.upgrading(&session, state, drive, zones, (&run, &document), events).await?;
        let begin = Begin::New { digest: document.digest().clone() };
        upgrading.drive(&document, begin, Vec::new()).await
    }

    async fn upgrading(
        &self,
        session: &Session,
        state: State,
        drive: &DriveArgs,
        zones: Vec<Zone>,
        (run, document): (&RunId, &RunDocument),
        events: Option<EventBus>,
    ) -> Result<Upgrading, CommandError> {
        let at_gates = match (drive.auto_approve, drive.no_wait) {
            (true, _) => AtGates::Approve { by: format!("{} (--auto-approve)", self.user()).into() },
            (false, true) => AtGates::Leave,
            (false, false) => AtGates::Wait,
        };
        let clock = Arc::clone(session.clock());
        let owner = format!("{}, process {}, since {}", program(), std::process::id(), clock.now());
        let control = Control::new(owner, at_gates);
        let on_record = OnRecord::of(&state, run, document.digest(), control.owner(), self.user());
        let told = session.outgoing(&on_record).await?;
        interrupt::steer_on_signal(control.clone(), self.console);
        let apis = ClusterApis::new(Arc::clone(&clock), Limits::default(), AGENT);
        Ok(Upgrading {
            aws: session.aws().clone(),
            apis,
            clock,
            state,
            zones,
            control,
            on_record,
            calendars: roll_out::calendars(session.settings()),
            events,
            told,
            reports: fleet::reports(session.settings()),
            format: session.settings().output.format,
            console: self.console,
            queries: prometheus(&session.settings().telemetry)?,
            endpoints: Arc::new(HttpEndpoints::new(Arc::new(SystemClock))),
        })
    }
}

/// Prometheus, where the configuration says where it is.
pub(crate) fn prometheus(settings: &TelemetrySettings) -> Result<Option<Arc<dyn Queries>>, CommandError> {
    let Some(address) = settings.prometheus_url.as_deref() else { return Ok(None) };
    let headers = settings.prometheus_headers.as_ref().map_or("", |headers| headers.reveal());
    let unusable = |why: String| {
        CommandError::new(&code::WRONG_TYPE, format!("telemetry.prometheus_url and _headers: {why}"))
    };
    let server = Collector::new(address, headers).map_err(|error| unusable(error.to_string()))?;
    let queries = PrometheusQueries::new(server, Arc::new(SystemClock));
    Ok(Some(Arc::new(queries.map_err(|error| unusable(error.to_string()))?)))
}

pub(crate) fn request<'a>(session: &Session, rings: &'a [Ring<'a>]) -> RunRequest<'a> {
    RunRequest {
        rings,
        approval: roll_out::approval(&session.settings().safety.approvals),
        program: env!("CARGO_PKG_VERSION"),
        at: session.clock().now(),
        seed: fresh_seed(session.clock().as_ref()),
    }
}

pub(crate) fn not_run(refused: &NotRun) -> CommandError {
    CommandError::new(&code::UPGRADE_REFUSED, safe::line(&refused.to_string()).into_owned())
}

fn read(path: &Path) -> Result<PlanDocument, CommandError> {
    PlanDocument::read(&files::read_bytes(path)?)
        .map_err(|error| CommandError::new(error.code(), format!("{}: {error}", path.display())))
}

/// The rings of the command line. Plans without rings make one, which has no name.
fn rings(args: &EksUpgradeArgs) -> Result<Vec<RingFiles>, CommandError> {
    if args.rings.is_empty() {
        let name = if args.plans.len() > 1 { "all".to_owned() } else { String::new() };
        return Ok(vec![RingFiles { name, plans: args.plans.clone() }]);
    }
    let wrong = |text: &String| {
        CommandError::new(
            &code::USAGE,
            format!("--ring {text:?}: it takes NAME=PLAN, and more plans behind commas"),
        )
    };
    let ring = |text: &String| {
        let (name, plans) = text.split_once('=').ok_or_else(|| wrong(text))?;
        let plans: Vec<PathBuf> =
            plans.split(',').filter(|path| !path.is_empty()).map(PathBuf::from).collect();
        match name.trim() {
            "" => Err(wrong(text)),
            _ if plans.is_empty() => Err(wrong(text)),
            name => Ok(RingFiles { name: name.to_owned(), plans }),
        }
    };
    args.rings.iter().map(ring).collect()
}

/// How long a ring proves itself.
fn soak_seconds(args: &EksUpgradeArgs, usual: &UpgradeSettings) -> Result<u32, CommandError> {
    let Some(soak) = args.soak else { return Ok(defaults::seconds(usual.soak)) };
    u32::try_from(soak.as_secs()).map_err(|_| {
        CommandError::new(&code::USAGE, format!("--soak {soak:#}: it is a length of time like 24h"))
    })
}

/// The landing zone of a plan's account, by the inventory.
fn zone_of<'z>(document: &PlanDocument, zones: &'z [Zone]) -> Result<&'z Zone, CommandError> {
    let cluster = &document.plan().cluster;
    zones.iter().find(|zone| zone.account == cluster.account).ok_or_else(|| {
        let name = safe::line(&cluster.name);
        let message =
            format!("account {} of cluster {name} is not in the inventory; add it", cluster.account);
        CommandError::new(&code::PLAN_ELSEWHERE, message)
    })
}

/// The cluster whose last hop can be taken back, and which.
pub(crate) fn open_way_back(
    found: &FoundUpgrade,
    cluster: Option<&str>,
    now: Timestamp,
) -> Result<(usize, OpenWayBack), CommandError> {
    let (plan, Folded { run, records, .. }) = (found.plan.plan(), fold(found));
    let closed = |message: String| CommandError::new(&code::WAY_BACK_CLOSED, message);
    let all = outcomes(plan, &run, &records, now);
    let meant: Vec<usize> =
        (0..all.len()).filter(|index| cluster.is_none_or(|name| all[*index].name == name)).collect();
    match meant.as_slice() {
        [only] => way_back(plan, *only, &all[*only].steps, now)
            .map(|back| (*only, back))
            .map_err(|why| closed(format!("{}: {why}", found.run))),
        [] => Err(CommandError::new(
            &code::USAGE,
            format!("{} has no cluster {:?}", found.run, cluster.unwrap_or_default()),
        )),
        several => {
            let names: Vec<_> = several.iter().map(|index| safe::line(&all[*index].name)).collect();
            let message =
                format!("{} has several clusters; name one with --cluster: {}", found.run, names.join(", "));
            Err(CommandError::new(&code::USAGE, message))
        }
    }
}
