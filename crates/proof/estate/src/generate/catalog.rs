//! What a region offers before any instance runs there: network, images, baselines.

use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::Timestamp;
use rand::RngExt;

use super::seed::Seed;
use crate::world::agent::hours_before;
use crate::world::ids::{BaselineId, ImageId, SecurityGroupId, SnapshotId, SubnetId, VolumeId, VpcId};
use crate::world::instance_types::Architecture;
use crate::world::network::{Network, SecurityGroup, Subnet};
use crate::world::patching::{Baseline, BaselineOwner, PREDEFINED_BASELINES};
use crate::world::platform::Platform;
use crate::world::storage::{
    Encryption, Image, ImageDisk, ImageState, Snapshot, SnapshotState, Visibility, VolumeType,
};
use crate::world::tags::Tags;
use crate::world::{Region, regions};

/// Zones of every region.
pub const ZONES: usize = 3;
/// Length of the prefix of a zone's private subnet.
const PREFIX: u8 = 18;
/// A prime just below the addresses of such a subnet, less the five that AWS keeps.
const ADDRESSES: u64 = 16_369;

/// Security groups of every region, by the tier that uses them.
const SECURITY_GROUPS: [&str; 5] = ["web", "app", "db", "worker", "node"];

/// Makes one VPC with a subnet in each of three zones.
pub fn network(seed: &Seed, region: &str) -> Network {
    let mut random = seed.child("network").stream();
    let vpc = VpcId(random.random());
    let second_octet: u8 = random.random();
    let turn = random.random_range(0..ZONES);
    let prefix = regions::find(region).map_or(region, |facts| facts.zone_id_prefix);
    let subnets = (0..ZONES)
        .map(|zone| {
            Arc::new(Subnet {
                id: SubnetId(random.random()),
                vpc,
                zone: format!("{region}{}", char::from(b'a' + zone as u8)),
                // The same letter is another zone in another account.
                zone_id: format!("{prefix}-az{}", (zone + turn) % ZONES + 1),
                network: Ipv4Addr::new(10, second_octet, (zone * 64) as u8, 0),
                prefix: PREFIX,
            })
        })
        .collect();
    let security_groups = SECURITY_GROUPS
        .iter()
        .map(|name| {
            Arc::new(SecurityGroup {
                id: SecurityGroupId(random.random()),
                name: format!("{name}-instances"),
            })
        })
        .collect();
    Network { subnets, security_groups, ..Network::default() }
}

/// The address of the `n`-th instance of a subnet: scattered, and each once.
pub fn address(subnet: &Subnet, n: usize) -> Ipv4Addr {
    let scattered = (n as u64).wrapping_mul(7_919) % ADDRESSES;
    // The first four addresses and the last are AWS's (VPC user guide, "Subnet CIDR blocks").
    Ipv4Addr::from(u32::from(subnet.network) + 4 + scattered as u32)
}

/// How many releases of each public image there are; the oldest is deprecated.
pub const RELEASES: usize = 3;

/// The `release`-th newest public image for a platform; the same for every account.
pub fn public_image(
    root: &Seed,
    region: &str,
    platform: Platform,
    architecture: Architecture,
    release: usize,
    start: Timestamp,
) -> Image {
    let seed = root.child("images").child(region).child(platform.facts().agent_version);
    let mut random = seed.child(platform.facts().patch_os).child(architecture.name()).nth(release).stream();
    let created_at = hours_before(start, 24 * (9 + 43 * release as i64));
    let date = created_at.strftime("%Y%m%d").to_string();
    Image {
        id: ImageId(random.random()),
        name: image_name(platform, architecture, &date, created_at),
        description: format!("{} {} of {date}", platform.facts().agent_name, platform.facts().agent_version),
        owner: platform.facts().image_owner.to_owned(),
        owner_alias: platform.facts().image_owner_alias,
        visibility: Visibility::Public,
        architecture,
        platform,
        created_at,
        deprecated_at: (release + 1 == RELEASES).then(|| hours_before(start, 24)),
        state: ImageState::Available,
        disks: vec![root_disk(platform, SnapshotId(random.random()))],
        source_instance: None,
        software: None,
        tags: Tags::default(),
    }
}

/// The root disk of a platform's images.
pub fn root_disk(platform: Platform, snapshot: SnapshotId) -> ImageDisk {
    ImageDisk {
        device: platform.facts().root_device.into(),
        snapshot,
        gib: platform.facts().root_gib,
        volume_type: VolumeType::Gp3,
        encryption: Encryption::None,
        delete_on_termination: true,
    }
}

