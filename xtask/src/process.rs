//! Running programs: streamed to the terminal, or read.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::workspace::{Failure, Workspace};

/// A program with its arguments, in the workspace's root.
pub(crate) fn program<'a>(
    workspace: &Workspace,
    name: &str,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(&workspace.root);
    command
}

/// The cargo that runs this, with its arguments.
pub(crate) fn cargo<'a>(workspace: &Workspace, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let name = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    program(workspace, &name, arguments)
}

/// Runs it with its output on the terminal.
///
/// # Errors
/// When it cannot be started or does not end with success.
pub(crate) fn stream(mut command: Command) -> Result<(), Failure> {
    let line = display(&command);
    println!("$ {line}");
    let status = command.status().map_err(|source| Failure::Start { command: line.clone(), source })?;
    if status.success() { Ok(()) } else { Err(Failure::Ended { command: line, status }) }
}

/// Runs it and gives back what it wrote to stdout; its stderr goes to the terminal.
///
/// # Errors
/// When it cannot be started, does not end with success, or writes something that is not UTF-8.
pub(crate) fn read(mut command: Command) -> Result<String, Failure> {
    let line = display(&command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| Failure::Start { command: line.clone(), source })?;
    if !output.status.success() {
        return Err(Failure::Ended { command: line, status: output.status });
    }
    String::from_utf8(output.stdout)
        .map_err(|cause| Failure::Answer { command: line, what: cause.to_string() })
}

/// The command line as a person would type it.
fn display(command: &Command) -> String {
    let name = std::path::Path::new(command.get_program());
    let name = name.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    command.get_args().fold(name, |line, argument| line + " " + &argument.to_string_lossy())
}

/// The binary: the one `FLEETWRIGHT_BIN` names, or the development build, brought up to date.
///
/// It is built as the tests are, all crates at once, so that both share one set of artefacts.
///
/// # Errors
/// When it does not compile.
pub(crate) fn fleetwright(workspace: &Workspace) -> Result<PathBuf, Failure> {
    if let Some(given) = std::env::var_os("FLEETWRIGHT_BIN") {
        return Ok(given.into());
    }
    stream(cargo(workspace, BUILD))?;
    Ok(workspace.target.join("debug").join("fleetwright").with_extension(std::env::consts::EXE_EXTENSION))
}

/// The development build: everything that tests and chores need, with one set of features.
pub(crate) const BUILD: [&str; 4] = ["build", "--workspace", "--all-targets", "--locked"];
