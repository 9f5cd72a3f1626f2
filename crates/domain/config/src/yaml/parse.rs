//! From parser events to the tree, within bounds.

use std::collections::HashMap;
use std::sync::Arc;

use fleetwright_model::code;
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::{Content, Entry, Mark, Node, Source, Span, Style};
use crate::error::ConfigError;

/// Bytes of one file. Ten thousand landing zones take about 2 MiB.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Collections inside collections.
const MAX_DEPTH: usize = 64;
/// Nodes, those that aliases repeat counted each time ("billion laughs").
const MAX_NODES: usize = 1_000_000;

/// Parses one document. Faults go to `errors`; a tree comes back where one could be made in spite
/// of them, so that the rest of the file is checked as well. An empty file is [`Content::Null`].
pub(crate) fn parse(source: &Source<'_>, errors: &mut Vec<ConfigError>) -> Option<Arc<Node>> {
    if source.text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, more than {MAX_BYTES}", source.text.len());
        errors.push(ConfigError::new(&code::TOO_LARGE, source.place(Span::default()), message));
        return None;
    }
    let mut builder =
        Builder { source, errors, open: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None };
    let mut documents = 0;
    for event in Parser::new_from_str(source.text) {
        let step = match event {
            Ok((Event::DocumentStart(_), span)) => {
                documents += 1;
                if documents > 1 { Err(builder.second_document(span_of(span))) } else { Ok(()) }
            }
            Ok((event, span)) => builder.take(event, span_of(span)),
            Err(fault) => Err(builder.syntax(&fault)),
        };
        if let Err(fault) = step {
            builder.errors.push(*fault);
            return None;
        }
    }
    Some(builder.root.map_or_else(|| Arc::new(Node::floating(Content::Null)), |sized| sized.node))
}

fn mark(marker: &saphyr_parser::Marker) -> Mark {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Mark { line: number(marker.line()), column: number(marker.col() + 1) }
}

fn span_of(span: saphyr_parser::Span) -> Span {
    Span { start: mark(&span.start), end: mark(&span.end) }
}

/// A node with its size, aliases expanded.
#[derive(Clone)]
struct Sized {
    node: Arc<Node>,
    extent: Extent,
}

/// How much is in a node, and how deep.
#[derive(Clone, Copy)]
struct Extent {
    nodes: usize,
    depth: usize,
}

impl Extent {
    const SCALAR: Self = Self { nodes: 1, depth: 1 };

    /// A collection grows by a node inside it.
    fn grow(&mut self, inner: Self) {
        self.nodes = self.nodes.saturating_add(inner.nodes);
        self.depth = self.depth.max(inner.depth.saturating_add(1));
    }
}

/// A collection that is not closed yet.
enum Open {
    Sequence { span: Span, anchor: usize, items: Vec<Arc<Node>>, extent: Extent },
    Mapping { span: Span, anchor: usize, mapping: OpenMapping, extent: Extent },
}

#[derive(Default)]
struct OpenMapping {
    entries: Vec<Entry>,
    seen: HashMap<String, Span>,
    merged: Vec<Arc<Node>>,
    pending: Option<Pending>,
}

/// What the next node of a mapping is the value of.
enum Pending {
    Key(String, Span),
    Merge(Span),
    /// The key was faulty and is reported; its value is dropped.
    Faulty,
}

type Fault = Box<ConfigError>;

struct Builder<'s, 'e> {
    source: &'s Source<'s>,
    errors: &'e mut Vec<ConfigError>,
    open: Vec<Open>,
    anchors: HashMap<usize, Sized>,
    nodes: usize,
    root: Option<Sized>,
}

