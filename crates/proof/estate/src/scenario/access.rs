//! Who may do what: the hub's user, the roles in the accounts, the organisation's policies.

use std::collections::BTreeMap;

use rand::RngExt;
use serde_json::json;

use super::file::{AccessSection, ExceptionSection, HubPlace, Permissions, Problem};
use super::prepare::Hub;
use crate::generate::accounts::{AccountPlan, account_id};
use crate::generate::launch::INSTANCE_PROFILE;
use crate::generate::seed::Seed;
use crate::landing_zones::LandingZone;
use crate::policy::{NamedPolicy, PolicyError};
use crate::world::organization::{Member, MemberStatus, Organization, OrganizationalUnit};
use crate::world::regions::{self, OptIn};
use crate::world::{Account, World};
use jiff::Timestamp;

/// Name of the hub's user.
const USER: &str = "operator";
/// Name of the hub's account.
const HUB_NAME: &str = "fleet-hub";

/// What a scan and the checks before it read.
const SCAN_ACTIONS: [&str; 11] = [
    "ec2:DescribeImages",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstances",
    "ec2:DescribeRegions",
    "ec2:DescribeVolumes",
    "iam:GetRole",
    "iam:SimulatePrincipalPolicy",
    "ssm:DescribeInstanceInformation",
    "ssm:DescribeInstancePatchStates",
    "ssm:DescribePatchBaselines",
];

/// Makes the hub account with its user; the estate issues the key.
pub(super) fn hub(
    world: &mut World,
    seed: &Seed,
    number: u64,
    access: &AccessSection,
) -> Result<Hub, PolicyError> {
    let id = account_id(&seed.child("hub"), 0);
    let account = world.accounts.entry(id.clone()).or_default();
    account.name = HUB_NAME.to_owned();
    account.iam.seed = number;
    crate::generate::offer_regions(account);
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Spokes", "Effect": "Allow", "Action": "sts:AssumeRole",
         "Resource": format!("arn:aws:iam::*:role/{}", access.role_name)},
        {"Sid": "Accounts", "Effect": "Allow",
         "Action": ["organizations:Describe*", "organizations:List*"], "Resource": "*"},
        {"Sid": "Self", "Effect": "Allow",
         "Action": ["iam:GetRole", "iam:SimulatePrincipalPolicy", "ec2:DescribeRegions"], "Resource": "*"}
    ]});
    let mut policies = vec![NamedPolicy::parse("operate-fleet", &policy.to_string())?];
    if !access.hub_actions.is_empty() {
        let own = json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Own", "Effect": "Allow", "Action": access.hub_actions, "Resource": "*"}
        ]});
        policies.push(NamedPolicy::parse("operate-hub", &own.to_string())?);
    }
    account.iam.add_user(&id, USER, policies);
    Ok(Hub { account: id, user: USER.to_owned() })
}

/// Makes the role in every planned account and lists the accounts as landing zones.
pub(super) fn roles(
    world: &mut World,
    plans: &[AccountPlan],
    access: &AccessSection,
    hub: &Hub,
    (seed, number): (&Seed, u64),
    start: Timestamp,
) -> Result<Vec<LandingZone>, PolicyError> {
    let mut zones = Vec::with_capacity(plans.len());
    for plan in plans {
        let external_id = access.external_id.clone().unwrap_or_else(|| external_id(seed, &plan.id));
        zones.push(LandingZone {
            name: plan.name.clone(),
            account_id: plan.id.clone(),
            regions: plan.regions.clone(),
            role_arn: format!("arn:aws:iam::{}:role/{}", plan.id, access.role_name),
            external_id: external_id.clone(),
        });
        let Some(account) = world.accounts.get_mut(&plan.id) else { continue };
        account.iam.seed = number;
        instance_role(account, &plan.id, &access.instance_buckets, start)?;
        let has = |problem| access.exceptions.iter().any(|e| e.account == plan.name && e.problem == problem);
        if has(Problem::RoleMissing) {
            continue;
        }
        let trusted = if has(Problem::HubNotTrusted) { "999999999999" } else { hub.account.as_str() };
        let demanded =
            if has(Problem::WrongExternalId) { format!("{external_id}-rotated") } else { external_id };
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{trusted}:root")},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": demanded}}
        }]});
        let missing: Vec<&str> = access
            .exceptions
            .iter()
            .filter(|e| e.account == plan.name && e.problem == Problem::ActionsMissing)
            .flat_map(|e| e.actions.iter().map(String::as_str))
            .collect();
        let policies = vec![permissions(access.permissions, &missing)?];
        account.iam.add_role(&plan.id, &access.role_name, &trust.to_string(), policies, start)?;
    }
    Ok(zones)
}

