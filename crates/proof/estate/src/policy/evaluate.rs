//! The order in which policies decide: an explicit deny anywhere, then every layer must allow.
//!
//! Rules: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.

use std::collections::HashMap;
use std::sync::Arc;

use crate::policy::document::{Document, Effect, PolicyError, Statement};

/// A parsed policy with the name it is known by: a policy name or ARN.
#[derive(Clone, Debug)]
pub struct NamedPolicy {
    /// The name of an inline policy, or the ARN of a managed one.
    pub name: Arc<str>,
    /// The parsed document, shared by everyone who carries it.
    pub document: Arc<Document>,
}

impl NamedPolicy {
    /// Parses an identity-based, boundary, session or service control policy.
    ///
    /// # Errors
    /// The text is not such a policy document.
    pub fn parse(name: &str, text: &str) -> Result<Self, PolicyError> {
        Ok(Self { name: Arc::from(name), document: Arc::new(Document::identity(text)?) })
    }
}

/// The context keys of a request; keys ignore case and may have several values.
#[derive(Clone, Debug, Default)]
pub struct Context {
    values: HashMap<String, Vec<String>>,
}

impl Context {
    /// A context from keys and values; repeating a key gives it several values.
    pub fn from_pairs<K: AsRef<str>>(pairs: impl IntoIterator<Item = (K, String)>) -> Self {
        let mut context = Self::default();
        for (key, value) in pairs {
            context.add(key.as_ref(), value);
        }
        context
    }

    /// Adds a value to a key.
    pub fn add(&mut self, key: &str, value: impl Into<String>) {
        self.values.entry(key.to_ascii_lowercase()).or_default().push(value.into());
    }

    /// The values of a key given in lower case; empty where the request does not carry it.
    #[must_use]
    pub fn get(&self, lower_case_key: &str) -> &[String] {
        self.values.get(lower_case_key).map_or(&[], Vec::as_slice)
    }
}

/// The kinds of policies that decide together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Service control policies of the organisation.
    Organization,
    /// Policies of the user or role.
    Identity,
    /// The permissions boundary of the user or role.
    Boundary,
    /// Policies passed when the role was assumed.
    Session,
}

/// All policies that bear on a principal.
#[derive(Clone, Debug, Default)]
pub struct Layers<'a> {
    /// Service control policies, one list per level from the root to the account; a level with an
    /// empty list carries AWS's `FullAWSAccess` only.
    pub organization: Vec<&'a [NamedPolicy]>,
    /// Identity-based policies.
    pub identity: &'a [NamedPolicy],
    /// The permissions boundary.
    pub boundary: Option<&'a NamedPolicy>,
    /// Session policies; empty means not narrowed.
    pub session: &'a [NamedPolicy],
}

/// The statement that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deciding {
    /// The layer it belongs to.
    pub layer: Layer,
    /// Name or ARN of its policy.
    pub policy: Arc<str>,
    /// Its position in the policy, from 0.
    pub statement: usize,
    /// Its `Sid`, if it has one.
    pub sid: Option<String>,
}

/// What the policies say of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Every layer allows it; names the first allowing statement of the identity's policies.
    Allowed(Deciding),
    /// This statement forbids it.
    ExplicitDeny(Deciding),
    /// Nothing in this layer allows it.
    ImplicitDeny(Layer),
}

impl Decision {
    /// Whether the request may go ahead.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }
}

/// Decides whether a principal with these policies may do `action` on `resource`.
#[must_use]
pub fn decide(layers: &Layers<'_>, action: &str, resource: &str, context: &Context) -> Decision {
    let action = action.to_ascii_lowercase();
    let judge = |layer: Layer, policies: &[NamedPolicy]| judge(layer, policies, &action, resource, context);
    let mut allowed = Vec::with_capacity(4);
    for level in layers.organization.iter().filter(|level| !level.is_empty()) {
        match judge(Layer::Organization, level) {
            Verdict::Deny(by) => return Decision::ExplicitDeny(by),
            Verdict::Allow(_) => {}
            Verdict::Silent => allowed.push((Layer::Organization, None)),
        }
    }
    let rest = [
        (Layer::Identity, Some(layers.identity)),
        (Layer::Boundary, layers.boundary.map(std::slice::from_ref)),
        (Layer::Session, Some(layers.session).filter(|s| !s.is_empty())),
    ];
    for (layer, policies) in rest {
        let Some(policies) = policies else { continue };
        match judge(layer, policies) {
            Verdict::Deny(by) => return Decision::ExplicitDeny(by),
            Verdict::Allow(by) => allowed.push((layer, Some(by))),
            Verdict::Silent => allowed.push((layer, None)),
        }
    }
    if let Some((layer, _)) = allowed.iter().find(|(_, by)| by.is_none()) {
        return Decision::ImplicitDeny(*layer);
    }
    allowed
        .into_iter()
        .find_map(|(layer, by)| by.filter(|_| layer == Layer::Identity))
        .map_or(Decision::ImplicitDeny(Layer::Identity), Decision::Allowed)
}

enum Verdict {
    Deny(Deciding),
    Allow(Deciding),
    Silent,
}

