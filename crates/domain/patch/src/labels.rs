//! What an organisation says about its instances in tags.

use std::fmt;

use fleetwright_model::{LabelKeys, Tags, Text};

/// How critical an instance is, most critical first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Criticality {
    /// Critical, tier 0 or 1, mission critical.
    Critical,
    /// High.
    High,
    /// Medium, normal.
    Medium,
    /// Low.
    Low,
    /// The tag says something else.
    Other(Text),
}

impl Criticality {
    fn read(value: &Text) -> Self {
        match value.trim().to_ascii_lowercase().as_str() {
            "critical" | "mission-critical" | "tier0" | "tier-0" | "tier1" | "tier-1" | "p0" | "p1" => {
                Self::Critical
            }
            "high" | "tier2" | "tier-2" | "p2" => Self::High,
            "medium" | "normal" | "moderate" | "tier3" | "tier-3" | "p3" => Self::Medium,
            "low" | "tier4" | "tier-4" | "p4" => Self::Low,
            _ => Self::Other(value.clone()),
        }
    }
}

impl fmt::Display for Criticality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Other(text) => text,
        })
    }
}

/// The labels of one instance. Texts are untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The application.
    pub application: Option<Text>,
    /// The environment.
    pub environment: Option<Text>,
    /// How critical it is; `None` where no tag says so.
    pub criticality: Option<Criticality>,
    /// The patch group.
    pub patch_group: Option<Text>,
    /// The maintenance window.
    pub maintenance_window: Option<Text>,
    /// The set of hosts that depend on each other it belongs to.
    pub order_group: Option<Text>,
    /// Its part in that set.
    pub order_role: Option<Text>,
    /// False only where a tag says that no backup is needed.
    pub requires_backup: bool,
    /// True where a tag says that the instance is to be left alone.
    pub opted_out: bool,
}

impl Labels {
    /// Reads the labels from an instance's tags.
    pub fn read(tags: &Tags, keys: &LabelKeys) -> Self {
        let text = |keys: &[String]| first(tags, keys).cloned();
        Self {
            application: text(&keys.application),
            environment: text(&keys.environment),
            criticality: first(tags, &keys.criticality).map(Criticality::read),
            patch_group: text(&keys.patch_group),
            maintenance_window: text(&keys.maintenance_window),
            order_group: text(&keys.order_group),
            order_role: text(&keys.order_role),
            requires_backup: !first(tags, &keys.requires_backup).is_some_and(|value| says_no(value)),
            // A bare opt-out tag without a value opts out: leaving a host alone is the safe reading.
            opted_out: first_even_empty(tags, &keys.opt_out).is_some_and(|value| !says_no(value)),
        }
    }
}

fn first<'a>(tags: &'a Tags, keys: &[String]) -> Option<&'a Text> {
    keys.iter().filter_map(|key| tags.get(key.as_str())).find(|value| !value.trim().is_empty())
}

fn first_even_empty<'a>(tags: &'a Tags, keys: &[String]) -> Option<&'a Text> {
    keys.iter().find_map(|key| tags.get(key.as_str()))
}

fn says_no(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "no" | "false" | "0" | "off" | "never")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> LabelKeys {
        LabelKeys {
            criticality: vec!["Criticality".into()],
            patch_group: vec!["Patch Group".into(), "PatchGroup".into()],
            requires_backup: vec!["Backup".into()],
            opt_out: vec!["PatchOptOut".into()],
            ..LabelKeys::default()
        }
    }

    fn labels(tags: &[(&str, &str)]) -> Labels {
        let tags: Tags = tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        Labels::read(&tags, &keys())
    }

    #[test]
    fn the_first_key_with_a_value_wins() {
        let read = labels(&[("PatchGroup", "second"), ("Patch Group", "  ")]);
        assert_eq!(read.patch_group.as_deref(), Some("second"));
    }

    #[test]
    fn without_tags_a_backup_is_needed_and_nothing_is_opted_out() {
        let read = labels(&[]);
        assert!(read.requires_backup && !read.opted_out);
        assert_eq!(read.criticality, None);
    }

    #[test]
    fn an_opt_out_tag_without_a_value_opts_out_and_one_that_says_no_does_not() {
        assert!(labels(&[("PatchOptOut", "")]).opted_out);
        assert!(labels(&[("PatchOptOut", "until March")]).opted_out);
        assert!(!labels(&[("PatchOptOut", "False")]).opted_out);
    }

    #[test]
    fn only_a_clear_no_waives_the_backup() {
        assert!(labels(&[("Backup", "maybe")]).requires_backup);
        assert!(!labels(&[("Backup", "no")]).requires_backup);
    }

    #[test]
    fn criticality_is_ordered_and_keeps_words_of_its_own() {
        assert_eq!(labels(&[("Criticality", "Tier-1")]).criticality, Some(Criticality::Critical));
        assert_eq!(labels(&[("Criticality", "gold")]).criticality, Some(Criticality::Other("gold".into())));
        assert!(Criticality::Critical < Criticality::Low);
    }
}
