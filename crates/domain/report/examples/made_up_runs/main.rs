//! Writes HTML reports of runs that were made up: for the tests of `web/` in a browser, and to measure.
//!
//! A made-up run has a plan, the records a run of it leaves, what was known of its hosts and what their
//! files say; the record of the run is folded from these as it is from a real one's.
//!
//! ```console
//! cargo run -p fleetwright-report --example made_up_runs -- DIRECTORY NAME:HOSTS:MANNER …
//! ```

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program: its edge is files, the clock and the terminal"
)]

mod facts;
mod fleet;
mod tale;

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use fleetwright_report::html;

/// How a made-up run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Most hosts well, a few of every other outcome.
    Mixed,
    /// Every host well.
    Well,
    /// Halted by failures in its second wave.
    Failed,
    /// In its last wave.
    UnderWay,
    /// As mixed, with names that try to be something else.
    Hostile,
}

impl Manner {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "mixed" => Self::Mixed,
            "well" => Self::Well,
            "failed" => Self::Failed,
            "under-way" => Self::UnderWay,
            "hostile" => Self::Hostile,
            _ => return None,
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("the directory is missing")?;
    for wanted in arguments {
        let mut parts = wanted.split(':');
        let (Some(name), Some(hosts), Some(manner)) =
            (parts.next(), parts.next(), parts.next().and_then(Manner::read))
        else {
            return Err(format!("{wanted}: not NAME:HOSTS:MANNER").into());
        };
        report(&Path::new(&directory).join(format!("{name}.html")), hosts.parse()?, manner)?;
    }
    Ok(())
}

/// Makes a run up and writes its report; tells as a line of JSON what that took.
fn report(path: &Path, hosts: u32, manner: Manner) -> Result<(), Box<dyn Error>> {
    let plan = fleet::plan(hosts, manner);
    let tale = tale::tell(&plan, manner);
    let name = tale::run_name(manner);
    let record = facts::record(&plan, &tale, &name, manner);
    let held = peak_mib();
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let mut file = BufWriter::new(File::create(path)?);
    html::write(&mut file, &record)?;
    file.flush()?;
    let seconds = start.elapsed().as_secs_f64();
    let figures = serde_json::json!({
        "file": path,
        "hosts": hosts,
        "seconds": seconds,
        // What counts on a machine that does other things too.
        "cpu_seconds": cpu_seconds().zip(cpu).map(|(after, before)| after - before),
        "bytes": std::fs::metadata(path)?.len(),
        // What the record itself takes, and what writing added to the most that was ever held.
        "peak_mib_before": held,
        "peak_mib": peak_mib(),
    });
    println!("{figures}");
    Ok(())
}

/// The most memory this process ever held, where the system tells.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok().map(|kib| kib / 1024)
}

/// The processor time this process has used, in hundredths, where the system tells.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the name, which may hold anything, come the state and then the numbers: fields 14 and 15 of
    // proc(5) are the ticks in the program and in the kernel, a hundred a second.
    let numbers = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2);
    let ticks: u32 = numbers.filter_map(|number| number.parse::<u32>().ok()).sum();
    Some(f64::from(ticks) / 100.0)
}
