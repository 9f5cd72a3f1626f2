//! PutEvents.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{bus_name, invalid, place};
use crate::call::{ApiError, Call, Requirement};
use crate::service::members::{Members, constraint, members, objects, only, text, texts, wrong_type};
use crate::world::World;
use crate::world::events::{DEFAULT_BUS, deliver};
use crate::world::timeline::Place;

/// Events of one request, at most.
const MAX_ENTRIES: usize = 10;
/// Bytes of all of them, at most.
const MAX_BYTES: usize = 256 * 1_024;

/// PutEvents on the bus of each event, with what it says of itself.
pub(super) fn needs(_: &World, call: &Call) -> Vec<Requirement> {
    let entries = call.json()["Entries"].as_array().into_iter().flatten();
    let mut needed: Vec<Requirement> = entries.map(|entry| need(call, entry)).collect();
    if needed.is_empty() {
        needed.push(need(call, &Value::Null));
    }
    needed
}

fn need(call: &Call, entry: &Value) -> Requirement {
    let bus = entry["EventBusName"].as_str().unwrap_or(DEFAULT_BUS);
    let resource = match bus.starts_with("arn:") {
        true => bus.to_owned(),
        false => format!("arn:aws:events:{}:{}:event-bus/{bus}", call.region, call.account),
    };
    let keys = [("Source", "events:source"), ("DetailType", "events:detail-type")];
    let said = keys
        .into_iter()
        .filter_map(|(member, key)| Some((key.to_owned(), entry[member].as_str()?.to_owned())));
    Requirement { action: "events:PutEvents".into(), resource, context: said.collect() }
}

/// PutEvents: each event for itself. One for a bus that is not there gets an id, and reaches nobody.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["Entries"])?;
    let entries = objects(members, "Entries")?;
    let rule = match entries.len() {
        0 => Some("Member must have length greater than or equal to 1".to_owned()),
        count if count > MAX_ENTRIES => {
            Some(format!("Member must have length less than or equal to {MAX_ENTRIES}"))
        }
        _ => None,
    };
    if let Some(rule) = rule {
        return Err(constraint("'[…]'", "Entries", &rule));
    }
    let sizes: Vec<usize> = entries.iter().map(|entry| size_bytes(entry)).collect::<Result<_, _>>()?;
    if sizes.iter().sum::<usize>() > MAX_BYTES {
        return Err(invalid("Total size of the entries in the request is over the limit."));
    }
    let mut place = place(world, call)?;
    let answers: Vec<Value> = entries
        .into_iter()
        .enumerate()
        .map(|(number, entry)| match event(&place, call, number, entry) {
            Ok((bus, event)) => {
                let answer = json!({ "EventId": event["id"] });
                deliver::put(&mut place, &bus, event, call.now);
                Ok(answer)
            }
            Err(Refused::Entry(code, message)) => Ok(json!({ "ErrorCode": code, "ErrorMessage": message })),
            Err(Refused::Request(error)) => Err(error),
        })
        .collect::<Result<_, _>>()?;
    let failed = answers.iter().filter(|answer| answer.get("ErrorCode").is_some()).count();
    Ok(json!({ "FailedEntryCount": failed, "Entries": answers }))
}

/// What an event counts for (user guide, "Calculating Amazon EventBridge PutEvents event entry size").
fn size_bytes(entry: &Members) -> Result<usize, ApiError> {
    let mut size = if entry.get("Time").is_some_and(|time| !time.is_null()) { 14 } else { 0 };
    for member in ["Source", "DetailType", "Detail"] {
        size += text(entry, member)?.map_or(0, str::len);
    }
    Ok(size + texts(entry, "Resources")?.iter().map(|it| it.len()).sum::<usize>())
}

/// Why there is no event.
enum Refused {
    /// The request makes no sense.
    Request(ApiError),
    /// The entry makes none.
    Entry(&'static str, String),
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::Request(error)
    }
}

/// The bus and the event as targets see it.
fn event(place: &Place<'_>, call: &Call, number: usize, entry: &Members) -> Result<(String, Value), Refused> {
    only(entry, &["Time", "Source", "Resources", "DetailType", "Detail", "EventBusName", "TraceHeader"])?;
    let needed = |member: &str| -> Result<String, Refused> {
        let given = text(entry, member)?.filter(|text| !text.is_empty());
        let reason = format!("Parameter {member} is not valid. Reason: {member} is a required argument.");
        given.map(str::to_owned).ok_or(Refused::Entry("InvalidArgument", reason))
    };
    let (source, kind, detail) = (needed("Source")?, needed("DetailType")?, needed("Detail")?);
    if source.starts_with("aws.") {
        return Err(Refused::Entry(
            "NotAuthorizedForSourceException",
            "Not authorized for the source.".to_owned(),
        ));
    }
    let detail: Value = serde_json::from_str(&detail)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| Refused::Entry("MalformedDetail", "Detail is malformed.".to_owned()))?;
    let time = time(entry)?.unwrap_or(call.now);
    let put = place.region.events.put.len() + place.region.events.undelivered.len();
    let event = json!({
        "version": "0",
        "id": deliver::event_id(place, (put + number) as u64, call.now),
        "detail-type": kind,
        "source": source,
        "account": call.account,
        "time": deliver::to_the_second(time),
        "region": call.region,
        "resources": texts(entry, "Resources")?,
        "detail": detail,
    });
    Ok((bus_name(call, text(entry, "EventBusName")?).to_owned(), event))
}

/// The time of an event: seconds since 1970.
fn time(entry: &Members) -> Result<Option<Timestamp>, ApiError> {
    let Some(given) = entry.get("Time").filter(|time| !time.is_null()) else { return Ok(None) };
    let seconds = given.as_f64().ok_or_else(|| wrong_type("Time"))?;
    let moment = Timestamp::from_millisecond((seconds * 1_000.0) as i64);
    moment.map(Some).map_err(|_| wrong_type("Time"))
}
