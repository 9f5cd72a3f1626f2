//! Sessions: the first credentials per profile, and one assumed session per landing-zone role.
//!
//! A session is obtained once whoever asks for it at the same time, renewed before it expires, and
//! never used for another account than its own.

mod assumed;
mod base;
mod session;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_sdk_ec2::config::retry::RetryPartition;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::region::Region as SdkRegion;
use fleetwright_model::code;
use fleetwright_model::{AccountId, ErrorClass, Failure, Region, RoleArn, Zone};
use fleetwright_ports::Identity;

use self::assumed::Role;
use self::base::Base;
pub(crate) use self::session::Session;
use crate::call::Caller;
use crate::clients::SdkClient;
use crate::lock::lock;
use crate::operations::GET_CALLER_IDENTITY;
use crate::place::{Place, Scope, first_region};

/// Which assumed session: profile, role and external id.
type RoleKey = (Option<String>, RoleArn, Option<String>);

/// Every session of the process.
pub(crate) struct Sessions {
    pub(crate) caller: Arc<Caller>,
    http: SharedHttpClient,
    bases: Mutex<HashMap<Option<String>, Arc<Base>>>,
    roles: Mutex<HashMap<RoleKey, Arc<Role>>>,
}

impl Sessions {
    pub(crate) fn new(caller: Arc<Caller>, http: SharedHttpClient) -> Self {
        Self { caller, http, bases: Mutex::default(), roles: Mutex::default() }
    }

    /// A session in the zone's account.
    ///
    /// # Errors
    /// No usable first credentials, the role refuses us, or the session is of another account.
    pub(crate) async fn of_zone(&self, zone: &Zone) -> Result<Arc<Session>, Failure> {
        let session = match &zone.access.role {
            Some(_) => self.role(zone).session(self, zone).await?,
            None => self.of_profile(zone.access.profile.as_deref()).await?,
        };
        let account = &self.identity(&session).await?.account;
        if *account == zone.account {
            return Ok(session);
        }
        let message = format!(
            "landing zone {} names account {}, but the credentials belong to account {account}",
            zone.name, zone.account
        );
        Err(Failure::new(ErrorClass::Denied, &code::WRONG_ACCOUNT, GET_CALLER_IDENTITY.iam, &message))
    }

    /// The first credentials of a profile, or of the default chain.
    ///
    /// # Errors
    /// There are none, or they have expired.
    pub(crate) async fn of_profile(&self, profile: Option<&str>) -> Result<Arc<Session>, Failure> {
        self.base(profile).session(self).await
    }

    /// Sees to it that the zone's next session is not this one.
    pub(crate) async fn forget(&self, zone: &Zone, session: &Session) {
        match &zone.access.role {
            Some(_) => self.role(zone).forget(session).await,
            None => self.base(zone.access.profile.as_deref()).forget(session).await,
        }
    }

    /// As [`Sessions::forget`], for the first credentials of a profile.
    pub(crate) async fn forget_profile(&self, profile: Option<&str>, session: &Session) {
        self.base(profile).forget(session).await;
    }

    /// Whom the session belongs to; asked for once per session.
    ///
    /// # Errors
    /// The failure of GetCallerIdentity.
    pub(crate) async fn identity<'s>(&self, session: &'s Session) -> Result<&'s Identity, Failure> {
        session.identity.get_or_try_init(|| self.ask_identity(session)).await
    }

    /// True where STS still knows the session, so that a rejection elsewhere is about the place.
    pub(crate) async fn is_alive(&self, session: &Session) -> bool {
        session
            .confirmed
            .get_or_try_init(|| async { self.ask_identity(session).await.map(|_| ()) })
            .await
            .is_ok()
    }

    async fn ask_identity(&self, session: &Session) -> Result<Identity, Failure> {
        let place = self.home(session, None).await;
        let client: aws_sdk_sts::Client = self.client(session, &place).await;
        let answer = self
            .caller
            .call(&GET_CALLER_IDENTITY, &place, session.expires, || client.get_caller_identity().send())
            .await?;
        let account = answer.account.as_deref().and_then(|id| AccountId::new(id).ok());
        match (account, answer.arn) {
            (Some(account), Some(arn)) => Ok(Identity { account, arn }),
            (_, arn) => {
                let message =
                    format!("the answer names no account (ARN {})", arn.as_deref().unwrap_or("missing"));
                Err(Failure::new(
                    ErrorClass::Transient,
                    &code::UNEXPECTED_ANSWER,
                    GET_CALLER_IDENTITY.iam,
                    &message,
                ))
            }
        }
    }

    /// Where calls of a session go that belong to no cell.
    pub(crate) async fn home(&self, session: &Session, role: Option<&RoleArn>) -> Place {
        let configured =
            self.base(session.profile.as_deref()).config(self).await.region().map(ToString::to_string);
        let region = configured
            .and_then(|name| Region::new(name).ok())
            .unwrap_or_else(|| first_region(role.map_or("aws", RoleArn::partition)));
        Place { scope: Scope::Caller(session.profile.clone()), region }
    }

    /// A client with the session's credentials for a place.
    pub(crate) async fn client<C: SdkClient>(&self, session: &Session, place: &Place) -> C {
        let config = self
            .base(session.profile.as_deref())
            .config(self)
            .await
            .to_builder()
            .region(SdkRegion::new(place.region.as_str().to_owned()))
            .credentials_provider(session.provider())
            .build();
        C::build(&config, RetryPartition::new(place.to_string()))
    }

    fn base(&self, profile: Option<&str>) -> Arc<Base> {
        let profile = profile.map(str::to_owned);
        let mut bases = lock(&self.bases);
        let base = bases.entry(profile.clone()).or_insert_with(|| Arc::new(Base::of(profile)));
        Arc::clone(base)
    }

    fn role(&self, zone: &Zone) -> Arc<Role> {
        let role = zone.access.role.clone().expect("asked only for zones with a role");
        let external_id = zone.access.external_id.as_ref().map(|id| id.reveal().to_owned());
        let key = (zone.access.profile.clone(), role, external_id);
        Arc::clone(lock(&self.roles).entry(key).or_default())
    }
}
