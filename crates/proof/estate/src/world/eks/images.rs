//! EKS's images of nodes, and the public parameters of Systems Manager that name them.
//!
//! Names: EKS user guide, "Retrieve recommended Amazon Linux AMI IDs" and "Retrieve recommended Bottlerocket AMI IDs".

use jiff::Timestamp;
use jiff::civil::date;
use rand::RngExt;

use super::version::{self, CALENDAR, Minor, midnight};
use crate::generate::catalog::root_disk;
use crate::generate::seed::Seed;
use crate::world::ids::{ImageId, SnapshotId};
use crate::world::instance_types::Architecture;
use crate::world::parameters::{Kind, Parameter, Version};
use crate::world::platform::Platform;
use crate::world::storage::{Image, ImageState, Visibility};
use crate::world::tags::Tags;

/// The account that EKS publishes its images from in most regions.
const OWNER: &str = "602401143452";

/// The last version with images of Amazon Linux 2 (EKS user guide, "EKS AL2 and AL2-accelerated AMIs transition").
const LAST_AL2: Minor = Minor(32);

/// The release of Bottlerocket.
const BOTTLEROCKET: &str = "1.50.0-0123abcd";

/// A kind of image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Family {
    /// The API's word for it.
    ami_type: &'static str,
    /// Whose image it is.
    system: System,
    /// What tells it from the others of its system, as the names of parameters have it.
    variant: &'static str,
    architecture: Architecture,
}

/// The operating system of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    AmazonLinux2023,
    AmazonLinux2,
    Bottlerocket,
}

const fn family(
    ami_type: &'static str,
    system: System,
    variant: &'static str,
    architecture: Architecture,
) -> Family {
    Family { ami_type, system, variant, architecture }
}

/// Every kind; those of Windows are not played.
const FAMILIES: [Family; 14] = {
    use Architecture::{Arm, X86};
    use System::{AmazonLinux2, AmazonLinux2023, Bottlerocket};
    [
        family("AL2023_x86_64_STANDARD", AmazonLinux2023, "standard", X86),
        family("AL2023_ARM_64_STANDARD", AmazonLinux2023, "standard", Arm),
        family("AL2023_x86_64_NVIDIA", AmazonLinux2023, "nvidia", X86),
        family("AL2023_ARM_64_NVIDIA", AmazonLinux2023, "nvidia", Arm),
        family("AL2023_x86_64_NEURON", AmazonLinux2023, "neuron", X86),
        family("AL2_x86_64", AmazonLinux2, "", X86),
        family("AL2_x86_64_GPU", AmazonLinux2, "-gpu", X86),
        family("AL2_ARM_64", AmazonLinux2, "-arm64", Arm),
        family("BOTTLEROCKET_x86_64", Bottlerocket, "", X86),
        family("BOTTLEROCKET_ARM_64", Bottlerocket, "", Arm),
        family("BOTTLEROCKET_x86_64_FIPS", Bottlerocket, "-fips", X86),
        family("BOTTLEROCKET_ARM_64_FIPS", Bottlerocket, "-fips", Arm),
        family("BOTTLEROCKET_x86_64_NVIDIA", Bottlerocket, "-nvidia", X86),
        family("BOTTLEROCKET_ARM_64_NVIDIA", Bottlerocket, "-nvidia", Arm),
    ]
};

/// An image of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NodeImage {
    family: Family,
    version: Minor,
}

impl NodeImage {
    fn name(self) -> String {
        let (version, Family { variant, architecture, .. }) = (self.version, self.family);
        let architecture = architecture.name();
        match self.family.system {
            System::AmazonLinux2023 => {
                format!("amazon-eks-node-al2023-{architecture}-{variant}-{version}-v20260801")
            }
            System::AmazonLinux2 => format!("amazon-eks{variant}-node-{version}-v20260801"),
            System::Bottlerocket => {
                format!("bottlerocket-aws-k8s-{version}{variant}-{architecture}-v{BOTTLEROCKET}")
            }
        }
    }

    /// What the names of its parameters begin with.
    fn parameters(self) -> String {
        let (version, Family { variant, architecture, .. }) = (self.version, self.family);
        let architecture = architecture.name();
        let linux = format!("/aws/service/eks/optimized-ami/{version}");
        match self.family.system {
            System::AmazonLinux2023 => {
                format!("{linux}/amazon-linux-2023/{architecture}/{variant}/recommended/")
            }
            System::AmazonLinux2 => format!("{linux}/amazon-linux-2{variant}/recommended/"),
            System::Bottlerocket => {
                format!("/aws/service/bottlerocket/aws-k8s-{version}{variant}/{architecture}/latest/")
            }
        }
    }

