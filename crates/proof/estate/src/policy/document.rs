//! Policy documents, parsed strictly: what is not understood is refused, never ignored.
//!
//! Grammar: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use serde_json::{Map, Value};

use crate::policy::condition::Condition;
use crate::policy::{keys, pattern};

/// Why a text is not a policy document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy document: {place}: {problem}")]
pub struct PolicyError {
    /// Where in the document, e.g. `Statement[1].Condition`.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

impl PolicyError {
    pub(crate) fn at(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

/// A parsed policy document.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its statements, in order.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The statement's name, if it has one.
    pub sid: Option<String>,
    /// What it says.
    pub effect: Effect,
    /// Whom it concerns; present in trust policies only.
    pub principals: Option<Principals>,
    /// Which actions it concerns; patterns in lower case, as action names ignore case.
    pub actions: Patterns,
    /// Which resources it concerns; absent in trust policies.
    pub resources: Option<Patterns>,
    /// Conditions that must all hold.
    pub conditions: Vec<Condition>,
}

/// What a statement says about what it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Grants it.
    Allow,
    /// Forbids it, whatever else allows it.
    Deny,
}

/// A list of patterns, or its complement (`NotAction`, `NotResource`).
#[derive(Clone, Debug)]
pub enum Patterns {
    /// One of these matches.
    AnyOf(Vec<String>),
    /// None of these matches.
    NoneOf(Vec<String>),
}

impl Patterns {
    /// Whether the text is covered.
    #[must_use]
    pub fn cover(&self, text: &str) -> bool {
        match self {
            Self::AnyOf(list) => list.iter().any(|p| pattern::matches(p, text)),
            Self::NoneOf(list) => !list.iter().any(|p| pattern::matches(p, text)),
        }
    }
}

/// The principals of a trust statement.
#[derive(Clone, Debug)]
pub enum Principals {
    /// One of these.
    AnyOf(Vec<Principal>),
    /// None of these (`NotPrincipal`).
    NoneOf(Vec<Principal>),
}

/// One principal of a trust statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Everyone.
    Anyone,
    /// Every principal of an account that its own policies allow.
    Account(String),
    /// A user, a role with its sessions, or one session.
    Arn(String),
    /// An AWS service.
    Service(String),
    /// An identity provider.
    Federated(String),
}

/// Where a document is used, which decides the elements it must and must not have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Identity,
    Trust,
}

impl Document {
    /// Parses an identity-based policy, permissions boundary, session policy or service control
    /// policy: with `Resource`, without `Principal`.
    ///
    /// # Errors
    /// The text is not JSON, or not a document of this kind, or uses something not supported.
    pub fn identity(text: &str) -> Result<Self, PolicyError> {
        Self::parse(text, Use::Identity)
    }

    /// Parses a role's trust policy: with `Principal`, without `Resource`.
    ///
    /// # Errors
    /// The text is not JSON, or not a document of this kind, or uses something not supported.
    pub fn trust(text: &str) -> Result<Self, PolicyError> {
        Self::parse(text, Use::Trust)
    }

    /// The context keys its conditions read, in lower case.
    pub fn condition_keys(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().flat_map(|s| s.conditions.iter().map(|c| c.key.as_str()))
    }

    fn parse(text: &str, used_as: Use) -> Result<Self, PolicyError> {
        let value: Value =
            serde_json::from_str(text).map_err(|e| PolicyError::at("document", e.to_string()))?;
        let Value::Object(document) = value else {
            return Err(PolicyError::at("document", "must be a JSON object"));
        };
        only_known(&document, "document", &["Version", "Id", "Statement"])?;
        match document.get("Version").map(Value::as_str) {
            None | Some(Some("2012-10-17" | "2008-10-17")) => {}
            Some(_) => {
                return Err(PolicyError::at("Version", "must be 2012-10-17 or 2008-10-17"));
            }
        }
        let statements = match document.get("Statement") {
            Some(Value::Array(list)) if !list.is_empty() => list
                .iter()
                .enumerate()
                .map(|(at, s)| statement(s, &format!("Statement[{at}]"), used_as))
                .collect::<Result<_, _>>()?,
            Some(one @ Value::Object(_)) => vec![statement(one, "Statement", used_as)?],
            _ => {
                return Err(PolicyError::at("Statement", "must be a statement or a list of at least one"));
            }
        };
        let document = Self { statements };
        if let Some(odd) = document.condition_keys().find(|key| !keys::is_known(key)) {
            let problem = format!("the estate's requests never carry the context key `{odd}`");
            return Err(PolicyError::at("Condition", problem));
        }
        Ok(document)
    }
}

