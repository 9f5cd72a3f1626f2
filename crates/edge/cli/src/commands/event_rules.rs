//! `fleetwright cloud rule …`: rules of EventBridge, in one account and region.

use fleetwright_model::{ErrorClass, code};
use fleetwright_ports::EventRules;
use fleetwright_ports::event_rules::{
    BusName, NewRule, Pattern, Rule, RuleName, RuleState, Target, TargetId, Trigger, monitoring,
    rollback_trigger,
};
use fleetwright_report::safe;
use serde_json::{Value, json};

use super::machines::whole;
use crate::app::{App, Outcome};
use crate::args::{RuleChangeArgs, RuleCommand, RuleListArgs, RulePutArgs, RuleReadyArgs, TargetPutArgs};
use crate::failure::CommandError;
use crate::files;
use crate::one_place::{OnePlace, change, tell, text};

/// The id of the target that ready rules have.
const READY_TARGET: &str = "fleetwright";

/// What cannot be the name, the pattern or a target of a rule.
pub fn unusable(fault: impl ToString) -> CommandError {
    CommandError::new(&code::RULE_UNUSABLE, safe::line(&fault.to_string()).into_owned())
}

impl App {
    /// `fleetwright cloud rule …`.
    pub fn rules(&self, command: &RuleCommand) -> Outcome {
        // What is wrong with a rule needs no AWS to be told.
        let new = match command {
            RuleCommand::Put(args) => Some(new_rule(args)?),
            RuleCommand::Monitor(args) => Some(monitoring(&args.cluster).map_err(unusable)?),
            RuleCommand::RollbackTrigger(args) => Some(rollback_trigger(&args.cluster).map_err(unusable)?),
            _ => None,
        };
        self.in_one_place(command.args(), command.change(), async |at| match (command, new) {
            (RuleCommand::Put(args), Some(new)) => {
                put(&at, &args.bus, &new).await?;
                done(&at, &new.name, "put")
            }
            (RuleCommand::Monitor(args) | RuleCommand::RollbackTrigger(args), Some(new)) => {
                ready(&at, args, &new).await
            }
            (RuleCommand::List(args), _) => list(&at, args).await,
            (RuleCommand::Enable(args), _) => switch(&at, args, RuleState::Enabled).await,
            (RuleCommand::Disable(args), _) => switch(&at, args, RuleState::Disabled).await,
            (RuleCommand::Delete(args), _) => delete(&at, args).await,
            (RuleCommand::PutTarget(args), _) => put_target(&at, args).await,
            (RuleCommand::RemoveTargets(args), _) => {
                let (bus, rule) = place(&args.bus, &args.name)?;
                let ids: Result<Vec<TargetId>, _> = args.ids.iter().map(|id| id.parse()).collect();
                let ids = ids.map_err(unusable)?;
                if !at.dry_run {
                    at.aws.remove_targets(&at.place.cell(), &bus, &rule, &ids).await?;
                }
                done(&at, &rule, "remove targets of")
            }
            (RuleCommand::Describe(args), _) => describe(&at, &args.bus, &args.name).await,
            (RuleCommand::Put(_) | RuleCommand::Monitor(_) | RuleCommand::RollbackTrigger(_), None) => {
                Err(CommandError::new(&code::INTERNAL, "no rule was made of the command line"))
            }
        })
    }
}

fn place(bus: &str, rule: &str) -> Result<(BusName, RuleName), CommandError> {
    Ok((bus.parse().map_err(unusable)?, rule.parse().map_err(unusable)?))
}

fn new_rule(args: &RulePutArgs) -> Result<NewRule, CommandError> {
    let trigger = match (&args.pattern, &args.schedule) {
        (Some(file), _) => {
            let pattern = Pattern::parse(&files::read_text(file)?);
            Trigger::Events(pattern.map_err(|fault| unusable(format!("{}: {fault}", file.display())))?)
        }
        (None, schedule) => Trigger::Schedule(schedule.clone().unwrap_or_default()),
    };
    let state = if args.disabled { RuleState::Disabled } else { RuleState::Enabled };
    let name = args.name.parse().map_err(unusable)?;
    Ok(NewRule { name, trigger, description: args.description.clone(), state })
}

/// Shows what was done to a rule.
fn done(at: &OnePlace, name: &RuleName, what: &str) -> Outcome {
    let row = json!({ "name": name.as_str(), "change": what, "done": !at.dry_run });
    tell(at.format, [row], change)
}

async fn put(at: &OnePlace, bus: &str, new: &NewRule) -> Result<(), CommandError> {
    let bus: BusName = bus.parse().map_err(unusable)?;
    if !at.dry_run {
        at.aws.put_rule(&at.place.cell(), &bus, new).await?;
    }
    Ok(())
}

