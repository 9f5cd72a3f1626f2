//! `gate`: keeps the token of an execution that waits for a decision, and asks people for one.

use fleetwright_approval::{Claims, Decisions, Keyring, Nonce, sign};
use fleetwright_approvals::PATH;
use fleetwright_approvals::gate::{GateFacts, waiting};
use fleetwright_aws::messaging::Topic;

use fleetwright_notify::{Message, Severity};
use fleetwright_ports::{Journal, Notifier, RunId};
use fleetwright_report::safe;
use fleetwright_report::text::time;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::place::variable;
use super::{Fault, Hub, Invocation};
use crate::app::App;
use crate::keyring::random;

/// How long a link is good for where the plan does not say when the gate closes.
const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Answers with how many gates wait. A wait without a gate (a window that opens tomorrow) asks nobody, and ends early
/// where somebody decides something.
pub(super) async fn handle(app: &App, invocation: &Invocation<'_>) -> Result<Value, Fault> {
    let (run, token) = (invocation.run()?, invocation.text("token")?);
    let hub = Hub::of_function(app, invocation).await?;
    hub.journal.keep_token(&run, token).await?;
    // Whoever decided between the turn's end and this token found nobody to wake.
    if hub.journal.unread(&run).await? > 0 {
        hub.wake(&run).await?;
        return Ok(json!({ "gates": 0, "woken": true }));
    }
    let loaded = hub.journal.load(&run).await?;
    let gates = waiting(&run, &loaded, hub.clock.now())
        .map_err(|error| Fault::of(error.code(), error.to_string()))?;
    if !gates.is_empty() {
        let ring = hub.keyring(app).await?;
        let topic =
            Topic::new(hub.aws.clone(), hub.zone.clone(), hub.region.clone(), variable(app, "NOTICE_TOPIC")?);
        for gate in &gates {
            let message = ask(app, gate, ring.as_ref(), hub.clock.now())?;
            let sent = topic.send(&message).await;
            sent.map_err(|unsent| Fault {
                name: fleetwright_stepfn::ErrorName::Transient,
                code: &fleetwright_model::code::NOT_DELIVERED,
                message: format!("{run}: nobody could be asked to decide: {}", unsent.message),
            })?;
        }
    }
    Ok(json!({ "gates": gates.len(), "woken": false }))
}

/// What people are told who may decide.
fn ask(app: &App, gate: &GateFacts, ring: Option<&Keyring>, now: Timestamp) -> Result<Message, Fault> {
    let (run, stage) = (&gate.run, safe::line(&gate.name));
    let mut text = format!(
        "{run} waits for a decision before stage {stage} ({} targets): {} of {} approvals are there.\n",
        gate.targets,
        gate.approved_by.len(),
        gate.needed
    );
    if let Some((at, _)) = &gate.due {
        text.push_str(&format!("It waits until {}.\n", time(*at)));
    }
    let links = match (ring, app.environment.get("APPROVALS_ADDRESS")) {
        (Some(ring), Some(address)) => links(gate, ring, address, now)?,
        _ => Vec::new(),
    };
    for (name, link) in &links {
        text.push_str(&format!("\n{}: {link}\n", safe::line(name)));
    }
    if links.is_empty() {
        let hub = app.environment.get("HUB_ENVIRONMENT").unwrap_or("ENVIRONMENT");
        text.push_str(&format!("\nDecide with: fleetwright cloud approve {run} --hub {hub}\n"));
    }
    Ok(Message {
        id: format!("{run}-{}", gate.basis),
        run: run.as_str().into(),
        at: gate.reached_at,
        severity: Severity::Warning,
        title: format!("{run}: stage {stage} waits for a decision"),
        text,
        facts: Vec::new(),
        notices: Vec::new(),
        more: Vec::new(),
    })
}

/// A link for everybody of the keyring who may decide and has not.
fn links(
    gate: &GateFacts,
    ring: &Keyring,
    address: &str,
    now: Timestamp,
) -> Result<Vec<(String, String)>, Fault> {
    let latest = now.checked_add(LIFE).unwrap_or(Timestamp::MAX);
    let until = gate.due.as_ref().map_or(latest, |(at, _)| latest.min(*at));
    let until = Timestamp::from_second(until.as_second()).unwrap_or(until);
    let mut links = Vec::new();
    for approver in ring.approvers() {
        let name = approver.name();
        if !gate.may_decide(name) || gate.has_approved(name) {
            continue;
        }
        let nonce = Nonce(random()?);
        let (run, stage) = (gate.run.as_str(), gate.stage.0);
        let claims = Claims::new(run, stage, Decisions::BOTH, &gate.basis, name, until, nonce)
            .map_err(|error| Fault::unusable(error.to_string()))?;
        let link = format!("{}{PATH}{}", address.trim_end_matches('/'), sign(ring, &claims));
        links.push((name.to_string(), link));
    }
    Ok(links)
}

/// The run of a link that is genuine.
pub(super) fn run_of(ring: &Keyring, token: &str, now: Timestamp) -> Option<RunId> {
    fleetwright_approval::open(ring, token, now).ok().and_then(|(_, claims)| claims.run().parse().ok())
}
