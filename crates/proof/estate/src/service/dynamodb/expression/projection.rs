//! Projections: which parts of an item are shown.

use std::collections::BTreeMap;

use super::Kind;
use super::parser::Parser;
use super::path::{Meeting, Path, Step, meeting};
use super::placeholders::Placeholders;
use crate::call::ApiError;
use crate::world::tables::attribute::{Item, Value};

/// The parts of an item that are shown.
#[derive(Clone, Debug)]
pub(in super::super) struct Projection(Part);

/// A part of an item: all of it where nothing below it is named.
#[derive(Clone, Debug, Default)]
struct Part(BTreeMap<Step, Part>);

impl Projection {
    /// Reads a projection.
    pub(in super::super) fn parse(text: &str, placeholders: &Placeholders) -> Result<Self, ApiError> {
        let mut parser = Parser::new(Kind::Projection, text, placeholders)?;
        let mut paths = vec![parser.path()?];
        while parser.takes_sign(",") {
            paths.push(parser.path()?);
        }
        parser.end()?;
        apart(Kind::Projection, &paths.iter().collect::<Vec<_>>())?;
        Ok(Self::of(&paths))
    }

    /// What these paths lead to.
    pub(super) fn of(paths: &[Path]) -> Self {
        let mut root = Part::default();
        for path in paths {
            let mut part = &mut root;
            for step in &path.0 {
                part = part.0.entry(step.clone()).or_default();
            }
        }
        Self(root)
    }

    /// The parts of this item.
    pub(in super::super) fn pick(&self, item: &Item) -> Item {
        members(&self.0, item)
    }
}

fn members(part: &Part, from: &Item) -> Item {
    let pick = |(step, below): (&Step, &Part)| match step {
        Step::Member(name) => Some((name.clone(), value(below, from.get(name)?)?)),
        Step::Element(_) => None,
    };
    part.0.iter().filter_map(pick).collect()
}

fn value(part: &Part, from: &Value) -> Option<Value> {
    if part.0.is_empty() {
        return Some(from.clone());
    }
    match from {
        Value::M(all) => {
            let found = members(part, all);
            (!found.is_empty()).then_some(Value::M(found))
        }
        Value::L(all) => {
            let pick = |(step, below): (&Step, &Part)| match step {
                Step::Element(at) => value(below, all.get(*at)?),
                Step::Member(_) => None,
            };
            let found: Vec<Value> = part.0.iter().filter_map(pick).collect();
            (!found.is_empty()).then_some(Value::L(found))
        }
        _ => None,
    }
}

/// Refuses paths that touch one another.
pub(super) fn apart(kind: Kind, paths: &[&Path]) -> Result<(), ApiError> {
    for (at, one) in paths.iter().enumerate() {
        for other in &paths[at + 1..] {
            let how = match meeting(one, other) {
                Meeting::Apart => continue,
                Meeting::Overlap => "overlap",
                Meeting::Conflict => "conflict",
            };
            return Err(kind.refuse(format_args!(
                "Two document paths {how} with each other; must remove or rewrite one of these paths; path one: \
                 {one}, path two: {other}"
            )));
        }
    }
    Ok(())
}