/// Makes the role of the profile that the instances have.
fn instance_role(
    account: &mut Account,
    id: &str,
    buckets: &[String],
    start: Timestamp,
) -> Result<(), PolicyError> {
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]});
    let mut statements = vec![json!({"Sid": "Agent", "Effect": "Allow", "Resource": "*", "Action": [
        "ec2messages:*", "ssm:UpdateInstanceInformation", "ssmmessages:*"
    ]})];
    if !buckets.is_empty() {
        let objects: Vec<String> = buckets.iter().map(|name| format!("arn:aws:s3:::{name}/*")).collect();
        let actions = ["s3:GetObject", "s3:PutObject"];
        let files = json!({"Sid": "Files", "Effect": "Allow", "Action": actions, "Resource": objects});
        statements.push(files);
    }
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    let policies = vec![NamedPolicy::parse("managed-instance", &policy.to_string())?];
    account.iam.add_role(&id.to_owned(), INSTANCE_PROFILE, &trust.to_string(), policies, start)
}

fn external_id(seed: &Seed, account: &str) -> String {
    let number: u64 = seed.child("external-id").child(account).stream().random();
    format!("fleet-{number:016x}")
}

fn permissions(permissions: Permissions, missing: &[&str]) -> Result<NamedPolicy, PolicyError> {
    let statement = match permissions {
        Permissions::Full if missing.is_empty() => {
            json!({"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"})
        }
        Permissions::Full => {
            json!({"Sid": "AlmostEverything", "Effect": "Allow", "NotAction": missing, "Resource": "*"})
        }
        Permissions::Scan => {
            let granted: Vec<&str> =
                SCAN_ACTIONS.into_iter().filter(|action| !missing.contains(action)).collect();
            json!({"Sid": "Scan", "Effect": "Allow", "Action": granted, "Resource": "*"})
        }
    };
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
    NamedPolicy::parse("fleet-spoke", &policy.to_string())
}

