//! Adapters against servers on this machine that are as strict as what they stand for is documented to be.

mod chat;
mod conformance;
mod guard;
mod jira;
mod jira_site;
mod server;
mod servicenow;
mod servicenow_instance;
mod webhook;
mod world;
