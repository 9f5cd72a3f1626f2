//! Small plans, steps whose effects can be counted, and what goes on around a run.

pub mod around;
pub mod effects;
pub mod plans;
pub mod step;

pub use around::{Around, Outage};
pub use effects::{Behaviour, Effects, TurnTaken};
pub use step::FakeStep;
