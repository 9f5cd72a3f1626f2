//! Versions of the Systems Manager agent, such as `3.3.2746.0`.

use std::cmp::Ordering;

/// Whether `version` is older than `wanted`, number by number; missing numbers count as zero. What is
/// not a version is not called old, and an empty `wanted` asks for nothing.
pub(crate) fn is_older(version: &str, wanted: &str) -> bool {
    let (Some(version), Some(wanted)) = (numbers(version), numbers(wanted)) else { return false };
    let length = version.len().max(wanted.len());
    let at = |numbers: &[u64], index: usize| numbers.get(index).copied().unwrap_or(0);
    (0..length)
        .map(|index| at(&version, index).cmp(&at(&wanted, index)))
        .find(|order| *order != Ordering::Equal)
        == Some(Ordering::Less)
}

fn numbers(version: &str) -> Option<Vec<u64>> {
    version.split('.').map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::is_older;

    #[test]
    fn versions_are_compared_number_by_number() {
        assert!(is_older("3.3.999.0", "3.3.2746.0"));
        assert!(is_older("3.3", "3.3.1"));
        assert!(!is_older("3.3.2746.0", "3.3.2746"));
        assert!(!is_older("4.0.0.0", "3.3.2746.0"));
        assert!(!is_older("3.1.0.0", ""), "nothing is asked for");
    }
}
