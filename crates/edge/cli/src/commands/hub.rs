//! `fleetwright cloud start|list|describe|history|stop|approve|evidence`: the runs of a hub and their executions.

use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{Exit, code};
use fleetwright_ports::RunId;
use fleetwright_ports::executions::{ExecutionId, NewExecution, Payload};
use fleetwright_ports::state_machines::MachineName;
use fleetwright_report::safe;
use fleetwright_templates::{MACHINES, Workflow};
use serde_json::{Map, Value, json};

use super::executions;
use super::machines::unnamed;
use super::runs::Decision;
use crate::app::{App, Outcome, Time, form, in_runtime};
use crate::args::{HubArgs, HubCommand, HubEvidenceArgs, HubStartArgs};
use crate::cells::Place;
use crate::failure::CommandError;
use crate::files;
use crate::hub::{Hub, UpgradeInput};
use crate::on_record::{OnRecord, nobody_approves};
use crate::one_place::{OnePlace, tell, text};
use crate::state::refused;

impl App {
    /// `fleetwright cloud start|list|describe|history|stop|approve|evidence`.
    pub(crate) fn of_hub(&self, command: &HubCommand) -> Outcome {
        if let HubCommand::Approve(args) = command {
            if args.state.hub.is_none() {
                let message = "which hub? --hub names its environment; `fleetwright approve` is for runs of this machine";
                return Err(CommandError::new(&code::USAGE, message));
            }
            return self.decide(args, Decision::Approve(None));
        }
        self.log_warnings();
        in_runtime(Time::Wall, async {
            match command {
                HubCommand::Start(args) => {
                    self.at_hub(&args.hub, Some("cloud start"), async |hub, at| start(&hub, &at, args).await)
                        .await
                }
                HubCommand::List(args) => {
                    self.at_hub(&args.hub, None, async |hub, at| {
                        let filter = executions::filter(args.status, None, args.since, at.clock.as_ref());
                        executions::listed(&at, &machine(&hub, args.upgrades)?, &filter).await
                    })
                    .await
                }
                HubCommand::Describe(args) => {
                    self.at_hub(&args.hub, None, async |hub, at| {
                        executions::described(&at, &execution(&hub, &args.run).await?, false).await
                    })
                    .await
                }
                HubCommand::History(args) => {
                    self.at_hub(&args.hub, None, async |hub, at| {
                        executions::told(&at, &execution(&hub, &args.run).await?, false).await
                    })
                    .await
                }
                HubCommand::Stop(args) => {
                    self.at_hub(&args.hub, Some("cloud stop"), async |hub, at| {
                        let id = execution(&hub, &args.run).await?;
                        executions::stopped(&at, &id, Some("Operator"), args.cause.as_deref()).await
                    })
                    .await
                }
                HubCommand::Evidence(args) => {
                    self.at_hub(&args.hub, None, async |hub, at| evidence(&hub, args, at.format).await).await
                }
                // It was taken above.
                HubCommand::Approve(_) => Ok(Exit::Success),
            }
        })
    }

    /// Works at a hub. What a command changes stands in the audit log of commands in the hub's table; the next turn of any
    /// run does not sign it, because only functions hold the key.
    pub(super) async fn at_hub(
        &self,
        args: &HubArgs,
        change: Option<&'static str>,
        work: impl AsyncFnOnce(Hub, OnePlace) -> Outcome,
    ) -> Outcome {
        let hub = Hub::of_environment(self, &args.hub).await?;
        let aws = match change {
            None => hub.aws.clone(),
            Some(reason) => {
                let on_record = OnRecord::of_commands(&hub.state, self.user());
                hub.aws.on_behalf(on_record.behalf(reason, &nobody_approves()))
            }
        };
        let place = Place { zone: hub.zone.clone(), region: hub.region.clone() };
        let at = OnePlace {
            aws,
            clock: hub.clock.clone(),
            place,
            dry_run: false,
            format: form(args.output),
            console: self.console,
        };
        work(hub, at).await
    }
}

/// The hub's state machine that patches hosts, or the one that upgrades clusters.
fn machine(hub: &Hub, upgrades: bool) -> Result<MachineName, CommandError> {
    let workflow = if upgrades { Workflow::Upgrade } else { Workflow::Patching };
    let machine = MACHINES.iter().find(|machine| machine.workflow == workflow);
    machine.map(|it| it.name(&hub.environment)).unwrap_or_default().parse().map_err(unnamed)
}

fn run_id(name: &str) -> Result<RunId, CommandError> {
    name.parse().map_err(|error| CommandError::new(&code::USAGE, format!("{error}")))
}

