//! What was learned of scripts, by every estate of the process: a script's run is a function of its text
//! and of the state it runs on, whichever estate it is run for.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use super::workshop::Ran;

/// Runs that are remembered at once; what was learned is begun anew when there would be more.
const MOST_RUNS: usize = 8_192;

/// A digest of what is looked up.
type Key = [u8; 32];

/// What was learned in this process.
pub(super) static LEARNED: LazyLock<Mutex<Learned>> = LazyLock::new(Mutex::default);

/// What is known of a script, whatever the state it runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// Identity passed it whole, so many times.
    Whole(u32),
    /// Identity did not: it is run for each host.
    Broken,
}

/// What scripts did, with the host's identity left open.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// By script.
    passages: HashMap<Key, Passage>,
    /// By script and state.
    known: HashMap<Key, Arc<Ran>>,
}

impl Learned {
    /// Looks it up or changes it; nothing is run meanwhile.
    ///
    /// A panic while it was held leaves a cache behind in which every entry is whole.
    pub(super) fn of(learned: &Mutex<Self>) -> MutexGuard<'_, Self> {
        learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How identity passes a script.
    pub(super) fn passage(&self, script: &Key) -> Passage {
        self.passages.get(script).copied().unwrap_or(Passage::Whole(0))
    }

    /// Keeps how identity passed a script. What broke once stays broken.
    pub(super) fn pass(&mut self, script: Key, passage: Passage) {
        let kept = self.passages.entry(script).or_insert(passage);
        if *kept != Passage::Broken {
            *kept = passage;
        }
    }

    /// What a script did on a state.
    pub(super) fn known(&self, run: &Key) -> Option<Arc<Ran>> {
        self.known.get(run).cloned()
    }

    /// Keeps what a script did on a state.
    pub(super) fn know(&mut self, run: Key, ran: Ran) {
        if self.known.len() >= MOST_RUNS && !self.known.contains_key(&run) {
            self.known.clear();
        }
        self.known.insert(run, Arc::new(ran));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_broke_once_stays_broken() {
        let mut learned = Learned::default();
        assert_eq!(learned.passage(&[1; 32]), Passage::Whole(0));
        learned.pass([1; 32], Passage::Whole(1));
        learned.pass([1; 32], Passage::Broken);
        // Another estate had run it meanwhile, and saw nothing.
        learned.pass([1; 32], Passage::Whole(2));
        assert_eq!(learned.passage(&[1; 32]), Passage::Broken);
        assert_eq!(learned.passage(&[2; 32]), Passage::Whole(0));
    }

    #[test]
    fn no_more_runs_are_remembered_than_there_is_room_for() {
        let mut learned = Learned::default();
        let run = |n: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&n.to_be_bytes());
            key
        };
        let ran = |n: usize| Ran {
            exit_code: 0,
            stdout: n.to_string(),
            stderr: String::new(),
            seconds: 0,
            reboots: false,
            services: Vec::new(),
            files: std::collections::BTreeMap::new(),
            tools: Vec::new(),
        };
        for n in 0..MOST_RUNS {
            learned.know(run(n), ran(n));
        }
        learned.know(run(0), ran(0));
        assert_eq!(learned.known.len(), MOST_RUNS, "what is known already takes no room");
        learned.know(run(MOST_RUNS), ran(MOST_RUNS));
        assert_eq!(learned.known.len(), 1, "begun anew");
        assert_eq!(learned.known(&run(MOST_RUNS)).map(|ran| ran.stdout.clone()), Some("8192".to_owned()));
        assert_eq!(learned.known(&run(0)), None);
    }
}
