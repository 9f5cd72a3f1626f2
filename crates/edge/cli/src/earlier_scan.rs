//! The instances of an earlier scan, from its `instances.json`.

use std::path::Path;

use fleetwright_model::{InstanceId, code};
use serde::Deserialize;

use crate::failure::CommandError;
use crate::files;

#[derive(Deserialize)]
struct Scan {
    format: String,
    instances: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    instance_id: InstanceId,
    eligibility: String,
}

/// The instances that could be patched then, at once or after a start. Nothing else of the file is
/// believed: facts are read anew.
///
/// # Errors
/// The file cannot be read, is no scan of a format this version reads, or has no such instance.
pub fn patchable(path: &Path) -> Result<Vec<InstanceId>, CommandError> {
    let refuse = |what: String| CommandError::new(&code::NO_PLAN_FOR, format!("{}: {what}", path.display()));
    let bytes = files::read_bytes(path)?;
    let scan: Scan = serde_json::from_slice(&bytes)
        .map_err(|error| refuse(format!("it is not the instances.json of a scan: {error}")))?;
    if !scan.format.starts_with("1.") {
        return Err(refuse(format!("it has format {}, this version reads 1.x", scan.format)));
    }
    let fit = |row: &Row| matches!(row.eligibility.as_str(), "eligible" | "after_start");
    let ids: Vec<InstanceId> = scan.instances.into_iter().filter(fit).map(|row| row.instance_id).collect();
    match ids.is_empty() {
        true => Err(refuse("no instance could be patched then".to_owned())),
        false => Ok(ids),
    }
}
