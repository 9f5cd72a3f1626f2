//! Telling people of a run while it is driven.
//!
//! [`Announcer`] looks on as any watcher does: what it is shown becomes notices, which go into bounded
//! queues and are delivered by a task for each channel. Nothing of it can hold a run up or fail it. What
//! is delivered and what is not is in its [`Account`]: nobody takes silence for an arrival.
//!
//! [`ChangeGate`] decides at a run's gates by its change record. [`UpgradeEvents`] puts what happens to clusters on event
//! buses.

mod announcer;
mod change_gate;
mod channel;
mod upgrades;

pub use announcer::{Account, Announcer, Both};
pub use change_gate::{BY, ChangeGate};
pub use channel::{Channel, ChannelAccount};
pub use upgrades::{Buses, Published, UpgradeEvents};
