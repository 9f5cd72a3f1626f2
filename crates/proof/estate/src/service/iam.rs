//! IAM: what a principal may do (SimulatePrincipalPolicy), and roles.
//!
//! Rules: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>.

mod roles;

use std::collections::BTreeSet;

use crate::authorize::{self, Principal};
use crate::call::{ApiError, Call, Operation, QueryParams, Requirement, Service};
use crate::policy::{Context, Deciding, Decision, Layer, Layers, NamedPolicy, decide};
use crate::service::page;
use crate::wire::xml;
use crate::world::World;

/// Every IAM operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    let simulate: Box<dyn Operation> = Box::new(SimulatePrincipalPolicy);
    let roles = roles::OPERATIONS.into_iter().map(|operation| Box::new(operation) as Box<dyn Operation>);
    std::iter::once(simulate).chain(roles).collect()
}

struct SimulatePrincipalPolicy;

/// Parameters the estate does not act on, and refuses rather than ignores.
const NOT_MODELLED: [&str; 5] = [
    "CallerArn",
    "PermissionsBoundaryPolicyInputList",
    "ResourceHandlingOption",
    "ResourceOwner",
    "ResourcePolicy",
];

impl Operation for SimulatePrincipalPolicy {
    fn service(&self) -> Service {
        Service::Iam
    }

    fn name(&self) -> &'static str {
        "SimulatePrincipalPolicy"
    }

    fn requirements(&self, _world: &World, call: &Call) -> Vec<Requirement> {
        vec![Requirement {
            action: "iam:SimulatePrincipalPolicy".into(),
            resource: call.query().get("PolicySourceArn").unwrap_or("*").to_owned(),
            context: Vec::new(),
        }]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let params = call.query();
        if let Some(odd) = params
            .values
            .keys()
            .filter_map(|name| name.split('.').next())
            .find(|head| NOT_MODELLED.contains(head))
        {
            return Err(invalid(format!("The estate does not support the parameter {odd}")));
        }
        let source = required(params, "PolicySourceArn", "policySourceArn")?;
        let principal = entity(world, call, source)?;
        let actions = action_names(params)?;
        let resources = match params.list("ResourceArns.member") {
            list if list.is_empty() => vec!["*"],
            list => list,
        };
        let extra = additional_policies(params)?;
        let context = simulated_context(world, params, &principal)?;
        let simulation = Simulation::new(world, &principal, extra, &context);

        let pairs: Vec<(&str, &str)> =
            actions.iter().flat_map(|action| resources.iter().map(|resource| (*action, *resource))).collect();
        let (from, to) = window(call, pairs.len())?;
        let mut body = String::with_capacity(512 * (to - from));
        xml::element(&mut body, "EvaluationResults", |out| {
            for (action, resource) in &pairs[from..to] {
                xml::element(out, "member", |out| simulation.render(out, action, resource));
            }
        });
        let truncated = to < pairs.len();
        xml::plain(&mut body, "IsTruncated", truncated);
        if truncated {
            xml::text(&mut body, "Marker", &page::token(call, to as u64));
        }
        Ok(body)
    }
}

/// The part of the results that this page shows.
fn window(call: &Call, results: usize) -> Result<(usize, usize), ApiError> {
    let size = match call.query().get("MaxItems").map(str::parse::<usize>) {
        None => 100,
        Some(Ok(size @ 1..=1000)) => size,
        Some(_) => {
            return Err(invalid(
                "1 validation error detected: Value at 'maxItems' failed to satisfy constraint: \
                 Member must have value between 1 and 1000",
            ));
        }
    };
    let from = match call.query().get("Marker") {
        None => 0,
        Some(marker) => page::cursor(call, marker)
            .and_then(|at| usize::try_from(at).ok())
            .filter(|at| *at <= results)
            .ok_or_else(|| invalid("Invalid Marker."))?,
    };
    Ok((from, (from + size).min(results)))
}

fn action_names(params: &QueryParams) -> Result<Vec<&str>, ApiError> {
    let actions = params.list("ActionNames.member");
    if actions.is_empty() {
        return Err(invalid(
            "1 validation error detected: Value null at 'actionNames' failed to satisfy \
             constraint: Member must not be null",
        ));
    }
    match actions.iter().find(|a| !a.contains(':') || a.contains('*')) {
        Some(odd) => Err(ApiError::new(
            400,
            "InvalidInput",
            format!("Invalid Action Name: {odd}. An action is written service:Action, without wildcards."),
        )),
        None => Ok(actions),
    }
}

fn additional_policies(params: &QueryParams) -> Result<Vec<NamedPolicy>, ApiError> {
    params
        .list("PolicyInputList.member")
        .iter()
        .enumerate()
        .map(|(at, text)| {
            NamedPolicy::parse(&format!("PolicyInputList.{}", at + 1), text)
                .map_err(|e| ApiError::new(400, "InvalidInput", e.to_string()))
        })
        .collect()
}

