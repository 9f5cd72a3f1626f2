//! An instance as DescribeInstances shows it.

use super::filter::Scope;
use super::render::{push, push_time, tags};
use crate::wire::xml::{escape, text};
use crate::world::instance::{Instance, InstanceState, Lifecycle, MetadataOptions};

/// Bytes that one instance takes, about; pages reserve that much at once.
pub(super) const INSTANCE_BYTES: usize = 5_200;

/// The private DNS name of an address (`ip-10-0-1-2.eu-central-1.compute.internal`).
pub(super) fn private_dns_name(instance: &Instance, region: &str) -> String {
    let [a, b, c, d] = instance.private_ip.octets();
    // us-east-1 is the one region whose names do not carry it.
    if region == "us-east-1" {
        format!("ip-{a}-{b}-{c}-{d}.ec2.internal")
    } else {
        format!("ip-{a}-{b}-{c}-{d}.{region}.compute.internal")
    }
}

/// The public DNS name, empty without a public address.
pub(super) fn public_dns_name(instance: &Instance, region: &str) -> String {
    let Some(address) = instance.public_ip else {
        return String::new();
    };
    let [a, b, c, d] = address.octets();
    if region == "us-east-1" {
        format!("ec2-{a}-{b}-{c}-{d}.compute-1.amazonaws.com")
    } else {
        format!("ec2-{a}-{b}-{c}-{d}.{region}.compute.amazonaws.com")
    }
}

/// Why the instance is in its state, as EC2 words it.
pub(super) fn transition_reason(instance: &Instance) -> String {
    match instance.state {
        InstanceState::Stopped
        | InstanceState::Stopping
        | InstanceState::Terminated
        | InstanceState::ShuttingDown => {
            let at = instance.state_since.strftime("%Y-%m-%d %H:%M:%S GMT");
            format!("User initiated ({at})")
        }
        InstanceState::Pending | InstanceState::Running => String::new(),
    }
}

/// True where EC2 still shows addresses, volumes and interfaces of the instance.
pub(super) fn holds_resources(instance: &Instance) -> bool {
    !matches!(instance.state, InstanceState::Terminated)
}

/// Appends one `item` of an `instancesSet`.
pub(super) fn instance(out: &mut String, it: &Instance, scope: &Scope<'_>) {
    let held = holds_resources(it);
    identity(out, it, scope, held);
    placement(out, it, held);
    system(out, it, held);
    interfaces(out, it, scope, held);
    options(out, it, scope);
}

/// Who the instance is, and its state.
fn identity(out: &mut String, it: &Instance, scope: &Scope<'_>, held: bool) {
    push(out, format_args!("<item><instanceId>{}</instanceId><imageId>{}</imageId>", it.id, it.image));
    state(out, "instanceState", it.state);
    out.push_str("<privateDnsName>");
    if held {
        out.push_str(&private_dns_name(it, scope.region));
    }
    out.push_str("</privateDnsName><dnsName>");
    if held {
        out.push_str(&public_dns_name(it, scope.region));
    }
    out.push_str("</dnsName><reason>");
    out.push_str(&transition_reason(it));
    out.push_str("</reason>");
    if let Some(key) = &it.key_name {
        text(out, "keyName", key);
    }
}

/// Where it runs.
fn placement(out: &mut String, it: &Instance, held: bool) {
    push(
        out,
        format_args!(
            "<amiLaunchIndex>{}</amiLaunchIndex><productCodes/><instanceType>{}</instanceType><launchTime>",
            it.launch_index, it.instance_type.name
        ),
    );
    push_time(out, it.launched_at);
    push(
        out,
        format_args!(
            "</launchTime><placement><availabilityZone>{}</availabilityZone>\
             <availabilityZoneId>{}</availabilityZoneId><groupName/><tenancy>default</tenancy></placement>\
             <monitoring><state>disabled</state></monitoring>",
            it.subnet.zone, it.subnet.zone_id
        ),
    );
    if held {
        push(
            out,
            format_args!(
                "<subnetId>{}</subnetId><vpcId>{}</vpcId><privateIpAddress>{}</privateIpAddress>",
                it.subnet.id, it.subnet.vpc, it.private_ip
            ),
        );
        if let Some(address) = it.public_ip {
            push(out, format_args!("<ipAddress>{address}</ipAddress>"));
        }
        out.push_str("<sourceDestCheck>true</sourceDestCheck>");
    }
}

