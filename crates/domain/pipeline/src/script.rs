//! Scripts: what a step does, as lines of a POSIX shell that judge exit codes alike on every platform.
//!
//! Whatever a person or a configuration chose reaches a script as a variable and stands in quotes there: the text of
//! scripts is fixed, but for names of phases.

use fleetwright_model::Exit;

use crate::stages::Step;
use crate::{File, Workflow};

/// What a script is told by its platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Variable {
    /// The configuration file.
    Configuration,
    /// The environment that is worked on.
    Environment,
    /// The directory of reports.
    Reports,
    /// Where reports are copied to besides.
    Address,
    /// Who approved, as the platform knows them.
    Approver,
    /// Where this pipeline is looked at.
    Pipeline,
    /// A host whose place in the plan is explained; may be empty.
    Host,
    /// A landing zone.
    Zone,
    /// A region.
    Region,
    /// The plan, in the script itself.
    Plan,
    /// The name of the run, in the script itself.
    Run,
}

impl Variable {
    /// Its name in the shell.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Configuration => "CONFIGURATION",
            Self::Environment => "TARGET_ENVIRONMENT",
            Self::Reports => "REPORTS",
            Self::Address => "REPORT_ADDRESS",
            Self::Approver => "APPROVER",
            Self::Pipeline => "PIPELINE",
            Self::Host => "EXPLAINED_HOST",
            Self::Zone => "ZONE",
            Self::Region => "REGION",
            Self::Plan => "work/plan.json",
            Self::Run => "run",
        }
    }
}

/// One argument of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    /// A word of ours.
    Word(String),
    /// A variable by itself.
    Value(Variable),
    /// A flag with a variable, and what stands behind it.
    Flag(&'static str, Variable, &'static str),
    /// Variables with a `/` between them, and what stands behind them.
    Path(&'static [Variable], &'static str),
}

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// What people call it.
    pub what: &'static str,
    /// Exit codes besides 0 that do not fail the step.
    pub also: &'static [Exit],
    /// The program and its arguments.
    pub arguments: Vec<Argument>,
}

impl Command {
    pub(crate) fn new(what: &'static str, also: &'static [Exit], words: &str) -> Self {
        let arguments = words.split(' ').map(|word| Argument::Word(word.to_owned())).collect();
        Self { what, also, arguments }
    }

    pub(crate) fn word(mut self, word: impl Into<String>) -> Self {
        self.arguments.push(Argument::Word(word.into()));
        self
    }

    pub(crate) fn value(mut self, variable: Variable) -> Self {
        self.arguments.push(Argument::Value(variable));
        self
    }

    pub(crate) fn flag(mut self, flag: &'static str, variable: Variable) -> Self {
        self.arguments.push(Argument::Flag(flag, variable, ""));
        self
    }

    /// A flag with a place below a variable's directory.
    pub(crate) fn below(mut self, flag: &'static str, variable: Variable, rest: &'static str) -> Self {
        self.arguments.push(Argument::Flag(flag, variable, rest));
        self
    }

    pub(crate) fn path(mut self, variables: &'static [Variable], rest: &'static str) -> Self {
        self.arguments.push(Argument::Path(variables, rest));
        self
    }

    /// The configuration and the environment, as most commands take them.
    pub(crate) fn configured(self) -> Self {
        self.flag("--config", Variable::Configuration).flag("--environment", Variable::Environment)
    }

    /// The command as the process gets it, with values in the place of variables.
    pub(crate) fn argv(&self, value: impl Fn(Variable) -> String) -> Vec<String> {
        let one = |argument: &Argument| match argument {
            Argument::Word(word) => word.clone(),
            Argument::Value(variable) => value(*variable),
            Argument::Flag(flag, variable, rest) => format!("{flag}={}{rest}", value(*variable)),
            Argument::Path(variables, rest) => {
                let parts: Vec<String> = variables.iter().map(|variable| value(*variable)).collect();
                format!("{}{rest}", parts.join("/"))
            }
        };
        self.arguments.iter().map(one).collect()
    }

