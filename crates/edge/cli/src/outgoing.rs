//! Channels, routes and the system of change records, put together from the configuration.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use fleetwright_announce::{Account, Announcer, Channel};
use fleetwright_aws::Aws;
use fleetwright_aws::messaging::{EventBus, Topic};
use fleetwright_clock::SystemClock;
use fleetwright_config::settings::{
    ChannelKind, ChannelSettings, Given, ItsmSettings, ItsmSystem, MailSettings, NotificationSettings,
    RouteSettings, Settings,
};
use fleetwright_config::{Origin, Resolved};
use fleetwright_model::redaction::Redactor;
use fleetwright_model::{AccountId, Phase, Region, Zone, ZoneName, code};
use fleetwright_notifiers::{
    Credentials, Email, EmailSettings, Encryption, Endpoint, Jira, JiraSettings, Login, Outbound, Reach,
    ServiceNow, ServiceNowSettings, Slack, Teams, Webhook,
};
use fleetwright_notify::{Kind, Limits, Route, Routes, Severity, Subject, Teller, Templates, WebhookSecret};
use fleetwright_ports::{ChangeRecords, Clock, Notifier, RunId};
use jiff::SignedDuration;

use crate::console::Console;
use crate::failure::CommandError;
use crate::files;
use crate::fleet::beside;
use crate::planning::program;

/// Where messages go, and in which words.
pub struct Outgoing {
    /// Who hears of what.
    pub routes: Routes,
    /// The channels.
    pub channels: Vec<Channel>,
    drain: std::time::Duration,
    redactor: Redactor,
}

impl Outgoing {
    /// Begins to tell of a run.
    pub fn start<S: Subject + 'static>(self, run: &RunId, plan: &Arc<S>) -> Announcer {
        let plan: Arc<dyn Subject> = Arc::<S>::clone(plan);
        let teller = Teller::new(run.as_str(), plan, self.redactor);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Announcer::start(teller, self.routes, self.channels, &clock, self.drain)
    }
}

/// Says what was not delivered; true where everything was.
pub fn tell_account(account: &Account, console: Console) -> bool {
    for channel in account {
        if let Some(wrong) = &channel.template {
            console.note(&format!("channel {}: a template was not used: {wrong}", channel.channel));
        }
        if channel.undelivered > 0 {
            let why = channel.why.as_deref().unwrap_or_default();
            let code = code::NOT_DELIVERED.id;
            console.note(&format!(
                "channel {}: {} notices were not delivered: {why} [{code}]",
                channel.channel, channel.undelivered
            ));
        }
    }
    account.iter().all(|channel| channel.undelivered == 0)
}

/// Files with secrets and certificates that a configuration file names are relative to that file.
pub fn place_files(resolved: &Resolved, settings: &mut Settings) {
    let place = |key: &str, path: &mut String| {
        if let Some(Origin::File { place, .. } | Origin::Overlay { place, .. }) = resolved.origin(key) {
            *path = beside(&place.file, path);
        }
    };
    let placed = |key: &str, given: &mut Given| {
        if let Given::File(path) = given {
            place(&format!("{key}_file"), path);
        }
    };
    if let Some(path) = &mut settings.notifications.ca_file {
        place("notifications.ca_file", path);
    }
    for (name, channel) in &mut settings.notifications.channels {
        let key = |key: &str| format!("notifications.channels.{name}.{key}");
        match &mut channel.kind {
            ChannelKind::Slack { url } | ChannelKind::Teams { url } => placed(&key("webhook_url"), url),
            ChannelKind::Webhook { url, secret } => {
                placed(&key("webhook_url"), url);
                placed(&key("secret"), secret);
            }
            ChannelKind::Email(mail) => {
                if let Some((_, password)) = &mut mail.login {
                    placed(&key("password"), password);
                }
            }
            ChannelKind::Sns { .. } | ChannelKind::EventBridge { .. } => {}
        }
    }
    if let Some(itsm) = &mut settings.itsm {
        placed("itsm.password", &mut itsm.password);
    }
}

