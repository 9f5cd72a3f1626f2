//! The `fleetwright` command: where the parts are put together.
//!
//! Files, environment, terminal, signals and exit codes live here and nowhere else.

pub mod app;
pub mod args;
pub mod bench;
pub mod cells;
pub mod commands;
pub mod console;
pub mod diagnosis;
pub mod driving;
pub mod earlier_scan;
pub mod environment;
pub mod estate_time;
pub mod evidence;
pub mod failure;
pub mod figures;
pub mod files;
pub mod fleet;
pub mod generated;
pub mod heads;
pub mod hub;
pub mod interrupt;
pub mod keyring;
pub mod learning;
pub mod live;
pub mod maintenance;
pub mod notifying;
pub mod on_record;
pub mod one_place;
pub mod outgoing;
pub mod planning;
pub mod policy_scope;
pub mod reference;
pub mod rehearsal;
pub mod report_files;
pub mod roll_out;
pub mod run_events;
pub mod run_input;
pub mod run_live;
pub mod running;
pub mod settings;
pub mod simulated;
pub mod staged_run;
pub mod state;
pub mod telemetry;
pub mod windows_hosts;
