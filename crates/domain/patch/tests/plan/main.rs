//! Plans, as stories.

mod basics;
mod budgets;
mod checker;
mod ordering;
mod samples;
mod told;
mod waves;
mod windows;
