//! Settings of the adapter, in plain values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fleetwright_model::Region;
use fleetwright_ports::Clock;

use crate::connector::InProcess;
use crate::operations;
use crate::policy::Use;

/// A rate from the settings, in place of the one in the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateSetting {
    /// Requests that may be made at once after a rest; at least 1.
    pub burst: u32,
    /// Requests per second after that; more than 0.
    pub per_second: f64,
}

/// Long-term or session credentials handed in as values.
#[derive(Clone, PartialEq, Eq)]
pub struct StaticCredentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
    /// Session token, for temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for StaticCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticCredentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// Which endpoints are called; what is not set is left to AWS's own conventions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// One address for every service.
    pub url: Option<String>,
    /// FIPS endpoints.
    pub fips: bool,
    /// Dual-stack (IPv6) endpoints.
    pub dualstack: bool,
}

/// Where calls go and where the first credentials come from.
#[derive(Clone)]
pub enum Origin {
    /// AWS's own conventions: environment, profiles, SSO, credential processes, container and
    /// instance roles, web identity; `AWS_ENDPOINT_URL`, FIPS, dual-stack and proxies. What
    /// `endpoints` says counts before them.
    Environment {
        /// Which endpoints are called.
        endpoints: Endpoints,
    },
    /// A service in this process. Reads neither environment nor files.
    InProcess {
        /// Answers every request.
        transport: Arc<dyn InProcess>,
        /// The credentials the command starts with, whatever the profile.
        credentials: StaticCredentials,
    },
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment { endpoints } => {
                f.debug_struct("Environment").field("endpoints", endpoints).finish()
            }
            Self::InProcess { .. } => f.write_str("InProcess"),
        }
    }
}

/// Settings of [`crate::connect`].
#[derive(Clone, Debug)]
pub struct AwsOptions {
    /// Where calls go.
    pub origin: Origin,
    /// Region of the calls that belong to no cell (STS, IAM, Organizations); without one, what AWS's
    /// conventions say, and then the partition's first region.
    pub home_region: Option<Region>,
    /// How many times a call is sent before it is given up; at least 1.
    pub max_attempts: u32,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How many calls may be in flight at once, over all accounts; at least 1.
    pub max_concurrency: usize,
    /// The session name AssumeRole is given; characters STS does not take become `-`, and it is cut
    /// at 64 characters.
    pub session_name: String,
    /// How long assumed sessions last, 15 minutes to 12 hours. One hour at most where the first
    /// credentials are a role session themselves (role chaining).
    pub session_duration: Duration,
    /// True refuses every call that changes something before it is sent, as a fault of ours: a dry
    /// run makes none, whatever its code does.
    pub dry_run: bool,
    /// Seed of the jitter between attempts.
    pub seed: u64,
    /// Rates by IAM action (`ssm:DescribeInstanceInformation`) or service (`ssm:*`), in place of the
    /// ones in the table.
    pub rates: BTreeMap<String, RateSetting>,
    /// What the configuration uses, which decides which permissions it needs; `None` needs all.
    pub uses: Option<BTreeSet<Use>>,
    /// The bucket of patch lists, where there is one: whether it may be written to is asked of it alone.
    pub patch_list_bucket: Option<String>,
    /// The bucket of heads of audit logs, likewise.
    pub heads_bucket: Option<String>,
    /// The namespace of a run's figures, likewise.
    pub namespace: Option<String>,
}

/// The times AWS is called by.
#[derive(Clone)]
pub struct Clocks {
    /// Waiting, pacing, comparing with what AWS says of its resources.
    pub work: Arc<dyn Clock>,
    /// What credentials live by and requests are signed with. Another clock than `work` only where a
    /// simulated AWS runs faster than the wall clock: it ends sessions by the wall clock all the same.
    pub credentials: Arc<dyn Clock>,
}

impl From<Arc<dyn Clock>> for Clocks {
    fn from(clock: Arc<dyn Clock>) -> Self {
        Self { work: Arc::clone(&clock), credentials: clock }
    }
}

impl Default for AwsOptions {
    fn default() -> Self {
        Self {
            origin: Origin::Environment { endpoints: Endpoints::default() },
            home_region: None,
            max_attempts: 8,
            timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(5),
            max_concurrency: 64,
            session_name: "fleetwright".to_owned(),
            session_duration: Duration::from_secs(3600),
            dry_run: false,
            seed: 0,
            rates: BTreeMap::new(),
            uses: None,
            patch_list_bucket: None,
            heads_bucket: None,
            namespace: None,
        }
    }
}

impl AwsOptions {
    /// The keys of [`AwsOptions::rates`] that name no operation.
    pub fn unknown_rates(&self) -> impl Iterator<Item = &str> {
        self.rates.keys().map(String::as_str).filter(|key| {
            !operations::ALL
                .iter()
                .any(|operation| operation.iam == *key || service_key(operation.iam) == **key)
        })
    }

    /// Burst and refill for an operation: its own setting, its service's, or the table's.
    pub(crate) fn rate(&self, operation: &crate::operation::Operation) -> (u32, f64) {
        let found = self.rates.get(operation.iam).or_else(|| self.rates.get(&service_key(operation.iam)));
        match found {
            Some(setting) => (setting.burst, setting.per_second),
            None => operation.rate.numbers(),
        }
    }
}

/// `ssm:*` for `ssm:DescribeInstanceInformation`.
fn service_key(iam: &str) -> String {
    let service = iam.split(':').next().unwrap_or(iam);
    format!("{service}:*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_the_settings_wins_over_the_table_and_the_nearer_one_over_the_service() {
        let slow = RateSetting { burst: 1, per_second: 1.0 };
        let slower = RateSetting { burst: 1, per_second: 0.5 };
        let rates = [("ssm:*".to_owned(), slow), ("ssm:DescribePatchBaselines".to_owned(), slower)];
        let options = AwsOptions { rates: rates.into(), ..AwsOptions::default() };
        assert_eq!(options.rate(&operations::DESCRIBE_PATCH_BASELINES), (1, 0.5));
        assert_eq!(options.rate(&operations::DESCRIBE_INSTANCE_INFORMATION), (1, 1.0));
        assert_eq!(options.rate(&operations::DESCRIBE_INSTANCES), (100, 20.0));
        assert_eq!(options.unknown_rates().count(), 0);
    }

    #[test]
    fn a_rate_for_nothing_we_call_is_found_out() {
        let rate = RateSetting { burst: 1, per_second: 1.0 };
        let options =
            AwsOptions { rates: [("ssm:Describe".to_owned(), rate)].into(), ..AwsOptions::default() };
        assert_eq!(options.unknown_rates().collect::<Vec<_>>(), ["ssm:Describe"]);
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let credentials = StaticCredentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "canary-secret".to_owned(),
            session_token: Some("canary-token".to_owned()),
        };
        assert!(!format!("{credentials:?}").contains("canary"));
    }
}
