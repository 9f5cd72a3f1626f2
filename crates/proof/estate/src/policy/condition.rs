//! Condition operators of IAM policies.
//!
//! Rules: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
//! and `reference_policies_condition-single-vs-multi-valued-context-keys.html` beside it.

use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::Value;

use crate::policy::document::PolicyError;
use crate::policy::evaluate::Context;
use crate::policy::pattern;

/// One condition: an operator on a context key with the values to compare with.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The context key, in lower case, as keys ignore case.
    pub key: String,
    test: Test,
    set: Set,
    missing: Missing,
}

/// How a key with several values is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// No set operator.
    Single,
    /// `ForAnyValue:`.
    Any,
    /// `ForAllValues:`.
    All,
}

/// What the condition says of a key the request does not carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    /// As the operator: false, or true for a negated one.
    AsOperator,
    /// True: `…IfExists`.
    Holds,
}

#[derive(Clone, Debug)]
struct Test {
    compare: Compare,
    negated: bool,
}

/// A comparison with its values; one of them has to fit.
#[derive(Clone, Debug)]
enum Compare {
    Exactly(Vec<String>),
    IgnoringCase(Vec<String>),
    Like(Vec<String>),
    Arn(Vec<String>),
    Bool(Vec<bool>),
    Number(Ordered, Vec<f64>),
    Date(Ordered, Vec<Timestamp>),
    Network(Vec<(IpAddr, u8)>),
    /// True asks that the key is absent.
    Absent(bool),
}

#[derive(Clone, Copy, Debug)]
enum Ordered {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Ordered {
    fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

impl Condition {
    /// Parses the `Condition` element of a statement; absent means no condition.
    pub(crate) fn parse_all(value: Option<&Value>, place: &str) -> Result<Vec<Self>, PolicyError> {
        let place = format!("{place}.Condition");
        let operators = match value {
            None => return Ok(Vec::new()),
            Some(Value::Object(operators)) => operators,
            Some(_) => return Err(PolicyError::at(place, "must be an object")),
        };
        let mut conditions = Vec::new();
        for (operator, keys) in operators {
            let place = format!("{place}.{operator}");
            let Value::Object(keys) = keys else {
                return Err(PolicyError::at(place, "must be an object of context keys"));
            };
            for (key, values) in keys {
                let values = texts(values, &format!("{place}.{key}"))?;
                conditions.push(Self::parse(operator, key, values, &place)?);
            }
        }
        Ok(conditions)
    }

    fn parse(operator: &str, key: &str, values: Vec<String>, place: &str) -> Result<Self, PolicyError> {
        let (set, rest) = match operator.split_once(':') {
            None => (Set::Single, operator),
            Some(("ForAnyValue", rest)) => (Set::Any, rest),
            Some(("ForAllValues", rest)) => (Set::All, rest),
            Some(_) => return Err(PolicyError::at(place, "unknown set operator")),
        };
        let (missing, base) = match rest.strip_suffix("IfExists") {
            Some(base) => (Missing::Holds, base),
            None => (Missing::AsOperator, rest),
        };
        let test = Test::parse(base, values, &format!("{place}.{key}"))?;
        if matches!(test.compare, Compare::Absent(_)) && rest != operator {
            return Err(PolicyError::at(place, "Null takes no set operator"));
        }
        if matches!(test.compare, Compare::Absent(_)) && missing == Missing::Holds {
            return Err(PolicyError::at(place, "Null takes no IfExists"));
        }
        Ok(Self { key: key.to_ascii_lowercase(), test, set, missing })
    }

