//! DescribeLoadBalancers, DescribeTargetGroups, their attributes and tags.

use super::{balancer_not_found, group, group_not_found};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::query::{self, Page};
use crate::wire::xml;
use crate::world::World;
use crate::world::balancing::{Balancer, Kind};
use crate::world::tags::Tags;

/// Entries of a page, at most and where nothing is said.
const PAGE: usize = 400;
/// Resources of one DescribeTags call, at most.
const MAX_ARNS: usize = 20;
/// Seconds until a check is given up.
const CHECK_TIMEOUT: u8 = 5;

/// DescribeLoadBalancers: application and network balancers.
pub(super) struct DescribeLoadBalancers;
/// DescribeTargetGroups: where balancers send requests to.
pub(super) struct DescribeTargetGroups;
/// DescribeTargetGroupAttributes: how long targets drain.
pub(super) struct DescribeTargetGroupAttributes;
/// DescribeTags: of balancers and target groups.
pub(super) struct DescribeTags;

fn pages(call: &Call) -> Result<Page, ApiError> {
    Page::read(call, ("Marker", "PageSize"), (PAGE, PAGE), "ValidationError")
}

/// The entries that a call's names pick, all where it names none; each name must be one.
fn picked<'b>(
    all: &[&'b Balancer],
    names: &[&str],
    named: impl Fn(&Balancer) -> &str,
    missing: impl Fn(&str) -> ApiError,
) -> Result<Vec<&'b Balancer>, ApiError> {
    if names.is_empty() {
        return Ok(all.to_vec());
    }
    let find = |name: &&str| all.iter().find(|it| named(it) == *name).copied().ok_or_else(|| missing(name));
    names.iter().map(find).collect()
}

impl Operation for DescribeLoadBalancers {
    fn service(&self) -> Service {
        Service::Elbv2
    }

    fn name(&self) -> &'static str {
        "DescribeLoadBalancers"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("elasticloadbalancing:DescribeLoadBalancers")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["LoadBalancerArns", "Names", "Marker", "PageSize"])?;
        let page = pages(call)?;
        let all: Vec<&Balancer> = query::region(world, call)?.balancing.second().collect();
        let arns = call.query().list("LoadBalancerArns.member");
        let all = picked(&all, &arns, |it| &it.arn, balancer_not_found)?;
        let names = call.query().list("Names.member");
        let all = picked(&all, &names, |it| &it.name, |name| balancer_not_found(&format!("[{name}]")))?;
        let mut body = String::new();
        xml::element(&mut body, "LoadBalancers", |out| {
            for it in all.iter().skip(page.from).take(page.size) {
                xml::element(out, "member", |out| balancer(out, it));
            }
        });
        xml::text_if(&mut body, "NextMarker", page.next(call, all.len()).as_deref());
        Ok(body)
    }
}

fn balancer(out: &mut String, it: &Balancer) {
    xml::text(out, "LoadBalancerArn", &it.arn);
    xml::text(out, "DNSName", &it.dns_name);
    xml::text(out, "CanonicalHostedZoneId", "Z215JYRZR1TBD5");
    xml::text(out, "CreatedTime", &query::time(it.created_at));
    xml::text(out, "LoadBalancerName", &it.name);
    xml::text(out, "Scheme", "internal");
    if let Some(subnet) = it.subnets.first() {
        xml::plain(out, "VpcId", subnet.vpc);
    }
    xml::element(out, "State", |out| xml::text(out, "Code", "active"));
    xml::text(out, "Type", it.kind.name());
    xml::element(out, "AvailabilityZones", |out| {
        for subnet in &it.subnets {
            xml::element(out, "member", |out| {
                xml::text(out, "ZoneName", &subnet.zone);
                xml::plain(out, "SubnetId", subnet.id);
                xml::element(out, "LoadBalancerAddresses", |_| {});
            });
        }
    });
    xml::element(out, "SecurityGroups", |out| {
        for group in &it.security_groups {
            xml::plain(out, "member", group.id);
        }
    });
    xml::text(out, "IpAddressType", "ipv4");
}

impl Operation for DescribeTargetGroups {
    fn service(&self) -> Service {
        Service::Elbv2
    }