/// What it runs on and from.
fn system(out: &mut String, it: &Instance, held: bool) {
    groups(out, it);
    if let Some((code, message)) = state_reason(it.state) {
        push(out, format_args!("<stateReason><code>{code}</code><message>{message}</message></stateReason>"));
    }
    push(out, format_args!("<architecture>{}</architecture>", it.instance_type.architecture.name()));
    if it.platform.is_windows() {
        // The service model's spelling; the filter `platform` takes `windows`.
        out.push_str("<platform>Windows</platform>");
    }
    push(
        out,
        format_args!(
            "<rootDeviceType>{}</rootDeviceType><rootDeviceName>{}</rootDeviceName>",
            it.root_device.name(),
            it.platform.facts().root_device
        ),
    );
    block_devices(out, it, held);
    out.push_str("<virtualizationType>hvm</virtualizationType>");
    text(out, "clientToken", it.client_token.as_deref().unwrap_or_default());
    tags(out, &it.tags);
    out.push_str("<hypervisor>xen</hypervisor>");
}

/// How it was bought and set up.
fn options(out: &mut String, it: &Instance, scope: &Scope<'_>) {
    let (kind, facts) = (it.instance_type, it.platform.facts());
    if let Some(profile) = &it.profile {
        push(out, format_args!("<iamInstanceProfile><arn>arn:aws:iam::{}:instance-profile/", scope.account));
        escape(out, profile);
        push(out, format_args!("</arn><id>{}</id></iamInstanceProfile>", profile_id(scope.account)));
    }
    if it.lifecycle == Lifecycle::Spot {
        push(
            out,
            format_args!(
                "<instanceLifecycle>spot</instanceLifecycle><spotInstanceRequestId>{}</spotInstanceRequestId>",
                spot_request(it)
            ),
        );
    }
    push(
        out,
        format_args!(
            "<ebsOptimized>true</ebsOptimized><enaSupport>true</enaSupport><cpuOptions><coreCount>{}</coreCount>\
             <threadsPerCore>{}</threadsPerCore></cpuOptions>\
             <capacityReservationSpecification><capacityReservationPreference>open</capacityReservationPreference>\
             </capacityReservationSpecification><hibernationOptions><configured>false</configured></hibernationOptions>",
            kind.cores,
            kind.threads_per_core()
        ),
    );
    metadata(out, it.metadata);
    push(
        out,
        format_args!(
            "<enclaveOptions><enabled>false</enabled></enclaveOptions><platformDetails>{}</platformDetails>\
             <usageOperation>{}</usageOperation><usageOperationUpdateTime>",
            facts.details, facts.usage_operation
        ),
    );
    push_time(out, it.launched_at);
    out.push_str(
        "</usageOperationUpdateTime><privateDnsNameOptions><hostnameType>ip-name</hostnameType>\
         <enableResourceNameDnsARecord>false</enableResourceNameDnsARecord>\
         <enableResourceNameDnsAAAARecord>false</enableResourceNameDnsAAAARecord></privateDnsNameOptions>\
         <maintenanceOptions><autoRecovery>default</autoRecovery></maintenanceOptions>\
         <currentInstanceBootMode>legacy-bios</currentInstanceBootMode></item>",
    );
}

/// Appends a state with its code.
pub(super) fn state(out: &mut String, name: &str, state: InstanceState) {
    push(out, format_args!("<{name}><code>{}</code><name>{}</name></{name}>", state.code(), state.name()));
}

/// The code and message behind a state that was asked for.
pub(super) fn state_reason(state: InstanceState) -> Option<(&'static str, &'static str)> {
    const CODE: &str = "Client.UserInitiatedShutdown";
    match state {
        InstanceState::Pending | InstanceState::Running => None,
        _ => Some((CODE, "Client.UserInitiatedShutdown: User initiated shutdown")),
    }
}

/// The spot request an instance came from, derived from its own id.
pub(super) fn spot_request(instance: &Instance) -> String {
    format!("sir-{:08x}", instance.id.0 >> 32)
}

/// The profile's unique id: `AIPA` and 17 characters; one per account, derived from its number.
pub(super) fn profile_id(account: &str) -> String {
    let letters: String = account.bytes().map(|digit| char::from(b'A' + digit % 26)).collect();
    format!("AIPA{letters:A>17}")
}

