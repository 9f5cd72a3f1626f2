//! `fleetwright internal bench-waves`: how near plans with budgets of groups come to the least time
//! they can take, and what the kernel's decisions cost as fleets grow.
//!
//! Planner and kernel alone, in virtual time: no estate and no engine, so that ten thousand hosts take
//! a fraction of a second. What steps take is drawn, the same for a host whatever the policy. Beside
//! that, one fleet with a budget of each application is taken through a whole run: what a driver takes
//! is measured there.

mod bound;
mod draws;
pub(in crate::bench) mod fleet;
mod simulation;
mod table;

use fleetwright_clock::SystemClock;
use fleetwright_model::Exit;
use fleetwright_patch::plan::Hold;
use fleetwright_ports::Clock;

use super::FleetPolicy;
use crate::args::BenchWavesArgs;
use crate::console::{self, Console};
use crate::failure::CommandError;
use fleet::Shape;
use simulation::{Driver, Simulated};
use table::{Cost, Measured, Ratios};

/// Fleets whose decisions are counted, at each of two sizes.
const COUNTED: u64 = 6;

/// Measures what the arguments ask for and writes the tables as Markdown.
///
/// # Errors
/// A fleet cannot be made or driven, or the tables cannot be written.
pub async fn carry_out(args: &BenchWavesArgs, console: Console) -> Result<Exit, CommandError> {
    let mut rows = Vec::new();
    for size in &args.sizes {
        console.note(&format!("{size} hosts"));
        rows.push(ratios(*size, args.fleets));
    }
    let mut text = table::makespans(&rows);
    if args.driven > 0 {
        let mut runs = Vec::new();
        for hold_install in [false, true] {
            console.note(&format!("{} hosts through a whole run", args.driven));
            runs.push(driven(args.driven, hold_install).await?);
        }
        table::driven(&mut text, &runs);
    }
    if args.large > 0 {
        let costs: Vec<Cost> = [args.large / 10, args.large].into_iter().map(cost).collect();
        text.push_str(&table::costs(&costs));
    }
    console::write_text(&text)?;
    Ok(Exit::Success)
}

/// A whole run with a fifth of the fleet and a quarter of each application out of service at once.
async fn driven(hosts: usize, hold_install: bool) -> Result<super::Measured, CommandError> {
    let policy = FleetPolicy { hold_install, application: Some(25), ..FleetPolicy::share_of(hosts, 5) };
    super::measure(super::fleet::STEADY, 1, hosts, &policy, None).await
}

/// Random fleets of one size, each gone through with either hold.
fn ratios(size: usize, fleets: u64) -> Ratios {
    let mut ratios = Ratios::new(size);
    for seed in 0..fleets {
        let of = |hold| {
            let plan = fleet::plan(seed, &Shape::random(seed, size, hold)).ok()?;
            let least = bound::bound(&plan, seed);
            let of = |driver| simulation::simulate(&plan, seed, driver).makespan;
            let makespan = of(Driver::Measured);
            Some(Measured { makespan, driven: makespan / least, scheduled: of(Driver::Absent) / least })
        };
        match (of(Hold::Reboot), of(Hold::Install)) {
            (Some(reboot), Some(install)) => ratios.add(reboot, install),
            _ => ratios.refused += 1,
        }
    }
    ratios
}

/// What decisions cost at one size, over the same policies.
fn cost(size: usize) -> Cost {
    let mut cost = Cost { hosts: size, ..Cost::default() };
    for seed in 0..COUNTED {
        let Ok(plan) = fleet::plan(seed, &Shape::random(seed, size, Hold::Reboot)) else { continue };
        let began = SystemClock.now();
        let Simulated { operations, well, records, .. } = simulation::simulate(&plan, seed, Driver::Absent);
        cost.wall_seconds += SystemClock.now().duration_since(began).as_secs_f64();
        cost.operations += operations;
        cost.targets += u64::from(well);
        cost.records += records;
    }
    cost
}
