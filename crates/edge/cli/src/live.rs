//! The live line of a scan on a terminal: how far it is, what it found, what it could not read.

use std::sync::Mutex;
use std::time::Duration;

use fleetwright_survey::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console::Console;

/// Shows progress; does nothing where the terminal cannot or the user does not want it.
pub struct Live {
    bar: ProgressBar,
    counts: Mutex<Counts>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    zones: usize,
    entered: usize,
    regions: usize,
    read: usize,
    listed: usize,
    gaps: usize,
}

impl Counts {
    fn take(&mut self, progress: &Progress) {
        match progress {
            Progress::Zones(count) => self.zones = *count,
            Progress::Entered { regions, .. } => {
                self.entered += 1;
                self.regions += regions;
            }
            Progress::Listed { instances, .. } => self.listed += instances,
            Progress::Read { gaps, .. } => {
                self.read += 1;
                self.gaps += gaps;
            }
            Progress::ZoneLost => {
                self.entered += 1;
                self.gaps += 1;
            }
            Progress::OrganizationGap => self.gaps += 1,
        }
    }

    fn line(&self) -> String {
        let gaps = match self.gaps {
            0 => String::new(),
            1 => ", 1 gap".to_owned(),
            more => format!(", {more} gaps"),
        };
        format!(
            "{} of {} landing zones, {} of {} regions, {} instances{gaps}",
            self.entered, self.zones, self.read, self.regions, self.listed
        )
    }
}

impl Live {
    /// A live line on standard error.
    pub fn new(console: &Console) -> Self {
        let bar = match console.live {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()),
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} scanning: {msg} [{elapsed}]") {
            bar.set_style(style);
        }
        if console.live {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self { bar, counts: Mutex::default() }
    }

    /// Takes a piece of progress.
    pub fn tell(&self, progress: &Progress) {
        let mut counts = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        counts.take(progress);
        if !self.bar.is_hidden() {
            self.bar.set_message(counts.line());
        }
    }

    /// Takes the line away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use fleetwright_model::{Region, ZoneName};

    use super::*;

    #[test]
    fn the_line_counts_zones_regions_instances_and_gaps() {
        let zone = ZoneName::new("payments").expect("valid");
        let region = Region::new("eu-central-1").expect("valid");
        let mut counts = Counts::default();
        for progress in [
            Progress::Zones(2),
            Progress::Entered { zone: zone.clone(), regions: 2 },
            Progress::ZoneLost,
            Progress::Listed { zone: zone.clone(), region: region.clone(), instances: 40 },
            Progress::Read { zone, region, hosts: 38, gaps: 1 },
        ] {
            counts.take(&progress);
        }
        assert_eq!(counts.line(), "2 of 2 landing zones, 1 of 2 regions, 40 instances, 2 gaps");
    }
}
