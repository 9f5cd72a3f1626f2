use aws_sdk_ec2::types::Filter;
use fleetwright_model::{Failure, Region, Zone};
use futures::TryFutureExt;

use crate::Aws;
use crate::clients::Connection;
use crate::operations::DESCRIBE_REGIONS;
use crate::pages::unexpected;

/// Regions that need no opting in, or that have been opted in.
/// Source: EC2 API reference, DescribeRegions, opt-in-status.
const ENABLED: [&str; 2] = ["opt-in-not-required", "opted-in"];

/// The regions enabled in the zone's account, sorted. Asked in the home region.
pub(super) async fn enabled(aws: &Aws, zone: &Zone) -> Result<Vec<Region>, Failure> {
    let sessions = &aws.inner.sessions;
    let session = sessions.of_zone(zone).await?;
    let home = sessions.home(&session, zone.access.role.as_ref()).await.region;
    let connection: Connection<'_, aws_sdk_ec2::Client> = aws.at(zone, &home);
    let filter = Filter::builder().name("opt-in-status").set_values(Some(ENABLED.map(str::to_owned).into()));
    let filter = filter.build();
    let answer = connection
        .call(&DESCRIBE_REGIONS, |client| client.describe_regions().filters(filter.clone()).send())
        .map_ok(|answer| answer.regions.unwrap_or_default())
        .await?;
    let named = |region: aws_sdk_ec2::types::Region| {
        let name = region.region_name.unwrap_or_default();
        // Leaving a region out because its name looks odd would hide what is in it.
        Region::new(name.as_str()).map_err(|error| unexpected(&DESCRIBE_REGIONS, &error.to_string()))
    };
    let mut regions = answer.into_iter().map(named).collect::<Result<Vec<Region>, Failure>>()?;
    regions.sort();
    Ok(regions)
}