fn target(
    at: &OnePlace,
    (id, arn): (&str, &str),
    role: Option<&str>,
    input: Option<String>,
) -> Result<Target, CommandError> {
    if !arn.starts_with("arn:") {
        return Err(unusable(format!("--target takes an ARN, not {arn:?}")));
    }
    let role = role.map(|role| at.role(role)).transpose()?;
    Ok(Target { id: id.parse().map_err(unusable)?, arn: arn.to_owned(), role, input })
}

async fn ready(at: &OnePlace, args: &RuleReadyArgs, new: &NewRule) -> Outcome {
    let target = match &args.target {
        None => None,
        Some(arn) => Some(target(at, (READY_TARGET, arn), args.role.as_deref(), None)?),
    };
    put(at, &args.bus, new).await?;
    if let Some(target) = target.filter(|_| !at.dry_run) {
        let bus: BusName = args.bus.parse().map_err(unusable)?;
        at.aws.put_targets(&at.place.cell(), &bus, &new.name, &[target]).await?;
    }
    done(at, &new.name, "put")
}

async fn switch(at: &OnePlace, args: &RuleChangeArgs, state: RuleState) -> Outcome {
    let (bus, rule) = place(&args.bus, &args.name)?;
    if !at.dry_run {
        at.aws.switch(&at.place.cell(), &bus, &rule, state).await?;
    }
    let what = match state {
        RuleState::Enabled => "enable",
        RuleState::Disabled => "disable",
    };
    done(at, &rule, what)
}

/// Deletes a rule with its targets, without which EventBridge deletes none.
async fn delete(at: &OnePlace, args: &RuleChangeArgs) -> Outcome {
    let (bus, rule) = place(&args.bus, &args.name)?;
    let cell = at.place.cell();
    match at.aws.rule(&cell, &bus, &rule).await {
        Ok(_) => {}
        Err(failure) if failure.class == ErrorClass::NotFound => return done(at, &rule, "unchanged"),
        Err(failure) => return Err(failure.into()),
    }
    let targets = whole(at.aws.targets(&cell, &bus, &rule).await)?;
    if !at.dry_run {
        let ids: Vec<TargetId> = targets.into_iter().map(|target| target.id).collect();
        at.aws.remove_targets(&cell, &bus, &rule, &ids).await?;
        at.aws.delete_rule(&cell, &bus, &rule).await?;
    }
    done(at, &rule, "delete")
}

async fn put_target(at: &OnePlace, args: &TargetPutArgs) -> Outcome {
    let (bus, rule) = place(&args.bus, &args.name)?;
    let input = match &args.input {
        None => None,
        Some(file) => {
            let text = files::read_text(file)?;
            let json = serde_json::from_str::<Value>(&text);
            json.map_err(|_| unusable(format!("{} holds no JSON", file.display())))?;
            Some(text)
        }
    };
    let target = target(at, (&args.id, &args.target), args.role.as_deref(), input)?;
    if !at.dry_run {
        at.aws.put_targets(&at.place.cell(), &bus, &rule, &[target]).await?;
    }
    done(at, &rule, "put target of")
}

fn row(rule: &Rule) -> Value {
    let pattern =
        rule.pattern.as_deref().map(|text| serde_json::from_str(text).unwrap_or_else(|_| text.into()));
    json!({
        "name": rule.name.as_str(),
        "state": rule.state.as_str(),
        "description": rule.description,
        "pattern": pattern.unwrap_or(Value::Null),
        "schedule": rule.schedule,
    })
}

fn in_words(row: &Value) -> String {
    let takes = match row["schedule"].as_str() {
        Some(schedule) => safe::line(schedule).into_owned(),
        None => safe::line(&row["pattern"].to_string()).into_owned(),
    };
    let mut words = format!("{}  {}  {takes}\n", text(row, "name"), text(row, "state"));
    for target in row["targets"].as_array().into_iter().flatten() {
        words.push_str(&format!("  {}  {}\n", text(target, "id"), text(target, "arn")));
    }
    words
}

async fn describe(at: &OnePlace, bus: &str, name: &str) -> Outcome {
    let (bus, name) = place(bus, name)?;
    let cell = at.place.cell();
    let rule = at.aws.rule(&cell, &bus, &name).await?;
    let targets = whole(at.aws.targets(&cell, &bus, &name).await)?;
    let mut row = row(&rule);
    // The input of a target may hold secrets.
    let told = |target: &Target| {
        json!({
            "id": target.id.as_str(), "arn": target.arn, "role": target.role, "has_input": target.input.is_some(),
        })
    };
    row["targets"] = targets.iter().map(told).collect();
    tell(at.format, [row], in_words)
}

async fn list(at: &OnePlace, args: &RuleListArgs) -> Outcome {
    let bus: BusName = args.bus.parse().map_err(unusable)?;
    let rules = whole(at.aws.rules(&at.place.cell(), &bus, args.prefix.as_deref()).await)?;
    tell(at.format, rules.iter().map(row), in_words)
}
