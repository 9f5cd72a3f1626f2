//! `fleetwright internal bench-run`: what a whole run costs on a simulated fleet, in virtual time.
//!
//! Everything that is counted is read from outside the engine: calls from the estate's log, how long
//! things took from the estate's diary, memory from the kernel, bytes from the journal's file. Only
//! wall time depends on the machine.

mod bound;
mod counts;
mod fleet;
mod ideal;
mod naive;
pub mod reports;
mod resume;
mod table;
mod turns;
pub mod waves;

use std::path::Path;

use fleetwright_model::Exit;

use crate::args::BenchRunArgs;
use crate::console::{self, Console};
use crate::failure::CommandError;
use crate::files;

pub use bound::Bound;
pub use counts::Counts;
pub use fleet::{FleetPolicy, Measured, measure};

/// Measures what the arguments ask for and writes the tables as Markdown.
///
/// # Errors
/// A fleet cannot be made or driven.
pub async fn carry_out(args: &BenchRunArgs, console: Console) -> Result<Exit, CommandError> {
    files::make_directory(&args.work_dir)?;
    let mut text = String::new();
    let mut runs = Vec::new();
    for (n, size) in args.sizes.iter().enumerate() {
        console.note(&format!("{size} hosts"));
        let directory = fresh(&args.work_dir, &format!("run-{size}"))?;
        let policy = FleetPolicy::tenth_of(*size);
        let run = measure(fleet::STEADY, args.seed, *size, &policy, Some(&directory)).await?;
        let half = FleetPolicy::share_of(*size, 2);
        let wide = match half == policy {
            true => None,
            false => Some(measure(fleet::STEADY, args.seed, *size, &half, None).await?),
        };
        let naive = match n < args.naive {
            true => Some(naive::measure(args.seed, *size, &policy).await?),
            false => None,
        };
        runs.extend(wide.map(|wide| (wide, None)));
        runs.push((run, naive));
    }
    table::runs(&mut text, &runs);
    if args.fleets > 0 {
        let mut ratios = Vec::new();
        let mut faulty = Vec::new();
        for seed in 0..args.fleets {
            console.note(&format!("fleet {} of {}", seed + 1, args.fleets));
            let (size, policy) = FleetPolicy::random(args.seed, seed);
            let fleet = measure(fleet::STEADY, seed, size, &policy, None).await?;
            let bound = &fleet.bound;
            console.note(&format!(
                "  {size} hosts, {policy:?}: {:.0} s, {:.3} of no time lost, {:.3} of {}, {:.2} calls/host, wall {:.1} s",
                fleet.makespan,
                fleet.makespan / bound.ideal,
                fleet.makespan / bound.seconds(),
                bound.by(),
                fleet.counts.work() as f64 / fleet.hosts.max(1) as f64,
                fleet.wall_seconds
            ));
            ratios.push(fleet);
            if seed % 5 == 0 {
                faulty.push(measure(fleet::FAULTS, seed, size, &policy, None).await?);
            }
        }
        table::fleets(&mut text, &ratios);
        table::stops(&mut text, &faulty);
    }
    if args.resume > 0 {
        console.note(&format!("resuming {} hosts", args.resume));
        let directory = fresh(&args.work_dir, "resume")?;
        table::resumed(&mut text, &resume::measure(args.seed, args.resume, &directory).await?);
    }
    console::write_text(&text)?;
    Ok(Exit::Success)
}

/// An empty directory; what an earlier measurement left makes room.
fn fresh(work: &Path, name: &str) -> Result<std::path::PathBuf, CommandError> {
    let directory = work.join(name);
    files::remove_directory(&directory)?;
    files::make_directory(&directory)?;
    Ok(directory)
}
