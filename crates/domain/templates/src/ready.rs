//! The functions of a hub one by one, without CloudFormation: each as a request of Lambda's, made of the template.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::hub::{Definitions, Function, Hub, TableKeys, hub};

/// What names stand for: parameters of the template (`Environment`, `ExternalIdSecret`), its resources
/// (`JournalTable`, `Key.Arn`), and `AWS::AccountId`, `AWS::Region`, `AWS::Partition`.
pub type Values = BTreeMap<String, String>;

/// Names that nothing is known for; they are what has to be said beside what was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(pub BTreeSet<String>);

/// A function of a hub as CreateFunction takes it, without its code. Names that are not among the values are made out of
/// the template where it says them: those of the table, the bucket, the topic, the role and the log.
///
/// # Errors
/// Something of it is neither known nor in the template.
pub fn ready_function(function: &Function, values: &Values) -> Result<Value, Missing> {
    let template = hub(&Hub { definitions: Definitions::IN_BUCKET, keys: TableKeys::default() });
    let known = Known { template: &template, values };
    let mut missing = BTreeSet::new();
    let id = function.id("Function");
    let properties = template["Resources"][&id]["Properties"].as_object();
    let mut request = Map::new();
    for (name, value) in properties.into_iter().flatten() {
        match name.as_str() {
            // The archive is named by who makes the function; concurrency is a call of its own.
            "Code" | "ReservedConcurrentExecutions" => {}
            "KmsKeyArn" => drop(request.insert("KMSKeyArn".to_owned(), known.resolve(value, &mut missing))),
            "Tags" => drop(request.insert(name.clone(), tags(known.resolve(value, &mut missing)))),
            _ => drop(request.insert(name.clone(), known.resolve(value, &mut missing))),
        }
    }
    if missing.is_empty() { Ok(Value::Object(request)) } else { Err(Missing(missing)) }
}

/// Tags as Lambda takes them: by key.
fn tags(listed: Value) -> Value {
    let rows = listed.as_array().into_iter().flatten();
    rows.filter_map(|row| Some((row["Key"].as_str()?.to_owned(), row["Value"].clone()))).collect()
}

struct Known<'k> {
    template: &'k Value,
    values: &'k Values,
}

impl Known<'_> {
    /// A value without functions of CloudFormation's. What is not known is noted, and stays as it is.
    fn resolve(&self, value: &Value, missing: &mut BTreeSet<String>) -> Value {
        let Value::Object(members) = value else {
            return match value {
                Value::Array(items) => items.iter().map(|item| self.resolve(item, missing)).collect(),
                other => other.clone(),
            };
        };
        let only = members.iter().next().filter(|_| members.len() == 1);
        let known = match only.map(|(name, inner)| (name.as_str(), inner)) {
            Some(("Ref", name)) => self.named(name.as_str().unwrap_or_default(), missing),
            Some(("Fn::GetAtt", parts)) => {
                let parts = parts.as_array().into_iter().flatten().filter_map(Value::as_str);
                self.named(&parts.collect::<Vec<_>>().join("."), missing)
            }
            Some(("Fn::Sub", text)) => self.substituted(text.as_str().unwrap_or_default(), missing),
            _ => {
                let inner = members.iter().map(|(name, value)| (name.clone(), self.resolve(value, missing)));
                return Value::Object(inner.collect());
            }
        };
        known.map_or_else(|| value.clone(), Value::from)
    }

    /// What a name stands for: what was said, what a parameter is where nothing is said, or what the template names a
    /// resource.
    fn named(&self, name: &str, missing: &mut BTreeSet<String>) -> Option<String> {
        if let Some(value) = self.values.get(name) {
            return Some(value.clone());
        }
        if let Some(default) = self.template["Parameters"][name]["Default"].as_str() {
            return Some(default.to_owned());
        }
        let found = self.of_resource(name).and_then(|(text, of)| {
            let mut inner = BTreeSet::new();
            let text = text.replace("${}", of.as_str()?.trim());
            self.substituted(&text, &mut inner)
        });
        if found.is_none() {
            missing.insert(name.to_owned());
        }
        found
    }

    /// The form of what stands for a resource, with `${}` for its name, and its name as a text with substitutions.
    fn of_resource(&self, name: &str) -> Option<(&'static str, &Value)> {
        let (id, attribute) = name.split_once('.').unwrap_or((name, ""));
        let resource = &self.template["Resources"][id];
        let (member, text) = match (resource["Type"].as_str()?, attribute) {
            ("AWS::DynamoDB::Table", "") => ("TableName", "${}"),
            ("AWS::S3::Bucket", "") => ("BucketName", "${}"),
            ("AWS::Logs::LogGroup", "") => ("LogGroupName", "${}"),
            ("AWS::IAM::Role", "Arn") => {
                ("RoleName", "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${}")
            }
            ("AWS::SNS::Topic", "") => {
                ("TopicName", "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:${}")
            }
            _ => return None,
        };
        let name = &resource["Properties"][member];
        Some((text, name.get("Fn::Sub").unwrap_or(name)))
    }

    /// A text with what its `${Names}` stand for.
    fn substituted(&self, text: &str, missing: &mut BTreeSet<String>) -> Option<String> {
        let (mut done, mut rest, before) = (String::new(), text, missing.len());
        while let Some((plain, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}')?;
            done.push_str(plain);
            done.push_str(&self.named(name, missing).unwrap_or_default());
            rest = after;
        }
        done.push_str(rest);
        (missing.len() == before).then_some(done)
    }
}

/// What is said of every function: where the hub is.
const PLACE: [&str; 4] = ["AWS::AccountId", "AWS::Partition", "AWS::Region", "Environment"];

/// The names that a function is made with and that the template does not say.
pub fn values_of(function: &Function) -> BTreeSet<String> {
    let place = PLACE.map(|name| (name.to_owned(), "x".to_owned()));
    let left = ready_function(function, &place.into()).err().map(|Missing(names)| names);
    PLACE.map(str::to_owned).into_iter().chain(left.into_iter().flatten()).collect()
}

/// The names of variables that a function is told.
pub fn variables_of(function: &Function) -> Vec<String> {
    let template = hub(&Hub { definitions: Definitions::IN_BUCKET, keys: TableKeys::default() });
    let variables = &template["Resources"][function.id("Function")]["Properties"]["Environment"]["Variables"];
    variables.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}
