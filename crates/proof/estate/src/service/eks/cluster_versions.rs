//! DescribeClusterVersions: which versions there are, and how each is supported.

use serde_json::{Value, json};

use super::{invalid, moment, paged, parameter};
use crate::call::{ApiError, Call};
use crate::world::World;
use crate::world::eks::version::{self, Offered, Support, midnight};

/// DescribeClusterVersions.
pub(super) fn describe(_: &mut World, call: &Call) -> Result<Value, ApiError> {
    let wanted: Vec<&str> = call.path().map(|it| it.list("clusterVersions").collect()).unwrap_or_default();
    let is_set = |name: &str| parameter(call, name) == Some("true");
    let status = parameter(call, "versionStatus").or_else(|| parameter(call, "status"));
    let names = [Support::Standard, Support::Extended, Support::Unsupported].map(Support::names);
    if let Some(odd) = status.filter(|it| !names.iter().any(|known| known.0 == *it || known.1 == *it)) {
        return Err(invalid(call, format!("Unknown version status {odd}")));
    }
    if parameter(call, "clusterType").is_some_and(|it| it != "eks") {
        return paged(call, "clusterVersions", Vec::new());
    }
    // The default is the newest in standard support.
    let all: Vec<&Offered> = version::released(call.now).collect();
    let default = all.last().map(|it| it.version);
    let fits = |it: &&&Offered| {
        let support = it.support(call.now);
        let (new, old) = support.names();
        let named = wanted.is_empty() || wanted.contains(&it.version.to_string().as_str());
        let asked = status.is_none_or(|status| status == new || status == old);
        let shown =
            support != Support::Unsupported || is_set("includeAll") || status.is_some() || !wanted.is_empty();
        named && asked && shown && (!is_set("defaultOnly") || default == Some(it.version))
    };
    let shown = all.iter().rev().filter(fits).map(|it| {
        let (new, old) = it.support(call.now).names();
        json!({
            "clusterVersion": it.version.to_string(),
            "clusterType": "eks",
            "defaultPlatformVersion": "eks.1",
            "defaultVersion": default == Some(it.version),
            "releaseDate": moment(midnight(it.released)),
            "endOfStandardSupportDate": moment(midnight(it.standard_until)),
            "endOfExtendedSupportDate": moment(midnight(it.extended_until)),
            "status": old,
            "versionStatus": new,
            "kubernetesPatchVersion": format!("{}.{}", it.version, it.version.patch()),
        })
    });
    paged(call, "clusterVersions", shown.collect())
}
