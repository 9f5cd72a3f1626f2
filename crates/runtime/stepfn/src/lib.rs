//! The driver on Step Functions.
//!
//! A state machine holds nothing but shape: [`machine`] makes its definition. It takes a *turn*, waits as long
//! as the turn says, or for a decision, and takes the next one, until the run is over. A [`turn`] is a visit of the
//! engine that drives runs on one machine ([`fleetwright_engine::Visit`]): the same kernel decides, the same steps
//! act, and the journal knows every record, so that a run looks the same wherever it was driven.
//!
//! Only the name of the run crosses the machine's boundary; plan, records and files are in the journal and beside
//! it. What Step Functions allows (25,000 events of history, 256 KiB of payload, a year) is kept by [`Pace`]: the
//! longer a run takes, the further its turns are apart.

mod machine;
mod pace;
mod turn;

pub use machine::{ErrorName, Function, Shape, machine, upgrade_machine};
pub use pace::{EVENTS_PER_TURN, MOST_TURNS, Pace};
pub use turn::{Answer, Next, Taken, TurnError, turn};
