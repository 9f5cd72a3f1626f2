//! Writes reports of runs that were made up: for the tests of `web/` in a browser, and to measure.
//!
//! A made-up run has a plan, the records a run of it leaves, what was known of its hosts and what their
//! files say; the record of the run is folded from these as it is from a real one's.
//!
//! ```console
//! cargo run -p fleetwright-report --example made_up_runs -- DIRECTORY NAME:HOSTS:MANNER[:all] …
//! ```
//!
//! Without `all` it is the HTML alone.

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
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use fleet::Manner;
use fleetwright_report::evidence::RunRecord;
use fleetwright_report::fields::{self, Subject, Visitor};
use fleetwright_report::{html, views};

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
            return Err(format!("{wanted}: not NAME:HOSTS:MANNER[:all]").into());
        };
        reports(&Path::new(&directory).join(name), hosts.parse()?, manner, parts.next() == Some("all"))?;
    }
    Ok(())
}

/// Makes a run up and writes its reports; tells as lines of JSON what that took.
fn reports(path: &Path, hosts: u32, manner: Manner, all: bool) -> Result<(), Box<dyn Error>> {
    let plan = fleet::plan(hosts, manner);
    let measure = Measure::begin();
    let tale = tale::tell(&plan, manner);
    println!("{}", measure.end("(the journal and its fold)", hosts));
    let name = tale::run_name(manner);
    let facts = facts::gather(&plan, manner);
    let measure = Measure::begin();
    let record = facts::record(&plan, &tale, &name, manner, facts);
    println!("{}", measure.end("(the record, from plan, journal and files)", hosts));
    // The record does not need the journal any longer.
    let measure = Measure::begin();
    drop(tale);
    println!("{}", measure.end("(the journal gone)", hosts));
    let write = |ending: &str, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>| {
        let file = path.with_extension(ending);
        let measure = Measure::begin();
        let mut out = BufWriter::with_capacity(1 << 16, File::create(&file)?);
        write(&mut out)?;
        out.flush()?;
        let mut figures = measure.end(ending, hosts);
        figures["bytes"] = std::fs::metadata(&file)?.len().into();
        println!("{figures}");
        Ok::<(), io::Error>(())
    };
    write("html", &mut |out| html::write(out, &record))?;
    if all {
        write("csv", &mut |out| fields::each(&mut CsvTables { out, record: &record }))?;
        write("json", &mut |out| views::json::write(out, &record))?;
        write("xml", &mut |out| views::xml::write(out, &record))?;
        write("junit.xml", &mut |out| views::junit::write(out, &record))?;
    }
    Ok(())
}

/// Every table, one after the other.
struct CsvTables<'w, 'a> {
    out: &'w mut dyn Write,
    record: &'a RunRecord<'a>,
}

impl Visitor for CsvTables<'_, '_> {
    type Error = io::Error;

    fn visit<S: Subject>(&mut self) -> io::Result<()> {
        views::csv::write::<S>(self.out, self.record)
    }
}

/// What one thing takes.
struct Measure {
    start: Instant,
    cpu: Option<f64>,
    held: Option<u64>,
}

impl Measure {
    fn begin() -> Self {
        // Where this is not possible, the figure is that of the whole process: no less than the truth.
        // Source: proc_pid_clear_refs(5).
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self { start: Instant::now(), cpu: cpu_seconds(), held: held_mib("VmRSS:") }
    }

    fn end(self, what: &str, hosts: u32) -> serde_json::Value {
        serde_json::json!({
            "what": what,
            "hosts": hosts,
            "seconds": self.start.elapsed().as_secs_f64(),
            // What counts on a machine that does other things too.
            "cpu_seconds": cpu_seconds().zip(self.cpu).map(|(after, before)| after - before),
            "mib_before": self.held,
            "mib_after": held_mib("VmRSS:"),
            "mib_at_most": held_mib("VmHWM:"),
        })
    }
}

/// The memory this process holds, or the most it held since that was forgotten, where the system tells.
/// Source: proc_pid_status(5), `VmRSS` and `VmHWM`.
fn held_mib(what: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(what))?;
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
