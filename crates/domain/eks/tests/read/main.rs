//! Reading the objects of an API server: what is said, what is missing, what cannot be understood.

mod addons;
mod apis;
mod cluster;
mod networks;
mod nodes;
mod unread;
mod webhooks;
mod workloads;