fn only_known(object: &Map<String, Value>, place: &str, known: &[&str]) -> Result<(), PolicyError> {
    match object.keys().find(|k| !known.contains(&k.as_str())) {
        Some(key) => {
            Err(PolicyError::at(place, format!("unknown element `{key}`; known are {}", known.join(", "))))
        }
        None => Ok(()),
    }
}

fn statement(value: &Value, place: &str, used_as: Use) -> Result<Statement, PolicyError> {
    let Value::Object(object) = value else {
        return Err(PolicyError::at(place, "must be an object"));
    };
    let known: &[&str] = match used_as {
        Use::Identity => &["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"],
        Use::Trust => &["Sid", "Effect", "Action", "NotAction", "Principal", "NotPrincipal", "Condition"],
    };
    only_known(object, place, known)?;
    let sid = match object.get("Sid") {
        None => None,
        Some(Value::String(sid)) => Some(sid.clone()),
        Some(_) => return Err(PolicyError::at(format!("{place}.Sid"), "must be a string")),
    };
    let effect = match object.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        _ => return Err(PolicyError::at(format!("{place}.Effect"), "must be Allow or Deny")),
    };
    let mut actions = either(object, place, "Action", "NotAction")?;
    let (Patterns::AnyOf(list) | Patterns::NoneOf(list)) = &mut actions;
    for action in list {
        if action != "*" && !action.contains(':') {
            return Err(PolicyError::at(
                format!("{place}.Action"),
                format!("`{action}` must be `*` or `service:action`"),
            ));
        }
        *action = action.to_ascii_lowercase();
    }
    let (principals, resources) = match used_as {
        Use::Identity => (None, Some(resources(object, place)?)),
        Use::Trust => (Some(principals(object, place)?), None),
    };
    Ok(Statement {
        sid,
        effect,
        principals,
        actions,
        resources,
        conditions: Condition::parse_all(object.get("Condition"), place)?,
    })
}

fn resources(object: &Map<String, Value>, place: &str) -> Result<Patterns, PolicyError> {
    let patterns = either(object, place, "Resource", "NotResource")?;
    let (Patterns::AnyOf(list) | Patterns::NoneOf(list)) = &patterns;
    match list.iter().find(|r| *r != "*" && !r.starts_with("arn:")) {
        Some(odd) => {
            Err(PolicyError::at(format!("{place}.Resource"), format!("`{odd}` must be `*` or an ARN")))
        }
        None => Ok(patterns),
    }
}

/// Exactly one of an element and its complement.
fn either(
    object: &Map<String, Value>,
    place: &str,
    name: &str,
    complement: &str,
) -> Result<Patterns, PolicyError> {
    match (object.get(name), object.get(complement)) {
        (Some(v), None) => Ok(Patterns::AnyOf(strings(v, &format!("{place}.{name}"))?)),
        (None, Some(v)) => Ok(Patterns::NoneOf(strings(v, &format!("{place}.{complement}"))?)),
        _ => Err(PolicyError::at(place, format!("needs either {name} or {complement}, and not both"))),
    }
}

/// A string or a list of at least one string.
fn strings(value: &Value, place: &str) -> Result<Vec<String>, PolicyError> {
    let list = match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) if !many.is_empty() => many
            .iter()
            .map(|v| v.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| PolicyError::at(place, "must hold strings only"))?,
        _ => return Err(PolicyError::at(place, "must be a string or a list of strings")),
    };
    match list.iter().find(|s| s.contains("${")) {
        Some(odd) => {
            Err(PolicyError::at(place, format!("`{odd}`: the estate does not support policy variables")))
        }
        None => Ok(list),
    }
}

