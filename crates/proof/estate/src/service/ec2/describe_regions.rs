//! DescribeRegions.

use super::filter::{Catalog, Filters, Scope};
use super::{params, render};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::world::World;
use crate::world::regions::{self, OptIn, REGIONS, RegionFacts};

/// DescribeRegions: those the account can use, or every one with `AllRegions`.
pub(super) struct DescribeRegions;

const PARAMETERS: &[&str] = &["RegionName.#", "AllRegions", "Filter.#.Name", "Filter.#.Value.#"];

/// A region and whether the account has it.
struct Offered {
    facts: &'static RegionFacts,
    enabled: bool,
}

impl Offered {
    const fn opt_in_status(&self) -> &'static str {
        match (self.facts.opt_in, self.enabled) {
            (OptIn::NotRequired, _) => "opt-in-not-required",
            (OptIn::Required, true) => "opted-in",
            (OptIn::Required, false) => "not-opted-in",
        }
    }

    fn endpoint(&self) -> String {
        format!("ec2.{}.amazonaws.com", self.facts.code)
    }
}

static FILTERS: Catalog<Offered> = Catalog {
    fields: &[
        ("endpoint", |it, _, v| v.text(&it.endpoint())),
        ("opt-in-status", |it, _, v| v.text(it.opt_in_status())),
        ("region-name", |it, _, v| v.text(it.facts.code)),
    ],
    tags: None,
};

impl Operation for DescribeRegions {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DescribeRegions"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ec2:DescribeRegions")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        let all = params::flag(call, "AllRegions")?;
        let filters = Filters::read(call, &FILTERS)?;
        let scope = Scope::of(call);
        let names = call.query().list("RegionName");
        for name in &names {
            if regions::find(name).is_none() {
                return Err(ApiError::new(
                    400,
                    "InvalidParameterValue",
                    format!("Invalid region name: {name}"),
                ));
            }
        }
        let account = world.accounts.get(&call.account).ok_or_else(params::not_enabled)?;
        let mut out = String::from("<regionInfo>");
        for facts in REGIONS {
            let enabled = match account.regions.get(facts.code) {
                Some(region) => region.enabled,
                None => facts.opt_in == OptIn::NotRequired,
            };
            let offered = Offered { facts, enabled };
            let asked = names.is_empty() || names.contains(&facts.code);
            if asked && (all || enabled) && filters.accept(&offered, &scope) {
                render::push(
                    &mut out,
                    format_args!(
                        "<item><regionName>{}</regionName><regionEndpoint>{}</regionEndpoint>\
                         <optInStatus>{}</optInStatus><geographySet><item><name>{}</name></item></geographySet></item>",
                        facts.code,
                        offered.endpoint(),
                        offered.opt_in_status(),
                        facts.geography
                    ),
                );
            }
        }
        out.push_str("</regionInfo>");
        Ok(out)
    }
}
