//! The survey as a command: what is asked of a host, and its answer with the evidence kept.

use std::borrow::Cow;
use std::time::Duration;

use fleetwright_host::{LoadTarget, Questions, Reading, Request, Shell, SurveyReport, render, survey};
use fleetwright_model::redaction::redact;
use fleetwright_model::{ErrorClass, InstanceId, OsFamily, Text, code};
use fleetwright_patch::plan::PlannedHost;
use fleetwright_patch::plan::checks::load_targets;
use fleetwright_ports::Invocation;
use fleetwright_ports::commands::SHORT_OUTPUT;

use crate::command_wave::{Addressed, Answer, Order};
use crate::context::Context;
use crate::evidence::{ANSWER, Files, META, Meta, STDERR, STDOUT, SURVEY, Taken};
use fleetwright_step::{Outcome, Slot};

/// Seconds a script may run on a host.
const EXECUTION_SECONDS: u32 = 600;

/// What is asked of a host: the policy's questions and its own.
pub(crate) fn questions(context: &Context, host: &PlannedHost) -> Questions {
    let policy = &context.plan().policy.precheck;
    let owned = |texts: &[Text]| texts.iter().map(|text| text.as_ref().to_owned()).collect::<Vec<_>>();
    let mut services = owned(&policy.services);
    services.extend(owned(&host.checks.services));
    services.sort();
    services.dedup();
    Questions {
        services,
        agents: owned(&policy.security_agents),
        health: owned(&host.checks.health),
        databases: owned(&host.checks.databases),
        load: load_of(context, host),
        pace: context.plan().policy.validate.load.map(|load| load.pace).unwrap_or_default(),
        ..Questions::default()
    }
}

/// The endpoints of a host that are put under load; none where the policy has no load test.
pub(crate) fn load_of(context: &Context, host: &PlannedHost) -> Vec<LoadTarget> {
    let policy = context.plan().policy.validate.load;
    policy.map(|load| load_targets(&host.checks, load.requests)).unwrap_or_default()
}

/// Hosts that are asked the same, with the order that asks them or what to report instead.
pub(crate) type Asked<'s> = (Result<Order, Outcome>, Vec<Addressed<'s>>);

/// Puts hosts together that are asked the same: they share commands.
pub(crate) fn survey_orders<'s>(
    context: &Context,
    step: &str,
    hosts: Vec<(Addressed<'s>, &PlannedHost)>,
) -> Vec<Asked<'s>> {
    // Few hosts have questions of their own, so that a short list will do.
    let mut groups: Vec<((OsFamily, Questions), Vec<Addressed<'s>>)> = Vec::new();
    for (addressed, host) in hosts {
        let asked = (host.os, questions(context, host));
        match groups.iter_mut().find(|(known, _)| *known == asked) {
            Some((_, hosts)) => hosts.push(addressed),
            None => groups.push((asked, vec![addressed])),
        }
    }
    let order = |((os, questions), hosts): ((OsFamily, Questions), Vec<Addressed<'s>>)| {
        (script_order(context, step, os, EXECUTION_SECONDS, &Request::Survey(questions)), hosts)
    };
    groups.into_iter().map(order).collect()
}

/// The order that runs one of our scripts.
///
/// # Errors
/// What to report where there is no such script, or it cannot be asked so.
pub(crate) fn script_order(
    context: &Context,
    step: &str,
    os: OsFamily,
    execution_seconds: u32,
    request: &Request,
) -> Result<Order, Outcome> {
    let shell = Shell::of(os).ok_or_else(|| {
        let words = format!("there is no script for {os}");
        Outcome::failed(ErrorClass::Permanent, &code::PLATFORM_MISMATCH, step, &words)
    })?;
    let commands = render(shell, request).map_err(|error| {
        Outcome::failed(ErrorClass::Permanent, &code::CHECKS_UNUSABLE, step, &error.to_string())
    })?;
    let delivery = context.plan().policy.patch.delivery_seconds.max(30);
    Ok(Order {
        document: shell.document().into(),
        parameters: vec![
            ("commands".into(), commands),
            ("executionTimeout".into(), vec![execution_seconds.to_string()]),
        ],
        delivery: Duration::from_secs(u64::from(delivery)),
    })
}

