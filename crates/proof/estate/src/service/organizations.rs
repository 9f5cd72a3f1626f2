//! Organizations: the accounts of the organisation and the tree they sit in.
//!
//! Rules: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html>
//! and its neighbours.

use serde_json::{Map, Value, json};

use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::world::World;
use crate::world::organization::{Member, Organization};

/// The most results of a page.
const PAGE_MAX: usize = 20;

/// Every Organizations operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    [
        ("DescribeOrganization", describe_organization as Answer),
        ("ListAccounts", list_accounts),
        ("ListAccountsForParent", list_accounts_for_parent),
        ("ListOrganizationalUnitsForParent", list_units_for_parent),
        ("ListRoots", list_roots),
    ]
    .into_iter()
    .map(|(name, answer)| Box::new(Read { name, answer }) as Box<dyn Operation>)
    .collect()
}

type Answer = fn(&Organization, &Call) -> Result<Value, ApiError>;

/// A reading operation: all of them differ in their answer only.
struct Read {
    name: &'static str,
    answer: Answer,
}

impl Operation for Read {
    fn service(&self) -> Service {
        Service::Organizations
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn requirements(&self, _world: &World, _call: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource(format!("organizations:{}", self.name))]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let organization =
            world.organization.as_ref().filter(|o| o.members.contains_key(&call.account)).ok_or_else(
                || {
                    ApiError::new(
                        400,
                        "AWSOrganizationsNotInUseException",
                        "Your account is not a member of an organization.",
                    )
                },
            )?;
        let may_read = call.account == organization.management
            || organization.delegated.contains(&call.account)
            || self.name == "DescribeOrganization";
        if !may_read {
            return Err(ApiError::new(
                400,
                "AccessDeniedException",
                "You don't have permissions to access this resource.",
            ));
        }
        (self.answer)(organization, call).map(|document| document.to_string())
    }
}

fn describe_organization(organization: &Organization, _call: &Call) -> Result<Value, ApiError> {
    let management = &organization.management;
    let email = organization.members.get(management).map_or("", |member| member.email.as_str());
    Ok(json!({ "Organization": {
        "Id": organization.id,
        "Arn": format!("arn:aws:organizations::{management}:organization/{}", organization.id),
        "FeatureSet": "ALL",
        "MasterAccountId": management,
        "MasterAccountArn": account_arn(organization, management),
        "MasterAccountEmail": email,
        "AvailablePolicyTypes": [{ "Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED" }],
    }}))
}

fn list_accounts(organization: &Organization, call: &Call) -> Result<Value, ApiError> {
    accounts(organization, call, |_| true)
}

fn list_accounts_for_parent(organization: &Organization, call: &Call) -> Result<Value, ApiError> {
    let parent = parent(organization, call)?;
    accounts(organization, call, |member| member.parent == parent)
}

fn accounts(
    organization: &Organization,
    call: &Call,
    wanted: impl Fn(&Member) -> bool,
) -> Result<Value, ApiError> {
    let found: Vec<Value> = organization
        .members
        .iter()
        .filter(|(_, member)| wanted(member))
        .map(|(id, member)| {
            json!({
                "Id": id,
                "Arn": account_arn(organization, id),
                "Email": member.email,
                "Name": member.name,
                "Status": member.status.as_str(),
                "JoinedMethod": "CREATED",
                "JoinedTimestamp": member.joined.as_second(),
            })
        })
        .collect();
    page_of("Accounts", found, call)
}

fn list_units_for_parent(organization: &Organization, call: &Call) -> Result<Value, ApiError> {
    let parent = parent(organization, call)?;
    let found = organization
        .units
        .iter()
        .filter(|(_, unit)| unit.parent == parent)
        .map(|(id, unit)| json!({ "Id": id, "Arn": arn(organization, "ou", id), "Name": unit.name }))
        .collect();
    page_of("OrganizationalUnits", found, call)
}

fn list_roots(organization: &Organization, call: &Call) -> Result<Value, ApiError> {
    let root = json!({
        "Id": organization.root,
        "Arn": arn(organization, "root", &organization.root),
        "Name": "Root",
        "PolicyTypes": [{ "Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED" }],
    });
    page_of("Roots", vec![root], call)
}

fn arn(organization: &Organization, kind: &str, id: &str) -> String {
    format!("arn:aws:organizations::{}:{kind}/{}/{id}", organization.management, organization.id)
}

fn account_arn(organization: &Organization, id: &str) -> String {
    arn(organization, "account", id)
}

/// The root or unit a request names.
fn parent<'a>(organization: &Organization, call: &'a Call) -> Result<&'a str, ApiError> {
    let id = match call.json().get("ParentId") {
        Some(Value::String(id)) => id.as_str(),
        Some(_) => return Err(wrong_type("ParentId", "a string")),
        None => return Err(invalid("ParentId is required", "INPUT_REQUIRED")),
    };
    let known = id == organization.root || organization.units.contains_key(id);
    known.then_some(id).ok_or_else(|| {
        ApiError::new(
            400,
            "ParentNotFoundException",
            "We can't find a root or OU with the ParentId that you specified.",
        )
    })
}

