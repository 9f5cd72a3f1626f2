//! Roles that are made and deleted, and their inline policies (IAM API reference, "CreateRole", "PutRolePolicy").

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{invalid, no_such_entity, required};
use crate::authorize;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::policy::NamedPolicy;
use crate::wire::xml;
use crate::world::World;
use crate::world::iam::{Iam, Role};

/// Characters of a role's name at most (IAM User Guide, "IAM and AWS STS quotas").
const LONGEST_NAME: usize = 64;
/// Characters of a policy's name at most.
const LONGEST_POLICY_NAME: usize = 128;

/// An operation on a role, by its name.
pub(super) struct OnRole {
    name: &'static str,
    answer: fn(&mut Iam, &Call, &str) -> Result<String, ApiError>,
}

/// The operations on roles.
pub(super) const OPERATIONS: [OnRole; 5] = [
    OnRole { name: "CreateRole", answer: create },
    OnRole { name: "DeleteRole", answer: delete },
    OnRole { name: "DeleteRolePolicy", answer: delete_policy },
    OnRole { name: "GetRole", answer: get },
    OnRole { name: "PutRolePolicy", answer: put_policy },
];

impl Operation for OnRole {
    fn service(&self) -> Service {
        Service::Iam
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn requirements(&self, _world: &World, call: &Call) -> Vec<Requirement> {
        let name = call.query().get("RoleName").unwrap_or("*");
        vec![Requirement {
            action: format!("iam:{}", self.name).into(),
            resource: authorize::role_arn(&call.account, name),
            context: Vec::new(),
        }]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let name = required(call.query(), "RoleName", "roleName")?;
        let account = world.accounts.get_mut(&call.account);
        let account = account.ok_or_else(|| no_such_entity("role", name))?;
        (self.answer)(&mut account.iam, call, name)
    }
}

/// Letters, digits and `+=,.@_-`, as many as that at most.
fn named(name: &str, most: usize, member: &str) -> Result<(), ApiError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
    match (1..=most).contains(&name.len()) && name.bytes().all(allowed) {
        true => Ok(()),
        false => Err(invalid(format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [\\w+=,.@-]+ and have length less than or equal to {most}"
        ))),
    }
}

fn role<'i>(iam: &'i mut Iam, name: &str) -> Result<&'i mut Role, ApiError> {
    iam.roles.get_mut(name).ok_or_else(|| no_such_entity("role", name))
}

fn described(call: &Call, name: &str, role: &Role) -> String {
    let mut body = String::with_capacity(1024);
    xml::element(&mut body, "Role", |out| {
        xml::text(out, "Path", "/");
        xml::text(out, "RoleName", name);
        xml::text(out, "RoleId", &role.id);
        xml::text(out, "Arn", &authorize::role_arn(&call.account, name));
        xml::plain(out, "CreateDate", role.created.strftime("%Y-%m-%dT%H:%M:%SZ"));
        let trust = utf8_percent_encode(&role.trust_text, NON_ALPHANUMERIC);
        xml::plain(out, "AssumeRolePolicyDocument", trust);
        xml::plain(out, "MaxSessionDuration", role.max_session_seconds);
    });
    body
}

