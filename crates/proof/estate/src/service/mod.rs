//! The services, one module each.

pub mod ec2;
pub mod page;
pub mod ssm;
