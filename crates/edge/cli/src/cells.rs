//! The accounts and regions that a command outside of runs works in.

use fleetwright_aws::Aws;
use fleetwright_model::{Cell, Failure, Region, Regions, Zone};
use fleetwright_ports::{Accounts, Clock, Machines};
use fleetwright_report::safe;
use fleetwright_report::text::gap_line;
use fleetwright_survey::{Fleet, Ports, zones};
use futures::{StreamExt, stream};

/// One account and region.
pub struct Place {
    /// The landing zone.
    pub zone: Zone,
    /// The region.
    pub region: Region,
}

impl Place {
    /// As ports take it.
    pub fn cell(&self) -> Cell<'_> {
        Cell { zone: &self.zone, region: self.region.clone() }
    }

    /// For people, on one line.
    pub fn name(&self) -> String {
        format!("{} {} {}", safe::line(self.zone.name.as_str()), self.zone.account, self.region)
    }

    /// What failed here, for people.
    pub fn lost(&self, failure: &Failure) -> String {
        format!("{}: {failure} [{}]", self.name(), failure.code.id)
    }
}

/// Every account and region of a fleet, and those that cannot be entered, `width` at a time. Entering proves
/// that the account is the right one.
pub async fn places(aws: &Aws, clock: &dyn Clock, fleet: &Fleet, width: usize) -> (Vec<Place>, Vec<String>) {
    let ports = Ports { accounts: aws, machines: aws, clock };
    let (zones, gaps) = zones(ports, fleet).await;
    let mut lost: Vec<String> = gaps.iter().map(gap_line).collect();
    let entered = stream::iter(&zones).map(|zone| async move {
        aws.enter(zone).await?;
        match &zone.regions {
            Regions::Listed(regions) => Ok(regions.clone()),
            Regions::AllEnabled => aws.enabled_regions(zone).await,
        }
    });
    let entered: Vec<Result<Vec<Region>, Failure>> = entered.buffered(width).collect().await;
    let mut places = Vec::new();
    for (zone, entered) in zones.iter().zip(entered) {
        match entered {
            Ok(regions) => {
                places.extend(regions.into_iter().map(|region| Place { zone: zone.clone(), region }));
            }
            Err(failure) => {
                let name = safe::line(zone.name.as_str());
                lost.push(format!("{name} {}: {failure} [{}]", zone.account, failure.code.id));
            }
        }
    }
    (places, lost)
}
