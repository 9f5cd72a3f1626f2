//! Stories of single behaviours.

mod budgets;
mod control;
mod failures;
mod recovery;
mod refusals;
mod scale;
mod stages;