fn principals(object: &Map<String, Value>, place: &str) -> Result<Principals, PolicyError> {
    match (object.get("Principal"), object.get("NotPrincipal")) {
        (Some(v), None) => Ok(Principals::AnyOf(principal_list(v, place)?)),
        (None, Some(v)) => Ok(Principals::NoneOf(principal_list(v, place)?)),
        _ => Err(PolicyError::at(place, "needs either Principal or NotPrincipal, and not both")),
    }
}

fn principal_list(value: &Value, place: &str) -> Result<Vec<Principal>, PolicyError> {
    let place = format!("{place}.Principal");
    let kinds = match value {
        Value::String(star) if star == "*" => return Ok(vec![Principal::Anyone]),
        Value::Object(kinds) => kinds,
        _ => return Err(PolicyError::at(place, "must be `*` or an object")),
    };
    let mut found = Vec::new();
    for (kind, names) in kinds {
        for name in strings(names, &place)? {
            found.push(match kind.as_str() {
                "AWS" => aws_principal(&name, &place)?,
                "Service" => Principal::Service(name),
                "Federated" => Principal::Federated(name),
                other => {
                    return Err(PolicyError::at(
                        place,
                        format!("unknown kind `{other}`; known are AWS, Service, Federated"),
                    ));
                }
            });
        }
    }
    Ok(found)
}

fn aws_principal(name: &str, place: &str) -> Result<Principal, PolicyError> {
    if name == "*" {
        return Ok(Principal::Anyone);
    }
    if is_account_id(name) {
        return Ok(Principal::Account(name.to_owned()));
    }
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam" | "sts", "", account, rest] if is_account_id(account) && !rest.contains('*') => {
            Ok(if rest == "root" {
                Principal::Account(account.to_owned())
            } else {
                Principal::Arn(name.to_owned())
            })
        }
        _ => Err(PolicyError::at(
            place,
            format!("`{name}` must be `*`, an account id, or the ARN of a user, role or session"),
        )),
    }
}

fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Document::identity(text).expect_err("must be refused").to_string()
    }

    #[test]
    fn one_statement_or_many_are_accepted() {
        let one =
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:*","Resource":"*"}}"#;
        let many = r#"{"Statement":[{"Effect":"Allow","Action":["ec2:*"],"Resource":["*"]},{"Sid":"x","Effect":"Deny","NotAction":"ssm:*","NotResource":"arn:aws:s3:::b"}]}"#;
        assert_eq!(Document::identity(one).expect("one").statements.len(), 1);
        assert_eq!(Document::identity(many).expect("many").statements.len(), 2);
    }

    #[test]
    fn an_unknown_element_names_its_place() {
        let text = r#"{"Statement":[{"Effect":"Allow","Acton":"ec2:*","Resource":"*"}]}"#;
        assert!(refused(text).contains("Statement[0]: unknown element `Acton`"));
    }

    #[test]
    fn a_condition_on_a_key_no_request_carries_is_refused_and_never_vacuously_true() {
        let text = r#"{"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}}]}"#;
        assert!(refused(text).contains("never carry the context key `aws:sourcevpce`"), "{}", refused(text));
    }

    #[test]
    fn an_unknown_operator_is_refused_and_never_true() {
        let text = r#"{"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"StringSounds":{"aws:username":"x"}}}]}"#;
        assert!(refused(text).contains("Statement[0].Condition.StringSounds"));
    }

    #[test]
    fn a_policy_variable_is_refused() {
        let text = r#"{"Statement":{"Effect":"Allow","Action":"ec2:*","Resource":"arn:aws:ec2:*:*:instance/${aws:username}"}}"#;
        assert!(refused(text).contains("policy variables"));
    }

    #[test]
    fn a_trust_policy_needs_principals_and_an_identity_policy_must_not_have_them() {
        let trust = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::011122223333:root"},"Action":"sts:AssumeRole"}}"#;
        let parsed = Document::trust(trust).expect("a trust policy");
        assert!(matches!(
            &parsed.statements[0].principals,
            Some(Principals::AnyOf(p)) if p == &[Principal::Account("011122223333".to_owned())]
        ));
        assert!(refused(trust).contains("unknown element `Principal`"));
    }
}
