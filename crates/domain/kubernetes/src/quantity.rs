//! Amounts of resources, such as `250m` of a CPU or `2Gi` of memory.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An amount, in thousandths of the resource's unit (cores, bytes, pods). Finer amounts are rounded up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quantity {
    milli: i128,
}

/// Amounts by the resource's name: `cpu`, `memory`, `pods`, `ephemeral-storage`, `nvidia.com/gpu` …
pub type Resources = BTreeMap<String, Quantity>;

/// A text that is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a quantity such as 250m, 1.5 or 2Gi")]
pub struct InvalidQuantity(String);

/// Suffixes and the power they stand for, as (base, exponent).
///
/// Source: kubernetes.io, API reference, "Quantity".
const SUFFIXES: [(&str, i128, i32); 15] = [
    ("Ki", 1024, 1),
    ("Mi", 1024, 2),
    ("Gi", 1024, 3),
    ("Ti", 1024, 4),
    ("Pi", 1024, 5),
    ("Ei", 1024, 6),
    ("n", 10, -9),
    ("u", 10, -6),
    ("m", 10, -3),
    ("k", 10, 3),
    ("M", 10, 6),
    ("G", 10, 9),
    ("T", 10, 12),
    ("P", 10, 15),
    ("E", 10, 18),
];

/// Digits of an amount, at most: more do not fit with any suffix.
const DIGITS_MAX: usize = 15;

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { milli: 0 };

    /// Whole units.
    pub const fn units(units: i64) -> Self {
        Self { milli: units as i128 * 1000 }
    }

    /// Thousandths of a unit.
    pub const fn milli(milli: i64) -> Self {
        Self { milli: milli as i128 }
    }

    /// Whole units, rounded up; the largest number there is where it is larger.
    pub fn in_units(self) -> i64 {
        let units = self.milli.div_euclid(1000) + i128::from(self.milli.rem_euclid(1000) != 0);
        i64::try_from(units).unwrap_or(i64::MAX)
    }

    /// The sum, bounded.
    pub fn plus(self, other: Self) -> Self {
        Self { milli: self.milli.saturating_add(other.milli) }
    }

    /// The difference; negative where more is taken than there is.
    pub fn minus(self, other: Self) -> Self {
        Self { milli: self.milli.saturating_sub(other.milli) }
    }
}

/// Adds amounts resource by resource.
pub fn add(to: &mut Resources, more: &Resources) {
    for (name, amount) in more {
        let sum = to.entry(name.clone()).or_default();
        *sum = sum.plus(*amount);
    }
}

/// What a pod asks of a node: the sum of its containers, or what an init container needs at its time, where that
/// is more, and the overhead of its runtime class. `sidecars` are init containers that go on running.
///
/// Source: kubernetes.io, "Init Containers" and "Sidecar Containers", resource sharing within containers. An init
/// container is counted beside all sidecars, which is never less than what it needs.
pub fn pod_requests(
    containers: &[Resources],
    init_containers: &[Resources],
    sidecars: &[Resources],
    overhead: &Resources,
) -> Resources {
    let mut running = Resources::new();
    containers.iter().chain(sidecars).for_each(|amounts| add(&mut running, amounts));
    let mut most = running;
    for init in init_containers {
        let mut beside = init.clone();
        sidecars.iter().for_each(|amounts| add(&mut beside, amounts));
        for (name, amount) in beside {
            let known = most.entry(name).or_default();
            *known = (*known).max(amount);
        }
    }
    add(&mut most, overhead);
    most
}

impl FromStr for Quantity {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        read(text).map(|milli| Self { milli }).ok_or_else(|| InvalidQuantity(text.chars().take(80).collect()))
    }
}

fn read(text: &str) -> Option<i128> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > DIGITS_MAX || fraction.contains('.') {
        return None;
    }
    let digits: i128 = digits.parse().ok()?;
    let decimals = i32::try_from(fraction.len()).ok()?;
    let milli = match SUFFIXES.iter().find(|(name, ..)| *name == suffix) {
        Some(&(_, 1024, power)) => {
            scaled(digits.checked_mul(1024_i128.checked_pow(power.unsigned_abs())?)?, 3 - decimals)
        }
        Some(&(_, _, power)) => scaled(digits, power + 3 - decimals),
        None if suffix.is_empty() => scaled(digits, 3 - decimals),
        None => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            scaled(digits, exponent.checked_add(3 - decimals)?)
        }
    }?;
    Some(if negative { -milli } else { milli })
}

/// `digits` times ten to the power, rounded up.
fn scaled(digits: i128, power: i32) -> Option<i128> {
    const POWER_MAX: i32 = 21;
    if power > POWER_MAX {
        return None;
    }
    if power >= 0 {
        return digits.checked_mul(10_i128.checked_pow(power.unsigned_abs())?);
    }
    match 10_i128.checked_pow(power.unsigned_abs()) {
        Some(divisor) => Some(digits / divisor + i128::from(digits % divisor != 0)),
        None => Some(i128::from(digits != 0)),
    }
}

impl TryFrom<String> for Quantity {
    type Error = InvalidQuantity;

    fn try_from(text: String) -> Result<Self, InvalidQuantity> {
        text.parse()
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.to_string()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BINARY: [(&str, i128); 3] = [("Gi", 1024 * 1024 * 1024), ("Mi", 1024 * 1024), ("Ki", 1024)];
        if self.milli % 1000 != 0 {
            return write!(f, "{}m", self.milli);
        }
        let units = self.milli / 1000;
        match BINARY.iter().find(|(_, size)| units != 0 && units % size == 0) {
            Some((suffix, size)) => write!(f, "{}{suffix}", units / size),
            None => write!(f, "{units}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milli(text: &str) -> Option<i128> {
        text.parse::<Quantity>().ok().map(|quantity| quantity.milli)
    }

    #[test]
    fn amounts_are_read_with_every_suffix() {
        let cases = [
            ("250m", 250),
            ("1.5", 1500),
            ("2", 2000),
            ("1Ki", 1_024_000),
            ("1.5Gi", 1_610_612_736_000),
            ("3k", 3_000_000),
            ("1E", 1_000_000_000_000_000_000_000),
            ("1E3", 1_000_000),
            ("12e-1", 1200),
            ("100u", 1),
            ("1n", 1),
            ("1500u", 2),
            ("-1", -1000),
            (".5", 500),
            ("0", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(milli(text), Some(expected), "{text}");
        }
        for text in ["", "m", "1.2.3", "1 Gi", "1gi", "x", "1e", "1e99", "1234567890123456", "--1", "1Kim"] {
            assert_eq!(milli(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        for text in ["250m", "1500m", "2", "1Ki", "512Mi", "7Gi", "0"] {
            assert_eq!(text.parse::<Quantity>().map(|quantity| quantity.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(Quantity::milli(1001).in_units(), 2);
        assert_eq!(Quantity::milli(-1500).in_units(), -1);
    }

    #[test]
    fn an_init_container_counts_where_it_needs_more_than_all_others() {
        let cpu = |milli| Resources::from([("cpu".to_owned(), Quantity::milli(milli))]);
        let of = |containers: &[Resources], init: &[Resources], sidecars: &[Resources]| {
            pod_requests(containers, init, sidecars, &cpu(10))["cpu"]
        };
        assert_eq!(of(&[cpu(100), cpu(200)], &[cpu(150)], &[]), Quantity::milli(310));
        assert_eq!(of(&[cpu(100)], &[cpu(500), cpu(400)], &[]), Quantity::milli(510));
        assert_eq!(of(&[cpu(100)], &[cpu(500)], &[cpu(50)]), Quantity::milli(560));
    }
}
