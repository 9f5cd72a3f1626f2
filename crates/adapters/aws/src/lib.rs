//! AWS behind the ports: sessions per landing zone, a rate governor, batched and paginated calls.
//!
//! The only crate that names the AWS SDK; nothing of it shows outside. [`connect`] gives an [`Aws`],
//! which is both [`Machines`](fleetwright_ports::Machines) and
//! [`Accounts`](fleetwright_ports::Accounts).

mod accounts;
mod audit;
mod balancers;
mod bedrock;
mod bucket;
mod call;
mod change_calendars;
mod classify;
mod clients;
mod cloudformation;
mod commands;
mod connector;
mod ec2_terms;
mod eks;
mod event_bridge;
mod foundations;
mod governor;
mod hub;
mod images;
mod integrity;
mod interner;
mod journal;
mod json_service;
mod lambda;
mod lock;
mod logs;
mod machines;
mod maintenance;
pub mod messaging;
mod metrics;
mod objects;
pub mod operation;
mod operations;
mod options;
mod pages;
mod parameters;
mod place;
pub mod policy;
mod power;
mod query_service;
mod rest_service;
mod sdk_time;
mod self_managed;
mod sessions;
mod signed;
mod step_functions;
mod trace;

use std::fmt;
use std::sync::Arc;

use fleetwright_model::{AccountId, Failure, Region, Zone};

pub use crate::audit::{Approvals, Behalf};
pub use crate::bucket::Bucket;
use crate::call::Caller;
use crate::clients::{Connection, SdkClient};
pub use crate::connector::{ConnectionLost, InProcess};
pub use crate::eks::ClusterTokens;
pub use crate::governor::{OperationUsage, Usage};
pub use crate::hub::Woken;
use crate::interner::Interner;
pub use crate::journal::{DynamoJournal, JournalTable, TableAuditLogs, TableBudgets};
use crate::machines::TypeMemory;
pub use crate::options::{AwsOptions, Clocks, Endpoints, Origin, RateSetting, StaticCredentials};
use crate::sessions::Sessions;

/// AWS. Cheap to clone; all clones share sessions, pacing and memory.
#[derive(Clone)]
pub struct Aws {
    inner: Arc<Inner>,
    behalf: Option<Arc<Behalf>>,
}

struct Inner {
    sessions: Sessions,
    texts: Interner,
    types: TypeMemory,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aws")
    }
}

/// Connects to AWS, or to what stands in for it. Makes no call and reads no credentials yet: both
/// happen when they are first needed, per profile.
pub async fn connect(options: AwsOptions, clocks: impl Into<Clocks>) -> Aws {
    let options = Arc::new(options);
    let http = match &options.origin {
        Origin::Environment { .. } => connector::network(),
        Origin::InProcess { transport, .. } => connector::in_process(Arc::clone(transport)),
    };
    let caller = Arc::new(Caller::new(options, clocks.into()));
    let sessions = Sessions::new(caller, http);
    let inner = Inner { sessions, texts: Interner::default(), types: TypeMemory::default() };
    Aws { inner: Arc::new(inner), behalf: None }
}

/// Every operation fleetwright calls, with its permission, purpose and rate.
pub fn operations() -> &'static [&'static operation::Operation] {
    operations::ALL
}

impl Aws {
    /// What was called up to now, how often, and how long it waited its turn.
    pub fn usage(&self) -> Usage {
        self.inner.sessions.caller.governor.usage()
    }

    /// The same, making changes on this behalf: each is recorded before it is sent and after it was
    /// answered, and not sent where it cannot be.
    #[must_use]
    pub fn on_behalf(&self, behalf: Behalf) -> Self {
        Self { inner: Arc::clone(&self.inner), behalf: Some(Arc::new(behalf)) }
    }

    /// The account of the credentials the command starts with.
    ///
    /// # Errors
    /// There are none that can be used.
    pub async fn own_account(&self) -> Result<AccountId, Failure> {
        let sessions = &self.inner.sessions;
        let session = sessions.of_profile(None).await?;
        Ok(sessions.identity(&session).await?.account.clone())
    }

    /// A connection to a service in a region of a zone.
    fn at<'a, C: SdkClient>(&'a self, zone: &'a Zone, region: &Region) -> Connection<'a, C> {
        Connection::new(&self.inner.sessions, zone, region, self.behalf.as_deref())
    }
}