/// The page of results a request asks for.
fn page_of(name: &str, mut found: Vec<Value>, call: &Call) -> Result<Value, ApiError> {
    let size = match call.json().get("MaxResults") {
        None | Some(Value::Null) => PAGE_MAX,
        Some(value) => value
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| (1..=PAGE_MAX).contains(n))
            .ok_or_else(|| invalid("MaxResults must be from 1 to 20", "MAX_VALUE_EXCEEDED"))?,
    };
    let from = match call.json().get("NextToken") {
        None | Some(Value::Null) => 0,
        Some(Value::String(token)) => page::cursor(call, token)
            .and_then(|at| usize::try_from(at).ok())
            .filter(|at| *at <= found.len())
            .ok_or_else(|| invalid("NextToken is not valid", "INVALID_NEXT_TOKEN"))?,
        Some(_) => return Err(wrong_type("NextToken", "a string")),
    };
    let to = (from + size).min(found.len());
    let mut document = Map::new();
    if to < found.len() {
        document.insert("NextToken".to_owned(), page::token(call, to as u64).into());
    }
    document.insert(name.to_owned(), found.drain(from..to).collect());
    Ok(Value::Object(document))
}

fn invalid(what: &str, reason: &str) -> ApiError {
    ApiError::new(
        400,
        "InvalidInputException",
        format!(
            "You provided invalid values for one or more of the request parameters. {what}. \
             Reason: {reason}"
        ),
    )
}

fn wrong_type(member: &str, wanted: &str) -> ApiError {
    ApiError::new(400, "SerializationException", format!("{member} must be {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Input;
    use crate::world::organization::{MemberStatus, OrganizationalUnit};

    fn world() -> World {
        let joined = "2024-01-02T00:00:00Z".parse().expect("a time");
        let members = (0..45)
            .map(|n| {
                let parent = if n % 2 == 0 { "r-ab12" } else { "ou-ab12-prod" };
                let member = Member {
                    name: format!("account-{n}"),
                    email: format!("account-{n}@example.com"),
                    parent: parent.to_owned(),
                    status: MemberStatus::Active,
                    joined,
                };
                (format!("{n:012}"), member)
            })
            .collect();
        let unit = OrganizationalUnit { name: "prod".to_owned(), parent: "r-ab12".to_owned() };
        World {
            organization: Some(Organization {
                id: "o-abcdefghij".to_owned(),
                root: "r-ab12".to_owned(),
                management: "000000000000".to_owned(),
                delegated: ["000000000007".to_owned()].into(),
                units: [("ou-ab12-prod".to_owned(), unit)].into(),
                members,
                service_control: Default::default(),
            }),
            ..World::default()
        }
    }

    fn ask(account: &str, action: &str, input: Value) -> Result<Value, ApiError> {
        let call = Call {
            service: Service::Organizations,
            action: action.to_owned(),
            input: Input::Json(input),
            account: account.to_owned(),
            region: "us-east-1".to_owned(),
            principal: format!("arn:aws:iam::{account}:user/x"),
            now: "2026-03-02T08:00:00Z".parse().expect("a time"),
            as_of: None,
            request_id: "id".to_owned(),
        };
        operations()
            .iter()
            .find(|o| o.name() == action)
            .expect("an operation")
            .answer(&mut world(), &call)
            .map(|text| serde_json::from_str(&text).expect("JSON"))
    }

    const MANAGEMENT: &str = "000000000000";

    #[test]
    fn listing_pages_through_every_account_once() {
        let mut ids = Vec::new();
        let mut input = json!({});
        loop {
            let page = ask(MANAGEMENT, "ListAccounts", input).expect("a page");
            let accounts = page["Accounts"].as_array().expect("accounts");
            assert!(accounts.len() <= PAGE_MAX);
            ids.extend(accounts.iter().map(|a| a["Id"].as_str().expect("an id").to_owned()));
            match page.get("NextToken") {
                Some(token) => input = json!({ "NextToken": token }),
                None => break,
            }
        }
        assert_eq!(ids, (0..45).map(|n| format!("{n:012}")).collect::<Vec<_>>());
    }

    #[test]
    fn only_the_management_and_delegated_accounts_may_list() {
        assert!(ask("000000000007", "ListAccounts", json!({})).is_ok());
        let member = ask("000000000009", "ListAccounts", json!({})).expect_err("refused");
        assert_eq!(member.code, "AccessDeniedException");
        assert!(ask("000000000009", "DescribeOrganization", json!({})).is_ok());
        let outside = ask("999988887777", "ListAccounts", json!({})).expect_err("refused");
        assert_eq!(outside.code, "AWSOrganizationsNotInUseException");
    }

    #[test]
    fn a_unit_shows_its_own_accounts_and_an_unknown_one_is_not_found() {
        let unit =
            ask(MANAGEMENT, "ListAccountsForParent", json!({"ParentId": "ou-ab12-prod", "MaxResults": 20}))
                .expect("a page");
        assert_eq!(unit["Accounts"][0]["Id"], "000000000001");
        let unknown =
            ask(MANAGEMENT, "ListAccountsForParent", json!({"ParentId": "ou-x"})).expect_err("refused");
        assert_eq!(unknown.code, "ParentNotFoundException");
        let roots = ask(MANAGEMENT, "ListRoots", json!({})).expect("roots");
        assert_eq!(roots["Roots"][0]["Id"], "r-ab12");
        let units = ask(MANAGEMENT, "ListOrganizationalUnitsForParent", json!({"ParentId": "r-ab12"}))
            .expect("units");
        assert_eq!(units["OrganizationalUnits"][0]["Name"], "prod");
    }

    #[test]
    fn page_sizes_and_tokens_out_of_bounds_are_refused() {
        for input in [json!({"MaxResults": 0}), json!({"MaxResults": 21}), json!({"NextToken": "x"})] {
            let error = ask(MANAGEMENT, "ListAccounts", input.clone()).expect_err("refused");
            assert_eq!(error.code, "InvalidInputException", "{input}");
        }
    }
}
