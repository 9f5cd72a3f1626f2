//! Driving a run of upgrades: steps, journal, engine, those who look on.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_announce::{Both, Published};
use fleetwright_aws::{Approvals, Aws, Behalf};
use fleetwright_cluster_api::ClusterApis;
use fleetwright_config::settings::OutputFormat;
use fleetwright_eks::run::{Purpose, RunDocument, UpgradeRun};
use fleetwright_engine::{
    Begin, Concluded, Conclusion, Control, Ports, StepTable, Surroundings, Unwatched, Watcher, drive,
};
use fleetwright_flow::Record;
use fleetwright_model::{Cell, Exit, Failure, Zone, code};
use fleetwright_patch::plan::PlannedCalendars;
use fleetwright_ports::clusters::ClusterName;
use fleetwright_ports::kubernetes::Access;
use fleetwright_ports::{
    Accounts, Clock, Endpoints, Freezes, Kubernetes, KubernetesApis, KubernetesChanges, KubernetesTokens,
    Queries, RunId,
};
use fleetwright_report::safe;
use fleetwright_step::Step;
use fleetwright_survey::CalendarWatch;
use fleetwright_upgrade::{ClusterReach, Context, MissingZone};

use super::events::EventBus;
use super::told::{Told, tell, write_reports};
use crate::args::ReportFormat;
use crate::commands::report::own_directory;
use crate::commands::scan::{Reports, calls};
use crate::console::Console;
use crate::driving::drive_error;
use crate::failure::CommandError;
use crate::on_record::{OnRecord, approvals};
use crate::outgoing::{Outgoing, tell_account};
use crate::run_live::RunLive;
use crate::run_plan::{Decided, RunPlan};
use crate::state::State;
use crate::{evidence, files};

/// Everything that a run of upgrades needs, put together.
pub struct Upgrading {
    /// AWS, or what stands in for it.
    pub aws: Aws,
    /// The clusters' own APIs.
    pub apis: ClusterApis,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where runs are kept.
    pub state: State,
    /// The landing zones.
    pub zones: Vec<Zone>,
    /// How the run is steered.
    pub control: Control,
    /// The run's audit log, and who writes it.
    pub on_record: OnRecord,
    /// The change calendars that hold it up while one of them is closed; none where there are none.
    pub calendars: Option<PlannedCalendars>,
    /// Where events go, where any are wanted.
    pub events: Option<EventBus>,
    /// Where messages go, where any are wanted.
    pub told: Option<Outgoing>,
    /// Where reports go.
    pub reports: Reports,
    /// The form of standard output.
    pub format: OutputFormat,
    /// The terminal.
    pub console: Console,
    /// Prometheus, where the configuration says where it is.
    pub queries: Option<Arc<dyn Queries>>,
    /// Endpoints of what runs in clusters.
    pub endpoints: Arc<dyn Endpoints>,
}

impl Upgrading {
    /// Drives a run to where it ends or can be resumed.
    ///
    /// # Errors
    /// The run cannot be driven; what became of its clusters is never an error.
    pub async fn drive(
        mut self,
        document: &RunDocument,
        begin: Begin,
        earlier: Vec<Record>,
    ) -> Result<Exit, CommandError> {
        let run = self.on_record.run.clone();
        let directory = match &self.reports {
            Reports::Into(directory) => Some(directory.clone()),
            Reports::Own => Some(own_directory(&run)),
            Reports::None => None,
        };
        if let Some(directory) = &directory {
            files::make_directory(directory)?;
        }
        let plan = Arc::new(document.plan().clone());
        let decided = Arc::new(Decided::default());
        decided.hear(&earlier);
        let ports = self
            .run_ports(document, &plan, &decided)
            .map_err(|missing| CommandError::new(&code::PLAN_ELSEWHERE, missing.to_string()))?;
        let live = RunLive::new(&self.console, self.format, Arc::clone(&plan) as Arc<dyn RunPlan>);
        let flow = Arc::new(plan.flow.clone());
        let announcer = self.told.take().map(|told| told.start(&run, &plan));
        let events = self.events.as_ref().map(|bus| bus.start(&self, &run, &plan));
        let announced: &dyn Watcher = announcer.as_ref().map_or(&Unwatched, |it| it);
        let published: &dyn Watcher = events.as_ref().map_or(&Unwatched, |it| it);
        let (inner, around) = (Both(&*decided, &live), Both(announced, published));
        let driven = drive(ports, run.clone(), flow, begin, &self.control, &Both(&inner, &around)).await;
        live.finish();
        if let Some(events) = events {
            self.tell_published(&events.finish().await);
        }
        if let Some(announcer) = announcer {
            tell_account(&announcer.finish().await, self.console);
        }
        let mut records = earlier;
        records.extend(live.into_records());
        if let Err(error) = self.on_record.sign(self.clock.now()).await {
            self.console.note(&format!("the end of the audit log could not be signed: {}", error.message));
        }
        let concluded = driven.map_err(|error| drive_error(&run, &error))?;
        self.conclude(&run, document, &concluded, &records, directory.as_deref()).await
    }

    pub(crate) fn tell_published(&self, published: &Published) {
        if published.lost > 0 {
            let why = published.why.as_deref().unwrap_or_default();
            let all = published.lost + published.taken;
            self.console.note(&format!(
                "{} of {all} events are on no bus: {}",
                published.lost,
                safe::line(why)
            ));
        }
    }

