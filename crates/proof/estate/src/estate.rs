//! The estate: one simulated AWS, and the way of a call through it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::attempt::Attempt;
use crate::authorize::Grant;
use crate::call::{Reply, Service};
use crate::calls::{CallLog, CallRecord};
use crate::checkers::{self, Access, Finding, Purpose, Run, Verdict};
use crate::clock::{Clock, ClockError, ClockMode};
use crate::fault::{FaultRule, Faults, Mishaps};
use crate::functions::{self, Runner, Started};
use crate::kubernetes;
use crate::limits::{LimitError, LimitSettings, Limits};
use crate::policy::NamedPolicy;
use crate::scenario::Prepared;
use crate::service::Registry;
use crate::wire::response;
use crate::world::functions::Queued;
use crate::world::host::PowerShell;
use crate::world::iam::Credentials;
use crate::world::notifications::Message;
use crate::world::tables::Table;
use crate::world::{AccountId, World};

/// What an estate is made from.
#[derive(Debug)]
pub struct EstateOptions {
    /// Decides request ids, credentials, the draws of faults and the hidden tenant's hunger.
    pub seed: u64,
    /// Which time it runs on.
    pub clock: ClockMode,
    /// Request rates.
    pub limits: LimitSettings,
    /// Faults in force from the beginning.
    pub faults: Vec<FaultRule>,
    /// What exists.
    pub world: World,
    /// The principal that a user's tools start as.
    pub hub: Hub,
    /// What answers PowerShell scripts on Windows hosts; without one they fail.
    pub powershell: Option<Arc<dyn PowerShell>>,
}

impl EstateOptions {
    /// The options a prepared scenario asks for, on a clock of the caller's choice.
    ///
    /// Each account may be reached through its landing zone's role only, and tools start in the
    /// first region of the first zone.
    #[must_use]
    pub fn from_scenario(prepared: Prepared, clock: ClockMode) -> Self {
        let region = prepared
            .landing_zones
            .iter()
            .find_map(|zone| zone.regions.first().cloned())
            .unwrap_or_else(|| "us-east-1".to_owned());
        let roles = prepared
            .landing_zones
            .iter()
            .map(|zone| (zone.account_id.clone(), [zone.role_arn.clone()].into()))
            .collect();
        Self {
            seed: prepared.seed,
            clock,
            limits: prepared.limits,
            faults: prepared.faults,
            world: prepared.world,
            hub: Hub { account: prepared.hub.account, user: prepared.hub.user, region, roles },
            powershell: None,
        }
    }
}

/// The principal that a user's tools start as, and where it may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hub {
    /// Its account.
    pub account: AccountId,
    /// Name of its IAM user, which has to exist in that account.
    pub user: String,
    /// The region a user's tools start in.
    pub region: String,
    /// Per account the ARNs of the roles it may be reached through, which
    /// [`Invariant::I29`](crate::checkers::Invariant::I29) is checked against.
    pub roles: std::collections::BTreeMap<AccountId, std::collections::BTreeSet<String>>,
}

/// Why an estate cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EstateError {
    /// The clock cannot be made.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The limits make no sense.
    #[error(transparent)]
    Limits(#[from] LimitError),
    /// The hub's user is not there.
    #[error("the hub's user `{user}` does not exist in account {account}; add it to the world first")]
    Hub {
        /// The hub's account.
        account: AccountId,
        /// The user looked for.
        user: String,
    },
}

/// The answer got lost: the call took effect, and the connection closed without a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection was closed before the response arrived")]
pub struct Lost;

/// A simulated AWS.
///
/// Everything inside is behind one lock, which is never held while waiting.
pub struct Estate {
    pub(crate) clock: Clock,
    registry: Registry,
    seed: u64,
    access: Access,
    hub: Hub,
    credentials: Credentials,
    pub(crate) runner: OnceLock<Runner>,
    inside: Mutex<Inside>,
}

/// What changes.
pub(crate) struct Inside {
    pub(crate) world: World,
    pub(crate) limits: Limits,
    pub(crate) faults: Faults,
    pub(crate) log: CallLog,
    /// Which account an access key was last found in; checked again at each use.
    pub(crate) key_accounts: HashMap<String, AccountId>,
    /// Requests so far per account, region, service and action, which request ids derive from, so
    /// that calls running side by side do not change each other's.
    request_counts: HashMap<String, u64>,
    /// Every permission that a call rested on so far.
    grants: BTreeSet<Grant>,
}

/// What the way through the estate came to.
struct Answered {
    answer: Answer,
    delay: Option<Duration>,
    /// What runs after the call, in the account and region that it was for.
    queued: (AccountId, String, Vec<Queued>),
}

