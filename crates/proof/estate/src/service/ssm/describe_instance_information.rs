//! DescribeInstanceInformation.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::document;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::world::agent::Agent;
use crate::world::instance::{Instance, InstanceState};
use crate::world::{Region, World};

/// DescribeInstanceInformation: every instance whose agent ever registered.
pub(super) struct DescribeInstanceInformation;

/// Nodes of a page: least, most, default.
const PAGE: (usize, usize, usize) = (5, 50, 10);
/// Values of one filter, at most.
const MAX_VALUES: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    filters: Option<Vec<StringFilter>>,
    instance_information_filter_list: Option<Vec<LegacyFilter>>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StringFilter {
    key: String,
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LegacyFilter {
    key: String,
    value_set: Vec<String>,
}

/// What a filter looks at.
enum Key {
    AgentVersion,
    AssociationStatus,
    InstanceIds,
    PingStatus,
    PlatformTypes,
    ResourceType,
    SourceTypes,
    /// Known to the service, but of no node that runs on EC2.
    OffEc2,
    AnyTag,
    Tag(String),
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "AgentVersion" => Self::AgentVersion,
            "AssociationStatus" => Self::AssociationStatus,
            "InstanceIds" | "SourceIds" => Self::InstanceIds,
            "PingStatus" => Self::PingStatus,
            "PlatformTypes" => Self::PlatformTypes,
            "ResourceType" => Self::ResourceType,
            "SourceTypes" => Self::SourceTypes,
            "ActivationIds" | "IamRole" => Self::OffEc2,
            "tag-key" => Self::AnyTag,
            other => Self::Tag(other.strip_prefix("tag:")?.to_owned()),
        })
    }

    /// The only values the service accepts under this key, where they are few.
    fn choices(&self) -> Option<&'static [&'static str]> {
        match self {
            Self::PingStatus => Some(&["Online", "ConnectionLost", "Inactive"]),
            Self::PlatformTypes => Some(&["Windows", "Linux", "MacOS"]),
            Self::ResourceType => Some(&["EC2Instance", "ManagedInstance"]),
            Self::AssociationStatus => Some(&["Success", "Pending", "Failed"]),
            _ => None,
        }
    }

    fn of_tags(&self) -> bool {
        matches!(self, Self::AnyTag | Self::Tag(_))
    }
}

struct Filter {
    key: Key,
    values: Vec<String>,
}

impl Filter {
    fn new(key: &str, values: Vec<String>) -> Result<Self, ApiError> {
        let parsed = Key::parse(key).ok_or_else(|| {
            ApiError::new(400, "InvalidFilterKey", format!("The specified filter key '{key}' isn't valid."))
        })?;
        if values.is_empty() || values.len() > MAX_VALUES {
            let rule = if values.is_empty() {
                "Member must have length greater than or equal to 1".to_owned()
            } else {
                format!("Member must have length less than or equal to {MAX_VALUES}")
            };
            return Err(document::constraint(
                &format!("'[{}]'", values.join(", ")),
                "filters.1.member.values",
                &rule,
            ));
        }
        if matches!(parsed, Key::InstanceIds)
            && let Some(bad) = values.iter().find(|value| !document::is_node_id(value))
        {
            return Err(ApiError::new(
                400,
                "InvalidInstanceId",
                format!("The instance ID {bad} isn't valid."),
            ));
        }
        if let Some(choices) = parsed.choices()
            && let Some(bad) = values.iter().find(|value| !choices.contains(&value.as_str()))
        {
            return Err(ApiError::new(
                400,
                "InvalidInstanceInformationFilterValue",
                format!(
                    "The specified filter value '{bad}' isn't valid for key {key}; valid values: {}",
                    choices.join(", ")
                ),
            ));
        }
        Ok(Self { key: parsed, values })
    }

    fn accepts(&self, it: &Instance, agent: &Agent, now: jiff::Timestamp) -> bool {
        let asked = |value: &str| self.values.iter().any(|wanted| wanted == value);
        match &self.key {
            Key::AgentVersion => asked(&agent.version),
            Key::AssociationStatus => agent.last_association.is_some() && asked("Success"),
            Key::InstanceIds => asked(&it.id.to_string()),
            Key::PingStatus => asked(agent.ping.status(now)),
            Key::PlatformTypes => asked(it.platform.facts().agent_type),
            Key::ResourceType => asked("EC2Instance"),
            Key::SourceTypes => asked("AWS::EC2::Instance"),
            Key::OffEc2 => false,
            Key::AnyTag => it.tags.iter().any(|(key, _)| asked(key)),
            Key::Tag(key) => it.tags.get(key).is_some_and(asked),
        }
    }
}

