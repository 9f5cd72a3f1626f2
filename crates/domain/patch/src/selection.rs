//! Which instances are meant, where EC2 itself cannot decide it.

use std::collections::BTreeMap;

use fleetwright_model::{Instance, Zone};

use crate::pattern::{InvalidPattern, Patterns};
use crate::platform::Platform;

/// What a command asks for beyond what EC2 can filter. Empty lists take all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Patterns on names and ids to take.
    pub include: Vec<String>,
    /// Patterns on names and ids to leave out.
    pub exclude: Vec<String>,
    /// Names of [`fleetwright_model::PLATFORM_NAMES`].
    pub platforms: Vec<String>,
}

/// The filters of a command together with those of one landing zone, compiled.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    include: Vec<Patterns>,
    exclude: Patterns,
    platforms: Vec<String>,
    tagged: Vec<(String, Patterns)>,
}

impl Selection {
    /// An instance must pass the command's filters and the zone's. `tags` are the command's tag
    /// filters; those on a key that the zone filters as well are checked here, because a query of
    /// EC2 carries one filter per key.
    ///
    /// # Errors
    /// A pattern that cannot be understood.
    pub fn new(
        filters: &Filters,
        tags: &BTreeMap<String, Vec<String>>,
        zone: &Zone,
    ) -> Result<Self, InvalidPattern> {
        let compile = |patterns: &[String]| Patterns::new(patterns.iter().map(String::as_str));
        let include = [compile(&filters.include)?, compile(&zone.include)?];
        let tagged = tags
            .iter()
            .filter(|(key, _)| zone.tags.contains_key(*key))
            .map(|(key, values)| Ok((key.clone(), compile(values)?)))
            .collect::<Result<_, InvalidPattern>>()?;
        Ok(Self {
            include: include.into_iter().filter(|patterns| !patterns.is_empty()).collect(),
            exclude: Patterns::new(filters.exclude.iter().chain(&zone.exclude).map(String::as_str))?,
            platforms: filters.platforms.clone(),
            tagged,
        })
    }

    /// Whether the instance's id, name and tags pass.
    pub fn takes(&self, instance: &Instance) -> bool {
        let matches = |patterns: &Patterns| {
            patterns.matches(instance.id.as_str())
                || instance.name.as_deref().is_some_and(|name| patterns.matches(name))
        };
        let tagged = |(key, values): &(String, Patterns)| {
            instance.tags.get(key.as_str()).is_some_and(|value| values.matches(value))
        };
        self.include.iter().all(matches) && !matches(&self.exclude) && self.tagged.iter().all(tagged)
    }

    /// Whether the platform passes. Judged after the agent's facts are in, because only the agent
    /// tells one Linux from another.
    pub fn takes_platform(&self, platform: &Platform) -> bool {
        self.platforms.is_empty() || self.platforms.iter().any(|wanted| platform.may_be(wanted))
    }
}
