//! Python environments of our own for software of others, and the referees that run in one.

use std::path::{Path, PathBuf};

use super::{kubectl, npm};
use crate::process::{fleetwright, program, stream};
use crate::workspace::{self, Failure, Workspace};

/// Lets boto3, the AWS CLI, moto, kubectl and what is of npm's judge the estate and the binary.
///
/// # Errors
/// When the environment cannot be made, the binary does not compile, or a referee disagrees.
pub(super) fn referee(workspace: &Workspace) -> Result<(), Failure> {
    let binary = fleetwright(workspace)?;
    let python = environment(workspace, "tests/referee")?;
    npm::installed(workspace, "tests/referee")?;
    let kubectl = kubectl::program(workspace)?;
    let python = python.to_string_lossy();
    // A name that is nowhere is told at once, and not when the test that needs it has run for minutes.
    stream(program(workspace, &python, ["-m", "ruff", "check", "--no-cache", "tests"]))?;
    // Three files at a time, each with an estate of its own: they wait as much as they compute. In the order
    // of their names: by the number of their tests, the few that take minutes each would come last.
    let side_by_side = ["--numprocesses", "3", "--dist", "loadfile", "--no-loadscope-reorder"];
    let pytest = ["-m", "pytest", "-ra", "tests/referee"].into_iter().chain(side_by_side);
    let mut command = program(workspace, &python, pytest);
    command.env("FLEETWRIGHT_BIN", binary).env("FLEETWRIGHT_KUBECTL", kubectl);
    stream(command)
}

/// The Python of the virtual environment `DIRECTORY/.venv`, holding exactly what
/// `DIRECTORY/requirements.txt` pins; made anew when that file changed.
///
/// # Errors
/// When Python 3 is missing, or a package cannot be installed.
pub(crate) fn environment(workspace: &Workspace, directory: &str) -> Result<PathBuf, Failure> {
    let requirements = workspace.root.join(directory).join("requirements.txt");
    let wanted = workspace::read(&requirements)?;
    let venv = workspace.root.join(directory).join(".venv");
    let python = venv.join("bin").join("python");
    let installed = venv.join("installed.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    let text = |path: &Path| path.to_string_lossy().into_owned();
    make(workspace, &text(&venv))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    let arguments = pip.into_iter().map(str::to_owned).chain([text(&requirements)]);
    let mut install = program(workspace, &text(&python), []);
    install.args(arguments);
    stream(install)?;
    workspace::write(&installed, &wanted)?;
    Ok(python)
}

/// Makes an empty environment. Debian keeps what that takes in a package of its own: where it is
/// missing, it is installed as far as we may, and otherwise the failure says how.
fn make(workspace: &Workspace, venv: &str) -> Result<(), Failure> {
    let attempt = || stream(program(workspace, "python3", ["-m", "venv", "--clear", venv]));
    if attempt().is_ok() {
        return Ok(());
    }
    println!("python3 cannot make virtual environments; Debian has that in the package python3-venv");
    stream(program(workspace, "apt-get", ["install", "--yes", "python3-venv"]))?;
    attempt()
}
