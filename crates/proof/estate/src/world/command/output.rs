//! Where a command's whole output goes: S3, if the command names a bucket and the instance may write
//! there.
//!
//! The agent puts it there with the instance profile's permissions. If that fails the invocation ends
//! as it would have; the agent's log, here the host's history, tells why. Rules:
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-rc-setting-up-cwlogs.html> and
//! the page "Configuring the output" beside it.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;

use super::document::Document;
use super::{Command, InvocationRef};
use crate::authorize::role_may;
use crate::world::buckets::Object;
use crate::world::host::HostEventKind;
use crate::world::ids::InstanceId;
use crate::world::platform::Platform;
use crate::world::timeline::Place;

/// Why output did not get to its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStored {
    /// There is no such bucket.
    NoSuchBucket,
    /// The instance has no profile, its role may not write there, or the bucket is another account's.
    AccessDenied,
}

/// One of the two outputs of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The standard output.
    Stdout,
    /// The standard error.
    Stderr,
}

impl Stream {
    /// The last part of its key.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// The folders that a step's outputs are in: the plugin's name and the step's.
fn step(document: &Document, platform: Platform) -> Cow<'static, str> {
    let patches = matches!(document, Document::RunPatchBaseline | Document::RunPatchBaselineWithHooks);
    let text = match document {
        Document::RunShellScript => "awsrunShellScript/0.awsrunShellScript",
        Document::RunPowerShellScript => "awsrunPowerShellScript/0.awsrunPowerShellScript",
        _ if patches && platform.is_windows() => "awsrunPowerShellScript/PatchWindows",
        Document::RunPatchBaseline | Document::RunPatchBaselineWithHooks => "awsrunShellScript/PatchLinux",
        Document::UpdateSsmAgent => "awsupdateSsmAgent",
        Document::Noop => "noop",
        Document::Custom(_) => {
            let plugin = if platform.is_windows() { "awsrunPowerShellScript" } else { "awsrunShellScript" };
            return format!("{plugin}/{}", document.plugin(platform)).into();
        }
    };
    text.into()
}

/// The key of an output: `PREFIX/COMMAND/INSTANCE/PLUGIN/STEP/stdout`.
#[must_use]
pub fn key(command: &Command, instance: InstanceId, platform: Platform, stream: Stream) -> String {
    let prefix = command.order.output_prefix.trim_end_matches('/');
    let slash = if prefix.is_empty() { "" } else { "/" };
    let step = step(&command.order.document, platform);
    format!("{prefix}{slash}{}/{instance}/{step}/{}", command.id, stream.name())
}

/// The address that Systems Manager shows for an output; empty without a bucket. It is shown whether
/// or not the output got there.
#[must_use]
pub fn url(
    command: &Command,
    instance: InstanceId,
    platform: Option<Platform>,
    stream: Stream,
    region: &str,
) -> String {
    let bucket = &command.order.output_bucket;
    match platform {
        Some(platform) if !bucket.is_empty() => {
            let key = key(command, instance, platform, stream);
            format!("https://s3.{region}.amazonaws.com/{bucket}/{key}")
        }
        _ => String::new(),
    }
}

/// Puts what an invocation has written where its command asks for it.
pub(super) fn store(place: &mut Place<'_>, invocation: InvocationRef, at: Timestamp) {
    let Some(command) = place.region.commands.get(invocation.command) else { return };
    let bucket = command.order.output_bucket.clone();
    let entry = &command.invocations[invocation.place];
    let id = entry.instance;
    let Some(it) = place.region.instances.get(id).filter(|_| !bucket.is_empty()) else { return };
    let outputs = [(Stream::Stdout, &entry.stdout), (Stream::Stderr, &entry.stderr)];
    // The agent leaves out what is empty.
    let written: Vec<(String, Bytes)> = outputs
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(stream, text)| {
            (key(command, id, it.platform, stream), Bytes::copy_from_slice(text.as_bytes()))
        })
        .collect();
    let profile = it.profile.clone();
    for (key, content) in written {
        if let Err(why) = put(place, profile.as_deref(), (&bucket, &key), content, at) {
            let kind = HostEventKind::OutputNotStored { command: invocation.command, why };
            place.region.note_host_event(id, at, kind);
        }
    }
}

fn put(
    place: &mut Place<'_>,
    profile: Option<&str>,
    (bucket, key): (&str, &str),
    content: Bytes,
    at: Timestamp,
) -> Result<(), NotStored> {
    let arn = format!("arn:aws:s3:::{bucket}/{key}");
    let allowed = profile.is_some_and(|role| role_may(place, role, "s3:PutObject", &arn, at));
    let known = place.outside.buckets.get_mut(bucket).ok_or(NotStored::NoSuchBucket)?;
    if !allowed || known.owner != place.account {
        return Err(NotStored::AccessDenied);
    }
    known.put(key, Object::new(content, Vec::new(), at));
    Ok(())
}
