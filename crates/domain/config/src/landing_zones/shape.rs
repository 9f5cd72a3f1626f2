//! From a document in any shape to a list of items.

use std::sync::Arc;

use fleetwright_model::{Code, OrganizationScope, Zone, code, nearest};

use super::fields::{self, Field};
use super::{Listed, ZoneDefaults};
use crate::error::{ConfigError, shorten};
use crate::keys::TextForm;
use crate::value::{self, Fault};
use crate::yaml::{self, Content, Entry, Node, Source, SourceText, Span, Style};

/// One entry of an inventory, as written.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// A zone described in full.
    Zone(Listed<Zone>),
    /// Accounts of the organisation.
    Scope(Listed<OrganizationScope>),
    /// A plain name or account id that another file describes.
    Name(Listed<String>),
    /// Entries of other files: all, or those named.
    From { paths: Vec<Listed<String>>, names: Option<Vec<Listed<String>>> },
}

/// Mappings that hold the list of zones.
const LISTS: [&str; 3] = ["landing_zones", "zones", "accounts"];
/// Mappings that hold scopes.
const ORGANIZATIONS: [&str; 2] = ["organization", "organisation"];

/// Reads the items of one file; faults go to `errors`.
pub(super) fn read_items(
    text: &SourceText,
    defaults: &ZoneDefaults,
    errors: &mut Vec<ConfigError>,
) -> Vec<Item> {
    let source = Source::new(text);
    let Some(root) = yaml::parse(&source, errors) else { return Vec::new() };
    let mut reader = Reader { source: &source, defaults, errors, items: Vec::new() };
    match &root.content {
        Content::Null => {}
        Content::Sequence(items) => reader.list(items),
        Content::Mapping(entries) => reader.document(&root, entries),
        Content::Scalar { .. } => {
            reader.error(
                &code::WRONG_TYPE,
                root.span,
                "an inventory is a list or a mapping of landing zones",
            );
        }
    }
    reader.items
}

/// Reads one file.
pub(super) struct Reader<'r> {
    pub(super) source: &'r Source<'r>,
    pub(super) defaults: &'r ZoneDefaults,
    pub(super) errors: &'r mut Vec<ConfigError>,
    items: Vec<Item>,
}

