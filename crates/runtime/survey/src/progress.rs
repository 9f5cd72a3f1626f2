//! What a survey tells while it works.

use fleetwright_model::{Region, ZoneName};

/// Something happened. Totals grow while zones are being entered, because a zone may have to be
/// asked for its regions first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Landing zones to enter are known.
    Zones(usize),
    /// A zone was entered; this many regions of it will be read.
    Entered {
        /// The zone.
        zone: ZoneName,
        /// Its regions.
        regions: usize,
    },
    /// Instances of a cell are listed; what is known of them is being asked for.
    Listed {
        /// The zone.
        zone: ZoneName,
        /// The region.
        region: Region,
        /// Instances listed.
        instances: usize,
    },
    /// A cell is done.
    Read {
        /// The zone.
        zone: ZoneName,
        /// The region.
        region: Region,
        /// Hosts found.
        hosts: usize,
        /// Gaps met.
        gaps: usize,
    },
    /// A whole zone could not be entered.
    ZoneLost,
    /// An organisation could not be listed.
    OrganizationGap,
}

/// Where progress goes; called often, so it must be quick.
pub type Sink<'a> = &'a (dyn Fn(Progress) + Send + Sync);
