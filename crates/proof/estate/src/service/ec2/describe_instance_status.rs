//! DescribeInstanceStatus.

use super::describe_instances::find;
use super::filter::{Catalog, Field, Filters, Scope, Values, absent};
use super::{instance_xml, params, render};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::world::World;
use crate::world::instance::{Instance, InstanceState, StatusCheck};

/// DescribeInstanceStatus: running instances, or all with `IncludeAllInstances`.
pub(super) struct DescribeInstanceStatus;

const PARAMETERS: &[&str] = &[
    "InstanceId.#",
    "Filter.#.Name",
    "Filter.#.Value.#",
    "MaxResults",
    "NextToken",
    "IncludeAllInstances",
    "IncludeManagedResources",
];

/// Explicit ids, at most.
const MAX_IDS: usize = 100;
/// Instances of a page, at most and by default.
const PAGE: usize = 1_000;

static FILTERS: Catalog<Instance> = Catalog { fields: FIELDS, tags: None };

const FIELDS: &[(&str, Field<Instance>)] = &[
    ("application-status.status", absent),
    ("attached-ebs-status.status", |it, _, v| v.text(summary(it, StatusCheck::Ok))),
    ("availability-zone", |it, _, v| v.text(&it.subnet.zone)),
    ("availability-zone-id", |it, _, v| v.text(&it.subnet.zone_id)),
    ("event.code", absent),
    ("event.description", absent),
    ("event.instance-event-id", absent),
    ("event.not-after", absent),
    ("event.not-before", absent),
    ("event.not-before-deadline", absent),
    ("instance-state-code", |it, _, v| v.shown(it.state.code())),
    ("instance-state-name", |it, _, v| v.text(it.state.name())),
    ("instance-status.reachability", |it, _, v| reachability(it, it.checks.instance, v)),
    ("instance-status.status", |it, _, v| v.text(summary(it, it.checks.instance))),
    ("operator.managed", |_, _, v| v.text("false")),
    ("operator.principal", absent),
    ("system-status.reachability", |it, _, v| reachability(it, it.checks.system, v)),
    ("system-status.status", |it, _, v| v.text(summary(it, it.checks.system))),
];

fn reachability(it: &Instance, check: StatusCheck, values: &Values) -> bool {
    it.state == InstanceState::Running && values.text(check.reachability())
}

/// EC2 checks running instances only.
fn summary(it: &Instance, check: StatusCheck) -> &'static str {
    match it.state {
        InstanceState::Running => check.summary(),
        InstanceState::Pending => "initializing",
        _ => "not-applicable",
    }
}

impl Operation for DescribeInstanceStatus {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DescribeInstanceStatus"
    }

    fn paginated(&self, call: &Call) -> bool {
        super::filtered_or_paginated(call)
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ec2:DescribeInstanceStatus")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        params::flag(call, "IncludeManagedResources")?;
        let all = params::flag(call, "IncludeAllInstances")?;
        let (_, region) = params::place(world, call)?;
        let given = call.query().list("InstanceId");
        if given.len() > MAX_IDS {
            return Err(ApiError::new(
                400,
                "InvalidRequest",
                format!(
                    "{} exceeds the maximum number of instance IDs that can be specificied ({MAX_IDS}). \
                     Please specify fewer than {MAX_IDS} instance IDs.",
                    given.len()
                ),
            ));
        }
        params::ids_or_pages(call, &given, "instancesSet")?;
        let size = params::max_results(call, 5, PAGE, PAGE)?;
        let filters = Filters::read(call, &FILTERS)?;
        let start = params::start(call)?;
        let scope = Scope::of(call);
        let view = region.view(call.as_of);
        let wanted = |it: &Instance| {
            (all || it.state == InstanceState::Running)
                && it.state != InstanceState::Terminated
                && filters.accept(it, &scope)
        };

        let listed: Box<dyn Iterator<Item = &Instance>> = if given.is_empty() {
            Box::new(view.instances_from(start as usize))
        } else {
            Box::new(find(&view, &given)?.into_iter())
        };
        let mut out = String::from("<instanceStatusSet>");
        let mut next = None;
        for (n, it) in listed.filter(|it| wanted(it)).enumerate() {
            if n == size {
                next = view.place(it.id).map(|place| page::token(call, place as u64));
                break;
            }
            status(&mut out, it);
        }
        out.push_str("</instanceStatusSet>");
        render::next_token(&mut out, next);
        Ok(out)
    }
}

fn status(out: &mut String, it: &Instance) {
    render::push(
        out,
        format_args!(
            "<item><instanceId>{}</instanceId><availabilityZone>{}</availabilityZone>\
             <availabilityZoneId>{}</availabilityZoneId>",
            it.id, it.subnet.zone, it.subnet.zone_id
        ),
    );
    instance_xml::state(out, "instanceState", it.state);
    check(out, "systemStatus", it, it.checks.system);
    check(out, "instanceStatus", it, it.checks.instance);
    check(out, "attachedEbsStatus", it, StatusCheck::Ok);
    out.push_str("</item>");
}

fn check(out: &mut String, name: &str, it: &Instance, check: StatusCheck) {
    render::push(out, format_args!("<{name}><status>{}</status>", summary(it, check)));
    if it.state == InstanceState::Running {
        render::push(
            out,
            format_args!("<details><item><name>reachability</name><status>{}</status>", check.reachability()),
        );
        if let StatusCheck::Impaired(since) = check {
            render::time(out, "impairedSince", since);
        }
        out.push_str("</item></details>");
    }
    render::push(out, format_args!("</{name}>"));
}
