//! What runs inside an instance: its software, its boots, its agent's comings and goings.
//!
//! A host is made when something first happens to it; until then it is what its platform's
//! [`profile`] and its last patch report say. So a hundred thousand hosts cost nothing.

pub mod accounts;
pub mod environment;
pub mod fault;
pub mod life;
pub mod powershell;
pub mod profile;
pub mod shell;
pub mod state;
pub mod view;

use jiff::Timestamp;

use super::command::{CommandChange, InvocationRef, run};
use super::ids::InstanceId;
use super::timeline::Place;

pub use environment::{Environment, Hosts};
pub use life::{HostEvent, HostEventKind, RebootCause, reboot, root_replaced, started, stopped};
pub use powershell::{PowerShell, ScriptResult};
pub use state::{Host, Software};
pub use view::HostView;

/// Something that becomes due on a host, on its agent, or with a command.
///
/// A change that belongs to a boot names it, and is ignored once another boot has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostChange {
    /// The operating system is up again.
    BootDone {
        /// The instance.
        instance: InstanceId,
        /// The boot that is done.
        boot: u128,
    },
    /// The agent has registered after a boot.
    AgentBack {
        /// The instance.
        instance: InstanceId,
        /// The boot it came with.
        boot: u128,
    },
    /// Both status checks have passed after a boot.
    ChecksPassed {
        /// The instance.
        instance: InstanceId,
        /// The boot they are of.
        boot: u128,
    },
    /// A command of Systems Manager goes on.
    Command(CommandChange),
}

/// Makes a change that is due now.
pub fn apply(place: &mut Place<'_>, change: HostChange, at: Timestamp) {
    match change {
        HostChange::BootDone { instance, boot } => life::boot_done(place, instance, boot, at),
        HostChange::AgentBack { instance, boot } => life::agent_back(place, instance, boot, at),
        HostChange::ChecksPassed { instance, boot } => life::checks_passed(place, instance, boot, at),
        HostChange::Command(change) => run::apply(place, change, at),
    }
}
