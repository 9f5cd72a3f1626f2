//! Who calls and what they may do: credentials to principal, principal to policies, and the words
//! of a denial.

use jiff::Timestamp;

use crate::call::{ApiError, Call, Requirement, Service};
use crate::policy::{Context, Decision, Layer, Layers, NamedPolicy, decide};
use crate::wire::sigv4::AuthProblem;
use crate::world::iam::{Role, User};
use crate::world::organization::Organization;
use crate::world::timeline::Place;
use crate::world::{Account, AccountId, World};

/// The kinds of principals that can call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// An IAM user.
    User {
        /// Its account.
        account: AccountId,
        /// Its name.
        name: String,
    },
    /// A session of an assumed role.
    Session {
        /// The role's account.
        account: AccountId,
        /// The role's name.
        role: String,
        /// The session's name.
        session: String,
    },
}

impl Principal {
    /// Reads a principal's ARN as [`Call::principal`] carries it.
    #[must_use]
    pub fn parse(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, service, "", account, resource] = parts[..] else {
            return None;
        };
        let account = account.to_owned();
        match (service, resource.split_once('/')?) {
            ("iam", ("user", name)) => Some(Self::User { account, name: name.to_owned() }),
            ("sts", ("assumed-role", rest)) => {
                let (role, session) = rest.split_once('/')?;
                Some(Self::Session { account, role: role.to_owned(), session: session.to_owned() })
            }
            _ => None,
        }
    }

    /// The ARN that messages and GetCallerIdentity show.
    #[must_use]
    pub fn arn(&self) -> String {
        match self {
            Self::User { account, name } => format!("arn:aws:iam::{account}:user/{name}"),
            Self::Session { account, role, session } => {
                format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
            }
        }
    }

    /// The ARN that policies compare as `aws:PrincipalArn`: for a session, its role's.
    #[must_use]
    pub fn policy_arn(&self) -> String {
        match self {
            Self::User { .. } => self.arn(),
            Self::Session { account, role, .. } => role_arn(account, role),
        }
    }

    /// The principal's account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        match self {
            Self::User { account, .. } | Self::Session { account, .. } => account,
        }
    }
}

/// ARN of a role without a path.
#[must_use]
pub fn role_arn(account: &str, role: &str) -> String {
    format!("arn:aws:iam::{account}:role/{role}")
}

/// An authenticated caller.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who it is.
    pub principal: Principal,
    /// Session policies of the credentials used.
    pub session_policies: Vec<NamedPolicy>,
    /// ARN of the principal that assumed the role, for a session.
    pub assumed_by: Option<String>,
}

/// Credentials found for an access key id.
pub(crate) struct Found<'a> {
    pub(crate) secret: &'a str,
    token: Option<&'a str>,
    expires: Option<Timestamp>,
    pub(crate) caller: Caller,
}

impl Found<'_> {
    /// Checks the session token that came along and the session's end.
    pub(crate) fn check(&self, token: Option<&str>, now: Timestamp) -> Result<(), AuthProblem> {
        if self.token != token {
            return Err(AuthProblem::UnknownKey);
        }
        match self.expires {
            Some(expires) if expires <= now => Err(AuthProblem::Expired),
            _ => Ok(()),
        }
    }
}

/// Whether a role of a place's account may do this, as a service asks that acts in it.
#[must_use]
pub fn role_may(place: &Place<'_>, role: &str, action: &str, arn: &str, at: Timestamp) -> bool {
    let Some(known) = place.outside.iam.roles.get(role) else { return false };
    let account = place.account.to_owned();
    let organization = place.outside.organization;
    let layers = Layers {
        organization: organization.map(|o| levels_of(o, &account)).unwrap_or_default(),
        identity: &known.policies,
        boundary: known.boundary.as_ref(),
        session: &[],
    };
    let context = Context::from_pairs([
        ("aws:PrincipalArn", role_arn(&account, role)),
        ("aws:PrincipalAccount", account.clone()),
        ("aws:PrincipalType", "AssumedRole".to_owned()),
        ("aws:RequestedRegion", place.code.to_owned()),
        ("aws:CurrentTime", at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("aws:SecureTransport", "true".to_owned()),
    ]);
    decide(&layers, action, arn, &context).is_allowed()
}

/// Finds the credentials of an access key id in one account.
pub(crate) fn find<'a>(account: &'a Account, id: &AccountId, access_key: &str) -> Option<Found<'a>> {
    if let Some(session) = account.iam.sessions.get(access_key) {
        return Some(Found {
            secret: &session.secret,
            token: Some(&session.token),
            expires: Some(session.expires),
            caller: Caller {
                principal: Principal::Session {
                    account: id.clone(),
                    role: session.role.clone(),
                    session: session.name.clone(),
                },
                session_policies: session.policies.clone(),
                assumed_by: Some(session.assumed_by.clone()),
            },
        });
    }
    let key = account.iam.access_keys.get(access_key)?;
    Some(Found {
        secret: &key.secret,
        token: None,
        expires: None,
        caller: Caller {
            principal: Principal::User { account: id.clone(), name: key.user.clone() },
            session_policies: Vec::new(),
            assumed_by: None,
        },
    })
}