fn filters(input: &mut Input) -> Result<Vec<Filter>, ApiError> {
    let modern = input.filters.take().unwrap_or_default();
    let legacy = input.instance_information_filter_list.take().unwrap_or_default();
    if !modern.is_empty() && !legacy.is_empty() {
        return Err(ApiError::new(
            400,
            "ValidationException",
            "Filters and InstanceInformationFilterList can't be used in the same request.",
        ));
    }
    let mut filters = Vec::with_capacity(modern.len() + legacy.len());
    for filter in modern {
        filters.push(Filter::new(&filter.key, filter.values)?);
    }
    for filter in legacy {
        let read = Filter::new(&filter.key, filter.value_set)?;
        if read.key.of_tags() {
            return Err(ApiError::new(
                400,
                "InvalidFilterKey",
                format!("The specified filter key '{}' isn't valid.", filter.key),
            ));
        }
        filters.push(read);
    }
    if filters.iter().any(|filter| filter.key.of_tags()) && filters.iter().any(|filter| !filter.key.of_tags())
    {
        return Err(ApiError::new(
            400,
            "ValidationException",
            "Tag filters can't be combined with other filter types.",
        ));
    }
    Ok(filters)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    instance_information_list: Vec<Information>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Information {
    instance_id: String,
    ping_status: &'static str,
    last_ping_date_time: f64,
    agent_version: String,
    is_latest_version: bool,
    platform_type: &'static str,
    platform_name: &'static str,
    platform_version: &'static str,
    resource_type: &'static str,
    #[serde(rename = "IPAddress")]
    ip_address: String,
    computer_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    association_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_association_execution_date: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_successful_association_execution_date: Option<f64>,
    source_id: String,
    source_type: &'static str,
}

impl Information {
    fn new(it: &Instance, agent: &Agent, call: &Call) -> Self {
        let facts = it.platform.facts();
        let associated = agent.last_association.map(document::seconds);
        Self {
            instance_id: it.id.to_string(),
            ping_status: agent.ping.status(call.now),
            last_ping_date_time: document::seconds(agent.ping.last(call.now)),
            agent_version: agent.version.to_string(),
            is_latest_version: agent.is_latest(),
            platform_type: facts.agent_type,
            platform_name: facts.agent_name,
            platform_version: facts.agent_version,
            resource_type: "EC2Instance",
            ip_address: agent.ip.to_string(),
            computer_name: agent.computer_name.to_string(),
            association_status: associated.map(|_| "Success"),
            last_association_execution_date: associated,
            last_successful_association_execution_date: associated,
            source_id: it.id.to_string(),
            source_type: "AWS::EC2::Instance",
        }
    }
}

/// The agent of an instance that Systems Manager still lists, as it is now.
fn listed<'r>(region: &'r Region, it: &'r Instance, call: &Call) -> Option<Cow<'r, Agent>> {
    let agent = match it.state {
        InstanceState::Terminated | InstanceState::ShuttingDown => return None,
        _ => it.agent.as_ref()?,
    };
    match region.hosts.lost_since(it, call.now) {
        Some(since) if agent.ping.listens() => {
            Some(Cow::Owned(Agent { ping: agent.ping.silenced(since), ..agent.clone() }))
        }
        _ => Some(Cow::Borrowed(agent)),
    }
}

impl Operation for DescribeInstanceInformation {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "DescribeInstanceInformation"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ssm:DescribeInstanceInformation")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let mut input: Input = document::read(call)?;
        let region = document::region(world, call)?;
        let (least, most, default) = PAGE;
        let size = document::page_size(input.max_results, least, most, default)?;
        let filters = filters(&mut input)?;
        let start = document::start(call, input.next_token.as_deref())?;

        let mut answer = Answer { instance_information_list: Vec::with_capacity(size), next_token: None };
        for it in region.instances.from_place(start as usize) {
            let Some(agent) = listed(region, it, call) else { continue };
            let agent = agent.as_ref();
            if !filters.iter().all(|filter| filter.accepts(it, agent, call.now)) {
                continue;
            }
            if answer.instance_information_list.len() == size {
                answer.next_token =
                    region.instances.place(it.id).map(|place| page::token(call, place as u64));
                break;
            }
            answer.instance_information_list.push(Information::new(it, agent, call));
        }
        document::write(&answer)
    }
}
