//! What a number must be, absolutely or beside what it was before.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// At most so much.
    AtMost(f64),
    /// At least so much.
    AtLeast(f64),
    /// At most so many percent more than before the upgrade.
    AboveBefore(f64),
    /// At most so many percent less than before the upgrade.
    BelowBefore(f64),
}

/// Its numbers are finite: nothing else is read, and JSON has nothing else.
impl Eq for Rule {}

impl Rule {
    /// Whether a value is as it must be, where it was `before`.
    pub(crate) fn holds(self, value: f64, before: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= bound,
            Self::AtLeast(bound) => value >= bound,
            Self::AboveBefore(percent) => value <= before + before.abs() * percent / 100.0,
            Self::BelowBefore(percent) => value >= before - before.abs() * percent / 100.0,
        }
    }

    /// Whether a value broke the rule newly: what was out of bounds before is as bad as it was, unless it went further.
    pub fn is_broken(self, value: f64, before: f64) -> bool {
        if self.holds(value, before) {
            return false;
        }
        match self {
            Self::AtMost(bound) => before <= bound || value > before,
            Self::AtLeast(bound) => before >= bound || value < before,
            Self::AboveBefore(_) | Self::BelowBefore(_) => true,
        }
    }

    /// Reads what stands behind a comparison, which is `<=` or `>=`.
    ///
    /// # Errors
    /// In words.
    pub(super) fn read(comparison: &str, text: &str) -> Result<Self, &'static str> {
        let no_number = "what it is compared with is no number";
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        let Some(share) = text.trim().strip_prefix("before") else {
            let bound = number(text).ok_or(no_number)?;
            return Ok(if comparison == "<=" { Self::AtMost(bound) } else { Self::AtLeast(bound) });
        };
        let (sign, rule): (char, fn(f64) -> Self) = match comparison {
            "<=" => ('+', Self::AboveBefore),
            _ => ('-', Self::BelowBefore),
        };
        let share = share.trim();
        if share.is_empty() {
            return Ok(rule(0.0));
        }
        let percent = share.strip_prefix(sign).and_then(|share| share.strip_suffix('%')).and_then(number);
        percent
            .filter(|percent| *percent >= 0.0)
            .map(rule)
            .ok_or("behind `before` comes a percentage with its sign, such as +10%")
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "<= {bound}"),
            Self::AtLeast(bound) => write!(f, ">= {bound}"),
            Self::AboveBefore(percent) => write!(f, "<= before +{percent}%"),
            Self::BelowBefore(percent) => write!(f, ">= before -{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_broke_newly_or_got_worse_counts() {
        assert!(!Rule::AtMost(1.0).is_broken(1.0, 0.0));
        assert!(Rule::AtMost(1.0).is_broken(1.1, 0.5));
        assert!(!Rule::AtMost(1.0).is_broken(2.0, 2.0), "it was so before");
        assert!(Rule::AtMost(1.0).is_broken(2.1, 2.0));
        assert!(Rule::AtLeast(3.0).is_broken(2.0, 3.0) && !Rule::AtLeast(3.0).is_broken(2.0, 2.0));
        assert!(!Rule::AboveBefore(10.0).is_broken(109.0, 100.0));
        assert!(Rule::AboveBefore(10.0).is_broken(111.0, 100.0));
        assert!(
            Rule::BelowBefore(10.0).is_broken(89.0, 100.0) && !Rule::BelowBefore(10.0).is_broken(91.0, 100.0)
        );
        assert!(Rule::AtMost(1.0).is_broken(f64::NAN, 0.0), "no number keeps no bound");
    }
}
