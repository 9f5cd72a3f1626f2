//! The frame of every answer: `fleetwright/SCRIPT/MAJOR`, lines `key=value`, `end=COUNT`.
//!
//! `ListCommandInvocations` hands back at most 2,500 characters of a plugin's output (AWS Systems
//! Manager API reference, `CommandPlugin.Output`), standard output first and standard error after it.
//! A last line with the number of lines before it tells a cut answer from a whole one.

use serde::{Deserialize, Serialize};

/// An answer longer than this, in bytes, is not read on; an honest one is at most 2,500 characters.
pub const ANSWER_MAX: usize = 64 * 1024;
/// The longest value that is kept, in characters.
pub const VALUE_MAX: usize = 200;
/// The major version of every answer that is understood.
pub const MAJOR: u32 = 1;

/// What was read, and whether it is all that the host said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reading", content = "report")]
pub enum Reading<T> {
    /// Everything.
    Whole(T),
    /// The answer was cut off; this came before. Facts that are missing may have been said.
    Truncated(T),
}

impl<T> Reading<T> {
    /// What was read, whole or not.
    pub fn report(&self) -> &T {
        match self {
            Self::Whole(report) | Self::Truncated(report) => report,
        }
    }

    /// What was read, if it is everything.
    pub fn whole(self) -> Option<T> {
        match self {
            Self::Whole(report) => Some(report),
            Self::Truncated(_) => None,
        }
    }
}

/// An answer that cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// No first line of ours.
    #[error(
        "no answer of the {script} script in the host's output, which begins with {beginning:?}; look at the \
         kept output"
    )]
    NotAnAnswer {
        /// Which script's answer was expected.
        script: &'static str,
        /// The first 60 characters, without control characters.
        beginning: String,
    },
    /// Another version of the script wrote it.
    #[error(
        "the {script} answer has version {found:?}; this program reads version {MAJOR}; use the program that sent it"
    )]
    UnknownVersion {
        /// Which script's answer.
        script: &'static str,
        /// The version in the first line, shortened.
        found: String,
    },
    /// The answer lacks what it cannot be without.
    #[error("the {script} answer has no usable {key}; look at the kept output")]
    Missing {
        /// Which script's answer.
        script: &'static str,
        /// The key.
        key: &'static str,
    },
}

/// The lines of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Keys and values in order, values without control characters.
    pub(crate) lines: Vec<(String, String)>,
    /// Whether the last line was there and its count right.
    pub(crate) whole: bool,
}

/// Reads the last answer of `script` in `output`. The last, because an agent that runs a script again
/// after a reboot may keep what the first run printed.
pub(crate) fn frame(script: &'static str, output: &str) -> Result<Frame, AnswerError> {
    let output = shorten(output);
    let prefix = format!("fleetwright/{script}/");
    let mut version = None;
    let mut lines = Vec::new();
    let (mut ended, mut whole) = (false, false);
    for piece in output.split_inclusive('\n') {
        let line = piece.trim_end_matches(['\n', '\r']);
        if let Some(found) = line.strip_prefix(&prefix) {
            (version, ended, whole) = (Some(found), false, false);
            lines.clear();
        } else if version.is_none() || ended {
            continue;
        } else if let Some(count) = line.strip_prefix("end=") {
            (ended, whole) = (true, count.trim().parse() == Ok(lines.len()));
        } else if let Some((key, value)) = line.split_once('=').filter(|_| piece.ends_with('\n')) {
            lines.push((clean(key, 40), clean_value(key, value)));
        }
    }
    match version {
        None => Err(AnswerError::NotAnAnswer { script, beginning: clean(output, 60) }),
        Some(found) if found.trim().parse() != Ok(MAJOR) => {
            Err(AnswerError::UnknownVersion { script, found: clean(found, 20) })
        }
        Some(_) => Ok(Frame { lines, whole }),
    }
}

/// Compressed lists keep their length; everything else is for people.
fn clean_value(key: &str, value: &str) -> String {
    let bound = if matches!(key, "z" | "p") { ANSWER_MAX } else { VALUE_MAX };
    clean(value, bound)
}

/// Text without control characters and without what reorders a terminal line, `max` characters at most.
pub(crate) fn clean(text: &str, max: usize) -> String {
    let harmless = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().filter(harmless).take(max).collect::<String>().trim().to_owned()
}

fn shorten(output: &str) -> &str {
    if output.len() <= ANSWER_MAX {
        return output;
    }
    let end = (0..=ANSWER_MAX).rev().find(|&at| output.is_char_boundary(at)).unwrap_or(0);
    &output[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_answer_is_whole() {
        let read = frame("survey", "noise\nfleetwright/survey/1\nos=al2023\ncpus=2\nend=2\n").unwrap();
        assert!(read.whole);
        assert_eq!(read.lines, [("os".into(), "al2023".into()), ("cpus".into(), "2".into())]);
    }

    #[test]
    fn a_line_that_was_cut_off_is_not_taken_for_a_line() {
        let read = frame("survey", "fleetwright/survey/1\nos=al2023\nmemory_available_mib=40").unwrap();
        assert!(!read.whole);
        assert_eq!(read.lines, [("os".into(), "al2023".into())]);
    }

    #[test]
    fn standard_error_after_the_end_is_not_part_of_the_answer() {
        let read =
            frame("survey", "fleetwright/survey/1\nos=x\nend=1\n----------ERROR-------\ncpus=99\n").unwrap();
        assert!(read.whole);
        assert_eq!(read.lines.len(), 1);
    }

    #[test]
    fn a_missing_line_in_the_middle_is_noticed() {
        assert!(!frame("survey", "fleetwright/survey/1\nos=x\nend=2\n").unwrap().whole);
    }

    #[test]
    fn the_answer_after_the_reboot_replaces_the_one_before() {
        let text =
            "fleetwright/reboot/1\nresult=rebooting\nend=1\nfleetwright/reboot/1\nresult=rebooted\nend=1\n";
        assert_eq!(frame("reboot", text).unwrap().lines, [("result".into(), "rebooted".into())]);
    }

    #[test]
    fn a_version_nobody_knows_is_named() {
        let error = frame("survey", "fleetwright/survey/9\nend=0\n").unwrap_err();
        assert_eq!(error, AnswerError::UnknownVersion { script: "survey", found: "9".into() });
        assert!(matches!(frame("survey", "sh: not found\n"), Err(AnswerError::NotAnAnswer { .. })));
    }

    #[test]
    fn values_cannot_move_the_cursor() {
        let read = frame("survey", "fleetwright/survey/1\nhostname=\u{1b}[2Jroot\u{202e}\nend=1\n").unwrap();
        assert_eq!(read.lines[0].1, "[2Jroot");
    }
}
