//! DescribeInstancePatches.

use serde::Deserialize;
use serde_json::{Value, json};

use super::document;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::world::ids::InstanceId;
use crate::world::instance::Instance;
use crate::world::patch_catalog::{Patch, patches};
use crate::world::patching::PatchState;
use crate::world::releases::is_out;
use crate::world::{Region, World};

/// DescribeInstancePatches: each patch of a node, as the last report has it.
pub(super) struct DescribeInstancePatches;

/// Patches of a page: least, most, default.
const PAGE: (usize, usize, usize) = (10, 100, 50);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    instance_id: Option<String>,
    filters: Option<Vec<Filter>>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    key: Option<String>,
    values: Option<Vec<String>>,
}

fn state_of(state: &PatchState, patch: &'static Patch) -> &'static str {
    if state.missing.contains(&patch) {
        "Missing"
    } else if state.failed.contains(&patch) {
        "Failed"
    } else if state.pending_reboot.contains(&patch) {
        "InstalledPendingReboot"
    } else if state.rejected.contains(&patch) {
        "InstalledRejected"
    } else {
        "Installed"
    }
}

/// The state in the spelling of the service model.
fn wire_state(state: &str) -> &'static str {
    match state {
        "Missing" => "MISSING",
        "Failed" => "FAILED",
        "InstalledPendingReboot" => "INSTALLED_PENDING_REBOOT",
        "InstalledRejected" => "INSTALLED_REJECTED",
        _ => "INSTALLED",
    }
}

fn row(region: &Region, it: &Instance, report: &PatchState, patch: &'static Patch) -> Value {
    let state = state_of(report, patch);
    let [_, version] = patch.versions(it.platform);
    let (kb_id, title) = match it.platform.is_windows() {
        true => (patch.id.to_owned(), patch.title.to_owned()),
        // Of what is missing, the version that there is to install.
        false => {
            let package = format!("{}.{}", patch.title, it.instance_type.architecture.name());
            let title = format!("{package}:0:{version}");
            (package, title)
        }
    };
    let host = region.hosts.get(it.id);
    let since = host.and_then(|host| host.software.installed.iter().find(|known| known.patch == patch));
    // What is not installed has no time: the service gives the epoch.
    let installed = match state {
        "Missing" | "Failed" => 0.0,
        "InstalledPendingReboot" if since.is_none() => document::seconds(report.ended_at),
        _ => document::seconds(since.map_or(it.launched_at, |known| known.at)),
    };
    json!({
        "Title": title,
        "KBId": kb_id,
        "Classification": patch.classification(it.platform),
        "Severity": patch.severity_name(),
        "State": wire_state(state),
        "InstalledTime": installed,
        "CVEIds": patch.cves.join(","),
    })
}

fn accepts(filters: &[Filter], row: &Value) -> Result<bool, ApiError> {
    for filter in filters {
        let key = filter.key.as_deref().unwrap_or_default();
        if !matches!(key, "Classification" | "KBId" | "Severity" | "State") {
            return Err(ApiError::new(400, "InvalidFilter", format!("The filter name {key} isn't valid.")));
        }
        let value = row[key].as_str().unwrap_or_default();
        let same = |wanted: &String| wanted == value || (key == "State" && wire_state(wanted) == value);
        if !filter.values.as_deref().unwrap_or_default().iter().any(same) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Operation for DescribeInstancePatches {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "DescribeInstancePatches"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ssm:DescribeInstancePatches")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let input: Input = document::read(call)?;
        let region = document::region(world, call)?;
        let (least, most, default) = PAGE;
        let size = document::page_size(input.max_results, least, most, default)?;
        let text = input.instance_id.unwrap_or_default();
        let found = InstanceId::parse(&text).ok().and_then(|id| region.instances.get(id));
        let it = found
            .filter(|it| it.agent.is_some())
            .ok_or_else(|| document::invalid_instances(std::slice::from_ref(&text), &call.account))?;
        let filters = input.filters.unwrap_or_default();
        let start = document::start(call, input.next_token.as_deref())? as usize;
        let mut rows = Vec::new();
        let mut token = None;
        if let Some(report) = it.patch_state.as_deref() {
            // A report knows nothing of what was released after it.
            let releases = region.hosts.environment().releases();
            for (n, patch) in patches(it.platform).iter().enumerate().skip(start) {
                let row = row(region, it, report, patch);
                if !is_out(releases, patch, report.ended_at) || !accepts(&filters, &row)? {
                    continue;
                }
                if rows.len() == size {
                    token = Some(page::token(call, n as u64));
                    break;
                }
                rows.push(row);
            }
        }
        let mut answer = json!({ "Patches": rows });
        if let Some(token) = token {
            answer["NextToken"] = token.into();
        }
        document::write(&answer)
    }
}
