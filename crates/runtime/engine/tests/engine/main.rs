//! Runs driven over a journal in memory, in virtual time, with steps whose effects are counted.

mod control;
mod journal;
mod lanes;
mod scale;
mod walk;
mod windows;
mod world;
