//! What a host is asked about beyond itself: services, agents, health endpoints, databases, load.

use serde::{Deserialize, Serialize};

use crate::load::{LoadPace, LoadTarget, RATE_MAX, REQUEST_SECONDS, REQUESTS_MAX, TEST_SECONDS_MAX, URL_MAX};

/// Whether a survey tries the package repositories (one HTTP request each, three at most).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repositories {
    /// Try them.
    #[default]
    Probe,
    /// Leave them alone; the answer is "unknown".
    Skip,
}

/// What to ask of the hosts of a batch. The same for all of them: one command serves fifty hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Questions {
    /// Services that must be active, by unit or service name.
    pub services: Vec<String>,
    /// Security agents, by unit or service name; one active is enough.
    pub agents: Vec<String>,
    /// Health endpoints as the host sees them: `http://localhost:8080/health`.
    pub health: Vec<String>,
    /// Databases as the host sees them: `db.internal:5432`.
    pub databases: Vec<String>,
    /// The package repositories.
    pub repositories: Repositories,
    /// Endpoints to put under load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load: Vec<LoadTarget>,
    /// How fast, and for how long.
    #[serde(default)]
    pub pace: LoadPace,
}

/// A question that cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuestion {
    /// Not the kind of name that is asked for.
    #[error("{kind} {value:?}: expected {expected}")]
    Malformed {
        /// "service", "health endpoint" ….
        kind: &'static str,
        /// The value, shortened to 80 characters.
        value: String,
        /// What would have been right.
        expected: &'static str,
    },
    /// The answers would not fit into what Systems Manager hands back.
    #[error(
        "the names of services, agents, endpoints and databases take {characters} characters in a \
         host's answer, and {ANSWERS_MAX} fit; ask for fewer"
    )]
    TooMany {
        /// How many characters the answers take.
        characters: usize,
    },
}

/// Characters of a host's answer that named questions may take; the rest is for what is always asked.
pub const ANSWERS_MAX: usize = 1_200;
/// The longest name, endpoint or address, in characters; an answer line holds 160.
pub const NAME_MAX: usize = 140;
/// Key and state that stand before each name in an answer.
const PER_ANSWER: usize = 20;
/// Key and figures that stand before each address under load.
const PER_LOAD: usize = 40;

impl Questions {
    /// Looks at every name.
    ///
    /// # Errors
    /// The first [`InvalidQuestion`].
    pub fn check(&self) -> Result<(), InvalidQuestion> {
        let unit = "a name of letters, digits and _ - . @ : $ \\";
        each("service", &self.services, unit, is_unit)?;
        each("security agent", &self.agents, unit, is_unit)?;
        each(
            "health endpoint",
            &self.health,
            "an http:// or https:// address without spaces, user and password",
            is_endpoint,
        )?;
        each("database", &self.databases, "HOST:PORT", is_address)?;
        load_targets(&self.load)?;
        pace(self.pace)?;
        let lists = [&self.services, &self.agents, &self.health, &self.databases];
        let named = lists.into_iter().flatten().map(|name| name.chars().count() + PER_ANSWER);
        let loaded = self.load.iter().map(|target| target.url.chars().count() + PER_LOAD);
        let characters = named.chain(loaded).sum();
        if characters > ANSWERS_MAX { Err(InvalidQuestion::TooMany { characters }) } else { Ok(()) }
    }

    /// These questions and those of `other`, each once: one command can serve hosts that are asked about
    /// different things, and each is judged by its own. `None` where the answers would not fit, and where
    /// endpoints are to be put under load at another pace.
    pub fn merged(&self, other: &Self) -> Option<Self> {
        let one_pace = self.pace == other.pace || self.load.is_empty() || other.load.is_empty();
        if !one_pace {
            return None;
        }
        let both = |a: &[String], b: &[String]| {
            let mut names = a.to_vec();
            names.extend(b.iter().filter(|name| !a.contains(name)).cloned());
            names
        };
        let merged = Self {
            services: both(&self.services, &other.services),
            agents: both(&self.agents, &other.agents),
            health: both(&self.health, &other.health),
            databases: both(&self.databases, &other.databases),
            repositories: match (self.repositories, other.repositories) {
                (Repositories::Skip, Repositories::Skip) => Repositories::Skip,
                _ => Repositories::Probe,
            },
            load: {
                let new = |target: &&LoadTarget| !self.load.contains(target);
                self.load.iter().chain(other.load.iter().filter(new)).cloned().collect()
            },
            pace: if self.load.is_empty() { other.pace } else { self.pace },
        };
        merged.check().is_ok().then_some(merged)
    }

