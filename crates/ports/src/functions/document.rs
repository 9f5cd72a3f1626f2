//! A configuration in the form of Lambda's own requests and answers.
//!
//! Source: Lambda API reference, CreateFunction and FunctionConfiguration.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Architecture, Configuration, FunctionName, LogFormat, Network, Tracing, Variables};

/// A document that is no configuration of a function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {fault}")]
pub struct InvalidDocument {
    /// Where.
    pub member: &'static str,
    /// What stands there. Never a value of a variable.
    pub fault: String,
}

/// The log group of a function for which none is named.
fn own_log_group(name: &FunctionName) -> String {
    format!("/aws/lambda/{name}")
}

/// A configuration as CreateFunction and UpdateFunctionConfiguration take it. What is empty is said to be, so that an
/// update takes away what was there.
pub fn write(name: &FunctionName, configuration: &Configuration) -> Value {
    let (subnets, groups) = match &configuration.network {
        Some(network) => (network.subnets.as_slice(), network.security_groups.as_slice()),
        None => (&[] as &[String], &[] as &[String]),
    };
    let group = configuration.log_group.clone().unwrap_or_else(|| own_log_group(name));
    json!({
        "FunctionName": name.as_str(),
        "Runtime": configuration.runtime,
        "Handler": configuration.handler,
        "Role": configuration.role,
        "Description": configuration.description,
        "Architectures": [configuration.architecture.as_str()],
        "MemorySize": configuration.memory_mib,
        "Timeout": configuration.timeout_seconds,
        "EphemeralStorage": { "Size": configuration.ephemeral_storage_mib },
        "Environment": { "Variables": configuration.variables.0 },
        "Layers": configuration.layers,
        "DeadLetterConfig": { "TargetArn": configuration.dead_letters.as_deref().unwrap_or_default() },
        "TracingConfig": { "Mode": configuration.tracing.as_str() },
        "VpcConfig": { "SubnetIds": subnets, "SecurityGroupIds": groups },
        "KMSKeyArn": configuration.kms_key.as_deref().unwrap_or_default(),
        "LoggingConfig": { "LogFormat": configuration.log_format.as_str(), "LogGroup": group },
    })
}

/// Reads a configuration: what the document does not name is as in `before`. Takes what CreateFunction takes and what
/// Lambda answers; members of neither are left alone.
///
/// # Errors
/// A member is not of its kind.
pub fn read(
    name: &FunctionName,
    document: &Value,
    before: &Configuration,
) -> Result<Configuration, InvalidDocument> {
    let members = Members(
        document
            .as_object()
            .ok_or(InvalidDocument { member: "document", fault: "it is no object".to_owned() })?,
    );
    let mut read = before.clone();
    for (member, place) in [
        ("Runtime", &mut read.runtime),
        ("Handler", &mut read.handler),
        ("Role", &mut read.role),
        ("Description", &mut read.description),
    ] {
        if let Some(text) = members.text(member, "")? {
            *place = text;
        }
    }
    for (member, inner, place) in [
        ("MemorySize", "", &mut read.memory_mib),
        ("Timeout", "", &mut read.timeout_seconds),
        ("EphemeralStorage", "Size", &mut read.ephemeral_storage_mib),
    ] {
        if let Some(number) = members.number(member, inner)? {
            *place = number;
        }
    }
    if let Some(architectures) = members.texts("Architectures", "")? {
        read.architecture = match architectures.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["arm64"] => Architecture::Arm64,
            [] | ["x86_64"] => Architecture::X86,
            _ => return Err(odd("Architectures", "it is neither [\"arm64\"] nor [\"x86_64\"]")),
        };
    }
    if let Some(variables) = members.at("Environment", "Variables") {
        read.variables = Variables(variables_of(variables)?);
    }
    if let Some(layers) = members.texts("Layers", "")? {
        read.layers = layers;
    }
    let named = |text: String| Some(text).filter(|text| !text.is_empty());
    if let Some(arn) = members.text("DeadLetterConfig", "TargetArn")? {
        read.dead_letters = named(arn);
    }
    if let Some(arn) = members.text("KMSKeyArn", "")? {
        read.kms_key = named(arn);
    }
    if let Some(mode) = members.text("TracingConfig", "Mode")? {
        read.tracing = match mode.as_str() {
            "Active" => Tracing::Active,
            "PassThrough" => Tracing::PassThrough,
            _ => return Err(odd("TracingConfig.Mode", "it is neither \"Active\" nor \"PassThrough\"")),
        };
    }
    if let Some(format) = members.text("LoggingConfig", "LogFormat")? {
        read.log_format = match format.as_str() {
            "JSON" => LogFormat::Json,
            "Text" => LogFormat::Text,
            _ => return Err(odd("LoggingConfig.LogFormat", "it is neither \"JSON\" nor \"Text\"")),
        };
    }
    if let Some(group) = members.text("LoggingConfig", "LogGroup")? {
        read.log_group = named(group).filter(|group| *group != own_log_group(name));
    }
    read.network = network(&members, read.network)?;
    Ok(read)
}

fn odd(member: &'static str, fault: &str) -> InvalidDocument {
    InvalidDocument { member, fault: fault.to_owned() }
}

fn variables_of(value: &Value) -> Result<BTreeMap<String, String>, InvalidDocument> {
    let odd = |name: &str| odd("Environment.Variables", &format!("{name} is no text"));
    let members = value.as_object().ok_or_else(|| odd("it"))?;
    let pair = |(name, value): (&String, &Value)| {
        Ok((name.clone(), value.as_str().ok_or_else(|| odd(name))?.to_owned()))
    };
    members.iter().map(pair).collect()
}

