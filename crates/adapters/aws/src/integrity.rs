//! Answers must be whole. The SDK reads an XML body that was cut off as if everything missing were
//! absent, so that half a listing would pass for a complete one.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Refuses successful answers whose body does not end where it should.
#[derive(Debug)]
pub(crate) struct WholeAnswers;

/// A body that breaks off.
#[derive(Debug, thiserror::Error)]
#[error("the answer breaks off after {0} bytes")]
struct CutOff(usize);

#[dyn_dispatch_hint]
impl Intercept for WholeAnswers {
    fn name(&self) -> &'static str {
        "WholeAnswers"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let body = answer.body().bytes().unwrap_or_default();
        // CBOR says how much is to come before it comes: its parser finds the missing end itself.
        let is_cbor = answer.headers().get("content-type") == Some("application/cbor");
        if answer.status().is_success() && !is_cbor && !is_whole(body) {
            return Err(CutOff(body.len()).into());
        }
        Ok(())
    }
}

/// True for a JSON document, or an XML document that ends with its root element's end. Looks at both
/// ends only: what is between them is the parser's business.
fn is_whole(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    match body.first() {
        Some(b'{') => body.ends_with(b"}"),
        Some(b'<') => root(body).is_some_and(closes),
        _ => false,
    }
}

/// The document from the root element's name on, without declarations and comments.
fn root(body: &[u8]) -> Option<&[u8]> {
    let mut rest = body;
    loop {
        let start = rest.iter().position(|byte| *byte == b'<')? + 1;
        rest = &rest[start..];
        if !matches!(rest.first(), Some(b'?' | b'!')) {
            return Some(rest);
        }
    }
}

/// True where the document ends with the end tag of its root, or is one empty element.
fn closes(document: &[u8]) -> bool {
    let name = document.iter().position(|byte| byte.is_ascii_whitespace() || b"/>".contains(byte));
    let (Some(name), Some(rest)) = (name, document.strip_suffix(b">")) else { return false };
    let (name, rest) = (&document[..name], rest.trim_ascii_end());
    let has_end_tag = rest.strip_suffix(name).is_some_and(|rest| rest.ends_with(b"</"));
    has_end_tag || (rest.ends_with(b"/") && !document.contains(&b'<'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_documents_are_taken() {
        for body in [
            "{}",
            " {\"a\":[]}\n",
            "<A/>",
            "<?xml version=\"1.0\"?>\n<A xmlns=\"u\"><b>1</b></A>\n",
            "<?xml version=\"1.0\"?><A xmlns=\"u\"/>",
            "<A></A >",
        ] {
            assert!(is_whole(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn documents_that_break_off_anywhere_are_not() {
        let whole = "<?xml version=\"1.0\"?><A xmlns=\"u\"><b><c/><d>1</d></b></A>";
        for end in 0..whole.len() {
            assert!(!is_whole(&whole.as_bytes()[..end]), "{}", &whole[..end]);
        }
        for body in ["<A><b/>", "", "{\"a\":[", "a page of text", "{\"a\":\"x"] {
            assert!(!is_whole(body.as_bytes()), "{body}");
        }
    }
}
