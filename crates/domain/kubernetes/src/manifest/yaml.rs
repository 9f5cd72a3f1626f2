//! One document of YAML, of which JSON is a part, as values that know their line.
//!
//! Plain scalars are typed by the core schema of YAML 1.2. kubectl reads YAML 1.1, where `yes` and `on` are booleans
//! as well; no field that is looked at here takes one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Number, Value};

/// Collections inside collections.
const DEPTH_MAX: usize = 64;
/// Values of a document, those that aliases repeat counted each time.
const NODES_MAX: usize = 1_000_000;

/// A value and its line.
#[derive(Debug, PartialEq)]
pub(super) struct Node {
    pub(super) line: u32,
    pub(super) content: Content,
    /// Values in it, itself included.
    size: usize,
    depth: usize,
}

/// What a value is.
#[derive(Debug, PartialEq)]
pub(super) enum Content {
    Scalar(Value),
    Sequence(Vec<Arc<Node>>),
    Mapping(Vec<(String, Arc<Node>)>),
}

/// Why a document cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: u32,
    pub(super) reason: String,
}

impl Node {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        match &self.content {
            Content::Mapping(entries) => {
                entries.iter().find(|(name, _)| name == key).map(|(_, node)| &**node)
            }
            _ => None,
        }
    }

    /// The text of a scalar that is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The value as JSON.
    pub(super) fn json(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::Sequence(items) => items.iter().map(|item| item.json()).collect(),
            Content::Mapping(entries) => {
                entries.iter().map(|(key, value)| (key.clone(), value.json())).collect()
            }
        }
    }
}

/// Reads a document whose first line is the `first`th of its file.
pub(super) fn parse(text: &str, first: u32) -> Result<Node, Fault> {
    let mut builder = Builder { open: Vec::new(), anchors: HashMap::new(), root: None };
    let line = |marker: &saphyr_parser::Marker| {
        first.saturating_add(u32::try_from(marker.line().saturating_sub(1)).unwrap_or(u32::MAX))
    };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => builder.take(event, line(&span.start))?,
            Err(fault) => {
                let reason = format!("not valid YAML: {}", fault.info());
                return Err(Fault { line: line(fault.marker()), reason });
            }
        }
    }
    let root = builder.root.map(|root| Arc::try_unwrap(root).unwrap_or_else(|shared| shared.copy()));
    Ok(root.unwrap_or_else(|| Node::scalar(first, Value::Null)))
}

/// A collection that is not closed yet.
struct Open {
    line: u32,
    anchor: usize,
    content: Content,
    /// Keys that were seen, and the one whose value comes next.
    keys: HashSet<String>,
    key: Option<String>,
    merged: Vec<Arc<Node>>,
    size: usize,
    depth: usize,
}

struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Arc<Node>>,
    root: Option<Arc<Node>>,
}

/// The key that merges mappings (YAML 1.1, "Merge Key").
const MERGE: &str = "<<";

impl Node {
    fn scalar(line: u32, value: Value) -> Self {
        Self { line, content: Content::Scalar(value), size: 1, depth: 1 }
    }

    /// A node of its own with the same parts.
    fn copy(&self) -> Self {
        let content = match &self.content {
            Content::Scalar(value) => Content::Scalar(value.clone()),
            Content::Sequence(items) => Content::Sequence(items.clone()),
            Content::Mapping(entries) => Content::Mapping(entries.clone()),
        };
        Self { line: self.line, content, size: self.size, depth: self.depth }
    }
}

impl Builder {
    fn take(&mut self, event: Event<'_>, line: u32) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref());
                self.finish(Node::scalar(line, value), anchor, line)
            }
            Event::SequenceStart(anchor, _) => self.begin(line, anchor, Content::Sequence(Vec::new())),
            Event::MappingStart(anchor, _) => self.begin(line, anchor, Content::Mapping(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => self.close(line),
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(target) => self.place(target, line),
                None => Err(fault(line, "an alias inside the value it stands for")),
            },
            _ => Ok(()),
        }
    }

    fn begin(&mut self, line: u32, anchor: usize, content: Content) -> Result<(), Fault> {
        if self.open.len() >= DEPTH_MAX {
            return Err(fault(line, format!("values lie more than {DEPTH_MAX} deep in one another")));
        }
        let (keys, key, merged) = (HashSet::new(), None, Vec::new());
        self.open.push(Open { line, anchor, content, keys, key, merged, size: 1, depth: 1 });
        Ok(())
    }

    fn close(&mut self, line: u32) -> Result<(), Fault> {
        let Some(mut open) = self.open.pop() else { return Ok(()) };
        if let Content::Mapping(entries) = &mut open.content {
            for part in &open.merged {
                let Content::Mapping(inherited) = &part.content else { continue };
                let missing = inherited.iter().filter(|(key, _)| open.keys.insert(key.clone()));
                entries.extend(missing.cloned());
            }
        }
        let node = Node { line: open.line, content: open.content, size: open.size, depth: open.depth };
        self.finish(node, open.anchor, line)
    }

    fn finish(&mut self, node: Node, anchor: usize, line: u32) -> Result<(), Fault> {
        let node = Arc::new(node);
        if anchor != 0 {
            self.anchors.insert(anchor, Arc::clone(&node));
        }
        self.place(node, line)
    }

    fn place(&mut self, node: Arc<Node>, line: u32) -> Result<(), Fault> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.size = open.size.saturating_add(node.size);
        open.depth = open.depth.max(node.depth + 1);
        if open.size > NODES_MAX {
            return Err(fault(line, format!("more than {NODES_MAX} values, aliases expanded")));
        }
        if open.depth > DEPTH_MAX {
            return Err(fault(line, format!("values lie more than {DEPTH_MAX} deep in one another")));
        }
        match &mut open.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping(entries) => match open.key.take() {
                Some(key) if key == MERGE => merge(&mut open.merged, &node, line)?,
                Some(key) => entries.push((key, node)),
                None => open.key = Some(take_key(&mut open.keys, &node, line)?),
            },
            Content::Scalar(_) => {}
        }
        Ok(())
    }
}

fn take_key(seen: &mut HashSet<String>, node: &Node, line: u32) -> Result<String, Fault> {
    let key = match &node.content {
        Content::Scalar(Value::String(text)) => text.clone(),
        Content::Scalar(value) => value.to_string(),
        _ => return Err(fault(line, "a key must be a text")),
    };
    if key != MERGE && !seen.insert(key.clone()) {
        let short: String = key.chars().take(60).collect();
        return Err(fault(line, format!("the key {short:?} is there twice")));
    }
    Ok(key)
}

fn merge(merged: &mut Vec<Arc<Node>>, node: &Arc<Node>, line: u32) -> Result<(), Fault> {
    let parts = match &node.content {
        Content::Sequence(items) => items.clone(),
        _ => vec![Arc::clone(node)],
    };
    if !parts.iter().all(|part| matches!(part.content, Content::Mapping(_))) {
        return Err(fault(line, "`<<` takes a mapping or a list of mappings"));
    }
    merged.extend(parts);
    Ok(())
}

fn fault(line: u32, reason: impl Into<String>) -> Fault {
    Fault { line, reason: reason.into() }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let plain = match tag {
        None => style == ScalarStyle::Plain,
        Some(tag) => tag.is_yaml_core_schema() && tag.suffix != "str",
    };
    if !plain {
        return text.into();
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        // serde_json's own reader decides what a number is.
        text => text.parse::<Number>().map_or_else(|_| text.into(), Value::Number),
    }
}
