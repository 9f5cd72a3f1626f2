//! Measures executions of the state machine: fleets in memory are taken through whole runs in virtual time by the
//! turns that the function takes, called by a walk through the machine's own definition (`cargo xtask bench stepfn`).
//!
//! ```console
//! cargo run --release -p fleetwright-stepfn --example bench -- --sizes 100,1000
//! ```
//!
//! It ends with 1 where a limit is broken or a size cannot be finished.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program: its edge is the terminal")]

mod answers;
mod cloud;
mod execution;
mod figures;
mod fleet;
mod functions;
mod measure;
mod pacing;
mod prices;
mod print;
mod table;
mod take_up;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::fleet::Size;
use crate::measure::{Measured, measure};
use crate::print::OfSize;

/// Why something was not measured.
pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// What is asked for.
struct Asked {
    sizes: Vec<u32>,
    in_region: u32,
    /// Where the tables go besides, the figures as JSON, and what another process takes up.
    tables: Option<PathBuf>,
    json: Option<PathBuf>,
    work: PathBuf,
    take_up: Option<PathBuf>,
}

impl Asked {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failed> {
        let mut asked = Self {
            sizes: vec![100, 1_000, 10_000, 100_000],
            in_region: 1_000,
            tables: None,
            json: None,
            work: std::env::temp_dir(),
            take_up: None,
        };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--sizes" => asked.sizes = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
                "--in-region" => asked.in_region = value.parse()?,
                "--tables" => asked.tables = Some(value.into()),
                "--json" => asked.json = Some(value.into()),
                "--work-dir" => asked.work = value.into(),
                "--take-up" => asked.take_up = Some(value.into()),
                other => return Err(format!("{other} is no option of this program").into()),
            }
        }
        Ok(asked)
    }
}

fn main() -> ExitCode {
    match Asked::read(std::env::args().skip(1)).and_then(|asked| run(&asked)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn run(asked: &Asked) -> Result<ExitCode, Failed> {
    if let Some(path) = &asked.take_up {
        println!("{}", serde_json::to_string(&take_up::here(path)?)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut sizes: Vec<OfSize> = Vec::new();
    for hosts in &asked.sizes {
        let size = Size { hosts: *hosts, in_region: asked.in_region };
        let measured = one(size, &asked.work);
        if let Ok(measured) = &measured {
            eprintln!(
                "{hosts} hosts: {} turns, measured in {:.1} s",
                measured.turns(),
                measured.wall.as_secs_f64()
            );
        }
        sizes.push((*hosts, measured));
    }
    let tables = print::tables(&sizes);
    println!("{tables}");
    let broken = print::broken(&sizes);
    let all: Vec<Value> =
        sizes.iter().filter_map(|(_, measured)| Some(measured.as_ref().ok()?.json())).collect();
    write(asked.tables.as_deref(), &tables)?;
    write(asked.json.as_deref(), &format!("{:#}\n", json!({ "sizes": all, "broken": broken })))?;
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One size.
fn one(size: Size, work: &Path) -> Result<Measured, Failed> {
    let file = work.join(format!("fleetwright-bench-stepfn-{}", size.hosts));
    in_virtual_time(measure(size, |kept| take_up::elsewhere(&kept, &file).map(Some)))
}

/// In a runtime of its own whose time jumps.
fn in_virtual_time<T>(work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(work)
}

#[expect(clippy::disallowed_methods, reason = "a program writes where it is told to")]
fn write(path: Option<&Path>, text: &str) -> Result<(), Failed> {
    let Some(path) = path else { return Ok(()) };
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    Ok(std::fs::write(path, text)?)
}