impl Reader<'_> {
    fn document(&mut self, root: &Node, entries: &[Entry]) {
        let has = |names: &[&str]| names.iter().any(|name| root.get(name).is_some());
        let wrapped = !has(&["account_id", "inventory"]) && (has(&LISTS) || has(&ORGANIZATIONS));
        if !wrapped {
            return self.mapping(root, entries);
        }
        for entry in entries {
            match &entry.value.content {
                _ if ORGANIZATIONS.contains(&entry.key.as_str()) => {
                    self.organization(&entry.value, entry.key_span)
                }
                _ if !LISTS.contains(&entry.key.as_str()) => self.not_a_wrapper(entry),
                Content::Sequence(items) => self.list(items),
                Content::Mapping(inner) => self.mapping(&entry.value, inner),
                Content::Null => {}
                Content::Scalar { .. } => {
                    let message = format!("`{}` needs a list or a mapping of landing zones", entry.key);
                    self.error(&code::WRONG_TYPE, entry.value.span, message);
                }
            }
        }
    }

    fn not_a_wrapper(&mut self, entry: &Entry) {
        let known = LISTS.into_iter().chain(ORGANIZATIONS);
        self.unknown("", entry, known);
    }

    /// One bare entry, a reference to another file, or zones keyed by name.
    fn mapping(&mut self, node: &Node, entries: &[Entry]) {
        if node.get("inventory").is_some() {
            return self.reference(entries);
        }
        if ["account_id", "name", "role_arn", "role_name"].iter().any(|key| is_leaf(node, key)) {
            return self.zone(None, node, entries, node.span);
        }
        for entry in entries {
            match &entry.value.content {
                Content::Mapping(inner) => self.zone(Some(entry), &entry.value, inner, entry.key_span),
                _ => {
                    self.unknown("", entry, LISTS.into_iter().chain(ORGANIZATIONS).chain(names(fields::ZONE)))
                }
            }
        }
    }

    fn list(&mut self, items: &[Arc<Node>]) {
        for item in items {
            match &item.content {
                Content::Mapping(entries) => self.list_item(item, entries),
                Content::Scalar { .. } => {
                    if let Some(name) = self.plain_name(item) {
                        self.items.push(Item::Name(name));
                    }
                }
                _ => {
                    let message = format!("a landing zone is a mapping or a name, found {}", item.describe());
                    self.error(&code::WRONG_TYPE, item.span, message);
                }
            }
        }
    }

    fn list_item(&mut self, item: &Node, entries: &[Entry]) {
        if let Some(organization) = ORGANIZATIONS.iter().find_map(|key| item.get(key)) {
            return self.organization_item(organization, entries);
        }
        match entries {
            _ if item.get("inventory").is_some() => self.reference(entries),
            [only] if !names(fields::ZONE).any(|name| name == only.key) => match &only.value.content {
                Content::Mapping(inner) => self.zone(Some(only), &only.value, inner, only.key_span),
                _ => self.zone(None, item, entries, item.span),
            },
            _ => self.zone(None, item, entries, item.span),
        }
    }

    fn zone(&mut self, named: Option<&Entry>, node: &Node, entries: &[Entry], span: Span) {
        if let Some(zone) = self.read_zone(named, node, entries, span) {
            let place = self.source.at(span);
            self.items.push(Item::Zone(Listed { item: zone, place }));
        }
    }

    /// `organization:` in a list, where a short form may have other keys beside it.
    fn organization_item(&mut self, organization: &Entry, entries: &[Entry]) {
        let beside: Vec<Entry> =
            entries.iter().filter(|entry| entry.key != organization.key).cloned().collect();
        match &organization.value.content {
            Content::Scalar { .. } => self.scope(&organization.value, &beside, organization.key_span),
            _ => {
                for entry in &beside {
                    self.unknown("", entry, ORGANIZATIONS.into_iter());
                }
                self.organization(&organization.value, organization.key_span);
            }
        }
    }

    fn organization(&mut self, node: &Node, span: Span) {
        match &node.content {
            Content::Sequence(items) => {
                for item in items {
                    let entries = match &item.content {
                        Content::Mapping(entries) => entries.as_slice(),
                        _ => &[],
                    };
                    self.scope(item, entries, item.span);
                }
            }
            Content::Mapping(entries) => self.scope(node, entries, span),
            _ => self.scope(node, &[], span),
        }
    }

    fn scope(&mut self, node: &Node, entries: &[Entry], span: Span) {
        if let Some(scope) = self.read_scope(node, entries) {
            let place = self.source.at(span);
            self.items.push(Item::Scope(Listed { item: scope, place }));
        }
    }

    fn reference(&mut self, entries: &[Entry]) {
        let (mut paths, mut wanted) = (Vec::new(), None);
        for entry in entries {
            match entry.key.as_str() {
                "inventory" => paths = self.listed(entry, TextForm::Path),
                "zones" => wanted = Some(self.names(&entry.value)),
                _ => self.unknown("", entry, names(fields::REFERENCE)),
            }
        }
        self.items.push(Item::From { paths, names: wanted });
    }

    fn names(&mut self, node: &Node) -> Vec<Listed<String>> {
        match &node.content {
            Content::Sequence(items) => items.iter().filter_map(|item| self.plain_name(item)).collect(),
            _ => self.plain_name(node).into_iter().collect(),
        }
    }

    /// A name or account id; a plain number is an account id that may have lost its zeros.
    fn plain_name(&mut self, node: &Node) -> Option<Listed<String>> {
        let number = match &node.content {
            Content::Scalar { text, style: Style::Plain } if text.bytes().all(|b| b.is_ascii_digit()) => {
                super::entry::account_number(text)
            }
            _ => None,
        };
        let name = match (number, &node.content) {
            (Some(account), _) => Ok(account.as_str().to_owned()),
            (None, Content::Scalar { text, .. }) => value::check_form(TextForm::ZoneName, text, node),
            _ => Err(Fault::new(&code::WRONG_TYPE, node, format!("needs a name, found {}", node.describe()))),
        };
        match name {
            Ok(item) => Some(Listed { item, place: self.source.at(node.span) }),
            Err(fault) => {
                self.fault("", fault);
                None
            }
        }
    }

    fn listed(&mut self, entry: &Entry, form: TextForm) -> Vec<Listed<String>> {
        match value::texts(&entry.value, form) {
            Ok(texts) => {
                let place = self.source.at(entry.value.span);
                texts.into_iter().map(|item| Listed { item, place: place.clone() }).collect()
            }
            Err(fault) => {
                self.fault(&entry.key, fault);
                Vec::new()
            }
        }
    }

    /// Reports every key that is not in the table.
    pub(super) fn refuse_unknown(&mut self, label: &str, entries: &[Entry], table: &'static [Field]) {
        for entry in entries {
            if !names(table).any(|name| name == entry.key) {
                self.unknown(label, entry, names(table));
            }
        }
    }

    fn unknown<'k>(&mut self, label: &str, entry: &Entry, known: impl Iterator<Item = &'k str>) {
        let shown = shorten(&entry.key);
        let suggestion = match nearest(&entry.key, known) {
            Some(nearest) => format!("; did you mean `{nearest}`?"),
            None => String::new(),
        };
        let message = format!("{}unknown key `{shown}`{suggestion}", prefix(label));
        let error = ConfigError::new(&code::UNKNOWN_KEY, self.source.place(entry.key_span), message);
        self.errors.push(error.key(dotted(label, &entry.key)));
    }

    pub(super) fn error(&mut self, code: &'static Code, span: Span, message: impl Into<String>) {
        self.errors.push(ConfigError::new(code, self.source.place(span), message));
    }

    /// Reports a fault of `key` of the entry called `label`.
    pub(super) fn fault(&mut self, key: &str, fault: Fault) {
        let message = if key.is_empty() { fault.message } else { format!("`{key}`: {}", fault.message) };
        let mut error = ConfigError::new(fault.code, self.source.place(fault.span), message);
        error.hint = fault.hint;
        error.key_path = (!key.is_empty()).then(|| key.to_owned());
        if let Some(value) = fault.value {
            error = error.value(value);
        }
        self.errors.push(error);
    }
}

/// True where the key is there and holds no mapping: a zone keyed by that name would hold one.
fn is_leaf(node: &Node, key: &str) -> bool {
    node.get(key).is_some_and(|entry| !matches!(entry.value.content, Content::Mapping(_)))
}

fn names(table: &'static [Field]) -> impl Iterator<Item = &'static str> {
    table.iter().map(|field| field.name)
}

/// `landing zone NAME: `, where there is a name.
pub(super) fn prefix(label: &str) -> String {
    if label.is_empty() { String::new() } else { format!("landing zone {}: ", shorten(label)) }
}

pub(super) fn dotted(label: &str, key: &str) -> String {
    if label.is_empty() { key.to_owned() } else { format!("{label}.{key}") }
}