fn create(iam: &mut Iam, call: &Call, name: &str) -> Result<String, ApiError> {
    named(name, LONGEST_NAME, "roleName")?;
    let params = call.query();
    let known = ["AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "Path", "RoleName", "Tags"];
    let heads = params.values.keys().filter_map(|key| key.split('.').next());
    if let Some(odd) = heads.into_iter().find(|head| !known.contains(head)) {
        return Err(invalid(format!("The estate does not support the parameter {odd}")));
    }
    if params.get("Path").is_some_and(|path| path != "/") {
        return Err(invalid("The estate has no paths of roles but /"));
    }
    let trust = required(params, "AssumeRolePolicyDocument", "assumeRolePolicyDocument")?;
    let seconds = match params.get("MaxSessionDuration").map(str::parse) {
        None => 3_600,
        Some(Ok(seconds @ 3_600..=43_200)) => seconds,
        Some(_) => return Err(invalid("MaxSessionDuration is 3600 to 43200 seconds")),
    };
    if iam.roles.contains_key(name) {
        let message = format!("Role with name {name} already exists.");
        return Err(ApiError::new(409, "EntityAlreadyExists", message));
    }
    let made = iam.add_role(&call.account, name, trust, Vec::new(), call.now);
    made.map_err(|error| ApiError::new(400, "MalformedPolicyDocument", error.to_string()))?;
    let role = role(iam, name)?;
    role.max_session_seconds = seconds;
    Ok(described(call, name, role))
}

fn get(iam: &mut Iam, call: &Call, name: &str) -> Result<String, ApiError> {
    Ok(described(call, name, role(iam, name)?))
}

fn put_policy(iam: &mut Iam, call: &Call, name: &str) -> Result<String, ApiError> {
    let policy = required(call.query(), "PolicyName", "policyName")?;
    named(policy, LONGEST_POLICY_NAME, "policyName")?;
    let document = required(call.query(), "PolicyDocument", "policyDocument")?;
    let role = role(iam, name)?;
    let parsed = NamedPolicy::parse(policy, document)
        .map_err(|error| ApiError::new(400, "MalformedPolicyDocument", error.to_string()))?;
    role.policies.retain(|it| *it.name != *policy);
    role.policies.push(parsed);
    Ok(String::new())
}

fn delete_policy(iam: &mut Iam, call: &Call, name: &str) -> Result<String, ApiError> {
    let policy = required(call.query(), "PolicyName", "policyName")?;
    let role = role(iam, name)?;
    let before = role.policies.len();
    role.policies.retain(|it| *it.name != *policy);
    match role.policies.len() < before {
        true => Ok(String::new()),
        false => Err(no_such_entity("role policy", policy)),
    }
}

fn delete(iam: &mut Iam, _: &Call, name: &str) -> Result<String, ApiError> {
    if !role(iam, name)?.policies.is_empty() {
        return Err(ApiError::new(
            409,
            "DeleteConflict",
            "Cannot delete entity, must delete policies first.",
        ));
    }
    iam.roles.remove(name);
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Input, QueryParams};
    use crate::world::Account;

    const TRUST: &str = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
    const POLICY: &str = r#"{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#;

    struct Told {
        world: World,
    }

    impl Told {
        fn tell(&mut self, action: &'static str, given: &[(&str, &str)]) -> Result<String, ApiError> {
            let mut params = QueryParams::default();
            for (name, value) in given.iter().chain(&[("RoleName", "Turn")]) {
                params.values.insert((*name).to_owned(), (*value).to_owned());
            }
            let call = Call {
                service: Service::Iam,
                action: action.to_owned(),
                input: Input::Query(params),
                account: "011122223333".to_owned(),
                region: "us-east-1".to_owned(),
                principal: "arn:aws:iam::011122223333:user/u".to_owned(),
                now: "2026-03-02T08:00:00Z".parse().expect("a time"),
                as_of: None,
                request_id: "id".to_owned(),
            };
            let operation = OPERATIONS.iter().find(|it| it.name == action).expect("an operation");
            operation.answer(&mut self.world, &call)
        }

        fn code(&mut self, action: &'static str, given: &[(&str, &str)]) -> String {
            self.tell(action, given).expect_err("refused").code.into_owned()
        }
    }

    #[test]
    fn a_role_is_made_once_given_policies_and_deleted_when_it_has_none() {
        let mut world = World::default();
        world.accounts.insert("011122223333".to_owned(), Account::default());
        let mut told = Told { world };
        assert_eq!(told.code("GetRole", &[]), "NoSuchEntity");
        assert_eq!(told.code("CreateRole", &[("AssumeRolePolicyDocument", "{}")]), "MalformedPolicyDocument");
        let trust = ("AssumeRolePolicyDocument", TRUST);
        assert!(told.tell("CreateRole", &[trust]).expect("made").contains("role/Turn"));
        assert_eq!(told.code("CreateRole", &[trust]), "EntityAlreadyExists");
        let (named, policy) = (("PolicyName", "read"), ("PolicyDocument", POLICY));
        assert_eq!(told.code("PutRolePolicy", &[named, ("PolicyDocument", "[]")]), "MalformedPolicyDocument");
        for _ in 0..2 {
            told.tell("PutRolePolicy", &[named, policy]).expect("put, and put again");
        }
        assert_eq!(told.world.accounts["011122223333"].iam.roles["Turn"].policies.len(), 1);
        assert_eq!(told.code("DeleteRole", &[]), "DeleteConflict");
        told.tell("DeleteRolePolicy", &[named]).expect("deleted");
        assert_eq!(told.code("DeleteRolePolicy", &[named]), "NoSuchEntity");
        told.tell("DeleteRole", &[]).expect("deleted");
        assert_eq!(told.code("DeleteRole", &[]), "NoSuchEntity");
    }
}
