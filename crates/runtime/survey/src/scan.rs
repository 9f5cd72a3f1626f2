//! The scan: every instance of the chosen zones and regions, with everything known of it.

use fleetwright_model::{Cell, Gap, GapSubject, Region, Zone};
use fleetwright_patch::{CellRead, Filters, Host, Inventory, LabelKeys, Listing, Rules, Selection};
use fleetwright_ports::InstanceQuery;
use futures::stream::{self, StreamExt};

use crate::Ports;
use crate::facts::CellFacts;
use crate::join::cell_gap;
use crate::progress::{Progress, Sink};
use crate::stop::{Stop, stopped};
use crate::zones::{Fleet, enter, expand_or_stop, invalid_pattern, zone_gap};

/// What to scan and how to judge it.
#[derive(Clone, Debug)]
pub struct ScanRequest {
    /// The landing zones.
    pub fleet: Fleet,
    /// What EC2 filters: ids, states, tags. Each zone's own tags come on top.
    pub query: InstanceQuery,
    /// What EC2 cannot filter: names and platforms.
    pub filters: Filters,
    /// Tag keys with a meaning.
    pub keys: LabelKeys,
    /// When an instance is eligible.
    pub rules: Rules,
    /// Cells read at the same time, at least 1.
    pub max_concurrent_regions: usize,
}

/// What came out of one zone or cell.
#[derive(Default)]
struct Part {
    cell: Option<CellRead>,
    hosts: Vec<Host>,
    gaps: Vec<Gap>,
}

impl Part {
    fn gap(gap: Gap) -> Self {
        Self { gaps: vec![gap], ..Self::default() }
    }
}

/// Reads everything the request asks for. Never fails as a whole: what could not be read is a gap.
pub async fn scan(ports: Ports<'_>, request: &ScanRequest, stop: &Stop, sink: Sink<'_>) -> Inventory {
    let started = ports.clock.now();
    let expanded = expand_or_stop(ports, &request.fleet, stop).await;
    let width = request.max_concurrent_regions.max(1);
    sink(Progress::Zones(expanded.zones.len()));
    expanded.gaps.iter().for_each(|_| sink(Progress::OrganizationGap));

    let parts = stream::iter(&expanded.zones)
        .map(|zone| async move { (zone, enter_or_stop(ports, zone, stop, sink).await) })
        .buffer_unordered(width)
        .flat_map(|(zone, entered)| {
            let (regions, gap) = match entered {
                Ok(regions) => (regions, None),
                Err(gap) => (Vec::new(), Some(gap)),
            };
            let cells = regions.into_iter().map(move |region| Work::Cell(Cell { zone, region }));
            stream::iter(gap.map(Work::Lost).into_iter().chain(cells))
        })
        .map(|work| work.carry_out(ports, request, stop, sink))
        .buffer_unordered(width);

    let mut inventory = Inventory {
        started,
        finished: started,
        hosts: Vec::new(),
        gaps: expanded.gaps.clone(),
        cells: Vec::new(),
        skipped: expanded.skipped.clone(),
    };
    let mut parts = std::pin::pin!(parts);
    while let Some(part) = parts.next().await {
        inventory.hosts.extend(part.hosts);
        inventory.gaps.extend(part.gaps);
        inventory.cells.extend(part.cell);
    }
    inventory.finished = ports.clock.now();
    inventory.sort();
    inventory
}

async fn enter_or_stop(
    ports: Ports<'_>,
    zone: &Zone,
    stop: &Stop,
    sink: Sink<'_>,
) -> Result<Vec<Region>, Box<Gap>> {
    let entered = stop.or_stop(enter(ports, zone)).await.unwrap_or_else(|why| {
        Err(Box::new(zone_gap(zone, GapSubject::Zone, stopped(why, "sts:AssumeRole"))))
    });
    let entered = entered.map(|(_, regions)| regions);
    match &entered {
        Ok(regions) => sink(Progress::Entered { zone: zone.name.clone(), regions: regions.len() }),
        Err(_) => sink(Progress::ZoneLost),
    }
    entered
}

/// A step of the stream: a cell to read, or a zone that could not be entered.
enum Work<'a> {
    Cell(Cell<'a>),
    Lost(Box<Gap>),
}

impl Work<'_> {
    async fn carry_out(self, ports: Ports<'_>, request: &ScanRequest, stop: &Stop, sink: Sink<'_>) -> Part {
        let cell = match self {
            Work::Lost(gap) => return Part::gap(*gap),
            Work::Cell(cell) => cell,
        };
        let part = stop.or_stop(read_cell(ports, &cell, request, sink)).await.unwrap_or_else(|why| {
            Part::gap(cell_gap(&cell, GapSubject::Instances, None, stopped(why, "ec2:DescribeInstances")))
        });
        sink(Progress::Read {
            zone: cell.zone.name.clone(),
            region: cell.region.clone(),
            hosts: part.hosts.len(),
            gaps: part.gaps.len(),
        });
        part
    }
}

async fn read_cell(ports: Ports<'_>, cell: &Cell<'_>, request: &ScanRequest, sink: Sink<'_>) -> Part {
    let selection = match Selection::new(&request.filters, &request.query.tags, cell.zone) {
        Ok(selection) => selection,
        Err(error) => {
            return Part::gap(cell_gap(cell, GapSubject::Instances, None, invalid_pattern(&error)));
        }
    };
    let mut part = Part::default();
    let listing = ports.machines.instances(cell, &query_for(&request.query, cell.zone)).await;
    let coverage = match (&listing.failure, listing.items.is_empty()) {
        (None, _) => Listing::Complete,
        (Some(_), false) => Listing::Partial,
        (Some(_), true) => Listing::NotRead,
    };
    part.gaps.extend(listing.failure.map(|failure| cell_gap(cell, GapSubject::Instances, None, failure)));
    let listed = listing.items.len();
    let mut instances = listing.items;
    instances.retain(|instance| selection.takes(instance));
    let mut filtered = listed - instances.len();
    sink(Progress::Listed {
        zone: cell.zone.name.clone(),
        region: cell.region.clone(),
        instances: instances.len(),
    });
    let mut facts = CellFacts::gather(ports, cell, &instances, &mut part.gaps).await;
    let now = ports.clock.now();
    for instance in instances {
        let observed = facts.take_for(instance);
        let host = Host::new(cell.zone, &cell.region, observed, &request.keys, &request.rules, now);
        if selection.takes_platform(&host.platform) {
            part.hosts.push(host);
        } else {
            filtered += 1;
        }
    }
    part.cell = Some(CellRead {
        zone: cell.zone.name.clone(),
        account: cell.zone.account.clone(),
        region: cell.region.clone(),
        listing: coverage,
        hosts: part.hosts.len(),
        filtered,
    });
    part
}

/// What EC2 is asked for: the command's query and the zone's tags. Where both name the same key EC2
/// gets the zone's values, and the selection checks the command's.
fn query_for(query: &InstanceQuery, zone: &Zone) -> InstanceQuery {
    let mut query = query.clone();
    query.tags.extend(zone.tags.clone());
    query
}
