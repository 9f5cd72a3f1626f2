//! Writing XML the way AWS's query protocols do: elements and text only, straight into a `String`.

use std::fmt::{Display, Write as _};

/// Appends `<name>`.
pub fn open(out: &mut String, name: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
}

/// Appends `</name>`.
pub fn close(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Appends an element with escaped text.
pub fn text(out: &mut String, name: &str, value: &str) {
    open(out, name);
    escape(out, value);
    close(out, name);
}

/// Appends an element whose text needs no escaping: a number, a boolean, an id of our own making.
pub fn plain(out: &mut String, name: &str, value: impl Display) {
    open(out, name);
    write!(out, "{value}").expect("writing to a String cannot fail");
    close(out, name);
}

/// Appends an element with escaped text where there is a value.
pub fn text_if(out: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        text(out, name, value);
    }
}

/// Appends an element around whatever `inner` appends.
pub fn element(out: &mut String, name: &str, inner: impl FnOnce(&mut String)) {
    open(out, name);
    inner(out);
    close(out, name);
}

/// Appends text so that every XML 1.0 parser gives the same characters back.
///
/// A carriage return becomes a reference, because parsers turn a bare one into a line feed.
/// Characters XML 1.0 cannot carry at all (most control characters, U+FFFE, U+FFFF) become
/// U+FFFD; a reference to them would make conforming parsers refuse the whole page.
pub fn escape(out: &mut String, value: &str) {
    let mut clean_from = 0;
    for (at, c) in value.char_indices() {
        let replacement = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&apos;",
            '\r' => "&#xD;",
            '\t' | '\n' => continue,
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => "\u{fffd}",
            _ => continue,
        };
        out.push_str(&value[clean_from..at]);
        out.push_str(replacement);
        clean_from = at + c.len_utf8();
    }
    out.push_str(&value[clean_from..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_survives_an_xml_parser() {
        let hostile = "a<b>&\"'\r\n\t=cmd|' /C calc'!A0 ☃ \u{1}\u{ffff}";
        let mut page = String::new();
        text(&mut page, "value", hostile);
        let mut reader = quick_xml::Reader::from_str(&page);
        let mut seen = String::new();
        loop {
            match reader.read_event().expect("the page parses") {
                quick_xml::events::Event::Text(t) => {
                    seen.push_str(&t.xml10_content());
                }
                quick_xml::events::Event::GeneralRef(r) => {
                    if let Some(c) = r.resolve_char_ref().expect("a valid reference") {
                        seen.push(c);
                    } else {
                        seen.push_str(match r.xml10_content().as_ref() {
                            "amp" => "&",
                            "lt" => "<",
                            "gt" => ">",
                            "quot" => "\"",
                            "apos" => "'",
                            other => panic!("unexpected entity {other}"),
                        });
                    }
                }
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(seen, hostile.replace(['\u{1}', '\u{ffff}'], "\u{fffd}"));
    }
}
