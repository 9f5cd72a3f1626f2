//! Publish.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{invalid, name_in, need, no_such_topic, only, region_mut};
use crate::call::{ApiError, Call, Operation, QueryParams, Requirement, Service};
use crate::generate::seed::Seed;
use crate::wire::xml;
use crate::world::World;
use crate::world::notifications::{Attribute, Draft, Wording};

/// Bytes of a message with its attributes, at most.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// Characters of a subject, at most.
const SUBJECT_MAX: usize = 100;

/// Publish: a message to everybody who is to be told. It is kept, and sent to queues.
pub(super) struct Publish;

fn target(call: &Call) -> &str {
    call.query().get("TopicArn").or_else(|| call.query().get("TargetArn")).unwrap_or_default()
}

impl Operation for Publish {
    fn service(&self) -> Service {
        Service::Sns
    }

    fn name(&self) -> &'static str {
        "Publish"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, _: &World, call: &Call) -> Vec<Requirement> {
        need("sns:Publish", target(call))
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        only(
            call,
            &["TopicArn", "TargetArn", "Message", "Subject", "MessageStructure", "MessageAttributes"],
        )?;
        let query = call.query();
        if target(call).is_empty() {
            return Err(invalid("TopicArn or TargetArn Reason: no value for required parameter"));
        }
        let name = name_in(call, target(call))?;
        let message = query.get("Message").unwrap_or_default();
        if message.is_empty() {
            return Err(invalid("Empty message"));
        }
        check_structure(query.get("MessageStructure"), message)?;
        let subject = query.get("Subject");
        if let Some(subject) = subject {
            check_subject(subject)?;
        }
        let attributes = attributes(query)?;
        let around: usize =
            attributes.iter().map(|(name, it)| name.len() + it.data_type.len() + it.value.len()).sum();
        if message.len() + around > MESSAGE_BYTES_MAX {
            return Err(invalid("Message too long"));
        }
        let seed = Seed::root(world.seed).child("message").child(target(call));
        let wording = match query.get("MessageStructure") {
            Some("json") => Wording::ByProtocol,
            _ => Wording::Same,
        };
        let draft =
            Draft { wording, subject: subject.map(str::to_owned), message: message.to_owned(), attributes };
        let region = region_mut(world, call)?;
        let id = region.publish(&seed, (target(call), name), draft, call.now).ok_or_else(no_such_topic)?;
        let mut body = String::new();
        xml::text(&mut body, "MessageId", &id);
        Ok(body)
    }
}

fn check_structure(structure: Option<&str>, message: &str) -> Result<(), ApiError> {
    match structure {
        None | Some("") => Ok(()),
        Some("json") => {
            let document: serde_json::Value = serde_json::from_str(message)
                .map_err(|_| invalid("Message Structure - JSON message body failed to parse"))?;
            match document.get("default").is_some_and(serde_json::Value::is_string) {
                true => Ok(()),
                false => Err(invalid("Message Structure - No default entry in JSON message body")),
            }
        }
        Some(other) => Err(invalid(&format!("MessageStructure Reason: {other} is not json"))),
    }
}

/// ASCII without control characters, at most a hundred, and something visible at the beginning.
fn check_subject(subject: &str) -> Result<(), ApiError> {
    let plain = subject.bytes().all(|b| b.is_ascii() && !b.is_ascii_control());
    let begins = subject.bytes().next().is_some_and(|b| b.is_ascii_graphic());
    if plain && begins && subject.len() <= SUBJECT_MAX { Ok(()) } else { Err(invalid("Subject")) }
}

fn attributes(query: &QueryParams) -> Result<BTreeMap<String, Attribute>, ApiError> {
    let mut read = BTreeMap::new();
    for entry in query.structures("MessageAttributes.entry") {
        let name = entry.get("Name").unwrap_or_default();
        let refuse = |what: &str| {
            ApiError::new(400, "ParameterValueInvalid", format!("The message attribute '{name}' {what}."))
        };
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        if name.is_empty() || name.len() > 256 || !plain {
            return Err(refuse("has a name that SNS does not take"));
        }
        let data_type = entry.get("Value.DataType").unwrap_or_default();
        let value = match data_type.split('.').next().unwrap_or_default() {
            "String" => entry.get("Value.StringValue"),
            "Number" => entry.get("Value.StringValue").filter(|text| text.parse::<f64>().is_ok()),
            "Binary" => entry.get("Value.BinaryValue").filter(|text| STANDARD.decode(text).is_ok()),
            _ => return Err(refuse("has an invalid message attribute type")),
        };
        let value = value.filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| refuse("must contain a non-empty value of its type"))?;
        let attribute = Attribute { data_type: data_type.to_owned(), value: value.to_owned() };
        if read.insert(name.to_owned(), attribute).is_some() {
            return Err(refuse("is there twice"));
        }
    }
    Ok(read)
}
