//! E-mail: a message is written by `lettre`, and handed over in a dialogue on a connection of our own, so
//! that it is made to the address that was looked at.
//!
//! Sources: RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 8314 (TLS from the beginning).

mod dialogue;

use std::time::SystemTime;

use async_trait::async_trait;
use fleetwright_model::redaction::Redactor;
use fleetwright_notify::{Message, Severity};
use fleetwright_ports::{NotSent, Notifier};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};

use crate::connection::{connect, encrypt, never, within};
use crate::email::dialogue::Dialogue;
use crate::settings::Outbound;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// By STARTTLS; a server without it is not spoken to.
    StartTls,
    /// By TLS from the beginning.
    Tls,
    /// Not at all: to this machine only.
    None,
}

/// Who logs in; never shown.
#[derive(Clone)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login((hidden))")
    }
}

/// Where mail is handed over, from whom and to whom.
#[derive(Clone, Debug)]
pub struct EmailSettings {
    /// The server.
    pub host: String,
    /// Its port; mostly 587, or 465 with TLS from the beginning.
    pub port: u16,
    /// How the connection is protected.
    pub encryption: Encryption,
    /// Who logs in; none where nobody does.
    pub login: Option<Login>,
    /// From whom: `fleetwright <patching@example.com>`.
    pub from: String,
    /// To whom.
    pub to: Vec<String>,
}

/// A mail server and those who get mail through it.
#[derive(Debug)]
pub struct Email {
    outbound: Outbound,
    settings: EmailSettings,
    from: Mailbox,
    to: Vec<Mailbox>,
    redactor: Redactor,
}

impl Email {
    /// One with these settings.
    ///
    /// # Errors
    /// An address is none, there is nobody to write to, or a password would cross the network in the open.
    pub fn new(outbound: Outbound, settings: EmailSettings) -> Result<Self, String> {
        let mailbox = |text: &String| {
            text.parse::<Mailbox>().map_err(|error| format!("{text:?} is no address: {error}"))
        };
        let from = mailbox(&settings.from)?;
        let to: Vec<Mailbox> = settings.to.iter().map(mailbox).collect::<Result<_, _>>()?;
        if to.is_empty() {
            return Err("there is nobody to write to".to_owned());
        }
        let here = settings.host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
        if settings.encryption == Encryption::None && !here {
            return Err(format!("{} would get mail unencrypted over the network", settings.host));
        }
        let secrets = settings.login.iter().map(|login| login.password.clone());
        let redactor = Redactor::knowing(secrets.collect::<Vec<_>>());
        Ok(Self { outbound, settings, from, to, redactor })
    }

    fn write(&self, message: &Message) -> Result<lettre::Message, NotSent> {
        let unwritable =
            |error: &dyn std::fmt::Display| never(format!("the mail cannot be written: {error}"));
        let domain = self.from.email.domain();
        let id: String = message
            .id
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' })
            .collect();
        let now = SystemTime::from(self.outbound.clock.now());
        let mut mail = lettre::Message::builder()
            .from(self.from.clone())
            .subject(&message.title)
            .date(now)
            .message_id(Some(format!("<{id}@{domain}>")))
            .user_agent(self.outbound.agent.clone());
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        // Nobody's absence is to be told to us (RFC 3834).
        for (name, value) in [("Auto-Submitted", "auto-generated"), ("X-Fleetwright-Run", &*message.run)] {
            let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|error| unwritable(&error))?;
            mail = mail.raw_header(HeaderValue::new(name, value.to_owned()));
        }
        if message.severity >= Severity::Error {
            let name =
                HeaderName::new_from_ascii("Importance".to_owned()).map_err(|error| unwritable(&error))?;
            mail = mail.raw_header(HeaderValue::new(name, "high".to_owned()));
        }
        let facts: Vec<String> =
            message.facts.iter().map(|fact| format!("{}: {}", fact.name, fact.value)).collect();
        let text = format!("{}\n\n{}\n", message.text, facts.join("\n"));
        let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text);
        mail.singlepart(text).map_err(|error| unwritable(&error))
    }

    async fn hand_over(&self, mail: &lettre::Message) -> Result<(), NotSent> {
        let (outbound, settings) = (&self.outbound, &self.settings);
        let host = settings.host.as_str();
        let stream = connect(outbound, host, settings.port).await?;
        let us = self.from.email.domain();
        let mut dialogue = match settings.encryption {
            Encryption::None => Dialogue::begin(host, us, Box::new(stream)).await?,
            Encryption::Tls => {
                Dialogue::begin(host, us, Box::new(encrypt(outbound, host, stream).await?)).await?
            }
            Encryption::StartTls => {
                let plain = Dialogue::begin(host, us, Box::new(stream)).await?;
                let stream = plain.start_tls().await?;
                Dialogue::encrypted(host, us, Box::new(encrypt(outbound, host, stream).await?)).await?
            }
        };
        if let Some(login) = &settings.login {
            dialogue.log_in(&login.user, &login.password).await?;
        }
        dialogue.hand_over(mail).await
    }
}

#[async_trait]
impl Notifier for Email {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let mail = self.write(message)?;
        let limit = self.outbound.timeout;
        let done =
            within(self.outbound.clock.as_ref(), limit, &self.settings.host, self.hand_over(&mail)).await;
        done.map_err(|failure| NotSent {
            message: self.redactor.redact(&failure.message).into_owned(),
            ..failure
        })
    }
}
