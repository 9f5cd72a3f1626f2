//! Ports: small traits in our nouns. Adapters implement them, the runtime sees nothing else.
//!
//! Each port has a conformance suite in [`conformance`] that every implementation runs.

pub mod accounts;
pub mod audit;
pub mod balancers;
pub mod budgets;
pub mod change_calendars;
pub mod change_records;
pub mod clock;
pub mod cluster_changes;
pub mod clusters;
pub mod commands;
pub mod conformance;
mod endpoints;
pub mod event_rules;
pub mod events;
pub mod executions;
pub mod functions;
pub mod images;
pub mod journal;
pub mod kubernetes;
pub mod language_models;
pub mod logs;
pub mod machines;
pub mod maintenance;
pub mod metrics;
pub mod notifier;
pub mod objects;
pub mod parameters;
pub mod power;
mod queries;
pub mod self_managed;
pub mod stacks;
pub mod state_machines;
pub mod surroundings;

pub use accounts::{Accounts, Rights};
pub use audit::{AuditLog, AuditLogs, AuditTrail};
pub use balancers::{Balancers, Member, MemberState, PoolArn, Registration, ScalingGroup, Seat, SeatHealth};
pub use budgets::Budgets;
pub use change_calendars::ChangeCalendars;
pub use change_records::{Attachment, ChangeRecords};
pub use clock::Clock;
pub use cluster_changes::ClusterChanges;
pub use clusters::{Clusters, Foundations};
pub use commands::{CommandRequest, CommandState, HostCommands, Invocation, InvocationStatus};
pub use endpoints::Endpoints;
pub use event_rules::EventRules;
pub use events::Events;
pub use executions::Executions;
pub use fleetwright_model::permission::{
    Answer, Identity, PermissionAnswer, Refusal, RequiredAction, Verified,
};
pub use functions::Functions;
pub use images::{Image, ImageQuery, ImageRequest, ImageState, Images, Snapshot, SnapshotState};
pub use journal::{
    Artifacts, Claim, Damage, Delivery, HandOver, Journal, JournalError, Letter, LoadedRun, Mail, RunEntry,
    RunId,
};
pub use kubernetes::{Kubernetes, KubernetesApis, KubernetesChanges, KubernetesTokens};
pub use language_models::LanguageModels;
pub use logs::Logs;
pub use machines::{Baseline, InstanceQuery, Machines};
pub use maintenance::MaintenanceWindows;
pub use metrics::{Alarm, AlarmState, Figure, FigureSink, FigureUnit, Measurement, Metrics};
pub use notifier::{Again, NotSent, Notifier};
pub use objects::Objects;
pub use parameters::Parameters;
pub use power::{Power, Pulse, Replacement, Restore, RestoreState};
pub use queries::Queries;
pub use self_managed::{InstanceRefreshes, SelfManagedGroups};
pub use stacks::Stacks;
pub use state_machines::StateMachines;
pub use surroundings::{Announced, Down, Freezes, Outages, Standstill};
