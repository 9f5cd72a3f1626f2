//! DescribeNetworkInterfaces.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::filter::{Catalog, Field, Filters, Scope, Values, absent};
use super::instance_xml::holds_resources;
use super::{params, render};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::wire::xml;
use crate::world::ids::{InstanceId, InterfaceAttachmentId, InterfaceId};
use crate::world::network::{Holder, Subnet};
use crate::world::{Region, World};

/// DescribeNetworkInterfaces: those of instances, of clusters' control planes and of nodes, each with its first address.
pub(super) struct DescribeNetworkInterfaces;

const PARAMETERS: &[&str] =
    &["NetworkInterfaceId.#", "Filter.#.Name", "Filter.#.Value.#", "MaxResults", "NextToken"];

/// Interfaces of a page, at most.
const PAGE: usize = 1_000;

/// An interface, whoever has it.
struct Row {
    id: InterfaceId,
    subnet: Arc<Subnet>,
    address: Ipv4Addr,
    description: String,
    /// The instance it is attached to; none where AWS manages it.
    instance: Option<InstanceId>,
}

static FILTERS: Catalog<Row> = Catalog { fields: FIELDS, tags: None };

const FIELDS: &[(&str, Field<Row>)] = &[
    ("addresses.primary", |_, _, v| v.text("true")),
    ("addresses.private-ip-address", address),
    ("attachment.instance-id", |it, _, v| it.instance.is_some_and(|id| v.shown(id))),
    ("attachment.status", |_, _, v| v.text("attached")),
    ("availability-zone", |it, _, v| v.text(&it.subnet.zone)),
    ("availability-zone-id", |it, _, v| v.text(&it.subnet.zone_id)),
    ("description", |it, _, v| v.text(&it.description)),
    ("interface-type", |_, _, v| v.text("interface")),
    ("ipv6-addresses.ipv6-address", absent),
    ("network-interface-id", |it, _, v| v.shown(it.id)),
    ("owner-id", |_, s, v| v.text(s.account)),
    ("private-ip-address", address),
    ("requester-managed", |it, _, v| v.shown(it.instance.is_none())),
    ("source-dest-check", |_, _, v| v.text("true")),
    ("status", |_, _, v| v.text("in-use")),
    ("subnet-id", |it, _, v| v.shown(it.subnet.id)),
    ("tag-key", absent),
    ("vpc-id", |it, _, v| v.shown(it.subnet.vpc)),
];

fn address(it: &Row, _: &Scope<'_>, v: &Values) -> bool {
    v.shown(it.address)
}

/// Every interface of a region.
fn rows(region: &Region) -> Vec<Row> {
    let network = &region.network;
    let own = region.instances.iter().filter(|it| holds_resources(it));
    let own = own.filter(|it| !network.interfaces.contains_key(&it.interface)).map(|it| Row {
        id: it.interface,
        subnet: it.subnet.clone(),
        address: it.private_ip,
        description: String::new(),
        instance: Some(it.id),
    });
    let of_clusters = network.interfaces.iter().filter_map(|(id, it)| {
        let subnet = network.subnets.iter().find(|subnet| subnet.id == it.subnet)?.clone();
        let (description, instance) = match &it.holder {
            Holder::ControlPlane(cluster) => (format!("Amazon EKS {cluster}"), None),
            Holder::Fargate(_) => (String::new(), None),
            Holder::Node(instance) => (String::new(), Some(*instance)),
        };
        Some(Row { id: *id, subnet, address: it.address, description, instance })
    });
    own.chain(of_clusters).collect()
}

impl Operation for DescribeNetworkInterfaces {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DescribeNetworkInterfaces"
    }

    fn paginated(&self, call: &Call) -> bool {
        super::filtered_or_paginated(call)
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ec2:DescribeNetworkInterfaces")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        const MALFORMED: &str = "InvalidNetworkInterfaceId.Malformed";
        params::only(call, PARAMETERS)?;
        let (_, region) = params::place(world, call)?;
        let given = call.query().list("NetworkInterfaceId");
        let (ids, mut unknown) = params::ids(&given, InterfaceId::PREFIX, MALFORMED, InterfaceId::parse)?;
        let mut rows = rows(region);
        let missing = ids.iter().filter(|id| rows.iter().all(|it| it.id != **id));
        unknown.extend(missing.map(ToString::to_string));
        if let Some(id) = unknown.first() {
            let message = format!("The networkInterface ID '{id}' does not exist");
            return Err(ApiError::new(400, "InvalidNetworkInterfaceID.NotFound", message));
        }
        let scope = Scope::of(call);
        let filters = Filters::read(call, &FILTERS)?;
        rows.retain(|it| (ids.is_empty() || ids.contains(&it.id)) && filters.accept(it, &scope));
        let size = params::max_results(call, 5, PAGE, PAGE)?;
        let (shown, next) = params::paged(call, rows, size, |it| it.id.0)?;
        let mut out = String::from("<networkInterfaceSet>");
        for row in &shown {
            render_interface(&mut out, row, &scope);
        }
        out.push_str("</networkInterfaceSet>");
        render::next_token(&mut out, next);
        Ok(out)
    }
}

fn render_interface(out: &mut String, row: &Row, scope: &Scope<'_>) {
    out.push_str("<item>");
    xml::plain(out, "networkInterfaceId", row.id);
    xml::plain(out, "subnetId", row.subnet.id);
    xml::plain(out, "vpcId", row.subnet.vpc);
    xml::text(out, "availabilityZone", &row.subnet.zone);
    xml::text(out, "description", &row.description);
    xml::text(out, "ownerId", scope.account);
    xml::plain(out, "requesterManaged", row.instance.is_none());
    xml::text(out, "status", "in-use");
    xml::plain(out, "privateIpAddress", row.address);
    out.push_str("<sourceDestCheck>true</sourceDestCheck><attachment>");
    xml::plain(out, "attachmentId", InterfaceAttachmentId(row.id.0));
    if let Some(instance) = row.instance {
        xml::plain(out, "instanceId", instance);
    }
    render::push(
        out,
        format_args!(
            "<deviceIndex>0</deviceIndex><status>attached</status>\
             <deleteOnTermination>true</deleteOnTermination></attachment>\
             <privateIpAddressesSet><item><privateIpAddress>{}</privateIpAddress><primary>true</primary></item>\
             </privateIpAddressesSet><ipv6AddressesSet/><interfaceType>interface</interfaceType>",
            row.address
        ),
    );
    out.push_str("</item>");
}
