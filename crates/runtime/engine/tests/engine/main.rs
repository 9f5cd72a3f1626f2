//! Runs driven over a journal in memory, in virtual time, with steps whose effects are counted.

mod control;
mod journal;
mod lanes;
mod scale;
mod shared;
mod surroundings;
mod visits;
mod walk;
mod windows;
mod world;
