//! `fleetwright approvals …`: links, the page behind them, keys and people.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;

use fleetwright_approval::{Approver, Claims, Decision, Decisions, Keyring, Nonce, sign};
use fleetwright_approvals::gate::{self, GateFacts};
use fleetwright_approvals::{Desk, PATH, Server};
use fleetwright_flow::Walked;
use fleetwright_model::{Exit, code};
use fleetwright_ports::Clock;
use fleetwright_report::safe;
use fleetwright_report::text::time;
use jiff::{SignedDuration, Timestamp};

use crate::args::{Allow, ApprovalPageArgs, ApproverArgs, LinkArgs};
use crate::console::{self, Console};
use crate::failure::CommandError;
use crate::interrupt;
use crate::keyring::{KeyringFile, new_key, new_passphrase, random};
use crate::state::{Found, State};

/// How long a link is good for at least and at most.
const LIFE: [SignedDuration; 2] = [SignedDuration::from_mins(1), SignedDuration::from_hours(7 * 24)];

/// Writes links to standard output.
///
/// # Errors
/// Nothing waits, somebody cannot decide, or there is no key.
pub fn link(
    found: &Found<Walked>,
    file: &KeyringFile,
    args: &LinkArgs,
    now: Timestamp,
    console: Console,
) -> Result<Exit, CommandError> {
    if !(LIFE[0]..=LIFE[1]).contains(&args.expires) {
        let message = format!("--expires {:#}: a link is good for a minute to a week", args.expires);
        return Err(CommandError::new(&code::USAGE, message));
    }
    let ring = file.read()?;
    let gate = waiting_gate(found, args.stage.as_deref(), now)?;
    let decisions = match args.allow {
        Allow::Approve => Decisions::only(Decision::Approve),
        Allow::Reject => Decisions::only(Decision::Reject),
        Allow::Both => Decisions::BOTH,
    };
    let expires_at = Timestamp::from_second(now.as_second().saturating_add(args.expires.as_secs()))
        .map_err(|error| CommandError::new(&code::USAGE, format!("--expires: {error}")))?;
    let mut lines = String::new();
    for name in &args.approvers {
        if ring.approver(name).is_none() {
            let message = format!("{} has no approver {name:?}", file.path().display());
            return Err(CommandError::new(&code::NO_APPROVER, message));
        }
        may_decide(&gate, name)?;
        let nonce = Nonce(random()?);
        let claims =
            Claims::new(found.run.as_str(), gate.stage.0, decisions, &gate.basis, name, expires_at, nonce)
                .map_err(|error| CommandError::new(&code::USAGE, error.to_string()))?;
        lines.push_str(&format!("{}{PATH}{}\n", args.base_url.trim_end_matches('/'), sign(&ring, &claims)));
    }
    console::write_text(&lines)?;
    console.note(&format!(
        "{}: stage {} waits; one link each for {}, good until {}",
        found.run,
        safe::line(&gate.name),
        safe::line(&args.approvers.join(", ")),
        time(expires_at)
    ));
    Ok(Exit::Success)
}

/// The gate that is meant: the one named, or the only one that waits.
///
/// # Errors
/// It does not wait, or its run cannot be trusted.
pub fn waiting_gate(
    found: &Found<Walked>,
    stage: Option<&str>,
    now: Timestamp,
) -> Result<GateFacts, CommandError> {
    let gates = gate::waiting(&found.run, &found.loaded, now)
        .map_err(|error| CommandError::new(error.code(), error.to_string()))?;
    let meant = |gate: &GateFacts| {
        stage.is_none_or(|stage| *gate.name == *stage || stage.parse() == Ok(gate.stage.0))
    };
    gates.into_iter().find(meant).ok_or_else(|| {
        let which =
            stage.map_or("no stage".to_owned(), |stage| format!("stage {stage:?} is not the one that"));
        CommandError::new(&code::LINK_OTHER_STAGE, format!("{}: {which} waits for a decision now", found.run))
    })
}

/// Whether the plan lets that person decide at the gate.
///
/// # Errors
/// It names others.
pub fn may_decide(gate: &GateFacts, name: &str) -> Result<(), CommandError> {
    if gate.may_decide(name) {
        return Ok(());
    }
    let names = gate.approvers.join(", ");
    let message = format!("{name:?} does not decide at stage {}; {names} do", safe::line(&gate.name));
    Err(CommandError::new(&code::APPROVER_NOT_ASKED, message))
}

