//! The filters of DescribeInstances (EC2 API reference, "DescribeInstances", Filters).

use super::filter::{Catalog, Field, Scope, Values, absent};
use super::instance_xml::{
    holds_resources, mac_address, private_dns_name, profile_id, public_dns_name, spot_request, state_reason,
    transition_reason,
};
use crate::world::instance::{Instance, Lifecycle};

/// All of them. Those for things no instance of the estate has are accepted and match nothing.
pub(super) static INSTANCE_FILTERS: Catalog<Instance> = Catalog { fields: FIELDS, tags: Some(|it| &it.tags) };

const FIELDS: &[(&str, Field<Instance>)] = &[
    ("affinity", absent),
    ("architecture", |it, _, v| v.text(it.instance_type.architecture.name())),
    ("availability-zone", |it, _, v| v.text(&it.subnet.zone)),
    ("availability-zone-id", |it, _, v| v.text(&it.subnet.zone_id)),
    ("block-device-mapping.attach-time", |it, _, v| has_volumes(it) && v.time(it.launched_at)),
    ("block-device-mapping.delete-on-termination", |it, _, v| {
        has_volumes(it) && (v.text("true") || (it.volumes.len() > 1 && v.text("false")))
    }),
    ("block-device-mapping.device-name", |it, _, v| {
        holds_resources(it) && it.volumes.iter().any(|volume| v.text(&volume.device))
    }),
    ("block-device-mapping.status", |it, _, v| has_volumes(it) && v.text("attached")),
    ("block-device-mapping.volume-id", |it, _, v| {
        holds_resources(it) && it.volumes.iter().any(|volume| v.shown(volume.volume))
    }),
    ("boot-mode", absent),
    ("capacity-reservation-id", absent),
    ("capacity-reservation-specification.capacity-reservation-preference", |_, _, v| v.text("open")),
    ("capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id", absent),
    (
        "capacity-reservation-specification.capacity-reservation-target.capacity-reservation-resource-group-arn",
        absent,
    ),
    ("client-token", absent),
    ("current-instance-boot-mode", |_, _, v| v.text("legacy-bios")),
    ("dns-name", |it, s, v| v.text(&public_dns_name(it, s.region))),
    ("ebs-optimized", |_, _, v| v.text("true")),
    ("ena-support", |_, _, v| v.text("true")),
    ("enclave-options.enabled", |_, _, v| v.text("false")),
    ("hibernation-options.configured", |_, _, v| v.text("false")),
    ("host-id", absent),
    ("hypervisor", |_, _, v| v.text("xen")),
    ("iam-instance-profile.arn", |it, s, v| {
        it.profile.as_ref().is_some_and(|profile| {
            v.shown(format_args!("arn:aws:iam::{}:instance-profile/{profile}", s.account))
        })
    }),
    ("iam-instance-profile.id", |it, s, v| it.profile.is_some() && v.text(&profile_id(s.account))),
    ("iam-instance-profile.name", |it, _, v| v.optional(it.profile.as_deref())),
    ("image-id", |it, _, v| v.shown(it.image)),
    ("instance-id", |it, _, v| v.shown(it.id)),
    ("instance-lifecycle", |it, _, v| it.lifecycle == Lifecycle::Spot && v.text("spot")),
    ("instance-state-code", |it, _, v| v.shown(it.state.code())),
    ("instance-state-name", |it, _, v| v.text(it.state.name())),
    ("instance-type", |it, _, v| v.text(it.instance_type.name)),
    ("instance.group-id", group_id),
    ("instance.group-name", group_name),
    ("ip-address", public_ip),
    ("ipv6-address", absent),
    ("kernel-id", absent),
    ("key-name", |it, _, v| v.optional(it.key_name.as_deref())),
    ("launch-index", |it, _, v| v.shown(it.launch_index)),
    ("launch-time", |it, _, v| v.time(it.launched_at)),
    ("maintenance-options.auto-recovery", |_, _, v| v.text("default")),
    ("metadata-options.http-endpoint", |it, _, v| v.text(it.metadata.endpoint.name())),
    ("metadata-options.http-protocol-ipv4", |_, _, v| v.text("enabled")),
    ("metadata-options.http-protocol-ipv6", |_, _, v| v.text("disabled")),
    ("metadata-options.http-put-response-hop-limit", |it, _, v| v.shown(it.metadata.hop_limit)),
    ("metadata-options.http-tokens", |it, _, v| v.text(it.metadata.tokens.name())),
    ("metadata-options.instance-metadata-tags", |_, _, v| v.text("disabled")),
    ("metadata-options.state", |_, _, v| v.text("applied")),
    ("monitoring-state", |_, _, v| v.text("disabled")),
    ("network-interface.addresses.association.allocation-id", absent),
    ("network-interface.addresses.association.public-ip", public_ip),
    ("network-interface.addresses.primary", |it, _, v| holds_resources(it) && v.text("true")),
    ("network-interface.addresses.private-dns-name", private_dns),
    ("network-interface.addresses.private-ip-address", private_ip),
    ("network-interface.association.allocation-id", absent),
    ("network-interface.association.public-ip", public_ip),
    ("network-interface.attachment.device-index", |it, _, v| holds_resources(it) && v.text("0")),
    ("network-interface.attachment.instance-id", |it, _, v| holds_resources(it) && v.shown(it.id)),
    ("network-interface.attachment.status", |it, _, v| holds_resources(it) && v.text("attached")),
    ("network-interface.availability-zone", |it, _, v| holds_resources(it) && v.text(&it.subnet.zone)),
    ("network-interface.description", absent),
    ("network-interface.group-id", group_id),
    ("network-interface.group-name", group_name),
    ("network-interface.mac-address", |it, _, v| holds_resources(it) && v.text(&mac_address(it))),
    ("network-interface.network-interface-id", |it, _, v| holds_resources(it) && v.shown(it.interface)),
    ("network-interface.owner-id", |it, s, v| holds_resources(it) && v.text(s.account)),
    ("network-interface.private-dns-name", private_dns),
    ("network-interface.private-ip-address", private_ip),
    ("network-interface.requester-id", absent),
    ("network-interface.source-dest-check", |it, _, v| holds_resources(it) && v.text("true")),
    ("network-interface.status", |it, _, v| holds_resources(it) && v.text("in-use")),
    ("network-interface.subnet-id", subnet_id),
    ("network-interface.tag-key", absent),
    ("network-interface.tag-value", absent),
    ("network-interface.vpc-id", vpc_id),
    ("network-performance-options.bandwidth-weighting", |_, _, v| v.text("default")),
    ("operator.managed", |_, _, v| v.text("false")),
    ("operator.principal", absent),
    ("outpost-arn", absent),
    ("owner-id", |_, s, v| v.text(s.account)),
    ("placement-group-name", absent),
    ("placement-partition-number", absent),
    ("platform", |it, _, v| it.platform.is_windows() && v.text("windows")),
    ("platform-details", |it, _, v| v.text(it.platform.facts().details)),
    ("private-dns-name", private_dns),
    ("private-dns-name-options.enable-resource-name-dns-a-record", |_, _, v| v.text("false")),
    ("private-dns-name-options.enable-resource-name-dns-aaaa-record", |_, _, v| v.text("false")),
    ("private-dns-name-options.hostname-type", |_, _, v| v.text("ip-name")),
    ("private-ip-address", private_ip),
    ("product-code", absent),
    ("product-code.type", absent),
    ("ramdisk-id", absent),
    ("reason", |it, _, v| v.text(&transition_reason(it))),
    ("requester-id", absent),
    ("reservation-id", |it, _, v| v.shown(it.reservation)),
    ("root-device-name", |it, _, v| v.text(it.platform.facts().root_device)),
    ("root-device-type", |it, _, v| v.text(it.root_device.name())),
    ("source-dest-check", |it, _, v| holds_resources(it) && v.text("true")),
    ("spot-instance-request-id", |it, _, v| it.lifecycle == Lifecycle::Spot && v.text(&spot_request(it))),
    ("state-reason-code", |it, _, v| v.optional(state_reason(it.state).map(|(code, _)| code))),
    ("state-reason-message", |it, _, v| v.optional(state_reason(it.state).map(|(_, message)| message))),
    ("subnet-id", subnet_id),
    ("tenancy", |_, _, v| v.text("default")),
    ("tpm-support", absent),
    ("usage-operation", |it, _, v| v.text(it.platform.facts().usage_operation)),
    ("usage-operation-update-time", |it, _, v| v.time(it.launched_at)),
    ("virtualization-type", |_, _, v| v.text("hvm")),
    ("vpc-id", vpc_id),
];

fn has_volumes(it: &Instance) -> bool {
    holds_resources(it) && !it.volumes.is_empty()
}

fn group_id(it: &Instance, _: &Scope<'_>, v: &Values) -> bool {
    it.security_groups.iter().any(|group| v.shown(group.id))
}

fn group_name(it: &Instance, _: &Scope<'_>, v: &Values) -> bool {
    it.security_groups.iter().any(|group| v.text(&group.name))
}

fn public_ip(it: &Instance, _: &Scope<'_>, v: &Values) -> bool {
    it.public_ip.is_some_and(|address| v.shown(address))
}

fn private_ip(it: &Instance, _: &Scope<'_>, v: &Values) -> bool {
    holds_resources(it) && v.shown(it.private_ip)
}

fn private_dns(it: &Instance, s: &Scope<'_>, v: &Values) -> bool {
    holds_resources(it) && v.text(&private_dns_name(it, s.region))
}

fn subnet_id(it: &Instance, _: &Scope<'_>, v: &Values) -> bool {
    holds_resources(it) && v.shown(it.subnet.id)
}

fn vpc_id(it: &Instance, _: &Scope<'_>, v: &Values) -> bool {
    holds_resources(it) && v.shown(it.subnet.vpc)
}
