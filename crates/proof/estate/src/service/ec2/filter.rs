//! EC2's filters: names are checked, values may hold `*` and `?`, values of one filter are
//! alternatives, filters narrow each other.
//!
//! Source: EC2 API reference, "Filter", and user guide, "List and filter your resources".

use std::fmt::{Display, Write as _};

use jiff::Timestamp;

use super::render;
use crate::call::{ApiError, Call};
use crate::world::tags::Tags;

/// Values of all filters of one request, at most.
const MAX_VALUES: usize = 200;
/// Filters of one request, at most.
const MAX_FILTERS: usize = 50;

/// Where the filtered resources are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    /// The account asked.
    pub(super) account: &'a str,
    /// The region asked.
    pub(super) region: &'a str,
}

impl<'a> Scope<'a> {
    /// Where `call` goes.
    pub(super) fn of(call: &'a Call) -> Self {
        Self { account: &call.account, region: &call.region }
    }
}

/// Says whether a resource has one of the values a filter asks for.
pub(super) type Field<S> = fn(&S, &Scope<'_>, &Values) -> bool;

/// The filters one operation knows.
pub(super) struct Catalog<S: 'static> {
    /// Fields by the filter's name.
    pub(super) fields: &'static [(&'static str, Field<S>)],
    /// Where the tags are, for operations that know `tag:KEY` and `tag-key`.
    pub(super) tags: Option<fn(&S) -> &Tags>,
}

/// The values a filter asks for.
#[derive(Debug)]
pub(super) struct Values {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
enum Pattern {
    Exact(String),
    Wild(Vec<Piece>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece {
    Char(char),
    One,
    Many,
}

impl Pattern {
    fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            pieces.push(match c {
                '*' => Piece::Many,
                '?' => Piece::One,
                '\\' => Piece::Char(chars.next().unwrap_or('\\')),
                other => Piece::Char(other),
            });
        }
        let plain: Option<String> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Char(c) => Some(*c),
                Piece::One | Piece::Many => None,
            })
            .collect();
        plain.map_or(Self::Wild(pieces), Self::Exact)
    }

    fn matches(&self, value: &str) -> bool {
        match self {
            Self::Exact(text) => text == value,
            Self::Wild(pieces) => wild(pieces, value),
        }
    }
}

/// Matches with one point of return, so that hostile patterns cost at most length × length.
fn wild(pieces: &[Piece], value: &str) -> bool {
    let (mut at, mut rest) = (0, value);
    let mut retry: Option<(usize, &str)> = None;
    loop {
        let next = rest.chars().next();
        match (pieces.get(at), next) {
            (None, None) => return true,
            (Some(Piece::Many), _) => {
                at += 1;
                retry = Some((at, rest));
            }
            (Some(Piece::One), Some(c)) => {
                at += 1;
                rest = &rest[c.len_utf8()..];
            }
            (Some(Piece::Char(wanted)), Some(c)) if *wanted == c => {
                at += 1;
                rest = &rest[c.len_utf8()..];
            }
            _ => {
                let Some((from, left)) = retry else { return false };
                let Some(skipped) = left.chars().next() else { return false };
                rest = &left[skipped.len_utf8()..];
                retry = Some((from, rest));
                at = from;
            }
        }
    }
}

impl Values {
    /// True where `value` is asked for.
    pub(super) fn text(&self, value: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(value))
    }

    /// True where there is a value and it is asked for.
    pub(super) fn optional(&self, value: Option<&str>) -> bool {
        value.is_some_and(|value| self.text(value))
    }

    /// True where the value is asked for in the way it is printed.
    pub(super) fn shown(&self, value: impl Display) -> bool {
        let mut text = String::new();
        write!(text, "{value}").expect("writing to a String cannot fail");
        self.text(&text)
    }

    /// True where the moment is asked for in EC2's form.
    pub(super) fn time(&self, value: Timestamp) -> bool {
        let mut text = String::new();
        render::push_time(&mut text, value);
        self.text(&text)
    }
}

enum Test<S: 'static> {
    Field(Field<S>),
    Tag(String, fn(&S) -> &Tags),
    TagKey(fn(&S) -> &Tags),
}

/// The filters of one request.
pub(super) struct Filters<S: 'static> {
    tests: Vec<(Test<S>, Values)>,
}

impl<S> Filters<S> {
    /// Reads and checks the filters of a request.
    ///
    /// # Errors
    /// What EC2 answers to an unknown name, a filter without values, or too many of them.
    pub(super) fn read(call: &Call, catalog: &Catalog<S>) -> Result<Self, ApiError> {
        let given = call.query().structures("Filter");
        if given.len() > MAX_FILTERS {
            return Err(ApiError::new(
                400,
                "FilterLimitExceeded",
                format!("The maximum number of filters specified on a single call is {MAX_FILTERS}"),
            ));
        }
        let mut tests = Vec::with_capacity(given.len());
        let mut count = 0;
        for filter in &given {
            let name = filter.get("Name").unwrap_or_default();
            let Some(test) = catalog.test(name) else {
                return Err(ApiError::new(
                    400,
                    "InvalidParameterValue",
                    format!("The filter '{name}' is invalid"),
                ));
            };
            let values = filter.list("Value");
            if values.is_empty() {
                return Err(ApiError::new(
                    400,
                    "MissingParameter",
                    format!("The filter '{name}' must contain at least one value"),
                ));
            }
            count += values.len();
            let patterns = values.into_iter().map(Pattern::new).collect();
            tests.push((test, Values { patterns }));
        }
        if count > MAX_VALUES {
            return Err(ApiError::new(
                400,
                "FilterLimitExceeded",
                format!("The maximum number of filter values specified on a single call is {MAX_VALUES}"),
            ));
        }
        Ok(Self { tests })
    }

    /// True where every filter lets the resource through.
    pub(super) fn accept(&self, subject: &S, scope: &Scope<'_>) -> bool {
        self.tests.iter().all(|(test, values)| match test {
            Test::Field(field) => field(subject, scope, values),
            Test::Tag(key, tags) => values.optional(tags(subject).get(key)),
            Test::TagKey(tags) => tags(subject).iter().any(|(key, _)| values.text(key)),
        })
    }
}

impl<S> Catalog<S> {
    fn test(&self, name: &str) -> Option<Test<S>> {
        if let Some(tags) = self.tags {
            if name == "tag-key" {
                return Some(Test::TagKey(tags));
            }
            if let Some(key) = name.strip_prefix("tag:") {
                return Some(Test::Tag(key.to_owned(), tags));
            }
        }
        let (_, field) = self.fields.iter().find(|(known, _)| *known == name)?;
        Some(Test::Field(*field))
    }
}

/// A filter AWS knows for something no resource of the estate has.
pub(super) fn absent<S>(_: &S, _: &Scope<'_>, _: &Values) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_ec2_documents_them() {
        let matches = |pattern: &str, value: &str| Pattern::new(pattern).matches(value);
        assert!(matches("prod-*", "prod-"));
        assert!(matches("*-web-?", "shop-web-a"));
        assert!(matches("a*b*c", "a-b-b-c"));
        assert!(matches("?", "☃"));
        assert!(matches(r"\*amazon\?\\", r"*amazon?\"));
        assert!(!matches("prod-*", "preprod-x"));
        assert!(!matches("a?", "a"));
        assert!(!matches("Prod", "prod"));
        assert!(!matches(&"*a".repeat(60), &"b".repeat(4_000)));
    }
}
