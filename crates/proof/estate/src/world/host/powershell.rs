//! PowerShell, which the estate cannot run itself: whoever composes it may lend one.

use super::view::HostView;

/// What a script came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptResult {
    /// The exit code; 3010 asks for a reboot and another run, as on Windows.
    pub exit_code: i32,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
    /// How long it took by the estate's time, in seconds.
    pub seconds: u64,
}

/// Something that answers PowerShell scripts as a given host would.
///
/// It must answer the same to the same host and script: runs of the estate repeat.
pub trait PowerShell: std::fmt::Debug + Send + Sync {
    /// Runs a script; `None` where it does not know what the script does.
    fn run(&self, host: &HostView<'_>, script: &str) -> Option<ScriptResult>;
}
