//! SNS of one region: topics, their subscriptions, and everything that was published.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rand::RngExt;
use serde::Serialize;
use serde_json::json;

use super::Region;
use super::command::uuid;
use super::queues::Outgoing;
use crate::generate::seed::Seed;

/// Topics and messages of a region.
#[derive(Debug, Default)]
pub struct Notifications {
    /// Topics by name.
    pub topics: BTreeMap<String, Topic>,
    /// Every message, in the order of publication; those of deleted topics as well.
    pub messages: Vec<Message>,
    /// Subscriptions made so far, which their ids derive from.
    pub subscribed: u64,
}

/// A topic.
#[derive(Clone, Debug, Default)]
pub struct Topic {
    /// Attributes as they were given when it was made, by name.
    pub attributes: BTreeMap<String, String>,
    /// Tags as they were given when it was made.
    pub tags: BTreeMap<String, String>,
    /// Who is told, in the order of subscription.
    pub subscriptions: Vec<Subscription>,
}

/// Who is told of a topic's messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// Its id, a UUID, which its ARN ends with.
    #[serde(skip)]
    pub id: String,
    /// How it is told.
    pub protocol: Protocol,
    /// Where.
    pub endpoint: String,
    /// Whether the endpoint has agreed.
    #[serde(skip)]
    pub standing: Standing,
}

/// How a subscriber is told. The estate records deliveries, and sends to queues only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// A mobile application.
    Application,
    /// Mail with the bare message.
    Email,
    /// Mail with the message's JSON.
    EmailJson,
    /// A delivery stream.
    Firehose,
    /// A web hook without TLS.
    Http,
    /// A web hook.
    Https,
    /// A function.
    Lambda,
    /// A text message.
    Sms,
    /// A queue.
    Sqs,
}

/// Whether a subscription's endpoint has agreed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It gets messages.
    Confirmed,
    /// It has been asked, and gets nothing until it answers, which in the estate it never does.
    Pending,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 9] = [
        Self::Application,
        Self::Email,
        Self::EmailJson,
        Self::Firehose,
        Self::Http,
        Self::Https,
        Self::Lambda,
        Self::Sms,
        Self::Sqs,
    ];

    /// SNS's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Email => "email",
            Self::EmailJson => "email-json",
            Self::Firehose => "firehose",
            Self::Http => "http",
            Self::Https => "https",
            Self::Lambda => "lambda",
            Self::Sms => "sms",
            Self::Sqs => "sqs",
        }
    }

    /// How a new subscription stands: people and web hooks are asked first (SNS developer guide,
    /// "Confirming an Amazon SNS subscription").
    #[must_use]
    pub const fn standing(self) -> Standing {
        match self {
            Self::Email | Self::EmailJson | Self::Http | Self::Https => Standing::Pending,
            Self::Application | Self::Firehose | Self::Lambda | Self::Sms | Self::Sqs => Standing::Confirmed,
        }
    }
}

/// A message that was published.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// Its id, a UUID.
    pub id: String,
    /// When it was published.
    pub at: Timestamp,
    /// The topic's ARN.
    pub topic: String,
    /// The subject, if it has one.
    pub subject: Option<String>,
    /// The text, or where `MessageStructure` is `json` the document of texts by protocol.
    pub message: String,
    /// Its attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// Who was told: the subscriptions that were confirmed when it was published.
    pub deliveries: Arc<[Subscription]>,
}

/// An attribute of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attribute {
    /// `String`, `Number`, `Binary` or `String.Array`, with a suffix of the sender's own or without.
    pub data_type: String,
    /// The value; that of a `Binary` in base64.
    pub value: String,
}

/// What is to be published.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The subject, if it has one.
    pub subject: Option<String>,
    /// The text, or a document of texts.
    pub message: String,
    /// Which of the two.
    pub wording: Wording,
    /// Its attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
}

/// What a message's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wording {
    /// One text for everybody.
    Same,
    /// A document of texts by protocol, and `default`.
    ByProtocol,
}

impl Draft {
    /// What a queue is told: the message as JSON (SNS developer guide, "Amazon SNS HTTP/HTTPS and Amazon SQS
    /// message formats"). The signature says that it is none.
    fn for_queues(&self, topic: &str, id: &str, at: Timestamp) -> String {
        let by_protocol = match self.wording {
            Wording::Same => None,
            Wording::ByProtocol => serde_json::from_str::<serde_json::Value>(&self.message).ok(),
        };
        let worded =
            by_protocol.as_ref().and_then(|texts| texts["sqs"].as_str().or(texts["default"].as_str()));
        let mut told = json!({
            "Type": "Notification",
            "MessageId": id,
            "TopicArn": topic,
            "Message": worded.unwrap_or(&self.message),
            "Timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
            "SignatureVersion": "1",
            "Signature": "none",
        });
        if let Some(subject) = &self.subject {
            told["Subject"] = subject.as_str().into();
        }
        if !self.attributes.is_empty() {
            let shown = |it: &Attribute| json!({ "Type": it.data_type, "Value": it.value });
            let shown = self.attributes.iter().map(|(name, it)| (name.clone(), shown(it)));
            told["MessageAttributes"] = shown.collect::<serde_json::Map<_, _>>().into();
        }
        told.to_string()
    }
}

impl Region {
    /// Publishes to the topic with that ARN and name, and gives the message's id, which is drawn below
    /// `seed`; none where there is no such topic. Subscribed queues of the same account and region get it; for
    /// all other subscribers it is on record that they were told.
    pub fn publish(
        &mut self,
        seed: &Seed,
        (arn, name): (&str, &str),
        draft: Draft,
        at: Timestamp,
    ) -> Option<String> {
        let topic = self.notifications.topics.get(name)?;
        let told = topic.subscriptions.iter().filter(|s| s.standing == Standing::Confirmed);
        let id = uuid(seed.nth(self.notifications.messages.len()).stream().random());
        let deliveries: Arc<[Subscription]> = told.cloned().collect();
        let text = draft.for_queues(arn, &id, at);
        let own_queues = arn.strip_suffix(name).map(|own| own.replacen(":sns:", ":sqs:", 1));
        for queue in deliveries.iter().filter(|it| it.protocol == Protocol::Sqs) {
            let named = own_queues.as_ref().and_then(|own| queue.endpoint.strip_prefix(own.as_str()));
            let sender = "sns.amazonaws.com".to_owned();
            let outgoing = Outgoing { body: text.clone(), sender, ..Outgoing::default() };
            named.map(|queue| self.queues.send(seed, queue, outgoing, at));
        }
        let published = Message {
            id: id.clone(),
            at,
            topic: arn.to_owned(),
            subject: draft.subject,
            message: draft.message,
            attributes: draft.attributes,
            deliveries,
        };
        self.notifications.messages.push(published);
        Some(id)
    }
}