    fn name(&self) -> &'static str {
        "DescribeTargetGroups"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("elasticloadbalancing:DescribeTargetGroups")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["LoadBalancerArn", "TargetGroupArns", "Names", "Marker", "PageSize"])?;
        let page = pages(call)?;
        let mut all: Vec<&Balancer> = query::region(world, call)?.balancing.second().collect();
        if let Some(arn) = call.query().get("LoadBalancerArn") {
            all = picked(&all, &[arn], |it| &it.arn, balancer_not_found)?;
        }
        let arns = call.query().list("TargetGroupArns.member");
        let all = picked(&all, &arns, |it| &it.pool.arn, |_| group_not_found())?;
        let names = call.query().list("Names.member");
        let all = picked(&all, &names, |it| &it.pool.name, |_| group_not_found())?;
        let mut body = String::new();
        xml::element(&mut body, "TargetGroups", |out| {
            for it in all.iter().skip(page.from).take(page.size) {
                xml::element(out, "member", |out| target_group(out, it));
            }
        });
        xml::text_if(&mut body, "NextMarker", page.next(call, all.len()).as_deref());
        Ok(body)
    }
}

fn target_group(out: &mut String, it: &Balancer) {
    let pool = &it.pool;
    xml::text(out, "TargetGroupArn", &pool.arn);
    xml::text(out, "TargetGroupName", &pool.name);
    xml::text(out, "Protocol", it.kind.protocol());
    xml::plain(out, "Port", pool.port);
    if let Some(subnet) = it.subnets.first() {
        xml::plain(out, "VpcId", subnet.vpc);
    }
    xml::text(out, "HealthCheckProtocol", it.kind.protocol());
    xml::text(out, "HealthCheckPort", "traffic-port");
    xml::plain(out, "HealthCheckEnabled", true);
    xml::plain(out, "HealthCheckIntervalSeconds", pool.checks.interval);
    xml::plain(out, "HealthCheckTimeoutSeconds", CHECK_TIMEOUT);
    xml::plain(out, "HealthyThresholdCount", pool.checks.healthy);
    xml::plain(out, "UnhealthyThresholdCount", pool.checks.unhealthy);
    if it.kind == Kind::Application {
        xml::text(out, "HealthCheckPath", "/health");
        xml::element(out, "Matcher", |out| xml::text(out, "HttpCode", "200"));
        xml::text(out, "ProtocolVersion", "HTTP1");
    }
    xml::element(out, "LoadBalancerArns", |out| xml::text(out, "member", &it.arn));
    xml::text(out, "TargetType", "instance");
    xml::text(out, "IpAddressType", "ipv4");
}

impl Operation for DescribeTargetGroupAttributes {
    fn service(&self) -> Service {
        Service::Elbv2
    }

    fn name(&self) -> &'static str {
        "DescribeTargetGroupAttributes"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("elasticloadbalancing:DescribeTargetGroupAttributes")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["TargetGroupArn"])?;
        let region = query::region(world, call)?;
        let number = group(region, call)?;
        let delay = region.balancing.get(number).map_or(0, |it| it.pool.drain.as_secs());
        let attributes = [
            ("deregistration_delay.timeout_seconds", delay.to_string()),
            ("stickiness.enabled", "false".to_owned()),
            ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration".to_owned()),
        ];
        let mut body = String::new();
        xml::element(&mut body, "Attributes", |out| {
            for (key, value) in &attributes {
                xml::element(out, "member", |out| {
                    xml::text(out, "Key", key);
                    xml::text(out, "Value", value);
                });
            }
        });
        Ok(body)
    }
}

impl Operation for DescribeTags {
    fn service(&self) -> Service {
        Service::Elbv2
    }

    fn name(&self) -> &'static str {
        "DescribeTags"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("elasticloadbalancing:DescribeTags")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["ResourceArns"])?;
        let arns = call.query().list("ResourceArns.member");
        if arns.is_empty() || arns.len() > MAX_ARNS {
            return Err(query::invalid(format!("ResourceArns: give 1 to {MAX_ARNS} ARNs")));
        }
        let region = query::region(world, call)?;
        let find = |arn: &str| -> Result<&Tags, ApiError> {
            let mut second = region.balancing.second();
            let tags = second.find_map(|it| match arn {
                _ if it.arn == arn => Some(&it.tags),
                _ if it.pool.arn == arn => Some(&it.pool.tags),
                _ => None,
            });
            let missing =
                || if arn.contains(":targetgroup/") { group_not_found() } else { balancer_not_found(arn) };
            tags.ok_or_else(missing)
        };
        let mut body = String::new();
        xml::open(&mut body, "TagDescriptions");
        for arn in arns {
            let tags = find(arn)?;
            xml::element(&mut body, "member", |out| {
                xml::text(out, "ResourceArn", arn);
                xml::element(out, "Tags", |out| {
                    for (key, value) in tags.iter() {
                        xml::element(out, "member", |out| {
                            xml::text(out, "Key", key);
                            xml::text(out, "Value", value);
                        });
                    }
                });
            });
        }
        xml::close(&mut body, "TagDescriptions");
        Ok(body)
    }
}
