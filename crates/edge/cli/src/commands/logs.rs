//! `fleetwright cloud logs`: what the functions of a hub wrote, by time, and what they write from now on.

use std::time::Duration;

use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{ErrorClass, Exit, code};
use fleetwright_ports::logs::{Follower, LogEvent, LogGroupName, LogQuery, Look};
use fleetwright_ports::{Clock, RunId};
use fleetwright_report::safe;
use fleetwright_templates::FUNCTIONS;
use serde_json::{Value, json};

use crate::app::{App, Outcome, Time, in_runtime};
use crate::args::{LogsArgs, Since, StackCommand};
use crate::failure::CommandError;
use crate::interrupt;
use crate::one_place::{OnePlace, moment, tell, text};

/// Events of one function that are shown at once, at most.
const MOST_EVENTS: usize = 100_000;

/// Between two looks at what is written: CloudWatch Logs takes five searches a second of an account's region
/// (user guide, "CloudWatch Logs service quotas"), and a hub has six functions.
const PAUSE: Duration = Duration::from_secs(5);

impl App {
    /// `fleetwright cloud validate|logs`.
    pub(crate) fn stack(&self, command: &StackCommand) -> Outcome {
        let args = match command {
            StackCommand::Validate(args) => return self.validate_cloud(args),
            StackCommand::Deploy(args) => return self.deploy(args),
            StackCommand::Destroy(args) => return self.destroy(args),
            StackCommand::Logs(args) => args,
        };
        self.log_warnings();
        in_runtime(Time::Wall, async {
            self.at_hub(&args.hub, None, async |hub, at| show(&at, &hub.environment, args).await).await
        })
    }
}

/// What is shown of a function's lines.
struct Wanted {
    functions: Vec<&'static str>,
    run: Option<String>,
    follower: Follower,
}

impl Wanted {
    fn of(args: &LogsArgs, environment: &str, clock: &dyn Clock) -> Result<Self, CommandError> {
        let wrong = |said: String| CommandError::new(&code::USAGE, said);
        let meant =
            |name: &str| args.functions.is_empty() || args.functions.iter().any(|it| it.as_str() == name);
        let functions: Vec<_> = FUNCTIONS.iter().filter(|function| meant(function.name)).collect();
        let groups = functions.iter().map(|function| function.log_group(environment).parse());
        let groups: Result<Vec<LogGroupName>, _> = groups.collect();
        let run = args.run.as_deref().map(str::parse::<RunId>).transpose();
        let run = run.map_err(|error| wrong(format!("--run: {error}")))?.map(|run| run.to_string());
        let since = match args.since {
            Since::At(at) => Some(at),
            Since::Ago(ago) => clock.now().checked_sub(ago).ok(),
        };
        let pattern = pattern(args.filter.as_deref(), run.as_deref());
        let query = LogQuery { since, until: None, pattern };
        let groups = groups.map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            functions: functions.iter().map(|function| function.name).collect(),
            run,
            follower: Follower::new(groups, query),
        })
    }

    fn row(&self, number: usize, event: &LogEvent) -> Option<Value> {
        let is_meant = self.run.as_deref().is_none_or(|run| names(&event.message, run));
        is_meant.then(|| {
            json!({
                "at": event.at,
                "function": self.functions[number],
                "stream": event.stream,
                "id": event.id,
                "message": event.message,
            })
        })
    }
}

/// The pattern that is asked for. Terms of a text can be added to; a condition on JSON stands alone, and the run is
/// looked for in what it finds.
fn pattern(filter: Option<&str>, run: Option<&str>) -> Option<String> {
    let of_run = run.map(|run| format!("\"{run}\""));
    match (filter.map(str::trim).filter(|filter| !filter.is_empty()), of_run) {
        (Some(filter), Some(run)) if !filter.starts_with(['{', '[', '%']) => Some(format!("{run} {filter}")),
        (Some(filter), _) => Some(filter.to_owned()),
        (None, run) => run,
    }
}

