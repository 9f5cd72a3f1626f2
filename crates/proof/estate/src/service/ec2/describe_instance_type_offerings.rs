//! DescribeInstanceTypeOfferings.

use super::filter::{Catalog, Field, Filters, Scope};
use super::{params, render};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::generate::catalog::ZONES;
use crate::wire::xml;
use crate::world::World;
use crate::world::instance_types::{INSTANCE_TYPES, InstanceType};
use crate::world::network::Network;

/// DescribeInstanceTypeOfferings: every zone offers every type but those that a scenario leaves out.
pub(super) struct DescribeInstanceTypeOfferings;

const PARAMETERS: &[&str] = &["LocationType", "Filter.#.Name", "Filter.#.Value.#", "MaxResults", "NextToken"];

/// Offerings of a page, at most.
const PAGE: usize = 1_000;

/// A type in a place; the number is its position among all.
struct Row {
    number: u64,
    instance_type: &'static InstanceType,
    location: String,
}

static FILTERS: Catalog<Row> = Catalog { fields: FIELDS, tags: None };

const FIELDS: &[(&str, Field<Row>)] = &[
    ("instance-type", |it, _, v| v.text(it.instance_type.name)),
    ("location", |it, _, v| v.text(&it.location)),
];

/// The kind of place that offerings are asked by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Region,
    Zone,
    ZoneId,
}

impl Place {
    fn read(call: &Call) -> Result<Self, ApiError> {
        match call.query().get("LocationType") {
            None | Some("region") => Ok(Self::Region),
            Some("availability-zone") => Ok(Self::Zone),
            Some("availability-zone-id") => Ok(Self::ZoneId),
            Some(other) => {
                Err(params::invalid(format!("Value ({other}) for parameter locationType is invalid.")))
            }
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Zone => "availability-zone",
            Self::ZoneId => "availability-zone-id",
        }
    }

    /// The places of this kind that offer a type.
    fn offering(self, network: &Network, region: &str, instance_type: &InstanceType) -> Vec<String> {
        let zones = (0..ZONES).map(|zone| format!("{region}{}", char::from(b'a' + zone as u8)));
        let mut zones = zones.filter(|zone| network.offers(zone, instance_type.name));
        match self {
            Self::Region => zones.next().map(|_| region.to_owned()).into_iter().collect(),
            Self::Zone => zones.collect(),
            Self::ZoneId => {
                let subnet = |zone: String| network.subnets.iter().find(|it| it.zone == zone);
                zones.filter_map(|zone| Some(subnet(zone)?.zone_id.clone())).collect()
            }
        }
    }
}

impl Operation for DescribeInstanceTypeOfferings {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DescribeInstanceTypeOfferings"
    }

    fn paginated(&self, call: &Call) -> bool {
        super::filtered_or_paginated(call)
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ec2:DescribeInstanceTypeOfferings")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        let (_, region) = params::place(world, call)?;
        let place = Place::read(call)?;
        let filters = Filters::read(call, &FILTERS)?;
        let scope = Scope::of(call);
        let all = INSTANCE_TYPES.iter().flat_map(|instance_type| {
            let places = place.offering(&region.network, &call.region, instance_type);
            places.into_iter().map(move |location| (instance_type, location))
        });
        let rows = all
            .enumerate()
            .map(|(n, (instance_type, location))| Row { number: n as u64, instance_type, location })
            .filter(|row| filters.accept(row, &scope));
        let size = params::max_results(call, 5, PAGE, PAGE)?;
        let (shown, next) = params::paged(call, rows.collect(), size, |it| it.number)?;
        let mut out = String::from("<instanceTypeOfferingSet>");
        for row in &shown {
            out.push_str("<item>");
            xml::text(&mut out, "instanceType", row.instance_type.name);
            xml::text(&mut out, "locationType", place.name());
            xml::text(&mut out, "location", &row.location);
            out.push_str("</item>");
        }
        out.push_str("</instanceTypeOfferingSet>");
        render::next_token(&mut out, next);
        Ok(out)
    }
}
