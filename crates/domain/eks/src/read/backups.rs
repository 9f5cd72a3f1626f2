//! Backups of Velero.

use serde_json::Value;

use super::value::{self, needed, time};
use super::{Kind, Objects, Read};
use crate::facts::control_plane::Backup;

/// The newest backup that came to an end. Source: velero.io/v1, `BackupStatus`.
pub(super) fn newest(objects: &Objects) -> Read<Option<Backup>> {
    let read = |of: &Value| {
        let Some(completed_at) = time(of, "/status/completionTimestamp")? else { return Ok(None) };
        let complete = needed(of, "/status/phase")? == "Completed";
        Ok(Some(Backup { name: needed(of, "/metadata/name")?.to_owned(), completed_at, complete }))
    };
    let ended = value::each(objects.list(Kind::Backups)?, read)?;
    Ok(ended.into_iter().flatten().max_by_key(|backup| backup.completed_at))
}
