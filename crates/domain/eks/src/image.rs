//! Images of nodes that EKS makes, by the public parameters that name them.
//!
//! Sources: EKS User Guide, "Retrieve recommended Amazon Linux AMI IDs" and "Retrieve recommended Bottlerocket AMI IDs".

use fleetwright_kubernetes::Minor;

/// The parameter of Systems Manager that exists once EKS has an image of this AMI type for a version. `None` for types
/// that name no such image, such as `CUSTOM` and those of Windows.
pub fn parameter(ami_type: &str, minor: Minor) -> Option<String> {
    let bottlerocket = |variant: &str, architecture: &str| {
        format!("/aws/service/bottlerocket/aws-k8s-{minor}{variant}/{architecture}/latest/image_version")
    };
    let linux =
        |family: &str| format!("/aws/service/eks/optimized-ami/{minor}/{family}/recommended/release_version");
    Some(match ami_type {
        "AL2023_x86_64_STANDARD" => linux("amazon-linux-2023/x86_64/standard"),
        "AL2023_ARM_64_STANDARD" => linux("amazon-linux-2023/arm64/standard"),
        "AL2023_x86_64_NVIDIA" => linux("amazon-linux-2023/x86_64/nvidia"),
        "AL2023_ARM_64_NVIDIA" => linux("amazon-linux-2023/arm64/nvidia"),
        "AL2023_x86_64_NEURON" => linux("amazon-linux-2023/x86_64/neuron"),
        "AL2_x86_64" => linux("amazon-linux-2"),
        "AL2_x86_64_GPU" => linux("amazon-linux-2-gpu"),
        "AL2_ARM_64" => linux("amazon-linux-2-arm64"),
        "BOTTLEROCKET_x86_64" => bottlerocket("", "x86_64"),
        "BOTTLEROCKET_ARM_64" => bottlerocket("", "arm64"),
        "BOTTLEROCKET_x86_64_FIPS" => bottlerocket("-fips", "x86_64"),
        "BOTTLEROCKET_ARM_64_FIPS" => bottlerocket("-fips", "arm64"),
        "BOTTLEROCKET_x86_64_NVIDIA" => bottlerocket("-nvidia", "x86_64"),
        "BOTTLEROCKET_ARM_64_NVIDIA" => bottlerocket("-nvidia", "arm64"),
        _ => return None,
    })
}

/// The version of Kubernetes that an image is made for, by what its name or its description says; none where neither
/// does. Both are untrusted texts: of an image of somebody else's they may say anything.
///
/// Sources: as above; awslabs/amazon-eks-ami, whose images are described as `(k8s: 1.33.1, containerd: …)`.
pub fn minor_of(name: &str, description: &str) -> Option<Minor> {
    let of_eks = name.starts_with("amazon-eks-") || name.starts_with("bottlerocket-aws-k8s-");
    name.split('-').filter(|_| of_eks).find_map(minor).or_else(|| {
        let (_, rest) = description.split_once("(k8s: ")?;
        minor(rest.split([',', ')', ' ']).next()?)
    })
}

/// The version of Kubernetes in the name of a public parameter of an image.
pub fn minor_of_parameter(name: &str) -> Option<Minor> {
    let rest = match name.strip_prefix("/aws/service/eks/optimized-ami/") {
        Some(rest) => rest,
        None => name.strip_prefix("/aws/service/bottlerocket/aws-k8s-")?,
    };
    minor(rest.split(['/', '-']).next()?)
}

/// `1.33`, or `1.33.5`.
fn minor(text: &str) -> Option<Minor> {
    let rest = text.trim_start_matches('v').strip_prefix("1.")?;
    rest.split('.').next()?.parse().ok().map(Minor::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_named_by_type_and_version() {
        let of = |kind: &str| parameter(kind, Minor::new(34));
        assert_eq!(
            of("AL2023_ARM_64_STANDARD").as_deref(),
            Some(
                "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/arm64/standard/recommended/release_version"
            )
        );
        assert_eq!(
            of("BOTTLEROCKET_x86_64_NVIDIA").as_deref(),
            Some("/aws/service/bottlerocket/aws-k8s-1.34-nvidia/x86_64/latest/image_version")
        );
        assert_eq!((of("CUSTOM"), of("WINDOWS_CORE_2022_x86_64")), (None, None));
    }

    #[test]
    fn an_image_tells_its_version_by_its_name_or_its_description() {
        let of = |name: &str, description: &str| minor_of(name, description).map(Minor::number);
        assert_eq!(of("amazon-eks-node-al2023-x86_64-standard-1.33-v20260801", ""), Some(33));
        assert_eq!(of("amazon-eks-gpu-node-1.32-v20260801", ""), Some(32));
        assert_eq!(of("bottlerocket-aws-k8s-1.34-nvidia-x86_64-v1.50.0-0123abcd", ""), Some(34));
        let own = "EKS-optimized image (k8s: 1.31.7, containerd: 1.7.*)";
        assert_eq!((of("base-1.35", own), of("base-1.35", "")), (Some(31), None));
        let parameter = |name: &str| minor_of_parameter(name).map(Minor::number);
        let linux =
            "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/x86_64/standard/recommended/image_id";
        assert_eq!(parameter(linux), Some(34));
        assert_eq!(parameter("/aws/service/bottlerocket/aws-k8s-1.35-fips/arm64/latest/image_id"), Some(35));
        assert_eq!(parameter("/golden/1.34"), None);
    }
}
