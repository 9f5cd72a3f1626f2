//! DynamoDB's numbers: exact decimals of up to 38 significant digits.
//!
//! Rules: DynamoDB developer guide, "Supported data types and naming rules", section "Number".

use std::cmp::Ordering;
use std::fmt;

/// Significant digits of a number, at most.
const MAX_DIGITS: usize = 38;
/// The exponent of the first digit, at most.
const MAX_EXPONENT: i64 = 125;
/// The exponent of the first digit, at least.
const MIN_EXPONENT: i64 = -130;

/// A decimal number. Equal numbers are equal values, however they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    /// Without zeros at the end; below 10^38.
    digits: u128,
    /// The power of ten of the last digit.
    exponent: i64,
}

/// Why a number is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFault {
    /// It is no number at all.
    NotANumber,
    /// It has more than 38 significant digits.
    TooManyDigits,
    /// It is larger than 9.99…E+125, whatever its sign.
    Overflow,
    /// It is nearer to zero than 1E-130.
    Underflow,
}

impl Number {
    /// Nothing.
    pub const ZERO: Self = Self { negative: false, digits: 0, exponent: 0 };

    /// Reads a number: digits with or without a point, sign and exponent.
    ///
    /// # Errors
    /// It is not one, or not one that fits.
    pub fn parse(text: &str) -> Result<Self, NumberFault> {
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, power) = match rest.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, parse_power(power)?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return Err(NumberFault::NotANumber);
        }
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0').collect();
        Self::of(negative, &digits, power - fraction.len() as i64)
    }

    /// The number with these digits, the first one first, of which the last has that power of ten.
    fn of(negative: bool, digits: &[u8], exponent: i64) -> Result<Self, NumberFault> {
        let Some(first) = digits.iter().position(|digit| *digit != 0) else { return Ok(Self::ZERO) };
        let last = digits.iter().rposition(|digit| *digit != 0).unwrap_or(first);
        let significant = &digits[first..=last];
        if significant.len() > MAX_DIGITS {
            return Err(NumberFault::TooManyDigits);
        }
        let exponent = exponent + (digits.len() - 1 - last) as i64;
        let highest = exponent + significant.len() as i64 - 1;
        if highest > MAX_EXPONENT {
            return Err(NumberFault::Overflow);
        }
        if highest < MIN_EXPONENT {
            return Err(NumberFault::Underflow);
        }
        let digits = significant.iter().fold(0, |number, digit| number * 10 + u128::from(*digit));
        Ok(Self { negative, digits, exponent })
    }

    /// The sum of two numbers.
    ///
    /// # Errors
    /// It does not fit.
    pub fn plus(self, other: Self) -> Result<Self, NumberFault> {
        let lowest = self.exponent.min(other.exponent);
        let (one, two) = (self.digits_down_to(lowest), other.digits_down_to(lowest));
        let (one, two) = padded(one, two);
        if self.negative == other.negative {
            return Self::of(self.negative, &added(&one, &two), lowest);
        }
        match one.cmp(&two) {
            Ordering::Less => Self::of(other.negative, &subtracted(&two, &one), lowest),
            _ => Self::of(self.negative, &subtracted(&one, &two), lowest),
        }
    }

    /// The difference of two numbers.
    ///
    /// # Errors
    /// It does not fit.
    pub fn minus(self, other: Self) -> Result<Self, NumberFault> {
        self.plus(Self { negative: !other.negative && other.digits != 0, ..other })
    }

    /// The bytes it takes: about one for two digits, one more, and one for a sign.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.count().div_ceil(2) + 1 + usize::from(self.negative)
    }

    /// The number as whole seconds, where it is one.
    #[must_use]
    pub fn whole_seconds(&self) -> Option<i64> {
        self.to_string().split('.').next()?.parse().ok()
    }

    fn count(&self) -> usize {
        self.digits.checked_ilog10().map_or(1, |log| log as usize + 1)
    }

    fn digits_down_to(&self, lowest: i64) -> Vec<u8> {
        let mut digits: Vec<u8> = self.digits.to_string().bytes().map(|byte| byte - b'0').collect();
        let zeros = usize::try_from(self.exponent - lowest).unwrap_or(0);
        digits.extend(std::iter::repeat_n(0, zeros));
        digits
    }

    /// The digits moved to a common length of 38, for comparison.
    fn aligned(&self) -> u128 {
        self.digits * 10_u128.pow((MAX_DIGITS - self.count()) as u32)
    }

    fn magnitude(&self) -> (i64, u128) {
        if self.digits == 0 {
            return (i64::MIN, 0);
        }
        (self.exponent + self.count() as i64, self.aligned())
    }
}

fn parse_power(text: &str) -> Result<i64, NumberFault> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberFault::NotANumber);
    }
    // Longer ones are out of every range; a digit's place still fits beside them.
    Ok(text
        .parse::<i32>()
        .map_or(if text.starts_with('-') { i64::from(i32::MIN) } else { i64::from(i32::MAX) }, i64::from))
}

