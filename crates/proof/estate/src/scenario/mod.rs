//! Scenario files: one file, one story.
//!
//! A scenario is TOML: accounts by hand and a generated fleet, the way in, request rates, faults,
//! instances by hand. [`Scenario::prepare`] turns it into a world and everything around it.

mod access;
mod balancing;
mod clusters;
mod documents;
mod error;
mod file;
mod images;
mod network;
mod prepare;
mod quotas;

pub use balancing::{BalancerKind, BalancerSection, GroupSection};
pub use clusters::{
    Absent, AccessEntrySection, AddonKindSection, AddonSection, AddonVersionSection, CallerSection,
    ClusterSection, DeprecationSection, FargateSection, InsightSection, IssueSection, NodeGroupSection,
    ObjectSection, PodIdentitySection, PoolSection, SelfManagedSection, SuiteSection, TaintSection,
    TemplateSection, UpgradedSection, WorkloadKind, WorkloadSection,
};
pub use documents::{DocumentSection, PlatformName};
pub use error::ScenarioError;
pub use file::{
    AccessSection, AccountSection, AgentState, ExceptionSection, HubPlace, ImageSection, InstanceSection,
    OrganizationSection, PatchManager, Payment, Permissions, Problem, RootKind, Scenario, State,
};
pub use network::SubnetSection;
pub use prepare::{Hub, Overrides, Prepared};
pub use quotas::QuotaSection;

/// A scenario that was read, with its text for later errors.
#[derive(Clone, Debug)]
pub struct ScenarioFile {
    /// What it says.
    pub scenario: Scenario,
    origin: String,
    text: String,
}

impl ScenarioFile {
    /// Reads a scenario. `origin` is named in errors, usually the file's path.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and column.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ScenarioError> {
        let scenario = toml::from_str(text).map_err(|error| ScenarioError::syntax(origin, text, &error))?;
        Ok(Self { scenario, origin: origin.to_owned(), text: text.to_owned() })
    }

    /// Makes the world and everything around it.
    ///
    /// # Errors
    /// A value that cannot be used: an account that does not exist, a share above 1, too many
    /// instances for one region.
    pub fn prepare(&self, overrides: &Overrides) -> Result<Prepared, ScenarioError> {
        let source = prepare::Source { origin: &self.origin, text: &self.text };
        prepare::prepare(self.scenario.clone(), &source, overrides)
    }
}
