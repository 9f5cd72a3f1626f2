//! DescribeInstances.

use super::filter::{Filters, Scope};
use super::instance_filters::INSTANCE_FILTERS;
use super::{instance_xml, params, render};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::world::World;
use crate::world::history::View;
use crate::world::ids::InstanceId;
use crate::world::instance::Instance;

/// DescribeInstances: pages of up to 1,000 instances, grouped by their launch.
pub(super) struct DescribeInstances;

const PARAMETERS: &[&str] = &[
    "InstanceId.#",
    "Filter.#.Name",
    "Filter.#.Value.#",
    "MaxResults",
    "NextToken",
    "IncludeManagedResources",
];

/// Instances of a page, at most and by default.
const PAGE: usize = 1_000;

impl Operation for DescribeInstances {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DescribeInstances"
    }

    fn paginated(&self, call: &Call) -> bool {
        super::filtered_or_paginated(call)
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ec2:DescribeInstances")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        params::flag(call, "IncludeManagedResources")?;
        let (_, region) = params::place(world, call)?;
        let given = call.query().list("InstanceId");
        params::ids_or_pages(call, &given, "instancesSet")?;
        let size = params::max_results(call, 5, PAGE, PAGE)?;
        let filters = Filters::read(call, &INSTANCE_FILTERS)?;
        let start = params::start(call)?;
        let scope = Scope::of(call);
        let view = region.view(call.as_of);

        if !given.is_empty() {
            let mut named = find(&view, &given)?;
            named.retain(|it| filters.accept(it, &scope));
            return Ok(answer(&named, &scope, None));
        }
        let mut shown: Vec<&Instance> = Vec::new();
        for it in view.instances_from(start as usize) {
            if !filters.accept(it, &scope) {
                continue;
            }
            if shown.len() == size {
                let next = view.place(it.id).map(|place| page::token(call, place as u64));
                return Ok(answer(&shown, &scope, next));
            }
            shown.push(it);
        }
        Ok(answer(&shown, &scope, None))
    }
}

/// The instances with these ids, each once, in the region's order.
///
/// # Errors
/// `InvalidInstanceID.Malformed`, or `InvalidInstanceID.NotFound` naming every id not found.
pub(super) fn find<'r>(view: &View<'r>, given: &[&str]) -> Result<Vec<&'r Instance>, ApiError> {
    let (ids, mut unknown) =
        params::ids(given, InstanceId::PREFIX, "InvalidInstanceID.Malformed", InstanceId::parse)?;
    let mut found: Vec<&Instance> = Vec::with_capacity(ids.len());
    for id in ids {
        match view.instance(id) {
            Some(it) => found.push(it),
            None => unknown.push(id.to_string()),
        }
    }
    match unknown.as_slice() {
        [] => {}
        [one] => return Err(not_found(format!("The instance ID '{one}' does not exist"))),
        many => return Err(not_found(format!("The instance IDs '{}' do not exist", many.join(", ")))),
    }
    found.sort_by_key(|it| view.place(it.id));
    found.dedup_by_key(|it| it.id);
    Ok(found)
}

fn not_found(message: String) -> ApiError {
    ApiError::new(400, "InvalidInstanceID.NotFound", message)
}

fn answer(instances: &[&Instance], scope: &Scope<'_>, next: Option<String>) -> String {
    let mut out = String::with_capacity(instances.len() * instance_xml::INSTANCE_BYTES + 256);
    if instances.is_empty() {
        out.push_str("<reservationSet/>");
    } else {
        out.push_str("<reservationSet>");
        for launch in instances.chunk_by(|a, b| a.reservation == b.reservation) {
            render::push(
                &mut out,
                format_args!(
                    "<item><reservationId>{}</reservationId><ownerId>{}</ownerId><groupSet/><instancesSet>",
                    launch[0].reservation, scope.account
                ),
            );
            for it in launch {
                instance_xml::instance(&mut out, it, scope);
            }
            out.push_str("</instancesSet></item>");
        }
        out.push_str("</reservationSet>");
    }
    render::next_token(&mut out, next);
    out
}
