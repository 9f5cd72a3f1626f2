//! What Systems Manager knows of the agent on an instance.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use crate::Text;
use crate::instance::named;

named! {
    /// Whether the agent answers.
    /// Source: SSM API reference, InstanceInformation, PingStatus.
    PingStatus {
        /// The agent pinged within five minutes.
        Online = "Online",
        /// The agent has stopped pinging.
        ConnectionLost = "ConnectionLost",
        /// The agent has been silent for long.
        Inactive = "Inactive",
        /// A status this version does not know.
        Unknown = "Unknown",
    }
}

/// A row of DescribeInstanceInformation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentFacts {
    /// Whether the agent answers.
    pub ping: PingStatus,
    /// When it last did.
    pub last_ping: Option<Timestamp>,
    /// Agent version, e.g. `3.3.2746.0`.
    pub version: Option<Text>,
    /// Name of the operating system as the agent reports it, e.g. "Amazon Linux".
    pub platform_name: Option<Text>,
    /// Version of the operating system, e.g. "2023".
    pub platform_version: Option<Text>,
    /// The address the agent reports.
    pub ip: Option<IpAddr>,
    /// The host's own name; untrusted text.
    pub computer_name: Option<Text>,
}
