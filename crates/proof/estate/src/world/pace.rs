//! How long things take, where AWS publishes no number: drawn per event between two bounds.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// A length of time between two bounds, in seconds; written `[30, 90]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "[u64; 2]", into = "[u64; 2]")]
pub struct Span {
    least: u64,
    most: u64,
}

/// The longest length of time, in seconds: ten days.
const MAX_SECONDS: u64 = 864_000;

impl Span {
    /// From `least` to `most` seconds.
    const fn new(least: u64, most: u64) -> Self {
        Self { least, most }
    }

    /// Exactly so many seconds.
    #[must_use]
    pub const fn exactly(seconds: u64) -> Self {
        Self { least: seconds, most: seconds }
    }

    /// The bounds in milliseconds.
    pub(in crate::world) fn milliseconds(self) -> RangeInclusive<i64> {
        (self.least.min(MAX_SECONDS) * 1_000) as i64..=(self.most.min(MAX_SECONDS) * 1_000) as i64
    }
}

impl TryFrom<[u64; 2]> for Span {
    type Error = String;

    fn try_from([least, most]: [u64; 2]) -> Result<Self, String> {
        if least > most || most > MAX_SECONDS {
            return Err(format!(
                "[{least}, {most}] must be two numbers of seconds, the smaller first, up to {MAX_SECONDS}"
            ));
        }
        Ok(Self { least, most })
    }
}

impl From<Span> for [u64; 2] {
    fn from(span: Span) -> Self {
        [span.least, span.most]
    }
}

/// How long things take, in seconds of the estate's time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// From CreateImage until the image is available.
    pub image: Span,
    /// From `pending` to `running`.
    pub start: Span,
    /// From `stopping` to `stopped`.
    pub stop: Span,
    /// From `shutting-down` to `terminated`.
    pub terminate: Span,
    /// From CreateReplaceRootVolumeTask until it has succeeded.
    pub root_task: Span,
    /// From CreateTable until the table is active, and from DeleteTable until it is gone.
    pub table: Span,
    /// From CreateFunction, and from an update, until the function is ready.
    pub function: Span,
    /// From CreateChangeSet until its changes are known.
    pub change_set: Span,
    /// Until a resource of a stack is made, changed or deleted.
    pub stack_resource: Span,
    /// From UpdateClusterVersion until the control plane has its new version.
    pub control_plane: Span,
    /// Until the nodes of an Auto Mode cluster are rolled back.
    pub auto_nodes: Span,
    /// From a change of an add-on until it is made.
    pub addon: Span,
    /// From StartInsightsRefresh until insights are ready.
    pub insights: Span,
    /// From the launch of a cluster's node until its kubelet is ready.
    pub node: Span,
    /// From a pod's binding until it is ready.
    pub pod: Span,
    /// From a pod's deletion until its containers have stopped.
    pub pod_stop: Span,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            image: Span::new(180, 900),
            start: Span::new(10, 40),
            stop: Span::new(20, 90),
            terminate: Span::new(20, 60),
            root_task: Span::new(60, 240),
            table: Span::new(3, 15),
            function: Span::new(1, 5),
            change_set: Span::new(1, 4),
            stack_resource: Span::new(2, 20),
            control_plane: Span::new(480, 900),
            auto_nodes: Span::new(900, 3_600),
            addon: Span::new(20, 120),
            insights: Span::new(30, 180),
            node: Span::new(45, 150),
            pod: Span::new(3, 20),
            pod_stop: Span::new(1, 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_read_from_two_numbers_and_refused_the_wrong_way_round() {
        let slow: Pace = toml::from_str("image = [72000, 72000]").expect("a pace");
        assert_eq!(slow, Pace { image: Span::exactly(72_000), ..Pace::default() });
        let error = toml::from_str::<Pace>("stop = [9, 3]").expect_err("must be refused");
        assert!(error.to_string().contains("[9, 3] must be two numbers of seconds"), "{error}");
    }
}
