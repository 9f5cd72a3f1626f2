//! Queries of Prometheus that must hold while a cluster is upgraded, as `errors=sum(rate(failed[5m])) <= 0.01`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Characters of a name and of a query at most.
const LONGEST: (usize, usize) = (60, 2_000);

/// A query, and what its value must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// What it is called in plans and reports.
    pub name: String,
    /// The query in PromQL; it has to answer one number.
    pub promql: String,
    /// What the number must be.
    pub rule: Rule,
}

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

/// A text that is no query with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a query is NAME=PROMQL with `<= NUMBER`, `>= NUMBER`, `<= before +PERCENT%` or `>= before -PERCENT%` behind it: {0}"
)]
pub struct InvalidQuery(&'static str);

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

    fn read(comparison: &str, text: &str) -> Result<Self, InvalidQuery> {
        let no_number = InvalidQuery("what it is compared with is no number");
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
            .ok_or(InvalidQuery("behind `before` comes a percentage with its sign, such as +10%"))
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

impl FromStr for Query {
    type Err = InvalidQuery;

    fn from_str(text: &str) -> Result<Self, InvalidQuery> {
        let (name, rest) = text.split_once('=').ok_or(InvalidQuery("it has no name"))?;
        let name = name.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
        if name.is_empty() || name.len() > LONGEST.0 || !name.chars().all(plain) {
            return Err(InvalidQuery("a name has 1 to 60 letters, digits, '-', '_', '.' and spaces"));
        }
        // A query may compare as well; what the rule is stands at the end.
        let at = ["<=", ">="].iter().filter_map(|comparison| rest.rfind(comparison)).max();
        let (promql, compared) = rest.split_at(at.ok_or(InvalidQuery("it is compared with nothing"))?);
        let (comparison, bound) = compared.split_at(2);
        let promql = promql.trim();
        if promql.is_empty() || promql.chars().count() > LONGEST.1 {
            return Err(InvalidQuery("the query has 1 to 2,000 characters"));
        }
        let rule = Rule::read(comparison, bound)?;
        Ok(Self { name: name.to_owned(), promql: promql.to_owned(), rule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, String, Rule) {
        let query: Query = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        (query.name, query.promql, query.rule)
    }

    #[test]
    fn a_query_is_a_name_promql_and_a_rule() {
        let found = read(r#"errors=sum(rate(http_requests_total{code=~"5.."}[5m])) <= 0.01"#);
        let promql = r#"sum(rate(http_requests_total{code=~"5.."}[5m]))"#;
        assert_eq!(found, ("errors".to_owned(), promql.to_owned(), Rule::AtMost(0.01)));
        assert_eq!(read("up = count(up >= 1) >= 3").1, "count(up >= 1)");
        assert_eq!(read("p99=latency <= before +10%").2, Rule::AboveBefore(10.0));
        assert_eq!(read("rate=r >= before -2.5%").2, Rule::BelowBefore(2.5));
        assert_eq!(read("rate=r >= before").2, Rule::BelowBefore(0.0));
        for rule in [Rule::AtMost(0.5), Rule::AtLeast(-3.0), Rule::AboveBefore(10.0), Rule::BelowBefore(2.5)]
        {
            assert_eq!(read(&format!("a=b {rule}")).2, rule, "{rule}");
        }
    }

    #[test]
    fn what_is_no_query_is_refused_with_the_form() {
        for bad in [
            "",
            "x <= 1",
            "=x <= 1",
            "a=x",
            "a=x < 1",
            "a= <= 1",
            "a=x <= one",
            "a=x <= NaN",
            "a=x <= inf",
            "a=x <= before -10%",
            "a=x >= before +10%",
            "a=x <= before +-10%",
            "a=x <= before 10",
            "a;b=x <= 1",
        ] {
            let refused = bad.parse::<Query>().expect_err(bad).to_string();
            assert!(refused.starts_with("a query is NAME=PROMQL"), "{bad}: {refused}");
        }
    }

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