/// Serves the page until the user stops it.
///
/// # Errors
/// The address is open to others or cannot be listened on, or the keyring cannot be used.
pub async fn serve(
    state: &State,
    file: KeyringFile,
    args: &ApprovalPageArgs,
    clock: Arc<dyn Clock>,
    console: Console,
) -> Result<Exit, CommandError> {
    if !args.listen.ip().is_loopback() {
        let message = format!("{} is not on this machine's loopback", args.listen);
        return Err(CommandError::new(&code::NOT_LOOPBACK, message));
    }
    // What is wrong now is told now, and not to the first who opens a link.
    file.read()?;
    let busy = |error: std::io::Error| {
        CommandError::new(&code::LISTEN, format!("{} cannot be listened on: {error}", args.listen))
    };
    let listener = TcpListener::bind(args.listen).map_err(busy)?;
    let keys = Box::new(move || file.read().map_err(|error| error.to_string()));
    let server = Server::start(Desk::new(Arc::clone(&state.journal), clock, keys), listener).map_err(busy)?;
    console::write_text(&format!("http://{}\n", server.address()))?;
    console.note("the approval page is served; Ctrl-C ends it");
    interrupt::next_signal().await;
    server.stop().await;
    Ok(Exit::Success)
}

/// Makes a key, and the keyring where there is none.
///
/// # Errors
/// The keyring cannot be used or written.
pub fn new_signing_key(file: &KeyringFile, now: Timestamp, console: Console) -> Result<Exit, CommandError> {
    let key = new_key(now)?;
    let id = key.id().clone();
    let ring = match file.read_if_there()? {
        None => Keyring::new(key),
        Some(mut ring) => {
            ring.add_key(key).map_err(|error| CommandError::new(&code::USAGE, error.to_string()))?;
            ring
        }
    };
    file.write(&ring)?;
    console.note(&format!("{}: links are signed with key {id} from now on", file.path().display()));
    Ok(Exit::Success)
}

/// Takes a key out.
///
/// # Errors
/// It is not there, or it is the last.
pub fn remove_key(file: &KeyringFile, id: &str, console: Console) -> Result<Exit, CommandError> {
    let wrong = |error: fleetwright_approval::InvalidKeyring| {
        CommandError::new(&code::USAGE, format!("{id}: {error}"))
    };
    let mut ring = file.read()?;
    ring.remove_key(&id.parse().map_err(wrong)?).map_err(wrong)?;
    file.write(&ring)?;
    console.note(&format!("links signed with key {id} are worth nothing from now on"));
    Ok(Exit::Success)
}

/// Lists keys and people.
///
/// # Errors
/// The keyring cannot be used.
pub fn list(file: &KeyringFile) -> Result<Exit, CommandError> {
    let ring = file.read()?;
    let mut text = String::new();
    for key in ring.keys() {
        let signs = if key.id() == ring.newest().id() { "  signs" } else { "" };
        text.push_str(&format!("key       {}  made at {}{signs}\n", key.id(), time(key.made_at())));
    }
    for approver in ring.approvers() {
        text.push_str(&format!("approver  {}\n", safe::line(approver.name())));
    }
    console::write_text(&text)?;
    Ok(Exit::Success)
}

/// Adds a person, gives them a new passphrase, or takes them out.
///
/// # Errors
/// The keyring cannot be used, or name or passphrase cannot be taken.
pub fn approver(file: &KeyringFile, args: &ApproverArgs, console: Console) -> Result<Exit, CommandError> {
    let mut ring = file.read()?;
    let name = &args.name;
    if args.remove {
        if !ring.remove_approver(name) {
            let message = format!("{} has no approver {name:?}", file.path().display());
            return Err(CommandError::new(&code::NO_APPROVER, message));
        }
        file.write(&ring)?;
        console.note(&format!("{} decides with no link any more", safe::line(name)));
        return Ok(Exit::Success);
    }
    let passphrase = if args.passphrase_stdin { from_standard_input()? } else { new_passphrase()? };
    let person = Approver::new(name, &passphrase, random()?)
        .map_err(|error| CommandError::new(&code::USAGE, error.to_string()))?;
    ring.set_approver(person);
    file.write(&ring)?;
    if !args.passphrase_stdin {
        console::write_text(&format!("{passphrase}\n"))?;
        console.note("this is shown once: give it to the person in another way than the links");
    }
    Ok(Exit::Success)
}

/// The first line of standard input.
fn from_standard_input() -> Result<String, CommandError> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(4096).read_to_string(&mut text);
    read.map_err(|error| CommandError::new(&code::USAGE, format!("standard input cannot be read: {error}")))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