    /// The ports that a run is driven over. A way back waits for no calendar, as putting hosts back does not.
    ///
    /// # Errors
    /// As [`Upgrading::steps`].
    pub fn run_ports(
        &self,
        document: &RunDocument,
        plan: &Arc<UpgradeRun>,
        decided: &Arc<Decided>,
    ) -> Result<Ports, MissingZone> {
        let asked = self.calendars.as_ref().filter(|_| plan.purpose == Purpose::Upgrade);
        let freezes = asked.map(|planned| {
            let aws = Arc::new(self.aws.clone());
            Arc::new(CalendarWatch::new(aws, &self.zones, planned, &plan.flow.places)) as Arc<dyn Freezes>
        });
        Ok(Ports {
            journal: Arc::clone(&self.state.journal),
            clock: Arc::clone(&self.clock),
            steps: StepTable::new(self.steps(document, plan, decided)?),
            around: Surroundings { freezes, ..Surroundings::default() },
        })
    }

    /// What the steps of a run work with.
    ///
    /// # Errors
    /// The run works in a landing zone that is not among ours.
    pub(crate) fn context(
        &self,
        document: &RunDocument,
        plan: &Arc<UpgradeRun>,
        decided: &Arc<Decided>,
    ) -> Result<Context, MissingZone> {
        let ports = self.ports("run", &approvals(&plan.flow, decided));
        Context::new(self.on_record.run.clone(), document.digest(), Arc::clone(plan), &self.zones, ports)
    }

    fn ports(&self, step: &str, approvals: &Approvals) -> fleetwright_upgrade::Ports {
        let behalf = self.on_record.behalf(step, approvals);
        self.outside(&self.aws.on_behalf(behalf.clone()), behalf)
    }

    /// The steps of a run over these ports.
    ///
    /// # Errors
    /// The run works in a landing zone that is not among ours.
    pub fn steps(
        &self,
        document: &RunDocument,
        plan: &Arc<UpgradeRun>,
        decided: &Arc<Decided>,
    ) -> Result<Vec<Arc<dyn Step>>, MissingZone> {
        let context = self.context(document, plan, decided)?;
        let approvals = approvals(&plan.flow, decided);
        // Each step changes things in its own name.
        Ok(fleetwright_upgrade::steps_each_in(&|step| {
            Arc::new(context.with_ports(self.ports(step, &approvals)))
        }))
    }

    fn outside(&self, aws: &Aws, behalf: Behalf) -> fleetwright_upgrade::Ports {
        let aws = Arc::new(aws.clone());
        fleetwright_upgrade::Ports {
            clusters: aws.clone(),
            changes: aws.clone(),
            foundations: aws.clone(),
            machines: aws.clone(),
            groups: aws.clone(),
            refreshes: aws.clone(),
            metrics: aws.clone(),
            queries: self.queries.clone(),
            endpoints: Arc::clone(&self.endpoints),
            reach: Arc::new(OnRecordReach { aws, apis: self.apis.clone(), behalf }),
            artifacts: Arc::clone(&self.state.artifacts),
            clock: Arc::clone(&self.clock),
        }
    }

    async fn conclude(
        &self,
        run: &RunId,
        document: &RunDocument,
        concluded: &Concluded,
        records: &[Record],
        directory: Option<&Path>,
    ) -> Result<Exit, CommandError> {
        let why = match &concluded.conclusion {
            Conclusion::WaitsForApproval(_) => Some(&code::APPROVAL_WAITS),
            Conclusion::Interrupted | Conclusion::Rests { .. } => Some(&code::RUN_INTERRUPTED),
            Conclusion::Closed(_) => None,
        };
        evidence::keep_calls(&self.state, run, calls(&self.aws)).await?;
        let told = Told { run: run.as_str(), document, state: &concluded.run, records, why };
        let exit = tell(&told, self.format, self.clock.now())?;
        if let Some(directory) = directory {
            let written = write_reports(directory, &[ReportFormat::All], &told, self.clock.now())?;
            self.console.note(&format!("reports in {}: {}", directory.display(), written.join(", ")));
        }
        Ok(exit)
    }
}

/// The clusters' own APIs, as the landing zones are entered; what is changed there is on record.
struct OnRecordReach {
    aws: Arc<Aws>,
    apis: ClusterApis,
    behalf: Behalf,
}

#[async_trait]
impl ClusterReach for OnRecordReach {
    fn tokens(&self, cell: &Cell<'_>, name: &ClusterName) -> Arc<dyn KubernetesTokens> {
        Arc::new(self.aws.cluster_tokens(cell, name))
    }

    fn connect(&self, access: &Access) -> Result<Arc<dyn Kubernetes>, Failure> {
        self.apis.connect(access)
    }

    async fn connect_for_changes(
        &self,
        cell: &Cell<'_>,
        access: &Access,
    ) -> Result<Arc<dyn KubernetesChanges>, Failure> {
        let session = self.aws.enter(cell.zone).await?.arn;
        let Behalf { log, person, reason, approvals } = self.behalf.clone();
        let behalf = fleetwright_cluster_api::Behalf {
            log,
            zone: cell.zone.name.as_str().into(),
            account: cell.zone.account.as_str().into(),
            region: cell.region.as_str().into(),
            session: session.as_str().into(),
            person,
            reason,
            approvals,
        };
        self.apis.on_behalf(behalf).connect_for_changes(access)
    }
}
