//! Content lines: unfolded, with their name, parameters and value (RFC 5545, 3.1).

use crate::fault::{Fault, quoted};

/// One content line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it begins in the text, from 1.
    pub(super) number: u32,
    /// Its name, in capitals.
    pub(super) name: String,
    /// Its parameters: names in capitals, values without quotes.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) value: String,
}

impl Line {
    /// A fault of this line.
    pub(super) fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault::at(1, format!("{}: {}", self.name, reason.into())).on_line(self.number)
    }

    /// Refuses parameters that are not in the list; `X-…` is anybody's and moves nothing.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Fault> {
        let unknown = self
            .parameters
            .iter()
            .find(|(name, _)| !name.starts_with("X-") && !known.contains(&name.as_str()));
        match unknown {
            Some((name, _)) => Err(self.fault(format!("the parameter {} is not understood", quoted(name)))),
            None => Ok(()),
        }
    }

    /// The value of a parameter; given twice, nobody knows which counts.
    pub(super) fn parameter(&self, name: &str) -> Result<Option<&str>, Fault> {
        let mut values =
            self.parameters.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(self.fault(format!("the parameter {name} is given twice"))),
            (value, None) => Ok(value),
        }
    }
}

/// The content lines of a text, and what is wrong with those that are none. A line that begins with a
/// blank goes on with the one before it. Empty lines, which the standard does not know and files have,
/// are passed over.
pub(super) fn unfold(text: &str) -> (Vec<Line>, Vec<Fault>) {
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    let mut pending: Option<(u32, String)> = None;
    let mut finish = |pending: Option<(u32, String)>| match pending.map(|(number, text)| read(number, &text))
    {
        Some(Ok(line)) => lines.push(line),
        Some(Err(fault)) => faults.push(fault),
        None => {}
    };
    let mut too_early = None;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, physical) in (1_u32..).zip(text.lines()) {
        match physical.strip_prefix([' ', '\t']) {
            Some(rest) => match &mut pending {
                Some((_, text)) => text.push_str(rest),
                None if rest.trim().is_empty() => {}
                None => too_early = too_early.or(Some(number)),
            },
            None if physical.is_empty() => {}
            None => finish(pending.replace((number, physical.to_owned()))),
        }
    }
    finish(pending);
    faults.extend(
        too_early.map(|number| Fault::at(1, "goes on with a line that is not there").on_line(number)),
    );
    (lines, faults)
}

/// `NAME;PARAMETER=VALUE,"VALUE":value`.
fn read(number: u32, text: &str) -> Result<Line, Fault> {
    let fault = |rest: &str, reason: &str| {
        let before = text[..text.len() - rest.len()].chars().count();
        let column = u32::try_from(before).unwrap_or(u32::MAX - 1) + 1;
        Err(Fault::at(column, reason).on_line(number))
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    if name.is_empty() {
        return fault(rest, "a line begins with the name of a property");
    }
    let mut parameters = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
        let (parameter, after) = after.split_at(end);
        let Some(after) = after.strip_prefix('=').filter(|_| !parameter.is_empty()) else {
            return fault(after, "a parameter is NAME=VALUE");
        };
        let Some(length) = value_length(after) else { return fault(after, "a quote is not closed") };
        let (value, after) = after.split_at(length);
        parameters.push((parameter.to_ascii_uppercase(), value.replace('"', "")));
        rest = after;
    }
    match rest.strip_prefix(':') {
        Some(value) => {
            Ok(Line { number, name: name.to_ascii_uppercase(), parameters, value: value.to_owned() })
        }
        None => fault(rest, "a line is NAME:VALUE"),
    }
}

/// How far a parameter's value goes; `None` where a quote is not closed.
fn value_length(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ';' | ':' if !quoted => return Some(at),
            _ => {}
        }
    }
    (!quoted).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_lines_are_put_together_and_keep_the_number_of_their_first() {
        let (lines, faults) =
            unfold("DESCRIPTION:This is a lo\r\n ng description\r\n\r\n\tthat goes on\r\nUID:1\r\n");
        assert_eq!(faults, []);
        assert_eq!(lines[0].value, "This is a long descriptionthat goes on");
        assert_eq!((lines[0].number, lines[1].number), (1, 5));
    }

    #[test]
    fn parameters_may_be_quoted() {
        let (lines, faults) = unfold("dtstart;tzid=\"Europe/Berlin\";X-A=\"a:b;c\",d:20261224T180000");
        assert_eq!(faults, []);
        assert_eq!(lines[0].name, "DTSTART");
        assert_eq!(lines[0].parameter("TZID"), Ok(Some("Europe/Berlin")));
        assert_eq!(lines[0].parameter("X-A"), Ok(Some("a:b;c,d")));
        assert_eq!(lines[0].value, "20261224T180000");
    }

    #[test]
    fn what_is_no_line_is_pointed_at() {
        for (text, line, column) in [
            (" goes on", 1, 1),
            ("UID:1\n:x", 2, 1),
            ("UID:1\n\nSUMMARY", 3, 8),
            ("DTSTART;TZID:x", 1, 13),
            ("DTSTART;TZID=\"Europe/Berlin:x", 1, 14),
            ("DTSTART TZID:x", 1, 8),
            ("ÄNDERUNG:x", 1, 1),
        ] {
            let (_, faults) = unfold(text);
            assert_eq!((faults[0].line, faults[0].column), (Some(line), column), "{text}: {}", faults[0]);
        }
    }
}