    /// The line of the script.
    fn line(&self) -> String {
        let also: Vec<String> = self.also.iter().map(|exit| exit.number().to_string()).collect();
        let mut line = format!("attempt '{}' '{}'", also.join(" "), self.what);
        for argument in &self.arguments {
            line.push(' ');
            line.push_str(&match argument {
                Argument::Word(word) => word.clone(),
                Argument::Value(variable) => format!("\"{}\"", reference(*variable)),
                Argument::Flag(flag, variable, rest) => format!("{flag}=\"{}{rest}\"", reference(*variable)),
                Argument::Path(variables, rest) => {
                    let parts: Vec<String> = variables.iter().map(|variable| reference(*variable)).collect();
                    format!("\"{}{rest}\"", parts.join("/"))
                }
            });
        }
        line.push('\n');
        line
    }
}

fn reference(variable: Variable) -> String {
    match variable {
        Variable::Plan => "$work/plan.json".to_owned(),
        other => format!("${}", other.name()),
    }
}

/// A part of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A command whose exit code is judged.
    Attempt(Command),
    /// Lines of shell.
    Shell(&'static str),
}

/// How a partial success ends a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartialSuccess {
    /// It is said, and well.
    Said,
    /// With its own exit code, which the platform shows as a warning.
    OwnCode,
}

/// The shell of a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shell {
    /// How a partial success ends.
    pub partial: PartialSuccess,
    /// Where the library is, as a word of the shell.
    pub library: &'static str,
    /// Lines that every script has before it does anything: where its credentials are.
    pub setup: String,
}

/// The library in a repository.
const IN_REPOSITORY: &str = ".fleetwright/pipeline.sh";

/// The library as a file of a repository.
pub(crate) fn library_file() -> File {
    File { path: IN_REPOSITORY.to_owned(), text: library() }
}

/// What all scripts share.
pub(crate) fn library() -> String {
    [ABOUT, PREAMBLE, FUNCTIONS].concat()
}

impl Shell {
    /// A shell in a repository that has the library.
    pub(crate) fn in_repository(partial: PartialSuccess, setup: String) -> Self {
        Self { partial, library: "./.fleetwright/pipeline.sh", setup }
    }

    /// The script of one step.
    pub(crate) fn step(&self, parts: &[Part]) -> String {
        let mut text = self.begin();
        write_parts(&mut text, parts);
        if self.partial == PartialSuccess::OwnCode {
            text.push_str("exit \"$partial\"\n");
        }
        text
    }

    /// The script of several steps in one shell: each by itself, none after one that failed.
    pub(crate) fn steps(&self, steps: &[Step]) -> String {
        let mut text = self.begin();
        for step in steps {
            text.push_str(&format!("echo '== {}'\n(\n", step.name));
            write_parts(&mut text, &step.parts);
            text.push_str("exit \"$partial\"\n) || ended \"$?\"\n");
        }
        text.push_str("exit \"$partial\"\n");
        text
    }

    fn begin(&self) -> String {
        format!(". {}\n{}", self.library, self.setup)
    }
}

fn write_parts(text: &mut String, parts: &[Part]) {
    for part in parts {
        match part {
            Part::Attempt(command) => text.push_str(&command.line()),
            Part::Shell(lines) => text.push_str(lines),
        }
    }
}

/// The lines that choose the role of the environment among the variables `ROLE_1`, `ROLE_2` …, and those variables;
/// nothing where no environment has one.
pub(crate) fn roles(workflow: &Workflow) -> (String, Vec<(String, String)>) {
    let with_role = workflow.environments.iter().filter_map(|one| Some((&one.name, one.role.clone()?)));
    let (mut lines, mut variables) = (String::new(), Vec::new());
    for (number, (name, role)) in (1..).zip(with_role) {
        lines.push_str(&format!("  {name}) export AWS_ROLE_ARN=\"$ROLE_{number}\" ;;\n"));
        variables.push((format!("ROLE_{number}"), role));
    }
    match lines.is_empty() {
        true => (lines, variables),
        false => (format!("case $TARGET_ENVIRONMENT in\n{lines}esac\n"), variables),
    }
}

const ABOUT: &str = "\
# What the steps of fleetwright's pipelines share: exit codes, and which run is the pipeline's.
# Written by `fleetwright pipeline`; a POSIX shell reads it.
";

/// What every script begins with: where things are, and that they are what they are taken for.
const PREAMBLE: &str = r#"set -eu
case $TARGET_ENVIRONMENT in
  '' | *[!A-Za-z0-9_-]*)
    echo 'error: TARGET_ENVIRONMENT is letters, digits, - and _' >&2
    exit 2
    ;;
