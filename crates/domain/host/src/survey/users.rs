//! Local accounts, and who is in the groups that may do everything. No password, digest, full name or
//! home directory is asked for: what is not collected cannot leak.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::answer::clean;
use crate::fact::{Tri, split_word};

/// The longest id that is kept, in characters; a SID has up to 184 (MS-DTYP 2.4.2.1), those of accounts
/// on a host fewer than 60.
const ID_MAX: usize = 184;
/// The longest name that is kept, in characters.
const NAME_MAX: usize = 200;
/// User ids that systemd lends to a service while it runs (systemd, "Users, Groups, UIDs and GIDs").
const DYNAMIC: std::ops::RangeInclusive<u32> = 61_184..=65_519;

/// A group whose members may do everything on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrivilegedGroup {
    /// `root`.
    Root,
    /// `sudo`, of Debian and Ubuntu.
    Sudo,
    /// `wheel`, of Amazon Linux and RHEL.
    Wheel,
    /// Administrators of Windows, S-1-5-32-544, whatever their name in its language.
    Administrators,
}

impl PrivilegedGroup {
    /// Every group.
    pub const ALL: [Self; 4] = [Self::Root, Self::Sudo, Self::Wheel, Self::Administrators];

    /// The word of the answers and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Sudo => "sudo",
            Self::Wheel => "wheel",
            Self::Administrators => "administrators",
        }
    }
}

/// An account of the host, or of a directory that one of its privileged groups names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct User {
    /// Its name. Untrusted text.
    pub name: String,
    /// The user id on Linux, the SID on Windows; none where a group of Linux names it and the host does not
    /// know it.
    pub id: Option<String>,
    /// Whether it can log in: on Linux a shell other than `nologin` and `false`, on Windows enabled.
    pub login: Tri,
    /// The privileged groups it is in.
    pub groups: BTreeSet<PrivilegedGroup>,
}

impl User {
    /// Whether it may do everything: it is in such a group, or it is the superuser by another name.
    pub fn is_privileged(&self) -> bool {
        !self.groups.is_empty() || self.id.as_deref() == Some("0")
    }

    /// Whether systemd made it up for a running service: it comes and goes with that.
    pub fn is_dynamic(&self) -> bool {
        let number = self.id.as_deref().and_then(|id| id.parse().ok());
        self.login == Tri::No && !self.is_privileged() && number.is_some_and(|id| DYNAMIC.contains(&id))
    }

    /// What it is, without its name.
    pub fn standing(&self) -> String {
        let id = self.id.as_deref().map_or("no local id".to_owned(), |id| format!("id {id}"));
        let login = match self.login {
            Tri::Yes => "can log in",
            Tri::No => "cannot log in",
            Tri::Unknown => "login not known",
        };
        let groups: Vec<&str> = self.groups.iter().map(|group| group.as_str()).collect();
        match (groups.is_empty(), self.is_privileged()) {
            (false, _) => format!("{id}, {login}, in {}", groups.join(" and ")),
            (true, true) => format!("{id}, {login}, superuser"),
            (true, false) => format!("{id}, {login}"),
        }
    }

    /// `user yes|no|unknown GROUP,…|- ID|- NAME`
    pub(super) fn from_line(line: &str) -> Option<Self> {
        let (login, rest) = split_word(line.strip_prefix("user ")?);
        let (groups, rest) = split_word(rest);
        let (id, name) = split_word(rest);
        let group = |word: &str| PrivilegedGroup::ALL.into_iter().find(|group| group.as_str() == word);
        let groups: Option<BTreeSet<_>> = match groups {
            "-" => Some(BTreeSet::new()),
            words => words.split(',').map(group).collect(),
        };
        let named = clean(name, NAME_MAX);
        let id = clean(id, ID_MAX);
        if named.is_empty() || id.is_empty() {
            return None;
        }
        Some(Self {
            name: named,
            id: (id != "-").then_some(id),
            login: Tri::from_word(login)?,
            groups: groups?,
        })
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.standing())
    }
}
