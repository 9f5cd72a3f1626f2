//! Small plans, and steps whose effects can be counted.

pub mod effects;
pub mod plans;
pub mod step;

pub use effects::{Behaviour, Effects, TurnTaken};
pub use step::FakeStep;
