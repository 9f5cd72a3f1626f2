//! Names that are nearly right.

/// The candidate nearest to `name`, where one is near enough to be meant: at most a third of its
/// characters differ, or it begins with the name. Case and `-` for `_` do not count.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const MAX_NAME: usize = 100;
    const MIN_START: usize = 4;
    if name.chars().nth(MAX_NAME).is_some() {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let wanted = plain(name);
    let allowed = (wanted.chars().count() / 3).max(1);
    let distance = |candidate: &str| {
        let candidate = plain(candidate);
        if wanted.len() >= MIN_START && candidate.starts_with(&wanted) {
            return allowed.min(candidate.len() - wanted.len());
        }
        // The difference in length is a lower bound, and much cheaper.
        match candidate.chars().count().abs_diff(wanted.chars().count()) {
            difference if difference > allowed => usize::MAX,
            _ => strsim::damerau_levenshtein(&candidate, &wanted),
        }
    };
    candidates
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearly_right_is_found_and_what_is_not_is_not() {
        let near = |name: &str| nearest(name, ["TimeoutSeconds", "Next", "max_attempts"].into_iter());
        assert_eq!(near("TimeoutSecond"), Some("TimeoutSeconds"));
        assert_eq!(near("Timeout"), Some("TimeoutSeconds"), "it begins with the name");
        assert_eq!(near("nxet"), Some("Next"));
        assert_eq!(near("max-attempts"), Some("max_attempts"));
        assert_eq!(near("Resource"), None);
        assert_eq!(near(&"x".repeat(101)), None);
    }
}
