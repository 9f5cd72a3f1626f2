//! CloudFormation: templates are judged as it judges them, in its own words; stacks are made, changed and deleted by change
//! sets. Resources of stacks are records, and nobody's rights to make them are asked for.
//!
//! Rules: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/Welcome.html> and the user guide,
//! "CloudFormation template reference". Templates are read as JSON. Stack sets, nested stacks, imports, drift, hooks and
//! macros do not exist.

mod change_sets;
mod dependencies;
mod given;
mod stacks;
mod template;

use serde_json::Value;

use super::page;
use super::query::{invalid, only, region};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::calls::CallKind;
use crate::wire::xml;
use crate::world::World;
use crate::world::buckets::Object;
use crate::world::stacks::{Definition, Stack};

/// Bytes of a template in a request, at most (user guide, "CloudFormation quotas").
const MAX_BODY_BYTES: usize = 51_200;
/// Bytes of a template in a bucket, at most. Source: the same.
const MAX_OBJECT_BYTES: usize = 1_048_576;

/// Entries of a page, at most. Not published for all of these; 100 is what is seen.
const PAGE: usize = 100;

type Needs = fn(&World, &Call) -> Vec<Requirement>;
type Does = fn(&mut World, &Call) -> Result<String, ApiError>;

/// Every CloudFormation operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    use CallKind::{Mutation, Read};
    let all = [
        ("ContinueUpdateRollback", Mutation, on_stack as Needs, stacks::continue_rollback as Does),
        ("CreateChangeSet", Mutation, on_new_change_set, change_sets::create),
        ("DeleteChangeSet", Mutation, on_stack, change_sets::delete),
        ("DeleteStack", Mutation, on_stack, stacks::delete),
        ("DescribeChangeSet", Read, on_stack, change_sets::describe),
        ("DescribeStackEvents", Read, on_stack, stacks::events),
        ("DescribeStacks", Read, on_stack, stacks::describe),
        ("ExecuteChangeSet", Mutation, on_stack, change_sets::execute),
        ("GetTemplate", Read, on_stack, stacks::template),
        ("ListStackResources", Read, on_stack, stacks::resources),
        ("UpdateTerminationProtection", Mutation, on_stack, stacks::protect),
        ("ValidateTemplate", Read, on_template, validate),
    ];
    let action =
        |(name, kind, needs, does)| Box::new(Action { name, kind, needs, does }) as Box<dyn Operation>;
    all.into_iter().map(action).collect()
}

/// An operation of CloudFormation.
struct Action {
    name: &'static str,
    kind: CallKind,
    needs: Needs,
    does: Does,
}

impl Operation for Action {
    fn service(&self) -> Service {
        Service::CloudFormation
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn mutates(&self) -> bool {
        self.kind == CallKind::Mutation
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        (self.needs)(world, call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        (self.does)(world, call)
    }
}

/// The right to the action that is called, on a resource.
fn need(call: &Call, resource: String) -> Requirement {
    Requirement { action: format!("cloudformation:{}", call.action).into(), resource, context: Vec::new() }
}

/// The right to look at the template where it lies, if it does not come with the request.
fn template_in_bucket(call: &Call) -> Option<Requirement> {
    let (bucket, key) = call.query().get("TemplateURL").and_then(object_of)?;
    let resource = format!("arn:aws:s3:::{bucket}/{key}");
    Some(Requirement { action: "s3:GetObject".into(), resource, context: Vec::new() })
}

fn on_template(_: &World, call: &Call) -> Vec<Requirement> {
    [need(call, "*".to_owned())].into_iter().chain(template_in_bucket(call)).collect()
}

/// A stack is known to policies by its ARN, one that is not there yet by what its ARN begins with; the role that resources
/// are made with has to be passed. Source: Service Authorization Reference, "AWS CloudFormation".
fn on_stack(world: &World, call: &Call) -> Vec<Requirement> {
    let params = call.query();
    let of_set = || {
        let set = params.get("ChangeSetName").filter(|name| name.starts_with("arn:"))?;
        let all = &region(world, call).ok()?.stacks.all;
        all.iter().find(|stack| stack.change_sets.iter().any(|it| it.id == set)).map(|it| it.id.clone())
    };
    let resource = match params.get("StackName") {
        None => of_set().unwrap_or_else(|| "*".to_owned()),
        Some(given) if given.starts_with("arn:") => given.to_owned(),
        Some(name) => match found(world, call, name) {
            Ok(Some(number)) => {
                region(world, call).map_or_else(|_| "*".to_owned(), |it| it.stacks.all[number].id.clone())
            }
            _ => stack_arn(call, "stack", name, "*"),
        },
    };
    let passed = params.get("RoleARN").map(|role| Requirement {
        action: "iam:PassRole".into(),
        resource: role.to_owned(),
        context: vec![("iam:PassedToService".to_owned(), "cloudformation.amazonaws.com".to_owned())],
    });
    [need(call, resource)].into_iter().chain(passed).collect()
}

fn on_new_change_set(world: &World, call: &Call) -> Vec<Requirement> {
    on_stack(world, call).into_iter().chain(template_in_bucket(call)).collect()
}

fn stack_arn(call: &Call, kind: &str, name: &str, id: &str) -> String {
    format!("arn:aws:cloudformation:{}:{}:{kind}/{name}/{id}", call.region, call.account)
}

/// The number of a stack, by name or ARN.
fn found(world: &World, call: &Call, given: &str) -> Result<Option<usize>, ApiError> {
    Ok(region(world, call)?.stacks.find(given))
}

fn existing<'w>(world: &'w World, call: &Call, number: usize) -> Result<&'w Stack, ApiError> {
    Ok(&region(world, call)?.stacks.all[number])
}

