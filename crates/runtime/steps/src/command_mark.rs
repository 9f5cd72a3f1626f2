//! The mark a command carries in its comment, so that it is found again after a crash.

use fleetwright_model::{InstanceId, Text};
use fleetwright_ports::{CommandState, RunId};

/// What a command was sent for. Batches are put together anew after a crash, so the mark names no
/// batch: which hosts a command is for is read from the command itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    run: RunId,
    step: &'static str,
    attempt: u16,
}

impl Mark {
    pub(crate) fn new(run: &RunId, step: &'static str, attempt: u16) -> Self {
        Self { run: run.clone(), step, attempt }
    }

    /// At most 100 characters: the run's name has at most 64, a step's at most 20.
    pub(crate) fn text(&self) -> Text {
        format!("fw {} {} {}", self.run, self.step, self.attempt).into()
    }

    /// The attempt the command was sent for, if it is of the same run and step and no later one.
    pub(crate) fn attempt_of(&self, command: &CommandState) -> Option<u16> {
        let attempt = command.mark.strip_prefix(&*format!("fw {} {} ", self.run, self.step))?;
        attempt.parse().ok().filter(|attempt| *attempt <= self.attempt)
    }

    /// Whether the command was sent for this very attempt and host.
    pub(crate) fn is_on(&self, command: &CommandState, host: &InstanceId) -> bool {
        self.attempt_of(command) == Some(self.attempt) && command.hosts.contains(host)
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
        let mark = Mark::new(&run, "patch", 2);
        assert_eq!(mark.attempt_of(&command(&mark.text())), Some(2));
        assert_eq!(mark.attempt_of(&command("fw run-20261101T020000Z-4f1a patch 1")), Some(1));
        assert_eq!(mark.attempt_of(&command("fw run-20261101T020000Z-4f1a patch 3")), None, "a later one");
        assert_eq!(mark.attempt_of(&command("fw run-20261101T020000Z-4f1a reboot 2")), None);
        assert_eq!(mark.attempt_of(&command("fw run-20261101T020000Z-ffff patch 2")), None);
    }

    #[test]
    fn the_longest_mark_fits_into_a_comment() {
        let run: RunId = "r".repeat(64).parse().unwrap();
        assert!(Mark::new(&run, "validate-restored", u16::MAX).text().len() <= 100);
    }
}
