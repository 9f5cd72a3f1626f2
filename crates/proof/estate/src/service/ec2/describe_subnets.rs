//! DescribeSubnets.

use std::sync::Arc;

use super::filter::{Catalog, Field, Filters, Scope, Values, absent};
use super::{params, render};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::wire::xml;
use crate::world::World;
use crate::world::ids::SubnetId;
use crate::world::network::Subnet;
use crate::world::tags::Tags;

/// DescribeSubnets: with the addresses that are free now.
pub(super) struct DescribeSubnets;

const PARAMETERS: &[&str] = &["SubnetId.#", "Filter.#.Name", "Filter.#.Value.#", "MaxResults", "NextToken"];

/// Subnets of a page, at most.
const PAGE: usize = 1_000;

/// A subnet as it is at the moment.
struct Row {
    subnet: Arc<Subnet>,
    free: u32,
    tags: Tags,
}

static FILTERS: Catalog<Row> = Catalog { fields: FIELDS, tags: Some(|it| &it.tags) };

const FIELDS: &[(&str, Field<Row>)] = &[
    ("availability-zone", zone),
    ("availabilityZone", zone),
    ("availability-zone-id", zone_id),
    ("availabilityZoneId", zone_id),
    ("available-ip-address-count", |it, _, v| v.shown(it.free)),
    ("cidr", cidr),
    ("cidr-block", cidr),
    ("cidrBlock", cidr),
    ("default-for-az", |_, _, v| v.text("false")),
    ("defaultForAz", |_, _, v| v.text("false")),
    ("ipv6-cidr-block-association.association-id", absent),
    ("ipv6-cidr-block-association.ipv6-cidr-block", absent),
    ("ipv6-cidr-block-association.state", absent),
    ("ipv6-native", |_, _, v| v.text("false")),
    ("map-public-ip-on-launch", |_, _, v| v.text("false")),
    ("outpost-arn", absent),
    ("owner-id", |_, s, v| v.text(s.account)),
    ("state", |_, _, v| v.text("available")),
    ("subnet-arn", |it, s, v| v.text(&arn(it, s))),
    ("subnet-id", |it, _, v| v.shown(it.subnet.id)),
    ("vpc-id", |it, _, v| v.shown(it.subnet.vpc)),
];

fn zone(it: &Row, _: &Scope<'_>, v: &Values) -> bool {
    v.text(&it.subnet.zone)
}

fn zone_id(it: &Row, _: &Scope<'_>, v: &Values) -> bool {
    v.text(&it.subnet.zone_id)
}

fn cidr(it: &Row, _: &Scope<'_>, v: &Values) -> bool {
    v.shown(format_args!("{}/{}", it.subnet.network, it.subnet.prefix))
}

fn arn(it: &Row, scope: &Scope<'_>) -> String {
    format!("arn:aws:ec2:{}:{}:subnet/{}", scope.region, scope.account, it.subnet.id)
}

impl Operation for DescribeSubnets {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DescribeSubnets"
    }

    fn paginated(&self, call: &Call) -> bool {
        super::filtered_or_paginated(call)
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ec2:DescribeSubnets")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        let (_, region) = params::place(world, call)?;
        let given = call.query().list("SubnetId");
        let (ids, mut unknown) =
            params::ids(&given, SubnetId::PREFIX, "InvalidSubnetId.Malformed", SubnetId::parse)?;
        let network = &region.network;
        let missing = ids.iter().filter(|id| network.subnets.iter().all(|it| it.id != **id));
        unknown.extend(missing.map(ToString::to_string));
        refuse(&unknown)?;
        let scope = Scope::of(call);
        let filters = Filters::read(call, &FILTERS)?;
        let named = network.subnets.iter().filter(|it| ids.is_empty() || ids.contains(&it.id));
        let rows = named.map(|subnet| Row {
            free: network.free(subnet, &region.instances),
            tags: network.tags.get(&subnet.id).cloned().unwrap_or_default(),
            subnet: subnet.clone(),
        });
        let rows = rows.filter(|it| filters.accept(it, &scope));
        let size = params::max_results(call, 5, PAGE, PAGE)?;
        let (shown, next) = params::paged(call, rows.collect(), size, |it| it.subnet.id.0)?;
        let mut out = String::from("<subnetSet>");
        for row in &shown {
            render_subnet(&mut out, row, &scope);
        }
        out.push_str("</subnetSet>");
        render::next_token(&mut out, next);
        Ok(out)
    }
}

fn refuse(unknown: &[String]) -> Result<(), ApiError> {
    let message = match unknown {
        [] => return Ok(()),
        [one] => format!("The subnet ID '{one}' does not exist"),
        many => format!("The subnet IDs '{}' do not exist", many.join(", ")),
    };
    Err(ApiError::new(400, "InvalidSubnetID.NotFound", message))
}

fn render_subnet(out: &mut String, row: &Row, scope: &Scope<'_>) {
    let subnet = &row.subnet;
    out.push_str("<item>");
    xml::plain(out, "subnetId", subnet.id);
    xml::text(out, "subnetArn", &arn(row, scope));
    xml::text(out, "state", "available");
    xml::text(out, "ownerId", scope.account);
    xml::plain(out, "vpcId", subnet.vpc);
    xml::plain(out, "cidrBlock", format_args!("{}/{}", subnet.network, subnet.prefix));
    out.push_str("<ipv6CidrBlockAssociationSet/>");
    xml::plain(out, "availableIpAddressCount", row.free);
    xml::text(out, "availabilityZone", &subnet.zone);
    xml::text(out, "availabilityZoneId", &subnet.zone_id);
    for no in [
        "defaultForAz",
        "mapPublicIpOnLaunch",
        "mapCustomerOwnedIpOnLaunch",
        "assignIpv6AddressOnCreation",
        "enableDns64",
        "ipv6Native",
    ] {
        xml::text(out, no, "false");
    }
    out.push_str(
        "<privateDnsNameOptionsOnLaunch><hostnameType>ip-name</hostnameType>\
         <enableResourceNameDnsARecord>false</enableResourceNameDnsARecord>\
         <enableResourceNameDnsAAAARecord>false</enableResourceNameDnsAAAARecord></privateDnsNameOptionsOnLaunch>",
    );
    render::tags(out, &row.tags);
    out.push_str("</item>");
}
