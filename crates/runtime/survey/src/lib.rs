//! Looking without touching: the scan and the doctor, over the ports.
//!
//! A landing zone is entered once; each of its regions is a cell that is read on its own, so that
//! what goes wrong in one never hides another. What cannot be read becomes a gap with its cause.

pub mod calendars;
pub mod clusters;
pub mod doctor;
mod facts;
mod join;
pub mod memberships;
pub mod progress;
pub mod scan;
pub mod stop;
mod zones;

pub use calendars::{CalendarWatch, calendars};
pub use doctor::{DoctorRequest, examine};
pub use memberships::memberships;
pub use progress::Progress;
pub use scan::{ScanRequest, scan};
pub use stop::Stop;
pub use zones::{Fleet, zones};

use fleetwright_ports::{Accounts, Clock, Machines};

/// What the survey needs of the world.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Identity, entry, permissions.
    pub accounts: &'a dyn Accounts,
    /// Instances and what is known of them.
    pub machines: &'a dyn Machines,
    /// Time.
    pub clock: &'a dyn Clock,
}