fn padded(mut one: Vec<u8>, mut two: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let length = one.len().max(two.len()) + 1;
    for digits in [&mut one, &mut two] {
        digits.splice(0..0, std::iter::repeat_n(0, length - digits.len()));
    }
    (one, two)
}

/// The sum of two rows of digits of the same length, of which the first digits are zeros.
fn added(one: &[u8], two: &[u8]) -> Vec<u8> {
    let mut sum = vec![0; one.len()];
    let mut carry = 0;
    for at in (0..one.len()).rev() {
        let digit = one[at] + two[at] + carry;
        sum[at] = digit % 10;
        carry = digit / 10;
    }
    sum
}

/// The difference of two rows of digits of the same length, the larger first.
fn subtracted(larger: &[u8], smaller: &[u8]) -> Vec<u8> {
    let mut difference = vec![0; larger.len()];
    let mut borrowed = 0;
    for at in (0..larger.len()).rev() {
        let taken = smaller[at] + borrowed;
        borrowed = u8::from(larger[at] < taken);
        difference[at] = larger[at] + 10 * borrowed - taken;
    }
    difference
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude().cmp(&other.magnitude()),
            (true, true) => other.magnitude().cmp(&self.magnitude()),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Written out in full, without an exponent.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let digits = self.digits.to_string();
        let Ok(behind) = usize::try_from(-self.exponent) else {
            let zeros = usize::try_from(self.exponent).unwrap_or(0);
            return write!(f, "{sign}{digits}{:0<zeros$}", "");
        };
        match digits.len().checked_sub(behind) {
            _ if behind == 0 => write!(f, "{sign}{digits}"),
            Some(whole @ 1..) => write!(f, "{sign}{}.{}", &digits[..whole], &digits[whole..]),
            _ => write!(f, "{sign}0.{digits:0>behind$}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Number {
        Number::parse(text).expect("a number")
    }

    #[test]
    fn a_number_is_written_out_in_full() {
        for (text, shown) in [
            ("1", "1"),
            ("-0", "0"),
            ("007.500", "7.5"),
            (".5", "0.5"),
            ("-0.0012", "-0.0012"),
            ("1e3", "1000"),
            ("12.5E-4", "0.00125"),
            ("100", "100"),
            ("0.1", "0.1"),
        ] {
            assert_eq!(number(text).to_string(), shown);
        }
    }

    #[test]
    fn what_does_not_fit_is_told_apart() {
        for text in ["", "-", "x", "1e", "1.2.3", "0x1", " 1", "1_000", "NaN"] {
            assert_eq!(Number::parse(text), Err(NumberFault::NotANumber), "{text}");
        }
        assert_eq!(Number::parse(&"1".repeat(39)), Err(NumberFault::TooManyDigits));
        assert_eq!(Number::parse(&format!("{}0000", "9".repeat(38))).map(|it| it.count()), Ok(38));
        assert_eq!(Number::parse("1e126"), Err(NumberFault::Overflow));
        assert_eq!(Number::parse("1e99999999999"), Err(NumberFault::Overflow));
        assert_eq!(Number::parse("1e-131"), Err(NumberFault::Underflow));
        assert_eq!(Number::parse("0e999"), Ok(Number::ZERO));
        assert_eq!(number("9e125").plus(number("9e125")), Err(NumberFault::Overflow));
        assert_eq!(number("1e60").plus(number("1")), Err(NumberFault::TooManyDigits));
    }

    #[test]
    fn a_tenth_is_a_tenth() {
        assert_eq!(number("0.1").plus(number("0.2")), Ok(number("0.3")));
        assert_eq!(number("1").minus(number("1")), Ok(Number::ZERO));
        assert_eq!(number("-1").minus(number("-3")), Ok(number("2")));
        assert!(
            number("-10") < number("-9.5") && number("9") < number("10") && number("0") > number("-1e-130")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whole_numbers_add_and_compare_as_they_do_elsewhere(one: i64, two: i64) {
            let (a, b) = (number(&one.to_string()), number(&two.to_string()));
            prop_assert_eq!(a.cmp(&b), one.cmp(&two));
            let (sum, difference) = (i128::from(one) + i128::from(two), i128::from(one) - i128::from(two));
            prop_assert_eq!(a.plus(b).map(|it| it.to_string()), Ok(sum.to_string()));
            prop_assert_eq!(a.minus(b).map(|it| it.to_string()), Ok(difference.to_string()));
        }

        #[test]
        fn what_is_shown_reads_back(digits in 0_u64.., power in -40_i32..40) {
            let one = number(&format!("{digits}e{power}"));
            prop_assert_eq!(number(&one.to_string()), one);
        }
    }
}
