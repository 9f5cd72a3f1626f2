//! The scripts, and how they are put together with their parameters.
//!
//! POSIX sh on Linux (run in the tests by dash, bash and busybox where they are), Windows PowerShell 5.1
//! on Windows. The PowerShell scripts are not run by the tests, which have no Windows: they are kept
//! short, and the tests compare what they say with what is read.

use fleetwright_model::OsFamily;

use crate::load::LoadTarget;
use crate::questions::{InvalidQuestion, Questions, Repositories};
use crate::quote::{UnquotableValue, posix_export, powershell_assign};
use crate::reboot::RebootRequest;

/// What understands a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shell {
    /// POSIX sh, through `AWS-RunShellScript`.
    Posix,
    /// Windows PowerShell 5.1, through `AWS-RunPowerShellScript`.
    PowerShell,
}

impl Shell {
    /// The shell of hosts with this operating system; none where we have no scripts, which is macOS.
    pub fn of(os: OsFamily) -> Option<Self> {
        match os {
            OsFamily::Windows => Some(Self::PowerShell),
            OsFamily::Linux => Some(Self::Posix),
            OsFamily::MacOs => None,
        }
    }

    /// The Systems Manager document that runs it.
    pub fn document(self) -> &'static str {
        match self {
            Self::Posix => "AWS-RunShellScript",
            Self::PowerShell => "AWS-RunPowerShellScript",
        }
    }
}

/// What to run on the hosts of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Look at the host; change nothing.
    Survey(Questions),
    /// Reboot it, at most once.
    Reboot(RebootRequest),
    /// Ask whether others can rely on it: the script ends with 0 where they can.
    Probe(ProbeRequest),
}

/// What must hold on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProbeRequest {
    /// Commands that must end with 0, [`COMMANDS_MAX`] at most, each on one line: of the shell on Linux,
    /// of PowerShell on Windows.
    pub commands: Vec<String>,
    /// Addresses as the host sees them, which must answer with 200 to 399.
    pub urls: Vec<String>,
}

/// The most commands of one probe.
pub const COMMANDS_MAX: usize = 4;

/// The variables that carry them.
const COMMANDS: [&str; COMMANDS_MAX] = ["FW_COMMAND_1", "FW_COMMAND_2", "FW_COMMAND_3", "FW_COMMAND_4"];

