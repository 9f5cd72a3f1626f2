//! JSON with one spelling, so that a digest is of what is said and not of how it was written.

use serde::Serialize;
use serde_json::Value;

/// JSON without blanks, the keys of every object in the order of their bytes.
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

/// The canonical form of plain data.
///
/// # Panics
/// For data that JSON has no form for: maps with keys that are no texts.
pub fn canonical_of<T: Serialize>(data: &T) -> Vec<u8> {
    canonical(&serde_json::to_value(data).expect("plain data"))
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort_unstable();
            out.push(b'{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                scalar(&Value::from(key.as_str()), out);
                out.push(b':');
                write(&members[key], out);
            }
            out.push(b'}');
        }
        other => scalar(other, out),
    }
}

fn scalar(value: &Value, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("writing to memory");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_keys_and_blanks_make_no_difference() {
        let read = |text: &str| canonical(&serde_json::from_str(text).expect("JSON"));
        assert_eq!(
            read(r#"{ "b": [1, {"d": null, "c": "ä"}], "a": true }"#),
            read(r#"{"a":true,"b":[1,{"c":"ä","d":null}]}"#)
        );
        assert_eq!(read(r#"{"b":1,"a":2}"#), br#"{"a":2,"b":1}"#);
    }
}
