//! `fleetwright cloud function ready`: the functions of a hub, one by one.

use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{AccountId, Exit, Region, code};
use fleetwright_templates::{
    FUNCTIONS, Function, Missing, Values, ready_function, text as in_a_file, values_of, variables_of,
};
use serde_json::{Value, json};

use crate::app::Outcome;
use crate::args::FunctionReadyArgs;
use crate::failure::CommandError;
use crate::generated::{GeneratedFile, write};
use crate::hub::{ENVIRONMENT_FORM, is_environment};
use crate::one_place::{tell, text};

fn usage(message: String) -> CommandError {
    CommandError::new(&code::USAGE, message)
}

/// `fleetwright cloud function ready`.
///
/// # Errors
/// A name is none, something that a function is made with was not said, or a file is there and differs.
pub(super) fn ready(args: &FunctionReadyArgs, format: OutputFormat) -> Outcome {
    let chosen = chosen(&args.names)?;
    let values = values(args)?;
    let Some(out) = &args.out else { return shown(&chosen, format) };
    let (mut files, mut missing) = (Vec::new(), std::collections::BTreeSet::new());
    for function in chosen {
        match ready_function(function, &values) {
            Err(Missing(names)) => missing.extend(names),
            Ok(mut request) => {
                // Tags are not compared and not changed by these commands.
                if let Some(members) = request.as_object_mut() {
                    members.remove("Tags");
                }
                let name = request["FunctionName"].as_str().unwrap_or(function.name);
                files.push(GeneratedFile { path: format!("{name}.json"), text: in_a_file(&request) });
            }
        }
    }
    if !missing.is_empty() {
        let said = |name: &String| match name.as_str() {
            "Environment" => "--environment".to_owned(),
            name => format!("--value {name}=…"),
        };
        let missing = missing.iter().map(said).collect::<Vec<_>>().join(", ");
        let hint =
            "--account and --region say where the hub is; names are those of the hub's template.".to_owned();
        return Err(CommandError { hint: Some(hint), ..usage(format!("say as well: {missing}")) });
    }
    write(out, &files, args.force, format)?;
    Ok(Exit::Success)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Function>, CommandError> {
    if names.is_empty() {
        return Ok(FUNCTIONS.iter().collect());
    }
    let known = || FUNCTIONS.iter().map(|it| it.name).collect::<Vec<_>>().join(", ");
    let find = |name: &String| {
        let found = FUNCTIONS.iter().find(|function| function.name == name);
        found.ok_or_else(|| usage(format!("{name:?} is no function of a hub; these are: {}", known())))
    };
    names.iter().map(find).collect()
}

/// What was said, as the template names it.
fn values(args: &FunctionReadyArgs) -> Result<Values, CommandError> {
    let mut values = Values::new();
    if let Some(environment) = &args.environment {
        if !is_environment(environment) {
            return Err(usage(format!("environment {environment:?}: {ENVIRONMENT_FORM}")));
        }
        values.insert("Environment".to_owned(), environment.clone());
    }
    if let Some(account) = &args.account {
        let account =
            AccountId::new(account.as_str()).map_err(|invalid| usage(format!("--account: {invalid}")))?;
        values.insert("AWS::AccountId".to_owned(), account.to_string());
    }
    if let Some(region) = &args.region {
        let region = Region::new(region.as_str()).map_err(|invalid| usage(format!("--region: {invalid}")))?;
        values.insert("AWS::Partition".to_owned(), region.partition().to_owned());
        values.insert("AWS::Region".to_owned(), region.to_string());
    }
    for pair in &args.values {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| usage("--value takes NAME=VALUE".to_owned()))?;
        values.insert(name.to_owned(), value.to_owned());
    }
    Ok(values)
}

fn shown(chosen: &[&Function], format: OutputFormat) -> Outcome {
    let rows = chosen.iter().map(|function| {
        json!({
            "name": function.name,
            "workflow": function.workflow.as_str(),
            "about": function.about,
            "memory_mib": function.memory,
            "timeout_seconds": function.seconds,
            "variables": variables_of(function),
            "values": values_of(function),
        })
    });
    tell(format, rows, |row| {
        let listed = |name: &str| {
            let items = row[name].as_array().into_iter().flatten().filter_map(Value::as_str);
            items.collect::<Vec<_>>().join(", ")
        };
        format!(
            "{}  {}: {} MiB, {} s\n  runs: {}\n  variables: {}\n  made with: {}\n",
            text(row, "name"),
            text(row, "about"),
            row["memory_mib"],
            row["timeout_seconds"],
            text(row, "workflow"),
            listed("variables"),
            listed("values"),
        )
    })
}
