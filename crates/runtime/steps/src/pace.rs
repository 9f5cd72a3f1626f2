//! How often the steps of patching look, and how long hosts wait for company.

use std::time::Duration;

use fleetwright_step::Pace;

/// How long hosts are held back at most so that they share a command. The driver lets them go sooner
/// where few can still come, or where others wait for their room.
pub(crate) const GATHERS_FOR: Duration = Duration::from_secs(60);

/// Commands that take seconds.
pub(crate) const COMMAND: Pace = Pace { first: 4, longest: 32, share: 32 };
/// Commands that take minutes.
pub(crate) const INSTALL: Pace = Pace { first: 4, longest: 64, share: 32 };
/// Instances that start, stop or come back.
pub(crate) const POWER: Pace = Pace { first: 8, longest: 32, share: 16 };
/// Hosts that reboot: others wait for the room they take up.
pub(crate) const REBOOT: Pace = Pace { first: 4, longest: 32, share: 32 };
/// Images, which take minutes or hours.
pub(crate) const IMAGE: Pace = Pace { first: 8, longest: 256, share: 64 };
