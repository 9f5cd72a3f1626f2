//! Services that are asked by a form and answer in XML, one signed POST for each call.
//!
//! Source: Smithy, "AWS query protocol".

use fleetwright_model::{Cell, ErrorClass, Failure, Text};
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::Aws;
use crate::clients::Connection;
use crate::operation::Operation;
use crate::pages::unexpected;
use crate::signed::{Request, Signer, form};

/// Elements within elements, at most; no answer has a tenth of it.
const DEEPEST: usize = 64;

/// A service in one cell.
pub(crate) struct QueryService<'a> {
    /// As it is named in its endpoint and in signatures.
    service: &'static str,
    /// Of its API.
    version: &'static str,
    connection: Connection<'a, Signer>,
}

impl<'a> QueryService<'a> {
    /// CloudFormation.
    pub(crate) fn cloudformation(aws: &'a Aws, cell: &Cell<'a>) -> Self {
        let connection = aws.at(cell.zone, &cell.region);
        Self { service: "cloudformation", version: "2010-05-15", connection }
    }

    /// Makes a call that changes nothing.
    ///
    /// # Errors
    /// As [`Connection::call`]; or the answer is no XML.
    pub(crate) async fn read(
        &self,
        operation: &'static Operation,
        pairs: &[(&str, &str)],
    ) -> Result<Element, Failure> {
        let request = self.request(operation, pairs);
        let send = |signer: &Signer| signer.clone().send(request.clone());
        result(operation, &self.connection.call(operation, send).await?.body)
    }

    /// Makes a call that changes `target`, its ARN.
    ///
    /// # Errors
    /// As [`Connection::change`]; or the answer is no XML, so that nobody knows what became of it
    /// ([`ErrorClass::Ambiguous`]).
    pub(crate) async fn change(
        &self,
        operation: &'static Operation,
        target: &str,
        pairs: &[(&str, &str)],
    ) -> Result<Element, Failure> {
        let request = self.request(operation, pairs);
        let send = |signer: &Signer| signer.clone().send(request.clone());
        let answered = self.connection.change(operation, &[Text::from(target)], send).await?;
        result(operation, &answered.body)
            .map_err(|failure| Failure { class: ErrorClass::Ambiguous, ..failure })
    }

    fn request(&self, operation: &Operation, pairs: &[(&str, &str)]) -> Request {
        let mut all = vec![("Action", operation.name), ("Version", self.version)];
        all.extend_from_slice(pairs);
        Request {
            service: self.service,
            method: "POST",
            path: "/".to_owned(),
            headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
            body: form(&all).into_bytes(),
        }
    }
}

/// An element of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    name: String,
    text: String,
    children: Vec<Self>,
}

impl Element {
    /// The first element of that name in this one.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first element of that name in this one.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// The members of the list of that name.
    pub(crate) fn members(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.child(name).into_iter().flat_map(|list| &list.children)
    }

    /// A document; none where it is no XML, or goes too deep.
    fn read(document: &str) -> Option<Self> {
        let mut reader = Reader::from_str(document);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) if open.len() <= DEEPEST => {
                    let name = start.local_name().as_ref().to_owned();
                    open.push(Self { name, ..Self::default() });
                }
                Event::Start(_) => return None,
                Event::Empty(empty) => {
                    let name = empty.local_name().as_ref().to_owned();
                    open.last_mut()?.children.push(Self { name, ..Self::default() });
                }
                Event::End(_) => {
                    let done = open.pop()?;
                    open.last_mut()?.children.push(done);
                }
                Event::Text(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
                Event::CData(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let meant = match reference.resolve_char_ref().ok()? {
                        Some(character) => character,
                        None => named(&reference.xml10_content())?,
                    };
                    open.last_mut()?.text.push(meant);
                }
                Event::Eof => break,
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        let root = open.pop().filter(|_| open.is_empty())?;
        root.children.into_iter().next()
    }
}

/// The character of an entity that XML itself has; others could only come from a document type, which is not read.
fn named(entity: &str) -> Option<char> {
    Some(match entity {
        "amp" => '&',
        "apos" => '\'',
        "gt" => '>',
        "lt" => '<',
        "quot" => '"',
        _ => return None,
    })
}

/// The result in an answer: its second element, or nothing where the operation answers nothing.
fn result(operation: &Operation, body: &[u8]) -> Result<Element, Failure> {
    let response = Element::read(&String::from_utf8_lossy(body));
    let response = response.filter(|root| root.name == format!("{}Response", operation.name));
    let response = response.ok_or_else(|| unexpected(operation, "the answer is no response in XML"))?;
    Ok(response.child(&format!("{}Result", operation.name)).cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::DESCRIBE_STACKS;

    #[test]
    fn an_answer_is_read_with_its_lists_and_what_xml_escapes() {
        let body = "<?xml version=\"1.0\"?><DescribeStacksResponse xmlns=\"u\"><DescribeStacksResult><Stacks>\
                    <member><StackName>a&amp;b &#x2603;</StackName><Tags/></member><member/></Stacks>\
                    </DescribeStacksResult><ResponseMetadata/></DescribeStacksResponse>";
        let found = result(&DESCRIBE_STACKS, body.as_bytes()).expect("a result");
        let stacks: Vec<&Element> = found.members("Stacks").collect();
        assert_eq!(stacks.len(), 2);
        assert_eq!(stacks[0].text("StackName"), Some("a&b ☃"));
        assert_eq!(stacks[1].text("StackName"), None);
    }

    #[test]
    fn an_answer_that_is_no_response_is_no_empty_one() {
        let deep = format!("<DescribeStacksResponse>{}", "<a>".repeat(100_000));
        for body in ["", "<html>", "{}", "<DescribeStacksResponse>", "<Other/>", &deep] {
            let failure = result(&DESCRIBE_STACKS, body.as_bytes()).expect_err("no response");
            assert_eq!(failure.code.id, "FW-A0012", "{failure}");
        }
    }
}
