//! Change requests in ServiceNow.
//!
//! Sources: ServiceNow REST API reference, "Table API", "Attachment API"; ServiceNow documentation, "State
//! model for change requests" (-5 new, -4 assess, -3 authorize, -2 scheduled, -1 implement, 0 review,
//! 3 closed, 4 cancelled). Times are UTC where no display values are asked for.

use std::collections::BTreeMap;

use async_trait::async_trait;
use fleetwright_notify::change::{ChangeOutcome, ChangeRecord, ChangeRequest, ChangeState};
use fleetwright_notify::shortened;
use fleetwright_ports::{Attachment, ChangeRecords, NotSent};
use http::Method;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connection::never;
use crate::endpoint::Endpoint;
use crate::http::{Call, Http};
use crate::settings::{Credentials, Outbound};

const TABLE: &str = "/api/now/table/change_request";
const FIELDS: &str = "sys_id,number,state,approval,start_date,end_date";
const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// How changes are opened.
#[derive(Clone, Debug)]
pub struct ServiceNowSettings {
    /// The instance: `https://example.service-now.com`.
    pub instance: Endpoint,
    /// Who we are there.
    pub credentials: Credentials,
    /// The change type: `normal`, `standard` or `emergency`.
    pub change_type: String,
    /// Further fields of a new record, such as `assignment_group`.
    pub fields: BTreeMap<String, String>,
}

/// An instance of ServiceNow.
#[derive(Debug)]
pub struct ServiceNow {
    http: Http,
    settings: ServiceNowSettings,
}

/// A change request; every value comes as text.
#[derive(Debug, Deserialize)]
struct Row {
    sys_id: String,
    number: String,
    state: String,
    #[serde(default)]
    approval: String,
    #[serde(default)]
    start_date: String,
    #[serde(default)]
    end_date: String,
}

#[derive(Deserialize)]
struct Answered<T> {
    result: T,
}

#[derive(Deserialize)]
struct Attached {}

impl ServiceNow {
    /// That instance.
    pub fn new(outbound: Outbound, settings: ServiceNowSettings) -> Self {
        Self { http: Http::new(outbound, Some(settings.credentials.clone()), Vec::new()), settings }
    }

    fn record(&self, row: Row) -> ChangeRecord {
        let state = match (row.state.as_str(), row.approval.as_str()) {
            ("4", _) => ChangeState::Cancelled,
            ("0" | "3", _) => ChangeState::Closed,
            (_, "rejected") => ChangeState::Rejected,
            ("-2" | "-1", _) | ("-5" | "-4" | "-3", "approved") => ChangeState::Approved,
            ("-5" | "-4" | "-3", _) => ChangeState::Waits,
            _ => ChangeState::Unknown,
        };
        let query = format!("sys_id={}", row.sys_id);
        let url = self.settings.instance.at("/nav_to.do", &[("uri", &format!("change_request.do?{query}"))]);
        ChangeRecord {
            id: row.sys_id.into(),
            number: row.number.into(),
            url: url.shown(),
            state,
            state_name: format!("{} / {}", state_name(&row.state), row.approval).into(),
            starts_at: time(&row.start_date),
            ends_at: time(&row.end_date),
        }
    }

    fn row(&self, id: &str) -> Result<Endpoint, NotSent> {
        // Ids become a part of paths: nothing else may.
        match !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            true => Ok(self.settings.instance.at(&format!("{TABLE}/{id}"), &[("sysparm_fields", FIELDS)])),
            false => Err(never(format!("{id:?} is no id of a ServiceNow record"))),
        }
    }

    /// The oldest record with that mark.
    async fn marked(&self, mark: &str) -> Result<Option<Row>, NotSent> {
        let query = format!("correlation_id={mark}^ORDERBYsys_created_on");
        let query = [("sysparm_query", query.as_str()), ("sysparm_fields", FIELDS), ("sysparm_limit", "1")];
        let endpoint = self.settings.instance.at(TABLE, &query);
        let Answered { result } = self.http.json::<Answered<Vec<Row>>>(Method::GET, &endpoint, None).await?;
        Ok(result.into_iter().next())
    }

    /// Asks for approval, where nobody has yet: also for a record that was made and not taken further,
    /// because the answer was lost or the process ended.
    async fn asked_for(&self, row: Row) -> Result<ChangeRecord, NotSent> {
        let row = match row.state.as_str() {
            "-5" => self.patch(&row.sys_id, json!({ "state": "-4" })).await?,
            _ => row,
        };
        Ok(self.record(row))
    }

    async fn patch(&self, id: &str, fields: Value) -> Result<Row, NotSent> {
        let Answered { result } = self.http.json(Method::PATCH, &self.row(id)?, Some(&fields)).await?;
        Ok(result)
    }
}