/// The identity a principal stands for: its own policies and boundary.
enum Identity<'a> {
    User(&'a User),
    Role(&'a Role),
}

fn identity<'a>(world: &'a World, principal: &Principal) -> Option<Identity<'a>> {
    let iam = &world.accounts.get(principal.account())?.iam;
    match principal {
        Principal::User { name, .. } => iam.users.get(name).map(Identity::User),
        Principal::Session { role, .. } => iam.roles.get(role).map(Identity::Role),
    }
}

/// The policies that bear on a principal; a principal that is gone has none and may do nothing.
#[must_use]
pub fn layers<'a>(world: &'a World, principal: &Principal, session: &'a [NamedPolicy]) -> Layers<'a> {
    let (policies, boundary) = match identity(world, principal) {
        Some(Identity::User(user)) => (user.policies.as_slice(), user.boundary.as_ref()),
        Some(Identity::Role(role)) => (role.policies.as_slice(), role.boundary.as_ref()),
        None => (&[][..], None),
    };
    Layers {
        organization: organization_levels(world, principal.account()),
        identity: policies,
        boundary,
        session,
    }
}

/// The service control policies over an account, level by level from the root.
#[must_use]
pub fn organization_levels<'a>(world: &'a World, account: &AccountId) -> Vec<&'a [NamedPolicy]> {
    world.organization.as_ref().map(|organization| levels_of(organization, account)).unwrap_or_default()
}

/// The same of an organisation by itself.
#[must_use]
pub fn levels_of<'a>(organization: &'a Organization, account: &AccountId) -> Vec<&'a [NamedPolicy]> {
    organization
        .path_of(account)
        .into_iter()
        .map(|target| organization.service_control.get(target).map_or(&[][..], Vec::as_slice))
        .collect()
}

/// The context keys every request carries.
///
/// `aws:SecureTransport` is true, because AWS is never reached without TLS, however the estate is;
/// `aws:SourceIp` is the loopback address.
#[must_use]
pub fn context(world: &World, principal: &Principal, region: &str, now: Timestamp) -> Context {
    let mut context = Context::default();
    context.add("aws:PrincipalArn", principal.policy_arn());
    context.add("aws:PrincipalAccount", principal.account().as_str());
    context.add("aws:RequestedRegion", region);
    context.add("aws:CurrentTime", now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    context.add("aws:EpochTime", now.as_second().to_string());
    context.add("aws:SecureTransport", "true");
    context.add("aws:SourceIp", "127.0.0.1");
    context.add("aws:userid", user_id(world, principal));
    match principal {
        Principal::User { name, .. } => {
            context.add("aws:PrincipalType", "User");
            context.add("aws:username", name.as_str());
        }
        Principal::Session { .. } => context.add("aws:PrincipalType", "AssumedRole"),
    }
    if let Some(organization) = &world.organization
        && organization.members.contains_key(principal.account())
    {
        context.add("aws:PrincipalOrgID", organization.id.as_str());
    }
    context
}

/// The unique id GetCallerIdentity shows: `AIDA…`, or `AROA…:session`.
#[must_use]
pub fn user_id(world: &World, principal: &Principal) -> String {
    match (identity(world, principal), principal) {
        (Some(Identity::User(user)), _) => user.id.clone(),
        (Some(Identity::Role(role)), Principal::Session { session, .. }) => {
            format!("{}:{session}", role.id)
        }
        _ => String::new(),
    }
}

/// A permission that a call rested on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The account of the user or role.
    pub account: AccountId,
    /// Name or ARN of its policy.
    pub policy: Box<str>,
    /// The `Sid` of the allowing statement, or its number in the policy, from 0.
    pub statement: Box<str>,
    /// The IAM action that was allowed.
    pub action: Box<str>,
}

