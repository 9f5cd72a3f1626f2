//! Numbers that must hold while a cluster is upgraded: queries of Prometheus, as
//! `errors=sum(rate(failed[5m])) <= 0.01`, and metrics of CloudWatch ([`metric`]).

pub mod metric;
mod rule;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use metric::{Metric, Statistic};
pub use rule::Rule;

/// Characters of a name and of a query at most.
const LONGEST: (usize, usize) = (60, 2_000);

/// A number to look at, and what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Query {
    /// What it is called in plans and reports.
    pub name: String,
    /// Where the number comes from.
    pub asks: Asks,
    /// What the number must be.
    pub rule: Rule,
}

/// Where a number comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Prometheus, by a query that has to answer one number.
    Promql(String),
    /// CloudWatch, in the cluster's own account and region.
    Metric(Metric),
}

/// A text that is no number with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuery {
    /// It is no query of Prometheus.
    #[error(
        "a query is NAME=PROMQL with `<= NUMBER`, `>= NUMBER`, `<= before +PERCENT%` or `>= before -PERCENT%` behind it: {0}"
    )]
    Prometheus(String),
    /// It is no metric of CloudWatch.
    #[error(
        "a metric is NAME=NAMESPACE:METRIC{{DIMENSION=VALUE}} STATISTIC with a rule as queries have it behind it, such as \
         `{example}`: {0}",
        example = metric::EXAMPLE
    )]
    CloudWatch(String),
}

/// A query as plans have it: with one of the two it may ask.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    promql: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metric: Option<Metric>,
    rule: Rule,
}

impl TryFrom<Written> for Query {
    type Error = &'static str;

    fn try_from(Written { name, promql, metric, rule }: Written) -> Result<Self, &'static str> {
        let asks = match (promql, metric) {
            (Some(promql), None) => Asks::Promql(promql),
            (None, Some(metric)) => Asks::Metric(metric),
            _ => return Err("a query has either promql or metric"),
        };
        Ok(Self { name, asks, rule })
    }
}

impl From<Query> for Written {
    fn from(Query { name, asks, rule }: Query) -> Self {
        let (promql, metric) = match asks {
            Asks::Promql(promql) => (Some(promql), None),
            Asks::Metric(metric) => (None, Some(metric)),
        };
        Self { name, promql, metric, rule }
    }
}

impl Query {
    /// A query of Prometheus: `NAME=PROMQL RULE`.
    ///
    /// # Errors
    /// What is wrong with it, and the form.
    pub fn of_prometheus(text: &str) -> Result<Self, InvalidQuery> {
        let wrong = |why: &str| InvalidQuery::Prometheus(why.to_owned());
        let (name, promql, rule) = parts(text).map_err(wrong)?;
        if promql.is_empty() || promql.chars().count() > LONGEST.1 {
            return Err(wrong("the query has 1 to 2,000 characters"));
        }
        Ok(Self { name: name.to_owned(), asks: Asks::Promql(promql.to_owned()), rule })
    }

    /// A metric of CloudWatch: `NAME=NAMESPACE:METRIC{DIMENSION=VALUE,…} STATISTIC RULE`, with `or 0` behind the statistic
    /// where no data count as 0.
    ///
    /// # Errors
    /// What is wrong with it and where, the form, and an example.
    pub fn of_cloudwatch(text: &str) -> Result<Self, InvalidQuery> {
        let (name, metric, rule) = parts(text).map_err(|why| InvalidQuery::CloudWatch(why.to_owned()))?;
        let metric = Metric::read(metric).map_err(InvalidQuery::CloudWatch)?;
        Ok(Self { name: name.to_owned(), asks: Asks::Metric(metric), rule })
    }

    /// What kind of number it is: `query` or `metric`.
    pub fn kind(&self) -> &'static str {
        match self.asks {
            Asks::Promql(_) => "query",
            Asks::Metric(_) => "metric",
        }
    }
}

/// A name that several of these have: values are kept by name.
pub fn named_twice<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut known = BTreeSet::new();
    names.into_iter().find(|name| !known.insert(*name))
}

/// A name in front of `=`, what is asked, and the rule at the end.
fn parts(text: &str) -> Result<(&str, &str, Rule), &'static str> {
    let (name, rest) = named(text)?;
    // What is asked may compare as well; what the rule is stands at the end.
    let at = ["<=", ">="].iter().filter_map(|comparison| rest.rfind(comparison)).max();
    let (asked, compared) = rest.split_at(at.ok_or("it is compared with nothing")?);
    let (comparison, bound) = compared.split_at(2);
    Ok((name, asked.trim(), Rule::read(comparison, bound)?))
}

/// A name in front of `=`, and what stands behind it.
pub(crate) fn named(text: &str) -> Result<(&str, &str), &'static str> {
    let (name, rest) = text.split_once('=').ok_or("it has no name")?;
    let name = name.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
    match name.is_empty() || name.len() > LONGEST.0 || !name.chars().all(plain) {
        true => Err("a name has 1 to 60 letters, digits, '-', '_', '.' and spaces"),
        false => Ok((name, rest)),
    }
}

impl fmt::Display for Asks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promql(promql) => f.write_str(promql),
            Self::Metric(metric) => metric.fmt(f),
        }
    }
}

impl fmt::Display for Query {
    /// As it is written on a command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={} {}", self.name, self.asks, self.rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, String, Rule) {
        let query = Query::of_prometheus(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (query.name, query.asks.to_string(), query.rule)
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
            let refused = Query::of_prometheus(bad).expect_err(bad).to_string();
            assert!(refused.starts_with("a query is NAME=PROMQL"), "{bad}: {refused}");
        }
    }

    #[test]
    fn a_plan_has_either_and_nothing_else_and_gives_it_back_equal() {
        let promql = Query::of_prometheus("errors=sum(failed) <= 0.01").expect("a query");
        let metric = Query::of_cloudwatch(metric::EXAMPLE).expect("a metric");
        for query in [&promql, &metric] {
            let written = serde_json::to_value(query).expect("plain data");
            assert_eq!(serde_json::from_value::<Query>(written).expect("a query"), *query);
        }
        // Plans that were written before there were metrics are read.
        let written = serde_json::to_value(&promql).expect("plain data");
        let expected = serde_json::json!({
            "name": "errors", "promql": "sum(failed)", "rule": { "at-most": 0.01 },
        });
        assert_eq!(written, expected);
        let mut both = serde_json::to_value(&metric).expect("plain data");
        both["promql"] = "up".into();
        assert!(serde_json::from_value::<Query>(both).is_err());
        let neither = serde_json::json!({ "name": "errors", "rule": { "at-most": 0.01 } });
        assert!(serde_json::from_value::<Query>(neither).is_err());
    }

    #[test]
    fn names_are_each_there_once() {
        assert_eq!(named_twice(["a", "b", "a", "b"]), Some("a"));
        assert_eq!(named_twice(["a", "b"]), None);
    }
}