    /// Seconds after which the survey has ended on a host where everything is tried and nothing answers:
    /// the sum of the scripts' own limits, and half a minute for the rest.
    pub fn time_limit_seconds(&self) -> u32 {
        // Disks, services, failed units, packages (three lists), needs-restarting, repositories.
        const ALWAYS: u32 = 4 * 5 + 2 * 10 + 3 * 60 + 30 + 3 * 5 + 30;
        let count = |names: &[String]| u32::try_from(names.len()).unwrap_or(u32::MAX);
        let units = count(&self.services).saturating_add(count(&self.agents));
        let fives = units.saturating_add(count(&self.health));
        let load = if self.load.is_empty() { 0 } else { self.pace.seconds.saturating_add(REQUEST_SECONDS) };
        ALWAYS
            .saturating_add(load)
            .saturating_add(fives.saturating_mul(5))
            .saturating_add(count(&self.databases).saturating_mul(3))
    }
}

fn each(
    kind: &'static str,
    names: &[String],
    expected: &'static str,
    valid: fn(&str) -> bool,
) -> Result<(), InvalidQuestion> {
    match names.iter().find(|name| name.chars().count() > NAME_MAX || !valid(name)) {
        None => Ok(()),
        Some(name) => {
            Err(InvalidQuestion::Malformed { kind, value: name.chars().take(80).collect(), expected })
        }
    }
}

fn load_targets(targets: &[LoadTarget]) -> Result<(), InvalidQuestion> {
    let valid = |target: &&LoadTarget| {
        is_endpoint(&target.url)
            && target.url.chars().count() <= URL_MAX
            && (1..=REQUESTS_MAX).contains(&target.requests)
            && target.status.is_none_or(|status| (100..=599).contains(&status))
    };
    match targets.iter().find(|target| !valid(target)) {
        None => Ok(()),
        Some(target) => Err(InvalidQuestion::Malformed {
            kind: "endpoint to put under load",
            value: format!("{} × {}", target.requests, target.address()).chars().take(80).collect(),
            expected: "1 to 2,000 requests of an http:// or https:// address of at most 120 characters without \
                       spaces, user and password",
        }),
    }
}

fn pace(pace: LoadPace) -> Result<(), InvalidQuestion> {
    let valid = pace.per_second <= RATE_MAX && (1..=TEST_SECONDS_MAX).contains(&pace.seconds);
    if valid {
        return Ok(());
    }
    Err(InvalidQuestion::Malformed {
        kind: "pace of a load test",
        value: format!("{} a second for {} s", pace.per_second, pace.seconds),
        expected: "at most 1,000 requests a second for 1 to 120 s",
    })
}

fn is_unit(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.@:$\\".contains(&b))
}

fn is_endpoint(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !authority.is_empty() && !authority.contains('@') && rest.bytes().all(|b| b.is_ascii_graphic())
    })
}

