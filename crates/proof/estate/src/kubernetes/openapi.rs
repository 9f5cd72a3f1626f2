//! The API's own description, as far as clients need it to send what they mean: documents without any kind.
//!
//! Who validates by it, takes a kind that is not in it as it is; `kubectl explain` has nothing to explain.

use serde_json::json;

use super::answer::Answer;
use super::asked::Asked;
use crate::world::eks::Cluster;

/// The message `Document` of gnostic's `openapi_v2`. Clients ask for it with an `@`, which no media type may have.
const BINARY: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// Answers where a path is about the description; none where it is about something else.
pub(super) fn answer(cluster: &Cluster, asked: &Asked) -> Option<Answer> {
    let version = cluster.version.kubelet();
    match asked.path.as_str() {
        "/openapi/v2" if asked.accept.contains("proto-openapi.spec.v2") => {
            Some(Answer { content_type: BINARY.to_owned(), body: binary(&version), ..Answer::default() })
        }
        "/openapi/v2" => Some(Answer::document(&json!({
            "swagger": "2.0", "info": { "title": TITLE, "version": version }, "paths": {}, "definitions": {},
        }))),
        "/openapi/v3" => Some(Answer::document(&json!({ "paths": {} }))),
        _ => None,
    }
}

const TITLE: &str = "Kubernetes";

/// The document as Protocol Buffers write it: `swagger` is field 1, `info` 2 (with `title` 1 and `version` 2), `paths` 8.
fn binary(version: &str) -> String {
    let info = field(1, TITLE) + &field(2, version);
    field(1, "2.0") + &field(2, &info) + &field(8, "")
}

/// A field of text or of a message, shorter than 128 bytes.
fn field(number: u8, content: &str) -> String {
    const DELIMITED: u8 = 2;
    debug_assert!(content.len() < 128, "one byte tells the length");
    let tag = char::from(number << 3 | DELIMITED);
    let length = char::from(u8::try_from(content.len()).unwrap_or(0));
    format!("{tag}{length}{content}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_form_is_the_shortest_document() {
        let expected = b"\x0a\x032.0\x12\x15\x0a\x0aKubernetes\x12\x07v1.34.7\x42\x00";
        assert_eq!(binary("v1.34.7").as_bytes(), expected);
    }
}
