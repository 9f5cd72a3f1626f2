use std::time::Duration;

use super::kind::{minutes, seconds};
use super::{Key, Kind, TextForm};

const SEVERITIES: &[&str] = &["info", "warning", "error", "critical"];

/// The kinds of notices, by the names that messages carry.
pub const NOTICES: &[&str] = &[
    "run_started",
    "run_ended",
    "run_held",
    "run_goes_on",
    "gate_waits",
    "gate_decided",
    "gate_failed",
    "host_failed",
    "host_rolled_back",
    "host_stuck",
    "cluster_failed",
    "clean_up_failed",
];

const PHASES: &[&str] = &["backup", "start", "precheck", "patch", "validate"];

pub(super) static KEYS: &[Key] = &[
    Key::new(
        "notifications.timeout",
        Kind::Duration { min: seconds(1), max: minutes(5) },
        "10s",
        "How long one attempt at one message may take, and one request to an ITSM system.",
    )
    .default("30s"),
    Key::new(
        "notifications.drain",
        Kind::Duration { min: Duration::ZERO, max: minutes(60) },
        "5m",
        "How long a command waits at the end of its run for messages that are still on their way. What is not \
         delivered by then is named.",
    )
    .default("2m"),
    Key::new(
        "notifications.allow_private",
        Kind::Bool,
        "true",
        "Whether private networks may be reached (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, \
         fc00::/7). Link-local addresses and those of metadata services never are.",
    )
    .default("false"),
    Key::new(
        "notifications.allow_loopback",
        Kind::Bool,
        "true",
        "Whether this machine may be reached, also without encryption: for a mail server that runs beside.",
    )
    .default("false"),
    Key::new(
        "notifications.ca_file",
        Kind::Text(TextForm::Path),
        "company-roots.pem",
        "Certificates (PEM) that vouch for receivers, besides those of the machine.",
    ),
    Key::new(
        "notifications.channels.*.kind",
        Kind::Text(TextForm::OneOf(&["slack", "teams", "webhook", "email", "sns", "eventbridge"])),
        "slack",
        "What the channel is: an incoming webhook of Slack, a webhook of Teams' workflows, a webhook that is \
         signed as Standard Webhooks has it, e-mail, an SNS topic, or an EventBridge event bus.",
    ),
    Key::new(
        "notifications.channels.*.webhook_url",
        Kind::Text(TextForm::Url),
        "https://hooks.slack.com/services/T00/B00/XXX",
        "Where messages of slack, teams and webhook go. Whoever knows it can write there, so it is treated as \
         a secret.",
    )
    .secret(),
    Key::new(
        "notifications.channels.*.webhook_url_file",
        Kind::Text(TextForm::Path),
        "slack-url.txt",
        "A file with the address, in its place.",
    ),
    Key::new(
        "notifications.channels.*.secret",
        Kind::Text(TextForm::Password),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "What a webhook's messages are signed with: `whsec_` and base64 of 24 to 64 random bytes.",
    )
    .secret(),
    Key::new(
        "notifications.channels.*.secret_file",
        Kind::Text(TextForm::Path),
        "webhook-secret.txt",
        "A file with the secret, in its place.",
    ),
    Key::new("notifications.channels.*.host", Kind::Text(TextForm::Name), "smtp.example.com", "The mail server of email."),
    Key::new(
        "notifications.channels.*.port",
        Kind::Integer { min: 1, max: 65535, unit: "ports" },
        "465",
        "Its port; without one 587, or 465 where TLS is spoken from the beginning.",
    ),
    Key::new(
        "notifications.channels.*.encryption",
        Kind::Text(TextForm::OneOf(&["starttls", "tls", "none"])),
        "tls",
        "How the connection to it is protected; starttls without one. `none` is for this machine only.",
    ),
    Key::new("notifications.channels.*.user", Kind::Text(TextForm::Name), "patching@example.com", "Who logs in there; nobody without one."),
    Key::new(
        "notifications.channels.*.password",
        Kind::Text(TextForm::Password),
        "correct horse battery staple",
        "The password for that user name.",
    )
    .secret(),
    Key::new(
        "notifications.channels.*.password_file",
        Kind::Text(TextForm::Path),
        "smtp-password.txt",
        "A file with the password, in its place.",
    ),
    Key::new(
        "notifications.channels.*.from",
        Kind::Text(TextForm::Name),
        "Patching <patching@example.com>",
        "The address that e-mail is sent from.",
    ),
    Key::new("notifications.channels.*.to", Kind::List(TextForm::Name), "[ops@example.com]", "The addresses that e-mail goes to."),
    Key::new(
        "notifications.channels.*.topic",
        Kind::Text(TextForm::Name),
        "arn:aws:sns:eu-central-1:111122223333:patching",
        "The ARN of the topic of sns.",
    ),
    Key::new(
        "notifications.channels.*.bus",
        Kind::Text(TextForm::Name),
        "arn:aws:events:eu-central-1:111122223333:event-bus/default",
        "The ARN of the event bus of eventbridge.",
    ),
    Key::new(
        "notifications.channels.*.zone",
        Kind::Text(TextForm::ZoneName),
        "shared-services",
        "The landing zone, by name or account, as whom sns and eventbridge are called.",
    ),
    Key::new(
        "notifications.channels.*.title",
        Kind::Text(TextForm::Template),
        "'{{ run }}: {{ summary }}'",
        "The title of messages, as a Jinja template; `id`, `run`, `at`, `severity`, `summary`, `facts`, \
         `notices` and `more` can be used.",
    ),
    Key::new(
        "notifications.channels.*.text",
        Kind::Text(TextForm::Template),
        "'{% for notice in notices %}{{ notice.title }} {% endfor %}'",
        "The text of messages, as a Jinja template. One that fails while a run is told does not keep its \
         message back: it comes in our words.",
    ),
    Key::new(
        "notifications.channels.*.group",
        Kind::Duration { min: Duration::ZERO, max: minutes(60) },
        "5m",
        "How long what is not urgent waits for company, and how far apart messages are that are; 30s without \
         it.",
    ),
    Key::new(
        "notifications.channels.*.immediate",
        Kind::Text(TextForm::OneOf(SEVERITIES)),
        "critical",
        "From which severity on something is urgent; error without it.",
    ),
    Key::new(
        "notifications.channels.*.per_hour",
        Kind::Integer { min: 1, max: 3600, unit: "messages" },
        "20",
        "How many messages go there in an hour at most; 60 without it. What comes meanwhile goes with the next.",
    ),
    Key::new(
        "notifications.channels.*.max_attempts",
        Kind::Integer { min: 1, max: 20, unit: "attempts" },
        "3",
        "How often a message is attempted, the first time included; 6 without it.",
    ),
    Key::new(
        "notifications.routes.*.channels",
        Kind::List(TextForm::Name),
        "[ops-chat, ops-mail]",
        "The channels of the route.",
    ),
    Key::new(
        "notifications.routes.*.severity",
        Kind::Text(TextForm::OneOf(SEVERITIES)),
        "error",
        "The least severe that takes the route; all without it.",
    ),
    Key::new(
        "notifications.routes.*.zones",
        Kind::List(TextForm::ZoneName),
        "[payments, '111122223333']",
        "Only what happens in these landing zones, by name or account; what is of a run as a whole takes the \
         route where one of its zones is meant.",
    ),
    Key::new(
        "notifications.routes.*.phases",
        Kind::List(TextForm::OneOf(PHASES)),
        "[backup, patch]",
        "Only what happens in these phases; what is of a run as a whole happens in none.",
    ),
    Key::new(
        "notifications.routes.*.events",
        Kind::List(TextForm::OneOf(NOTICES)),
        "[gate_waits, run_ended]",
        "Only what is of these kinds.",
    ),
];