fn state_name(number: &str) -> &str {
    match number {
        "-5" => "New",
        "-4" => "Assess",
        "-3" => "Authorize",
        "-2" => "Scheduled",
        "-1" => "Implement",
        "0" => "Review",
        "3" => "Closed",
        "4" => "Canceled",
        other => other,
    }
}

fn time(text: &str) -> Option<Timestamp> {
    let civil = DateTime::strptime(TIME, text).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn written(at: Timestamp) -> String {
    at.strftime(TIME).to_string()
}

#[async_trait]
impl ChangeRecords for ServiceNow {
    async fn find(&self, mark: &str) -> Result<Option<ChangeRecord>, NotSent> {
        Ok(self.marked(mark).await?.map(|row| self.record(row)))
    }

    async fn open(&self, request: &ChangeRequest) -> Result<ChangeRecord, NotSent> {
        if let Some(row) = self.marked(&request.mark).await? {
            return self.asked_for(row).await;
        }
        let mut fields = json!({
            "type": self.settings.change_type,
            "correlation_id": &*request.mark,
            "correlation_display": "fleetwright",
            "short_description": shortened(&request.title, 160),
            "description": request.description,
            "backout_plan": request.backout,
            "test_plan": request.test,
            "start_date": written(request.starts_at),
            "end_date": written(request.ends_at),
        });
        for (name, value) in &self.settings.fields {
            fields[name] = json!(value);
        }
        let endpoint = self.settings.instance.at(TABLE, &[("sysparm_fields", FIELDS)]);
        let Answered { result } =
            self.http.json::<Answered<Row>>(Method::POST, &endpoint, Some(&fields)).await?;
        // Of two that were opened at the same moment everybody takes the older one.
        let first = self.marked(&request.mark).await?;
        self.asked_for(first.unwrap_or(result)).await
    }

    async fn attach(&self, record: &ChangeRecord, file: &Attachment) -> Result<(), NotSent> {
        let query = format!("table_name=change_request^table_sys_id={}^file_name={}", record.id, file.name);
        let listing = [("sysparm_query", query.as_str()), ("sysparm_limit", "1")];
        let listing = self.settings.instance.at("/api/now/attachment", &listing);
        let Answered { result } =
            self.http.json::<Answered<Vec<Attached>>>(Method::GET, &listing, None).await?;
        if !result.is_empty() {
            return Ok(());
        }
        let target = [
            ("table_name", "change_request"),
            ("table_sys_id", &*record.id),
            ("file_name", file.name.as_str()),
        ];
        let endpoint = self.settings.instance.at("/api/now/attachment/file", &target);
        let call = Call {
            method: Method::POST,
            endpoint: &endpoint,
            headers: Vec::new(),
            media_type: &file.media_type,
            body: file.content.clone(),
        };
        self.http.send(call).await.map(drop)
    }

    async fn begin(&self, record: &ChangeRecord) -> Result<(), NotSent> {
        let fields = json!({ "state": "-1", "work_notes": "fleetwright makes the change now" });
        self.patch(&record.id, fields).await.map(drop)
    }

    async fn close(
        &self,
        record: &ChangeRecord,
        outcome: ChangeOutcome,
        summary: &str,
    ) -> Result<(), NotSent> {
        let endpoint = self.row(&record.id)?;
        let Answered { result } = self.http.json::<Answered<Row>>(Method::GET, &endpoint, None).await?;
        if matches!(result.state.as_str(), "3" | "4") {
            return Ok(());
        }
        // The model lets nobody review what was never begun: that is cancelled.
        if matches!(result.state.as_str(), "-5" | "-4" | "-3" | "-2") {
            let cancelled = json!({ "state": "4", "work_notes": summary });
            return self.patch(&record.id, cancelled).await.map(drop);
        }
        let close_code = match outcome {
            ChangeOutcome::Successful => "successful",
            ChangeOutcome::Issues => "successful_issues",
            ChangeOutcome::Unsuccessful => "unsuccessful",
        };
        // The model goes through review; what is to be reviewed goes along.
        let notes = json!({ "state": "0", "close_code": close_code, "close_notes": summary });
        self.patch(&record.id, notes).await?;
        let closed = json!({ "state": "3", "close_code": close_code, "close_notes": summary });
        self.patch(&record.id, closed).await.map(drop)
    }
}
