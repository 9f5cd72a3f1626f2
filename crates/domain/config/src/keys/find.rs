//! Finding keys by path: exact, with names in the place of `*`, older spellings, near misses.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use fleetwright_model::nearest;

use super::{Key, Older, all};

/// A key found by a path.
#[derive(Clone, Copy, Debug)]
pub enum Found {
    /// The path is the key's own.
    Current(&'static Key),
    /// The path is an older spelling of the key.
    Older(&'static Key, &'static Older),
}

impl Found {
    /// The key, however it was spelt.
    pub fn key(self) -> &'static Key {
        match self {
            Self::Current(key) | Self::Older(key, _) => key,
        }
    }
}

/// The key at a dotted path, current or older.
pub fn find(path: &str) -> Option<Found> {
    all()
        .find(|key| matches(key.path, path))
        .map(Found::Current)
        .or_else(|| find_older(path).map(|(key, older)| Found::Older(key, older)))
}

/// The key an older spelling stands for.
fn find_older(path: &str) -> Option<(&'static Key, &'static Older)> {
    all()
        .flat_map(|key| key.older.iter().map(move |older| (key, older)))
        .find(|(_, older)| older.path == path)
}

/// True when a path, with names in the place of `*`, is this pattern.
fn matches(pattern: &str, path: &str) -> bool {
    if !pattern.contains('*') {
        return pattern == path;
    }
    let (mut pattern, mut path) = (pattern.split('.'), path.split('.'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(expected), Some(found)) if expected == found || (expected == "*" && !found.is_empty()) => {}
            _ => return false,
        }
    }
}

/// True when keys, current or older, lie below this path.
pub(crate) fn is_section(path: &str) -> bool {
    let above = |full: &str| {
        let depth = path.split('.').count();
        full.split('.').count() > depth && matches(&first_segments(full, depth), path)
    };
    all().any(|key| above(key.path) || key.older.iter().any(|older| above(older.path)))
}

fn first_segments(path: &str, count: usize) -> String {
    path.split('.').take(count).collect::<Vec<_>>().join(".")
}

/// What a misspelt name directly below `section` was probably meant to be: a sibling, or a key
/// elsewhere of the same name. The answer is a full path.
pub(crate) fn suggest_child(section: &str, name: &str) -> Option<String> {
    let depth = if section.is_empty() { 0 } else { section.split('.').count() };
    let child = |full: &str| -> Option<String> {
        let inside = depth == 0 || matches(&first_segments(full, depth), section);
        let next = full.split('.').nth(depth)?;
        (inside && next != "*").then(|| next.to_owned())
    };
    let mut children: BTreeSet<String> = all()
        .flat_map(|key| std::iter::once(key.path).chain(key.older.iter().map(|o| o.path)))
        .filter_map(child)
        .collect();
    if depth == 0 {
        children.insert("environments".to_owned());
    }
    if let Some(best) = nearest(name, children.iter().map(String::as_str)) {
        return Some(if section.is_empty() { best.to_owned() } else { format!("{section}.{best}") });
    }
    elsewhere(section, name)
}

/// A key whose last name is this one, or nearly; the one that shares most of the path wins.
fn elsewhere(section: &str, name: &str) -> Option<String> {
    static LAST_NAMES: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
        all()
            .filter(|key| !key.path.contains('*'))
            .map(|key| (key.path, key.path.rsplit('.').next().unwrap_or(key.path)))
            .collect()
    });
    let best = nearest(name, LAST_NAMES.iter().map(|(_, last)| *last))?;
    let full = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
    LAST_NAMES
        .iter()
        .filter(|(_, last)| *last == best)
        .map(|(path, _)| *path)
        .min_by_key(|path| strsim::damerau_levenshtein(path, &full))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_path_its_older_spelling_and_with_a_name_for_the_star() {
        assert!(matches!(find("aws.region"), Some(Found::Current(key)) if key.path == "aws.region"));
        assert!(
            matches!(find("skip_backup"), Some(Found::Older(key, _)) if key.path == "phases.backup.enabled")
        );
        assert!(
            matches!(find("aws.rates.ec2:DescribeInstances.burst"), Some(Found::Current(key)) if key.path == "aws.rates.*.burst")
        );
        assert!(find("aws.regoin").is_none());
        assert!(find("aws.rates..burst").is_none());
    }

    #[test]
    fn sections_are_what_keys_lie_below() {
        for section in [
            "aws",
            "aws.rates",
            "aws.rates.ssm:SendCommand",
            "phases.scan",
            "workflow.timeouts",
            "server_manager",
        ] {
            assert!(is_section(section), "{section}");
        }
        for other in ["aws.region", "nothing", "aws.rates.x.burst"] {
            assert!(!is_section(other), "{other}");
        }
    }

    #[test]
    fn a_misspelt_name_leads_to_its_sibling_or_to_its_namesake_elsewhere() {
        assert_eq!(suggest_child("aws", "regoin").as_deref(), Some("aws.region"));
        assert_eq!(suggest_child("", "Region").as_deref(), Some("aws.region"));
        assert_eq!(suggest_child("", "enviroments").as_deref(), Some("environments"));
        assert_eq!(
            suggest_child("phases.backup", "retention-days").as_deref(),
            Some("phases.backup.retention_days")
        );
        assert_eq!(suggest_child("", "zzzzzz"), None);
    }
}