/// Whether a line names the run, and not one whose name begins or ends as its own.
fn names(line: &str, run: &str) -> bool {
    let is_part = |letter: Option<char>| letter.is_some_and(|it| it.is_ascii_alphanumeric() || it == '-');
    line.match_indices(run).any(|(at, found)| {
        let (before, after) = (line[..at].chars().next_back(), line[at + found.len()..].chars().next());
        !is_part(before) && !is_part(after)
    })
}

/// Shows what was written since, and follows it where asked to.
///
/// # Errors
/// A flag is wrong, nothing can be read, or standard output cannot be written.
pub async fn show(at: &OnePlace, environment: &str, args: &LogsArgs) -> Outcome {
    let mut wanted = Wanted::of(args, environment, at.clock.as_ref())?;
    let format = match (args.follow, at.format) {
        (true, OutputFormat::Json) => OutputFormat::Jsonl,
        (_, format) => format,
    };
    let look = wanted.follower.look(&at.aws, &at.place.cell(), MOST_EVENTS).await;
    let exit = told(at, &wanted, format, look, Remarks::Made)?;
    if !args.follow {
        return Ok(exit);
    }
    let stop = interrupt::stop_on_signal(at.console);
    let follow = async {
        loop {
            at.clock.sleep(PAUSE).await;
            let look = wanted.follower.look(&at.aws, &at.place.cell(), MOST_EVENTS).await;
            told(at, &wanted, format, look, Remarks::Kept)?;
        }
    };
    stop.or_stop(follow).await.unwrap_or(Ok(Exit::Success))
}

/// Whether it is said again that a function has no log yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remarks {
    Made,
    Kept,
}

/// Writes what a look found; one that could read nothing is an error.
fn told(at: &OnePlace, wanted: &Wanted, format: OutputFormat, look: Look, remarks: Remarks) -> Outcome {
    let rows: Vec<Value> =
        look.events.iter().filter_map(|(number, event)| wanted.row(*number, event)).collect();
    let found = !rows.is_empty();
    if found || remarks == Remarks::Made {
        tell(format, rows, line)?;
    }
    for number in &look.cut {
        let name = wanted.functions[*number];
        at.console.note(&format!(
            "{name}: there is more; only the oldest {MOST_EVENTS} lines are shown, narrow the time"
        ));
    }
    let nothing = look.failures.len() == wanted.functions.len();
    let mut partial = false;
    for (number, failure) in look.failures {
        let is_missing = failure.class == ErrorClass::NotFound;
        if nothing && !(is_missing && remarks == Remarks::Kept) {
            return Err(failure.into());
        }
        partial |= !is_missing;
        if remarks == Remarks::Made || !is_missing {
            let (name, said) = (wanted.functions[number], safe::line(&failure.message).into_owned());
            at.console.note(&format!("{name}: {said}"));
        }
    }
    Ok(match (partial, found) {
        (true, _) => Exit::Partial,
        (false, true) => Exit::Success,
        (false, false) => Exit::Nothing,
    })
}

fn line(row: &Value) -> String {
    format!("{}  {:<9}  {}\n", moment(row, "at"), text(row, "function"), text(row, "message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_told_from_those_whose_names_are_like_it() {
        for line in ["run november ends", r#"{"run":"november"}"#, "november"] {
            assert!(names(line, "november"), "{line}");
        }
        for line in ["run november-2", "pre-november", "novembers", "x"] {
            assert!(!names(line, "november"), "{line}");
        }
        assert!(names("november-2 after november", "november"));
    }

    #[test]
    fn the_run_is_a_term_of_the_pattern_where_it_can_be() {
        assert_eq!(pattern(None, None), None);
        assert_eq!(pattern(Some(" "), Some("r-1")).as_deref(), Some("\"r-1\""));
        assert_eq!(pattern(Some("?ERROR ?WARN"), Some("r-1")).as_deref(), Some("\"r-1\" ?ERROR ?WARN"));
        assert_eq!(pattern(Some("{ $.n = 1 }"), Some("r-1")).as_deref(), Some("{ $.n = 1 }"));
    }
}
