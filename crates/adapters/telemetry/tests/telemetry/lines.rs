//! Log lines: what they are about, and what they never say.

use std::io::{self, Write};

use fleetwright_telemetry::{LineForm, Telemetry};
use serde_json::Value as Json;
use tracing::dispatcher::with_default;

use crate::surroundings::{Kept, lines, setup};

/// Logs into both forms.
fn logged(work: impl FnOnce()) -> (Vec<Json>, String) {
    let (json, text) = (Kept::default(), Kept::default());
    let both = vec![lines(LineForm::Json, &json), lines(LineForm::Text { color: true }, &text)];
    let telemetry = Telemetry::start(setup(both)).expect("nothing to listen on");
    with_default(&telemetry.dispatch(), work);
    telemetry.finish();
    let json = json.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (json, text.text())
}

#[test]
fn a_line_says_which_run_zone_step_and_instance_it_is_about() {
    let (json, text) = logged(|| {
        let run = tracing::info_span!("run", run = "20261121T130000-1");
        let _run = run.enter();
        let turn = tracing::info_span!("turn", turn = 7_u64, step = "patch", zone = tracing::field::Empty);
        turn.record("zone", "shop-prod");
        let _turn = turn.enter();
        tracing::warn!(instance = "i-0123456789abcdef0", step = "reboot", tries = 2, "it was not read");
    });
    assert_eq!(
        json,
        [serde_json::json!({
            "time": "2026-11-21T13:00:00.250Z",
            "level": "WARN",
            "target": "telemetry::lines",
            "message": "it was not read",
            "run": "20261121T130000-1",
            "zone": "shop-prod",
            "turn": 7,
            "step": "reboot",
            "instance": "i-0123456789abcdef0",
            "tries": 2,
        })],
        "what the event says itself counts before its spans"
    );
    assert!(text.contains("it was not read instance=i-0123456789abcdef0 step=reboot tries=2 ["), "{text}");
    assert!(text.contains("zone=shop-prod") && text.contains("run=20261121T130000-1"), "{text}");
}

#[test]
fn planted_secrets_are_in_no_line_wherever_they_were_put() {
    let canaries = [
        "fleet-1f3a-canary",
        "hunter2-canary",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "MIIEcanary",
    ];
    let [known, named, key, token, pem] = canaries;
    let (json, text) = logged(|| {
        let span = tracing::info_span!("turn", api_key = named, note = known, late = tracing::field::Empty);
        span.record("late", key);
        let _span = span.enter();
        tracing::error!(password = named, session_token = 7, "sent with Authorization: Bearer {token}");
        tracing::info!(output = ?format!("DB_PASSWORD={named}\nnext"), "tag Owner={known}");
        tracing::info!(output = format!("-----BEGIN PRIVATE KEY-----\n{pem}"), "{key} {token}");
    });
    assert_eq!(json.len(), 3, "a line that breaks off is no JSON");
    let json = serde_json::to_string(&json).expect("JSON");
    for canary in canaries {
        assert!(!json.contains(canary) && !text.contains(canary), "{canary} in\n{json}\n{text}");
    }
    assert!(json.contains(r#""session_token":"(hidden)""#), "{json}");
}

#[test]
fn what_others_wrote_can_neither_forge_a_line_nor_steer_a_terminal() {
    let hostile = "x\n2026-11-21T13:00:00.250Z ERROR forged\r\u{1b}[2J\u{202e}gnp\0";
    let (json, text) = logged(|| tracing::info!(name = hostile, "{hostile}"));
    assert_eq!(json[0]["name"], hostile, "JSON carries it as data");
    assert_eq!(text.lines().count(), 1, "{text:?}");
    for steers in ["\u{1b}[2J", "\u{202e}", "\r", "\0"] {
        assert!(!text.contains(steers), "{text:?}");
    }
}

#[test]
fn a_value_of_any_length_makes_a_line_of_bounded_length() {
    let (json, _) = logged(|| tracing::info!(output = "ü".repeat(1 << 20), "long"));
    assert_eq!(json[0]["output"].as_str().map(|text| text.chars().count()), Some(4_097));
}

/// A disk that is full.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_that_cannot_be_written_are_counted_and_stop_nothing() {
    let mut full = lines(LineForm::Json, &Kept::default());
    full.out = Box::new(Full);
    let telemetry = Telemetry::start(setup(vec![full])).expect("nothing to listen on");
    with_default(&telemetry.dispatch(), || {
        tracing::info!("one");
        tracing::info!("two");
    });
    assert_eq!(telemetry.lost_lines(), 2);
}
