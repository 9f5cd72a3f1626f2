//! Insights of a scenario.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::world::eks::insights::{Caller, Category, Deprecation, Insight};
use crate::world::eks::version::Minor;

/// What EKS has found out about a cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsightSection {
    /// Its name.
    pub name: String,
    /// `UPGRADE_READINESS`, `ROLLBACK_READINESS` or `MISCONFIGURATION`.
    pub category: String,
    /// The Kubernetes version that it is about.
    pub version: String,
    /// `PASSING`, `WARNING`, `ERROR` or `UNKNOWN`.
    pub status: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// What to do.
    #[serde(default)]
    pub recommendation: String,
    /// Paths of the Kubernetes objects that it is about.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Deprecated APIs in use.
    #[serde(default)]
    pub deprecations: Vec<DeprecationSection>,
}

/// A deprecated API that is in use.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeprecationSection {
    /// Its path.
    pub usage: String,
    /// The path that takes its place.
    pub replaced_with: String,
    /// The first version that does not serve it.
    pub stops: String,
    /// The first version that serves the replacement.
    pub replacement_since: String,
    /// Who calls it.
    #[serde(default)]
    pub callers: Vec<CallerSection>,
}

/// A client that calls it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerSection {
    /// What it calls itself.
    pub user_agent: String,
    /// Its calls in the last 30 days.
    pub requests: u64,
    /// How many days before the start it called last.
    pub days_ago: f64,
}

/// So many days before a moment.
pub(super) fn days_before(start: Timestamp, days: f64) -> Timestamp {
    let seconds = SignedDuration::from_millis((days * 86_400_000.0) as i64);
    start.checked_sub(seconds).unwrap_or(Timestamp::MIN)
}

/// The insight that a section describes.
///
/// # Errors
/// What is wrong with it.
pub(super) fn insight(cluster: &str, section: &InsightSection, start: Timestamp) -> Result<Insight, String> {
    let category = [Category::Upgrade, Category::Rollback, Category::Misconfiguration];
    let category = category.into_iter().find(|it| it.name() == section.category);
    let category =
        category.ok_or_else(|| format!("insights: there is no category \"{}\"", section.category))?;
    if !["PASSING", "WARNING", "ERROR", "UNKNOWN"].contains(&section.status.as_str()) {
        return Err(format!("insights: there is no status \"{}\"", section.status));
    }
    let version = section.version.parse()?;
    let mut insight = Insight::passing(cluster, &section.name, category, version, start);
    insight.derived = false;
    insight.status.clone_from(&section.status);
    insight.reason.clone_from(&section.reason);
    insight.recommendation.clone_from(&section.recommendation);
    insight.resources.clone_from(&section.resources);
    let all = section.deprecations.iter();
    insight.deprecations = all.map(|it| deprecation(it, start)).collect::<Result<_, String>>()?;
    Ok(insight)
}

fn deprecation(section: &DeprecationSection, start: Timestamp) -> Result<Deprecation, String> {
    let caller = |it: &CallerSection| Caller {
        user_agent: it.user_agent.clone(),
        requests: it.requests,
        last: days_before(start, it.days_ago),
    };
    Ok(Deprecation {
        usage: section.usage.clone(),
        replaced_with: section.replaced_with.clone(),
        stops: section.stops.parse::<Minor>()?,
        replacement_since: section.replacement_since.parse()?,
        callers: section.callers.iter().map(caller).collect(),
    })
}