/// Reads the answer of the instance that was asked, the long form where the short one was cut off, and keeps the evidence.
///
/// # Errors
/// The outcome where the answer cannot be read or the evidence cannot be kept.
pub(crate) async fn read_survey(
    files: Files<'_>,
    asked: &InstanceId,
    step: &str,
    slot: &Slot,
    taken: Taken,
    answer: &Answer,
) -> Result<Reading<SurveyReport>, Outcome> {
    let mut invocation = answer.invocation.clone();
    let mut parsed = survey::parse(&invocation.output);
    let cut = !matches!(parsed, Ok(Reading::Whole(_))) && is_full(&invocation);
    if cut || matches!(parsed, Ok(Reading::Truncated(_))) {
        let cell = files.context.cell(files.place);
        match files.context.ports().commands.output(&cell, &answer.command, asked).await {
            Ok(long) => {
                parsed = survey::parse(&long.output);
                invocation = long;
            }
            // What was read of the short form still counts as what it is: cut off.
            Err(failure) => tracing::warn!(host = %asked, %failure, "the long output was not read"),
        }
    }
    let parsed = parsed.map(cleared);
    files.keep(taken, ANSWER, answer_of(&invocation, parsed.as_ref().ok()).as_bytes()).await?;
    files.keep(taken, STDERR, redact(&invocation.errors).as_bytes()).await?;
    let report = parsed.map(|(report, _)| report).map_err(|error| {
        let words = format!("{}: {error}", slot.subject);
        Outcome::failed(ErrorClass::Permanent, &code::UNREADABLE, step, &words)
    })?;
    let meta = Meta {
        run: files.context.run().to_string(),
        instance: asked.clone(),
        command: answer.command.to_string(),
        sent_at: answer.sent_at,
        read_at: files.context.now(),
        exit_code: invocation.exit_code,
        whole: matches!(report, Reading::Whole(_)),
    };
    files.keep(taken, STDOUT, report.report().to_string().as_bytes()).await?;
    files.keep_json(taken, META, &meta).await?;
    files.keep_json(taken, SURVEY, &report).await?;
    Ok(report)
}

/// What a host says of itself without what looks like a secret - a mount's address may hold a password -,
/// before anybody compares or keeps it; and whether there was any.
fn cleared(reading: Reading<SurveyReport>) -> (Reading<SurveyReport>, bool) {
    let mut value = serde_json::to_value(&reading).expect("a survey is plain data");
    match clear(&mut value) {
        false => (reading, false),
        true => (serde_json::from_value(value).expect("texts were put in the place of texts"), true),
    }
}

/// Masks every text in it; true where one was.
fn clear(value: &mut serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => {
            let masked = match redact(text) {
                Cow::Borrowed(_) => return false,
                Cow::Owned(masked) => masked,
            };
            *text = masked;
            true
        }
        Value::Array(items) => items.iter_mut().fold(false, |any, item| clear(item) | any),
        Value::Object(members) => members.values_mut().fold(false, |any, member| clear(member) | any),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The answer as evidence. Packed lists are left out where they may hold what plain text must not.
fn answer_of(invocation: &Invocation, read: Option<&(Reading<SurveyReport>, bool)>) -> String {
    if matches!(read, Some((_, false))) {
        return redact(&invocation.output).into_owned();
    }
    let lines = invocation.output.lines().map(|line| match line.starts_with("z=") {
        true => Cow::Borrowed("z=(left out: stdout.txt has the lists)"),
        false => redact(line),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// True where the short form is as long as it can be: more may have been said.
fn is_full(invocation: &Invocation) -> bool {
    invocation.output.chars().count() + invocation.errors.chars().count() >= SHORT_OUTPUT
}
