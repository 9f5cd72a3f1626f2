//! `fleetwright plan`: look at the fleet and decide everything, change nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use fleetwright_aws::Aws;
use fleetwright_config::Settings;
use fleetwright_config::settings::OutputFormat;
use fleetwright_flow as flow;
use fleetwright_model::{AccountId, Exit, InstanceId, Phase, Region, Zone, ZoneName, code};
use fleetwright_patch::plan::{
    Earlier, Parent, PlanDocument, PlanRequest, PlannedCalendars, RollOut, checker, make,
};
use fleetwright_patch::{Inventory, PatchPlan};
use fleetwright_ports::{Clock, RunId};
use fleetwright_report::plan_text;
use fleetwright_survey::{Ports, ScanRequest, Stop, calendars, memberships, scan, zones};

use crate::commands::scan::time_out;
use crate::console::{self, Console};
use crate::failure::CommandError;
use crate::live::Live;
use crate::planning::{self, Circumstances};
use crate::{files, fleet, roll_out};

/// What looking at the fleet needs.
pub struct Looking<'a> {
    /// AWS, or what stands in for it.
    pub aws: &'a Aws,
    /// Time.
    pub clock: &'a Arc<dyn Clock>,
    /// The settings.
    pub settings: &'a Settings,
    /// The user's wish to stop.
    pub stop: Stop,
    /// The terminal.
    pub console: Console,
}

/// The fleet as it is now.
pub struct Looked {
    /// What was found.
    pub inventory: Inventory,
    /// The landing zones, those of the organisation included.
    pub zones: Vec<Zone>,
    /// What change calendars say, where any are to be asked.
    pub calendars: Option<PlannedCalendars>,
}

/// What a plan continues, if anything.
#[derive(Default)]
pub struct Continued {
    /// The run.
    pub parent: Option<Parent>,
    /// What it left, host by host.
    pub earlier: BTreeMap<InstanceId, Earlier>,
}

impl Looking<'_> {
    /// Scans.
    pub async fn look(&self, request: &ScanRequest) -> Looked {
        let live = Live::new(&self.console);
        let ports = Ports { accounts: self.aws, machines: self.aws, clock: self.clock.as_ref() };
        let stop =
            self.stop.clone().or_on(time_out(Arc::clone(self.clock), fleet::scan_timeout(self.settings)));
        let mut inventory = scan(ports, request, &stop, &|progress| live.tell(&progress)).await;
        live.finish();
        // What could not be found out about zones is among the scan's gaps already.
        let (zones, _) = zones(ports, &request.fleet).await;
        if self.asks_who_is_served() {
            let width = request.max_concurrent_regions;
            memberships(self.aws, &zones, &mut inventory, width, &stop).await;
        }
        let calendars = self.calendars(&inventory, &zones).await;
        Looked { inventory, zones, calendars }
    }

    /// What change calendars say where something was found.
    async fn calendars(&self, inventory: &Inventory, zones: &[Zone]) -> Option<PlannedCalendars> {
        let mut planned = roll_out::calendars(self.settings)?;
        let hosts = inventory.hosts.iter();
        let places: BTreeSet<_> = hosts.map(|host| (&host.zone, &host.account, &host.region)).collect();
        let place = |(zone, account, region): (&ZoneName, &AccountId, &Region)| flow::Place {
            zone: zone.clone(),
            account: account.clone(),
            region: region.clone(),
        };
        let places: Vec<flow::Place> = places.into_iter().map(place).collect();
        planned.heard = calendars(self.aws, zones, &planned, &places).await;
        Some(planned)
    }

    /// Whether it matters to a plan who is behind which load balancer.
    fn asks_who_is_served(&self) -> bool {
        let safety = &self.settings.safety;
        let budgeted = safety.budgets.target_group.is_some() || safety.gate.target_groups;
        budgeted || self.settings.phases.drain.is_some()
    }

    /// Plans what was found.
    ///
    /// # Errors
    /// A calendar of freezes cannot be read; what is asked for cannot be planned safely; the plan that
    /// was made does not stand the check that is made without the planner.
    pub fn plan(
        &self,
        looked: &Looked,
        phases: &[Phase],
        seed: u64,
        continued: Continued,
    ) -> Result<PlanDocument, CommandError> {
        let circumstances = Circumstances {
            phases: phases.to_vec(),
            zones: &looked.zones,
            parent: continued.parent,
            earlier: continued.earlier,
            seed,
            now: self.clock.now(),
        };
        let changes = phases.contains(&Phase::Patch);
        let request = PlanRequest {
            roll_out: RollOut {
                calendars: looked.calendars.clone().filter(|_| changes),
                ..roll_out::roll_out(self.settings)?
            },
            windows: roll_out::windows(self.settings, &looked.inventory, self.clock.now())?,
            ..planning::request(self.settings, circumstances)
        };
        let plan = make(&looked.inventory, &request)
            .map_err(|refused| CommandError::new(refused.code(), refused.to_string()))?;
        refuse_unsafe(&plan)?;
        Ok(PlanDocument::new(plan))
    }
}

