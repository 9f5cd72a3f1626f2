//! Releases of Helm, as it keeps them in Secrets and ConfigMaps.
//!
//! Source: Helm, storage drivers `secrets` and `configmaps`: JSON, gzip, base64; labels `owner=helm`, `name`,
//! `status`, `version`. The `data` of a Secret is in base64 once more, which the API's reader takes off.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde::Deserialize;
use std::io::Read;

use crate::manifest::Manifests;
use crate::object::{Labels, ObjectRef};

/// Bytes of a release, unpacked, at most. A Secret holds 1 MiB packed.
pub const RELEASE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A release as it was deployed.
#[derive(Clone, Debug, PartialEq)]
pub struct HelmRelease {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its revision.
    pub revision: u32,
    /// Chart and version, such as `web 1.2.3`.
    pub chart: String,
    /// What it put into the cluster.
    pub manifests: Manifests,
}

/// A release that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Helm release in {holder} cannot be read: {reason}")]
pub struct UnreadableRelease {
    /// The Secret or ConfigMap that holds it.
    pub holder: ObjectRef,
    /// What is wrong.
    pub reason: &'static str,
}

/// Whether a Secret or a ConfigMap with these labels holds a deployed release: superseded revisions are history,
/// and what they name is not in the cluster because of them.
pub fn is_deployed(labels: &Labels) -> bool {
    let is = |key: &str, value: &str| labels.get(key).is_some_and(|label| label == value);
    is("owner", "helm") && is("status", "deployed")
}

#[derive(Deserialize)]
struct Payload {
    name: String,
    #[serde(default)]
    namespace: String,
    version: u32,
    #[serde(default)]
    manifest: String,
    #[serde(default)]
    hooks: Vec<Hook>,
    chart: Option<Chart>,
}

#[derive(Deserialize)]
struct Hook {
    #[serde(default)]
    manifest: String,
}

#[derive(Deserialize)]
struct Chart {
    metadata: Option<ChartMetadata>,
}

#[derive(Deserialize)]
struct ChartMetadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

/// Reads the value `release` of the Secret or ConfigMap `holder`. Objects of its manifest name
/// `helm:NAMESPACE/NAME` as their file, and count the lines of what the chart rendered.
///
/// # Errors
/// [`UnreadableRelease`]: not base64, not gzip, larger than [`RELEASE_BYTES_MAX`], or not a release.
pub fn read_release(holder: &ObjectRef, payload: &str) -> Result<HelmRelease, UnreadableRelease> {
    let fault = |reason| UnreadableRelease { holder: holder.clone(), reason };
    let bytes = STANDARD.decode(payload.trim()).map_err(|_| fault("not base64"))?;
    let json = match bytes.strip_prefix(&[0x1f, 0x8b]) {
        Some(_) => unpack(&bytes).ok_or_else(|| fault("not gzip, damaged or larger than 32 MiB unpacked"))?,
        // Releases of early versions of Helm 3 were not packed.
        None => bytes,
    };
    let payload: Payload = serde_json::from_slice(&json).map_err(|_| fault("not the JSON of a release"))?;
    let namespace = if payload.namespace.is_empty() { holder.namespace.clone() } else { payload.namespace };
    let file = format!("helm:{namespace}/{}", payload.name);
    let mut manifests = Manifests::read(&file, &payload.manifest);
    for hook in payload.hooks {
        let of_hook = Manifests::read(&file, &hook.manifest);
        manifests.objects.extend(of_hook.objects);
        manifests.gaps.extend(of_hook.gaps);
    }
    let chart = payload.chart.and_then(|chart| chart.metadata);
    let chart = chart.map(|chart| format!("{} {}", chart.name, chart.version)).unwrap_or_default();
    Ok(HelmRelease { name: payload.name, namespace, revision: payload.version, chart, manifests })
}

fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let limit = u64::try_from(RELEASE_BYTES_MAX).ok()? + 1;
    let mut unpacked = Vec::new();
    GzDecoder::new(bytes).take(limit).read_to_end(&mut unpacked).ok()?;
    (unpacked.len() <= RELEASE_BYTES_MAX).then_some(unpacked)
}