fn is_address(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty()
            && !host.starts_with('-')
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b))
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(questions: Questions) -> String {
        questions.check().unwrap_err().to_string()
    }

    #[test]
    fn names_that_tools_would_take_for_something_else_are_refused() {
        assert!(
            refused(Questions { services: vec!["--help".into()], ..Default::default() }).contains("service")
        );
        assert!(
            refused(Questions { services: vec!["a b".into()], ..Default::default() }).contains("\"a b\"")
        );
        assert!(
            refused(Questions { health: vec!["file:///etc/shadow".into()], ..Default::default() })
                .contains("http")
        );
        assert!(
            refused(Questions { health: vec!["http://me:secret@host/".into()], ..Default::default() })
                .contains("without spaces, user and password")
        );
        assert!(
            refused(Questions { databases: vec!["db:0".into()], ..Default::default() }).contains("HOST:PORT")
        );
    }

    #[test]
    fn more_than_an_answer_can_hold_is_refused_beforehand() {
        let services = (0..80).map(|n| format!("service-{n}")).collect();
        assert!(refused(Questions { services, ..Default::default() }).contains("ask for fewer"));
    }

    #[test]
    fn questions_of_two_hosts_are_asked_once_together_while_their_answers_fit() {
        let of = |names: &[&str]| Questions {
            services: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Questions::default()
        };
        let merged = of(&["nginx", "sshd"]).merged(&of(&["sshd", "postgresql"])).unwrap();
        assert_eq!(merged.services, ["nginx", "sshd", "postgresql"]);
        let long: Vec<String> = (0..35).map(|n| format!("service-{n:04}")).collect();
        let many = Questions { services: long, ..Questions::default() };
        let others: Vec<String> = (0..35).map(|n| format!("another-{n:04}")).collect();
        assert_eq!(many.merged(&Questions { services: others, ..Questions::default() }), None);
    }

    #[test]
    fn everyday_names_are_taken() {
        let questions = Questions {
            services: vec!["nginx".into(), "getty@tty1.service".into(), "MSSQL$PROD".into()],
            agents: vec!["falcon-sensor".into()],
            health: vec!["http://localhost:8080/health?full=1".into()],
            databases: vec!["db.internal:5432".into(), "10.0.0.4:3306".into()],
            repositories: Repositories::Probe,
            load: vec![LoadTarget::read("http://localhost:8080/search?q=x", 100)],
            pace: LoadPace { per_second: 20, seconds: 60 },
        };
        assert_eq!(questions.check(), Ok(()));
    }

    #[test]
    fn an_endpoint_is_put_under_a_bounded_load_only() {
        let loaded = |url: &str, requests| Questions {
            load: vec![LoadTarget::read(url, requests)],
            ..Questions::default()
        };
        for requests in [0, 2_001] {
            assert!(refused(loaded("http://localhost/", requests)).contains("1 to 2,000 requests"));
        }
        for (per_second, seconds) in [(0, 0), (0, 121), (1_001, 15)] {
            let pace = LoadPace { per_second, seconds };
            let asked = Questions { pace, ..loaded("http://localhost/", 1) };
            assert!(refused(asked).contains("1 to 120 s"));
        }
        assert!(refused(loaded(&format!("http://localhost/{}", "x".repeat(120)), 1)).contains("120"));
        assert!(refused(loaded("localhost:8080", 1)).contains("endpoint to put under load"));
        let many: Vec<LoadTarget> =
            (0..20).map(|n| LoadTarget::read(&format!("http://localhost:8080/page-{n}"), 200)).collect();
        assert!(refused(Questions { load: many, ..Questions::default() }).contains("ask for fewer"));
        let one = loaded("http://localhost/", 50);
        assert_eq!(one.time_limit_seconds(), Questions::default().time_limit_seconds() + 20);
        assert_eq!(one.merged(&one).map(|both| both.load.len()), Some(1));
        let longer = Questions { pace: LoadPace { per_second: 0, seconds: 120 }, ..one.clone() };
        assert_eq!(longer.time_limit_seconds(), Questions::default().time_limit_seconds() + 125);
        assert_eq!(one.merged(&longer), None, "one survey has one pace");
        assert_eq!(Questions::default().merged(&longer).map(|both| both.pace), Some(longer.pace));
    }

    #[test]
    fn an_expected_status_is_read_off_the_address_and_nothing_else_is_taken_for_one() {
        let read = |text: &str| LoadTarget::read(text, 1);
        assert_eq!(
            (read("301=http://a/b=c").status, read("301=http://a/b=c").url),
            (Some(301), "http://a/b=c".into())
        );
        for plain in ["http://a/?q=1", "99=http://a", "600=http://a", "+20=http://a"] {
            assert_eq!((read(plain).status, read(plain).url), (None, plain.to_owned()), "{plain}");
        }
        assert_eq!(read("204=http://a/").address(), "204=http://a/");
    }
}
