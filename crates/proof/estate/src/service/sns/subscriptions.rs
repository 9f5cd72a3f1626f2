//! Subscribe and ListSubscriptionsByTopic.

use super::{given, invalid, name_in, need, next, no_such_topic, notifications, only, start, topic};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::generate::seed::Seed;
use crate::wire::xml;
use crate::world::World;
use crate::world::command::uuid;
use crate::world::notifications::{Protocol, Standing, Subscription};
use rand::RngExt;

/// What stands for an ARN until the endpoint has agreed.
const PENDING: &str = "PendingConfirmation";

/// Subscribe: records who is to be told.
pub(super) struct Subscribe;

impl Operation for Subscribe {
    fn service(&self) -> Service {
        Service::Sns
    }

    fn name(&self) -> &'static str {
        "Subscribe"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, _: &World, call: &Call) -> Vec<Requirement> {
        let mut needed = need("sns:Subscribe", given(call));
        for (parameter, key) in [("Protocol", "sns:Protocol"), ("Endpoint", "sns:Endpoint")] {
            if let Some(value) = call.query().get(parameter) {
                needed[0].context.push((key.to_owned(), value.to_owned()));
            }
        }
        needed
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        only(call, &["TopicArn", "Protocol", "Endpoint", "ReturnSubscriptionArn"])?;
        let query = call.query();
        let name = name_in(call, given(call))?;
        let protocol = query.get("Protocol").unwrap_or_default();
        let protocol = Protocol::ALL
            .into_iter()
            .find(|known| known.name() == protocol)
            .ok_or_else(|| invalid(&format!("Does not support this protocol string: {protocol}")))?;
        let endpoint = query.get("Endpoint").unwrap_or_default();
        check_endpoint(protocol, endpoint)?;
        let arn_wanted = query.get("ReturnSubscriptionArn") == Some("true");
        let seed = Seed::root(world.seed).child("subscription").child(given(call));
        let notifications = notifications(world, call)?;
        let topic = notifications.topics.get_mut(name).ok_or_else(no_such_topic)?;
        let known = topic.subscriptions.iter().find(|s| s.protocol == protocol && s.endpoint == endpoint);
        let subscription = match known {
            Some(known) => known.clone(),
            None => {
                let id = uuid(seed.nth(notifications.subscribed as usize).stream().random());
                notifications.subscribed += 1;
                let standing = protocol.standing();
                let new = Subscription { id, protocol, endpoint: endpoint.to_owned(), standing };
                topic.subscriptions.push(new.clone());
                new
            }
        };
        let shown = match subscription.standing {
            Standing::Pending if !arn_wanted => "pending confirmation".to_owned(),
            _ => format!("{}:{}", given(call), subscription.id),
        };
        let mut body = String::new();
        xml::text(&mut body, "SubscriptionArn", &shown);
        Ok(body)
    }
}

fn check_endpoint(protocol: Protocol, endpoint: &str) -> Result<(), ApiError> {
    let (fits, reason) = match protocol {
        Protocol::Email | Protocol::EmailJson => (endpoint.contains('@'), "Email address"),
        Protocol::Http => (endpoint.starts_with("http://"), "Endpoint must match the specified protocol"),
        Protocol::Https => (endpoint.starts_with("https://"), "Endpoint must match the specified protocol"),
        Protocol::Sqs => (endpoint.starts_with("arn:aws:sqs:"), "SQS endpoint ARN"),
        Protocol::Lambda => (endpoint.starts_with("arn:aws:lambda:"), "Lambda endpoint ARN"),
        Protocol::Application | Protocol::Firehose => (endpoint.starts_with("arn:aws:"), "Endpoint ARN"),
        Protocol::Sms => {
            let digits = endpoint.strip_prefix('+').unwrap_or(endpoint);
            (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()), "Invalid SMS endpoint")
        }
    };
    if fits { Ok(()) } else { Err(invalid(reason)) }
}

/// ListSubscriptionsByTopic: who is told, a hundred a page.
pub(super) struct ListSubscriptionsByTopic;

impl Operation for ListSubscriptionsByTopic {
    fn service(&self) -> Service {
        Service::Sns
    }

    fn name(&self) -> &'static str {
        "ListSubscriptionsByTopic"
    }

    fn requirements(&self, _: &World, call: &Call) -> Vec<Requirement> {
        need("sns:ListSubscriptionsByTopic", given(call))
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        only(call, &["TopicArn", "NextToken"])?;
        let listed = &topic(world, call)?.subscriptions;
        let from = start(call)?;
        let mut body = String::new();
        xml::element(&mut body, "Subscriptions", |out| {
            for subscription in listed.iter().skip(from).take(super::PAGE) {
                let arn = match subscription.standing {
                    Standing::Confirmed => format!("{}:{}", given(call), subscription.id),
                    Standing::Pending => PENDING.to_owned(),
                };
                xml::element(out, "member", |out| {
                    xml::text(out, "SubscriptionArn", &arn);
                    xml::text(out, "Owner", &call.account);
                    xml::text(out, "Protocol", subscription.protocol.name());
                    xml::text(out, "Endpoint", &subscription.endpoint);
                    xml::text(out, "TopicArn", given(call));
                });
            }
        });
        xml::text_if(&mut body, "NextToken", next(call, from, listed.len()).as_deref());
        Ok(body)
    }
}
