//! The local driver: it puts what happens into one order, makes it durable, and only then acts.
//!
//! [`drive`] walks one run to its end, or to where it can be resumed. One dispatcher decides and
//! records; *lanes*, one for each place, step and direction, carry steps out in turns and report what
//! became of each target. In every round the dispatcher gathers what was reported, what people
//! decided and which timers fell due, asks the kernel what follows, makes all of it durable in one
//! append, and hands the new work to the lanes. Nothing is handed out whose intent is not durable,
//! and nothing more is handed out once an append was refused.
//!
//! A process may stay until the run is over, or come for a [`Visit`]: it does what is due, leaves the run in
//! good order, and says when more falls due. Who comes next goes on as if nobody had left.
//!
//! All of it runs in the caller's task: under tokio's paused clock the same seed gives the same
//! record.

mod act;
mod company;
mod control;
mod dispatcher;
mod drive;
mod error;
mod frozen;
mod gather;
mod lane;
mod lanes;
mod mail;
mod outages;
mod shared;
mod step_table;
mod surroundings;
mod time;
mod visit;
mod watch;

pub use control::{AtGates, Control, Visit};
pub use drive::{Begin, Concluded, Conclusion, Ports, drive};
pub use error::DriveError;
pub use step_table::StepTable;
pub use surroundings::Surroundings;
pub use watch::{LaneName, Unwatched, Watcher};
