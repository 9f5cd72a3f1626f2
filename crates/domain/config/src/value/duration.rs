//! Lengths of time as people write them.

use std::time::Duration;

use serde::Serializer;

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Longest length understood: far beyond every bound of the table.
const MAX_MILLIS: u64 = 10 * 365 * 86_400_000;

/// Reads `90s`, `1h30m`, `1h 30m`, `1.5h`; a plain number counts units of `plain_seconds`.
pub(super) fn parse(text: &str, plain_seconds: u64) -> Option<Duration> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return millis(number, plain_seconds * 1_000).map(Duration::from_millis);
    }
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        total = total.checked_add(millis(number.parse().ok()?, unit_millis(unit)?)?)?;
        rest = tail.trim_start();
    }
    (!text.is_empty()).then(|| Duration::from_millis(total))
}

fn unit_millis(unit: &str) -> Option<u64> {
    let unit = match unit {
        "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hour" | "hours" => "h",
        "day" | "days" => "d",
        other => other,
    };
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, millis)| *millis)
}

fn millis(number: f64, unit: u64) -> Option<u64> {
    let total = number * unit as f64;
    (total.is_finite() && (0.0..=MAX_MILLIS as f64).contains(&total)).then(|| total.round() as u64)
}

/// Writes a length in the largest units that fit, e.g. `1h30m`; reading it back gives the same.
pub(crate) fn show(length: Duration) -> String {
    let mut rest = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    let mut shown = String::new();
    for (unit, size) in UNITS {
        if rest >= size {
            shown.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if shown.is_empty() { "0s".to_owned() } else { shown }
}

pub(super) fn serialize<S: Serializer>(length: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&show(*length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_with_and_without_units() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("1.5h", 5400),
            ("7d", 604_800),
            ("2 ", 2),
        ] {
            assert_eq!(parse(text, 1), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("30", 60), Some(Duration::from_secs(1800)));
        assert_eq!(parse("250ms", 1), Some(Duration::from_millis(250)));
    }

    #[test]
    fn nonsense_is_no_length() {
        for text in ["", "soon", "-5", "1h30", "5 parsecs", "inf", "1e300", "nan", "..s"] {
            assert_eq!(parse(text, 1), None, "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for millis in [0, 1, 999, 1000, 90_000, 5_400_000, 86_400_000, 90_061_001] {
            let length = Duration::from_millis(millis);
            assert_eq!(parse(&show(length), 1), Some(length));
        }
    }
}
