//! Accounts named by their place in the organisation.

use fleetwright_model::{OrganizationScope, code};

use super::entry::{Fields, Stated};
use super::fields;
use super::shape::Reader;
use crate::keys::TextForm;
use crate::value::Fault;
use crate::yaml::{Content, Entry, Node};

/// What messages call such an entry.
const LABEL: &str = "organization";

impl Reader<'_> {
    /// Reads a scope: a mapping of fields, or `all` or a unit's id with `entries` beside it.
    pub(super) fn read_scope(&mut self, node: &Node, entries: &[Entry]) -> Option<OrganizationScope> {
        let short = match &node.content {
            Content::Scalar { text, .. } if text.eq_ignore_ascii_case("all") => None,
            Content::Scalar { .. } => match unit(node) {
                Ok(unit) => Some(unit),
                Err(fault) => {
                    self.fault(LABEL, fault);
                    return None;
                }
            },
            Content::Mapping(_) => None,
            _ => {
                let message = format!("needs a mapping, `all` or a unit's id, found {}", node.describe());
                self.fault(LABEL, Fault::new(&code::WRONG_TYPE, node, message));
                return None;
            }
        };
        self.refuse_unknown(LABEL, entries, fields::SCOPE);
        let defaults = self.defaults;
        let mut fields = Fields::new(self, entries, LABEL.to_owned());
        let long = fields.read("unit", unit);
        let role_name = match fields.stated("role_name", TextForm::RoleName) {
            Stated::Given(name) => Some(name),
            Stated::Absent => defaults.role_name.clone(),
            Stated::Ruled => None,
        };
        let accounts_include = fields.patterns("accounts_include");
        let accounts_exclude = fields.patterns("accounts_exclude");
        let shared = fields.shared(node.span);
        if fields.is_faulty() {
            return None;
        }
        Some(OrganizationScope {
            unit: short.or(long),
            accounts_include,
            accounts_exclude,
            external_id: match shared.external_id {
                Stated::Given(id) => Some(id),
                Stated::Absent if role_name.is_some() => defaults.external_id.clone(),
                Stated::Absent | Stated::Ruled => None,
            },
            role_name,
            profile: shared.profile.or_else(|| defaults.profile.clone()),
            regions: shared.regions?,
            environment: shared.environment,
            tags: shared.tags,
            include: shared.include,
            exclude: shared.exclude,
        })
    }
}

/// The id of an organisational unit or root.
/// Source: Organizations API reference, ListAccountsForParent, ParentId.
fn unit(node: &Node) -> Result<String, Fault> {
    let lower = |text: &str, min: usize, max: usize| {
        (min..=max).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let valid = |text: &str| match (text.strip_prefix("r-"), text.strip_prefix("ou-")) {
        (Some(root), _) => lower(root, 4, 32),
        (_, Some(unit)) => {
            unit.split_once('-').is_some_and(|(root, id)| lower(root, 4, 32) && lower(id, 8, 32))
        }
        _ => false,
    };
    match &node.content {
        Content::Scalar { text, .. } if valid(text) => Ok(text.clone()),
        _ => Err(Fault::new(
            &code::WRONG_TYPE,
            node,
            "needs the id of an organisational unit (ou-…-…) or root (r-…)",
        )),
    }
}
