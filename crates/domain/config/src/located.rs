//! Texts that somebody else understands - a state machine, a template - as JSON, with the place of every part.

use std::sync::Arc;

use fleetwright_model::Code;
use serde_json::{Number, Value};

use crate::error::{ConfigError, ConfigErrors};
use crate::yaml::{self, Content, Node, Source, SourceText, Span, Style};

/// A text as JSON. YAML is read as well, of which JSON is a part; plain scalars are typed by the core schema of
/// YAML 1.2: `null`, `true`, `false` and numbers as JSON writes them.
#[derive(Clone, Debug)]
pub struct Located {
    source: SourceText,
    root: Arc<Node>,
}

/// What somebody found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What kind of fault.
    pub code: &'static Code,
    /// Where it is, as a JSON pointer (RFC 6901). A part that is not there stands for what it would be in.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

impl Located {
    /// Reads a text.
    ///
    /// # Errors
    /// It is not YAML, or too large (16 MiB), too deep (64) or two documents; or a key is there twice.
    pub fn read(source: &SourceText) -> Result<Self, ConfigErrors> {
        let mut errors = Vec::new();
        let root = yaml::parse(&Source::new(source), &mut errors);
        let empty = || Arc::new(Node::floating(Content::Null));
        ConfigErrors::check(errors, Self { source: source.clone(), root: root.unwrap_or_else(empty) })
    }

    /// The whole text as JSON.
    pub fn json(&self) -> Value {
        json(&self.root)
    }

    /// Remarks with the places they are about; the pointer is the key path of the error.
    ///
    /// # Errors
    /// Every remark; none of them is no error.
    pub fn refuse(&self, remarks: impl IntoIterator<Item = Remark>) -> Result<(), ConfigErrors> {
        let source = Source::new(&self.source);
        let error = |remark: Remark| {
            let place = source.place(span_of(&self.root, &remark.pointer));
            ConfigError::new(remark.code, place, remark.message).key(remark.pointer)
        };
        ConfigErrors::check(remarks.into_iter().map(error).collect(), ())
    }
}

fn json(node: &Node) -> Value {
    match &node.content {
        Content::Null => Value::Null,
        Content::Scalar { text, style: Style::Plain } => plain(text),
        Content::Scalar { text, .. } => text.as_str().into(),
        Content::Sequence(items) => items.iter().map(|item| json(item)).collect(),
        Content::Mapping(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect()
        }
    }
}

fn plain(text: &str) -> Value {
    match text {
        "true" => true.into(),
        "false" => false.into(),
        // serde_json's own reader decides what a number of JSON is.
        text => text.parse::<Number>().map_or_else(|_| text.into(), Value::Number),
    }
}

/// Where a pointer leads: to a value, or to the key of something larger.
fn span_of(root: &Node, pointer: &str) -> Span {
    let mut node = root;
    let mut span = Span { start: node.span.start, end: node.span.start };
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        match &node.content {
            Content::Mapping(_) => {
                let Some(entry) = node.get(&part) else { return span };
                node = &entry.value;
                let small = matches!(node.content, Content::Null | Content::Scalar { .. });
                span = if small { node.span } else { entry.key_span };
            }
            Content::Sequence(items) => {
                let Some(item) = part.parse::<usize>().ok().and_then(|index| items.get(index)) else {
                    return span;
                };
                node = item;
                span = node.span;
            }
            Content::Null | Content::Scalar { .. } => return span,
        }
    }
    span
}

#[cfg(test)]
mod tests {
    use fleetwright_model::code;
    use serde_json::json;

    use super::*;
    use crate::error::Place;

    fn read(text: &str) -> Located {
        Located::read(&SourceText::new("machine.json", text)).expect("it can be read")
    }

    fn place(text: &str, pointer: &str) -> (u32, u32, String) {
        let remark = Remark { code: &code::YAML_SYNTAX, pointer: pointer.into(), message: "no".into() };
        let errors = read(text).refuse([remark]).expect_err("there is a remark");
        let Place::File(place) = &errors.first().place else { panic!("a place in a file") };
        (place.line, place.column, text[place.offset..place.offset + place.length].to_owned())
    }

    const TEXT: &str =
        "{\n  \"States\": {\n    \"A/b\": {\"Next\": \"C\", \"Choices\": [{}, {\"x\": 1.5}]}\n  }\n}\n";

    #[test]
    fn json_and_yaml_are_the_same_values() {
        assert_eq!(read(TEXT).json(), serde_json::from_str::<Value>(TEXT).expect("JSON"));
        let yaml = "a: -1\nb: 2.5e3\nc: [true, no, null, ~]\nd: '7'\ne: 0x10\nf: 18446744073709551615\n";
        let expected = json!({ "a": -1, "b": 2.5e3, "c": [true, "no", null, null], "d": "7", "e": "0x10",
                               "f": u64::MAX });
        assert_eq!(read(yaml).json(), expected);
        assert_eq!(read("").json(), Value::Null);
    }

    #[test]
    fn a_pointer_leads_to_its_value_or_to_the_key_of_something_larger() {
        assert_eq!(place(TEXT, "/States/A~1b/Next"), (3, 21, "\"C\"".to_owned()));
        assert_eq!(place(TEXT, "/States/A~1b"), (3, 5, "\"A/b\"".to_owned()));
        assert_eq!(place(TEXT, "/States/A~1b/Choices/1/x"), (3, 48, "1.5".to_owned()));
        assert_eq!(place(TEXT, ""), (1, 1, String::new()));
    }

    #[test]
    fn what_is_not_there_is_missed_in_what_it_would_be_in() {
        assert_eq!(place(TEXT, "/States/A~1b/End"), (3, 5, "\"A/b\"".to_owned()));
        assert_eq!(place(TEXT, "/States/B/Next"), (2, 3, "\"States\"".to_owned()));
        assert_eq!(place(TEXT, "/StartAt"), (1, 1, String::new()));
    }

    #[test]
    fn what_is_no_text_of_one_document_is_refused_with_its_place() {
        for (text, line) in [("{\n\"a\": 1,\n\"a\": 2}", 3), ("{\n\"a\": [}", 2), ("a: 1\n---\nb: 2\n", 2)] {
            let errors = Located::read(&SourceText::new("x", text)).expect_err("it is refused");
            let Place::File(place) = &errors.first().place else { panic!("a place in a file") };
            assert_eq!(place.line, line, "{errors}");
        }
        assert!(read(TEXT).refuse([]).is_ok());
    }
}
