//! DescribeSecurityGroups.

use super::filter::{Catalog, Field, Filters, Scope, absent};
use super::{params, render};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::wire::xml;
use crate::world::World;
use crate::world::ids::{SecurityGroupId, VpcId};
use crate::world::network::{Network, SecurityGroup};
use crate::world::tags::Tags;

/// DescribeSecurityGroups: each group lets its own members in, and everything out, as those that EKS makes do (EKS user
/// guide, "View Amazon EKS security group requirements for clusters").
pub(super) struct DescribeSecurityGroups;

const PARAMETERS: &[&str] =
    &["GroupId.#", "GroupName.#", "Filter.#.Name", "Filter.#.Value.#", "MaxResults", "NextToken"];

/// Groups of a page, at most.
const PAGE: usize = 1_000;

/// A group with the VPC around it.
struct Row {
    id: SecurityGroupId,
    name: String,
    vpc: Option<VpcId>,
    tags: Tags,
}

static FILTERS: Catalog<Row> = Catalog { fields: FIELDS, tags: Some(|it| &it.tags) };

const FIELDS: &[(&str, Field<Row>)] = &[
    ("description", |it, _, v| v.text(&it.name)),
    ("egress.ip-permission.cidr", |_, _, v| v.text("0.0.0.0/0")),
    ("egress.ip-permission.from-port", absent),
    ("egress.ip-permission.group-id", absent),
    ("egress.ip-permission.group-name", absent),
    ("egress.ip-permission.ipv6-cidr", absent),
    ("egress.ip-permission.prefix-list-id", absent),
    ("egress.ip-permission.protocol", |_, _, v| v.text("-1")),
    ("egress.ip-permission.to-port", absent),
    ("egress.ip-permission.user-id", absent),
    ("group-id", |it, _, v| v.shown(it.id)),
    ("group-name", |it, _, v| v.text(&it.name)),
    ("ip-permission.cidr", absent),
    ("ip-permission.from-port", absent),
    ("ip-permission.group-id", |it, _, v| v.shown(it.id)),
    ("ip-permission.group-name", |it, _, v| v.text(&it.name)),
    ("ip-permission.ipv6-cidr", absent),
    ("ip-permission.prefix-list-id", absent),
    ("ip-permission.protocol", |_, _, v| v.text("-1")),
    ("ip-permission.to-port", absent),
    ("ip-permission.user-id", |_, s, v| v.text(s.account)),
    ("owner-id", |_, s, v| v.text(s.account)),
    ("vpc-id", |it, _, v| it.vpc.is_some_and(|vpc| v.shown(vpc))),
];

impl Operation for DescribeSecurityGroups {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DescribeSecurityGroups"
    }

    fn paginated(&self, call: &Call) -> bool {
        super::filtered_or_paginated(call)
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ec2:DescribeSecurityGroups")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        let (_, region) = params::place(world, call)?;
        let named = named(call, &region.network)?;
        let scope = Scope::of(call);
        let filters = Filters::read(call, &FILTERS)?;
        let vpc = region.network.subnets.first().map(|it| it.vpc);
        let rows = named.into_iter().map(|group| Row {
            id: group.id,
            name: group.name.clone(),
            vpc,
            tags: Tags::default(),
        });
        let rows = rows.filter(|it| filters.accept(it, &scope));
        let size = params::max_results(call, 5, PAGE, PAGE)?;
        let (shown, next) = params::paged(call, rows.collect(), size, |it| it.id.0)?;
        let mut out = String::from("<securityGroupInfo>");
        for row in &shown {
            render_group(&mut out, row, &scope);
        }
        out.push_str("</securityGroupInfo>");
        render::next_token(&mut out, next);
        Ok(out)
    }
}

/// The groups that a request names, by id or by name; all where it names none.
fn named<'n>(call: &Call, network: &'n Network) -> Result<Vec<&'n SecurityGroup>, ApiError> {
    let given = call.query().list("GroupId");
    let (ids, mut unknown) =
        params::ids(&given, SecurityGroupId::PREFIX, "InvalidGroupId.Malformed", SecurityGroupId::parse)?;
    let names = call.query().list("GroupName");
    let all = &network.security_groups;
    unknown.extend(ids.iter().filter(|id| all.iter().all(|it| it.id != **id)).map(ToString::to_string));
    unknown.extend(
        names.iter().filter(|name| all.iter().all(|it| it.name != **name)).map(|it| (*it).to_owned()),
    );
    if let Some(unknown) = unknown.first() {
        let message = format!("The security group '{unknown}' does not exist");
        return Err(ApiError::new(400, "InvalidGroup.NotFound", message));
    }
    let every = ids.is_empty() && names.is_empty();
    let wanted = |it: &&SecurityGroup| every || ids.contains(&it.id) || names.contains(&it.name.as_str());
    Ok(all.iter().map(AsRef::as_ref).filter(wanted).collect())
}

fn render_group(out: &mut String, row: &Row, scope: &Scope<'_>) {
    out.push_str("<item>");
    xml::text(out, "ownerId", scope.account);
    xml::plain(out, "groupId", row.id);
    xml::text(out, "groupName", &row.name);
    xml::text(out, "groupDescription", &row.name);
    if let Some(vpc) = row.vpc {
        xml::plain(out, "vpcId", vpc);
    }
    let arn = format!("arn:aws:ec2:{}:{}:security-group/{}", scope.region, scope.account, row.id);
    xml::text(out, "securityGroupArn", &arn);
    render::push(
        out,
        format_args!(
            "<ipPermissions><item><ipProtocol>-1</ipProtocol><groups><item><userId>{}</userId><groupId>{}</groupId>\
             </item></groups><ipRanges/><ipv6Ranges/><prefixListIds/></item></ipPermissions>\
             <ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><groups/><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp>\
             </item></ipRanges><ipv6Ranges/><prefixListIds/></item></ipPermissionsEgress>",
            scope.account, row.id
        ),
    );
    render::tags(out, &row.tags);
    out.push_str("</item>");
}
