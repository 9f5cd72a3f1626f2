//! Telling people and keeping change records: Slack, Teams, signed webhooks, e-mail, ServiceNow, Jira.
//!
//! Every connection goes through [`Reach`], the guard on where it may lead: addresses of metadata
//! services and others that nobody means are refused after the name was resolved, and the connection is
//! made to the very address that was looked at. Redirects are answers, never followed. What fails says
//! whether trying again can help, and holds no secret.

mod address;
mod chat;
mod connection;
mod email;
mod endpoint;
mod http;
mod jira;
mod servicenow;
mod settings;
mod webhook;

pub use address::{Reach, Unreachable};
pub use chat::{Slack, Teams};
pub use email::{Email, EmailSettings, Encryption, Login};
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use jira::{Jira, JiraSettings, LOOKS, SETTLES};
pub use servicenow::{ServiceNow, ServiceNowSettings};
pub use settings::{Credentials, Outbound};
pub use webhook::Webhook;
