//! The [`Stacks`](fleetwright_ports::Stacks) port: CloudFormation.
//!
//! Source: CloudFormation API reference.

mod shapes;

use std::collections::BTreeSet;

use async_trait::async_trait;
use fleetwright_model::redaction::redact;
use fleetwright_model::{Cell, ErrorClass, Failure};
use fleetwright_ports::Stacks;
use fleetwright_ports::stacks::{
    ChangeSet, ChangeSetKind, NewChangeSet, ParameterValue, Stack, StackEvent, StackName, TemplateAt,
};

use crate::Aws;
use crate::operation::Operation;
use crate::operations::{
    CREATE_CHANGE_SET, DELETE_CHANGE_SET, DELETE_STACK, DESCRIBE_CHANGE_SET, DESCRIBE_STACK_EVENTS,
    DESCRIBE_STACKS, EXECUTE_CHANGE_SET, GET_TEMPLATE, VALIDATE_TEMPLATE,
};
use crate::pages::unexpected;
use crate::query_service::{Element, QueryService};

/// What a stack of ours can hold: roles with names of their own. Source: API reference, CreateChangeSet, Capabilities.
const CAPABILITY: &str = "CAPABILITY_NAMED_IAM";
/// What CloudFormation says of nearly everything that is wrong with a request.
const VALIDATION: &str = "ValidationError";

/// The pair that says where a template is.
fn template_pair(cell: &Cell<'_>, template: &TemplateAt) -> (&'static str, String) {
    match template {
        TemplateAt::Body(text) => ("TemplateBody", text.clone()),
        TemplateAt::Object { bucket, key } => {
            let suffix =
                if cell.region.partition() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
            ("TemplateURL", format!("https://{bucket}.s3.{}.{suffix}/{key}", cell.region))
        }
    }
}

/// The ARN of a stack that has none yet, as policies know it.
fn arn(cell: &Cell<'_>, stack: &StackName) -> String {
    let (partition, region, account) = (cell.region.partition(), &cell.region, &cell.zone.account);
    format!("arn:{partition}:cloudformation:{region}:{account}:stack/{stack}")
}

