//! `fleetwright eks list`: which clusters there are, and how long their versions are supported.

use std::sync::Arc;

use fleetwright_aws::{Aws, connect};
use fleetwright_clock::SystemClock;
use fleetwright_eks::facts::VersionOffer;
use fleetwright_model::{Exit, code};
use fleetwright_ports::{Clock, Clusters};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::app::{App, Outcome, Time, in_runtime};
use crate::args::EksListArgs;
use crate::cells::{self, Place};
use crate::fleet;
use crate::one_place::{moment, tell, text};

/// What a cluster in extended support costs more, in dollars an hour. Source: Amazon EKS pricing.
const EXTENDED_DOLLARS_PER_HOUR: f64 = 0.50;
/// Hours of a month, as AWS's prices count them.
const HOURS_PER_MONTH: f64 = 730.0;

impl App {
    /// `fleetwright eks list`.
    pub(super) fn list_clusters(&self, args: &EksListArgs) -> Outcome {
        let loaded = self.settings(&args.fleet, |flags| flags.output(args.output))?;
        let fleet = self.fleet(&loaded, &args.fleet)?;
        let options = fleet::aws_options(&loaded.resolved)?;
        let settings = loaded.resolved.settings;
        let width = settings.scan.max_concurrent_regions.max(1) as usize;
        in_runtime(Time::Wall, async {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let aws = connect(options, Arc::clone(&clock)).await;
            let (places, mut lost) = cells::places(&aws, clock.as_ref(), &fleet, width).await;
            let now = clock.now();
            let aws = &aws;
            let read = places.iter().map(|place| of_place(aws, place, now));
            let parts: Vec<(Vec<Value>, Vec<String>)> = stream::iter(read).buffered(width).collect().await;
            let mut rows = Vec::new();
            for (found, gaps) in parts {
                rows.extend(found);
                lost.extend(gaps);
            }
            // Those whose support ends first come first; where nobody knows, before all.
            rows.sort_by_key(|row| {
                ["standard_support_ends", "account", "region", "name"].map(|key| text(row, key))
            });
            let none = rows.is_empty();
            tell(settings.output.format, rows, line)?;
            for gap in &lost {
                self.console.note(gap);
            }
            match (lost.is_empty(), none) {
                (false, _) => {
                    let code = &code::CLUSTER_UNREACHED;
                    self.console.note(&format!("{} {}: {}", code.id, code.title, code.next_step));
                    Ok(Exit::Partial)
                }
                (true, true) => Ok(Exit::Nothing),
                (true, false) => Ok(Exit::Success),
            }
        })
    }
}

/// The clusters of an account and region, and what could not be read there.
async fn of_place(aws: &Aws, place: &Place, now: Timestamp) -> (Vec<Value>, Vec<String>) {
    let cell = &place.cell();
    let (found, offers) = futures::join!(aws.clusters(cell), aws.versions(cell));
    let mut lost: Vec<String> = found.failure.iter().map(|failure| place.lost(failure)).collect();
    let offers = offers.unwrap_or_else(|failure| {
        if !found.items.is_empty() {
            lost.push(place.lost(&failure));
        }
        Vec::new()
    });
    let described = found.items.iter().map(|name| async move { (name, aws.cluster(cell, name).await) });
    let mut rows = Vec::new();
    let described: Vec<_> = stream::iter(described).buffered(4).collect().await;
    for (name, described) in described {
        match described {
            Err(failure) => lost.push(format!("cluster {name}: {}", place.lost(&failure))),
            Ok(described) => {
                let cluster = described.cluster;
                let offer = offers.iter().find(|offer| offer.version == cluster.version);
                let support = offer.map(|offer| support(offer, now));
                rows.push(json!({
                    "name": cluster.name,
                    "zone": place.zone.name.as_str(),
                    "account": place.zone.account.as_str(),
                    "region": place.region.as_str(),
                    "version": cluster.version.to_string(),
                    "status": cluster.status,
                    "support": support,
                    "standard_support_ends": offer.map(|offer| offer.standard_support_ends.to_string()),
                    "extended_support_ends": offer.map(|offer| offer.extended_support_ends.to_string()),
                    "extra_dollars_per_month":
                        support.map(|it| if it == "extended" { EXTENDED_DOLLARS_PER_HOUR * HOURS_PER_MONTH } else { 0.0 }),
                }));
            }
        }
    }
    (rows, lost)
}

/// Which support a version has at a time.
fn support(offer: &VersionOffer, now: Timestamp) -> &'static str {
    if now < offer.standard_support_ends {
        "standard"
    } else if now < offer.extended_support_ends {
        "extended"
    } else {
        "none"
    }
}

fn line(row: &Value) -> String {
    let support = match row["support"].as_str() {
        None => "support not known".to_owned(),
        Some("standard") => format!("standard support until {}", moment(row, "standard_support_ends")),
        Some("extended") => {
            let cost = row["extra_dollars_per_month"].as_f64().unwrap_or_default();
            format!(
                "extended support until {}, {cost:.0} dollars a month more",
                moment(row, "extended_support_ends")
            )
        }
        Some(_) => "no support: EKS upgrades it by itself".to_owned(),
    };
    let place = format!("{} {} {}", text(row, "zone"), text(row, "account"), text(row, "region"));
    format!(
        "{:<24} {:<6} {:<9} {place}: {support}\n",
        text(row, "name"),
        text(row, "version"),
        text(row, "status")
    )
}

#[cfg(test)]
mod tests {
    use fleetwright_kubernetes::Minor;

    use super::*;

    #[test]
    fn support_goes_from_standard_to_extended_to_none() {
        let time = |text: &str| -> Timestamp { text.parse().expect("a time") };
        let offer = VersionOffer {
            version: Minor::new(33),
            supported: true,
            standard_support_ends: time("2026-07-29T00:00:00Z"),
            extended_support_ends: time("2027-07-29T00:00:00Z"),
        };
        let at = |text: &str| support(&offer, time(text));
        assert_eq!(at("2026-07-28T23:59:59Z"), "standard");
        assert_eq!(at("2026-07-29T00:00:00Z"), "extended");
        assert_eq!(at("2027-07-29T00:00:00Z"), "none");
    }
}
