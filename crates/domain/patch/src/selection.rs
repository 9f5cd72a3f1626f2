//! Which instances are meant, where EC2 itself cannot decide it.

use fleetwright_model::{Instance, Zone};

use crate::pattern::{InvalidPattern, Patterns};
use crate::platform::Platform;

/// Filters by name and platform; tags, ids and states are filtered by EC2.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    include: Vec<Patterns>,
    exclude: Patterns,
    platforms: Vec<String>,
}

impl Selection {
    /// The command's own filters together with the landing zone's: an instance must pass both.
    /// An empty `include` takes all; `platforms` are names of [`Platform::NAMES`].
    ///
    /// # Errors
    /// A pattern that cannot be understood.
    pub fn new(
        include: &[String],
        exclude: &[String],
        platforms: &[String],
        zone: &Zone,
    ) -> Result<Self, InvalidPattern> {
        let compile = |patterns: &[String]| Patterns::new(patterns.iter().map(String::as_str));
        let include = [compile(include)?, compile(&zone.include)?];
        Ok(Self {
            include: include.into_iter().filter(|patterns| !patterns.is_empty()).collect(),
            exclude: Patterns::new(exclude.iter().chain(&zone.exclude).map(String::as_str))?,
            platforms: platforms.to_vec(),
        })
    }

    /// Whether the instance's id and name pass.
    pub fn takes(&self, instance: &Instance) -> bool {
        let matches = |patterns: &Patterns| {
            patterns.matches(instance.id.as_str())
                || instance.name.as_deref().is_some_and(|name| patterns.matches(name))
        };
        self.include.iter().all(matches) && !matches(&self.exclude)
    }

    /// Whether the platform passes. Judged after the agent's facts are in, because only the agent
    /// tells one Linux from another.
    pub fn takes_platform(&self, platform: &Platform) -> bool {
        self.platforms.is_empty() || self.platforms.iter().any(|wanted| platform.may_be(wanted))
    }
}