/// The newest execution of a run.
async fn execution(hub: &Hub, run: &str) -> Result<ExecutionId, CommandError> {
    let run = run_id(run)?;
    let holder = hub.journal.execution(&run).await.map_err(|error| refused(&error))?;
    let Some(arn) = holder else {
        let message = format!("the hub {} has no run {run}", hub.environment);
        return Err(CommandError::new(&code::NO_SUCH_RUN, message));
    };
    let mut parts = arn.rsplit(':');
    let (name, machine) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    Ok(ExecutionId { machine: machine.parse().map_err(unnamed)?, name: name.parse().map_err(unnamed)? })
}

async fn start(hub: &Hub, at: &OnePlace, args: &HubStartArgs) -> Outcome {
    let run = run_id(&args.run)?;
    let mut input = upgrade_input(args)?;
    input.insert("run".to_owned(), run.as_str().into());
    let name = match args.resume {
        false => run.to_string(),
        // The name of an execution is taken for 90 days.
        true => {
            input.insert("resume".to_owned(), true.into());
            format!("{run}-{}", hub.clock.now().as_second())
        }
    };
    let machine = machine(hub, args.upgrade.is_some())?.as_str().parse().map_err(unnamed)?;
    let new = NewExecution {
        machine,
        name: name.parse().map_err(unnamed)?,
        input: Payload::new(Value::Object(input).to_string()),
    };
    executions::started(at, &new).await
}

/// What an upgrade is started with; nothing where hosts are patched.
fn upgrade_input(args: &HubStartArgs) -> Result<Map<String, Value>, CommandError> {
    let mut input = Map::new();
    let (Some(cluster), Some(to)) = (&args.upgrade, &args.to) else { return Ok(input) };
    let accepted = args.accept.iter().map(|pair| match pair.split_once('=') {
        Some((check, reason)) if !check.trim().is_empty() && !reason.trim().is_empty() => {
            Ok((check.trim().to_ascii_uppercase(), reason.trim().into()))
        }
        _ => Err(CommandError::new(&code::USAGE, format!("--accept {pair:?}: it takes CHECK=REASON"))),
    });
    let accepted = accepted.collect::<Result<Map<String, Value>, _>>()?;
    input.insert("cluster_name".to_owned(), cluster.as_str().into());
    input.insert("target_version".to_owned(), to.as_str().into());
    if args.no_rollback {
        input.insert("rollback".to_owned(), false.into());
    }
    if !accepted.is_empty() {
        input.insert("accept".to_owned(), accepted.into());
    }
    let lists = [
        ("queries", &args.queries),
        ("metrics", &args.metrics),
        ("endpoints", &args.endpoints),
        ("suites", &args.suites),
    ];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        input.insert(name.to_owned(), list.clone().into());
    }
    let given = [("account", &args.account), ("region", &args.region), ("events", &args.events)];
    for (name, value) in given {
        if let Some(value) = value {
            input.insert(name.to_owned(), value.as_str().into());
        }
    }
    // What means nothing is told here, and not by an execution that fails.
    UpgradeInput::read(&Value::Object(input.clone()))?;
    Ok(input)
}

/// Lists files of a run, or fetches them.
async fn evidence(hub: &Hub, args: &HubEvidenceArgs, format: OutputFormat) -> Outcome {
    let run = match args.run.strip_prefix("arn:") {
        None => run_id(&args.run)?,
        Some(arn) => run_id(arn.rsplit(':').next().unwrap_or_default())?,
    };
    let artifacts = &hub.state.artifacts;
    let keys = artifacts.list(&run, &args.below).await.map_err(|error| refused(&error))?;
    if keys.is_empty() {
        let message =
            format!("the hub {} has no files of {run} that begin with {:?}", hub.environment, args.below);
        return Err(CommandError::new(&code::NO_SUCH_RUN, message));
    }
    let mut rows: Vec<Value> = Vec::with_capacity(keys.len());
    for key in &keys {
        let mut row = json!({ "run": run, "file": key });
        if let Some(directory) = &args.into {
            let Some(content) = artifacts.get(&run, key).await.map_err(|error| refused(&error))? else {
                continue;
            };
            let path = directory.join(key);
            files::make_directory(path.parent().unwrap_or(directory))?;
            files::write_atomically(&path, |file| std::io::Write::write_all(file, &content))?;
            row["fetched"] = path.display().to_string().into();
        }
        rows.push(row);
    }
    tell(format, rows, |row| match row.get("fetched") {
        Some(_) => format!("{}\n", text(row, "fetched")),
        None => format!("{}\n", safe::line(row["file"].as_str().unwrap_or_default())),
    })
}
