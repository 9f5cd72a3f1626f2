//! An instance of ServiceNow with one table, its state model and its attachments: what the REST API
//! reference documents and nothing more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::server::{Asked, Said, header, json as answer, query, said};

type Row = BTreeMap<String, String>;

/// Fields that the table has, as far as changes use them.
const COLUMNS: [&str; 18] = [
    "type",
    "correlation_id",
    "correlation_display",
    "short_description",
    "description",
    "backout_plan",
    "test_plan",
    "start_date",
    "end_date",
    "state",
    "work_notes",
    "close_code",
    "close_notes",
    "approval",
    "assignment_group",
    "sys_id",
    "number",
    "sys_created_on",
];

#[derive(Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    pub(crate) files: Vec<(String, String, Vec<u8>)>,
}

pub(crate) type Shared = Arc<Mutex<Table>>;

/// `me:canary-secret`.
const AUTHORIZATION: &str = "Basic bWU6Y2FuYXJ5LXNlY3JldA==";

pub(crate) fn instance(table: &Shared) -> impl Fn(&Asked) -> Said + use<> {
    let table = Arc::clone(table);
    move |asked| {
        if header(asked, "authorization") != AUTHORIZATION {
            return fault(401, "User Not Authenticated");
        }
        let mut table = table.lock().expect("no test panics while it looks");
        let path: Vec<&str> = asked.uri().path().trim_matches('/').split('/').collect();
        match (asked.method().as_str(), path.as_slice()) {
            ("GET", ["api", "now", "table", "change_request"]) => find(&table, asked),
            ("POST", ["api", "now", "table", "change_request"]) => insert(&mut table, asked),
            ("GET", ["api", "now", "table", "change_request", id]) => {
                match table.rows.iter().find(|row| row["sys_id"] == *id) {
                    Some(row) => answer(200, &json!({ "result": shown(row, asked) })),
                    None => fault(404, "No Record found"),
                }
            }
            ("PATCH", ["api", "now", "table", "change_request", id]) => update(&mut table, id, asked),
            ("GET", ["api", "now", "attachment"]) => attachments(&table, asked),
            ("POST", ["api", "now", "attachment", "file"]) => attach(&mut table, asked),
            _ => fault(400, "Requested URI does not represent any resource"),
        }
    }
}

fn fault(status: u16, message: &str) -> Said {
    answer(status, &json!({ "error": { "message": message, "detail": null }, "status": "failure" }))
}

