//! One module per command.

pub mod config;
pub mod demo;
pub mod doctor;
pub mod estate;
pub mod reference;
pub mod run;
pub mod scan;
