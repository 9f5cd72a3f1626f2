//! The wildcards of IAM: `*` for any run of characters, `?` for exactly one.

/// Whether the whole of `text` matches `pattern`; comparison is exact.
///
/// Linear in the length of the text for each star, without recursion, so that a hostile pattern
/// cannot make it explode.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                t += character_length(text[t]);
            }
            Some(&wanted) if wanted == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after_star, from)) = retry else {
                    return false;
                };
                p = after_star;
                t = from + 1;
                retry = Some((after_star, t));
            }
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// Whether an ARN matches a pattern part by part: a star does not reach over the first five
/// colons (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>,
/// "ARN condition operators").
#[must_use]
pub fn arn_matches(pattern: &str, arn: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let mut patterns = pattern.splitn(6, ':');
    let mut parts = arn.splitn(6, ':');
    for _ in 0..6 {
        match (patterns.next(), parts.next()) {
            (Some(pattern), Some(part)) if matches(pattern, part) => {}
            (None, None) => return true,
            _ => return false,
        }
    }
    true
}

/// Bytes of the UTF-8 character that starts with this byte.
fn character_length(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_as_in_iam() {
        assert!(matches("*", ""));
        assert!(matches("ec2:Describe*", "ec2:DescribeInstances"));
        assert!(matches("a?c", "abc"));
        assert!(matches("a?c", "a☃c"));
        assert!(matches("*a*b*", "xxaxxbxx"));
        assert!(!matches("a?c", "ac"));
        assert!(!matches("ec2:Describe*", "ec2:TerminateInstances"));
        assert!(!matches("", "x"));
    }

    #[test]
    fn a_hostile_pattern_is_still_quick() {
        let pattern = "a*".repeat(200) + "b";
        assert!(!matches(&pattern, &"a".repeat(2000)));
    }

    #[test]
    fn a_star_in_an_arn_stays_within_its_part() {
        assert!(arn_matches("arn:aws:iam::*:role/Fleet*", "arn:aws:iam::011122223333:role/FleetScan"));
        assert!(!arn_matches("arn:*", "arn:aws:iam::011122223333:role/FleetScan"));
        assert!(!arn_matches("arn:aws:iam::*", "arn:aws:iam::011122223333:role/x"));
    }
}