/// Why a request cannot be put into a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A question that cannot be asked.
    #[error(transparent)]
    Question(#[from] InvalidQuestion),
    /// A value that no script can take.
    #[error(transparent)]
    Value(#[from] UnquotableValue),
    /// More commands than a probe has room for.
    #[error("{0} commands to probe a host with; at most {COMMANDS_MAX} fit: put some of its sets together")]
    Commands(usize),
    /// A run's name that would not be safe in a file or an answer.
    #[error("run {0:?}: expected 1 to 64 letters, digits, '-', '_' and '.'")]
    Run(String),
}

const POSIX_ANSWER: &str = include_str!("../scripts/linux/answer.sh");
const POSIX_PENDING_REBOOT: &str = include_str!("../scripts/linux/pending_reboot.sh");
const POSIX_PACKAGES: &str = include_str!("../scripts/linux/packages.sh");
const POSIX_USERS: &str = include_str!("../scripts/linux/users.sh");
const POSIX_SURVEY: &str = include_str!("../scripts/linux/survey.sh");
const POSIX_HTTP: &str = include_str!("../scripts/linux/http.sh");
const POSIX_PROBE: &str = include_str!("../scripts/linux/probe.sh");
const POSIX_REBOOT: &str = include_str!("../scripts/linux/reboot.sh");
const POWERSHELL_ANSWER: &str = include_str!("../scripts/windows/answer.ps1");
const POWERSHELL_PENDING_REBOOT: &str = include_str!("../scripts/windows/pending_reboot.ps1");
const POWERSHELL_SURVEY: &str = include_str!("../scripts/windows/survey.ps1");
const POWERSHELL_HTTP: &str = include_str!("../scripts/windows/http.ps1");
const POWERSHELL_PROBE: &str = include_str!("../scripts/windows/probe.ps1");
const POWERSHELL_REBOOT: &str = include_str!("../scripts/windows/reboot.ps1");

/// The `commands` parameter of [`Shell::document`]: assignments of the parameters, then the script, one
/// element per line. The text depends on the request only, never on the host.
///
/// # Errors
/// [`RenderError`] names the value that cannot be used.
pub fn render(shell: Shell, request: &Request) -> Result<Vec<String>, RenderError> {
    let mut commands = Vec::new();
    for (name, value) in parameters(request)? {
        commands.push(match shell {
            Shell::Posix => posix_export(name, &value)?,
            Shell::PowerShell => powershell_assign(name, &value)?,
        });
    }
    commands.extend(parts(shell, request).iter().flat_map(|part| part.lines()).map(str::to_owned));
    Ok(commands)
}

fn parts(shell: Shell, request: &Request) -> &'static [&'static str] {
    match (shell, request) {
        (Shell::Posix, Request::Survey(_)) => {
            &[POSIX_ANSWER, POSIX_PENDING_REBOOT, POSIX_PACKAGES, POSIX_HTTP, POSIX_USERS, POSIX_SURVEY]
        }
        (Shell::Posix, Request::Reboot(_)) => &[POSIX_ANSWER, POSIX_PENDING_REBOOT, POSIX_REBOOT],
        (Shell::PowerShell, Request::Survey(_)) => {
            &[POWERSHELL_ANSWER, POWERSHELL_PENDING_REBOOT, POWERSHELL_HTTP, POWERSHELL_SURVEY]
        }
        (Shell::PowerShell, Request::Reboot(_)) => {
            &[POWERSHELL_ANSWER, POWERSHELL_PENDING_REBOOT, POWERSHELL_REBOOT]
        }
        (Shell::Posix, Request::Probe(_)) => &[POSIX_ANSWER, POSIX_HTTP, POSIX_PROBE],
        (Shell::PowerShell, Request::Probe(_)) => &[POWERSHELL_ANSWER, POWERSHELL_HTTP, POWERSHELL_PROBE],
    }
}

fn parameters(request: &Request) -> Result<Vec<(&'static str, String)>, RenderError> {
    match request {
        Request::Survey(questions) => {
            questions.check()?;
            let probe = match questions.repositories {
                Repositories::Probe => "probe",
                Repositories::Skip => "skip",
            };
            Ok(vec![
                ("FW_SERVICES", questions.services.join(" ")),
                ("FW_AGENTS", questions.agents.join(" ")),
                ("FW_HEALTH", questions.health.join(" ")),
                ("FW_DATABASES", questions.databases.join(" ")),
                ("FW_REPOSITORIES", probe.to_owned()),
                ("FW_LOAD", load_words(&questions.load)),
                ("FW_LOAD_RATE", questions.pace.per_second.to_string()),
                ("FW_LOAD_SECONDS", questions.pace.seconds.to_string()),
            ])
        }
        Request::Probe(probe) => {
            Questions { health: probe.urls.clone(), ..Questions::default() }.check()?;
            if probe.commands.len() > COMMANDS_MAX {
                return Err(RenderError::Commands(probe.commands.len()));
            }
            let command = |at: usize| probe.commands.get(at).cloned().unwrap_or_default();
            let commands = COMMANDS.iter().enumerate().map(|(at, name)| (*name, command(at)));
            Ok(commands.chain([("FW_HEALTH", probe.urls.join(" "))]).collect())
        }
        Request::Reboot(reboot) => {
            let named = (1..=64).contains(&reboot.run.len())
                && reboot.run.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            if !named {
                return Err(RenderError::Run(reboot.run.chars().take(80).collect()));
            }
            let expected: Vec<_> =
                reboot.expected.iter().map(|(instance, boot)| format!("{instance}={boot}")).collect();
            Ok(vec![
                ("FW_STRATEGY", reboot.strategy.as_str().to_owned()),
                ("FW_EXPECT", expected.join(" ")),
                ("FW_RUN", reboot.run.clone()),
            ])
        }
    }
}

/// `REQUESTS URL` of each, or `REQUESTS STATUS=URL`, in one line.
fn load_words(targets: &[LoadTarget]) -> String {
    let words: Vec<_> = targets.iter().map(|it| format!("{} {}", it.requests, it.address())).collect();
    words.join(" ")
}
