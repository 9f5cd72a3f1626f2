//! Manifests: texts with one or many objects, in YAML or JSON, as files hold them and `helm template` writes them.
//!
//! A document that cannot be read is a [`ManifestGap`] with its place, and costs none of its neighbours.

mod yaml;

use serde_json::Value;

use crate::api::GroupVersionKind;
use crate::object::ObjectRef;

/// An object of a manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The file, as it was named.
    pub file: String,
    /// The line its first key stands on, from 1.
    pub line: u32,
    /// The line of its `apiVersion`, from 1; that of the object where it inherits one from a typed list.
    pub api_version_line: u32,
    /// Which API it is of.
    pub api: GroupVersionKind,
    /// The object; its texts are untrusted.
    pub object: Value,
}

/// Something that is no object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestGap {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// What is wrong with it.
    pub reason: String,
}

/// What a text holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifests {
    /// Its objects, in order.
    pub objects: Vec<Manifest>,
    /// What could not be read.
    pub gaps: Vec<ManifestGap>,
}

/// Bytes of one file.
pub const BYTES_MAX: usize = 16 * 1024 * 1024;
/// Lists inside lists.
const LISTS_MAX: usize = 4;

impl Manifest {
    /// Which object it is.
    pub fn reference(&self) -> ObjectRef {
        let text = |key| self.object.pointer(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        ObjectRef {
            kind: self.api.kind.clone(),
            namespace: text("/metadata/namespace"),
            name: match text("/metadata/name") {
                name if name.is_empty() => text("/metadata/generateName"),
                name => name,
            },
        }
    }
}

/// Reads one document of YAML, of which JSON is a part, as a value.
///
/// # Errors
/// What is wrong with it, and in which line; nothing of what it says.
pub fn value(text: &str) -> Result<Value, String> {
    if text.len() > BYTES_MAX {
        return Err(format!("{} bytes are more than {BYTES_MAX}", text.len()));
    }
    yaml::parse(text, 1)
        .map(|node| node.json())
        .map_err(|fault| format!("line {}: {}", fault.line, fault.reason))
}

impl Manifests {
    /// Reads the objects of a text; lists count as what they hold, empty documents as nothing.
    pub fn read(file: &str, text: &str) -> Self {
        let mut read = Self::default();
        if text.len() > BYTES_MAX {
            let reason = format!("{} bytes are more than {BYTES_MAX}: split the file", text.len());
            read.gap(file, 1, reason);
            return read;
        }
        for document in documents(text) {
            match yaml::parse(document.text, document.line) {
                Ok(node) => read.take(file, &node, None, 0),
                Err(fault) => read.gap(file, fault.line, fault.reason),
            }
        }
        read
    }

    fn gap(&mut self, file: &str, line: u32, reason: impl Into<String>) {
        self.gaps.push(ManifestGap { file: file.to_owned(), line, reason: reason.into() });
    }

    fn take(&mut self, file: &str, node: &yaml::Node, inherited: Option<&GroupVersionKind>, depth: usize) {
        match &node.content {
            yaml::Content::Scalar(Value::Null) => return,
            yaml::Content::Mapping(entries) if entries.is_empty() => return,
            yaml::Content::Mapping(_) => {}
            yaml::Content::Sequence(_) | yaml::Content::Scalar(_) => {
                return self.gap(
                    file,
                    node.line,
                    "not an object: a manifest begins with apiVersion and kind",
                );
            }
        }
        let (version, kind) = (node.get("apiVersion"), node.get("kind"));
        let text = |node: Option<&yaml::Node>| node.and_then(yaml::Node::text).map(str::to_owned);
        let api = match (text(version), text(kind), inherited) {
            (Some(version), Some(kind), _) => match GroupVersionKind::new(&version, kind) {
                Ok(api) => api,
                Err(fault) => return self.gap(file, version_line(node), fault.to_string()),
            },
            (None, None, Some(api)) => api.clone(),
            (None, ..) => return self.gap(file, node.line, "the object has no apiVersion"),
            (_, None, _) => return self.gap(file, node.line, "the object has no kind"),
        };
        if let Some(items) = node.get("items").filter(|_| api.kind.ends_with("List")) {
            return self.take_list(file, items, &api, depth);
        }
        self.objects.push(Manifest {
            file: file.to_owned(),
            line: node.line,
            api_version_line: version_line(node),
            api,
            object: node.json(),
        });
    }

    fn take_list(&mut self, file: &str, items: &yaml::Node, list: &GroupVersionKind, depth: usize) {
        let yaml::Content::Sequence(nodes) = &items.content else {
            if items.content != yaml::Content::Scalar(Value::Null) {
                self.gap(file, items.line, "the items of a list are not a sequence");
            }
            return;
        };
        if depth == LISTS_MAX {
            return self.gap(
                file,
                items.line,
                format!("lists lie more than {LISTS_MAX} deep in one another"),
            );
        }
        let kind = list.kind.strip_suffix("List").unwrap_or_default();
        let of_items = (!kind.is_empty())
            .then(|| GroupVersionKind { api_version: list.api_version.clone(), kind: kind.to_owned() });
        for node in nodes {
            self.take(file, node, of_items.as_ref(), depth + 1);
        }
    }
}

fn version_line(node: &yaml::Node) -> u32 {
    node.get("apiVersion").map_or(node.line, |version| version.line)
}

/// One document of a text.
struct Document<'a> {
    text: &'a str,
    /// The line it begins on, from 1.
    line: u32,
}

/// The documents of a text, cut at the markers `---` and `...`, which YAML takes for markers at the beginning of a
/// line whatever stands around them. So a fault in one document cannot spread to the next.
fn documents(text: &str) -> Vec<Document<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    let (mut start, mut line_of_start) = (0, 1);
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let bare = line.trim_end_matches(['\n', '\r']);
        let marks = |marker| {
            bare.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
        };
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        if marks("---") || marks("...") {
            documents.push(Document { text: &text[start..offset], line: line_of_start });
            // What stands behind `---` on its line belongs to the document it opens.
            start = offset + 3;
            line_of_start = number;
        }
        offset += line.len();
    }
    documents.push(Document { text: &text[start..], line: line_of_start });
    documents.retain(|document| !document.text.trim().is_empty());
    documents
}
