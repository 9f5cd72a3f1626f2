//! The mark a command carries in its comment, so that it is found again after a crash.

use fleetwright_model::Text;
use fleetwright_ports::{CommandState, RunId};

/// What commands are sent for. Batches are put together anew after a crash, so the mark names no
/// batch: which hosts a command is for is read from the command itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    prefix: String,
}

impl Mark {
    pub(crate) fn new(run: &RunId, purpose: &str) -> Self {
        Self { prefix: format!("fw {run} {purpose} ") }
    }

    /// The comment of an attempt's command. At most 100 characters: the run's name has at most 64, a
    /// purpose at most 20.
    pub(crate) fn text(&self, attempt: u16) -> Text {
        format!("{}{attempt}", self.prefix).into()
    }

    /// The attempt the command was sent for, if it was sent for this.
    pub(crate) fn attempt_of(&self, command: &CommandState) -> Option<u16> {
        command.mark.strip_prefix(&*self.prefix)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(mark: &str) -> CommandState {
        CommandState {
            id: "c".into(),
            mark: mark.into(),
            hosts: Vec::new(),
            requested_at: None,
            ended: false,
            targets: 1,
            completed: 0,
        }
    }

    #[test]
    fn a_mark_is_known_again_by_run_step_and_attempt() {
        let run: RunId = "run-20261101T020000Z-4f1a".parse().unwrap();
        let mark = Mark::new(&run, "patch");
        assert_eq!(mark.attempt_of(&command(&mark.text(2))), Some(2));
        assert_eq!(mark.attempt_of(&command("fw run-20261101T020000Z-4f1a patch 1")), Some(1));
        assert_eq!(mark.attempt_of(&command("fw run-20261101T020000Z-4f1a reboot 2")), None);
        assert_eq!(mark.attempt_of(&command("fw run-20261101T020000Z-ffff patch 2")), None);
        assert_eq!(mark.attempt_of(&command("somebody else's")), None);
    }

    #[test]
    fn the_longest_mark_fits_into_a_comment() {
        let run: RunId = "r".repeat(64).parse().unwrap();
        assert!(Mark::new(&run, "validate-restored").text(u16::MAX).len() <= 100);
    }
}
