//! Leaves as texts, so that each comes back as what it was.

use serde_json::Value;

/// A leaf, or a whole value, as the text of a parameter. It is never empty and has no `{{` in it, which Parameter
/// Store refuses.
pub(crate) fn written(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => {
            let json = other.to_string();
            // Only inside of texts can braces stand side by side with this effect: objects have a quote
            // or a brace that closes behind the one that opens.
            json.replace("{{", "{\\u007b")
        }
    }
}

/// Whether a text can stand for itself.
fn is_plain(text: &str) -> bool {
    let trimmed = text.trim();
    !trimmed.is_empty()
        && trimmed.len() == text.len()
        && !text.contains("{{")
        && serde_json::from_str::<Value>(text).is_err()
}

/// What a text of a parameter stands for.
pub(crate) fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// A list as the texts between commas that a `StringList` is; none where it is not one of plain texts.
pub(crate) fn listed(items: &[Value]) -> Option<String> {
    let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
    let good =
        |text: &&str| !text.is_empty() && text.trim() == *text && !text.contains(',') && !text.contains("{{");
    let texts = texts.filter(|texts| !texts.is_empty() && texts.iter().all(good))?;
    Some(texts.join(",")).filter(|list| !list.contains("{{"))
}

/// A `StringList` as a list of texts.
pub(crate) fn items(text: &str) -> Value {
    text.split(',').map(Value::from).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_that_could_be_something_else_is_in_quotes() {
        for (value, text) in [
            (json!("prod"), "prod"),
            (json!("a b, c"), "a b, c"),
            (json!("true"), "\"true\""),
            (json!("12"), "\"12\""),
            (json!("\"x\""), "\"\\\"x\\\"\""),
            (json!(""), "\"\""),
            (json!(" x"), "\" x\""),
            (json!("{{ssm:x}}"), "\"{\\u007bssm:x}}\""),
            (json!("{{{"), "\"{\\u007b{\""),
            (json!(true), "true"),
            (json!(1.5), "1.5"),
            (json!(null), "null"),
            (json!({}), "{}"),
            (json!([1, "a"]), "[1,\"a\"]"),
        ] {
            assert_eq!(written(&value), text);
            assert_eq!(read(text), value);
        }
    }

    #[test]
    fn plain_texts_are_a_list_between_commas() {
        assert_eq!(listed(&[json!("a"), json!("b c")]).as_deref(), Some("a,b c"));
        assert_eq!(items("a,b c"), json!(["a", "b c"]));
        for other in [json!([]), json!(["a", 1]), json!(["a,b"]), json!([""]), json!([" a"]), json!(["{{"])] {
            assert_eq!(listed(other.as_array().expect("a list")), None, "{other}");
        }
    }
}
