//! DescribeLoadBalancers and DescribeLoadBalancerAttributes.

use super::{balancer, not_found};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::query::{self, Page};
use crate::wire::xml;
use crate::world::World;
use crate::world::balancing::{Balancer, Target};

/// Balancers of a page, at most and where nothing is said.
const PAGE: usize = 400;

/// DescribeLoadBalancers: classic balancers with their registered instances.
pub(super) struct DescribeLoadBalancers;
/// DescribeLoadBalancerAttributes: how long instances drain.
pub(super) struct DescribeLoadBalancerAttributes;

impl Operation for DescribeLoadBalancers {
    fn service(&self) -> Service {
        Service::ClassicElb
    }

    fn name(&self) -> &'static str {
        "DescribeLoadBalancers"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("elasticloadbalancing:DescribeLoadBalancers")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["LoadBalancerNames", "Marker", "PageSize"])?;
        let page = Page::read(call, ("Marker", "PageSize"), (PAGE, PAGE), "ValidationError")?;
        let mut all: Vec<&Balancer> = query::region(world, call)?.balancing.classic().collect();
        let names = call.query().list("LoadBalancerNames.member");
        if let Some(odd) = names.iter().find(|name| all.iter().all(|it| &*it.name != **name)) {
            return Err(not_found(odd));
        }
        all.retain(|it| names.is_empty() || names.contains(&&*it.name));
        let mut body = String::new();
        xml::element(&mut body, "LoadBalancerDescriptions", |out| {
            for it in all.iter().skip(page.from).take(page.size) {
                xml::element(out, "member", |out| description(out, it));
            }
        });
        xml::text_if(&mut body, "NextMarker", page.next(call, all.len()).as_deref());
        Ok(body)
    }
}

fn description(out: &mut String, it: &Balancer) {
    xml::text(out, "LoadBalancerName", &it.name);
    xml::text(out, "DNSName", &it.dns_name);
    xml::text(out, "CanonicalHostedZoneNameID", "Z215JYRZR1TBD5");
    xml::element(out, "ListenerDescriptions", |out| {
        xml::element(out, "member", |out| {
            xml::element(out, "Listener", |out| {
                xml::text(out, "Protocol", "HTTP");
                xml::plain(out, "LoadBalancerPort", 80);
                xml::text(out, "InstanceProtocol", "HTTP");
                xml::plain(out, "InstancePort", it.pool.port);
            });
            xml::element(out, "PolicyNames", |_| {});
        });
    });
    xml::element(out, "Policies", |out| {
        for kind in ["AppCookieStickinessPolicies", "LBCookieStickinessPolicies", "OtherPolicies"] {
            xml::element(out, kind, |_| {});
        }
    });
    xml::element(out, "BackendServerDescriptions", |_| {});
    xml::element(out, "AvailabilityZones", |out| {
        it.subnets.iter().for_each(|subnet| xml::text(out, "member", &subnet.zone));
    });
    xml::element(out, "Subnets", |out| {
        it.subnets.iter().for_each(|subnet| xml::plain(out, "member", subnet.id));
    });
    if let Some(subnet) = it.subnets.first() {
        xml::plain(out, "VPCId", subnet.vpc);
    }
    xml::element(out, "Instances", |out| {
        for ((id, _), _) in it.pool.targets.iter().filter(|(_, target)| Target::is_registered(target)) {
            xml::element(out, "member", |out| xml::plain(out, "InstanceId", *id));
        }
    });
    xml::element(out, "HealthCheck", |out| {
        xml::text(out, "Target", &format!("HTTP:{}/health", it.pool.port));
        xml::plain(out, "Interval", it.pool.checks.interval);
        xml::plain(out, "Timeout", 5);
        xml::plain(out, "UnhealthyThreshold", it.pool.checks.unhealthy);
        xml::plain(out, "HealthyThreshold", it.pool.checks.healthy);
    });
    xml::element(out, "SecurityGroups", |out| {
        it.security_groups.iter().for_each(|group| xml::plain(out, "member", group.id));
    });
    xml::text(out, "CreatedTime", &query::time(it.created_at));
    xml::text(out, "Scheme", "internal");
}

impl Operation for DescribeLoadBalancerAttributes {
    fn service(&self) -> Service {
        Service::ClassicElb
    }

    fn name(&self) -> &'static str {
        "DescribeLoadBalancerAttributes"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("elasticloadbalancing:DescribeLoadBalancerAttributes")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["LoadBalancerName"])?;
        let region = query::region(world, call)?;
        let number = balancer(region, call)?;
        let drain = region.balancing.get(number).map_or(0, |it| it.pool.drain.as_secs());
        let mut body = String::new();
        xml::element(&mut body, "LoadBalancerAttributes", |out| {
            xml::element(out, "CrossZoneLoadBalancing", |out| xml::plain(out, "Enabled", true));
            xml::element(out, "AccessLog", |out| xml::plain(out, "Enabled", false));
            xml::element(out, "ConnectionDraining", |out| {
                xml::plain(out, "Enabled", drain > 0);
                xml::plain(out, "Timeout", if drain > 0 { drain } else { 300 });
            });
            xml::element(out, "ConnectionSettings", |out| xml::plain(out, "IdleTimeout", 60));
        });
        Ok(body)
    }
}
