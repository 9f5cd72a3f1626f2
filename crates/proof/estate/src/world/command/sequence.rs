//! Commands that have several parts: the steps of a custom document, or an install with its hooks.
//!
//! Each part is a run of its own: it begins when the one before has ended, and sees what that one
//! left on the host.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::custom_document::{CustomDocument, Language};
use super::document::{Document, HOOKS};
use super::run::{self, Work};
use super::{InvocationRef, Order, patch_run, script_run};
use crate::world::host::ScriptResult;
use crate::world::host::shell::{Effects, Script};
use crate::world::patching::RebootOption;
use crate::world::platform::Platform;
use crate::world::timeline::Place;

/// What a part does.
#[derive(Clone, Debug)]
enum Deed {
    /// A step of a document, by its place.
    Step { document: Arc<CustomDocument>, step: usize, parameters: Arc<Map<String, Value>> },
    /// What AWS-RunPatchBaseline does, with another reboot option where there is one.
    Patch(Option<RebootOption>),
    /// A hook that cannot be run, for this reason.
    Impossible(String),
}

/// Whether a part runs once another has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// Only while all is well.
    Success,
    /// Whatever happened before.
    Anything,
}

/// A command's parts on one host, and how far they have come.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    parts: Vec<(Deed, After)>,
    /// The part that runs.
    at: usize,
    /// The exit code of the first that failed.
    exit_code: i32,
    stdout: String,
    stderr: String,
}

/// How a command stands once one of its parts has ended.
pub(super) enum Progress {
    /// Another part is to begin.
    GoesOn,
    /// That was the last: the exit code, and what all parts wrote.
    Ended(i32, (String, String)),
}

impl Sequence {
    fn plan(order: &Order, custom: &[Arc<CustomDocument>], platform: Platform) -> Self {
        let mut parts = Vec::new();
        match &order.document {
            // An agent goes on with the next step after one that failed.
            Document::Custom(document) => {
                let given = Arc::new(order.parameters.clone());
                parts.extend(steps(document, &given, platform).map(|deed| (deed, After::Anything)));
            }
            document if document.text(&order.parameters, "Operation") == "Install" => {
                let hook = |name| hook(&document.text(&order.parameters, name), custom, platform);
                let [before, after, exit] = HOOKS.map(hook);
                let well = |deed| (deed, After::Success);
                parts.extend(before.into_iter().map(well));
                parts.push(well(Deed::Patch(Some(RebootOption::NoReboot))));
                parts.extend(after.into_iter().map(well));
                if document.text(&order.parameters, "RebootOption") != RebootOption::NoReboot.name() {
                    parts.push(well(Deed::Patch(None)));
                }
                parts.extend(exit.into_iter().map(|deed| (deed, After::Anything)));
            }
            _ => parts.push((Deed::Patch(None), After::Success)),
        }
        Self { parts, at: 0, exit_code: 0, stdout: String::new(), stderr: String::new() }
    }

    /// Takes the end of a part into account.
    pub(super) fn advance(&mut self, exit_code: i32, (stdout, stderr): (String, String)) -> Progress {
        self.stdout += &stdout;
        self.stderr += &stderr;
        if self.exit_code == 0 {
            self.exit_code = exit_code;
        }
        let may_run = |after: After| self.exit_code == 0 || after == After::Anything;
        let rest = self.parts.iter().enumerate().skip(self.at + 1);
        match rest.into_iter().find(|(_, (_, after))| may_run(*after)) {
            Some((next, _)) => {
                self.at = next;
                Progress::GoesOn
            }
            None => {
                let outputs = (std::mem::take(&mut self.stdout), std::mem::take(&mut self.stderr));
                Progress::Ended(self.exit_code, outputs)
            }
        }
    }
}

fn steps<'d>(
    document: &'d Arc<CustomDocument>,
    parameters: &'d Arc<Map<String, Value>>,
    platform: Platform,
) -> impl Iterator<Item = Deed> + 'd {
    let runs = move |(_, step): &(usize, &super::custom_document::Step)| step.runs_on(platform);
    document.steps.iter().enumerate().filter(runs).map(|(step, _)| Deed::Step {
        document: document.clone(),
        step,
        parameters: parameters.clone(),
    })
}

/// The parts of a hook, which gets no parameters.
fn hook(name: &str, custom: &[Arc<CustomDocument>], platform: Platform) -> Vec<Deed> {
    let impossible = |why: String| vec![Deed::Impossible(format!("hook {name}: {why}\n"))];
    let nothing = Map::new();
    match Document::find(name, custom) {
        None => impossible(format!("Document with name {name} does not exist.")),
        Some(Document::Noop) => Vec::new(),
        Some(Document::Custom(document)) => match Document::Custom(document.clone()).check(&nothing) {
            Ok(()) => steps(&document, &Arc::new(nothing), platform).collect(),
            Err(why) => impossible(why),
        },
        Some(_) => impossible("the estate runs custom documents as hooks, and AWS-Noop.".to_owned()),
    }
}

/// What the part comes to that begins now.
pub(super) fn run(place: &mut Place<'_>, invocation: InvocationRef, at: Timestamp) -> (ScriptResult, Work) {
    let nothing = || (ScriptResult::default(), Work::Script(Effects::default()));
    let environment = place.region.hosts.environment().clone();
    let Some(command) = place.region.commands.get_mut(invocation.command) else { return nothing() };
    let entry = &mut command.invocations[invocation.place];
    let id = entry.instance;
    let Some(it) = place.region.instances.get(id) else { return nothing() };
    let agent = it.agent.as_ref().map(|agent| agent.version.clone()).unwrap_or_default();
    let sequence = entry.sequence.get_or_insert_with(|| {
        Box::new(Sequence::plan(&command.order, environment.documents(), it.platform))
    });
    let Some((deed, _)) = sequence.parts.get(sequence.at).cloned() else { return nothing() };
    match deed {
        Deed::Patch(reboot_option) => patch_run::run(place, invocation, reboot_option, at),
        Deed::Impossible(stderr) => (
            ScriptResult { exit_code: 1, stderr, ..ScriptResult::default() },
            Work::Script(Effects::default()),
        ),
        Deed::Step { document, step, parameters } => {
            let step = &document.steps[step];
            let filled = document.filled(step, &parameters, &agent);
            let Some(view) = run::view(place, id, at) else { return nothing() };
            match step.language {
                Language::PowerShell => script_run::powershell(&environment, &view, &filled.text),
                Language::Shell => {
                    let script = Script {
                        text: &filled.text,
                        working_directory: &filled.working_directory,
                        limit_seconds: filled.limit_seconds,
                    };
                    let done = environment.shell().run(&view, &script);
                    (done.result, Work::Script(done.effects))
                }
            }
        }
    }
}