/// Checks every requirement of a call and returns what it rested on.
///
/// # Errors
/// The denial, as the service words it.
pub fn authorize(
    world: &World,
    caller: &Caller,
    call: &Call,
    requirements: &[Requirement],
) -> Result<Vec<Grant>, ApiError> {
    if requirements.is_empty() {
        return Ok(Vec::new());
    }
    let mut grants = Vec::with_capacity(requirements.len());
    let layers = layers(world, &caller.principal, &caller.session_policies);
    let base = context(world, &caller.principal, &call.region, call.now);
    for requirement in requirements {
        let decision = if requirement.context.is_empty() {
            decide(&layers, &requirement.action, &requirement.resource, &base)
        } else {
            let mut context = base.clone();
            for (key, value) in &requirement.context {
                context.add(key, value.as_str());
            }
            decide(&layers, &requirement.action, &requirement.resource, &context)
        };
        let Decision::Allowed(by) = decision else {
            return Err(denied(call, requirement, &reason(&decision, &requirement.action)));
        };
        grants.push(Grant {
            account: caller.principal.account().clone(),
            policy: (&*by.policy).into(),
            statement: by.sid.unwrap_or_else(|| by.statement.to_string()).into(),
            action: (&*requirement.action).into(),
        });
    }
    Ok(grants)
}

/// The end of AWS's sentence, which names the kind of policy that decided
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>).
fn reason(decision: &Decision, action: &str) -> String {
    let kind = |layer: Layer| match layer {
        Layer::Organization => "service control policy",
        Layer::Identity => "identity-based policy",
        Layer::Boundary => "permissions boundary",
        Layer::Session => "session policy",
    };
    match decision {
        Decision::Allowed(_) => String::new(),
        Decision::ImplicitDeny(layer) => {
            format!(" because no {} allows the {action} action", kind(*layer))
        }
        Decision::ExplicitDeny(by) => {
            let article = if by.layer == Layer::Identity { "an" } else { "a" };
            format!(" with an explicit deny in {article} {}", kind(by.layer))
        }
    }
}

/// A denial in the words of the call's service; `reason` begins with a space or is empty.
#[must_use]
pub fn denied(call: &Call, requirement: &Requirement, reason: &str) -> ApiError {
    let who = &call.principal;
    let action = &requirement.action;
    let sentence = match (call.service, requirement.resource.as_str()) {
        (Service::Ec2, "*") => format!("User: {who} is not authorized to perform: {action}{reason}"),
        (Service::Ssm, "*") => format!(
            "User: {who} is not authorized to perform: {action} on resource: \
             arn:aws:ssm:{}:{}:*{reason}",
            call.region, call.account
        ),
        (_, resource) => {
            format!("User: {who} is not authorized to perform: {action} on resource: {resource}{reason}")
        }
    };
    match call.service {
        Service::Ec2 => ApiError::new(
            403,
            "UnauthorizedOperation",
            format!("You are not authorized to perform this operation. {sentence}"),
        ),
        Service::AutoScaling
        | Service::ClassicElb
        | Service::CloudFormation
        | Service::Elbv2
        | Service::Iam
        | Service::Sts => ApiError::new(403, "AccessDenied", sentence),
        Service::Bedrock | Service::Eks | Service::Lambda => {
            ApiError::new(403, "AccessDeniedException", sentence)
        }
        Service::S3 => {
            let resource = match requirement.resource.as_str() {
                "*" => String::new(),
                arn => format!(" on resource: \"{arn}\""),
            };
            let sentence = format!("User: {who} is not authorized to perform: {action}{resource}{reason}");
            ApiError::new(403, "AccessDenied", sentence)
        }
        Service::Sns => ApiError::new(403, "AuthorizationError", sentence.replace(" sns:", " SNS:")),
        Service::CloudWatch
        | Service::DynamoDb
        | Service::EventBridge
        | Service::Kms
        | Service::Logs
        | Service::SecretsManager
        | Service::ServiceQuotas
        | Service::Sqs
        | Service::Ssm
        | Service::Organizations => ApiError::new(400, "AccessDeniedException", sentence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principals_arn_reads_back() {
        for arn in
            ["arn:aws:iam::011122223333:user/hub", "arn:aws:sts::011122223333:assumed-role/FleetScan/run-1"]
        {
            assert_eq!(Principal::parse(arn).map(|p| p.arn()).as_deref(), Some(arn));
        }
        assert_eq!(Principal::parse("arn:aws:iam::011122223333:root"), None);
        let session = Principal::parse("arn:aws:sts::011122223333:assumed-role/R/s").expect("one");
        assert_eq!(session.policy_arn(), "arn:aws:iam::011122223333:role/R");
    }
}