/// The context the caller gives, and what the principal itself brings.
fn simulated_context(
    world: &World,
    params: &QueryParams,
    principal: &Principal,
) -> Result<Context, ApiError> {
    let mut context = Context::default();
    context.add("aws:PrincipalArn", principal.policy_arn());
    context.add("aws:PrincipalAccount", principal.account().as_str());
    if let Some(organization) = &world.organization
        && organization.members.contains_key(principal.account())
    {
        context.add("aws:PrincipalOrgID", organization.id.as_str());
    }
    for entry in params.structures("ContextEntries.member") {
        let Some(key) = entry.get("ContextKeyName") else {
            return Err(invalid("Every entry of ContextEntries needs a ContextKeyName"));
        };
        for value in entry.list("ContextKeyValues.member") {
            context.add(key, value);
        }
    }
    Ok(context)
}

/// The user or role behind a `PolicySourceArn`, as a principal.
fn entity(world: &World, call: &Call, arn: &str) -> Result<Principal, ApiError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "iam", "", account, resource] = parts[..] else {
        return Err(ApiError::new(400, "InvalidInput", format!("Invalid Entity Arn: {arn}")));
    };
    let (kind, path) = resource.split_once('/').unwrap_or((resource, ""));
    let name = path.rsplit('/').next().unwrap_or("");
    let iam = world.accounts.get(account).filter(|_| account == call.account).map(|account| &account.iam);
    match kind {
        "user" if iam.is_some_and(|iam| iam.users.contains_key(name)) => {
            Ok(Principal::User { account: account.to_owned(), name: name.to_owned() })
        }
        "role" if iam.is_some_and(|iam| iam.roles.contains_key(name)) => Ok(Principal::Session {
            account: account.to_owned(),
            role: name.to_owned(),
            session: "simulated".to_owned(),
        }),
        "user" | "role" => Err(no_such_entity(kind, name)),
        _ => Err(ApiError::new(400, "InvalidInput", format!("Invalid Entity Arn: {arn}"))),
    }
}

fn no_such_entity(kind: &str, name: &str) -> ApiError {
    ApiError::new(404, "NoSuchEntity", format!("The {kind} with name {name} cannot be found."))
}

/// A principal's policies, ready to be asked.
struct Simulation<'a> {
    organization: Vec<&'a [NamedPolicy]>,
    identity: Vec<NamedPolicy>,
    boundary: Option<&'a NamedPolicy>,
    context: &'a Context,
    kind: &'static str,
}

impl<'a> Simulation<'a> {
    fn new(world: &'a World, principal: &Principal, extra: Vec<NamedPolicy>, context: &'a Context) -> Self {
        let layers = authorize::layers(world, principal, &[]);
        let mut identity = layers.identity.to_vec();
        identity.extend(extra);
        Self {
            organization: layers.organization,
            identity,
            boundary: layers.boundary,
            context,
            kind: match principal {
                Principal::User { .. } => "user",
                Principal::Session { .. } => "role",
            },
        }
    }

    fn layers(&self) -> Layers<'_> {
        Layers {
            organization: self.organization.clone(),
            identity: &self.identity,
            boundary: self.boundary,
            session: &[],
        }
    }

    fn render(&self, out: &mut String, action: &str, resource: &str) {
        let decision = decide(&self.layers(), action, resource, self.context);
        let (word, matched) = match &decision {
            Decision::Allowed(by) => ("allowed", Some(by)),
            Decision::ExplicitDeny(by) => ("explicitDeny", Some(by)),
            Decision::ImplicitDeny(_) => ("implicitDeny", None),
        };
        xml::text(out, "EvalActionName", action);
        xml::text(out, "EvalResourceName", resource);
        xml::text(out, "EvalDecision", word);
        xml::element(out, "MatchedStatements", |out| {
            if let Some(by) = matched.filter(|by| by.layer == Layer::Identity) {
                xml::element(out, "member", |out| self.statement(out, by));
            }
        });
        xml::element(out, "MissingContextValues", |out| {
            for key in self.missing_keys() {
                xml::text(out, "member", key);
            }
        });
        if !self.organization.is_empty() {
            xml::element(out, "OrganizationsDecisionDetail", |out| {
                xml::plain(out, "AllowedByOrganizations", layer_of(&decision) != Some(Layer::Organization));
            });
        }
        if self.boundary.is_some() {
            xml::element(out, "PermissionsBoundaryDecisionDetail", |out| {
                xml::plain(out, "AllowedByPermissionsBoundary", layer_of(&decision) != Some(Layer::Boundary));
            });
        }
    }

    fn statement(&self, out: &mut String, by: &Deciding) {
        xml::text(out, "SourcePolicyId", &by.policy);
        let kind = match &*by.policy {
            name if name.starts_with("arn:aws:iam::aws:") => "aws-managed",
            name if name.starts_with("arn:") => "user-managed",
            _ => self.kind,
        };
        xml::text(out, "SourcePolicyType", kind);
    }

    /// Context keys some policy reads and the simulation was not given.
    fn missing_keys(&self) -> BTreeSet<&str> {
        self.organization
            .iter()
            .flat_map(|level| level.iter())
            .chain(&self.identity)
            .chain(self.boundary)
            .flat_map(|policy| policy.document.condition_keys())
            .filter(|key| self.context.get(key).is_empty())
            .collect()
    }
}

