//! `notifications` and `itsm`: from values to channels, routes and a system of change records.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetwright_model::{Code, code};

use super::windows::{Unfit, Values};
use crate::value::{Secret, Value};

/// `notifications`: who is told, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct NotificationSettings {
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How long the end of a run waits for messages on their way.
    pub drain: Duration,
    /// Whether private networks may be reached.
    pub allow_private: bool,
    /// Whether this machine may be reached.
    pub allow_loopback: bool,
    /// A file of certificates that vouch for receivers.
    pub ca_file: Option<String>,
    /// `channels`, by name.
    pub channels: BTreeMap<String, ChannelSettings>,
    /// `routes`, by name.
    pub routes: BTreeMap<String, RouteSettings>,
}

/// `notifications.channels.NAME`: where messages go, in which words and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelSettings {
    /// What it is.
    pub kind: ChannelKind,
    /// The template of titles.
    pub title: Option<String>,
    /// The template of texts.
    pub text: Option<String>,
    /// How long notices wait for company.
    pub group: Option<Duration>,
    /// The least severe that does not wait: info, warning, error or critical.
    pub immediate: Option<String>,
    /// Messages in an hour.
    pub per_hour: Option<u32>,
    /// Attempts at one message.
    pub max_attempts: Option<u32>,
}

/// What a channel is.
#[derive(Clone, Debug, PartialEq)]
pub enum ChannelKind {
    /// An incoming webhook of Slack.
    Slack {
        /// Its address.
        url: Given,
    },
    /// A webhook of Teams' workflows.
    Teams {
        /// Its address.
        url: Given,
    },
    /// A signed webhook.
    Webhook {
        /// Its address.
        url: Given,
        /// What messages are signed with.
        secret: Given,
    },
    /// E-mail.
    Email(MailSettings),
    /// An SNS topic.
    Sns {
        /// Its ARN.
        topic: String,
        /// The landing zone as whom it is called.
        zone: String,
    },
    /// An EventBridge event bus.
    EventBridge {
        /// Its ARN.
        bus: String,
        /// The landing zone as whom it is called.
        zone: String,
    },
}

/// A mail server, from whom and to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct MailSettings {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: Option<u16>,
    /// starttls, tls or none.
    pub encryption: Option<String>,
    /// Who logs in, and with which password.
    pub login: Option<(String, Given)>,
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: Vec<String>,
}

/// A secret: here, or in a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// The secret.
    Here(Secret),
    /// The file it is in, as written; relative to the file that names it, see [`crate::Resolved::origin`].
    File(String),
}

/// `notifications.routes.NAME`: which notices go to which channels. Empty lists stand for all.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteSettings {
    /// The channels.
    pub channels: Vec<String>,
    /// The least severe.
    pub severity: Option<String>,
    /// Landing zones, by name or account.
    pub zones: Vec<String>,
    /// Phases.
    pub phases: Vec<String>,
    /// Kinds of notices.
    pub events: Vec<String>,
}

/// `itsm`: the system that keeps change records.
#[derive(Clone, Debug, PartialEq)]
pub struct ItsmSettings {
    /// Which it is.
    pub system: ItsmSystem,
    /// Where it is.
    pub url: String,
    /// Who we are there; none where the password is a bearer token.
    pub user: Option<String>,
    /// The password.
    pub password: Given,
    /// Whether its record decides at gates.
    pub gate: bool,
    /// How often it is looked at.
    pub poll: Duration,
    /// Further fields of new records.
    pub fields: BTreeMap<String, String>,
}

/// A system that keeps change records.
#[derive(Clone, Debug, PartialEq)]
pub enum ItsmSystem {
    /// ServiceNow.
    ServiceNow {
        /// The type of changes.
        change_type: String,
    },
    /// Jira.
    Jira {
        /// The key of the project.
        project: String,
        /// The type of issues.
        issue_type: String,
        /// Statuses in which a change may be made.
        approved: Vec<String>,
        /// Statuses in which it must not be.
        rejected: Vec<String>,
        /// The status of a change that is being made.
        underway: String,
        /// The status of one that was made.
        done: String,
        /// The status of one that failed.
        failed: String,
    },
}

/// A channel.
pub(crate) fn channel(values: &Values) -> Result<ChannelSettings, Unfit> {
    let Some(kind) = text(values, "kind") else {
        let message = "has no `kind`: nobody knows how messages go there".to_owned();
        return Err(Unfit { key: None, code: &code::MISSING_KEY, message });
    };
    let (kind, takes): (_, &[&str]) = match kind.as_str() {
        "slack" => {
            (ChannelKind::Slack { url: given(values, "webhook_url")? }, &["webhook_url", "webhook_url_file"])
        }
        "teams" => {
            (ChannelKind::Teams { url: given(values, "webhook_url")? }, &["webhook_url", "webhook_url_file"])
        }
        "webhook" => {
            let (url, secret) = (given(values, "webhook_url")?, given(values, "secret")?);
            (
                ChannelKind::Webhook { url, secret },
                &["webhook_url", "webhook_url_file", "secret", "secret_file"],
            )
        }
        "email" => (
            ChannelKind::Email(mail(values)?),
            &["host", "port", "encryption", "user", "password", "password_file", "from", "to"],
        ),
        "sns" => (
            ChannelKind::Sns { topic: arn(values, "topic", "sns")?, zone: needed(values, "zone")? },
            &["topic", "zone"],
        ),
        _ => {
            let bus = arn(values, "bus", "events")?;
            (ChannelKind::EventBridge { bus, zone: needed(values, "zone")? }, &["bus", "zone"])
        }
    };
    let common = ["kind", "title", "text", "group", "immediate", "per_hour", "max_attempts"];
    let stray = values.keys().find(|key| !common.contains(&key.as_str()) && !takes.contains(&key.as_str()));
    if let Some(stray) = stray {
        let named = crate::keys::all().filter_map(|key| key.path.strip_prefix("notifications.channels.*."));
        let key = named.into_iter().find(|key| key == stray);
        let message = "says nothing to a channel of this kind".to_owned();
        return Err(Unfit { key, code: &code::CONFLICTING_KEYS, message });
    }
    Ok(ChannelSettings {
        kind,
        title: text(values, "title"),
        text: text(values, "text"),
        group: duration(values, "group"),
        immediate: text(values, "immediate"),
        per_hour: integer(values, "per_hour"),
        max_attempts: integer(values, "max_attempts"),
    })
}

