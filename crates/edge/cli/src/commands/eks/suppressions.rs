//! The file of findings to live with for a time.

use std::path::Path;

use fleetwright_config::{Located, Remark, SourceText};
use fleetwright_eks::Suppression;
use fleetwright_eks::checks::find;
use fleetwright_model::code;
use jiff::Timestamp;
use serde_json::Value;

use crate::diagnosis::{Sources, command_error};
use crate::failure::CommandError;
use crate::files;

/// Members of an entry.
const MEMBERS: [&str; 4] = ["code", "subject", "reason", "expires_at"];

/// Reads the file.
///
/// # Errors
/// It cannot be read, or an entry means nothing: every one of them, with its line.
pub(super) fn read(path: &Path) -> Result<Vec<Suppression>, CommandError> {
    let name = path.display().to_string();
    let source = SourceText::new(name.clone(), files::read_text(path)?);
    let refused = |errors| command_error(&errors, &Sources::from([(name.clone(), source.clone())]), true);
    let located = Located::read(&source).map_err(&refused)?;
    let (read, remarks) = parse(&located.json());
    located.refuse(remarks).map_err(&refused)?;
    Ok(read)
}

fn remark(pointer: String, message: impl Into<String>) -> Remark {
    Remark { code: &code::SUPPRESSIONS_INVALID, pointer, message: message.into() }
}

fn parse(document: &Value) -> (Vec<Suppression>, Vec<Remark>) {
    let (mut read, mut remarks) = (Vec::new(), Vec::new());
    let Some(entries) = document.as_array() else {
        remarks.push(remark(
            String::new(),
            "a list of entries is expected, each with code, reason and expires_at",
        ));
        return (read, remarks);
    };
    for (nth, entry) in entries.iter().enumerate() {
        match suppression(entry, nth) {
            Ok(suppression) => read.push(suppression),
            Err(odd) => remarks.extend(odd),
        }
    }
    (read, remarks)
}

fn suppression(entry: &Value, nth: usize) -> Result<Suppression, Vec<Remark>> {
    let at = |member: &str| format!("/{nth}/{member}");
    let Some(members) = entry.as_object() else {
        return Err(vec![remark(format!("/{nth}"), "an entry has code, reason and expires_at")]);
    };
    let mut odd: Vec<Remark> = members
        .keys()
        .filter(|member| !MEMBERS.contains(&member.as_str()))
        .map(|member| {
            remark(at(member), format!("{member} means nothing here; possible are {}", MEMBERS.join(", ")))
        })
        .collect();
    let text = |member: &str| entry[member].as_str().map(str::trim).filter(|text| !text.is_empty());
    let check = text("code").and_then(|code| find(&code.to_ascii_uppercase()));
    if check.is_none() {
        odd.push(remark(at("code"), "the code of a check is expected; `fleetwright eks explain` lists them"));
    }
    if text("reason").is_none() {
        odd.push(remark(at("reason"), "a reason is expected: why can one live with it?"));
    }
    let expires_at: Option<Timestamp> = text("expires_at").and_then(|text| text.parse().ok());
    if expires_at.is_none() {
        odd.push(remark(at("expires_at"), "an end is expected, as 2027-03-31T00:00:00Z"));
    }
    match (check, text("reason"), expires_at) {
        (Some(check), Some(reason), Some(expires_at)) if odd.is_empty() => Ok(Suppression {
            code: check.code.to_owned(),
            subject: text("subject").map(str::to_owned),
            reason: reason.to_owned(),
            expires_at,
        }),
        _ => Err(odd),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_are_read_and_those_that_mean_nothing_are_all_named() {
        let good = json!([{ "code": "eks-p4", "reason": "twice", "expires_at": "2027-03-31T00:00:00Z" }]);
        let (read, remarks) = parse(&good);
        assert_eq!((read.len(), remarks.len(), read[0].code.as_str()), (1, 0, "EKS-P4"));
        let bad = json!([
            { "code": "EKS-Z9", "reason": "x", "expires_at": "2027-03-31T00:00:00Z" },
            { "code": "EKS-P4", "reason": " ", "expires_at": "never", "until": 3 },
            "EKS-P4",
        ]);
        let (read, remarks) = parse(&bad);
        let pointers: Vec<&str> = remarks.iter().map(|it| it.pointer.as_str()).collect();
        assert_eq!(pointers, ["/0/code", "/1/until", "/1/reason", "/1/expires_at", "/2"]);
        assert!(read.is_empty());
    }
}