fn pairs(cell: &Cell<'_>, new: &NewChangeSet) -> Vec<(String, String)> {
    let (at, template) = template_pair(cell, &new.template);
    let kind = match new.kind {
        ChangeSetKind::Create => "CREATE",
        ChangeSetKind::Update => "UPDATE",
    };
    let mut all: Vec<(String, String)> = [
        ("StackName", new.stack.as_str()),
        ("ChangeSetName", new.name.as_str()),
        ("ClientToken", new.name.as_str()),
        ("ChangeSetType", kind),
        ("Capabilities.member.1", CAPABILITY),
        (at, template.as_str()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (number, (name, value)) in (1..).zip(&new.parameters) {
        all.push((format!("Parameters.member.{number}.ParameterKey"), name.clone()));
        all.push(match value {
            ParameterValue::Given(value) | ParameterValue::Secret(value) => {
                (format!("Parameters.member.{number}.ParameterValue"), value.clone())
            }
            ParameterValue::Previous => {
                (format!("Parameters.member.{number}.UsePreviousValue"), "true".to_owned())
            }
        });
    }
    for (number, (key, value)) in (1..).zip(&new.tags) {
        all.push((format!("Tags.member.{number}.Key"), key.clone()));
        all.push((format!("Tags.member.{number}.Value"), value.clone()));
    }
    all
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn is_missing_stack(failure: &Failure) -> bool {
    failure.service_code.as_deref() == Some(VALIDATION) && failure.message.contains("does not exist")
}

/// Calls with every token of a page until `more` has enough.
async fn each_page(
    service: &QueryService<'_>,
    operation: &'static Operation,
    asked: &[(&str, &str)],
    mut more: impl FnMut(&Element) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let mut token: Option<String> = None;
    loop {
        let mut pairs = asked.to_vec();
        pairs.extend(token.as_deref().map(|token| ("NextToken", token)));
        let page = service.read(operation, &pairs).await?;
        let next = page.text("NextToken").filter(|next| !next.is_empty()).map(str::to_owned);
        if !more(&page)? || next.is_none() {
            return Ok(());
        }
        if next == token {
            return Err(unexpected(operation, "a page that leads to itself"));
        }
        token = next;
    }
}

#[async_trait]
impl Stacks for Aws {
    async fn refusal(&self, cell: &Cell<'_>, template: &TemplateAt) -> Result<Option<String>, Failure> {
        let service = QueryService::cloudformation(self, cell);
        let (at, template) = template_pair(cell, template);
        match service.read(&VALIDATE_TEMPLATE, &[(at, &template)]).await {
            Ok(_) => Ok(None),
            Err(failure) if failure.service_code.as_deref() == Some(VALIDATION) => {
                Ok(Some(redact(&failure.message).into_owned()))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn stack(&self, cell: &Cell<'_>, named: &str) -> Result<Option<Stack>, Failure> {
        let service = QueryService::cloudformation(self, cell);
        let answer = match service.read(&DESCRIBE_STACKS, &[("StackName", named)]).await {
            Ok(answer) => answer,
            Err(failure) if is_missing_stack(&failure) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let stack = answer.members("Stacks").next().and_then(shapes::stack);
        stack.map(Some).ok_or_else(|| unexpected(&DESCRIBE_STACKS, "no stack, or one without id or status"))
    }

    async fn template(&self, cell: &Cell<'_>, stack: &str) -> Result<String, Failure> {
        let service = QueryService::cloudformation(self, cell);
        let answer = service.read(&GET_TEMPLATE, &[("StackName", stack)]).await?;
        let text = answer.text("TemplateBody").map(str::to_owned);
        text.ok_or_else(|| unexpected(&GET_TEMPLATE, "no template"))
    }

    async fn make_change_set(&self, cell: &Cell<'_>, new: &NewChangeSet) -> Result<String, Failure> {
        let service = QueryService::cloudformation(self, cell);
        let pairs = pairs(cell, new);
        let target = arn(cell, &new.stack);
        let answer = service.change(&CREATE_CHANGE_SET, &target, &borrowed(&pairs)).await?;
        let id = answer.text("Id").map(str::to_owned);
        let failure = || unexpected(&CREATE_CHANGE_SET, "no id of the change set");
        id.ok_or_else(|| Failure { class: ErrorClass::Ambiguous, ..failure() })
    }

    async fn change_set(&self, cell: &Cell<'_>, id: &str) -> Result<ChangeSet, Failure> {
        let service = QueryService::cloudformation(self, cell);
        let mut found: Option<ChangeSet> = None;
        each_page(&service, &DESCRIBE_CHANGE_SET, &[("ChangeSetName", id)], |page| {
            let odd = || unexpected(&DESCRIBE_CHANGE_SET, "a change set without id or status");
            let page = shapes::change_set(page).ok_or_else(odd)?;
            match &mut found {
                None => found = Some(page),
                Some(found) => found.changes.extend(page.changes),
            }
            Ok(true)
        })
        .await?;
        let mut set = found.ok_or_else(|| unexpected(&DESCRIBE_CHANGE_SET, "no change set"))?;
        set.changes.sort_by(|one, other| one.logical.cmp(&other.logical));
        Ok(set)
    }

    async fn carry_out(
        &self,
        cell: &Cell<'_>,
        stack: &StackName,
        id: &str,
        token: &str,
    ) -> Result<(), Failure> {
        let service = QueryService::cloudformation(self, cell);
        let pairs = [
            ("ChangeSetName", id),
            ("StackName", stack.as_str()),
            ("ClientRequestToken", token),
            ("RetainExceptOnCreate", "true"),
        ];
        service.change(&EXECUTE_CHANGE_SET, &arn(cell, stack), &pairs).await.map(drop)
    }

    async fn drop_change_set(&self, cell: &Cell<'_>, stack: &StackName, id: &str) -> Result<(), Failure> {
        let service = QueryService::cloudformation(self, cell);
        let pairs = [("ChangeSetName", id), ("StackName", stack.as_str())];
        service.change(&DELETE_CHANGE_SET, &arn(cell, stack), &pairs).await.map(drop)
    }

    async fn events(
        &self,
        cell: &Cell<'_>,
        stack: &str,
        after: Option<&str>,
    ) -> Result<Vec<StackEvent>, Failure> {
        let service = QueryService::cloudformation(self, cell);
        let mut events: Vec<StackEvent> = Vec::new();
        // What happens between two pages, which come from new to old, moves the second one.
        let mut seen = BTreeSet::new();
        each_page(&service, &DESCRIBE_STACK_EVENTS, &[("StackName", stack)], |page| {
            for row in page.members("StackEvents") {
                let odd = || unexpected(&DESCRIBE_STACK_EVENTS, "an event without id, time or status");
                let event = shapes::event(row).ok_or_else(odd)?;
                if Some(event.id.as_str()) == after {
                    return Ok(false);
                }
                if seen.insert(event.id.clone()) {
                    events.push(event);
                }
            }
            Ok(true)
        })
        .await?;
        events.reverse();
        Ok(events)
    }

    async fn delete_stack(&self, cell: &Cell<'_>, stack: &str, token: &str) -> Result<(), Failure> {
        let service = QueryService::cloudformation(self, cell);
        let pairs = [("StackName", stack), ("ClientRequestToken", token)];
        service.change(&DELETE_STACK, stack, &pairs).await.map(drop)
    }
}
