//! Measurements against peers on the simulated estate.
//!
//! The measuring itself is in Python (`tests/bench/`): it needs `wait4` for the resources each
//! contender used, and the peers are Python programs. Here the release binary is built, the
//! environment is prepared, and the driver is started.

mod eks;
mod functions;
mod makespan;

use std::path::PathBuf;

use crate::process::{cargo, program, read, stream};
use crate::suite;
use crate::workspace::{self, Failure, Workspace};

/// Measure against peers on the simulated estate.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// fleetwright, a boto3 script and Cloud Custodian scan the same fleets, side by side.
    Scan {
        /// How often each contender scans each fleet.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
        rounds: u8,
        /// Fleet sizes at which all contenders run.
        #[arg(long, value_delimiter = ',', default_value = "1000,10000")]
        sizes: Vec<u32>,
        /// The fleet that fleetwright scans alone, over 200 accounts and 3 regions; 0 leaves it out.
        #[arg(long, default_value_t = 100_000)]
        alone: u32,
        /// Which build to measure: figures of a development build say nothing.
        #[arg(long, value_enum, default_value_t = Build::Release)]
        build: Build,
    },
    /// Whole runs on simulated fleets in virtual time; the tables go into docs/benchmarks.md.
    Run {
        /// Hosts of the fleets that are driven one by one.
        #[arg(long, default_value = "1000,10000")]
        sizes: String,
        /// Random fleets that are compared with the lower bound.
        #[arg(long, default_value_t = 100)]
        fleets: u32,
        /// Hosts of the run that is resumed; 0 leaves it out.
        #[arg(long, default_value_t = 100_000)]
        resume: u32,
        /// Which build to measure: counts are the same in both, wall time is not.
        #[arg(long, value_enum, default_value_t = Build::Release)]
        build: Build,
    },
    /// Reports of made-up runs as HTML: what writing them takes, and how soon a browser shows them.
    Web {
        /// Hosts of the runs.
        #[arg(long, value_delimiter = ',', default_value = "1000,10000,50000,100000")]
        sizes: Vec<u32>,
        /// Which build to measure: figures of a development build say nothing.
        #[arg(long, value_enum, default_value_t = Build::Release)]
        build: Build,
    },
    /// Plans with budgets of groups against the least time they can take, and what decisions cost; the
    /// tables go into docs/benchmarks.md.
    Waves {
        /// Hosts of the fleets.
        #[arg(long, default_value = "1000,10000")]
        sizes: String,
        /// Random fleets of each size.
        #[arg(long, default_value_t = 200)]
        fleets: u32,
        /// Hosts of the fleet that is taken through whole runs; 0 leaves it out.
        #[arg(long, default_value_t = 400)]
        driven: u32,
        /// Hosts at which decisions are counted, and a tenth of them; 0 leaves it out.
        #[arg(long, default_value_t = 100_000)]
        large: u32,
        /// Which build to measure: all but the last column is the same in both.
        #[arg(long, value_enum, default_value_t = Build::Release)]
        build: Build,
    },
    /// Executions of the state machine on fleets in memory: against the limits of Step Functions, DynamoDB and
    /// Lambda, and in dollars. The tables go into docs/benchmarks.md, all figures into .bench/stepfn.json. It
    /// fails where a limit is broken.
    Stepfn {
        /// Hosts of the fleets.
        #[arg(long, default_value = "100,1000,10000,100000")]
        sizes: String,
        /// Hosts of one region of an account at most.
        #[arg(long, default_value_t = 1_000)]
        in_region: u32,
        /// Which build to measure: all but what is computed is the same in both.
        #[arg(long, value_enum, default_value_t = Build::Release)]
        build: Build,
    },
    /// The functions of a hub as Lambda gets them: built small (`--profile lambda`), put into an archive below the target
    /// directory, and started against a Runtime API of ours; the table goes into docs/benchmarks.md.
    Functions {
        /// The platform they are built for, where this Rust has it; without it this machine's. Lambda runs
        /// `aarch64-unknown-linux-gnu` and `x86_64-unknown-linux-gnu`.
        #[arg(long)]
        target: Option<String>,
        /// How often the program is started.
        #[arg(long, default_value_t = 51, value_parser = clap::value_parser!(u16).range(1..=1_000))]
        starts: u16,
    },
    /// Assessments of large EKS clusters: what their API servers are asked, wall time, memory; and how long plans of upgrades
    /// take against their critical path. The tables go into docs/benchmarks.md.
    Eks {
        /// Nodes and pods of the clusters; plans are made for the last.
        #[arg(long, default_value = "50x1500,500x15000")]
        sizes: String,
        /// How often each cluster is assessed.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
        rounds: u8,
        /// Which build to measure: counts, bytes and plans are the same in both.
        #[arg(long, value_enum, default_value_t = Build::Release)]
        build: Build,
    },
    /// Seconds, memory and bytes of every report by size of the run; the table goes into
    /// docs/benchmarks.md.
    Report {
        /// Hosts of the runs.
        #[arg(long, default_value = "1000,10000,100000")]
        sizes: String,
        /// Which build to measure: figures of a development build say nothing.
        #[arg(long, value_enum, default_value_t = Build::Release)]
        build: Build,
    },
}

