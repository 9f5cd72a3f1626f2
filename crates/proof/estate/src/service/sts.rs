//! STS: who am I, and becoming a role of another account.
//!
//! Rules: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.

use jiff::SignedDuration;

use crate::authorize::{self, Principal};
use crate::call::{ApiError, Call, Operation, QueryParams, Requirement, Service};
use crate::policy::document::{Effect, Principal as Trusted, Principals};
use crate::policy::evaluate::applies;
use crate::policy::{Context, Document, NamedPolicy};
use crate::wire::xml;
use crate::world::iam::{Role, SessionRequest};
use crate::world::{AccountId, World};

/// Every STS operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    vec![Box::new(GetCallerIdentity), Box::new(AssumeRole)]
}

struct GetCallerIdentity;

impl Operation for GetCallerIdentity {
    fn service(&self) -> Service {
        Service::Sts
    }

    fn name(&self) -> &'static str {
        "GetCallerIdentity"
    }

    /// None: AWS answers it even to a principal that is denied it explicitly.
    fn requirements(&self, _world: &World, _call: &Call) -> Vec<Requirement> {
        Vec::new()
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let principal = caller(call)?;
        let mut body = String::new();
        xml::text(&mut body, "Arn", &call.principal);
        xml::text(&mut body, "UserId", &authorize::user_id(world, &principal));
        xml::text(&mut body, "Account", &call.account);
        Ok(body)
    }
}

struct AssumeRole;

/// A role's ARN, taken apart.
struct RoleArn<'a> {
    account: AccountId,
    name: &'a str,
}

/// The parameters of AssumeRole, within their bounds.
struct Wanted<'a> {
    arn: &'a str,
    role: RoleArn<'a>,
    session: &'a str,
    seconds: u32,
    external_id: Option<&'a str>,
    policies: Vec<NamedPolicy>,
}

impl Operation for AssumeRole {
    fn service(&self) -> Service {
        Service::Sts
    }

    fn name(&self) -> &'static str {
        "AssumeRole"
    }

    /// `sts:AssumeRole` on the role, always: the shortcut by which a trust policy that names a
    /// principal of its own account is enough by itself is not modelled.
    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        let params = call.query();
        match params.get("RoleArn") {
            Some(arn) if role_arn(arn).is_some() => vec![requirement(world, params, arn)],
            _ => Vec::new(),
        }
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let principal = caller(call)?;
        let wanted = wanted(call.query())?;
        let requirement = requirement(world, call.query(), wanted.arn);
        // AWS does not tell a role that is not there from one that does not trust the caller.
        let refused = || authorize::denied(call, &requirement, "");
        let role = world
            .accounts
            .get(&wanted.role.account)
            .and_then(|account| account.iam.roles.get(wanted.role.name))
            .ok_or_else(refused)?;
        let context = trust_context(world, &principal, call, &wanted);
        if !trusts(role, &principal, &context) {
            return Err(refused());
        }
        check_duration(&wanted, role, &principal)?;
        let role_id = role.id.clone();
        let account = world.accounts.get_mut(&wanted.role.account).ok_or_else(refused)?;
        let narrowed = !wanted.policies.is_empty();
        let credentials = account.iam.issue_session(
            &wanted.role.account,
            SessionRequest {
                role: wanted.role.name.to_owned(),
                name: wanted.session.to_owned(),
                expires: call.now + SignedDuration::from_secs(i64::from(wanted.seconds)),
                policies: wanted.policies,
                assumed_by: call.principal.clone(),
            },
            call.now,
        );
        let mut body = String::with_capacity(1024);
        xml::element(&mut body, "Credentials", |out| {
            xml::text(out, "AccessKeyId", &credentials.access_key);
            xml::text(out, "SecretAccessKey", &credentials.secret);
            xml::text_if(out, "SessionToken", credentials.token.as_deref());
            if let Some(expires) = credentials.expires {
                xml::plain(out, "Expiration", expires.strftime("%Y-%m-%dT%H:%M:%SZ"));
            }
        });
        xml::element(&mut body, "AssumedRoleUser", |out| {
            xml::text(out, "AssumedRoleId", &format!("{role_id}:{}", wanted.session));
            let arn = Principal::Session {
                account: wanted.role.account.clone(),
                role: wanted.role.name.to_owned(),
                session: wanted.session.to_owned(),
            }
            .arn();
            xml::text(out, "Arn", &arn);
        });
        if narrowed {
            let size = call.query().get("Policy").map_or(0, |p| p.len() * 100 / POLICY_LENGTH_MAX);
            xml::plain(&mut body, "PackedPolicySize", size.max(1));
        }
        Ok(body)
    }
}