esac
export FLEETWRIGHT_STATE_DIR="$STATE_DIRECTORY/$TARGET_ENVIRONMENT"
work="$FLEETWRIGHT_STATE_DIR/pipeline"
partial=0
code=0
"#;

/// The functions of scripts, each of which ends the script where it has to:
/// - `say`: a line of a level, as the platform shows levels;
/// - `attempt`: carries a command out and says what its exit code means;
/// - `newest`, `begun`, `find_run`: which run is this pipeline's, even where the step that began it was killed;
/// - `owned`: whether this pipeline still is the one that works on the environment;
/// - `planned`, `mark_nothing`: a scan or a plan that found nothing leaves the rest of the pipeline nothing to do;
/// - `waiting`, `mark_waits`, `approved`: whether the run waits at its gate; an approval without a person is none;
/// - `ended`: after a step among several, keeps a partial success in mind and stops at anything worse.
const FUNCTIONS: &str = r#"say() {
  if [ -n "${GITHUB_ACTIONS:-}" ]; then printf '::%s::%s\n' "$1" "$2"; else printf '%s: %s\n' "$1" "$2"; fi
}
attempt() {
  also=" $1 " what=$2
  shift 2
  code=0
  "$@" || code=$?
  [ "$code" -ne 0 ] || return 0
  case $code in
    10) why='the configuration is wrong; the lines above name file and line' ;;
    11) why='no usable credentials; see the role and its trust policy' ;;
    12) why='an endpoint cannot be reached; see the network of the runner' ;;
    13) why='a permission or quota is missing; fleetwright doctor says which' ;;
    14) why='time ran out; fleetwright resume continues' ;;
    15) why='what was checked is wrong; the lines above say where' ;;
    20) why='a part was done; the reports name the rest, fleetwright retry takes it again' ;;
    21) why='there was nothing to do' ;;
    22) why='halted by a threshold, a rejection or an abort; read the report, then fleetwright retry or rollback' ;;
    23) why='stuck: a person is needed; fleetwright status names the hosts and what to do' ;;
    130) why='it waits or was interrupted; fleetwright resume continues' ;;
    *) why='failed; fleetwright code explains the FW- code above' ;;
  esac
  case $also in
    *" $code "*) ;;
    *)
      say error "$what: $why (exit code $code)"
      exit "$code"
      ;;
  esac
  if [ "$code" -eq 20 ]; then
    partial=20
    say warning "$what: $why"
  else
    say notice "$what: $why"
  fi
}
newest() {
  runs=$(fleetwright runs --output=jsonl) || return 1
  printf '%s\n' "$runs" | sed -n '1s/.*"run_id":"\(run-[0-9A-Za-z-]*\)".*/\1/p'
}
begun() {
  [ -e "$work/before" ] || return 0
  if [ ! -e "$work/run" ]; then
    now=$(newest) || return 1
    [ -n "$now" ] && [ "$now" != "$(cat "$work/before")" ] || return 0
    printf '%s' "$now" > "$work/run"
  fi
  cat "$work/run"
}
owned() {
  if [ ! -e "$work/owner" ]; then
    say notice 'this pipeline has nothing under way'
    exit 0
  fi
  if [ "$(cat "$work/owner")" != "$PIPELINE" ]; then
    say error "another pipeline works on $TARGET_ENVIRONMENT; this one must not go on"
    exit 22
  fi
  mkdir -p "$REPORTS"
}
planned() {
  owned
  [ -e "$work/nothing" ] || return 0
  say notice 'there was nothing to do'
  exit 0
}
mark_nothing() {
  if [ "$code" -eq 21 ]; then : > "$work/nothing"; fi
}
find_run() {
  owned
  run=$(begun) || exit 1
  [ -z "$run" ] || return 0
  say notice 'no run was begun'
  exit 0
}
waiting() {
  find_run
  [ ! -e "$work/waits" ] || return 0
  say notice 'the run waits for nothing'
  exit 0
}
mark_waits() {
  if [ "$code" -eq 130 ]; then : > "$work/waits"; else rm -f "$work/waits"; fi
}
approved() {
  waiting
  [ -z "$APPROVER" ] || return 0
  say error 'nobody is known to have approved; let the platform ask for it'
  exit 23
}
ended() {
  [ "$1" -eq 20 ] || exit "$1"
  partial=20
}
"#;