impl Builder<'_, '_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let style = self.scalar_style(style, tag.as_deref(), span);
                let plain_null =
                    style == Style::Plain && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
                let content = if plain_null {
                    Content::Null
                } else {
                    Content::Scalar { text: text.into_owned(), style }
                };
                self.finish(Node { span, content }, anchor, Extent::SCALAR)
            }
            Event::SequenceStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "seq", span);
                self.begin(Open::Sequence { span, anchor, items: Vec::new(), extent: Extent::SCALAR }, span)
            }
            Event::MappingStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "map", span);
                let open =
                    Open::Mapping { span, anchor, mapping: OpenMapping::default(), extent: Extent::SCALAR };
                self.begin(open, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(target) => self.place(target, span),
                None => Err(self.fault(&code::YAML_SYNTAX, span, "an alias inside the value it stands for")),
            },
            _ => Ok(()),
        }
    }

    fn begin(&mut self, open: Open, span: Span) -> Result<(), Fault> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.too_deep(span));
        }
        self.open.push(open);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        match self.open.pop() {
            Some(Open::Sequence { span, anchor, items, extent }) => {
                self.finish(Node { span, content: Content::Sequence(items) }, anchor, extent)
            }
            Some(Open::Mapping { span, anchor, mapping, extent }) => {
                let entries = merge(mapping);
                self.finish(Node { span, content: Content::Mapping(entries) }, anchor, extent)
            }
            None => Ok(()),
        }
    }

    fn finish(&mut self, node: Node, anchor: usize, extent: Extent) -> Result<(), Fault> {
        let span = node.span;
        let sized = Sized { node: Arc::new(node), extent };
        if anchor != 0 {
            self.anchors.insert(anchor, sized.clone());
        }
        self.nodes += 1;
        self.place(sized, span)
    }

    /// Puts a finished node where it belongs; `span` is where it is used, which for an alias is
    /// not where it is written.
    fn place(&mut self, sized: Sized, span: Span) -> Result<(), Fault> {
        let total = match self.open.last_mut() {
            None => {
                let extent = sized.extent;
                self.root = Some(sized);
                extent
            }
            Some(Open::Sequence { items, extent, .. }) => {
                extent.grow(sized.extent);
                items.push(sized.node);
                *extent
            }
            Some(Open::Mapping { mapping, extent, .. }) => {
                extent.grow(sized.extent);
                let total = *extent;
                if let Some(fault) = mapping.take(self.source, &sized.node, span) {
                    self.errors.push(*fault);
                }
                total
            }
        };
        if total.nodes.max(self.nodes) > MAX_NODES {
            return Err(self.fault(
                &code::TOO_LARGE,
                span,
                &format!("more than {MAX_NODES} values, aliases expanded"),
            ));
        }
        if total.depth > MAX_DEPTH {
            return Err(self.too_deep(span));
        }
        Ok(())
    }

    fn scalar_style(&mut self, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Style {
        match tag {
            None if style == ScalarStyle::Plain => Style::Plain,
            None => Style::Quoted,
            Some(tag) if tag.is_yaml_core_schema() => match tag.suffix.as_str() {
                "int" | "float" | "bool" | "null" => Style::Plain,
                "str" => Style::Quoted,
                _ => self.unknown_tag(tag, span),
            },
            Some(tag) => self.unknown_tag(tag, span),
        }
    }

    fn collection_tag(&mut self, tag: Option<&Tag>, expected: &str, span: Span) {
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && tag.suffix == expected)
        {
            self.unknown_tag(tag, span);
        }
    }

    fn unknown_tag(&mut self, tag: &Tag, span: Span) -> Style {
        let message = format!("the tag {}{} means nothing here", tag.handle, tag.suffix);
        let fault = self.fault(&code::YAML_SYNTAX, span, &message);
        self.errors.push(*fault);
        Style::Quoted
    }

    fn too_deep(&self, span: Span) -> Fault {
        self.fault(
            &code::TOO_LARGE,
            span,
            &format!("nested more than {MAX_DEPTH} levels deep, aliases expanded"),
        )
    }

    fn second_document(&self, span: Span) -> Fault {
        let fault = self.fault(&code::YAML_SYNTAX, span, "a second document begins here; only one is read");
        Box::new(fault.hint("Put the second document into a file of its own."))
    }

    fn syntax(&self, fault: &saphyr_parser::ScanError) -> Fault {
        let start = mark(fault.marker());
        let end = Mark { column: start.column + 1, ..start };
        self.fault(&code::YAML_SYNTAX, Span { start, end }, &format!("not valid YAML: {}", fault.info()))
    }

    fn fault(&self, code: &'static fleetwright_model::Code, span: Span, message: &str) -> Fault {
        Box::new(ConfigError::new(code, self.source.place(span), message))
    }
}

impl OpenMapping {
    /// Takes the next node, which is a key or the value of the key before it.
    fn take(&mut self, source: &Source<'_>, node: &Arc<Node>, span: Span) -> Option<Fault> {
        match self.pending.take() {
            None => self.take_key(source, node, span),
            Some(Pending::Key(key, key_span)) => {
                self.entries.push(Entry { key, key_span, value: Arc::clone(node) });
                None
            }
            Some(Pending::Merge(at)) => self.take_merge(source, node, at),
            Some(Pending::Faulty) => None,
        }
    }

    fn take_key(&mut self, source: &Source<'_>, node: &Node, span: Span) -> Option<Fault> {
        let fault =
            |code, message: String| Some(Box::new(ConfigError::new(code, source.place(span), message)));
        let Content::Scalar { text, style } = &node.content else {
            self.pending = Some(Pending::Faulty);
            return fault(&code::YAML_SYNTAX, format!("a key must be text, found {}", node.describe()));
        };
        if text == "<<" && *style == Style::Plain {
            self.pending = Some(Pending::Merge(span));
            return None;
        }
        if let Some(first) = self.seen.get(text) {
            self.pending = Some(Pending::Faulty);
            let first = source.at(*first);
            let message = format!("the key `{}` stands here and at {first}", crate::error::shorten(text));
            let error = ConfigError::new(&code::DUPLICATE_KEY, source.place(span), message);
            return Some(Box::new(error.key(text).related(first)));
        }
        self.seen.insert(text.clone(), span);
        self.pending = Some(Pending::Key(text.clone(), span));
        None
    }

    fn take_merge(&mut self, source: &Source<'_>, node: &Arc<Node>, at: Span) -> Option<Fault> {
        let parts = match &node.content {
            Content::Sequence(items) => items.clone(),
            _ => vec![Arc::clone(node)],
        };
        if parts.iter().all(|part| matches!(part.content, Content::Mapping(_))) {
            self.merged.extend(parts);
            return None;
        }
        let message = "`<<` takes a mapping or a list of mappings";
        Some(Box::new(ConfigError::new(&code::YAML_SYNTAX, source.place(at), message)))
    }
}

/// The entries of a mapping with those it merges in: its own win, then the earlier merge.
fn merge(mapping: OpenMapping) -> Vec<Entry> {
    let OpenMapping { mut entries, mut seen, merged, .. } = mapping;
    for part in merged {
        let Content::Mapping(inherited) = &part.content else { continue };
        for entry in inherited {
            if !seen.contains_key(&entry.key) {
                seen.insert(entry.key.clone(), entry.key_span);
                entries.push(entry.clone());
            }
        }
    }
    entries
}
