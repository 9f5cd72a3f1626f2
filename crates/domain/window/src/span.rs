//! Stretches of time, and what is left of them.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// A stretch of time that is not empty; its end is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    from: Timestamp,
    until: Timestamp,
}

impl Span {
    /// The stretch between two moments; `None` where the second is not after the first.
    pub fn new(from: Timestamp, until: Timestamp) -> Option<Self> {
        (from < until).then_some(Self { from, until })
    }

    /// Its first moment.
    pub fn from(self) -> Timestamp {
        self.from
    }

    /// The first moment after it.
    pub fn until(self) -> Timestamp {
        self.until
    }

    /// How long it is.
    pub fn length(self) -> SignedDuration {
        self.until.duration_since(self.from)
    }

    /// Whether a moment is in it.
    pub fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// What it has in common with another.
    pub fn overlap(self, other: Self) -> Option<Self> {
        Self::new(self.from.max(other.from), self.until.min(other.until))
    }

    /// Itself without its last part; `None` where nothing is left.
    pub fn without_last(self, part: SignedDuration) -> Option<Self> {
        Self::new(self.from, self.until.checked_sub(part).ok()?)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from, self.until)
    }
}

/// Everything that is in one of the spans: in order, apart from each other (spans that touch become
/// one).
pub fn union(spans: impl IntoIterator<Item = Span>) -> Vec<Span> {
    let mut sorted: Vec<Span> = spans.into_iter().collect();
    sorted.sort_unstable();
    let mut merged: Vec<Span> = Vec::with_capacity(sorted.len());
    for span in sorted {
        match merged.last_mut() {
            Some(last) if span.from <= last.until => last.until = last.until.max(span.until),
            _ => merged.push(span),
        }
    }
    merged
}

/// What is left of spans without others; both in order and apart from each other, and so is the
/// outcome.
pub fn subtract(spans: &[Span], without: &[Span]) -> Vec<Span> {
    let mut left = Vec::with_capacity(spans.len());
    let mut next = 0;
    for span in spans {
        while without.get(next).is_some_and(|other| other.until <= span.from) {
            next += 1;
        }
        let mut from = span.from;
        for other in without[next..].iter().take_while(|other| other.from < span.until) {
            left.extend(Span::new(from, other.from));
            from = from.max(other.until);
        }
        left.extend(Span::new(from, span.until));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: i64, until: i64) -> Span {
        let at = |second| Timestamp::from_second(second).expect("a moment");
        Span::new(at(from), at(until)).expect("not empty")
    }

    #[test]
    fn spans_that_overlap_or_touch_become_one() {
        let merged = union([span(50, 60), span(0, 10), span(5, 20), span(20, 30)]);
        assert_eq!(merged, [span(0, 30), span(50, 60)]);
    }

    #[test]
    fn a_span_is_cut_at_its_ends_in_its_middle_and_altogether() {
        let spans = [span(0, 100), span(200, 300), span(400, 500)];
        let without = [span(0, 10), span(40, 50), span(90, 210), span(350, 600)];
        assert_eq!(subtract(&spans, &without), [span(10, 40), span(50, 90), span(210, 300)]);
    }

    #[test]
    fn one_cut_may_reach_over_several_spans() {
        let spans = [span(0, 10), span(20, 30), span(40, 50)];
        assert_eq!(subtract(&spans, &[span(5, 45)]), [span(0, 5), span(45, 50)]);
        assert_eq!(subtract(&spans, &[]), spans);
    }
}
