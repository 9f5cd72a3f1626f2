//! When versions of Kubernetes' own APIs came, were deprecated and went.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::api::{ApiVersion, GroupVersionKind};
use crate::version::Minor;

/// What is known of an API at one minor version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Served, and not deprecated. An alpha is served where it is switched on, which EKS never does.
    Served,
    /// Not there yet.
    NotYet {
        /// The first minor that has it.
        introduced: Minor,
    },
    /// Served, with a warning.
    Deprecated {
        /// The minor that deprecated it.
        since: Minor,
        /// The minor that removes it, where that is announced.
        removed_in: Option<Minor>,
        /// What to use instead.
        replacement: Option<Replacement>,
    },
    /// Not served any more.
    Removed {
        /// The first minor without it.
        removed_in: Minor,
        /// What to use instead.
        replacement: Option<Replacement>,
    },
    /// Not in the table: of an extension, or newer than the table.
    Unknown,
}

/// The version to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Group, version and kind.
    pub api: GroupVersionKind,
    /// The first minor that serves it: from then on objects can be moved.
    pub since: Minor,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which API.
    pub api: GroupVersionKind,
    /// The first minor that had it.
    pub introduced: Minor,
    /// The minor that deprecated it.
    pub deprecated: Option<Minor>,
    /// The minor that the marker in the source says removes it.
    pub removed_marker: Option<Minor>,
    /// What the marker names as the replacement.
    pub replacement: Option<ApiVersion>,
    /// The newest minor whose source has the type.
    pub last_seen: Minor,
    /// Where the row was read.
    pub source: &'static str,
    /// The branch or commit of the source; empty for a page.
    pub reference: &'static str,
    /// The day it was read, `YYYY-MM-DD`.
    pub read_on: &'static str,
}

/// The table of APIs.
#[derive(Debug)]
pub struct ApiTable {
    rows: Vec<Row>,
    by_api: HashMap<GroupVersionKind, usize>,
    newest: Minor,
}

/// Replacements that lead from one version to the next, at most.
const CHAIN_MAX: usize = 8;

impl Row {
    /// The first minor without the API: what the marker says, or earlier, where the type was dropped before.
    pub fn removed_in(&self, newest: Minor) -> Option<Minor> {
        let dropped = (self.last_seen < newest).then(|| self.last_seen.next());
        match (self.removed_marker, dropped) {
            (Some(marker), Some(dropped)) => Some(marker.min(dropped)),
            (marker, dropped) => marker.or(dropped),
        }
    }
}

impl ApiTable {
    /// The table that comes with the program.
    pub fn bundled() -> &'static Self {
        static TABLE: LazyLock<ApiTable> = LazyLock::new(|| {
            ApiTable::parse(include_str!("../data/api-lifecycle.csv")).expect("the tests read the same file")
        });
        &TABLE
    }

    /// The newest minor version that the table's source knows. Of a later one it can say nothing new.
    pub fn newest_minor(&self) -> Minor {
        self.newest
    }

    /// Every row, in order of group, version and kind.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The first minor without this API; `None` where none is known.
    pub fn removed_in(&self, api: &GroupVersionKind) -> Option<Minor> {
        self.row(api).and_then(|row| row.removed_in(self.newest))
    }

    /// What becomes of an API at this minor version.
    pub fn verdict(&self, api: &GroupVersionKind, at: Minor) -> Verdict {
        let Some(row) = self.row(api) else { return Verdict::Unknown };
        let removed = row.removed_in(self.newest);
        if let Some(removed_in) = removed.filter(|&removed| removed <= at) {
            return Verdict::Removed { removed_in, replacement: self.replacement(row, at) };
        }
        if row.introduced > at {
            return Verdict::NotYet { introduced: row.introduced };
        }
        match row.deprecated.filter(|&since| since <= at) {
            Some(since) => {
                Verdict::Deprecated { since, removed_in: removed, replacement: self.replacement(row, at) }
            }
            None if at > self.newest => Verdict::Unknown,
            None => Verdict::Served,
        }
    }

    fn row(&self, api: &GroupVersionKind) -> Option<&Row> {
        self.by_api.get(api).map(|&index| &self.rows[index])
    }

    /// What serves in place of a row at a minor version: the marker's choice, followed until it is served; else
    /// the most settled version of the same group and kind.
    fn replacement(&self, row: &Row, at: Minor) -> Option<Replacement> {
        let serves = |row: &Row| {
            row.introduced <= at && row.removed_in(self.newest).is_none_or(|removed| removed > at)
        };
        let mut next = row;
        for _ in 0..CHAIN_MAX {
            let Some(api_version) = next.replacement.clone() else { break };
            let Some(row) = self.row(&GroupVersionKind { api_version, kind: row.api.kind.clone() }) else {
                break;
            };
            if serves(row) {
                return Some(Replacement { api: row.api.clone(), since: row.introduced });
            }
            next = row;
        }
        let same_kind = |other: &&Row| {
            other.api.api_version.group == row.api.api_version.group
                && other.api.kind == row.api.kind
                && other.api != row.api
                && serves(other)
        };
        let settled = self.rows.iter().filter(same_kind).max_by_key(|row| row.api.api_version.stability())?;
        (settled.api.api_version.stability() > row.api.api_version.stability())
            .then(|| Replacement { api: settled.api.clone(), since: settled.introduced })
    }

    fn parse(text: &'static str) -> Result<Self, String> {
        let newest = text.lines().find_map(|line| line.strip_prefix("# newest-minor: "));
        let newest = minor(newest.ok_or("no line `# newest-minor:`")?)?;
        let mut rows = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')).skip(1) {
            rows.push(Row::parse(line).map_err(|fault| format!("{line}: {fault}"))?);
        }
        let by_api = rows.iter().enumerate().map(|(index, row)| (row.api.clone(), index)).collect();
        Ok(Self { rows, by_api, newest })
    }
}

impl Row {
    fn parse(line: &'static str) -> Result<Self, String> {
        let fields: Vec<&str> = line.split(',').collect();
        let &[api, kind, introduced, deprecated, removed, replacement, seen, source, reference, read_on] =
            fields.as_slice()
        else {
            return Err(format!("{} fields, not 10", fields.len()));
        };
        Ok(Self {
            api: GroupVersionKind::new(api, kind).map_err(|fault| fault.to_string())?,
            introduced: minor(introduced)?,
            deprecated: optional(deprecated, minor)?,
            removed_marker: optional(removed, minor)?,
            replacement: optional(replacement, |text| text.parse().map_err(|_| text.to_owned()))?,
            last_seen: minor(seen)?,
            source,
            reference,
            read_on,
        })
    }
}

fn minor(text: &str) -> Result<Minor, String> {
    text.parse().map_err(|fault: crate::InvalidMinor| fault.to_string())
}

fn optional<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}