/// Every channel that is described, ready to be used; none where there is none.
///
/// # Errors
/// A channel cannot be used as it is described.
pub fn outgoing(settings: &Settings, aws: Option<(&Aws, &[Zone])>) -> Result<Option<Outgoing>, CommandError> {
    let told = &settings.notifications;
    if told.channels.is_empty() {
        return Ok(None);
    }
    let outbound = outbound(told)?;
    let (mut channels, mut secrets) = (Vec::new(), Vec::new());
    for (name, channel) in &told.channels {
        let unusable = |why: String| {
            CommandError::new(&code::CHANNEL_UNUSABLE, format!("notifications.channels.{name}: {why}"))
        };
        let notifier = notifier(channel, &outbound, aws, &mut secrets).map_err(unusable)?;
        let templates = Templates::new(channel.title.as_deref(), channel.text.as_deref());
        let templates = templates.map_err(|error| unusable(error.to_string()))?;
        channels.push(Channel { name: name.as_str().into(), notifier, templates, limits: limits(channel) });
    }
    secrets.extend(settings.itsm.iter().filter_map(|itsm| revealed(&itsm.password).ok()));
    Ok(Some(Outgoing {
        routes: Routes(told.routes.iter().map(|(name, route)| read_route(name, route)).collect()),
        channels,
        drain: told.drain,
        redactor: Redactor::knowing(secrets),
    }))
}

fn outbound(told: &NotificationSettings) -> Result<Outbound, CommandError> {
    let reach = Reach { loopback: told.allow_loopback, private: told.allow_private };
    let more = told.ca_file.as_ref().map(|path| files::read_bytes(Path::new(path))).transpose()?;
    Outbound::new(reach, Arc::new(SystemClock), told.timeout, &program(), more.as_deref())
        .map_err(|why| CommandError::new(&code::CHANNEL_UNUSABLE, why))
}

fn notifier(
    channel: &ChannelSettings,
    outbound: &Outbound,
    aws: Option<(&Aws, &[Zone])>,
    secrets: &mut Vec<String>,
) -> Result<Arc<dyn Notifier>, String> {
    let mut secret = |given: &Given| {
        let text = revealed(given)?;
        secrets.push(text.clone());
        Ok::<_, String>(text)
    };
    let endpoint = |url: &str| Endpoint::parse(url, outbound.reach()).map_err(|error| error.to_string());
    Ok(match &channel.kind {
        ChannelKind::Slack { url } => Arc::new(Slack::new(outbound.clone(), endpoint(&secret(url)?)?)),
        ChannelKind::Teams { url } => Arc::new(Teams::new(outbound.clone(), endpoint(&secret(url)?)?)),
        ChannelKind::Webhook { url, secret: key } => {
            let key = WebhookSecret::parse(&secret(key)?);
            let key = key.ok_or("its secret is not `whsec_` and base64 of 24 to 64 bytes")?;
            Arc::new(Webhook::new(outbound.clone(), endpoint(&secret(url)?)?, key))
        }
        ChannelKind::Email(mail) => {
            let password = mail.login.as_ref().map(|(_, password)| secret(password)).transpose()?;
            Arc::new(Email::new(outbound.clone(), email(mail, password))?)
        }
        ChannelKind::Sns { topic, zone } => {
            let (aws, zone) = called_as(aws, zone)?;
            Arc::new(Topic::new(aws, zone, region_of(topic)?, topic.as_str()))
        }
        ChannelKind::EventBridge { bus, zone } => {
            let (aws, zone) = called_as(aws, zone)?;
            Arc::new(EventBus::new(aws, zone, region_of(bus)?, bus.as_str()))
        }
    })
}

fn email(mail: &MailSettings, password: Option<String>) -> EmailSettings {
    let (encryption, usual) = match mail.encryption.as_deref() {
        Some("tls") => (Encryption::Tls, 465),
        Some("none") => (Encryption::None, 25),
        _ => (Encryption::StartTls, 587),
    };
    let user = mail.login.as_ref().map(|(user, _)| user.clone());
    EmailSettings {
        host: mail.host.clone(),
        port: mail.port.unwrap_or(usual),
        encryption,
        login: user.zip(password).map(|(user, password)| Login { user, password }),
        from: mail.from.clone(),
        to: mail.to.clone(),
    }
}

/// Whether a channel is called through AWS, as a landing zone.
pub fn needs_aws(settings: &Settings) -> bool {
    let aws = |channel: &ChannelSettings| {
        matches!(channel.kind, ChannelKind::Sns { .. } | ChannelKind::EventBridge { .. })
    };
    settings.notifications.channels.values().any(aws)
}

fn called_as(aws: Option<(&Aws, &[Zone])>, name: &str) -> Result<(Aws, Zone), String> {
    let (aws, zones) = aws.ok_or("it is called through AWS, and no landing zone was entered")?;
    let zone = zones.iter().find(|zone| zone.name.as_str() == name || zone.account.as_str() == name);
    let zone = zone.cloned().ok_or_else(|| format!("there is no landing zone {name:?}"))?;
    Ok((aws.clone(), zone))
}

