//! CloudFormation: templates are judged as it judges them, in its own words. Stacks do not exist.
//!
//! Rules: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/Welcome.html> and the user guide,
//! "CloudFormation template reference". Templates are read as JSON.

mod dependencies;
mod template;

use serde_json::Value;

use super::query::{invalid, only};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::wire::xml;
use crate::world::World;
use crate::world::buckets::Object;

/// Bytes of a template in a request, at most (user guide, "CloudFormation quotas").
const MAX_BODY_BYTES: usize = 51_200;
/// Bytes of a template in a bucket, at most. Source: the same.
const MAX_OBJECT_BYTES: usize = 1_048_576;

/// Every CloudFormation operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    vec![Box::new(ValidateTemplate)]
}

/// ValidateTemplate.
struct ValidateTemplate;

impl Operation for ValidateTemplate {
    fn service(&self) -> Service {
        Service::CloudFormation
    }

    fn name(&self) -> &'static str {
        "ValidateTemplate"
    }

    fn requirements(&self, _: &World, call: &Call) -> Vec<Requirement> {
        let mut needed = vec![Requirement::any_resource("cloudformation:ValidateTemplate")];
        if let Some((bucket, key)) = call.query().get("TemplateURL").and_then(|url| object_of(url)) {
            let resource = format!("arn:aws:s3:::{bucket}/{key}");
            needed.push(Requirement { action: "s3:GetObject".into(), resource, context: Vec::new() });
        }
        needed
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        only(call, &["TemplateBody", "TemplateURL"])?;
        let text = text_of(world, call)?;
        let document = template::read(&text).map_err(invalid)?;
        template::judge(&document).map_err(invalid)?;
        Ok(described(&document))
    }
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
                let hidden = parameter["NoEcho"] == true || parameter["NoEcho"] == "true";
                xml::plain(out, "NoEcho", hidden);
                xml::text_if(out, "Description", parameter["Description"].as_str());
            });
        }
    });
    out
}
