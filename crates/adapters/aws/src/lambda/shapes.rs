//! What Lambda answers, in our nouns.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetwright_model::redaction::redact;
use fleetwright_ports::executions::Payload;
use fleetwright_ports::functions::{
    Architecture, Configuration, Function, FunctionAnswer, FunctionName, FunctionRow, FunctionState,
    FunctionVersion, UpdateStatus, read,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::json_service::text;
use crate::signed::Answered;

/// Bytes of the end of a log that come with an answer, at most. Source: Lambda API reference, Invoke, `LogType`.
const LOG_TAIL: usize = 4 * 1024;

/// A moment as Lambda writes it: `2026-11-01T02:00:00.000+0000`.
fn moment(value: &Value) -> Option<Timestamp> {
    Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", value.as_str()?).ok()
}

fn name(row: &Value) -> Result<FunctionName, String> {
    row["FunctionName"].as_str().ok_or("a missing name")?.parse().map_err(|invalid| format!("{invalid}"))
}

/// The number of a version; none for what is newest.
fn number(word: &str) -> Result<Option<u32>, String> {
    match word {
        "$LATEST" => Ok(None),
        word => word.parse().map(Some).map_err(|_| format!("a version named {word:?}")),
    }
}

/// What is run with where an answer does not say: older functions are of x86 without saying so.
fn unsaid() -> Configuration {
    Configuration {
        architecture: Architecture::X86,
        runtime: String::new(),
        handler: String::new(),
        ..Configuration::default()
    }
}

pub(super) fn function(answer: &Value) -> Result<Function, String> {
    let name = name(answer)?;
    let configuration = read(&name, answer, &unsaid()).map_err(|invalid| invalid.to_string())?;
    let (state, update) = (answer["State"].as_str(), answer["LastUpdateStatus"].as_str());
    let known_state = FunctionState::ALL.into_iter().find(|it| Some(it.as_str()) == state);
    let known_update = UpdateStatus::ALL.into_iter().find(|it| Some(it.as_str()) == update);
    let odd = |what: &str, word: Option<&str>| format!("a function whose {what} is {word:?}");
    let reason = text(answer, "StateReason").or_else(|| text(answer, "LastUpdateStatusReason"));
    Ok(Function {
        version: number(answer["Version"].as_str().unwrap_or("$LATEST"))?,
        configuration,
        code_sha256: text(answer, "CodeSha256").ok_or("a missing digest")?,
        code_bytes: answer["CodeSize"].as_u64().unwrap_or_default(),
        modified_at: moment(&answer["LastModified"]),
        revision: text(answer, "RevisionId").unwrap_or_default(),
        // A version that was published has neither, and changes no more.
        state: known_state
            .or(state.is_none().then_some(FunctionState::Active))
            .ok_or_else(|| odd("state", state))?,
        update: known_update
            .or(update.is_none().then_some(UpdateStatus::Successful))
            .ok_or_else(|| odd("last update", update))?,
        reason: reason.map(|reason| redact(&reason).into_owned()),
        name,
    })
}

pub(super) fn row(row: &Value) -> Result<FunctionRow, String> {
    Ok(FunctionRow {
        name: name(row)?,
        runtime: text(row, "Runtime").unwrap_or_default(),
        memory_mib: row["MemorySize"].as_u64().and_then(|mib| u32::try_from(mib).ok()).unwrap_or_default(),
        code_bytes: row["CodeSize"].as_u64().unwrap_or_default(),
        modified_at: moment(&row["LastModified"]),
    })
}

/// A version with its key in a listing; none for what is newest, which is listed as well.
pub(super) fn version(row: &Value) -> Result<Option<(String, FunctionVersion)>, String> {
    let word = row["Version"].as_str().ok_or("a version without a number")?;
    let Some(number) = number(word)? else { return Ok(None) };
    let version = FunctionVersion {
        number,
        description: text(row, "Description").unwrap_or_default(),
        code_sha256: text(row, "CodeSha256").unwrap_or_default(),
        published_at: moment(&row["LastModified"]),
    };
    Ok(Some((word.to_owned(), version)))
}

pub(super) fn answer(answered: &Answered) -> FunctionAnswer {
    let version = answered.header("x-amz-executed-version");
    FunctionAnswer {
        payload: Payload::new(String::from_utf8_lossy(&answered.body)),
        error: answered.header("x-amz-function-error").map(str::to_owned),
        version: version.and_then(|word| number(word).ok().flatten()),
        log: answered
            .header("x-amz-log-result")
            .and_then(|text| STANDARD.decode(text).ok())
            .map(|log| tail(&log)),
    }
}

/// The end of a log without what looks like a secret. A first line that was cut off is left out: what would tell a
/// secret there may be gone.
fn tail(log: &[u8]) -> String {
    let cut = log.len() >= LOG_TAIL;
    let whole = match log.iter().position(|byte| *byte == b'\n').filter(|_| cut) {
        Some(end) => &log[end + 1..],
        None => log,
    };
    redact(&String::from_utf8_lossy(whole)).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn moments_are_lambdas_own() {
        let at = moment(&json!("2026-11-01T02:00:00.250+0000")).expect("a moment");
        assert_eq!(at.to_string(), "2026-11-01T02:00:00.25Z");
        assert_eq!(moment(&json!("yesterday")), None);
    }

    #[test]
    fn a_log_is_cleared_of_secrets_and_of_a_line_that_was_cut_off() {
        assert_eq!(tail(b"one\ntwo\n"), "one\ntwo\n");
        assert!(!tail(b"password=hunter2\n").contains("hunter2"));
        let long = format!("{}hunter2\ntwo\n", "x".repeat(LOG_TAIL - 12));
        assert_eq!(tail(long.as_bytes()), "two\n");
    }

    #[test]
    fn a_published_version_says_nothing_of_its_state_and_is_ready() {
        let told = json!({ "FunctionName": "turn", "Version": "3", "CodeSha256": "x", "RevisionId": "r" });
        let told = function(&told).expect("a function");
        assert_eq!(
            (told.version, told.state, told.update),
            (Some(3), FunctionState::Active, UpdateStatus::Successful)
        );
        let odd = json!({ "FunctionName": "turn", "CodeSha256": "x", "State": "Asleep" });
        assert_eq!(function(&odd).expect_err("no state"), "a function whose state is Some(\"Asleep\")");
    }
}
