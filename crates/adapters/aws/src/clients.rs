//! The SDK's clients as one kind of thing, and connections that use them in a landing zone.

use std::error::Error;
use std::sync::Mutex;
use std::time::Duration;

use aws_sdk_ec2::config::retry::RetryPartition;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SdkConfig;
use aws_types::request_id::RequestId;
use fleetwright_model::code;
use fleetwright_model::{ErrorClass, Failure, Region, Text, Zone};

use crate::audit::{Behalf, Change};
use crate::call::Bounds;
use crate::integrity::WholeAnswers;
use crate::lock::lock;
use crate::operation::{Operation, Rate};
use crate::place::{Place, Scope};
use crate::sessions::{Session, Sessions};

/// How many times one call gets a renewed session, should waiting its turn outlast several.
const MOST_RENEWALS: u32 = 3;

/// A client of one service.
pub(crate) trait SdkClient: Clone + Send + Sync {
    /// A client with these settings, in its own retry partition: the SDK would otherwise let one
    /// throttled account slow down all others.
    fn build(config: &SdkConfig, partition: RetryPartition) -> Self;
}

macro_rules! clients {
    ($($sdk:ident),+) => {
        $(impl SdkClient for $sdk::Client {
            fn build(config: &SdkConfig, partition: RetryPartition) -> Self {
                let config = $sdk::config::Builder::from(config);
                let config = config.retry_partition(partition).interceptor(WholeAnswers).build();
                Self::from_conf(config)
            }
        })+
    };
}
clients!(
    aws_sdk_autoscaling,
    aws_sdk_cloudwatch,
    aws_sdk_elasticloadbalancing,
    aws_sdk_elasticloadbalancingv2,
    aws_sdk_ec2,
    aws_sdk_iam,
    aws_sdk_organizations,
    aws_sdk_ssm,
    aws_sdk_sts
);

/// A service in one region of a landing zone. The client lives as long as its session and this
/// connection, whichever is shorter: hundreds of cells do not keep hundreds of clients.
pub(crate) struct Connection<'a, C> {
    sessions: &'a Sessions,
    zone: &'a Zone,
    place: Place,
    behalf: Option<&'a Behalf>,
    client: Mutex<Option<(u64, C)>>,
}

impl<'a, C: SdkClient> Connection<'a, C> {
    pub(crate) fn new(
        sessions: &'a Sessions,
        zone: &'a Zone,
        region: &Region,
        behalf: Option<&'a Behalf>,
    ) -> Self {
        let place = Place { scope: Scope::Account(zone.account.clone()), region: region.clone() };
        Self { sessions, zone, place, behalf, client: Mutex::new(None) }
    }

    /// Makes a call in the zone that changes nothing. A session that has expired is renewed once.
    ///
    /// # Errors
    /// The failure of entering the zone or of the call; a fault of ours where the call changes something.
    pub(crate) async fn call<T, E, F>(
        &self,
        operation: &'static Operation,
        send: impl Fn(&C) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        if operation.mutates() {
            return Err(unnamed(operation));
        }
        self.sent(operation, (&[], None), send, |_| None).await
    }

    /// Makes a call in the zone that changes `targets` - their ids or ARNs, or the names of what has no
    /// id -, on the record where there is one.
    ///
    /// # Errors
    /// As [`Connection::call`]; or it could not be recorded and was not sent.
    pub(crate) async fn change<T, E, F>(
        &self,
        operation: &'static Operation,
        targets: &[Text],
        send: impl Fn(&C) -> F,
    ) -> Result<T, Failure>
    where
        T: RequestId,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        self.sent(operation, (targets, None), send, T::request_id).await
    }

    /// The same for a call that may take longer, or less long, than others.
    ///
    /// # Errors
    /// As [`Connection::change`].
    pub(crate) async fn change_within<T, E, F>(
        &self,
        operation: &'static Operation,
        (targets, limit): (&[Text], Duration),
        send: impl Fn(&C) -> F,
    ) -> Result<T, Failure>
    where
        T: RequestId,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        self.sent(operation, (targets, Some(limit)), send, T::request_id).await
    }

    async fn sent<T, E, F>(
        &self,
        operation: &'static Operation,
        (targets, limit): (&[Text], Option<Duration>),
        send: impl Fn(&C) -> F,
        request_id: impl Fn(&T) -> Option<&str>,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let caller = &self.sessions.caller;
        let mut renewals = 0;
        loop {
            let session = self.sessions.of_zone(self.zone).await?;
            let client = self.client(&session).await;
            let change = match self.behalf.filter(|_| operation.mutates()) {
                None => None,
                Some(behalf) => {
                    let session = &self.sessions.identity(&session).await?.arn;
                    Some(Change { behalf, zone: self.zone, session, targets })
                }
            };
            let bounds = Bounds { valid_until: session.expires, change, limit };
            let answer =
                caller.carry_out(operation, &self.place, bounds, || send(&client), &request_id).await;
            let Err(failure) = answer else { return answer };
            let renewable = if session.is_over(caller.credential_clock.now()) { MOST_RENEWALS } else { 1 };
            if failure.code == &code::EXPIRED_CREDENTIALS && renewals < renewable {
                self.sessions.forget(self.zone, &session).await;
                renewals += 1;
                continue;
            }
            return Err(self.explained(failure, &session).await);
        }
    }

    /// A client for what needs no call.
    ///
    /// # Errors
    /// The failure of entering the zone.
    pub(crate) async fn offline(&self) -> Result<C, Failure> {
        let session = self.sessions.of_zone(self.zone).await?;
        Ok(self.client(&session).await)
    }

    /// Waits until the next call may change this many resources.
    pub(crate) async fn reserve(&self, operation: &'static Operation, rate: Rate, count: usize) {
        let caller = &self.sessions.caller;
        if !caller.options.dry_run {
            caller.governor.reserve(operation, &self.place, rate, count).await;
        }
    }

    async fn client(&self, session: &Session) -> C {
        if let Some((number, client)) = &*lock(&self.client)
            && *number == session.number
        {
            return client.clone();
        }
        let client: C = self.sessions.client(session, &self.place).await;
        *lock(&self.client) = Some((session.number, client.clone()));
        client
    }

    /// A region that is not enabled rejects credentials as if they were wrong; whether they are,
    /// the home region tells.
    async fn explained(&self, failure: Failure, session: &Session) -> Failure {
        let unknown = matches!(
            failure.service_code.as_deref(),
            Some("AuthFailure" | "UnrecognizedClientException" | "InvalidClientTokenId")
        );
        if !(unknown && failure.code == &code::REJECTED_CREDENTIALS && self.sessions.is_alive(session).await)
        {
            return failure;
        }
        let message = format!(
            "region {} rejects a session of account {} that is valid elsewhere: {}",
            self.place.region, self.zone.account, failure.message
        );
        Failure { code: &code::REGION_DISABLED, message, ..failure }
    }
}

/// A change that nobody said what of.
fn unnamed(operation: &Operation) -> Failure {
    let message = "not sent: it changes something, and what is not said, so that it could not be recorded";
    let failure = Failure::new(ErrorClass::Permanent, &code::INTERNAL, operation.iam, message);
    Failure { attempts: 0, ..failure }
}