fn mail(values: &Values) -> Result<MailSettings, Unfit> {
    let user = text(values, "user");
    let login = user.map(|user| Ok((user, given(values, "password")?))).transpose()?;
    let to = texts(values, "to");
    if to.is_empty() {
        return Err(missing("to"));
    }
    Ok(MailSettings {
        host: needed(values, "host")?,
        port: integer(values, "port").and_then(|port| u16::try_from(port).ok()),
        encryption: text(values, "encryption"),
        login,
        from: needed(values, "from")?,
        to,
    })
}

/// A route.
pub(crate) fn route(values: &Values) -> Result<RouteSettings, Unfit> {
    let channels = texts(values, "channels");
    if channels.is_empty() {
        return Err(missing("channels"));
    }
    Ok(RouteSettings {
        channels,
        severity: text(values, "severity"),
        zones: texts(values, "zones"),
        phases: texts(values, "phases"),
        events: texts(values, "events"),
    })
}

/// The system of change records; `None` where there is none.
pub(crate) fn itsm(values: &Values) -> Result<Option<ItsmSettings>, Unfit> {
    let Some(system) = text(values, "system") else { return Ok(None) };
    let word = |key: &'static str| text(values, key).unwrap_or_default();
    let system = match system.as_str() {
        "servicenow" => ItsmSystem::ServiceNow { change_type: word("change_type") },
        _ => ItsmSystem::Jira {
            project: needed(values, "project")?,
            issue_type: word("issue_type"),
            approved: texts(values, "approved_states"),
            rejected: texts(values, "rejected_states"),
            underway: word("underway_state"),
            done: word("done_state"),
            failed: word("failed_state"),
        },
    };
    let pair = |text: String| {
        let pair =
            text.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        pair.filter(|(name, _)| !name.is_empty()).ok_or_else(|| Unfit {
            key: Some("fields"),
            code: &code::WRONG_TYPE,
            message: format!("`{}` is not name=value", crate::error::shorten(&text)),
        })
    };
    Ok(Some(ItsmSettings {
        system,
        url: needed(values, "url")?,
        user: text(values, "user"),
        password: given(values, "password")?,
        gate: matches!(values.get("gate"), Some(Value::Bool(true))),
        poll: duration(values, "poll").unwrap_or(Duration::from_secs(60)),
        fields: texts(values, "fields").into_iter().map(pair).collect::<Result<_, _>>()?,
    }))
}

/// The ARN of a service's resource, with region and account.
fn arn(values: &Values, key: &'static str, service: &str) -> Result<String, Unfit> {
    let text = needed(values, key)?;
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let whole = matches!(parts.as_slice(), ["arn", partition, of, region, account, name]
        if partition.starts_with("aws") && *of == service && !region.is_empty()
            && account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty());
    let message = format!(
        "`{}` is not an ARN such as arn:aws:{service}:REGION:ACCOUNT:NAME",
        crate::error::shorten(&text)
    );
    whole.then_some(text).ok_or(Unfit { key: Some(key), code: &code::INVALID_ARN, message })
}

fn missing(key: &str) -> Unfit {
    Unfit { key: None, code: &code::MISSING_KEY as &'static Code, message: format!("has no `{key}`") }
}

fn needed(values: &Values, key: &'static str) -> Result<String, Unfit> {
    text(values, key).ok_or_else(|| missing(key))
}

/// A secret that stands here or in a file, and not in both.
fn given(values: &Values, key: &'static str) -> Result<Given, Unfit> {
    let file = text(values, &format!("{key}_file"));
    match (values.get(key), file) {
        (Some(Value::Secret(secret)), None) => Ok(Given::Here(secret.clone())),
        (Some(Value::Secret(_)), Some(_)) => {
            let message = format!("cannot hold together with `{key}_file`");
            Err(Unfit { key: Some(key), code: &code::CONFLICTING_KEYS, message })
        }
        (_, Some(file)) => Ok(Given::File(file)),
        (_, None) => Err(missing(key)),
    }
}

fn text(values: &Values, key: &str) -> Option<String> {
    match values.get(key) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

fn texts(values: &Values, key: &str) -> Vec<String> {
    match values.get(key) {
        Some(Value::Texts(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

fn duration(values: &Values, key: &str) -> Option<Duration> {
    match values.get(key) {
        Some(Value::Duration(length)) => Some(*length),
        _ => None,
    }
}

fn integer(values: &Values, key: &str) -> Option<u32> {
    match values.get(key) {
        Some(Value::Integer(number)) => u32::try_from(*number).ok(),
        _ => None,
    }
}