/// What the tables of a bench stand between.
struct Marks {
    begins: &'static str,
    ends: &'static str,
}

const RUN: Marks = Marks {
    begins: "<!-- what follows is written by `cargo xtask bench run` -->\n",
    ends: "<!-- what `cargo xtask bench run` wrote ends here -->\n",
};
const WAVES: Marks = Marks {
    begins: "<!-- what follows is written by `cargo xtask bench waves` -->\n",
    ends: "<!-- what `cargo xtask bench waves` wrote ends here -->\n",
};
const STEPFN: Marks = Marks {
    begins: "<!-- what follows is written by `cargo xtask bench stepfn` -->\n",
    ends: "<!-- what `cargo xtask bench stepfn` wrote ends here -->\n",
};
const FUNCTIONS: Marks = Marks {
    begins: "<!-- what follows is written by `cargo xtask bench functions` -->\n",
    ends: "<!-- what `cargo xtask bench functions` wrote ends here -->\n",
};
const EKS: Marks = Marks {
    begins: "<!-- what follows is written by `cargo xtask bench eks` -->\n",
    ends: "<!-- what `cargo xtask bench eks` wrote ends here -->\n",
};
const REPORT: Marks = Marks {
    begins: "<!-- what follows is written by `cargo xtask bench report` -->\n",
    ends: "<!-- what `cargo xtask bench report` wrote ends here -->\n",
};

/// A cargo profile.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Build {
    /// What users install.
    Release,
    /// What tests use; to try the bench itself.
    Debug,
}

/// Builds what is needed and measures.
///
/// # Errors
/// When something does not build or a contender fails; a target that is missed is no error, a limit of AWS's that
/// is broken is one.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let (rounds, sizes, alone, build) = match &arguments.what {
        What::Scan { rounds, sizes, alone, build } => (rounds, sizes, alone, build),
        What::Run { sizes, fleets, resume, build } => {
            let work = workspace.target.join("bench-run");
            let [fleets, resume] = [fleets, resume].map(u32::to_string);
            let mut arguments = vec!["bench-run", "--sizes", sizes, "--fleets", &fleets, "--resume", &resume];
            let work = work.to_string_lossy();
            arguments.extend(["--work-dir", &work]);
            return into_document(workspace, &arguments, &RUN, *build);
        }
        What::Web { sizes, build } => return web(workspace, sizes, *build),
        What::Waves { sizes, fleets, driven, large, build } => {
            let [fleets, driven, large] = [fleets, driven, large].map(u32::to_string);
            let mut arguments = vec!["bench-waves", "--sizes", sizes, "--fleets", &fleets];
            arguments.extend(["--driven", &driven, "--large", &large]);
            return into_document(workspace, &arguments, &WAVES, *build);
        }
        What::Stepfn { sizes, in_region, build } => return stepfn(workspace, sizes, *in_region, *build),
        What::Functions { target, starts } => {
            let table = functions::measure(workspace, target.as_deref(), *starts)?;
            return put_into_document(workspace, &table, &FUNCTIONS);
        }
        What::Eks { sizes, rounds, build } => {
            let binary = match std::env::var_os("FLEETWRIGHT_BIN") {
                Some(given) => given.into(),
                None => built(workspace, *build)?,
            };
            let tables = eks::measure(workspace, &binary, sizes, *rounds)?;
            print!("{tables}");
            return put_into_document(workspace, &tables, &EKS);
        }
        What::Report { sizes, build } => {
            let work = workspace.target.join("bench-report");
            let work = work.to_string_lossy();
            let arguments = ["bench-report", "--sizes", sizes, "--work-dir", &work];
            return into_document(workspace, &arguments, &REPORT, *build);
        }
    };
    let binary = built(workspace, *build)?;
    let python = suite::environment(workspace, "tests/bench")?;
    let sizes: Vec<_> = sizes.iter().map(u32::to_string).collect();
    let mut driver = program(workspace, &python.to_string_lossy(), ["tests/bench/scan.py"]);
    driver
        .arg("--binary")
        .arg(binary)
        .args(["--rounds", &rounds.to_string(), "--sizes", &sizes.join(","), "--alone", &alone.to_string()])
        .args(["--output", ".bench/scan.json"]);
    stream(driver)
}

