//! Telling people of a run without holding it up, and gates that a change record decides.

mod change_gate;
mod delivery;
mod world;
