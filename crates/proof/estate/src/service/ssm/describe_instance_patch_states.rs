//! DescribeInstancePatchStates.

use serde::{Deserialize, Serialize};

use super::document;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::world::World;
use crate::world::ids::InstanceId;
use crate::world::instance::{Instance, InstanceState};
use crate::world::patching::{PatchOperation, PatchState, Severity};

/// DescribeInstancePatchStates: the asked nodes that Patch Manager has reported on.
pub(super) struct DescribeInstancePatchStates;

/// Ids of one call, at most.
const MAX_IDS: usize = 50;
/// States of a page: least, most, default.
const PAGE: (usize, usize, usize) = (10, 100, 50);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    instance_ids: Option<Vec<String>>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    instance_patch_states: Vec<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    instance_id: String,
    patch_group: String,
    baseline_id: String,
    snapshot_id: String,
    owner_information: &'static str,
    installed_count: u32,
    installed_other_count: u32,
    installed_pending_reboot_count: usize,
    installed_rejected_count: usize,
    missing_count: usize,
    failed_count: usize,
    unreported_not_applicable_count: u32,
    not_applicable_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    available_security_update_count: Option<u32>,
    operation_start_time: f64,
    operation_end_time: f64,
    operation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_no_reboot_install_operation_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reboot_option: Option<&'static str>,
    critical_non_compliant_count: usize,
    security_non_compliant_count: usize,
    other_non_compliant_count: usize,
}

impl State {
    fn new(it: &Instance, state: &PatchState) -> Self {
        Self {
            instance_id: it.id.to_string(),
            patch_group: state.patch_group.to_string(),
            baseline_id: state.baseline.to_string(),
            snapshot_id: uuid(state.snapshot),
            owner_information: "",
            installed_count: state.installed,
            installed_other_count: state.installed_other,
            installed_pending_reboot_count: state.pending_reboot.len(),
            installed_rejected_count: state.rejected.len(),
            missing_count: state.missing.len(),
            failed_count: state.failed.len(),
            unreported_not_applicable_count: 0,
            not_applicable_count: state.not_applicable,
            available_security_update_count: it.platform.is_windows().then_some(0),
            operation_start_time: document::seconds(state.started_at),
            operation_end_time: document::seconds(state.ended_at),
            operation: state.operation.name(),
            last_no_reboot_install_operation_time: state.last_no_reboot_install.map(document::seconds),
            reboot_option: match state.operation {
                PatchOperation::Install => Some(state.reboot_option.name()),
                PatchOperation::Scan => Some("NoReboot"),
            },
            critical_non_compliant_count: state.non_compliant(Severity::Critical),
            security_non_compliant_count: state.non_compliant(Severity::Security),
            other_non_compliant_count: state.non_compliant(Severity::Other),
        }
    }
}

/// A number in the form of a UUID.
fn uuid(number: u128) -> String {
    let digits = format!("{number:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

fn checked(ids: Option<Vec<String>>) -> Result<Vec<String>, ApiError> {
    const MEMBER: &str = "instanceIds";
    let ids = ids.ok_or_else(|| document::constraint("null", MEMBER, "Member must not be null"))?;
    let shown = || format!("'[{}]'", ids.join(", "));
    if ids.len() > MAX_IDS {
        let rule = format!("Member must have length less than or equal to {MAX_IDS}");
        return Err(document::constraint(&shown(), MEMBER, &rule));
    }
    if !ids.iter().all(|id| document::is_node_id(id)) {
        let rule = format!(
            "Member must satisfy constraint: [Member must satisfy regular expression pattern: {}]",
            document::NODE_ID_PATTERN
        );
        return Err(document::constraint(&shown(), MEMBER, &rule));
    }
    Ok(ids)
}

impl Operation for DescribeInstancePatchStates {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "DescribeInstancePatchStates"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ssm:DescribeInstancePatchStates")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let input: Input = document::read(call)?;
        let region = document::region(world, call)?;
        let (least, most, default) = PAGE;
        let size = document::page_size(input.max_results, least, most, default)?;
        let ids = checked(input.instance_ids)?;
        let start = document::start(call, input.next_token.as_deref())?;

        // Nodes without a state, unknown or gone are left out without an error.
        let mut places: Vec<usize> = ids
            .iter()
            .filter_map(|id| region.instances.place(InstanceId::parse(id).ok()?))
            .filter(|place| *place as u64 >= start)
            .collect();
        places.sort_unstable();
        places.dedup();
        let mut answer = Answer { instance_patch_states: Vec::with_capacity(places.len()), next_token: None };
        for place in places {
            let Some(it) = region.instances.from_place(place).first() else { continue };
            let Some(state) = it.patch_state.as_deref() else { continue };
            if it.state == InstanceState::Terminated {
                continue;
            }
            if answer.instance_patch_states.len() == size {
                answer.next_token = Some(page::token(call, place as u64));
                break;
            }
            answer.instance_patch_states.push(State::new(it, state));
        }
        document::write(&answer)
    }
}