/// One layer alone: its first deny, else its first allow.
fn judge(layer: Layer, policies: &[NamedPolicy], action: &str, resource: &str, context: &Context) -> Verdict {
    let mut allow = None;
    for policy in policies {
        for (statement, s) in policy.document.statements.iter().enumerate() {
            if (s.effect == Effect::Allow && allow.is_some()) || !applies(s, action, resource, context) {
                continue;
            }
            let by = Deciding { layer, policy: Arc::clone(&policy.name), statement, sid: s.sid.clone() };
            match s.effect {
                Effect::Deny => return Verdict::Deny(by),
                Effect::Allow => allow = Some(by),
            }
        }
    }
    allow.map_or(Verdict::Silent, Verdict::Allow)
}

/// Whether a statement speaks about this request; the action is in lower case.
pub(crate) fn applies(s: &Statement, action: &str, resource: &str, context: &Context) -> bool {
    s.actions.cover(action)
        && s.resources.as_ref().is_none_or(|r| r.cover(resource))
        && s.conditions.iter().all(|c| c.holds(context))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy(name: &str, effect: &str, action: &str, resource: &str) -> NamedPolicy {
        let text = format!(
            r#"{{"Statement":{{"Sid":"S","Effect":"{effect}","Action":"{action}","Resource":"{resource}"}}}}"#
        );
        NamedPolicy::parse(name, &text).expect("a policy")
    }

    fn identity(policies: &[NamedPolicy]) -> Layers<'_> {
        Layers { identity: policies, ..Layers::default() }
    }

    const ANY: &str = "*";

    #[test]
    fn nothing_said_is_denied_implicitly() {
        let decision = decide(&identity(&[]), "ec2:DescribeInstances", ANY, &Context::default());
        assert_eq!(decision, Decision::ImplicitDeny(Layer::Identity));
    }

    #[test]
    fn an_explicit_deny_wins_and_is_named() {
        let policies =
            [policy("reader", "Allow", "ec2:*", "*"), policy("fence", "Deny", "ec2:describe*", "*")];
        let decision = decide(&identity(&policies), "ec2:DescribeInstances", ANY, &Context::default());
        let Decision::ExplicitDeny(by) = decision else {
            panic!("expected an explicit deny, got {decision:?}");
        };
        assert_eq!((&*by.policy, by.sid.as_deref()), ("fence", Some("S")));
    }

    #[test]
    fn an_action_without_resources_is_not_granted_by_an_arn() {
        let policies = [policy("p", "Allow", "ec2:*", "arn:aws:ec2:*:*:instance/*")];
        let decision = decide(&identity(&policies), "ec2:DescribeInstances", ANY, &Context::default());
        assert!(!decision.is_allowed());
    }

    #[test]
    fn every_level_of_the_organisation_must_allow() {
        let full = [policy("FullAWSAccess", "Allow", "*", "*")];
        let only_ssm = [policy("OnlySsm", "Allow", "ssm:*", "*")];
        let own = [policy("admin", "Allow", "*", "*")];
        let layers = Layers { organization: vec![&full, &only_ssm], ..identity(&own) };
        assert!(decide(&layers, "ssm:SendCommand", ANY, &Context::default()).is_allowed());
        assert_eq!(
            decide(&layers, "ec2:StopInstances", ANY, &Context::default()),
            Decision::ImplicitDeny(Layer::Organization)
        );
    }

    #[test]
    fn a_boundary_and_session_policies_narrow_and_never_grant() {
        let own = [policy("reader", "Allow", "ec2:Describe*", "*")];
        let boundary = policy("edge", "Allow", "ssm:*", "*");
        let session = [policy("session", "Allow", "ec2:DescribeImages", "*")];
        let bounded = Layers { boundary: Some(&boundary), ..identity(&own) };
        assert_eq!(
            decide(&bounded, "ec2:DescribeInstances", ANY, &Context::default()),
            Decision::ImplicitDeny(Layer::Boundary)
        );
        let narrowed = Layers { session: &session, ..identity(&own) };
        assert_eq!(
            decide(&narrowed, "ec2:DescribeInstances", ANY, &Context::default()),
            Decision::ImplicitDeny(Layer::Session)
        );
        assert!(decide(&narrowed, "ec2:DescribeImages", ANY, &Context::default()).is_allowed());
    }

    fn statements() -> impl Strategy<Value = Vec<(bool, &'static str, &'static str)>> {
        let action = prop::sample::select(vec!["*", "ec2:*", "ec2:Describe*", "ssm:*", "ec2:CreateTags"]);
        let resource = prop::sample::select(vec!["*", "arn:aws:ec2:*:*:instance/*"]);
        prop::collection::vec((any::<bool>(), action, resource), 0..6)
    }

    fn parsed(list: &[(bool, &str, &str)]) -> Vec<NamedPolicy> {
        list.iter().map(|(allow, a, r)| policy("p", if *allow { "Allow" } else { "Deny" }, a, r)).collect()
    }

    proptest! {
        #[test]
        fn adding_a_deny_never_allows_more(
            base in statements(),
            deny_action in prop::sample::select(vec!["*", "ec2:*", "ec2:CreateTags", "ssm:*"]),
            action in prop::sample::select(vec!["ec2:DescribeInstances", "ec2:CreateTags", "ssm:SendCommand"]),
            resource in prop::sample::select(vec!["*", "arn:aws:ec2:eu-west-1:011122223333:instance/i-0a"]),
        ) {
            let before = parsed(&base);
            let mut after = before.clone();
            after.push(policy("deny", "Deny", deny_action, "*"));
            let context = Context::default();
            if decide(&identity(&after), action, resource, &context).is_allowed() {
                prop_assert!(decide(&identity(&before), action, resource, &context).is_allowed());
            }
        }
    }
}