/// An answer, or what it is still to come from.
enum Answer {
    Ready(Result<Response<Bytes>, Lost>),
    Function { started: Box<Started>, lost: bool, request_id: String },
}

impl std::fmt::Debug for Estate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Estate")
            .field("seed", &self.seed)
            .field("clock", &self.clock)
            .field("hub", &self.hub)
            .finish_non_exhaustive()
    }
}

impl Estate {
    /// Makes an estate. The hub's user keeps the access key it has, or is issued one.
    ///
    /// # Errors
    /// The clock or the limits make no sense, or the hub's user does not exist.
    pub fn new(options: EstateOptions) -> Result<Self, EstateError> {
        let clock = Clock::new(options.clock)?;
        let limits = Limits::new(options.limits, options.seed)?;
        let mut world = options.world;
        for account in world.accounts.values_mut() {
            account.iam.seed = options.seed;
        }
        world.seed = options.seed;
        world.mishaps = Mishaps::new(options.seed);
        for rule in &options.faults {
            world.add_mishap(rule, clock.now());
        }
        if let Some(powershell) = &options.powershell {
            world.lend_powershell(powershell);
        }
        let hub = options.hub;
        let credentials = world
            .accounts
            .get_mut(&hub.account)
            .filter(|account| account.iam.users.contains_key(&hub.user))
            .map(|account| account.iam.issue_access_key(&hub.account, &hub.user))
            .ok_or_else(|| EstateError::Hub { account: hub.account.clone(), user: hub.user.clone() })?;
        Ok(Self {
            clock,
            registry: Registry::new(),
            seed: options.seed,
            access: Access { hub: hub.account.clone(), roles: hub.roles.clone() },
            hub,
            credentials,
            runner: OnceLock::new(),
            inside: Mutex::new(Inside {
                world,
                limits,
                faults: Faults::new(options.faults, options.seed),
                log: CallLog::default(),
                key_accounts: HashMap::new(),
                request_counts: HashMap::new(),
                grants: BTreeSet::new(),
            }),
        })
    }

    /// Lets the addresses of clusters' Kubernetes APIs begin with `url`, where the estate is served.
    pub fn serve_clusters_at(&self, url: &str) {
        let base = format!("{url}{}", kubernetes::PREFIX.trim_end_matches('/'));
        self.lock().world.kubernetes.base = Some(base);
    }