fn network(members: &Members<'_>, before: Option<Network>) -> Result<Option<Network>, InvalidDocument> {
    let subnets = members.texts("VpcConfig", "SubnetIds")?;
    let groups = members.texts("VpcConfig", "SecurityGroupIds")?;
    if subnets.is_none() && groups.is_none() {
        return Ok(before);
    }
    let mut network =
        Network { subnets: subnets.unwrap_or_default(), security_groups: groups.unwrap_or_default() };
    // Lambda tells them in an order of its own.
    network.subnets.sort_unstable();
    network.security_groups.sort_unstable();
    Ok((!network.subnets.is_empty() || !network.security_groups.is_empty()).then_some(network))
}

/// The members of a document.
struct Members<'d>(&'d Map<String, Value>);

impl Members<'_> {
    /// A member, or a member of one; none where it is not there or null.
    fn at(&self, member: &str, inner: &str) -> Option<&Value> {
        let value = self.0.get(member).filter(|value| !value.is_null())?;
        let value = if inner.is_empty() { value } else { value.get(inner)? };
        Some(value).filter(|value| !value.is_null())
    }

    fn text(&self, member: &'static str, inner: &str) -> Result<Option<String>, InvalidDocument> {
        let text =
            |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| odd(member, "it is no text"));
        self.at(member, inner).map(text).transpose()
    }

    fn number(&self, member: &'static str, inner: &str) -> Result<Option<u32>, InvalidDocument> {
        let number = |value: &Value| {
            let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
            number.ok_or_else(|| odd(member, "it is no whole number"))
        };
        self.at(member, inner).map(number).transpose()
    }

    /// A list of texts; a layer is told as an object with its ARN.
    fn texts(&self, member: &'static str, inner: &str) -> Result<Option<Vec<String>>, InvalidDocument> {
        let Some(value) = self.at(member, inner) else { return Ok(None) };
        let text = |row: &Value| {
            let text = row.as_str().or_else(|| row["Arn"].as_str());
            text.map(str::to_owned).ok_or_else(|| odd(member, "something in the list is no text"))
        };
        let rows = value.as_array().ok_or_else(|| odd(member, "it is no list"))?;
        rows.iter().map(text).collect::<Result<_, _>>().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> FunctionName {
        "prepare".parse().expect("a name")
    }

    fn everything() -> Configuration {
        Configuration {
            role: "arn:aws:iam::111122223333:role/worker".to_owned(),
            description: "Scans".to_owned(),
            architecture: Architecture::X86,
            variables: Variables(BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())])),
            layers: vec!["arn:aws:lambda:eu-west-1:111122223333:layer:tools:3".to_owned()],
            dead_letters: Some("arn:aws:sqs:eu-west-1:111122223333:dead".to_owned()),
            tracing: Tracing::Active,
            network: Some(Network {
                subnets: vec!["subnet-0a".to_owned()],
                security_groups: vec!["sg-0b".to_owned()],
            }),
            kms_key: Some("arn:aws:kms:eu-west-1:111122223333:key/1-2".to_owned()),
            log_format: LogFormat::Json,
            log_group: Some("/fleetwright/prepare".to_owned()),
            memory_mib: 1_024,
            timeout_seconds: 900,
            ephemeral_storage_mib: 1_024,
            ..Configuration::default()
        }
    }

    #[test]
    fn what_is_written_is_read_as_it_was_and_empties_take_away_what_was_there() {
        let (name, whole) = (name(), everything());
        let read_back = |of: &Configuration, before: &Configuration| read(&name, &write(&name, of), before);
        assert_eq!(read_back(&whole, &Configuration::default()), Ok(whole.clone()));
        let plain = Configuration { role: whole.role.clone(), ..Configuration::default() };
        assert_eq!(read_back(&plain, &whole), Ok(plain.clone()));
        assert_eq!(read(&name, &json!({}), &whole), Ok(whole), "what is not named stays");
    }

    #[test]
    fn an_answer_of_lambda_is_read_although_it_tells_layers_in_another_form() {
        let answer = json!({
            "FunctionName": "prepare", "Runtime": "provided.al2023", "Role": "r", "Handler": "prepare",
            "Layers": [{ "Arn": "arn:aws:lambda:eu-west-1:111122223333:layer:tools:3", "CodeSize": 7 }],
            "VpcConfig": { "SubnetIds": [], "SecurityGroupIds": [], "VpcId": "" },
            "LoggingConfig": { "LogFormat": "Text", "LogGroup": "/aws/lambda/prepare" },
            "Architectures": ["x86_64"],
        });
        let told = read(&name(), &answer, &Configuration::default()).expect("a configuration");
        assert_eq!(told.layers, everything().layers);
        assert_eq!((told.network, told.log_group), (None, None));
    }

    #[test]
    fn a_member_that_is_not_of_its_kind_is_named_and_no_value_is_shown() {
        for (document, member) in [
            (json!([]), "document"),
            (json!({ "MemorySize": "large" }), "MemorySize"),
            (json!({ "EphemeralStorage": { "Size": -1 } }), "EphemeralStorage"),
            (json!({ "Architectures": ["arm64", "x86_64"] }), "Architectures"),
            (json!({ "Environment": { "Variables": { "TOKEN": ["hunter2"] } } }), "Environment.Variables"),
            (json!({ "Layers": [7] }), "Layers"),
            (json!({ "TracingConfig": { "Mode": "On" } }), "TracingConfig.Mode"),
        ] {
            let refused = read(&name(), &document, &Configuration::default()).expect_err("not of its kind");
            assert_eq!(refused.member, member, "{refused}");
            assert!(!refused.to_string().contains("hunter2"), "{refused}");
        }
    }
}
