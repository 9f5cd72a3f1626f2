//! The nouns of fleetwright: typed ids, landing zones, instances and what is known of them,
//! what could not be found out, and the catalogue of codes that every message carries.
//!
//! Pure data: no clock, no files, no network, no randomness.

pub mod agent;
pub mod calendar;
pub mod canonical;
pub mod code;
pub mod failure;
pub mod ids;
pub mod instance;
pub mod labels;
mod nearest;
pub mod observed;
pub mod patch_state;
pub mod permission;
pub mod phase;
pub mod redaction;
pub mod zone;

pub use agent::{AgentFacts, PingStatus};
pub use calendar::{CalendarAnswer, CalendarState};
pub use code::{Code, Exit};
pub use failure::{ErrorClass, Failure};
pub use ids::{AccountId, InstanceId, InvalidId, Region, RoleArn, Text, ZoneName};
pub use instance::{
    Hardware, HealthCheck, Instance, InstanceState, Lifecycle, OsFamily, PLATFORM_NAMES, Storage,
    SystemHealth, Tags,
};
pub use labels::LabelKeys;
pub use nearest::nearest;
pub use observed::{Answers, Gap, GapSubject, Observed, Partial};
pub use patch_state::{PatchDetail, PatchFacts, PatchStatus};
pub use permission::{Answer, Identity, PermissionAnswer, Refusal, RequiredAction, Verified};
pub use phase::Phase;
pub use zone::{Access, Cell, ExternalId, OrganizationAccount, OrganizationScope, Regions, Zone};