fn shown(row: &Row, asked: &Asked) -> Value {
    let query = query(asked);
    let fields: Vec<&str> =
        query.get("sysparm_fields").map(|fields| fields.split(',').collect()).unwrap_or_default();
    let all = row.iter().filter(|(name, _)| fields.is_empty() || fields.contains(&name.as_str()));
    all.map(|(name, value)| (name.clone(), Value::from(value.clone())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn find(table: &Table, asked: &Asked) -> Said {
    let asked_for = query(asked);
    let Some(mark) = asked_for.get("sysparm_query").and_then(|query| query.strip_prefix("correlation_id="))
    else {
        return fault(400, "Invalid query");
    };
    let Some(mark) = mark.strip_suffix("^ORDERBYsys_created_on") else { return fault(400, "no order") };
    let limit: usize = asked_for.get("sysparm_limit").and_then(|limit| limit.parse().ok()).unwrap_or(10_000);
    let found = table.rows.iter().filter(|row| row["correlation_id"] == mark).take(limit);
    answer(200, &json!({ "result": found.map(|row| shown(row, asked)).collect::<Vec<_>>() }))
}

fn written(asked: &Asked) -> Result<Row, Box<Said>> {
    if header(asked, "content-type") != "application/json" {
        return Err(fault(415, "Unsupported media type").into());
    }
    let row: Row =
        serde_json::from_slice(asked.body()).map_err(|_| Box::new(fault(400, "values are texts")))?;
    if let Some(other) = row.keys().find(|name| !COLUMNS.contains(&name.as_str())) {
        return Err(fault(400, &format!("Invalid column {other}")).into());
    }
    for name in ["start_date", "end_date"] {
        let Some(value) = row.get(name) else { continue };
        if jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", value).is_err() {
            return Err(fault(400, "dates are yyyy-MM-dd HH:mm:ss").into());
        }
    }
    Ok(row)
}

fn insert(table: &mut Table, asked: &Asked) -> Said {
    let mut row = match written(asked) {
        Ok(row) => row,
        Err(fault) => return *fault,
    };
    if row.get("short_description").is_none_or(|text| text.is_empty() || text.chars().count() > 160) {
        return fault(403, "Data Policy Exception: Short description");
    }
    if !["normal", "standard", "emergency"].contains(&row.get("type").map(String::as_str).unwrap_or_default())
    {
        return fault(400, "Invalid type");
    }
    let number = table.rows.len() + 1;
    for (name, value) in [
        ("sys_id", format!("{number:032x}")),
        ("number", format!("CHG{number:07}")),
        ("state", "-5".to_owned()),
        ("approval", "not requested".to_owned()),
    ] {
        row.insert(name.to_owned(), value);
    }
    table.rows.push(row.clone());
    answer(201, &json!({ "result": shown(&row, asked) }))
}

/// The state model: what may follow what.
fn may_follow(from: &str, to: &str) -> bool {
    matches!((from, to), ("-5", "-4") | ("-4", "-3") | ("-3", "-2") | ("-2", "-1") | ("-1", "0") | ("0", "3"))
        || (to == "4" && from.starts_with('-') && from != "-1")
        || from == to
}

fn update(table: &mut Table, id: &str, asked: &Asked) -> Said {
    let change = match written(asked) {
        Ok(row) => row,
        Err(fault) => return *fault,
    };
    let Some(row) = table.rows.iter_mut().find(|row| row["sys_id"] == id) else {
        return fault(404, "No Record found");
    };
    let mut after = row.clone();
    after.extend(change);
    if !may_follow(&row["state"], &after["state"]) {
        return fault(
            403,
            &format!("Operation Failed: no transition from {} to {}", row["state"], after["state"]),
        );
    }
    if after["state"] != "-5" && !after.contains_key("assignment_group") {
        return fault(403, "Data Policy Exception: Assignment group");
    }
    let closed = after["state"] == "3";
    let codes = ["successful", "successful_issues", "unsuccessful"];
    if closed
        && !(after.get("close_code").is_some_and(|code| codes.contains(&code.as_str()))
            && after.contains_key("close_notes"))
    {
        return fault(403, "Data Policy Exception: Close code, Close notes");
    }
    if after["state"] == "-4" && row["state"] == "-5" {
        after.insert("approval".to_owned(), "requested".to_owned());
    }
    *row = after;
    answer(200, &json!({ "result": shown(row, asked) }))
}

fn attachments(table: &Table, asked: &Asked) -> Said {
    let query = query(asked);
    let parts: BTreeMap<&str, &str> = query
        .get("sysparm_query")
        .into_iter()
        .flat_map(|query| query.split('^'))
        .filter_map(|part| part.split_once('='))
        .collect();
    if parts.get("table_name") != Some(&"change_request") {
        return fault(400, "Invalid query");
    }
    let found = table.files.iter().filter(|(row, name, _)| {
        parts.get("table_sys_id") == Some(&row.as_str()) && parts.get("file_name") == Some(&name.as_str())
    });
    answer(
        200,
        &json!({ "result": found.map(|(_, name, _)| json!({ "file_name": name })).collect::<Vec<_>>() }),
    )
}

fn attach(table: &mut Table, asked: &Asked) -> Said {
    let query = query(asked);
    let wanted = |name: &str| query.get(name).cloned().unwrap_or_default();
    let row = wanted("table_sys_id");
    let known = table.rows.iter().any(|known| known["sys_id"] == row);
    if wanted("table_name") != "change_request" || !known || wanted("file_name").is_empty() {
        return fault(400, "table_name, table_sys_id and file_name are required");
    }
    if !header(asked, "content-type").contains('/') || asked.body().is_empty() {
        return said(415, "");
    }
    table.files.push((row, wanted("file_name"), asked.body().to_vec()));
    answer(201, &json!({ "result": {} }))
}
