//! DescribeInstanceTypes.

use super::filter::{Catalog, Field, Filters, Scope, absent};
use super::{params, render};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::world::World;
use crate::world::instance_types::{self, Capacity, INSTANCE_TYPES, InstanceType};

/// DescribeInstanceTypes: every region of the estate offers every type.
pub(super) struct DescribeInstanceTypes;

const PARAMETERS: &[&str] = &[
    "InstanceType.#",
    "Filter.#.Name",
    "Filter.#.Value.#",
    "MaxResults",
    "NextToken",
    "IncludeUnsupportedInRegion",
];

/// Types of a page, at most and by default; also types asked for by name.
const PAGE: usize = 100;

static FILTERS: Catalog<InstanceType> = Catalog { fields: FIELDS, tags: None };

const FIELDS: &[(&str, Field<InstanceType>)] = &[
    ("auto-recovery-supported", |_, _, v| v.text("true")),
    ("bare-metal", |_, _, v| v.text("false")),
    ("burstable-performance-supported", |it, _, v| v.shown(burstable(it))),
    ("current-generation", |_, _, v| v.text("true")),
    ("dedicated-hosts-supported", |it, _, v| v.shown(!burstable(it))),
    ("ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps", |it, _, v| v.shown(it.ebs_mbps.0)),
    ("ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps", |it, _, v| v.shown(it.ebs_mbps.1)),
    ("ebs-info.ebs-optimized-support", |_, _, v| v.text("default")),
    ("ebs-info.encryption-support", |_, _, v| v.text("supported")),
    ("ebs-info.nvme-support", |_, _, v| v.text("required")),
    ("free-tier-eligible", |it, _, v| v.shown(free(it))),
    ("hibernation-supported", |_, _, v| v.text("false")),
    ("hypervisor", |_, _, v| v.text("nitro")),
    ("instance-storage-info.disk.count", absent),
    ("instance-storage-info.disk.size-in-gb", absent),
    ("instance-storage-info.disk.type", absent),
    ("instance-storage-info.encryption-support", absent),
    ("instance-storage-info.nvme-support", absent),
    ("instance-storage-info.total-size-in-gb", absent),
    ("instance-storage-supported", |_, _, v| v.text("false")),
    ("instance-type", |it, _, v| v.text(it.name)),
    ("memory-info.size-in-mib", |it, _, v| v.shown(it.memory_mib)),
    ("network-info.efa-supported", |_, _, v| v.text("false")),
    ("network-info.ena-support", |_, _, v| v.text("required")),
    ("network-info.encryption-in-transit-supported", |it, _, v| v.shown(encrypts(it))),
    ("network-info.ipv4-addresses-per-interface", |it, _, v| v.shown(it.addresses_per_interface)),
    ("network-info.ipv6-addresses-per-interface", |it, _, v| v.shown(it.addresses_per_interface)),
    ("network-info.ipv6-supported", |_, _, v| v.text("true")),
    ("network-info.maximum-network-cards", |_, _, v| v.text("1")),
    ("network-info.maximum-network-interfaces", |it, _, v| v.shown(it.interfaces)),
    ("network-info.network-performance", |it, _, v| v.text(it.network)),
    ("processor-info.supported-architecture", |it, _, v| v.text(it.architecture.name())),
    ("processor-info.sustained-clock-speed-in-ghz", |it, _, v| v.shown(it.clock_ghz)),
    ("supported-boot-mode", |_, _, v| v.text("uefi")),
    ("supported-root-device-type", |_, _, v| v.text("ebs")),
    ("supported-usage-class", |_, _, v| v.text("on-demand") || v.text("spot")),
    ("supported-virtualization-type", |_, _, v| v.text("hvm")),
    ("vcpu-info.default-cores", |it, _, v| v.shown(it.cores)),
    ("vcpu-info.default-threads-per-core", |it, _, v| v.shown(it.threads_per_core())),
    ("vcpu-info.default-vcpus", |it, _, v| v.shown(it.vcpus)),
];

fn burstable(it: &InstanceType) -> bool {
    it.capacity == Capacity::Burstable
}

fn free(it: &InstanceType) -> bool {
    it.name == "t3.micro"
}

/// Nitro generations from the sixth on encrypt between instances.
fn encrypts(it: &InstanceType) -> bool {
    it.name.as_bytes().get(1).is_some_and(|generation| *generation >= b'6')
}