fn caller(call: &Call) -> Result<Principal, ApiError> {
    Principal::parse(&call.principal)
        .ok_or_else(|| ApiError::new(403, "AccessDenied", "Roles may not be assumed by root accounts."))
}

/// What the caller must be allowed: with the organisation that the role's account belongs to, so that a policy can keep
/// to it (IAM User Guide, "AWS global condition context keys").
fn requirement(world: &World, params: &QueryParams, arn: &str) -> Requirement {
    let mut context = Vec::new();
    if let Some(role) = role_arn(arn) {
        let organization = world.organization.as_ref().filter(|it| it.members.contains_key(&role.account));
        let id = organization.map(|organization| organization.id.clone());
        context.extend(id.map(|id| ("aws:ResourceOrgID".to_owned(), id)));
        context.push(("aws:ResourceAccount".to_owned(), role.account));
    }
    for (key, parameter) in [("sts:ExternalId", "ExternalId"), ("sts:RoleSessionName", "RoleSessionName")] {
        if let Some(value) = params.get(parameter) {
            context.push((key.to_owned(), value.to_owned()));
        }
    }
    Requirement { action: "sts:AssumeRole".into(), resource: arn.to_owned(), context }
}

const POLICY_LENGTH_MAX: usize = 2048;

/// Parameters of AssumeRole that the estate does not act on, and refuses rather than ignores.
const NOT_MODELLED: [&str; 6] =
    ["PolicyArns", "ProvidedContexts", "SerialNumber", "SourceIdentity", "Tags", "TransitiveTagKeys"];

fn wanted(params: &QueryParams) -> Result<Wanted<'_>, ApiError> {
    for name in params.values.keys() {
        let head = name.split('.').next().unwrap_or(name);
        if NOT_MODELLED.contains(&head) {
            return Err(validation(format!("The estate does not support the parameter {head}")));
        }
    }
    let arn = required(params, "RoleArn", "roleArn")?;
    let role = role_arn(arn).ok_or_else(|| validation(format!("{arn} is invalid")))?;
    let session = required(params, "RoleSessionName", "roleSessionName")?;
    bounded("roleSessionName", session, 2..=64, "+=,.@-_", r"[\w+=,.@-]*")?;
    let external_id = params.get("ExternalId");
    if let Some(id) = external_id {
        bounded("externalId", id, 2..=1224, "+=,.@:/-_", r"[\w+=,.@:\/-]*")?;
    }
    Ok(Wanted {
        arn,
        role,
        session,
        seconds: duration(params)?,
        external_id,
        policies: session_policies(params)?,
    })
}

fn duration(params: &QueryParams) -> Result<u32, ApiError> {
    let Some(text) = params.get("DurationSeconds") else {
        return Ok(3600);
    };
    let bound = |kind: &str, limit: u32| {
        validation(format!(
            "1 validation error detected: Value '{text}' at 'durationSeconds' failed to satisfy \
             constraint: Member must have value {kind} than or equal to {limit}"
        ))
    };
    match text.parse::<u32>() {
        Ok(seconds @ 900..=43_200) => Ok(seconds),
        Ok(seconds) if seconds > 43_200 => Err(bound("less", 43_200)),
        Ok(_) => Err(bound("greater", 900)),
        Err(_) => {
            Err(ApiError::new(400, "MalformedInput", format!("DurationSeconds: '{text}' is not an integer")))
        }
    }
}

