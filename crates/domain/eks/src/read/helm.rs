//! Deployed releases of Helm.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fleetwright_kubernetes::{ObjectMeta, UnreadableRelease, helm};
use serde_json::Value;

use super::value::{self, metadata, needed};
use super::{Kind, Objects, Read};
use crate::facts::apis::HelmFacts;

/// Reads releases from Secrets and ConfigMaps. A release that cannot be read is among the facts.
pub(super) fn releases(objects: &Objects) -> Read<HelmFacts> {
    let mut facts = HelmFacts::default();
    for kind in [Kind::HelmSecrets, Kind::HelmConfigMaps] {
        for object in objects.list(kind)? {
            let metadata = value::of(object, metadata(object))?;
            if !helm::is_deployed(&metadata.labels) {
                continue;
            }
            match release(object, &metadata, kind) {
                Ok(release) => facts.releases.push(release),
                Err(unreadable) => facts.unreadable.push(unreadable),
            }
        }
    }
    Ok(facts)
}

fn release(
    object: &Value,
    metadata: &ObjectMeta,
    kind: Kind,
) -> Result<fleetwright_kubernetes::HelmRelease, UnreadableRelease> {
    let secret = kind == Kind::HelmSecrets;
    let holder = metadata.reference(if secret { "Secret" } else { "ConfigMap" });
    let fault = |reason| UnreadableRelease { holder: holder.clone(), reason };
    let data = needed(object, "/data/release").map_err(|_| fault("data.release is missing"))?;
    if !secret {
        return helm::read_release(&holder, data);
    }
    // The API shows the data of Secrets in base64.
    let bytes = STANDARD.decode(data).map_err(|_| fault("not base64"))?;
    let text = String::from_utf8(bytes).map_err(|_| fault("not base64"))?;
    helm::read_release(&holder, &text)
}