    /// Answers one AWS request, or one to a cluster's Kubernetes API.
    ///
    /// # Errors
    /// [`Lost`] where a fault swallows the answer after the call has taken effect.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        let (parts, body) = request.into_parts();
        if kubernetes::cluster_id(&parts).is_some() {
            return kubernetes::call(self, &parts, &body).await;
        }
        let answered = self.answer(&parts, &body);
        let (account, region, queued) = answered.queued;
        self.run_queued(&account, &region, queued);
        if let Some(delay) = answered.delay {
            self.clock.wait(delay).await;
        }
        match answered.answer {
            Answer::Ready(reply) => reply,
            Answer::Function { started, lost, request_id } => {
                let response = functions::run(self, *started).await;
                let response = response::identified(Service::Lambda, &request_id, response);
                if lost { Err(Lost) } else { Ok(response) }
            }
        }
    }

    fn answer(&self, parts: &Parts, body: &Bytes) -> Answered {
        let mut guard = self.lock();
        let inside = &mut *guard;
        let mut attempt = Attempt::new(parts, body, self.clock.now());
        let result = attempt.serve(inside, &self.registry, &self.clock, self.seed);
        let request_id = attempt.request_id(inside, self.seed).to_owned();
        let service = attempt.service();
        let lost = attempt.is_lost();
        let error = match &result {
            Err(error) => Some(error.code.as_ref()),
            Ok(_) if lost => Some("ConnectionClosed"),
            Ok(_) => None,
        };
        let record = attempt.record(error, &request_id);
        let queued = inside.take_queued(&record);
        inside.log.push(record);
        // The envelope is built without the lock: a page of 1,000 instances is a megabyte.
        drop(guard);
        let reply = match result {
            Ok(Reply::Function(mut started)) => {
                started.fault = attempt.function_fault();
                let answer = Answer::Function { started, lost, request_id };
                return Answered { answer, delay: attempt.delay(), queued };
            }
            _ if lost => Err(Lost),
            Ok(reply) => {
                let response = response::success(service, attempt.action(), &request_id, reply);
                let response = response::to_method(&parts.method, response);
                Ok(attempt.shape(response::spoken(&parts.headers, service, response)))
            }
            Err(error) => {
                let response = response::failure(service, &request_id, &error);
                let response = response::to_method(&parts.method, response);
                Ok(response::spoken(&parts.headers, service, response))
            }
        };
        Answered { answer: Answer::Ready(reply), delay: attempt.delay(), queued }
    }

    /// The long-term credentials of the hub's user.
    #[must_use]
    pub const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The hub.
    #[must_use]
    pub const fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The estate's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves virtual time and returns the new time.
    ///
    /// # Errors
    /// The estate does not run on virtual time, or the step makes no sense.
    pub fn advance(&self, seconds: f64) -> Result<Timestamp, ClockError> {
        self.clock.advance(seconds)
    }

    /// Adds fault rules behind those in force.
    pub fn add_faults(&self, rules: impl IntoIterator<Item = FaultRule>) {
        let mut inside = self.lock();
        for rule in rules {
            inside.world.add_mishap(&rule, self.clock.now());
            inside.faults.add(rule);
        }
    }

    /// Removes every fault rule and returns how many there were.
    pub fn clear_faults(&self) -> usize {
        let mut inside = self.lock();
        inside.world.mishaps.clear();
        inside.faults.clear()
    }

    /// The fault rules in force.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultRule> {
        self.lock().faults.rules().cloned().collect()
    }

    /// The fault rules that never struck: what they are to show was not shown.
    #[must_use]
    pub fn idle_faults(&self) -> Vec<FaultRule> {
        let inside = self.lock();
        inside.faults.idle().chain(inside.world.mishaps.idle()).cloned().collect()
    }

    /// How many calls there have been.
    #[must_use]
    pub fn call_count(&self) -> usize {
        self.lock().log.len()
    }

    /// Up to `most` records of the call log from number `since` on, counted from 0.
    #[must_use]
    pub fn calls(&self, since: usize, most: usize) -> Vec<CallRecord> {
        self.lock().log.since(since).iter().take(most).cloned().collect()
    }

    /// Judges the call log so far.
    #[must_use]
    pub fn check(&self, purpose: Purpose) -> Verdict {
        let inside = self.at_present();
        let buckets = inside.limits.report();
        checkers::check(inside.log.since(0), &buckets, &self.access, purpose)
    }

    /// Judges a run by the call log and by what really happened, for the invariants about whole
    /// runs.
    #[must_use]
    pub fn check_run(&self, run: &Run) -> Vec<Finding> {
        let inside = self.at_present();
        checkers::check_run(inside.log.since(0), &inside.world, run)
    }

    /// A summary of the estate, or one account in detail.
    ///
    /// `None` where there is no such account.
    #[must_use]
    pub fn state(&self, account: Option<&str>) -> Option<Value> {
        let inside = self.at_present();
        match account {
            None => Some(self.summary(&inside)),
            Some(id) => inside.world.accounts.get(id).map(|account| describe(id, account)),
        }
    }

    /// What was published to the topics of one account, or of all, in the order of publication.
    ///
    /// `None` where there is no such account.
    #[must_use]
    pub fn messages(&self, account: Option<&str>) -> Option<Vec<Message>> {
        let inside = self.lock();
        let accounts = &inside.world.accounts;
        if account.is_some_and(|id| !accounts.contains_key(id)) {
            return None;
        }
        let chosen = accounts.iter().filter(|(id, _)| account.is_none_or(|wanted| wanted == id.as_str()));
        let regions = chosen.flat_map(|(_, account)| account.regions.values());
        let mut found: Vec<Message> =
            regions.flat_map(|r| r.notifications.messages.iter().cloned()).collect();
        found.sort_by_key(|message| message.at);
        Some(found)
    }

    /// Every permission that a call rested on so far: what of a policy is really used.
    #[must_use]
    pub fn grants(&self) -> Vec<Grant> {
        self.lock().grants.iter().cloned().collect()
    }

    /// Gives a role these identity-based policies in place of its own; sessions that exist have them
    /// at once, as in IAM. False where there is no such role.
    pub fn set_role_policies(&self, account: &str, role: &str, policies: Vec<NamedPolicy>) -> bool {
        let mut inside = self.lock();
        let role = inside.world.accounts.get_mut(account).and_then(|it| it.iam.roles.get_mut(role));
        role.is_some_and(|role| {
            role.policies = policies;
            true
        })
    }

    /// The same for a user.
    pub fn set_user_policies(&self, account: &str, user: &str, policies: Vec<NamedPolicy>) -> bool {
        let mut inside = self.lock();
        let user = inside.world.accounts.get_mut(account).and_then(|it| it.iam.users.get_mut(user));
        user.is_some_and(|user| {
            user.policies = policies;
            true
        })
    }

    /// Makes an empty bucket of an account, as if it had always been there.
    pub fn create_bucket(&self, account: &str, region: &str, name: &str) {
        self.lock().world.buckets.create(name, account, region, Timestamp::UNIX_EPOCH);
    }

    /// Makes an empty bucket with Object Lock and a default retention, as if it had always been there.
    pub fn create_locked_bucket(&self, account: &str, region: &str, name: &str) {
        self.lock().world.buckets.create(name, account, region, Timestamp::UNIX_EPOCH).object_lock = true;
    }

    /// Makes a topic of an account without subscribers; false where the account is not worked in there.
    pub fn create_topic(&self, account: &str, region: &str, name: &str) -> bool {
        let mut inside = self.lock();
        let account = inside.world.accounts.get_mut(account);
        let region = account.and_then(|account| account.regions.get_mut(region));
        region.is_some_and(|region| {
            region.notifications.topics.entry(name.to_owned()).or_default();
            true
        })
    }

    /// Makes an empty table on demand whose key is two texts, as if it had always been there; false where the
    /// account is not worked in there.
    pub fn create_table(&self, account: &str, region: &str, name: &str, key: [&str; 2]) -> bool {
        let mut inside = self.lock();
        let account = inside.world.accounts.get_mut(account);
        let region = account.and_then(|account| account.regions.get_mut(region));
        region.is_some_and(|region| {
            region.tables.add(name, Table::of_texts(key, Timestamp::UNIX_EPOCH));
            true
        })
    }

    /// Reads the world; for tests and tools in the same process.
    pub fn with_world<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        read(&self.at_present().world)
    }

    fn summary(&self, inside: &Inside) -> Value {
        let buckets = inside.limits.report();
        let accounts: Vec<Value> = inside
            .world
            .accounts
            .iter()
            .map(|(id, account)| {
                let instances: usize = account.regions.values().map(|r| r.instances.len()).sum();
                json!({ "id": id, "name": account.name, "instances": instances })
            })
            .collect();
        json!({
            "now": self.clock.now(),
            "clock": self.clock.name(),
            "seed": self.seed,
            "hub": self.hub.account,
            "accounts": accounts,
            "calls": inside.log.len(),
            "throttled": buckets.iter().map(|b| b.throttled).sum::<u64>(),
            "limits": buckets,
            "faults": inside.faults.rules().count(),
        })
    }

    /// The inside with everything done that is due.
    fn at_present(&self) -> MutexGuard<'_, Inside> {
        let mut inside = self.lock();
        inside.world.advance_all(self.clock.now());
        inside
    }

    /// A panic while the lock was held leaves a whole world behind: every change to it is made by
    /// one operation at its end.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn describe(id: &str, account: &crate::world::Account) -> Value {
    let regions: serde_json::Map<String, Value> = account
        .regions
        .iter()
        .map(|(code, region)| {
            let facts = json!({
                "enabled": region.enabled,
                "instances": region.instances.len(),
                "volumes": region.volumes.len(),
                "images": region.images.len(),
            });
            (code.clone(), facts)
        })
        .collect();
    json!({
        "id": id,
        "name": account.name,
        "regions": regions,
        "users": account.iam.users.keys().collect::<Vec<_>>(),
        "roles": account.iam.roles.keys().collect::<Vec<_>>(),
        "sessions": account.iam.sessions.len(),
    })
}

impl Inside {
    /// Keeps what a call rested on; most are known already, which costs no memory.
    pub(crate) fn remember(&mut self, grants: Vec<Grant>) {
        self.grants.extend(grants);
    }

    /// What a call has left to be run, with its account and region.
    fn take_queued(&mut self, call: &CallRecord) -> (AccountId, String, Vec<Queued>) {
        let (account, region) = (call.account.to_string(), call.region.to_string());
        let found = self.world.accounts.get_mut(&account).and_then(|it| it.regions.get_mut(&region));
        let queued = found.map(|region| std::mem::take(&mut region.functions.queued)).unwrap_or_default();
        (account, region, queued)
    }

    /// The next request id of a cell, in AWS's form.
    pub(crate) fn next_request_id(&mut self, seed: u64, cell: String) -> String {
        let mut hash = Sha256::new();
        hash.update(seed.to_be_bytes());
        hash.update(cell.as_bytes());
        let n = self.request_counts.entry(cell).or_default();
        *n += 1;
        hash.update(n.to_be_bytes());
        let mut id = hex::encode(&hash.finalize()[..16]);
        for at in [20, 16, 12, 8] {
            id.insert(at, '-');
        }
        id
    }
}