fn groups(out: &mut String, it: &Instance) {
    if it.security_groups.is_empty() {
        out.push_str("<groupSet/>");
        return;
    }
    out.push_str("<groupSet>");
    for group in it.security_groups.iter() {
        push(out, format_args!("<item><groupId>{}</groupId>", group.id));
        text(out, "groupName", &group.name);
        out.push_str("</item>");
    }
    out.push_str("</groupSet>");
}

fn block_devices(out: &mut String, it: &Instance, held: bool) {
    if !held || it.volumes.is_empty() {
        out.push_str("<blockDeviceMapping/>");
        return;
    }
    out.push_str("<blockDeviceMapping>");
    for attached in &it.volumes {
        push(
            out,
            format_args!(
                "<item><deviceName>{}</deviceName><ebs><volumeId>{}</volumeId><status>attached</status><attachTime>",
                attached.device, attached.volume
            ),
        );
        push_time(out, attached.since);
        push(
            out,
            format_args!(
                "</attachTime><deleteOnTermination>{}</deleteOnTermination></ebs></item>",
                attached.delete_on_termination
            ),
        );
    }
    out.push_str("</blockDeviceMapping>");
}

/// The interface's hardware address, derived from its private address as EC2's often look.
pub(super) fn mac_address(it: &Instance) -> String {
    let [a, b, c, d] = it.private_ip.octets();
    format!("02:{:02x}:{a:02x}:{b:02x}:{c:02x}:{d:02x}", it.interface.0 & 0xff)
}

fn interfaces(out: &mut String, it: &Instance, scope: &Scope<'_>, held: bool) {
    if !held {
        out.push_str("<networkInterfaceSet/>");
        return;
    }
    let dns = private_dns_name(it, scope.region);
    push(
        out,
        format_args!(
            "<networkInterfaceSet><item><networkInterfaceId>{}</networkInterfaceId><subnetId>{}</subnetId>\
             <vpcId>{}</vpcId><description/><ownerId>{}</ownerId><status>in-use</status><macAddress>{}</macAddress>\
             <privateIpAddress>{}</privateIpAddress><privateDnsName>{dns}</privateDnsName>\
             <sourceDestCheck>true</sourceDestCheck>",
            it.interface,
            it.subnet.id,
            it.subnet.vpc,
            scope.account,
            mac_address(it),
            it.private_ip
        ),
    );
    groups(out, it);
    push(
        out,
        format_args!(
            "<attachment><attachmentId>eni-attach-0{:016x}</attachmentId><deviceIndex>0</deviceIndex>\
             <status>attached</status><attachTime>",
            it.interface.0
        ),
    );
    push_time(out, it.launched_at);
    out.push_str("</attachTime><deleteOnTermination>true</deleteOnTermination><networkCardIndex>0</networkCardIndex></attachment>");
    association(out, it, scope);
    push(
        out,
        format_args!(
            "<privateIpAddressesSet><item><privateIpAddress>{}</privateIpAddress>\
             <privateDnsName>{dns}</privateDnsName><primary>true</primary>",
            it.private_ip
        ),
    );
    association(out, it, scope);
    out.push_str(
        "</item></privateIpAddressesSet><ipv6AddressesSet/><interfaceType>interface</interfaceType></item></networkInterfaceSet>",
    );
}

fn association(out: &mut String, it: &Instance, scope: &Scope<'_>) {
    if let Some(address) = it.public_ip {
        push(
            out,
            format_args!(
                "<association><publicIp>{address}</publicIp><publicDnsName>{}</publicDnsName>\
                 <ipOwnerId>amazon</ipOwnerId></association>",
                public_dns_name(it, scope.region)
            ),
        );
    }
}

fn metadata(out: &mut String, options: MetadataOptions) {
    let MetadataOptions { tokens, hop_limit, endpoint } = options;
    let (tokens, endpoint) = (tokens.name(), endpoint.name());
    push(
        out,
        format_args!(
            "<metadataOptions><state>applied</state><httpTokens>{tokens}</httpTokens>\
             <httpPutResponseHopLimit>{hop_limit}</httpPutResponseHopLimit><httpEndpoint>{endpoint}</httpEndpoint>\
             <httpProtocolIpv6>disabled</httpProtocolIpv6><instanceMetadataTags>disabled</instanceMetadataTags>\
             </metadataOptions>"
        ),
    );
}