fn image_name(platform: Platform, architecture: Architecture, date: &str, created_at: Timestamp) -> String {
    let arch = architecture.name();
    let debian = match architecture {
        Architecture::X86 => "amd64",
        Architecture::Arm => "arm64",
    };
    match platform {
        Platform::AmazonLinux2023 => format!("al2023-ami-2023.9.{date}.0-kernel-6.1-{arch}"),
        Platform::Ubuntu2204 => {
            format!("ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-{debian}-server-{date}")
        }
        Platform::Ubuntu2404 => {
            format!("ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{debian}-server-{date}")
        }
        Platform::Rhel8 => format!("RHEL-8.10.0_HVM-{date}-{arch}-0-Hourly2-GP3"),
        Platform::Rhel9 => format!("RHEL-9.6.0_HVM-{date}-{arch}-0-Hourly2-GP3"),
        Platform::WindowsServer2019 => {
            format!("Windows_Server-2019-English-Full-Base-{}", created_at.strftime("%Y.%m.%d"))
        }
        Platform::WindowsServer2022 => {
            format!("Windows_Server-2022-English-Full-Base-{}", created_at.strftime("%Y.%m.%d"))
        }
    }
}

/// The architectures a platform's images come in.
pub fn architectures(platform: Platform) -> &'static [Architecture] {
    match platform {
        Platform::Rhel8 | Platform::WindowsServer2019 | Platform::WindowsServer2022 => &[Architecture::X86],
        _ => &[Architecture::X86, Architecture::Arm],
    }
}

/// Fills a region with its network, public images, the account's own image, and baselines.
pub fn furnish(region: &mut Region, root: &Seed, cell: &Seed, account: &str, code: &str, start: Timestamp) {
    region.network = network(cell, code);
    for platform in Platform::ALL {
        for architecture in architectures(platform) {
            for release in 0..RELEASES {
                let image = public_image(root, code, platform, *architecture, release, start);
                region.images.insert(image.id, image);
            }
        }
    }
    let own = own_image(cell, account, start);
    for disk in &own.disks {
        region.snapshots.insert(disk.snapshot, own_snapshot(cell, &own, disk));
    }
    region.image_names.insert(own.name.clone(), own.id);
    region.images.insert(own.id, own);
    for baseline in baselines(root, cell, code) {
        region.baselines.insert(baseline.id, baseline);
    }
}

/// The account's own hardened image.
pub fn own_image(cell: &Seed, account: &str, start: Timestamp) -> Image {
    let mut random = cell.child("own-image").stream();
    let created_at = hours_before(start, 24 * 20);
    Image {
        id: ImageId(random.random()),
        name: format!("golden-al2023-{}", created_at.strftime("%Y-%m")),
        description: "Hardened Amazon Linux 2023".to_owned(),
        owner: account.to_owned(),
        owner_alias: None,
        visibility: Visibility::Private,
        architecture: Architecture::X86,
        platform: Platform::AmazonLinux2023,
        created_at,
        deprecated_at: None,
        state: ImageState::Available,
        disks: vec![root_disk(Platform::AmazonLinux2023, SnapshotId(random.random()))],
        source_instance: None,
        software: None,
        tags: std::iter::once(("Purpose".into(), "golden image".into())).collect(),
    }
}

/// The snapshot behind the account's own image.
fn own_snapshot(cell: &Seed, image: &Image, disk: &ImageDisk) -> Snapshot {
    Snapshot {
        id: disk.snapshot,
        volume: VolumeId(cell.child("own-image-volume").stream().random()),
        gib: disk.gib,
        encryption: disk.encryption,
        description: "Hardened Amazon Linux 2023".to_owned(),
        started_at: image.created_at,
        state: SnapshotState::Completed(image.created_at),
        image: Some(image.id),
        source_instance: None,
        software: None,
        tags: image.tags.clone(),
    }
}

/// The id of a predefined baseline in a region.
pub fn predefined_id(root: &Seed, region: &str, name: &str) -> BaselineId {
    BaselineId(root.child("baselines").child(region).child(name).stream().random())
}

/// The id of the account's own baseline for critical Amazon Linux hosts.
pub fn own_baseline_id(cell: &Seed) -> BaselineId {
    BaselineId(cell.child("own-baseline").stream().random())
}

fn baselines(root: &Seed, cell: &Seed, region: &str) -> Vec<Baseline> {
    let mut baselines: Vec<Baseline> = PREDEFINED_BASELINES
        .iter()
        .map(|(name, operating_system, product)| Baseline {
            id: predefined_id(root, region, name),
            name: (*name).to_owned(),
            description: format!("Default Patch Baseline for {product} Provided by AWS."),
            operating_system,
            owner: BaselineOwner::Aws,
            default: true,
        })
        .collect();
    baselines.push(Baseline {
        id: own_baseline_id(cell),
        name: "critical-al2023".to_owned(),
        description: "Security updates for critical hosts at once".to_owned(),
        operating_system: Platform::AmazonLinux2023.facts().patch_os,
        owner: BaselineOwner::Account,
        default: false,
    });
    baselines
}
