//! The regions of the commercial partition, and what an account must do to use each.
//!
//! Source: Account Management reference guide, "Enable or disable AWS Regions in your account".

/// Whether an account has a region from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptIn {
    /// Every account has it.
    NotRequired,
    /// An account must enable it first.
    Required,
}

/// What is publicly known of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionFacts {
    /// The region's code, e.g. `eu-central-1`.
    pub code: &'static str,
    /// The short form that begins its availability-zone ids, e.g. `euc1`.
    pub zone_id_prefix: &'static str,
    /// Whether accounts have to enable it.
    pub opt_in: OptIn,
    /// Its geography, as DescribeRegions words it.
    pub geography: &'static str,
}

const fn ready(code: &'static str, zone_id_prefix: &'static str, geography: &'static str) -> RegionFacts {
    RegionFacts { code, zone_id_prefix, opt_in: OptIn::NotRequired, geography }
}

const fn opt_in(code: &'static str, zone_id_prefix: &'static str, geography: &'static str) -> RegionFacts {
    RegionFacts { code, zone_id_prefix, opt_in: OptIn::Required, geography }
}

/// Every region, sorted by code.
pub const REGIONS: &[RegionFacts] = &[
    opt_in("af-south-1", "afs1", "South Africa"),
    opt_in("ap-east-1", "ape1", "Hong Kong"),
    ready("ap-northeast-1", "apne1", "Japan"),
    ready("ap-northeast-2", "apne2", "Republic of Korea"),
    ready("ap-northeast-3", "apne3", "Japan"),
    ready("ap-south-1", "aps1", "India"),
    opt_in("ap-south-2", "aps2", "India"),
    ready("ap-southeast-1", "apse1", "Singapore"),
    ready("ap-southeast-2", "apse2", "Australia"),
    opt_in("ap-southeast-3", "apse3", "Indonesia"),
    opt_in("ap-southeast-4", "apse4", "Australia"),
    opt_in("ap-southeast-5", "apse5", "Malaysia"),
    opt_in("ap-southeast-7", "apse7", "Thailand"),
    ready("ca-central-1", "cac1", "Canada"),
    opt_in("ca-west-1", "caw1", "Canada"),
    ready("eu-central-1", "euc1", "Germany"),
    opt_in("eu-central-2", "euc2", "Switzerland"),
    ready("eu-north-1", "eun1", "Sweden"),
    opt_in("eu-south-1", "eus1", "Italy"),
    opt_in("eu-south-2", "eus2", "Spain"),
    ready("eu-west-1", "euw1", "Ireland"),
    ready("eu-west-2", "euw2", "United Kingdom"),
    ready("eu-west-3", "euw3", "France"),
    opt_in("il-central-1", "ilc1", "Israel"),
    opt_in("me-central-1", "mec1", "United Arab Emirates"),
    opt_in("me-south-1", "mes1", "Bahrain"),
    opt_in("mx-central-1", "mxc1", "Mexico"),
    ready("sa-east-1", "sae1", "Brazil"),
    ready("us-east-1", "use1", "United States of America"),
    ready("us-east-2", "use2", "United States of America"),
    ready("us-west-1", "usw1", "United States of America"),
    ready("us-west-2", "usw2", "United States of America"),
];

/// The facts of the region with this code.
pub fn find(code: &str) -> Option<&'static RegionFacts> {
    REGIONS.binary_search_by(|facts| facts.code.cmp(code)).ok().map(|at| &REGIONS[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_is_found_by_its_code() {
        for facts in REGIONS {
            assert_eq!(find(facts.code), Some(facts));
        }
        assert_eq!(find("eu-atlantis-1"), None);
    }
}
