//! A simulated AWS that speaks the real wire protocols.
//!
//! It is judged by software nobody here wrote (botocore, the AWS CLI, the official Rust SDK) and
//! depends on nothing of fleetwright, so that it cannot share fleetwright's mistakes.

mod attempt;
pub mod authorize;
pub mod call;
pub mod calls;
pub mod checkers;
pub mod clock;
pub mod environment;
pub mod estate;
pub mod events;
pub mod fault;
pub mod front;
pub mod functions;
pub mod generate;
pub mod kubernetes;
pub mod landing_zones;
pub mod limits;
mod logs;
pub mod policy;
pub mod scenario;
pub mod service;
pub mod trail;
pub mod wire;
pub mod world;