/// The region of an ARN whose form was checked.
fn region_of(arn: &str) -> Result<Region, String> {
    let region = arn.split(':').nth(3).unwrap_or_default();
    Region::new(region).map_err(|error| format!("{arn}: {error}"))
}

fn revealed(given: &Given) -> Result<String, String> {
    match given {
        Given::Here(secret) => Ok(secret.reveal().to_owned()),
        Given::File(path) => {
            let text = files::read_text(Path::new(path)).map_err(|error| error.to_string())?;
            match text.trim() {
                "" => Err(format!("{path} is empty")),
                secret => Ok(secret.to_owned()),
            }
        }
    }
}

fn limits(channel: &ChannelSettings) -> Limits {
    let ours = Limits::default();
    let severity = channel.immediate.as_deref().and_then(Severity::from_word);
    Limits {
        group: channel.group.and_then(|group| SignedDuration::try_from(group).ok()).unwrap_or(ours.group),
        immediate: severity.unwrap_or(ours.immediate),
        per_hour: channel.per_hour.unwrap_or(ours.per_hour),
        burst: channel.per_hour.map_or(ours.burst, |most| most.min(ours.burst)),
        attempts: channel.max_attempts.unwrap_or(ours.attempts),
        ..ours
    }
}

fn read_route(name: &str, route: &RouteSettings) -> Route {
    let (accounts, zones): (BTreeSet<AccountId>, Vec<&String>) =
        route.zones.iter().fold(Default::default(), |(mut accounts, mut zones), text| {
            match AccountId::new(text.as_str()) {
                Ok(account) => drop(accounts.insert(account)),
                Err(_) => zones.push(text),
            }
            (accounts, zones)
        });
    let phase = |word: &String| Phase::ALL.into_iter().find(|phase| phase.as_str() == word);
    Route {
        name: name.into(),
        channels: route.channels.iter().map(|channel| channel.as_str().into()).collect(),
        severity: route.severity.as_deref().and_then(Severity::from_word).unwrap_or(Severity::Info),
        accounts,
        zones: zones.into_iter().filter_map(|name| ZoneName::new(name.as_str()).ok()).collect(),
        phases: route.phases.iter().filter_map(phase).collect(),
        kinds: route.events.iter().filter_map(|word| Kind::from_word(word)).collect(),
    }
}

/// The system of change records; none where none is described.
///
/// # Errors
/// It cannot be used as it is described.
pub fn change_records(settings: &Settings) -> Result<Option<Arc<dyn ChangeRecords>>, CommandError> {
    let Some(itsm) = &settings.itsm else { return Ok(None) };
    let outbound = outbound(&settings.notifications)?;
    let unusable = |why: String| CommandError::new(&code::CHANNEL_UNUSABLE, format!("itsm: {why}"));
    let url = Endpoint::parse(&itsm.url, outbound.reach()).map_err(|error| unusable(error.to_string()))?;
    let credentials = credentials(itsm).map_err(unusable)?;
    let fields = itsm.fields.clone();
    Ok(Some(match &itsm.system {
        ItsmSystem::ServiceNow { change_type } => Arc::new(ServiceNow::new(
            outbound,
            ServiceNowSettings { instance: url, credentials, change_type: change_type.clone(), fields },
        )),
        ItsmSystem::Jira { project, issue_type, approved, rejected, underway, done, failed } => {
            Arc::new(Jira::new(
                outbound,
                JiraSettings {
                    site: url,
                    credentials,
                    project: project.clone(),
                    issue_type: issue_type.clone(),
                    fields,
                    approved: approved.clone(),
                    rejected: rejected.clone(),
                    underway: underway.clone(),
                    done: done.clone(),
                    failed: failed.clone(),
                },
            ))
        }
    }))
}

fn credentials(itsm: &ItsmSettings) -> Result<Credentials, String> {
    let password = revealed(&itsm.password)?;
    Ok(match &itsm.user {
        Some(user) => Credentials::Basic { user: user.clone(), password },
        None => Credentials::Bearer(password),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_can_name_every_kind_of_notice_there_is() {
        let words: BTreeSet<&str> = fleetwright_config::keys::NOTICES.iter().copied().collect();
        let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Test);
        assert_eq!(words, kinds.map(Kind::as_str).collect());
    }
}
