//! Who has an account on a host.

use std::fmt::Write as _;

use super::profile::Packaging;

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Runs services; nobody logs in as it.
    Service,
    /// Logs in.
    Person,
    /// Logs in and may do everything.
    Administrator,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: Box<str>,
    /// The user id on Linux, the last part of the SID on Windows.
    pub number: u32,
    /// What it may do.
    pub standing: Standing,
}

/// What the SIDs of a Windows host's accounts begin with; the same on hosts of one image.
const DOMAIN: &str = "S-1-5-21-1004336348-1177238915-682003330";

type Known = (&'static str, u32, Standing);

const DEBIAN: &[Known] = &[
    ("root", 0, Standing::Administrator),
    ("daemon", 1, Standing::Service),
    ("www-data", 33, Standing::Service),
    ("_apt", 42, Standing::Service),
    ("messagebus", 101, Standing::Service),
    ("ubuntu", 1000, Standing::Administrator),
];
const RPM: &[Known] = &[
    ("root", 0, Standing::Administrator),
    ("daemon", 2, Standing::Service),
    ("dbus", 81, Standing::Service),
    ("chrony", 993, Standing::Service),
    ("ec2-user", 1000, Standing::Administrator),
];
const WINDOWS: &[Known] = &[
    ("Administrator", 500, Standing::Administrator),
    ("Guest", 501, Standing::Service),
    ("DefaultAccount", 503, Standing::Service),
];

/// The accounts of an image.
pub(super) fn of_image(packaging: Packaging) -> impl Iterator<Item = Account> {
    let known = match packaging {
        Packaging::Debian => DEBIAN,
        Packaging::Rpm => RPM,
        Packaging::Windows => WINDOWS,
    };
    known.iter().map(|&(name, number, standing)| Account { name: name.into(), number, standing })
}

impl Account {
    /// Its SID, on Windows.
    #[must_use]
    pub fn sid(&self) -> String {
        format!("{DOMAIN}-{}", self.number)
    }
}

/// `passwd(5)`.
pub(super) fn passwd(accounts: &[Account]) -> String {
    accounts.iter().fold(String::new(), |mut text, Account { name, number, standing }| {
        let shell = if *standing == Standing::Service { "/sbin/nologin" } else { "/bin/bash" };
        let home = if *number == 0 { "/root".to_owned() } else { format!("/home/{name}") };
        let _ = writeln!(text, "{name}:x:{number}:{number}:{name} of the estate:{home}:{shell}");
        text
    })
}

/// `group(5)`: one for each account, and the one whose members may do everything.
pub(super) fn group(accounts: &[Account], packaging: Packaging) -> String {
    let mut text = String::new();
    for Account { name, number, .. } in accounts {
        let _ = writeln!(text, "{name}:x:{number}:");
    }
    let may = accounts.iter().filter(|it| it.standing == Standing::Administrator && it.number != 0);
    let may: Vec<&str> = may.map(|it| &*it.name).collect();
    let (name, number) = if packaging == Packaging::Debian { ("sudo", 27) } else { ("wheel", 10) };
    let _ = writeln!(text, "{name}:x:{number}:{}", may.join(","));
    text
}
