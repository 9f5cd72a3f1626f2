//! What a change set would do, and what of it is refused.

use fleetwright_model::code;
use fleetwright_ports::stacks::{ChangeAction, ChangeSet, ResourceChange, StackName};
use serde_json::{Value, json};

use crate::failure::CommandError;
use crate::one_place::{OnePlace, tell, text};

/// Types of what is lost with its resource: records, artefacts, what they are encrypted with, secrets.
const KEPT: [&str; 4] =
    ["AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"];

/// Shows what becomes of which resource.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn show(at: &OnePlace, stack: &StackName, set: &ChangeSet) -> Result<(), CommandError> {
    let rows = set.changes.iter().map(|change| {
        json!({
            "stack": stack.as_str(),
            "change": change.action.as_str(),
            "resource": change.logical,
            "type": change.kind,
            "physical_id": change.physical,
            "retained": change.retained,
            "about": change.about,
        })
    });
    tell(at.format, rows, line).map(drop)
}

fn line(row: &Value) -> String {
    let about: Vec<&str> = row["about"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let about = if about.is_empty() { String::new() } else { format!(": {}", about.join(", ")) };
    let retained = if row["retained"] == true { " (what is there stays)" } else { "" };
    let (change, resource, kind) = (text(row, "change"), text(row, "resource"), text(row, "type"));
    format!("{change:<12} {resource} ({kind}){retained}{about}\n")
}

/// Whether a change takes the place of something that holds what cannot be made again, or gives it up.
fn loses(change: &ResourceChange) -> bool {
    let goes =
        matches!(change.action, ChangeAction::Replace | ChangeAction::MayReplace | ChangeAction::Remove);
    goes && KEPT.contains(&change.kind.as_str())
}

/// Refuses what takes the place of a table, a bucket, a key or a secret, and what takes one out of the stack: even where the
/// old one stays, the hub would begin with an empty one.
///
/// # Errors
/// Something is to be replaced that was not allowed by its logical id.
pub(super) fn check(set: &ChangeSet, allowed: &[String]) -> Result<(), CommandError> {
    let lost: Vec<&str> = set
        .changes
        .iter()
        .filter(|change| loses(change) && !allowed.contains(&change.logical))
        .map(|change| change.logical.as_str())
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    let message = format!("the change would replace or remove {}", lost.join(", "));
    Err(CommandError::new(&code::REPLACEMENT_REFUSED, message))
}

#[cfg(test)]
mod tests {
    use fleetwright_ports::stacks::ChangeSetState;

    use super::*;

    fn set(kind: &str, action: ChangeAction) -> ChangeSet {
        let change = ResourceChange {
            logical: "JournalTable".to_owned(),
            physical: None,
            kind: kind.to_owned(),
            action,
            retained: true,
            about: Default::default(),
        };
        let (id, stack_id) = (String::new(), String::new());
        ChangeSet { id, stack_id, state: ChangeSetState::Ready, changes: vec![change] }
    }

    #[test]
    fn nothing_that_holds_data_is_replaced_unless_it_is_named() {
        for action in [ChangeAction::Replace, ChangeAction::MayReplace, ChangeAction::Remove] {
            let table = set("AWS::DynamoDB::Table", action);
            let error = check(&table, &[]).expect_err("refused");
            assert!(error.message.ends_with("JournalTable"), "{}", error.message);
            assert!(check(&table, &["JournalTable".to_owned()]).is_ok());
            assert!(check(&set("AWS::SNS::Topic", action), &[]).is_ok());
        }
        assert!(check(&set("AWS::DynamoDB::Table", ChangeAction::Change), &[]).is_ok());
    }
}
