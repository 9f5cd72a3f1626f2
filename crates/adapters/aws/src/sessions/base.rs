use std::sync::Arc;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::identity::IdentityCache;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_types::SdkConfig;
use fleetwright_model::code;
use fleetwright_model::{ErrorClass, Failure};
use jiff::Timestamp;
use tokio::sync::{Mutex, OnceCell};

use super::session::{Session, credentials};
use super::{SdkRegion, Sessions};
use crate::classify::chain;
use crate::options::{Endpoints, Origin};
use crate::sdk_time::SdkTime;

/// What a failure to find credentials is named by.
const OPERATION: &str = "aws credentials";

/// The first credentials of one profile and the SDK's settings with it.
pub(super) struct Base {
    profile: Option<String>,
    config: OnceCell<SdkConfig>,
    current: Mutex<Option<Arc<Session>>>,
}

impl Base {
    pub(super) fn of(profile: Option<String>) -> Self {
        Self { profile, config: OnceCell::new(), current: Mutex::new(None) }
    }

    /// The SDK's settings, read once.
    pub(super) async fn config(&self, sessions: &Sessions) -> &SdkConfig {
        self.config.get_or_init(|| self.load(sessions)).await
    }

    /// The credentials, renewed where their time is up.
    pub(super) async fn session(&self, sessions: &Sessions) -> Result<Arc<Session>, Failure> {
        let mut current = self.current.lock().await;
        let now = sessions.caller.credential_clock.now();
        if let Some(session) = current.as_ref().filter(|session| session.is_fresh(now)) {
            return Ok(Arc::clone(session));
        }
        let provider = self.config(sessions).await.credentials_provider();
        let found = match provider {
            Some(provider) => provider.provide_credentials().await,
            None => Err(CredentialsError::not_loaded("no credential provider")),
        };
        let found = found.map_err(|error| self.not_found(&error))?;
        let expires = found.expiry().and_then(|time| Timestamp::try_from(time).ok());
        if expires.is_some_and(|expires| expires <= now) {
            return Err(expired(&format!("{} expired at {}", self.name(), expires.unwrap_or(now))));
        }
        let token = found.session_token().map(str::to_owned);
        let plain = credentials(found.access_key_id(), found.secret_access_key(), token);
        let session = Arc::new(Session::new(plain, self.profile.clone(), expires, now, None));
        *current = Some(Arc::clone(&session));
        Ok(session)
    }

    /// Drops the session if it is still the current one.
    pub(super) async fn forget(&self, session: &Session) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|current| current.number == session.number) {
            *current = None;
        }
    }

    fn name(&self) -> String {
        self.profile
            .as_ref()
            .map_or_else(|| "the default credentials".to_owned(), |name| format!("profile {name:?}"))
    }

    fn not_found(&self, error: &CredentialsError) -> Failure {
        let hint = match (error, &self.profile) {
            (CredentialsError::CredentialsNotLoaded(_), Some(_)) => {
                " is not defined in the AWS configuration files, or holds no credentials"
            }
            _ => "",
        };
        let message = format!("{}{hint}: {}", self.name(), chain(error));
        if message.contains("expired") {
            return expired(&message);
        }
        let class = match error {
            CredentialsError::ProviderTimedOut(_) => ErrorClass::Transient,
            _ => ErrorClass::Denied,
        };
        Failure::new(class, &code::NO_CREDENTIALS, OPERATION, &message)
    }

    async fn load(&self, sessions: &Sessions) -> SdkConfig {
        let options = &sessions.caller.options;
        let loaded = match &options.origin {
            Origin::Environment { endpoints } => {
                environment(self.profile.as_deref(), endpoints, sessions).await
            }
            Origin::InProcess { credentials: given, .. } => {
                let given = credentials(
                    given.access_key_id.as_str(),
                    given.secret_access_key.as_str(),
                    given.session_token.clone(),
                );
                SdkConfig::builder()
                    .behavior_version(behaviour())
                    .credentials_provider(SharedCredentialsProvider::new(given))
                    .build()
            }
        };
        let region = options.home_region.as_ref().map(|region| SdkRegion::new(region.as_str().to_owned()));
        let region = region.or_else(|| loaded.region().cloned());
        let time = SdkTime::of(&sessions.caller);
        loaded
            .into_builder()
            .region(region)
            .http_client(sessions.http.clone())
            .time_source(time.clone())
            .sleep_impl(time)
            .retry_config(RetryConfig::disabled())
            .timeout_config(time_limits(options.connect_timeout))
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .identity_cache(IdentityCache::no_cache())
            .build()
    }
}

/// The SDK behaviour this adapter is written against.
fn behaviour() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// Connecting has a limit of its own; the whole attempt is limited by [`crate::call`].
fn time_limits(connect: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(connect).build()
}

/// AWS's own conventions. A profile that a landing zone names counts before the environment, as
/// with the AWS CLI's `--profile`; the SDK's own chain would look into the environment first.
async fn environment(profile: Option<&str>, endpoints: &Endpoints, sessions: &Sessions) -> SdkConfig {
    let time = SdkTime::of(&sessions.caller);
    let mut loader = aws_config::defaults(behaviour())
        .time_source(time.clone())
        .sleep_impl(time.clone())
        .http_client(sessions.http.clone());
    if let Some(region) = &sessions.caller.options.home_region {
        loader = loader.region(SdkRegion::new(region.as_str().to_owned()));
    }
    if let Some(url) = &endpoints.url {
        loader = loader.endpoint_url(url);
    }
    // Not set is left to the environment and the profile.
    if endpoints.fips {
        loader = loader.use_fips(true);
    }
    if endpoints.dualstack {
        loader = loader.use_dual_stack(true);
    }
    let Some(profile) = profile else { return loader.load().await };
    let loaded = loader.profile_name(profile).load().await;
    let within = ProviderConfig::without_region()
        .with_region(loaded.region().cloned())
        .with_time_source(time.clone())
        .with_sleep_impl(time)
        .with_http_client(sessions.http.clone());
    let provider = ProfileFileCredentialsProvider::builder().configure(&within).profile_name(profile).build();
    loaded.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
}

fn expired(message: &str) -> Failure {
    Failure::new(ErrorClass::Denied, &code::EXPIRED_CREDENTIALS, OPERATION, message)
}
