//! Maintenance windows: made, filled with targets and tasks, listed, deleted.

mod create;
mod describe;
mod members;
mod remove;

use serde_json::Value;

use super::document;
use super::members::{Members, members, missing, number, paged, text};
use crate::call::{ApiError, Call, Operation, Requirement};
use crate::generate::seed::Seed;
use crate::world::World;
use crate::world::command::uuid;
use crate::world::maintenance::{Tokened, Window, Windows};
use rand::RngExt;

/// Every operation on maintenance windows.
pub(super) fn operations() -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(create::CreateMaintenanceWindow),
        Box::new(describe::DescribeMaintenanceWindowSchedule),
        Box::new(describe::DescribeMaintenanceWindowTargets),
        Box::new(describe::DescribeMaintenanceWindowTasks),
        Box::new(describe::DescribeMaintenanceWindows),
        Box::new(describe::GetMaintenanceWindow),
        Box::new(members::RegisterTargetWithMaintenanceWindow),
        Box::new(members::RegisterTaskWithMaintenanceWindow),
        Box::new(remove::DeleteMaintenanceWindow),
        Box::new(remove::DeregisterTargetFromMaintenanceWindow),
        Box::new(remove::DeregisterTaskFromMaintenanceWindow),
    ]
}

/// The name of a window, target or task, if it is there.
fn name(members: &Members) -> Result<Option<&str>, ApiError> {
    let name = text(members, "Name", (3, 128))?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    match name.filter(|name| !name.bytes().all(plain)) {
        None => Ok(name),
        Some(odd) => Err(document::constraint(
            &format!("'{odd}'"),
            "name",
            "Member must satisfy regular expression pattern: ^[a-zA-Z0-9_\\-.]{3,128}$",
        )),
    }
}

/// The id of the window a call names, in the right form.
fn window_id(members: &Members) -> Result<String, ApiError> {
    let id = text(members, "WindowId", (20, 20))?.ok_or_else(|| missing("WindowId"))?;
    let digits = id.strip_prefix("mw-").unwrap_or_default();
    match digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) && digits.len() == 17 {
        true => Ok(id.to_owned()),
        false => Err(document::constraint(
            &format!("'{id}'"),
            "windowId",
            "Member must satisfy regular expression pattern: ^mw-[0-9a-f]{17}$",
        )),
    }
}

fn no_window(id: &str) -> ApiError {
    ApiError::new(400, "DoesNotExistException", format!("Maintenance window {id} does not exist"))
}

fn windows<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Windows, ApiError> {
    document::region(world, call)?;
    let account = world.accounts.get_mut(&call.account);
    let region = account.and_then(|account| account.regions.get_mut(&call.region));
    region.map(|region| &mut region.windows).ok_or_else(|| no_window(""))
}

fn window<'w>(windows: &'w mut Windows, id: &str) -> Result<&'w mut Window, ApiError> {
    windows.windows.get_mut(id).ok_or_else(|| no_window(id))
}

/// What a token stands for.
enum Token {
    /// There is none, or it is new.
    New,
    /// This very request was made before, and made this.
    Known(String),
}

/// Looks a request's token up.
fn token(windows: &Windows, action: &'static str, members: &Members) -> Result<Token, ApiError> {
    let Some(token) = text(members, "ClientToken", (1, 64))? else { return Ok(Token::New) };
    match windows.tokens.get(&(action, token.to_owned())) {
        None => Ok(Token::New),
        Some(known) if known.request == without_token(members) => Ok(Token::Known(known.id.clone())),
        Some(_) => Err(ApiError::new(
            400,
            "IdempotentParameterMismatch",
            "The client token was used before with different parameters.",
        )),
    }
}

fn without_token(members: &Members) -> Value {
    let mut request = members.clone();
    request.remove("ClientToken");
    Value::Object(request)
}

/// Remembers what a request's token made.
fn remember(windows: &mut Windows, action: &'static str, members: &Members, id: &str) {
    if let Some(token) = members.get("ClientToken").and_then(Value::as_str) {
        let made = Tokened { request: without_token(members), id: id.to_owned() };
        windows.tokens.insert((action, token.to_owned()), made);
    }
}

/// A number that nothing here has got yet.
fn draw(seed: u64, call: &Call, windows: &mut Windows) -> u128 {
    let seed = crate::generate::cell_seed(&Seed::root(seed), &call.account, &call.region);
    windows.made += 1;
    seed.child("maintenance-window").nth(windows.made).stream().random()
}

/// The id of a target or task.
fn member_id(seed: u64, call: &Call, windows: &mut Windows) -> String {
    uuid(draw(seed, call, windows))
}

fn too_many(what: &str, most: usize) -> ApiError {
    ApiError::new(
        400,
        "ResourceLimitExceededException",
        format!("The maximum number of {what}, {most}, has been reached"),
    )
}

/// What an action needs on the window that a call names.
fn on_window(world: &World, call: &Call, action: &'static str) -> Vec<Requirement> {
    let id = call.json()["WindowId"].as_str().unwrap_or("*");
    let mut context = Vec::new();
    let region = world.accounts.get(&call.account).and_then(|account| account.regions.get(&call.region));
    let window = region.and_then(|region| region.windows.windows.get(id));
    for (key, value) in window.into_iter().flat_map(|window| window.tags.iter()) {
        context.push((format!("ssm:resourceTag/{key}"), value.to_owned()));
        context.push((format!("aws:ResourceTag/{key}"), value.to_owned()));
    }
    let resource = format!("arn:aws:ssm:{}:{}:maintenancewindow/{id}", call.region, call.account);
    vec![Requirement { action: action.into(), resource, context }]
}
