//! The landing-zone inventory of an estate: which accounts there are and how to get into them.

use std::fmt::Write as _;

/// One account as an operator would list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandingZone {
    /// Its name.
    pub name: String,
    /// Its 12-digit id.
    pub account_id: String,
    /// The regions in use.
    pub regions: Vec<String>,
    /// The role to assume.
    pub role_arn: String,
    /// The external id that goes with it.
    pub external_id: String,
}

/// Writes an inventory in YAML: a list of `{name, account_id, regions, role_arn, external_id}`.
pub fn render(zones: &[LandingZone]) -> String {
    let mut out = String::from("# Landing zones of a simulated estate.\n");
    if zones.is_empty() {
        out.push_str("[]\n");
    }
    for zone in zones {
        let regions: Vec<String> = zone.regions.iter().map(|region| quoted(region)).collect();
        write!(
            out,
            "- name: {}\n  account_id: {}\n  regions: [{}]\n  role_arn: {}\n  external_id: {}\n",
            quoted(&zone.name),
            // Unquoted it would be a number to YAML, and lose its leading zeros.
            quoted(&zone.account_id),
            regions.join(", "),
            quoted(&zone.role_arn),
            quoted(&zone.external_id),
        )
        .expect("writing to a String cannot fail");
    }
    out
}

/// A double-quoted YAML scalar; JSON's string is one (YAML 1.2, 1.3 "Relation to JSON").
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_ids_keep_their_leading_zeros() {
        let zone = LandingZone {
            name: "retail \"prod\"".to_owned(),
            account_id: "001122334455".to_owned(),
            regions: vec!["eu-central-1".to_owned(), "us-east-1".to_owned()],
            role_arn: "arn:aws:iam::001122334455:role/Spoke".to_owned(),
            external_id: "fleet-1".to_owned(),
        };
        let text = render(&[zone]);
        assert!(text.contains("  account_id: \"001122334455\"\n"), "{text}");
        assert!(text.contains("- name: \"retail \\\"prod\\\"\"\n"), "{text}");
        assert!(text.contains("  regions: [\"eu-central-1\", \"us-east-1\"]\n"), "{text}");
    }
}
