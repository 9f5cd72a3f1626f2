//! Stories of single behaviours.

mod budgets;
mod control;
mod decisions;
mod down;
mod failures;
mod growth;
mod recovery;
mod refusals;
mod scale;
mod stages;
mod windows;
