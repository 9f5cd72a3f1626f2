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
}
