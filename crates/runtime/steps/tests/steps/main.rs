//! Every step on hosts in memory and in virtual time: what it does, what it does after a crash before
//! and after its effect, how it ends, and how many calls it makes.

mod backup;
mod clean_up;
mod context;
mod costs;
mod custom_check;
mod gate;
mod model;
mod patch;
mod power;
mod precheck;
mod probe;
mod promote;
mod reboot;
mod restore;
mod service;
mod stage;
mod validate;
mod verify;