    /// Whether the condition holds for the request.
    #[must_use]
    pub fn holds(&self, context: &Context) -> bool {
        let values = context.get(&self.key);
        if let Compare::Absent(absent) = self.test.compare {
            return values.is_empty() == absent;
        }
        if values.is_empty() {
            return match (self.missing, self.set) {
                (Missing::Holds, _) | (_, Set::All) => true,
                (Missing::AsOperator, Set::Any) => false,
                (Missing::AsOperator, Set::Single) => self.test.negated,
            };
        }
        match self.set {
            Set::All => values.iter().all(|v| self.test.passes(v)),
            Set::Any => values.iter().any(|v| self.test.passes(v)),
            // A key with several values under a plain operator: some value must fit, or, negated,
            // none may.
            Set::Single if self.test.negated => values.iter().all(|v| self.test.passes(v)),
            Set::Single => values.iter().any(|v| self.test.passes(v)),
        }
    }
}

impl Test {
    fn parse(operator: &str, values: Vec<String>, place: &str) -> Result<Self, PolicyError> {
        let typed = |wanted: &str, value: &str| PolicyError::at(place, format!("`{value}` must be {wanted}"));
        let numbers = |values: &[String]| -> Result<Vec<f64>, PolicyError> {
            let parse = |v: &String| v.parse().map_err(|_| typed("a number", v));
            values.iter().map(parse).collect()
        };
        let dates = |values: &[String]| -> Result<Vec<Timestamp>, PolicyError> {
            let parse = |v: &String| date(v).ok_or_else(|| typed("an ISO 8601 time", v));
            values.iter().map(parse).collect()
        };
        let booleans = |values: &[String]| -> Result<Vec<bool>, PolicyError> {
            let parse = |v: &String| v.parse().map_err(|_| typed("true or false", v));
            values.iter().map(parse).collect()
        };
        let networks = |values: &[String]| -> Result<Vec<(IpAddr, u8)>, PolicyError> {
            let parse = |v: &String| network(v).ok_or_else(|| typed("an address or CIDR", v));
            values.iter().map(parse).collect()
        };
        let (compare, negated) = match operator {
            "StringEquals" => (Compare::Exactly(values), false),
            "StringNotEquals" => (Compare::Exactly(values), true),
            "StringEqualsIgnoreCase" => (Compare::IgnoringCase(values), false),
            "StringNotEqualsIgnoreCase" => (Compare::IgnoringCase(values), true),
            "StringLike" => (Compare::Like(values), false),
            "StringNotLike" => (Compare::Like(values), true),
            "ArnEquals" | "ArnLike" => (Compare::Arn(values), false),
            "ArnNotEquals" | "ArnNotLike" => (Compare::Arn(values), true),
            "Bool" => (Compare::Bool(booleans(&values)?), false),
            "NumericEquals" => (Compare::Number(Ordered::Equal, numbers(&values)?), false),
            "NumericNotEquals" => (Compare::Number(Ordered::Equal, numbers(&values)?), true),
            "NumericLessThan" => (Compare::Number(Ordered::Less, numbers(&values)?), false),
            "NumericLessThanEquals" => (Compare::Number(Ordered::LessOrEqual, numbers(&values)?), false),
            "NumericGreaterThan" => (Compare::Number(Ordered::Greater, numbers(&values)?), false),
            "NumericGreaterThanEquals" => {
                (Compare::Number(Ordered::GreaterOrEqual, numbers(&values)?), false)
            }
            "DateEquals" => (Compare::Date(Ordered::Equal, dates(&values)?), false),
            "DateNotEquals" => (Compare::Date(Ordered::Equal, dates(&values)?), true),
            "DateLessThan" => (Compare::Date(Ordered::Less, dates(&values)?), false),
            "DateLessThanEquals" => (Compare::Date(Ordered::LessOrEqual, dates(&values)?), false),
            "DateGreaterThan" => (Compare::Date(Ordered::Greater, dates(&values)?), false),
            "DateGreaterThanEquals" => (Compare::Date(Ordered::GreaterOrEqual, dates(&values)?), false),
            "IpAddress" => (Compare::Network(networks(&values)?), false),
            "NotIpAddress" => (Compare::Network(networks(&values)?), true),
            "Null" => match booleans(&values)?[..] {
                [absent] => (Compare::Absent(absent), false),
                _ => return Err(PolicyError::at(place, "Null takes exactly one value")),
            },
            _ => return Err(PolicyError::at(place, format!("unknown operator `{operator}`"))),
        };
        Ok(Self { compare, negated })
    }

