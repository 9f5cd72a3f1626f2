//! Everything that went wrong, by code: what it is, whom it concerns, what to do.

use std::collections::BTreeMap;

use fleetwright_model::{ErrorClass, Text, code};
use fleetwright_patch::plan::{LeftOut, PlannedGap};
use serde::Serialize;

use super::RunHost;
use crate::record::cleared;

/// One kind of error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorGroup {
    /// The code.
    pub code: Text,
    /// A few words; empty for a code that this version does not know.
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do next.
    pub next_step: &'static str,
    /// What it concerns.
    pub subject: ErrorSubject,
    /// What kind of failure it was, where attempts failed with it.
    pub class: Option<ErrorClass>,
    /// Attempts that failed with it, those included that were tried again.
    pub attempts: u32,
    /// The hosts that ended with it or met it on their way, by place in the record's list.
    pub hosts: Vec<u32>,
    /// Those of them it decided about.
    pub decided: u32,
    /// The first message, as an example. Untrusted text.
    pub example: Option<Text>,
}

/// What an error concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorSubject {
    /// Hosts of the run.
    Host,
    /// Hosts of the selection that were left out of it.
    LeftOut,
    /// Parts of the fleet that could not be read.
    Gap,
}

impl ErrorSubject {
    /// Every subject.
    pub const ALL: [Self; 3] = [Self::Host, Self::LeftOut, Self::Gap];

    /// The subject as reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::LeftOut => "left_out",
            Self::Gap => "gap",
        }
    }
}

impl ErrorGroup {
    fn new(code: &Text, subject: ErrorSubject) -> Self {
        let known = code::find(code);
        Self {
            code: code.clone(),
            title: known.map_or("", |code| code.title),
            meaning: known.map_or("", |code| code.meaning),
            next_step: known.map_or("", |code| code.next_step),
            subject,
            class: None,
            attempts: 0,
            hosts: Vec::new(),
            decided: 0,
            example: None,
        }
    }
}

/// The groups of everything that went wrong, what concerns most first.
pub(super) fn groups(hosts: &[RunHost<'_>], left_out: &[LeftOut], gaps: &[PlannedGap]) -> Vec<ErrorGroup> {
    let mut groups: BTreeMap<(ErrorSubject, Text), ErrorGroup> = BTreeMap::new();
    let mut group = |code: &Text, subject: ErrorSubject, change: &mut dyn FnMut(&mut ErrorGroup)| {
        let group = groups.entry((subject, code.clone())).or_insert_with(|| ErrorGroup::new(code, subject));
        change(group);
    };
    for (place, host) in hosts.iter().enumerate() {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        for visit in &host.timeline {
            let Some(trouble) = &visit.trouble else { continue };
            group(&trouble.code, ErrorSubject::Host, &mut |group| {
                group.attempts += 1;
                group.class = group.class.or(trouble.class);
                if group.example.is_none() {
                    group.example.clone_from(&trouble.message);
                }
                if group.hosts.last() != Some(&place) {
                    group.hosts.push(place);
                }
            });
        }
        if let Some(code) = &host.code {
            group(code, ErrorSubject::Host, &mut |group| {
                group.decided += 1;
                group.class = group.class.or(host.class);
                if group.hosts.last() != Some(&place) {
                    group.hosts.push(place);
                }
            });
        }
    }
    for host in left_out {
        for code in host.reasons.iter().take(1) {
            group(code, ErrorSubject::LeftOut, &mut |group| {
                group.decided += 1;
                if group.example.is_none() {
                    group.example = host.detail.as_ref().map(cleared);
                }
            });
        }
    }
    for gap in gaps {
        group(&gap.code, ErrorSubject::Gap, &mut |group| {
            group.attempts += 1;
            group.example.get_or_insert_with(|| cleared(&gap.message));
        });
    }
    let mut groups: Vec<ErrorGroup> = groups.into_values().collect();
    let weight = |group: &ErrorGroup| (group.decided, group.hosts.len(), group.attempts);
    groups.sort_by(|a, b| weight(b).cmp(&weight(a)).then_with(|| a.code.cmp(&b.code)));
    groups
}
