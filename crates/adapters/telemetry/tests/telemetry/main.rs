//! Logs, traces and metrics as somebody else sees them: in files, at a collector, on a port.

mod collector;
mod endpoints;
mod export;
mod lines;
mod queries;
mod surroundings;