impl Operation for DescribeInstanceTypes {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DescribeInstanceTypes"
    }

    fn paginated(&self, call: &Call) -> bool {
        super::filtered_or_paginated(call)
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ec2:DescribeInstanceTypes")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        params::flag(call, "IncludeUnsupportedInRegion")?;
        params::place(world, call)?;
        let names = call.query().list("InstanceType");
        if names.len() > PAGE {
            return Err(ApiError::new(
                400,
                "InvalidParameterValue",
                format!("The maximum number of instance types that can be specified is {PAGE}"),
            ));
        }
        let unknown: Vec<&str> =
            names.iter().copied().filter(|name| instance_types::find(name).is_none()).collect();
        if !unknown.is_empty() {
            return Err(ApiError::new(
                400,
                "InvalidInstanceType",
                format!("The following supplied instance types do not exist: [{}]", unknown.join(", ")),
            ));
        }
        let size = params::max_results(call, 5, PAGE, PAGE)?;
        let filters = Filters::read(call, &FILTERS)?;
        let start = params::start(call)? as usize;
        let scope = Scope::of(call);

        let mut out = String::from("<instanceTypeSet>");
        let mut next = None;
        let listed =
            INSTANCE_TYPES.iter().enumerate().skip(start).filter(|(_, it)| {
                (names.is_empty() || names.contains(&it.name)) && filters.accept(it, &scope)
            });
        for (n, (place, it)) in listed.enumerate() {
            if n == size {
                next = Some(page::token(call, place as u64));
                break;
            }
            render_type(&mut out, it);
        }
        out.push_str("</instanceTypeSet>");
        render::next_token(&mut out, next);
        Ok(out)
    }
}

fn render_type(out: &mut String, it: &InstanceType) {
    render::push(
        out,
        format_args!(
            "<item><instanceType>{}</instanceType><currentGeneration>true</currentGeneration>\
             <freeTierEligible>{}</freeTierEligible>",
            it.name,
            free(it)
        ),
    );
    render::words(out, "supportedUsageClasses", &["on-demand", "spot"]);
    render::words(out, "supportedRootDeviceTypes", &["ebs"]);
    render::words(out, "supportedVirtualizationTypes", &["hvm"]);
    out.push_str("<bareMetal>false</bareMetal><hypervisor>nitro</hypervisor><processorInfo>");
    render::words(out, "supportedArchitectures", &[it.architecture.name()]);
    render::push(
        out,
        format_args!(
            "<sustainedClockSpeedInGhz>{:?}</sustainedClockSpeedInGhz><manufacturer>{}</manufacturer></processorInfo>\
             <vCpuInfo><defaultVCpus>{}</defaultVCpus><defaultCores>{}</defaultCores>\
             <defaultThreadsPerCore>{}</defaultThreadsPerCore></vCpuInfo><memoryInfo><sizeInMiB>{}</sizeInMiB></memoryInfo>\
             <instanceStorageSupported>false</instanceStorageSupported>",
            it.clock_ghz,
            it.manufacturer,
            it.vcpus,
            it.cores,
            it.threads_per_core(),
            it.memory_mib
        ),
    );
    let (baseline, maximum) = it.ebs_mbps;
    render::push(
        out,
        format_args!(
            "<ebsInfo><ebsOptimizedSupport>default</ebsOptimizedSupport><encryptionSupport>supported</encryptionSupport>\
             <ebsOptimizedInfo><baselineBandwidthInMbps>{baseline}</baselineBandwidthInMbps>\
             <baselineThroughputInMBps>{:?}</baselineThroughputInMBps>\
             <maximumBandwidthInMbps>{maximum}</maximumBandwidthInMbps>\
             <maximumThroughputInMBps>{:?}</maximumThroughputInMBps></ebsOptimizedInfo>\
             <nvmeSupport>required</nvmeSupport></ebsInfo>",
            f64::from(baseline) / 8.0,
            f64::from(maximum) / 8.0
        ),
    );
    render::push(
        out,
        format_args!(
            "<networkInfo><networkPerformance>{0}</networkPerformance>\
             <maximumNetworkInterfaces>{1}</maximumNetworkInterfaces><maximumNetworkCards>1</maximumNetworkCards>\
             <defaultNetworkCardIndex>0</defaultNetworkCardIndex><networkCards><item>\
             <networkCardIndex>0</networkCardIndex><networkPerformance>{0}</networkPerformance>\
             <maximumNetworkInterfaces>{1}</maximumNetworkInterfaces></item></networkCards>\
             <ipv4AddressesPerInterface>{2}</ipv4AddressesPerInterface>\
             <ipv6AddressesPerInterface>{2}</ipv6AddressesPerInterface><ipv6Supported>true</ipv6Supported>\
             <enaSupport>required</enaSupport><efaSupported>false</efaSupported>\
             <encryptionInTransitSupported>{3}</encryptionInTransitSupported></networkInfo>",
            it.network,
            it.interfaces,
            it.addresses_per_interface,
            encrypts(it)
        ),
    );
    render::push(
        out,
        format_args!(
            "<hibernationSupported>false</hibernationSupported>\
             <burstablePerformanceSupported>{}</burstablePerformanceSupported>\
             <dedicatedHostsSupported>{}</dedicatedHostsSupported><autoRecoverySupported>true</autoRecoverySupported>",
            burstable(it),
            !burstable(it)
        ),
    );
    render::words(out, "supportedBootModes", &["uefi"]);
    out.push_str("</item>");
}