    /// Its id in a region, the same in every world.
    fn id(self, region: &str) -> ImageId {
        ImageId(seed(region, "image", self).stream().random())
    }

    /// The value of one of its parameters.
    fn value(self, member: &str, region: &str) -> Option<String> {
        match (member, self.family.system) {
            ("image_id", _) => Some(self.id(region).to_string()),
            ("image_name", System::AmazonLinux2023 | System::AmazonLinux2) => Some(self.name()),
            ("release_version", System::AmazonLinux2023 | System::AmazonLinux2) => {
                Some(self.version.image_release())
            }
            ("image_version", System::Bottlerocket) => Some(BOTTLEROCKET.to_owned()),
            _ => None,
        }
    }
}

/// What something of an image is drawn from in a region.
fn seed(region: &str, what: &str, image: NodeImage) -> Seed {
    Seed::root(0).child("node images").child(region).child(what).child(&image.name())
}

/// The images of a version.
fn of(version: Minor) -> impl Iterator<Item = NodeImage> {
    let images = FAMILIES.map(|family| NodeImage { family, version });
    images.into_iter().filter(move |it| it.family.system != System::AmazonLinux2 || version <= LAST_AL2)
}

/// When the release came that all of them are of; never after a scenario's start.
fn published(start: Timestamp) -> Timestamp {
    midnight(date(2026, 8, 1)).min(start)
}

/// The images of every version, as they are in a region.
pub fn all(region: &str, start: Timestamp) -> Vec<Image> {
    let images = CALENDAR.iter().flat_map(|it| of(it.version));
    let made = images.map(|it| Image {
        id: it.id(region),
        name: it.name(),
        description: format!("EKS Kubernetes node image of {}", it.version),
        owner: OWNER.to_owned(),
        owner_alias: Some("amazon"),
        visibility: Visibility::Public,
        architecture: it.family.architecture,
        platform: Platform::AmazonLinux2023,
        created_at: published(start),
        deprecated_at: None,
        state: ImageState::Available,
        disks: vec![root_disk(
            Platform::AmazonLinux2023,
            SnapshotId(seed(region, "snapshot", it).stream().random()),
        )],
        source_instance: None,
        software: None,
        tags: Tags::default(),
    });
    made.collect()
}

/// The image of a node group's instances, by the kind that the EKS API names; Amazon Linux where the estate does not know
/// the kind.
#[must_use]
pub fn of_group(ami_type: &str, version: Minor, region: &str) -> ImageId {
    let known = FAMILIES.into_iter().find(|it| it.ami_type == ami_type);
    NodeImage { family: known.unwrap_or(FAMILIES[0]), version }.id(region)
}

/// The kind and the version of an image, where it is one of EKS's in that region.
#[must_use]
pub fn known(id: &str, region: &str) -> Option<(&'static str, Minor)> {
    let mut all = CALENDAR.iter().flat_map(|it| of(it.version));
    all.find(|it| it.id(region).to_string() == id).map(|it| (it.family.ami_type, it.version))
}

/// The Kubernetes version that an image of EKS is for.
#[must_use]
pub fn version_of(image: ImageId, region: &str) -> Option<Minor> {
    let mut all = CALENDAR.iter().flat_map(|it| of(it.version));
    all.find(|it| it.id(region) == image).map(|it| it.version)
}

/// A public parameter, where it is one of a version that EKS offers at that moment.
#[must_use]
pub fn parameter(name: &str, region: &str, now: Timestamp) -> Option<Parameter> {
    let offered = CALENDAR.iter().filter(|it| version::available(it.version, now).is_some());
    let mut images = offered.flat_map(|it| of(it.version));
    let value = images.find_map(|it| it.value(name.strip_prefix(&it.parameters())?, region))?;
    let version = Version {
        number: 1,
        value,
        advanced: false,
        key: None,
        description: None,
        at: published(now),
        by: "amazon".to_owned(),
    };
    Some(Parameter { kind: Kind::String, versions: vec![version], tags: Tags::default() })
}