fn session_policies(params: &QueryParams) -> Result<Vec<NamedPolicy>, ApiError> {
    let Some(text) = params.get("Policy") else {
        return Ok(Vec::new());
    };
    if text.len() > POLICY_LENGTH_MAX {
        return Err(validation(format!(
            "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member \
             must have length less than or equal to {POLICY_LENGTH_MAX}"
        )));
    }
    let policy = NamedPolicy::parse("session policy", text)
        .map_err(|e| ApiError::new(400, "MalformedPolicyDocument", e.to_string()))?;
    Ok(vec![policy])
}

fn required<'a>(params: &'a QueryParams, name: &str, member: &str) -> Result<&'a str, ApiError> {
    params.get(name).ok_or_else(|| {
        validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: \
             Member must not be null"
        ))
    })
}

fn bounded(
    member: &str,
    value: &str,
    length: std::ops::RangeInclusive<usize>,
    marks: &str,
    pattern: &str,
) -> Result<(), ApiError> {
    let constraint = if !value.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c)) {
        format!("Member must satisfy regular expression pattern: {pattern}")
    } else if value.len() < *length.start() {
        format!("Member must have length greater than or equal to {}", length.start())
    } else if value.len() > *length.end() {
        format!("Member must have length less than or equal to {}", length.end())
    } else {
        return Ok(());
    };
    // An ExternalId is not repeated: it may be a secret between two companies.
    let shown = if member == "externalId" { "(hidden)" } else { value };
    Err(validation(format!(
        "1 validation error detected: Value '{shown}' at '{member}' failed to satisfy constraint: \
         {constraint}"
    )))
}

fn validation(message: String) -> ApiError {
    ApiError::new(400, "ValidationError", message)
}

/// Account and name in a role's ARN; a path before the name is not part of it.
fn role_arn(arn: &str) -> Option<RoleArn<'_>> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts[..] else {
        return None;
    };
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let name = resource.strip_prefix("role/")?.rsplit('/').next()?;
    (partition.starts_with("aws") && is_account && !name.is_empty())
        .then(|| RoleArn { account: account.to_owned(), name })
}

fn trust_context(world: &World, principal: &Principal, call: &Call, wanted: &Wanted<'_>) -> Context {
    let mut context = authorize::context(world, principal, &call.region, call.now);
    context.add("sts:RoleSessionName", wanted.session);
    if let Some(id) = wanted.external_id {
        context.add("sts:ExternalId", id);
    }
    context
}

/// Whether the role's trust policy lets the principal in.
fn trusts(role: &Role, principal: &Principal, context: &Context) -> bool {
    let document: &Document = &role.trust;
    let mut allowed = false;
    for statement in &document.statements {
        let named = match &statement.principals {
            Some(Principals::AnyOf(list)) => list.iter().any(|p| names(p, principal)),
            Some(Principals::NoneOf(list)) => !list.iter().any(|p| names(p, principal)),
            None => false,
        };
        if !named || !applies(statement, "sts:assumerole", "*", context) {
            continue;
        }
        match statement.effect {
            Effect::Deny => return false,
            Effect::Allow => allowed = true,
        }
    }
    allowed
}

fn names(trusted: &Trusted, principal: &Principal) -> bool {
    match trusted {
        Trusted::Anyone => true,
        Trusted::Account(account) => account == principal.account(),
        Trusted::Arn(arn) => *arn == principal.arn() || *arn == principal.policy_arn(),
        Trusted::Service(_) | Trusted::Federated(_) => false,
    }
}