/// The layer that stood in the way, if one did.
fn layer_of(decision: &Decision) -> Option<Layer> {
    match decision {
        Decision::Allowed(_) => None,
        Decision::ExplicitDeny(by) => Some(by.layer),
        Decision::ImplicitDeny(layer) => Some(*layer),
    }
}

fn required<'a>(params: &'a QueryParams, name: &str, member: &str) -> Result<&'a str, ApiError> {
    params.get(name).ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: \
             Member must not be null"
        ))
    })
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationError", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Input;
    use crate::world::Account;

    const ACCOUNT: &str = "011122223333";
    const READER: &str = r#"{"Statement":[
        {"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"},
        {"Effect":"Deny","Action":"ec2:DescribeImages","Resource":"*"},
        {"Effect":"Allow","Action":"ssm:SendCommand","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-central-1"}}}]}"#;

    fn simulate(extra: &[(&str, &str)]) -> Result<String, ApiError> {
        let now = "2026-03-02T08:00:00Z".parse().expect("a time");
        let id = ACCOUNT.to_owned();
        let mut account = Account::default();
        let policy = NamedPolicy::parse("reader", READER).expect("a policy");
        let trust = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#;
        account.iam.add_role(&id, "Fleet", trust, vec![policy], now).expect("a role");
        let mut world = World::default();
        world.accounts.insert(id.clone(), account);
        let mut params = QueryParams::default();
        for (name, value) in [
            ("PolicySourceArn", "arn:aws:iam::011122223333:role/Fleet"),
            ("ActionNames.member.1", "ec2:DescribeInstances"),
            ("ActionNames.member.2", "ec2:DescribeImages"),
            ("ActionNames.member.3", "ssm:SendCommand"),
        ]
        .iter()
        .chain(extra)
        {
            params.values.insert((*name).to_owned(), (*value).to_owned());
        }
        let call = Call {
            service: Service::Iam,
            action: "SimulatePrincipalPolicy".to_owned(),
            input: Input::Query(params),
            account: id,
            region: "us-east-1".to_owned(),
            principal: "arn:aws:sts::011122223333:assumed-role/Fleet/s".to_owned(),
            now,
            as_of: None,
            request_id: "id".to_owned(),
        };
        SimulatePrincipalPolicy.answer(&mut world, &call)
    }

    fn decisions(body: &str) -> Vec<&str> {
        body.split("<EvalDecision>").skip(1).filter_map(|rest| rest.split('<').next()).collect()
    }

    #[test]
    fn each_action_gets_its_decision_and_what_is_missing_to_judge_it() {
        let body = simulate(&[]).expect("results");
        assert_eq!(decisions(&body), ["allowed", "explicitDeny", "implicitDeny"]);
        assert!(body.contains("<MissingContextValues><member>aws:requestedregion</member>"));
        let informed = simulate(&[
            ("ContextEntries.member.1.ContextKeyName", "aws:RequestedRegion"),
            ("ContextEntries.member.1.ContextKeyType", "string"),
            ("ContextEntries.member.1.ContextKeyValues.member.1", "eu-central-1"),
        ])
        .expect("results");
        assert_eq!(decisions(&informed), ["allowed", "explicitDeny", "allowed"]);
    }

    #[test]
    fn pages_continue_where_the_last_one_ended() {
        let first = simulate(&[("MaxItems", "2")]).expect("a page");
        assert_eq!(decisions(&first).len(), 2);
        let marker =
            first.split("<Marker>").nth(1).and_then(|rest| rest.split('<').next()).expect("a marker");
        let rest = simulate(&[("MaxItems", "2"), ("Marker", marker)]).expect("a page");
        assert_eq!(decisions(&rest), ["implicitDeny"]);
        assert!(rest.contains("<IsTruncated>false</IsTruncated>"));
        assert_eq!(simulate(&[("Marker", "x")]).expect_err("refused").code, "ValidationError");
    }

    #[test]
    fn an_unknown_role_is_no_such_entity() {
        let error =
            simulate(&[("PolicySourceArn", "arn:aws:iam::011122223333:role/None")]).expect_err("refused");
        assert_eq!((error.status, error.code.as_ref()), (404, "NoSuchEntity"));
    }
}
