//! One module per command.

pub mod apply;
pub mod approvals;
pub mod audit;
pub mod bundle;
pub mod cloud;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod estate;
pub mod executions;
pub mod machines;
pub mod notify;
pub mod parameters;
pub mod pipeline;
pub mod places;
pub mod plan;
pub mod plans;
pub mod policy;
pub mod reference;
pub mod report;
pub mod rollback;
pub mod run;
pub mod runs;
pub mod scan;
pub mod template;
pub mod window;
