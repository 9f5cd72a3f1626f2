//! The XML Schema of `run.xml` (XSD 1.0), made from the tables.

use std::convert::Infallible;
use std::fmt::Write;

use super::xml::{NAMESPACE, content};
use crate::fields::{self, Column, Kind, Need, Subject, Summary, Visitor};

/// Types that columns share. A number or moment that nobody could read is the word `not_checked`.
const TYPES: &str = r#"
  <xs:simpleType name="notChecked"><xs:restriction base="xs:string"><xs:enumeration value="not_checked"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="integerOrNotChecked"><xs:union memberTypes="xs:nonNegativeInteger notChecked"/></xs:simpleType>
  <xs:simpleType name="numberOrNotChecked"><xs:union memberTypes="xs:decimal notChecked"/></xs:simpleType>
  <xs:simpleType name="booleanOrNotChecked"><xs:union memberTypes="xs:boolean notChecked"/></xs:simpleType>
  <xs:simpleType name="timeOrNotChecked"><xs:union memberTypes="xs:dateTime notChecked"/></xs:simpleType>
  <xs:complexType name="list"><xs:sequence><xs:element name="item" type="xs:string" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
  <xs:complexType name="map"><xs:sequence><xs:element name="entry" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:simpleContent><xs:extension base="xs:string"><xs:attribute name="key" type="xs:string" use="required"/></xs:extension></xs:simpleContent></xs:complexType></xs:element></xs:sequence></xs:complexType>
"#;

/// The schema.
pub fn schema() -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        text,
        "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns=\"{NAMESPACE}\" \
         targetNamespace=\"{NAMESPACE}\" elementFormDefault=\"qualified\">"
    );
    text.push_str(TYPES);
    text.push_str("  <xs:element name=\"report\"><xs:complexType><xs:sequence>\n");
    row::<Summary>(&mut text, "");
    let mut tables = Tables(text);
    let Ok(()) = fields::each(&mut tables);
    let mut text = tables.0;
    text.push_str("  </xs:sequence><xs:attribute name=\"format\" use=\"required\"><xs:simpleType>");
    text.push_str("<xs:restriction base=\"xs:string\"><xs:pattern value=\"2\\.[0-9]+\"/></xs:restriction>");
    text.push_str("</xs:simpleType></xs:attribute></xs:complexType></xs:element>\n</xs:schema>\n");
    text
}

struct Tables(String);

impl Visitor for Tables {
    type Error = Infallible;

    fn visit<S: Subject>(&mut self) -> Result<(), Infallible> {
        let text = &mut self.0;
        let _ =
            writeln!(text, "  <xs:element name=\"{}\">{}<xs:complexType><xs:sequence>", S::NAME, doc(S::DOC));
        row::<S>(text, " minOccurs=\"0\" maxOccurs=\"unbounded\"");
        text.push_str("  </xs:sequence></xs:complexType></xs:element>\n");
        Ok(())
    }
}

fn doc(text: &str) -> String {
    format!("<xs:annotation><xs:documentation>{}</xs:documentation></xs:annotation>", content(text))
}

fn row<S: Subject>(text: &mut String, occurs: &str) {
    let _ = writeln!(text, "    <xs:element name=\"{}\"{occurs}><xs:complexType><xs:sequence>", S::ROW);
    for column in S::columns() {
        element(text, &column);
    }
    text.push_str("    </xs:sequence></xs:complexType></xs:element>\n");
}

fn element<S: Subject>(text: &mut String, column: &Column<S>) {
    let occurs = if column.need == Need::Always { "" } else { " minOccurs=\"0\"" };
    let read = column.need != Need::MayBeUnread;
    let kind = match column.kind {
        Kind::Text | Kind::Word(_) => "xs:string",
        Kind::Integer if read => "xs:nonNegativeInteger",
        Kind::Integer => "integerOrNotChecked",
        Kind::Number if read => "xs:decimal",
        Kind::Number => "numberOrNotChecked",
        Kind::Boolean if read => "xs:boolean",
        Kind::Boolean => "booleanOrNotChecked",
        Kind::Time if read => "xs:dateTime",
        Kind::Time => "timeOrNotChecked",
        Kind::List => "list",
        Kind::Map => "map",
    };
    let (name, doc) = (column.name, doc(column.doc));
    let _ = match column.kind {
        Kind::Word(words) => {
            let words = words().into_iter().map(|word| format!("<xs:enumeration value=\"{word}\"/>"));
            let words: String = words.collect();
            writeln!(
                text,
                "      <xs:element name=\"{name}\"{occurs}>{doc}<xs:simpleType>\
                 <xs:restriction base=\"xs:string\">{words}</xs:restriction></xs:simpleType></xs:element>"
            )
        }
        _ => writeln!(text, "      <xs:element name=\"{name}\" type=\"{kind}\"{occurs}>{doc}</xs:element>"),
    };
}