/// Makes the organisation with a unit for each environment; none where there is none.
pub(super) fn organization(
    world: &mut World,
    plans: &[AccountPlan],
    hub: &Hub,
    place: HubPlace,
    (seed, number): (&Seed, u64),
    start: Timestamp,
) -> Option<Organization> {
    if place == HubPlace::NoOrganization {
        return None;
    }
    let mut random = seed.child("organization").stream();
    let mut letters = |count: usize| -> String {
        (0..count)
            .map(|_| char::from(b"abcdefghijklmnopqrstuvwxyz0123456789"[random.random_range(0..36)]))
            .collect()
    };
    let (id, root_suffix) = (format!("o-{}", letters(10)), letters(4));
    let root = format!("r-{root_suffix}");
    let mut units = BTreeMap::new();
    let mut unit_of: BTreeMap<&str, String> = BTreeMap::new();
    for plan in plans {
        unit_of.entry(&plan.environment).or_insert_with(|| {
            let unit = format!("ou-{root_suffix}-{}", letters(8));
            let parent = root.clone();
            units.insert(unit.clone(), OrganizationalUnit { name: plan.environment.clone(), parent });
            unit
        });
    }
    let member = |name: &str, parent: &str| Member {
        name: name.to_owned(),
        email: format!("aws+{name}@example.com"),
        parent: parent.to_owned(),
        status: MemberStatus::Active,
        joined: crate::world::agent::hours_before(start, 24 * 400),
    };
    let mut members: BTreeMap<_, _> = plans
        .iter()
        .map(|plan| (plan.id.clone(), member(&plan.name, &unit_of[plan.environment.as_str()])))
        .collect();
    members.insert(hub.account.clone(), member(HUB_NAME, &root));
    let management = if place == HubPlace::Management {
        hub.account.clone()
    } else {
        let management = account_id(&seed.child("management"), 0);
        let account = Account { name: "management".to_owned(), ..Account::default() };
        let account = world.accounts.entry(management.clone()).or_insert(account);
        account.iam.seed = number;
        members.insert(management.clone(), member("management", &root));
        management
    };
    let delegated = (place == HubPlace::Delegated).then(|| hub.account.clone()).into_iter().collect();
    Some(Organization { id, root, management, delegated, units, members, service_control: BTreeMap::new() })
}

/// Applies the exceptions that are about regions and the organisation's policies.
///
/// # Errors
/// A sentence about the exception that cannot be made true.
pub(super) fn restrict(
    world: &mut World,
    plan: &AccountPlan,
    exception: &ExceptionSection,
) -> Result<(), String> {
    match exception.problem {
        Problem::RegionNotEnabled => disable(world, plan, &exception.regions),
        Problem::ScpDenies => deny(world, plan, exception),
        Problem::ActionsMissing if exception.actions.is_empty() => {
            Err("actions-missing names no actions; add `actions = [\"ec2:DescribeInstances\"]`".to_owned())
        }
        _ => Ok(()),
    }
}

fn disable(world: &mut World, plan: &AccountPlan, codes: &[String]) -> Result<(), String> {
    if codes.is_empty() {
        return Err("region-not-enabled names no regions; add `regions = [\"eu-south-1\"]`".to_owned());
    }
    for code in codes {
        match regions::find(code).map(|facts| facts.opt_in) {
            Some(OptIn::Required) => {}
            Some(OptIn::NotRequired) => {
                return Err(format!(
                    "{code} is enabled in every account and AWS cannot disable it; take an opt-in region such as \
                     eu-south-1, or deny the region with scp-denies"
                ));
            }
            None => return Err(format!("{code} is not a region")),
        }
        let region = world.accounts.get_mut(&plan.id).and_then(|account| account.regions.get_mut(code));
        if let Some(region) = region {
            region.enabled = false;
        }
    }
    Ok(())
}

fn deny(world: &mut World, plan: &AccountPlan, exception: &ExceptionSection) -> Result<(), String> {
    let Some(organization) = world.organization.as_mut() else {
        return Err("scp-denies needs an organisation; remove `hub = \"no-organization\"`".to_owned());
    };
    let mut statement = json!({"Sid": "Guardrail", "Effect": "Deny", "Resource": "*"});
    statement["Action"] = if exception.actions.is_empty() { json!("*") } else { json!(exception.actions) };
    if !exception.regions.is_empty() {
        statement["Condition"] = json!({"StringEquals": {"aws:RequestedRegion": exception.regions}});
    }
    let guard = json!({"Version": "2012-10-17", "Statement": [statement]});
    let everything = json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let parse = |name: &str, text: String| {
        NamedPolicy::parse(name, &text).map_err(|error| format!("the policy {name} is not valid: {error}"))
    };
    let policies = organization.service_control.entry(plan.id.clone()).or_default();
    if policies.is_empty() {
        policies.push(parse("FullAWSAccess", everything.to_string())?);
    }
    policies.push(parse("guardrail", guard.to_string())?);
    Ok(())
}
