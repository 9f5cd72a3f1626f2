//! Stories of single behaviours.

mod budgets;
mod control;
mod failures;
mod recovery;
mod scale;
mod stages;