fn check_duration(wanted: &Wanted<'_>, role: &Role, principal: &Principal) -> Result<(), ApiError> {
    const CHAINED_SECONDS_MAX: u32 = 3600;
    if matches!(principal, Principal::Session { .. }) && wanted.seconds > CHAINED_SECONDS_MAX {
        return Err(validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by \
             role chaining"
                .to_owned(),
        ));
    }
    if wanted.seconds > role.max_session_seconds {
        return Err(validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".to_owned(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Input;
    use crate::world::Account;

    const HUB: &str = "111122223333";
    const SPOKE: &str = "011122223333";
    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"fleet-7"}}}}"#;

    fn world() -> World {
        let now = "2026-03-02T08:00:00Z".parse().expect("a time");
        let mut world = World::default();
        let mut hub = Account::default();
        hub.iam.add_user(&HUB.to_owned(), "hub", Vec::new());
        world.accounts.insert(HUB.to_owned(), hub);
        let mut spoke = Account::default();
        spoke.iam.add_role(&SPOKE.to_owned(), "Fleet", TRUST, Vec::new(), now).expect("a trust policy");
        world.accounts.insert(SPOKE.to_owned(), spoke);
        world
    }

    fn assume(principal: &str, extra: &[(&str, &str)]) -> Result<String, ApiError> {
        let mut params = QueryParams::default();
        let base = [
            ("RoleArn", "arn:aws:iam::011122223333:role/Fleet"),
            ("RoleSessionName", "run-1"),
            ("ExternalId", "fleet-7"),
        ];
        for (name, value) in base.iter().chain(extra) {
            params.values.insert((*name).to_owned(), (*value).to_owned());
        }
        let call = Call {
            service: Service::Sts,
            action: "AssumeRole".to_owned(),
            input: Input::Query(params),
            account: HUB.to_owned(),
            region: "eu-central-1".to_owned(),
            principal: principal.to_owned(),
            now: "2026-03-02T08:00:00Z".parse().expect("a time"),
            as_of: None,
            request_id: "id".to_owned(),
        };
        AssumeRole.answer(&mut world(), &call)
    }

    const HUB_USER: &str = "arn:aws:iam::111122223333:user/hub";
    const HUB_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Hub/s";

    fn code(extra: &[(&str, &str)]) -> String {
        let error = assume(HUB_USER, extra).expect_err("refused");
        format!("{}: {}", error.code, error.message)
    }

    #[test]
    fn a_trusted_caller_gets_an_expiring_session() {
        let body = assume(HUB_USER, &[]).expect("a session");
        assert!(body.contains("<AccessKeyId>ASIA"));
        assert!(body.contains("<Expiration>2026-03-02T09:00:00Z</Expiration>"));
        assert!(body.contains("arn:aws:sts::011122223333:assumed-role/Fleet/run-1"));
    }

    #[test]
    fn a_wrong_external_id_an_unknown_role_and_a_stranger_look_the_same() {
        let wrong_id = code(&[("ExternalId", "fleet-8")]);
        assert_eq!(
            wrong_id,
            "AccessDenied: User: arn:aws:iam::111122223333:user/hub is not authorized to perform: \
             sts:AssumeRole on resource: arn:aws:iam::011122223333:role/Fleet"
        );
        let unknown = code(&[("RoleArn", "arn:aws:iam::011122223333:role/None")]);
        assert_eq!(unknown, wrong_id.replace("role/Fleet", "role/None"));
        let stranger = assume("arn:aws:iam::999988887777:user/x", &[]).expect_err("refused");
        assert_eq!(stranger.code, "AccessDenied");
    }

    #[test]
    fn a_session_is_at_most_as_long_as_the_role_and_an_hour_when_chained() {
        assert!(code(&[("DurationSeconds", "899")]).contains("greater than or equal to 900"));
        assert!(code(&[("DurationSeconds", "43201")]).contains("less than or equal to 43200"));
        assert!(code(&[("DurationSeconds", "7200")]).contains("MaxSessionDuration"));
        let chained = assume(HUB_SESSION, &[("DurationSeconds", "7200")]).expect_err("refused");
        assert!(chained.message.contains("role chaining"));
        assert!(assume(HUB_SESSION, &[]).is_ok());
    }

    #[test]
    fn malformed_parameters_are_named_and_the_external_id_is_not_repeated() {
        assert!(code(&[("RoleSessionName", "a b")]).contains("'a b' at 'roleSessionName'"));
        assert!(code(&[("RoleArn", "role/Fleet")]).contains("role/Fleet is invalid"));
        assert!(code(&[("Policy", "{}")]).starts_with("MalformedPolicyDocument"));
        assert!(code(&[("Tags.member.1.Key", "a")]).contains("does not support the parameter Tags"));
        let odd = code(&[("ExternalId", "canary one")]);
        assert!(odd.contains("externalId") && !odd.contains("canary"));
    }
}
