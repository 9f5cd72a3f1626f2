//! Lengths of time in one word: `30m`, `1h`, `1h30m`.

use jiff::SignedDuration;

use crate::fault::{Fault, quoted};
use crate::words::Word;

/// Reads hours and minutes.
pub(crate) fn parse(word: Word<'_>) -> Result<SignedDuration, Fault> {
    let fault = || {
        Fault::at(
            word.column,
            format!("{} is not a length of time such as 30m, 1h or 1h30m", quoted(word.text)),
        )
    };
    let (mut minutes, mut digits, mut units) = (0_i64, String::new(), ['h', 'm'].into_iter());
    for c in word.text.chars() {
        if c.is_ascii_digit() && digits.len() < 5 {
            digits.push(c);
            continue;
        }
        let unit = units.find(|unit| *unit == c).ok_or_else(fault)?;
        let count: i64 = digits.parse().map_err(|_| fault())?;
        minutes += if unit == 'h' { count * 60 } else { count };
        digits.clear();
    }
    if word.text.is_empty() || !digits.is_empty() {
        Err(fault())
    } else {
        Ok(SignedDuration::from_mins(minutes))
    }
}

/// As it would be written.
pub(crate) fn show(length: SignedDuration) -> String {
    let (hours, minutes) = (length.as_mins() / 60, length.as_mins() % 60);
    match (hours, minutes) {
        (0, minutes) => format!("{minutes}m"),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h{minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_come_before_minutes_and_each_once() {
        let read = |text| parse(Word { text, column: 7 });
        assert_eq!(read("1h30m").map(show).as_deref(), Ok("1h30m"));
        assert_eq!(read("90m").map(show).as_deref(), Ok("1h30m"));
        for wrong in ["", "1", "h", "30m1h", "1h1h", "1d", "-1h", "1.5h", "99999999h"] {
            assert_eq!(read(wrong).expect_err("no length").column, 7, "{wrong}");
        }
    }
}
