//! `fleetwright cloud event …`: events on a bus of EventBridge, in one account and region.

use std::path::Path;

use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{ErrorClass, Exit, code};
use fleetwright_ports::event_rules::BusName;
use fleetwright_ports::events::{Entry, Event, UpgradeEvent, publish};
use fleetwright_report::safe;
use serde_json::{Map, Value, json};

use crate::app::{App, Outcome};
use crate::args::{EventCommand, EventPublishArgs};
use crate::failure::CommandError;
use crate::files;
use crate::one_place::{OnePlace, tell, text};

/// An event or why it is none, and where it stands.
type Placed = (String, Result<Event, String>);

impl App {
    /// `fleetwright cloud event …`.
    pub fn events(&self, command: &EventCommand) -> Outcome {
        let EventCommand::Publish(args) = command;
        // What is wrong with events needs no AWS to be told.
        let events = events(args)?;
        let (change, name) = command.change();
        self.in_one_place(&change.args, Some((change, name)), async |at| published(&at, args, &events).await)
    }
}

fn unusable(details: Vec<String>) -> CommandError {
    let message = match details.as_slice() {
        [only] => only.clone(),
        all => format!("{} events cannot be published", all.len()),
    };
    CommandError { details, ..CommandError::new(&code::EVENT_UNUSABLE, message) }
}

/// The events that are meant, each of which could be published.
fn events(args: &EventPublishArgs) -> Result<Vec<Event>, CommandError> {
    let read: Vec<Placed> = match &args.file {
        Some(file) => lines(file)?,
        None => vec![("the event".to_owned(), one(args)?)],
    };
    let (mut events, mut wrong) = (Vec::new(), Vec::new());
    for (place, event) in read {
        match event.and_then(|event| event.fault().map_or(Ok(event), |fault| Err(fault.to_string()))) {
            Ok(event) => events.push(event),
            Err(fault) => wrong.push(safe::line(&format!("{place}: {fault}")).into_owned()),
        }
    }
    if wrong.is_empty() { Ok(events) } else { Err(unusable(wrong)) }
}

/// The one event that the command line says.
fn one(args: &EventPublishArgs) -> Result<Result<Event, String>, CommandError> {
    let detail = match &args.detail {
        None => Map::new(),
        Some(file) => match serde_json::from_str(&files::read_text(file)?) {
            Ok(Value::Object(detail)) => detail,
            _ => return Ok(Err(format!("{} holds no JSON object", file.display()))),
        },
    };
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    let kind = word(&args.kind).parse::<UpgradeEvent>();
    Ok(kind.map(|kind| kind.of(&word(&args.cluster), &word(&args.upgrade), detail, None)))
}

/// The events of a file, each with its line.
fn lines(file: &Path) -> Result<Vec<Placed>, CommandError> {
    let text = files::read_text(file)?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    Ok(lines.map(|(number, line)| (format!("{}:{number}", file.display()), event(line))).collect())
}

/// An event as a line says it.
fn event(line: &str) -> Result<Event, String> {
    let Ok(Value::Object(members)) = serde_json::from_str(line) else {
        return Err("it is no JSON object".to_owned());
    };
    const KNOWN: [&str; 8] =
        ["kind", "cluster", "upgrade", "source", "detail_type", "detail", "resources", "at"];
    if let Some(stray) = members.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(format!("an event has no {stray:?}; it has {}", KNOWN.join(", ")));
    }
    let word = |name: &str| {
        let value = members.get(name).and_then(Value::as_str);
        value.map(str::to_owned).ok_or_else(|| format!("it has no text as {name:?}"))
    };
    let detail = match members.get("detail") {
        None => Map::new(),
        Some(Value::Object(detail)) => detail.clone(),
        Some(_) => return Err("its \"detail\" is no JSON object".to_owned()),
    };
    let at = match members.get("at").map(|at| at.as_str().unwrap_or_default().parse()) {
        None => None,
        Some(at) => Some(at.map_err(|_| "its \"at\" is no moment like 2026-11-22T02:00:00Z".to_owned())?),
    };
    let resources = members.get("resources").and_then(Value::as_array).into_iter().flatten();
    let resources = resources.filter_map(Value::as_str).map(str::to_owned).collect();
    if members.contains_key("kind") {
        let kind: UpgradeEvent = word("kind")?.parse()?;
        return Ok(Event { resources, ..kind.of(&word("cluster")?, &word("upgrade")?, detail, at) });
    }
    Ok(Event { source: word("source")?, detail_type: word("detail_type")?, detail, resources, at })
}

async fn published(at: &OnePlace, args: &EventPublishArgs, events: &[Event]) -> Outcome {
    let bus: BusName = args.bus.parse().map_err(super::event_rules::unusable)?;
    let entries: Vec<Option<Entry>> = match at.dry_run {
        true => vec![None; events.len()],
        false => {
            let cell = at.place.cell();
            publish((&at.aws, at.clock.as_ref()), &cell, &bus, events).await.into_iter().map(Some).collect()
        }
    };
    let rows: Vec<Value> = (1_u64..)
        .zip(events)
        .zip(&entries)
        .map(|((number, event), entry)| row(number, event, entry.as_ref()))
        .collect();
    tell(at.format, rows.iter().cloned(), |row| {
        format!(
            "{:>5}  {}  {}  {}\n",
            row["number"].as_u64().unwrap_or_default(),
            text(row, "source"),
            text(row, "detail_type"),
            told(row)
        )
    })?;
    let lost: Vec<&Value> = rows.iter().filter(|row| row["done"] == false && !at.dry_run).collect();
    if lost.is_empty() {
        return Ok(Exit::Success);
    }
    let message = format!("{} of {} events were not taken by {bus}", lost.len(), events.len());
    let details = match at.format {
        OutputFormat::Text => Vec::new(),
        _ => lost.iter().map(|row| format!("{}: {}", row["number"], told(row))).collect(),
    };
    Err(CommandError { details, ..CommandError::new(&code::EVENTS_PARTLY, message) })
}

fn row(number: u64, event: &Event, entry: Option<&Entry>) -> Value {
    let mut row = json!({
        "number": number,
        "source": event.source,
        "detail_type": event.detail_type,
        "done": matches!(entry, Some(Entry::Taken(_))),
    });
    match entry {
        None => {}
        Some(Entry::Taken(id)) => row["id"] = id.as_str().into(),
        Some(Entry::Refused(why)) => row["refused"] = why.to_string().into(),
        Some(Entry::Failed(failure)) => {
            row["in_doubt"] = (failure.class == ErrorClass::Ambiguous).into();
            row["failed"] = failure.to_string().into();
        }
    }
    row
}

/// What became of an event, in words.
fn told(row: &Value) -> String {
    match (row["done"] == true, row.get("refused"), row.get("failed")) {
        (true, ..) => text(row, "id"),
        (_, Some(_), _) => format!("not taken: {}", text(row, "refused")),
        (.., Some(_)) if row["in_doubt"] == true => format!("in doubt: {}", text(row, "failed")),
        (.., Some(_)) => format!("not sent: {}", text(row, "failed")),
        _ => "would be published".to_owned(),
    }
}
