//! Who else describes a cluster, by its tags: a change made past them is undone by them.

use std::collections::BTreeMap;

/// Tools that mark what they make, by a beginning of the tag's key.
///
/// Sources: CloudFormation User Guide, "Resource tags"; eksctl's `api` package; Crossplane, "Resource tags"; Pulumi and
/// AWS CDK mark through CloudFormation or by the keys that people choose, as Terraform does.
const BY_KEY: [(&str, &str); 5] = [
    ("aws:cloudformation:stack-name", "CloudFormation stack"),
    ("alpha.eksctl.io/cluster-name", "eksctl cluster"),
    ("crossplane-name", "Crossplane resource"),
    ("sigs.k8s.io/cluster-api-provider-aws/cluster/", "Cluster API"),
    ("argocd.argoproj.io/instance", "Argo CD application"),
];

/// Keys with which people say who manages something, in small letters and without separators.
const SAID: [&str; 4] = ["managedby", "provisioner", "createdby", "iac"];

/// Names in values of such keys that mean a tool.
const TOOLS: [&str; 8] =
    ["terraform", "opentofu", "pulumi", "cloudformation", "cdk", "crossplane", "eksctl", "terragrunt"];

/// Who manages the cluster, each once.
pub fn managers(tags: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in tags {
        if let Some((_, tool)) = BY_KEY.iter().find(|(beginning, _)| key.starts_with(beginning)) {
            found.push(format!("{tool} {value}").trim_end().to_owned());
        }
        let bare: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
        let is_tool = |text: &str| TOOLS.iter().any(|tool| text.to_ascii_lowercase().contains(tool));
        if SAID.contains(&bare.to_ascii_lowercase().as_str()) && is_tool(value) {
            found.push(value.clone());
        } else if TOOLS.contains(&bare.to_ascii_lowercase().as_str()) && value != "false" {
            found.push(key.clone());
        }
    }
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_told_by_their_tags_and_by_what_people_say() {
        let of = |pairs: &[(&str, &str)]| {
            managers(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
        };
        assert_eq!(
            of(&[("aws:cloudformation:stack-name", "prod"), ("Managed-By", "Terraform")]),
            ["CloudFormation stack prod", "Terraform"]
        );
        assert_eq!(of(&[("terraform", "true")]), ["terraform"]);
        assert!(
            of(&[("terraform", "false"), ("managed-by", "the platform team"), ("Name", "prod")]).is_empty()
        );
    }
}
