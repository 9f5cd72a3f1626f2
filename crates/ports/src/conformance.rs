//! What every implementation of a port must do, as suites its tests call.

pub mod machines;
