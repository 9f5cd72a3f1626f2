//! The [`StateMachines`](fleetwright_ports::StateMachines) and [`Executions`](fleetwright_ports::Executions) ports:
//! Step Functions, one signed POST for each call.
//!
//! Definitions, inputs and outputs, which may hold anything, are in no record of a call: what is recorded are ARNs.
//!
//! Source: Step Functions API reference.

mod arns;
mod events;
mod executions;
mod machines;

/// Rows of a page.
const PAGE: u32 = 1_000;
