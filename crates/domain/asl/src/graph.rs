//! Where states lead: names that are nowhere, states nothing leads to, circles without a way out.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_model::code;
use serde_json::Value;

use crate::findings::{Findings, Place};
use crate::values::meant;

/// Names that are nowhere, after which nothing near is looked for any more: each search goes through every
/// state.
const MOST_SUGGESTIONS: usize = 100;

/// Where a state leads.
#[derive(Debug, Default)]
pub(crate) struct Outline<'a> {
    /// Names of states, and where they are named.
    pub(crate) leads_to: Vec<(&'a str, Place<'a>)>,
    /// Whether the machine may end with it.
    pub(crate) ends: bool,
    /// Whether it may be meant to lead elsewhere as well: what says so has a fault of its own.
    pub(crate) is_unclear: bool,
}

impl Outline<'_> {
    /// That of something that is no state, or does not say where it leads.
    pub(crate) fn unclear() -> Self {
        Self { leads_to: Vec::new(), ends: true, is_unclear: true }
    }
}

/// The states of one machine.
pub(crate) struct Graph<'a> {
    states: BTreeMap<&'a str, (Place<'a>, Outline<'a>)>,
    start: Option<&'a str>,
}

impl<'a> Graph<'a> {
    pub(crate) fn new() -> Self {
        Self { states: BTreeMap::new(), start: None }
    }

    pub(crate) fn add(&mut self, name: &'a str, place: Place<'a>, outline: Outline<'a>) {
        self.states.insert(name, (place, outline));
    }

    /// Notes where the machine begins.
    pub(crate) fn start_at(&mut self, findings: &mut Findings, place: &Place<'a>, start: Option<&'a Value>) {
        match start.and_then(Value::as_str) {
            None => {
                let message = "expected `StartAt`, the name of the first state";
                findings.add(&code::DEFINITION_UNREADABLE, place, message);
            }
            Some(start) if self.states.contains_key(start) => self.start = Some(start),
            Some(start) => {
                let message = format!("`StartAt` names `{start}`, which is not there{}", self.meant(start));
                findings.add(&code::STATE_DANGLING, &place.at("StartAt"), message);
            }
        }
    }

    pub(crate) fn check(&self, findings: &mut Findings) {
        let (mut is_clear, mut suggestions) = (true, 0..MOST_SUGGESTIONS);
        for (_, outline) in self.states.values() {
            is_clear &= !outline.is_unclear;
            for (name, place) in &outline.leads_to {
                if !self.states.contains_key(name) {
                    is_clear = false;
                    let meant = suggestions.next().map(|_| self.meant(name)).unwrap_or_default();
                    let message = format!("leads to `{name}`, which is not there{meant}");
                    findings.add(&code::STATE_DANGLING, place, message);
                }
            }
        }
        // Where something leads nowhere, whatever it was meant to lead to would be told of as well.
        let Some(start) = self.start.filter(|_| is_clear) else { return };
        let reached = self.reached_from(start);
        let ending = self.those_that_end();
        for (name, (place, _)) in &self.states {
            if !reached.contains(name) {
                findings.add(&code::STATE_UNREACHABLE, place, "nothing leads here from `StartAt`");
            } else if !ending.contains(name) {
                findings.add(&code::STATE_ENDLESS, place, "no way leads from here to an end");
            }
        }
    }

    fn meant(&self, name: &str) -> String {
        meant(name, self.states.keys().copied())
    }

    fn reached_from(&self, start: &'a str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut ahead = vec![start];
        while let Some(name) = ahead.pop() {
            let Some((_, outline)) = self.states.get(name) else { continue };
            if reached.insert(name) {
                ahead.extend(outline.leads_to.iter().map(|(next, _)| *next));
            }
        }
        reached
    }

    /// States from which an end is reached.
    fn those_that_end(&self) -> BTreeSet<&'a str> {
        let mut before: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
        for (name, (_, outline)) in &self.states {
            outline.leads_to.iter().for_each(|(next, _)| before.entry(next).or_default().push(name));
        }
        let mut ahead: Vec<&str> =
            self.states.keys().copied().filter(|name| self.states[name].1.ends).collect();
        let mut ending = BTreeSet::new();
        while let Some(name) = ahead.pop() {
            if ending.insert(name) {
                ahead.extend(before.get(name).into_iter().flatten());
            }
        }
        ending
    }
}