/// Names of stacks and of change sets (API reference, CreateChangeSet).
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    name.len() <= 128
        && name.bytes().all(plain)
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// A list of members.
fn listed<T>(out: &mut String, name: &str, list: impl IntoIterator<Item = T>, one: impl Fn(&mut String, T)) {
    xml::element(out, name, |out| {
        list.into_iter().for_each(|it| xml::element(out, "member", |out| one(out, it)));
    });
}

/// A page of a list, with the token of the next one.
fn shown_page<T>(
    out: &mut String,
    call: &Call,
    name: &str,
    all: &[T],
    one: impl Fn(&mut String, &T),
) -> Result<(), ApiError> {
    let from = match call.query().get("NextToken") {
        None | Some("") => 0,
        Some(text) => page::cursor(call, text)
            .and_then(|at| usize::try_from(at).ok())
            .ok_or_else(|| invalid("NextToken is not valid"))?,
    };
    listed(out, name, all.iter().skip(from).take(PAGE), one);
    if from + PAGE < all.len() {
        xml::text(out, "NextToken", &page::token(call, (from + PAGE) as u64));
    }
    Ok(())
}

/// Parameters, tags and capabilities; values that are never shown are not.
fn parameters_and_tags(out: &mut String, definition: &Definition) {
    listed(out, "Parameters", &definition.parameters, |out, (name, value)| {
        xml::text(out, "ParameterKey", name);
        let hidden = is_hidden(&definition.template["Parameters"][name]);
        xml::text(out, "ParameterValue", if hidden { "****" } else { value });
    });
    listed(out, "Capabilities", &definition.capabilities, |out, capability| xml::escape(out, capability));
    listed(out, "Tags", &definition.tags, |out, (key, value)| {
        xml::text(out, "Key", key);
        xml::text(out, "Value", value);
    });
}

fn is_hidden(parameter: &Value) -> bool {
    parameter["NoEcho"] == true || parameter["NoEcho"] == "true"
}

/// ValidateTemplate.
fn validate(world: &mut World, call: &Call) -> Result<String, ApiError> {
    only(call, &["TemplateBody", "TemplateURL"])?;
    let text = text_of(world, call)?;
    let document = template::read(&text).map_err(invalid)?;
    template::judge(&document).map_err(invalid)?;
    Ok(described(&document))
}

/// The template as it is given: in the request, or by an address in S3.
fn text_of(world: &World, call: &Call) -> Result<String, ApiError> {
    let params = call.query();
    match (params.get("TemplateBody"), params.get("TemplateURL")) {
        (Some(body), None) if body.len() > MAX_BODY_BYTES => Err(invalid(format!(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have \
             length less than or equal to {MAX_BODY_BYTES}"
        ))),
        (Some(body), None) => Ok(body.to_owned()),
        (None, Some(url)) => {
            let (bucket, key) =
                object_of(url).ok_or_else(|| invalid("TemplateURL must be a supported URL."))?;
            let found = world.buckets.get(bucket).and_then(|bucket| bucket.get(key));
            let object: &Object = found.ok_or_else(|| {
                invalid("S3 error: The specified key does not exist.\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html")
            })?;
            if object.content.len() > MAX_OBJECT_BYTES {
                return Err(invalid(format!("Template may not exceed {MAX_OBJECT_BYTES} bytes in size.")));
            }
            Ok(String::from_utf8_lossy(&object.content).into_owned())
        }
        _ => Err(invalid("Either Template URL or Template Body must be specified.")),
    }
}

/// Bucket and key of an object's address, in either style.
fn object_of(url: &str) -> Option<(&str, &str)> {
    let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
    let known = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    match host.split_once(".s3.").or_else(|| host.split_once(".s3-")) {
        Some((bucket, _)) if known => Some((bucket, path)),
        None if known && host.starts_with("s3") => path.split_once('/'),
        _ => None,
    }
}

/// What is answered of a template that is one.
fn described(document: &Value) -> String {
    let mut out = String::new();
    xml::text_if(&mut out, "Description", document["Description"].as_str());
    let (needed, kinds) = template::capability(document);
    if let Some(capability) = needed {
        xml::element(&mut out, "Capabilities", |out| xml::text(out, "member", capability));
        let reason = format!("The following resource(s) require capabilities: [{}]", kinds.join(", "));
        xml::text(&mut out, "CapabilitiesReason", &reason);
    }
    xml::element(&mut out, "Parameters", |out| {
        for (name, parameter) in document["Parameters"].as_object().into_iter().flatten() {
            xml::element(out, "member", |out| {
                xml::text(out, "ParameterKey", name);
                let default = match &parameter["Default"] {
                    Value::Null => None,
                    Value::String(text) => Some(text.clone()),
                    other => Some(other.to_string()),
                };
                xml::text_if(out, "DefaultValue", default.as_deref());
                xml::plain(out, "NoEcho", is_hidden(parameter));
                xml::text_if(out, "Description", parameter["Description"].as_str());
            });
        }
    });
    out
}
