//! CreateTopic, ListTopics, GetTopicAttributes and DeleteTopic.

use std::collections::BTreeMap;

use serde_json::json;

use super::{entries, given, invalid, need, next, notifications, only, region, start, topic, topic_arn};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::wire::xml;
use crate::world::World;
use crate::world::notifications::{Standing, Topic};

/// Attributes that a topic is made with; those of first-in-first-out topics are not among them.
const ATTRIBUTES: [&str; 6] =
    ["DeliveryPolicy", "DisplayName", "KmsMasterKeyId", "Policy", "SignatureVersion", "TracingConfig"];

/// CreateTopic: makes a standard topic, or gives the one of that name.
pub(super) struct CreateTopic;

fn name(call: &Call) -> &str {
    call.query().get("Name").unwrap_or_default()
}

impl Operation for CreateTopic {
    fn service(&self) -> Service {
        Service::Sns
    }

    fn name(&self) -> &'static str {
        "CreateTopic"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, _: &World, call: &Call) -> Vec<Requirement> {
        let mut needed = need("sns:CreateTopic", &topic_arn(call, name(call)));
        let tags = call.query().structures("Tags.member");
        for tag in &tags {
            if let (Some(key), Some(value)) = (tag.get("Key"), tag.get("Value")) {
                needed[0].context.push((format!("aws:RequestTag/{key}"), value.to_owned()));
            }
        }
        if !tags.is_empty() {
            needed.extend(need("sns:TagResource", &topic_arn(call, name(call))));
        }
        needed
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        only(call, &["Name", "Attributes", "Tags"])?;
        let name = name(call);
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if name.is_empty() || name.len() > 256 || !plain {
            return Err(invalid("Topic Name"));
        }
        let attributes: BTreeMap<String, String> = entries(call.query(), "Attributes").into_iter().collect();
        if let Some(odd) = attributes.keys().find(|known| !ATTRIBUTES.contains(&known.as_str())) {
            return Err(invalid(&format!("Attributes Reason: Unknown attribute {odd}")));
        }
        let tags: BTreeMap<String, String> = call
            .query()
            .structures("Tags.member")
            .iter()
            .filter_map(|tag| Some((tag.get("Key")?.to_owned(), tag.get("Value")?.to_owned())))
            .collect();
        let topics = &mut notifications(world, call)?.topics;
        if let Some(known) = topics.get(name) {
            let same = attributes.iter().all(|(name, value)| known.attributes.get(name) == Some(value));
            if !same {
                return Err(invalid("Attributes Reason: Topic already exists with different attributes"));
            }
            if !tags.is_empty() && tags != known.tags {
                return Err(invalid("Tags Reason: Topic already exists with different tags"));
            }
        } else {
            topics.insert(name.to_owned(), Topic { attributes, tags, subscriptions: Vec::new() });
        }
        let mut body = String::new();
        xml::text(&mut body, "TopicArn", &topic_arn(call, name));
        Ok(body)
    }
}

/// ListTopics: the topics' ARNs, a hundred a page.
pub(super) struct ListTopics;

impl Operation for ListTopics {
    fn service(&self) -> Service {
        Service::Sns
    }

    fn name(&self) -> &'static str {
        "ListTopics"
    }

    fn requirements(&self, _: &World, call: &Call) -> Vec<Requirement> {
        need("sns:ListTopics", &topic_arn(call, "*"))
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        only(call, &["NextToken"])?;
        let topics = &region(world, call)?.notifications.topics;
        let from = start(call)?;
        let mut body = String::new();
        xml::element(&mut body, "Topics", |out| {
            for name in topics.keys().skip(from).take(super::PAGE) {
                xml::element(out, "member", |out| xml::text(out, "TopicArn", &topic_arn(call, name)));
            }
        });
        xml::text_if(&mut body, "NextToken", next(call, from, topics.len()).as_deref());
        Ok(body)
    }
}

/// GetTopicAttributes: what a topic was made with, and how many are told.
pub(super) struct GetTopicAttributes;

impl Operation for GetTopicAttributes {
    fn service(&self) -> Service {
        Service::Sns
    }

    fn name(&self) -> &'static str {
        "GetTopicAttributes"
    }

    fn requirements(&self, _: &World, call: &Call) -> Vec<Requirement> {
        need("sns:GetTopicAttributes", given(call))
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        only(call, &["TopicArn"])?;
        let topic = topic(world, call)?;
        let count =
            |standing| topic.subscriptions.iter().filter(|s| s.standing == standing).count().to_string();
        let policy = json!({
            "Version": "2008-10-17",
            "Id": "__default_policy_ID",
            "Statement": [{
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": { "AWS": "*" },
                "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:GetTopicAttributes", "SNS:DeleteTopic"],
                "Resource": given(call),
                "Condition": { "StringEquals": { "AWS:SourceOwner": call.account } },
            }],
        });
        let mut shown: BTreeMap<&str, String> = BTreeMap::from([
            ("DisplayName", String::new()),
            ("Owner", call.account.clone()),
            ("Policy", policy.to_string()),
            ("SubscriptionsConfirmed", count(Standing::Confirmed)),
            ("SubscriptionsDeleted", "0".to_owned()),
            ("SubscriptionsPending", count(Standing::Pending)),
            ("TopicArn", given(call).to_owned()),
        ]);
        shown.extend(topic.attributes.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let mut body = String::new();
        xml::element(&mut body, "Attributes", |out| {
            for (name, value) in &shown {
                xml::element(out, "entry", |out| {
                    xml::text(out, "key", name);
                    xml::text(out, "value", value);
                });
            }
        });
        Ok(body)
    }
}

/// DeleteTopic: deletes a topic with its subscriptions; one that is not there is as good as deleted.
pub(super) struct DeleteTopic;

impl Operation for DeleteTopic {
    fn service(&self) -> Service {
        Service::Sns
    }

    fn name(&self) -> &'static str {
        "DeleteTopic"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, _: &World, call: &Call) -> Vec<Requirement> {
        need("sns:DeleteTopic", given(call))
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        only(call, &["TopicArn"])?;
        let name = super::name_in(call, given(call))?;
        notifications(world, call)?.topics.remove(name);
        Ok(String::new())
    }
}
