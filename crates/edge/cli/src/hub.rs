//! The work of a hub's functions: what the state machine of `runtime/stepfn` calls, and the page behind approval links.
//!
//! A function is told its place by its variables, as the template of the hub sets them (`domain/templates`): the table of
//! the journal, the bucket of artefacts, secrets by their ARN. The configuration lies below `configuration/` in that
//! bucket, the inventories it names beside it. Nothing is kept between invocations but the program.

mod approve;
mod event;
mod gate;
mod place;
mod prepare;
mod report;
mod turn;
mod upgrade;

pub use event::{Fault, Invocation};
pub use place::{ENVIRONMENT_FORM, Hub, is_environment};
pub use upgrade::Input as UpgradeInput;

use fleetwright_templates::FUNCTIONS;
use serde_json::Value;

use crate::app::App;
use crate::environment::Environment;

/// Carries out an invocation of a function; `handler` is its name in the template.
///
/// # Errors
/// What the state machine, or whoever called, is to be told.
pub async fn handle(
    environment: &Environment,
    handler: &str,
    invocation: &Invocation<'_>,
) -> Result<Value, Fault> {
    let app = App::of_function(environment.clone());
    match handler {
        "prepare" => prepare::handle(&app, invocation).await,
        "turn" => turn::handle(&app, invocation).await,
        "gate" => gate::handle(&app, invocation).await,
        "approve" => approve::answer(&app, invocation).await,
        "authorise" => approve::authorise(&app, invocation).await,
        "report" => report::handle(&app, invocation).await,
        other => upgrade::handle(&app, other, invocation).await.unwrap_or_else(|| {
            let names: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
            Err(Fault::unusable(format!("there is no handler {other:?}; there are {}", names.join(", "))))
        }),
    }
}