/// Has each report written by a process of its own, whose memory is then its own, and opens them.
fn web(workspace: &Workspace, sizes: &[u32], build: Build) -> Result<(), Failure> {
    let web = suite::installed(workspace, "web")?;
    suite::browser(workspace)?;
    let profile: &[&str] = if build == Build::Release { &["--release"] } else { &[] };
    let mut directory = PathBuf::new();
    for hosts in sizes {
        directory = suite::made_up(workspace, &[&format!("measured-{hosts}:{hosts}:mixed")], profile)?;
    }
    let mut measure = program(workspace, "node", ["test/measure.mjs"]);
    measure.args(sizes.iter().map(|hosts| format!("measured-{hosts}")));
    measure.current_dir(web).env("FLEETWRIGHT_REPORTS", directory);
    stream(measure)
}

/// Has the example measure: it needs no AWS SDK, nor the binary that stands on it.
fn stepfn(workspace: &Workspace, sizes: &str, in_region: u32, build: Build) -> Result<(), Failure> {
    let work = workspace.target.join("bench-stepfn");
    let tables = work.join("tables.md");
    std::fs::create_dir_all(&work).map_err(|source| Failure::File {
        path: work.clone(),
        action: "written",
        source,
    })?;
    workspace::write(&tables, "")?;
    let profile: &[&str] = if build == Build::Release { &["--release"] } else { &[] };
    let example = ["run", "--quiet", "--locked", "--package", "fleetwright-stepfn", "--example", "bench"];
    let mut bench = cargo(workspace, example.into_iter().chain(profile.iter().copied()));
    bench
        .args(["--", "--sizes", sizes, "--in-region", &in_region.to_string(), "--work-dir"])
        .arg(&work)
        .arg("--tables")
        .arg(&tables)
        .args(["--json", ".bench/stepfn.json"]);
    let ended = stream(bench);
    let tables = workspace::read(&tables)?;
    if !tables.is_empty() {
        put_into_document(workspace, &tables, &STEPFN)?;
    }
    ended
}

/// Builds the binary that is measured.
fn built(workspace: &Workspace, build: Build) -> Result<PathBuf, Failure> {
    let (profile, directory): (&[&str], _) = match build {
        Build::Release => (&["--release"], "release"),
        Build::Debug => (&[], "debug"),
    };
    let arguments = ["build", "--package", "fleetwright", "--locked"];
    stream(cargo(workspace, arguments.into_iter().chain(profile.iter().copied())))?;
    Ok(workspace.target.join(directory).join("fleetwright"))
}

/// Has the binary measure and puts the tables into the document.
fn into_document(
    workspace: &Workspace,
    arguments: &[&str],
    marks: &Marks,
    build: Build,
) -> Result<(), Failure> {
    let binary = built(workspace, build)?;
    let mut bench = program(workspace, &binary.to_string_lossy(), ["internal"]);
    bench.args(arguments);
    let tables = read(bench)?;
    print!("{tables}");
    put_into_document(workspace, &tables, marks)
}

/// Puts tables into their place in the document.
fn put_into_document(workspace: &Workspace, tables: &str, marks: &Marks) -> Result<(), Failure> {
    let path = workspace.root.join("docs/benchmarks.md");
    let document = workspace::read(&path)?;
    match with_tables(&document, tables, marks) {
        Some(text) => workspace::write(&path, &text),
        None => Err(Failure::Answer {
            command: path.display().to_string(),
            what: format!(
                "it has no place for the tables, between {} and {}",
                marks.begins.trim(),
                marks.ends.trim()
            ),
        }),
    }
}

/// The document with these tables in their place; none where it has no place for them.
fn with_tables(document: &str, tables: &str, marks: &Marks) -> Option<String> {
    let Marks { begins, ends } = marks;
    let (before, rest) = document.split_once(begins)?;
    let (_, after) = rest.split_once(ends)?;
    Some(format!("{before}{begins}\n{}\n\n{ends}{after}", tables.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_tables_take_the_place_of_old_ones_and_nothing_else() {
        let (begins, ends) = (RUN.begins, RUN.ends);
        let document = format!("a\n{begins}old\n{ends}b\n{}of others\n{}", WAVES.begins, WAVES.ends);
        let once = with_tables(&document, "| new |\n", &RUN).expect("it has a place");
        let others = format!("{}of others\n{}", WAVES.begins, WAVES.ends);
        assert_eq!(once, format!("a\n{begins}\n| new |\n\n{ends}b\n{others}"));
        assert_eq!(with_tables(&once, "| new |", &RUN), Some(once.clone()));
        assert_eq!(with_tables("nothing", "| new |", &RUN), None);
    }
}
