//! What the measurements come to: for each host, in dollars, against the limits.

use std::time::Duration;

use serde_json::{Value, json};

use crate::measure::{Measured, share, turning};
use crate::prices::{GB_SECOND, INVOCATION, PUT, READ_UNIT, TRANSITION, WRITE_UNIT};

/// Events of an execution's history, and bytes of a payload. Source: Step Functions Developer Guide, "Service quotas".
const MOST_EVENTS: f64 = 25_000.0;
const MOST_PAYLOAD: f64 = 256.0 * 1_024.0;
/// Bytes of an item. Source: Amazon DynamoDB Developer Guide, "Quotas".
const MOST_ITEM: f64 = 400.0 * 1_024.0;

/// Something that must not grow beyond a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limit {
    pub(crate) of: &'static str,
    pub(crate) is: f64,
    pub(crate) most: f64,
}

impl Limit {
    /// Whether it holds.
    pub(crate) fn holds(&self) -> bool {
        self.is <= self.most
    }
}

/// Dollars for a thousand hosts, by what they are for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dollars {
    pub(crate) transitions: f64,
    pub(crate) functions: f64,
    pub(crate) writes: f64,
    pub(crate) reads: f64,
    pub(crate) artefacts: f64,
}

impl Dollars {
    /// All together.
    pub(crate) fn total(&self) -> f64 {
        self.transitions + self.functions + self.writes + self.reads + self.artefacts
    }
}

/// The number as a fraction can be made of it; what is counted here is far from where that loses anything.
fn float(count: u64) -> f64 {
    count as f64
}

impl Measured {
    /// For each host.
    pub(crate) fn each(&self, count: u64) -> f64 {
        float(count) / f64::from(self.size.hosts.max(1))
    }

    pub(crate) fn turns(&self) -> u64 {
        self.taken.len() as u64
    }

    /// How long the functions that take turns are open, as virtual time has it.
    pub(crate) fn open(&self) -> Duration {
        self.taken.iter().map(|turn| turn.open).sum()
    }

    /// What a turn computes, on the share of a vCPU that its function has; the plan is read anew for each.
    fn computes(&self, cpu: Duration) -> Duration {
        let plan = self.taken_up.map_or(Duration::ZERO, |it| it.plan);
        (cpu + plan).div_f64(share())
    }

    /// What all turns compute.
    pub(crate) fn computing(&self) -> Duration {
        self.taken.iter().map(|turn| self.computes(turn.cpu)).sum()
    }

    /// The longest turn: waiting and computing one after the other, the worst there is.
    pub(crate) fn longest(&self) -> Duration {
        self.taken.iter().map(|turn| turn.open + self.computes(turn.cpu)).max().unwrap_or_default()
    }

    /// The longest wait for what is on record.
    pub(crate) fn reading(&self) -> Duration {
        self.taken.iter().map(|turn| turn.reading).max().unwrap_or_default()
    }

    /// The bounds, and how far from each it stays.
    pub(crate) fn limits(&self) -> Vec<Limit> {
        let (item, _) = self.requests.largest();
        let mut limits = vec![
            Limit {
                of: "history events, half of 25,000",
                is: float(self.tally.events),
                most: MOST_EVENTS / 2.0,
            },
            Limit {
                of: "bytes of payload, half of 256 KiB",
                is: float(self.tally.largest.0 as u64),
                most: MOST_PAYLOAD / 2.0,
            },
            Limit { of: "bytes of an item", is: float(item), most: MOST_ITEM },
            Limit {
                of: "seconds of a turn's function",
                is: self.longest().as_secs_f64(),
                most: f64::from(turning().seconds),
            },
        ];
        if let Some(mib) = self.taken_up.and_then(|it| it.mib) {
            limits.push(Limit {
                of: "MiB of a turn's function",
                is: float(mib),
                most: f64::from(turning().memory),
            });
        }
        limits
    }

    /// Dollars for a thousand hosts.
    pub(crate) fn dollars(&self) -> Dollars {
        let thousand = |dollars: f64| dollars * 1_000.0 / f64::from(self.size.hosts.max(1));
        let gigabytes = f64::from(turning().memory) / 1_024.0;
        let seconds = (self.open() + self.computing()).as_secs_f64();
        let called = float(self.turns() + self.other_calls);
        Dollars {
            transitions: thousand(TRANSITION.of(float(self.tally.transitions()))),
            functions: thousand(GB_SECOND.of(seconds * gigabytes) + INVOCATION.of(called)),
            writes: thousand(WRITE_UNIT.of(float(self.requests.write_units()))),
            reads: thousand(READ_UNIT.of(float(self.requests.read_units))),
            artefacts: thousand(PUT.of(float(self.puts.0))),
        }
    }

    /// Everything, for programs.
    pub(crate) fn json(&self) -> Value {
        let dollars = self.dollars();
        let written = self.requests.written.iter().map(|(kind, of)| {
            let about =
                json!({ "writes": of.writes, "write_units": of.units, "largest_item_bytes": of.largest });
            (kind.as_str().to_owned(), about)
        });
        let limits: Vec<Value> = self
            .limits()
            .iter()
            .map(
                |limit| json!({ "of": limit.of, "is": limit.is, "most": limit.most, "holds": limit.holds() }),
            )
            .collect();
        json!({
            "hosts": self.size.hosts,
            "accounts": self.size.accounts(),
            "cells": self.size.cells(),
            "virtual_seconds": self.lasted.as_secs_f64(),
            "wall_seconds": self.wall.as_secs_f64(),
            "planning_cpu_seconds": self.planning.as_secs_f64(),
            "turns": self.turns(),
            "waits": self.answers.waits,
            "decisions": self.answers.decided + self.answers.undecided,
            "state_transitions": self.tally.transitions(),
            "entered": self.tally.entered,
            "history_events": self.tally.events,
            "largest_payload": { "bytes": self.tally.largest.0, "state": self.tally.largest.1 },
            "records": self.records,
            "table": {
                "written": written.collect::<serde_json::Map<_, _>>(),
                "writes": self.requests.writes(),
                "write_units": self.requests.write_units(),
                "reads": self.requests.reads,
                "read_units": self.requests.read_units,
                "kept_bytes": self.requests.kept,
            },
            "artefacts": { "puts": self.puts.0, "bytes": self.puts.1 },
            "calls": { "by_action": self.calls.by_action, "changes": self.calls.changes },
            "turn_function": {
                "open_seconds": self.open().as_secs_f64(),
                "computing_seconds": self.computing().as_secs_f64(),
                "longest_seconds": self.longest().as_secs_f64(),
                "longest_reading_seconds": self.reading().as_secs_f64(),
                "taken_up": self.taken_up,
            },
            "dollars_per_1000_hosts": {
                "state_transitions": dollars.transitions,
                "functions": dollars.functions,
                "table_writes": dollars.writes,
                "table_reads": dollars.reads,
                "artefacts": dollars.artefacts,
                "total": dollars.total(),
            },
            "limits": limits,
        })
    }
}
