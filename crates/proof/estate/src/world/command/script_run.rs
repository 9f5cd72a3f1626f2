//! Runs of scripts: AWS-RunShellScript for real, AWS-RunPowerShellScript by whoever lends one.

use jiff::Timestamp;
use serde_json::Value;

use super::document::Document;
use super::run::{self, Work};
use super::{CommandId, InvocationRef};
use crate::world::host::environment::{Environment, ensure};
use crate::world::host::shell::{Effects, Script};
use crate::world::host::{HostEventKind, HostView, ScriptResult};
use crate::world::ids::InstanceId;
use crate::world::timeline::Place;

/// What a script comes to that begins now.
pub(super) fn run(place: &mut Place<'_>, invocation: InvocationRef, at: Timestamp) -> (ScriptResult, Work) {
    let nothing = || (ScriptResult::default(), Work::Script(Effects::default()));
    let Some(command) = place.region.commands.get(invocation.command) else { return nothing() };
    let id = command.invocations[invocation.place].instance;
    let (document, parameters) = (command.order.document.clone(), &command.order.parameters);
    let lines = parameters.get("commands").and_then(Value::as_array).into_iter().flatten();
    let text = lines.filter_map(Value::as_str).collect::<Vec<_>>().join("\n");
    let Some(view) = run::view(place, id, at) else { return nothing() };
    let environment = place.region.hosts.environment();
    if document == Document::RunPowerShellScript {
        return powershell(environment, &view, &text);
    }
    let script = Script {
        text: &text,
        working_directory: &document.text(parameters, "workingDirectory"),
        limit_seconds: document.execution_seconds(parameters).unsigned_abs(),
    };
    let done = environment.shell().run(&view, &script);
    (done.result, Work::Script(done.effects))
}

/// What a script for PowerShell comes to.
pub(super) fn powershell(environment: &Environment, view: &HostView<'_>, text: &str) -> (ScriptResult, Work) {
    let answered = environment.powershell().and_then(|powershell| powershell.run(view, text));
    let result = answered.unwrap_or_else(|| ScriptResult {
        exit_code: 1,
        stderr: "The estate has no PowerShell that knows this script; lend it one.\n".to_owned(),
        ..ScriptResult::default()
    });
    (result, Work::Script(Effects::default()))
}

/// Lets a script's doings take effect on its host.
pub(super) fn take_effect(
    place: &mut Place<'_>,
    id: InstanceId,
    command: CommandId,
    effects: &Effects,
    at: Timestamp,
) {
    run::note(place, id, at, HostEventKind::RanScript { command });
    if effects.is_empty() {
        return;
    }
    let Some(host) = ensure(place.region, id) else { return };
    for (service, state) in &effects.services {
        host.software.services.insert(service.as_str().into(), *state);
    }
    for (path, content) in &effects.files {
        match content {
            Some(bytes) => host.software.files.insert(path.as_str().into(), bytes.clone()),
            None => host.software.files.remove(path.as_str()),
        };
    }
}
