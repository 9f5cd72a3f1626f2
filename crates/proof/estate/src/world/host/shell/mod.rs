//! Running shell scripts for real, on hosts that are not.
//!
//! A script runs in a scratch directory that holds what scripts read (`/proc`, `/etc`, `/var`, …),
//! with its own absolute paths pointed there, and with tools that answer from the host's state in
//! the real tools' formats. It sees nothing of the machine the estate runs on, and changes nothing
//! outside the directory; but this keeps honest scripts apart, and is no prison for hostile ones.
//!
//! What a script did once on some state is remembered for every estate of the process, with the host's
//! identity (boot id, name, addresses, times) left open; scripts through which identity does not pass
//! whole run each time.

mod foreign;
mod identity;
mod learned;
mod paths;
mod scene;
mod workshop;

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::powershell::ScriptResult;
use super::state::ServiceState;
use super::view::HostView;
use foreign::Foreign;
use identity::Identity;
use learned::{LEARNED, Learned, Passage};
use workshop::{Ran, Workshop};

/// States that a script is run twice on before it is believed that identity passes it whole.
const TRIALS: u32 = 3;

/// A script to be run.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    /// What it says.
    pub text: &'a str,
    /// Where it starts; the root user's home where empty.
    pub working_directory: &'a str,
    /// Seconds of the estate's time that it may take.
    pub limit_seconds: u64,
}

/// What a script does to its host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// True where it asks for a reboot by itself, with `reboot` or `shutdown`.
    pub reboots: bool,
    /// Services it started or stopped.
    pub services: Vec<(String, ServiceState)>,
    /// Files it wrote, by absolute path; none where it removed one.
    pub files: BTreeMap<String, Option<Arc<[u8]>>>,
}

impl Effects {
    /// True where it leaves nothing behind.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.reboots && self.services.is_empty() && self.files.is_empty()
    }
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What it told.
    pub result: ScriptResult,
    /// What it did.
    pub effects: Effects,
}

/// Whether the shell uses what was learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// The same script on the same state is run once in the life of the process.
    #[default]
    Remember,
    /// Every script is run every time; what comes out is the same.
    Forget,
}

/// Runs scripts, and remembers what they did.
#[derive(Debug, Default)]
pub struct Shell {
    workshop: Option<Workshop>,
    memory: Memory,
    executions: u64,
}

impl Shell {
    /// Sets whether runs are remembered.
    pub fn set_memory(&mut self, memory: Memory) {
        self.memory = memory;
    }

    /// How many scripts were really run.
    #[must_use]
    pub const fn executions(&self) -> u64 {
        self.executions
    }

    /// What a script does on a host.
    pub fn run(&mut self, view: &HostView<'_>, script: &Script<'_>) -> Done {
        match self.try_run(view, script) {
            Ok(ran) => ran.done(),
            Err(error) => Done {
                result: ScriptResult {
                    exit_code: 1,
                    stdout: String::new(),
                    stderr: format!("the estate cannot run scripts on this machine: {error}\n"),
                    seconds: 0,
                },
                effects: Effects::default(),
            },
        }
    }

    fn try_run(&mut self, view: &HostView<'_>, script: &Script<'_>) -> std::io::Result<Ran> {
        let own = Identity::of(view);
        if self.memory == Memory::Forget {
            return self.execute(view, &own, script, script.text);
        }
        let (open_text, foreign) = Foreign::take(&own.open_lasting(script.text));
        let text_key = digest(&[open_text.as_bytes(), script.working_directory.as_bytes()]);
        let Passage::Whole(times) = Learned::of(&LEARNED).passage(&text_key) else {
            return self.execute(view, &own, script, script.text);
        };
        let ambiguous = own.is_ambiguous();
        let stand_ins = own.stand_ins().into_iter().zip([foreign.stand_ins(1), foreign.stand_ins(2)]);
        let mut stand_ins = stand_ins.map(|(identity, foreign)| StandIn { identity, foreign });
        let own_place = StandIn { identity: own, foreign };
        let Some(first) = stand_ins.next() else {
            return self.execute(view, &own_place.identity, script, script.text);
        };
        let state = scene::state_key(view, &first.identity, script.text);
        let region = first.identity.region.as_bytes();
        let key = digest(&[&text_key, &state, region, &script.limit_seconds.to_be_bytes()]);
        let known = Learned::of(&LEARNED).known(&key);
        if let Some(known) = known {
            return Ok(own_place.fill_all(&known));
        }
        let open = first.open_all(&self.execute(view, &first.identity, script, &first.fill(&open_text))?);
        let mut whole = scene::covers(script.text, &open.tools);
        if let (true, Some(second)) = (times < TRIALS || ambiguous, stand_ins.next()) {
            let other = self.execute(view, &second.identity, script, &second.fill(&open_text))?;
            whole &= second.open_all(&other) == open;
        }
        if !whole {
            // A number that is equal by chance says nothing against the script.
            if !ambiguous {
                Learned::of(&LEARNED).pass(text_key, Passage::Broken);
            }
            return self.execute(view, &own_place.identity, script, script.text);
        }
        let filled = own_place.fill_all(&open);
        let mut learned = Learned::of(&LEARNED);
        learned.pass(text_key, Passage::Whole(times + 1));
        learned.know(key, open);
        Ok(filled)
    }

    fn execute(
        &mut self,
        view: &HostView<'_>,
        identity: &Identity,
        script: &Script<'_>,
        text: &str,
    ) -> std::io::Result<Ran> {
        let workshop = match &mut self.workshop {
            Some(workshop) => workshop,
            empty => empty.insert(Workshop::open()?),
        };
        self.executions += 1;
        workshop.run(&scene::files(view, identity), identity, text, script)
    }
}

/// Who is in a script's text and in what it tells: the host itself, and others it names.
struct StandIn {
    identity: Identity,
    foreign: Foreign,
}

impl StandIn {
    fn fill(&self, open: &str) -> String {
        self.identity.fill(&self.foreign.fill(open))
    }

    fn open_all(&self, ran: &Ran) -> Ran {
        ran.changed(|text| self.foreign.open(&self.identity.open(text)))
    }

    fn fill_all(&self, ran: &Ran) -> Ran {
        ran.changed(|text| self.fill(text))
    }
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
