//! `fleetwright cloud template`.

use std::collections::BTreeSet;

use fleetwright_aws::policy::{Use, of_zone};
use fleetwright_config::{Located, Settings, SourceText};
use fleetwright_model::{Exit, Phase, RoleArn, code};
use fleetwright_stepfn::{Shape, machine, upgrade_machine};
use fleetwright_survey::Fleet;
use fleetwright_templates::{
    Definition, Definitions, Hub, MadeFor, TableKeys, hub, hub_parameters, spoke, spoke_parameters, text,
};
use serde_json::Value;

use crate::app::{App, Outcome};
use crate::args::TemplateArgs;
use crate::commands::policy;
use crate::console::Console;
use crate::diagnosis::{Sources, command_error};
use crate::failure::CommandError;
use crate::generated::{GeneratedFile, write};
use crate::hub::{ENVIRONMENT_FORM, is_environment};
use crate::{files, policy_scope};

/// The role of spokes where the configuration names none.
const SPOKE_ROLE: &str = "fleetwright-spoke";

impl App {
    /// `fleetwright cloud template`.
    ///
    /// # Errors
    /// As settings, inventories, `policy`; landing zones name several roles; the definition cannot be read; a file is there
    /// and differs.
    pub fn template(&self, args: &TemplateArgs) -> Outcome {
        let loaded = self.settings(&args.fleet, |flags| flags.output(args.output))?;
        let fleet = self.fleet(&loaded, &args.fleet)?;
        let settings = &loaded.resolved.settings;
        let patching = definition(args, self.console)?;
        let definitions = Definitions { patching, ..Definitions::IN_BUCKET };
        let hub = hub(&Hub { definitions, keys: TableKeys::default() });
        let role = role_name(settings, &fleet)?;
        let mut generated = vec![
            GeneratedFile { path: "hub.template.json".to_owned(), text: text(&hub) },
            GeneratedFile { path: "machine.asl.json".to_owned(), text: text(&machine(&Shape::default())) },
            GeneratedFile {
                path: "upgrade.asl.json".to_owned(),
                text: text(&upgrade_machine(&Shape::default())),
            },
            GeneratedFile {
                path: "spoke.template.json".to_owned(),
                text: text(&spoke_template(settings, &fleet, &role, &args.clusters)?),
            },
        ];
        for environment in environments(settings)? {
            generated.extend(parameters(args, &role, environment));
        }
        write(&args.out, &generated, args.force, settings.output.format)?;
        Ok(Exit::Success)
    }
}

/// The definition of the state machine, where it is to lie in the template.
fn definition(args: &TemplateArgs, console: Console) -> Result<Definition, CommandError> {
    let Some(path) = &args.definition else { return Ok(Definition::InBucket) };
    let source = SourceText::new(path.display().to_string(), files::read_text(path)?);
    match Located::read(&source) {
        Ok(located) => Ok(Definition::Inline(located.json())),
        Err(errors) => {
            let sources = Sources::from([(source.name.clone(), source)]);
            Err(command_error(&errors, &sources, console.color))
        }
    }
}

/// The spoke with the policy of the chosen landing zones. One of a single account becomes one of the role's own; what is
/// made for several fits each of them already.
fn spoke_template(
    settings: &Settings,
    fleet: &Fleet,
    role: &str,
    clusters: &[String],
) -> Result<Value, CommandError> {
    let enabled = Phase::ALL.into_iter().filter(|phase| settings.phases.limits(*phase).enabled);
    let mut scope = policy_scope::scope(settings, fleet, &enabled.collect::<Vec<_>>());
    if !clusters.is_empty() {
        scope.clusters.extend(clusters.iter().cloned());
        scope.uses.extend([Use::Clusters, Use::ClusterUpgrades]);
    }
    let policy = policy::document(&of_zone(&scope))?;
    let account = match fleet.zones.as_slice() {
        [only] if fleet.scopes.is_empty() => Some(only.account.to_string()),
        _ => None,
    };
    Ok(spoke(&policy, &MadeFor { account: account.as_deref(), role: Some(role) }))
}

/// The name of the role in every spoke: the one that the landing zones name.
///
/// # Errors
/// They name several: a spoke has one.
fn role_name(settings: &Settings, fleet: &Fleet) -> Result<String, CommandError> {
    let named = fleet.zones.iter().filter_map(|zone| zone.access.role.as_ref());
    let names: BTreeSet<&str> = named.map(RoleArn::name).collect();
    match names.iter().collect::<Vec<_>>().as_slice() {
        [] => Ok(settings.aws.role_name.clone().unwrap_or_else(|| SPOKE_ROLE.to_owned())),
        [only] => Ok((**only).to_owned()),
        _ => {
            let names = names.into_iter().collect::<Vec<_>>().join(", ");
            let hint = Some("Choose landing zones of one role with --landing-zones.".to_owned());
            let message = format!("the landing zones name several roles: {names}");
            Err(CommandError { hint, ..CommandError::new(&code::USAGE, message) })
        }
    }
}

/// The environment that was chosen, or all that have a section.
fn environments(settings: &Settings) -> Result<Vec<&str>, CommandError> {
    let names: Vec<&str> = match &settings.environment {
        Some(chosen) => vec![chosen],
        None => settings.environments.iter().map(String::as_str).collect(),
    };
    if names.is_empty() {
        let hint = Some("Name one with --environment, or give it a section under `environments`.".to_owned());
        return Err(CommandError {
            hint,
            ..CommandError::new(&code::USAGE, "a hub belongs to an environment")
        });
    }
    if let Some(name) = names.iter().find(|name| !is_environment(name)) {
        return Err(CommandError::new(&code::USAGE, format!("environment {name:?}: {ENVIRONMENT_FORM}")));
    }
    Ok(names)
}

fn parameters(args: &TemplateArgs, role: &str, environment: &str) -> [GeneratedFile; 2] {
    let mut given = vec![
        ("CodeBucket", args.code_bucket.as_str()),
        ("CodeKey", &args.code_key),
        ("OrganizationId", &args.organization),
        ("UpgradeDefinitionKey", &args.upgrade_definition_key),
        ("SpokeRoleName", role),
        ("ExternalIdSecret", &args.external_id_secret),
        ("ApprovalKeySecret", &args.approval_key_secret),
    ];
    if args.definition.is_none() {
        given.push(("DefinitionKey", &args.definition_key));
    }
    let file = |which: &str, parameters: &Value| GeneratedFile {
        path: format!("parameters/{which}.{environment}.json"),
        text: text(parameters),
    };
    [
        file("hub", &hub_parameters(environment, &given)),
        file("spoke", &spoke_parameters(environment, &args.hub_account, role)),
    ]
}
