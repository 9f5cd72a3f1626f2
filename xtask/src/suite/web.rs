//! What is shown in a browser: its types, that the embedded page is current, and reports of made-up runs
//! in headless Chromium.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{debian, npm};
use crate::process::{BUILD, cargo, program, stream};
use crate::workspace::{Failure, Workspace};

/// The reports the tests open: name, hosts and how the run went (`made_up_runs` knows the manners).
const REPORTS: [&str; 7] = [
    "empty:0:well",
    "one:1:well",
    "mixed:1200:mixed",
    "failed:600:failed",
    "under-way:800:under-way",
    "hostile:300:hostile",
    "fleet:50000:mixed",
];

/// The pages of upgrades that they open: name, clusters and how the run went (`made_up_upgrades` knows the manners).
const UPGRADES: [&str; 4] = [
    "upgrade-done:1:done",
    "upgrade-failed:3:failed",
    "upgrade-waiting:1:waiting",
    "upgrade-hostile:2:hostile",
];

/// Where Chromium usually is; `web/test/browser.mjs` looks there too.
const CHROMIUM: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// Checks and tests `web/`.
///
/// # Errors
/// When something that is needed cannot be installed, the embedded page is stale, or a test fails.
pub(super) fn test(workspace: &Workspace) -> Result<(), Failure> {
    let web = npm::installed(workspace, "web")?;
    let here = |name: &str, arguments: &[&str]| {
        let mut command = program(workspace, name, arguments.iter().copied());
        command.current_dir(&web);
        command
    };
    stream(here("npx", &["--no-install", "tsc", "--noEmit"]))?;
    stream(here("node", &["check.mjs"]))?;
    browser(workspace)?;
    stream(cargo(workspace, BUILD))?;
    let reports = made_up_by(workspace, example(workspace, "made_up_runs"), &REPORTS)?;
    made_up_by(workspace, example(workspace, "made_up_upgrades"), &UPGRADES)?;
    let files = ["test/opening.test.mjs", "test/using.test.mjs", "test/upgrade.test.mjs"];
    let mut tests = here("node", &["--test", "--test-concurrency=1"]);
    tests.args(files);
    tests.env("FLEETWRIGHT_REPORTS", &reports).env("FLEETWRIGHT_SHOTS", reports.join("kept"));
    stream(tests)
}

/// Makes sure that there is a Chromium: where it is missing, it is installed as far as we may.
///
/// # Errors
/// When there is none, with how to get one.
pub(crate) fn browser(workspace: &Workspace) -> Result<(), Failure> {
    let named = std::env::var_os("FLEETWRIGHT_CHROMIUM").map(PathBuf::from);
    let there = || CHROMIUM.iter().map(Path::new).any(Path::exists);
    if named.is_some_and(|path| path.exists()) {
        return Ok(());
    }
    let otherwise = "reports are tested in Chromium; name one in FLEETWRIGHT_CHROMIUM";
    debian::install(workspace, "chromium", there, otherwise)
}

/// Writes reports of made-up runs under the target directory and answers where. `profile` is what cargo
/// is told of how to compile the program that makes them up: nothing for the development build.
///
/// # Errors
/// When that program does not compile or fails.
pub(crate) fn made_up(workspace: &Workspace, reports: &[&str], profile: &[&str]) -> Result<PathBuf, Failure> {
    let run = ["run", "--quiet", "--locked", "--package", "fleetwright-report", "--example", "made_up_runs"];
    let mut run = cargo(workspace, run.into_iter().chain(profile.iter().copied()));
    run.arg("--");
    made_up_by(workspace, run, reports)
}

/// An example as the development build left it: cargo would compile what it needs once more if it were
/// asked for this package alone, whose dependencies have fewer features then.
fn example(workspace: &Workspace, name: &str) -> Command {
    let built = workspace.target.join("debug").join("examples").join(name);
    program(workspace, &built.with_extension(std::env::consts::EXE_EXTENSION).to_string_lossy(), [])
}

/// Has this program write what it is asked for.
fn made_up_by(workspace: &Workspace, mut program: Command, reports: &[&str]) -> Result<PathBuf, Failure> {
    let directory = workspace.target.join("web");
    std::fs::create_dir_all(&directory).map_err(|source| Failure::File {
        path: directory.clone(),
        action: "written",
        source,
    })?;
    program.arg(&directory).args(reports);
    stream(program)?;
    Ok(directory)
}