    /// Whether one context value passes. A value of the wrong type fits nothing.
    fn passes(&self, value: &str) -> bool {
        let fits = match &self.compare {
            Compare::Exactly(list) => list.iter().any(|w| w == value),
            Compare::IgnoringCase(list) => list.iter().any(|w| w.to_lowercase() == value.to_lowercase()),
            Compare::Like(list) => list.iter().any(|w| pattern::matches(w, value)),
            Compare::Arn(list) => list.iter().any(|w| pattern::arn_matches(w, value)),
            Compare::Bool(list) => value.to_ascii_lowercase().parse().is_ok_and(|v| list.contains(&v)),
            Compare::Number(order, list) => {
                value.parse::<f64>().is_ok_and(|v| list.iter().any(|w| order.holds(&v, w)))
            }
            Compare::Date(order, list) => {
                date(value).is_some_and(|v| list.iter().any(|w| order.holds(&v, w)))
            }
            Compare::Network(list) => {
                value.parse::<IpAddr>().is_ok_and(|v| list.iter().any(|(net, bits)| within(v, *net, *bits)))
            }
            Compare::Absent(_) => false,
        };
        fits != self.negated
    }
}

/// Values of a condition as texts: a string, number or boolean, or a list of those.
fn texts(value: &Value, place: &str) -> Result<Vec<String>, PolicyError> {
    let one = |v: &Value| match v {
        Value::String(s) if s.contains("${") => {
            Err(PolicyError::at(place, format!("`{s}`: the estate does not support policy variables")))
        }
        Value::String(s) => Ok(s.clone()),
        Value::Bool(b) => Ok(b.to_string()),
        Value::Number(n) => Ok(n.to_string()),
        _ => Err(PolicyError::at(place, "must hold strings, numbers or booleans")),
    };
    match value {
        Value::Array(list) if !list.is_empty() => list.iter().map(one).collect(),
        Value::Array(_) => Err(PolicyError::at(place, "must not be empty")),
        single => Ok(vec![one(single)?]),
    }
}

/// An ISO 8601 time with zone, a date (midnight UTC), or seconds since the epoch.
fn date(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    if let Ok(seconds) = text.parse::<i64>() {
        return Timestamp::from_second(seconds).ok();
    }
    let day: jiff::civil::Date = text.parse().ok()?;
    Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address.parse().ok()?, bits.parse().ok()?),
        None => {
            let address: IpAddr = text.parse().ok()?;
            (address, if address.is_ipv4() { 32 } else { 128 })
        }
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    (bits <= most).then_some((address, bits))
}

fn within(address: IpAddr, net: IpAddr, bits: u8) -> bool {
    match (address, net) {
        (IpAddr::V4(a), IpAddr::V4(n)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            a.to_bits() & mask == n.to_bits() & mask
        }
        (IpAddr::V6(a), IpAddr::V6(n)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            a.to_bits() & mask == n.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(condition: &str, context: &[(&str, &str)]) -> bool {
        let value = serde_json::from_str(condition).expect("JSON");
        let context = Context::from_pairs(context.iter().map(|(k, v)| (*k, (*v).to_owned())));
        Condition::parse_all(Some(&value), "Statement")
            .expect("a condition")
            .iter()
            .all(|c| c.holds(&context))
    }

    #[test]
    fn each_operator_compares_as_iam_does() {
        let cases = [
            (r#"{"StringEquals":{"K":["a","b"]}}"#, "b", true),
            (r#"{"StringNotEquals":{"K":["a","b"]}}"#, "b", false),
            (r#"{"StringEqualsIgnoreCase":{"k":"ABC"}}"#, "abc", true),
            (r#"{"StringLike":{"k":"fleet-*"}}"#, "fleet-1", true),
            (r#"{"StringNotLike":{"k":"fleet-*"}}"#, "fleet-1", false),
            (r#"{"ArnLike":{"k":"arn:aws:iam::*:role/F*"}}"#, "arn:aws:iam::011122223333:role/Fleet", true),
            (r#"{"Bool":{"k":true}}"#, "true", true),
            (r#"{"Bool":{"k":"false"}}"#, "true", false),
            (r#"{"NumericLessThan":{"k":10}}"#, "9.5", true),
            (r#"{"NumericGreaterThanEquals":{"k":"10"}}"#, "nine", false),
            (r#"{"DateLessThan":{"k":"2026-03-01T00:00:00Z"}}"#, "2026-02-28T23:59:59Z", true),
            (r#"{"DateGreaterThan":{"k":"2026-03-01"}}"#, "2026-02-28T23:59:59Z", false),
            (r#"{"IpAddress":{"k":"10.0.0.0/8"}}"#, "10.200.3.4", true),
            (r#"{"NotIpAddress":{"k":"0.0.0.0/0"}}"#, "10.200.3.4", false),
            (r#"{"Null":{"k":"false"}}"#, "x", true),
        ];
        for (condition, value, expected) in cases {
            assert_eq!(holds(condition, &[("k", value)]), expected, "{condition} on {value}");
        }
    }

    #[test]
    fn a_missing_key_fails_a_plain_operator_and_passes_a_negated_or_if_exists_one() {
        assert!(!holds(r#"{"StringEquals":{"k":"a"}}"#, &[]));
        assert!(holds(r#"{"StringNotEquals":{"k":"a"}}"#, &[]));
        assert!(holds(r#"{"StringEqualsIfExists":{"k":"a"}}"#, &[]));
        assert!(!holds(r#"{"StringEqualsIfExists":{"k":"a"}}"#, &[("k", "b")]));
        assert!(holds(r#"{"Null":{"k":true}}"#, &[]));
        assert!(holds(r#"{"ForAllValues:StringEquals":{"k":"a"}}"#, &[]));
        assert!(!holds(r#"{"ForAnyValue:StringEquals":{"k":"a"}}"#, &[]));
    }

    #[test]
    fn set_operators_read_every_value_of_a_key() {
        let keys = [("aws:TagKeys", "Owner"), ("aws:TagKeys", "App")];
        assert!(holds(r#"{"ForAllValues:StringEquals":{"aws:tagkeys":["Owner","App"]}}"#, &keys));
        assert!(!holds(r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["Owner"]}}"#, &keys));
        assert!(holds(r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":["Owner"]}}"#, &keys));
    }
}