/// Refuses a plan that breaks a rule, whoever made it.
///
/// # Errors
/// The first rule it breaks, and the others as details.
pub fn refuse_unsafe(plan: &PatchPlan) -> Result<(), CommandError> {
    let mut violations = checker::check(plan).into_iter().map(|violation| violation.to_string());
    match violations.next() {
        None => Ok(()),
        Some(first) => {
            let mut error = CommandError::new(&code::PLAN_UNSAFE, first);
            error.details = violations.collect();
            Err(error)
        }
    }
}

/// Shows a plan.
///
/// # Errors
/// Standard output cannot be written.
pub fn show(document: &PlanDocument, format: OutputFormat, console: Console) -> Result<(), CommandError> {
    match format {
        OutputFormat::Text => {
            let mut text = String::new();
            plan_text::write_plan(&mut text, document, console.width)
                .map_err(|error| CommandError::new(&code::INTERNAL, error.to_string()))?;
            console::write_text(&text)
        }
        OutputFormat::Json => console::write_data(|out| out.write_all(&document.write())),
        OutputFormat::Jsonl => {
            let line = serde_json::json!({
                "type": "plan",
                "digest": document.digest(),
                "plan": document.plan(),
            });
            console::write_text(&format!("{line}\n"))
        }
    }
}

/// Writes a plan file.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, document: &PlanDocument) -> Result<(), CommandError> {
    files::write_atomically(path, |file| std::io::Write::write_all(file, &document.write()))
}

/// The exit code of planning: nothing to do, gaps, or all well.
pub fn concluded(plan: &PatchPlan, inventory: &Inventory, console: Console) -> Exit {
    let blind = inventory.is_blind().then(|| inventory.outcome().why).flatten();
    let why = match blind {
        Some(cause) => Some(cause),
        None if !plan.gaps.is_empty() => Some(&code::PLAN_BLIND),
        None if plan.work.is_empty() => Some(&code::NOTHING_TO_DO),
        None => None,
    };
    if let Some(why) = why {
        console.note(&format!("{} {}: {}", why.id, why.title, why.next_step));
    }
    why.and_then(|why| why.exit).unwrap_or(Exit::Success)
}

/// A run's name: `run-20261101T020000Z-4f1a`.
pub fn run_id(clock: &dyn Clock, seed: u64) -> RunId {
    let time = clock.now().strftime("%Y%m%dT%H%M%SZ");
    format!("run-{time}-{:04x}", seed & 0xffff).parse().expect("letters, digits and hyphens")
}

/// A seed nobody chose: from the time and the process.
pub fn fresh_seed(clock: &dyn Clock) -> u64 {
    use sha2::{Digest, Sha256};
    let now = clock.now().as_nanosecond().to_be_bytes();
    let hash = Sha256::new().chain_update(now).chain_update(std::process::id().to_be_bytes()).finalize();
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash[..8]);
    // JSON readers keep 53 bits of a number.
    u64::from_be_bytes(bytes) >> 11
}
