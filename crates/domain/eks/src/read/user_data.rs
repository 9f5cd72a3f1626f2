//! The flags that user data of a launch template gives the kubelet.
//!
//! Sources: EKS User Guide, "Customize managed nodes with launch templates"; awslabs/amazon-eks-ami, nodeadm and
//! bootstrap.sh. Both take flags as they are written on a command line.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Everything in user data, as EC2 shows it in base64, that looks like a flag; values stay out, because they may be
/// secrets. `None` where it is no text: compressed, or encoded once more.
pub fn flags_of_user_data(user_data: &str) -> Option<Vec<String>> {
    let bytes = STANDARD.decode(user_data.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let encoded =
        |line: &str| line.to_ascii_lowercase().replace(' ', "") == "content-transfer-encoding:base64";
    if text.lines().any(encoded) {
        return None;
    }
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let is_flag = |word: &&str| {
        word.strip_prefix("--").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
    };
    let flags: BTreeSet<&str> = words.filter(is_flag).collect();
    Some(flags.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_found_in_scripts_and_configurations_without_their_values() {
        let script = "#!/bin/bash\n/etc/eks/bootstrap.sh shop --kubelet-extra-args '--max-pods=20 --node-labels=a=b'\n";
        let flags = flags_of_user_data(&STANDARD.encode(script)).expect("a text");
        assert_eq!(flags, ["--kubelet-extra-args", "--max-pods", "--node-labels"]);
        let nodeadm = "--//\nContent-Type: application/node.eks.aws\n\nspec:\n  kubelet:\n    flags:\n    - \
                       \"--pod-infra-container-image=x\"\n--//--\n";
        assert_eq!(
            flags_of_user_data(&STANDARD.encode(nodeadm)),
            Some(vec!["--pod-infra-container-image".to_owned()])
        );
    }

    #[test]
    fn what_is_no_text_is_not_taken_for_one_without_flags() {
        let twice = format!("Content-Transfer-Encoding: base64\n\n{}", STANDARD.encode("--max-pods"));
        for odd in ["%%%", &STANDARD.encode([0x1f, 0x8b, 0xff]), &STANDARD.encode(twice)] {
            assert_eq!(flags_of_user_data(odd), None, "{odd}");
        }
        assert_eq!(flags_of_user_data(""), Some(Vec::new()));
    }
}
