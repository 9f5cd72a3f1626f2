//! Signed heads of audit logs, kept where those who could change a log cannot change what proves it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use fleetwright_audit::SignedHead;
use fleetwright_aws::Aws;
use fleetwright_aws::policy::HEADS_PREFIX;
use fleetwright_config::settings::AuditSettings;
use fleetwright_model::{Cell, Region, Regions, Zone, code};
use fleetwright_ports::Objects;

use crate::failure::CommandError;
use crate::files;
use crate::on_record::{OnRecord, nobody_approves};

/// The step in whose name heads are put into a bucket.
const STEP: &str = "audit-head";

/// Where heads are kept besides the state directory.
#[derive(Clone, Debug, Default)]
pub struct Heads {
    file: Option<PathBuf>,
    bucket: Option<Bucket>,
}

/// A bucket, and who puts heads into it.
#[derive(Clone, Debug)]
struct Bucket {
    name: String,
    zone: Zone,
    region: Region,
}

impl Heads {
    /// Those of a configuration; `zones` are all landing zones, and `region` is asked where one lists none.
    ///
    /// # Errors
    /// There is no such landing zone.
    pub fn of(settings: &AuditSettings, zones: &[Zone], region: &Region) -> Result<Self, CommandError> {
        let file = settings.heads_file.as_ref().map(PathBuf::from);
        let Some(name) = settings.heads_bucket.clone() else { return Ok(Self { file, bucket: None }) };
        let zone = match &settings.heads_zone {
            None => zones.first(),
            Some(wanted) => zones.iter().find(|zone| {
                zone.name.as_str() == wanted.as_str() || zone.account.as_str() == wanted.as_str()
            }),
        };
        let Some(zone) = zone.cloned() else {
            let wanted = settings.heads_zone.as_deref().unwrap_or("any");
            let message = format!("audit.heads_zone: there is no landing zone {wanted:?} to put heads as");
            return Err(CommandError::new(&code::UNKNOWN_ZONE, message));
        };
        let region = match &zone.regions {
            Regions::Listed(listed) => listed.first().unwrap_or(region).clone(),
            Regions::AllEnabled => region.clone(),
        };
        Ok(Self { file, bucket: Some(Bucket { name, zone, region }) })
    }

    /// True where heads are kept nowhere else.
    pub fn is_nowhere(&self) -> bool {
        self.file.is_none() && self.bucket.is_none()
    }

    /// Keeps a head everywhere it is to be kept; answers with what could not be done. That it was put into
    /// the bucket stands in the log, after the head.
    pub async fn keep(&self, aws: &Aws, on_record: &OnRecord, head: &SignedHead) -> Vec<String> {
        let mut failed = Vec::new();
        if let Some(file) = &self.file
            && let Err(error) = append(file, head)
        {
            failed.push(error.to_string());
        }
        if let Some(Bucket { name, zone, region }) = &self.bucket {
            let key = format!("{HEADS_PREFIX}/{}/head-{:010}.jsonl", on_record.run, head.head.sequence);
            let aws = aws.on_behalf(on_record.behalf(STEP, &nobody_approves()));
            let cell = Cell { zone, region: region.clone() };
            if let Err(failure) = aws.put(&cell, name, &key, &head.to_line()).await {
                failed.push(format!("s3://{name}/{key}: {failure}"));
            }
        }
        failed
    }
}

/// Appends a head to a file of heads, unless it is in it.
///
/// # Errors
/// The file cannot be read or written.
pub fn append(path: &Path, head: &SignedHead) -> Result<(), CommandError> {
    let mut kept = if files::exists(path) { files::read_bytes(path)? } else { Vec::new() };
    let line = head.to_line();
    if kept.split_inclusive(|byte| *byte == b'\n').any(|other| other == line) {
        return Ok(());
    }
    if !kept.is_empty() && !kept.ends_with(b"\n") {
        kept.push(b'\n');
    }
    kept.extend_from_slice(&line);
    files::write_atomically(path, |file| file.write_all(&kept))
}
