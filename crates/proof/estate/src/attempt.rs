//! One request's way through the estate, step by step, in the order AWS takes them.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use jiff::Timestamp;
use serde_json::Value;

use crate::authorize::{self, Caller};
use crate::call::{ApiError, Call, Input, Operation, Reply, Requirement, Service};
use crate::calls::{CallFacts, CallKind, CallRecord, FaultShare, Outcome, describe_request, unread_request};
use crate::clock::Clock;
use crate::estate::Inside;
use crate::fault::{Effect, FunctionFault, Page, Subject};
use crate::limits::{self, Admission, Cell, ReadClass};
use crate::service::{Registry, dynamodb};
use crate::wire::request::{self, Intent};
use crate::wire::response;
use crate::wire::sigv4::{self, AuthProblem};
use crate::world::{Account, regions};

/// The region global services live in.
const GLOBAL_REGION: &str = "us-east-1";

/// A request on its way, and what is known of it so far.
pub(crate) struct Attempt<'r> {
    parts: &'r Parts,
    body: &'r Bytes,
    at: Timestamp,
    service: Service,
    region: String,
    action: String,
    request: Box<str>,
    request_id: Option<String>,
    caller: Option<Caller>,
    facts: CallFacts,
    delay: Option<Duration>,
    ending: Ending,
    function_fault: Option<FunctionFault>,
}

/// How the answer leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Whole,
    Truncated,
    Lost,
}

impl<'r> Attempt<'r> {
    pub(crate) fn new(parts: &'r Parts, body: &'r Bytes, at: Timestamp) -> Self {
        Self {
            parts,
            body,
            at,
            service: Service::Ec2,
            region: String::new(),
            action: String::new(),
            request: unread_request(),
            request_id: None,
            caller: None,
            facts: CallFacts::default(),
            delay: None,
            ending: Ending::Whole,
            function_fault: None,
        }
    }

    /// The whole way: who calls, what for, whether there is a token, whether a fault strikes,
    /// whether policies allow it, and then the operation itself.
    pub(crate) fn serve(
        &mut self,
        inside: &mut Inside,
        registry: &Registry,
        clock: &Clock,
        seed: u64,
    ) -> Result<Reply, ApiError> {
        let caller = self.authenticate(inside, clock)?;
        let account = caller.principal.account().clone();
        self.caller = Some(caller.clone());
        let read = request::read(self.parts, self.body, self.service)
            .map_err(|e| self.ended(Outcome::Illegal, e))?;
        self.action = read.action;
        self.request = describe_request(self.service, &read.input);
        self.check_region(inside.world.accounts.get(&account))?;
        let Some(operation) = registry.find(self.service, &self.action) else {
            let error = request::unknown_operation(self.service, &self.action);
            return Err(self.ended(Outcome::Illegal, error));
        };
        if operation.mutates() {
            self.facts.kind = CallKind::Mutation;
        }
        let now = match self.service {
            Service::Sts => clock.credential_now(),
            _ => self.at,
        };
        let mut call = Call {
            service: self.service,
            action: self.action.clone(),
            input: read.input,
            account,
            region: self.region.clone(),
            principal: caller.principal.arn(),
            now,
            as_of: None,
            request_id: self.request_id(inside, seed).to_owned(),
        };
        self.note_role_wanted(&call);
        self.admit(inside, operation, &call)?;
        self.suffer(inside, &mut call)?;
        inside.world.advance(&call.account, &call.region, self.at);
        inside.world.befall(&call, self.at);
        let requirements = operation.requirements(&inside.world, &call);
        let grants = authorize::authorize(&inside.world, &caller, &call, &requirements)
            .map_err(|e| self.ended(Outcome::Denied, e))?;
        inside.remember(grants);
        if read.intent == Intent::DryRun {
            let error = ApiError::new(
                412,
                "DryRunOperation",
                "Request would have succeeded, but DryRun flag is set.",
            );
            return Err(self.ended(Outcome::WouldSucceed, error));
        }
        operation.reply(&mut inside.world, &call).map_err(|e| self.ended(outcome_of(&e), e))
    }

    fn authenticate(&mut self, inside: &mut Inside, clock: &Clock) -> Result<Caller, ApiError> {
        let claim = match sigv4::claim(&self.parts.uri, &self.parts.headers) {
            Ok(claim) => claim,
            Err(problem) => {
                self.service = request::guess_service(self.parts, self.body);
                return Err(self.unauthenticated(&problem));
            }
        };
        self.region = claim.region.clone();
        let Some(service) = Service::from_signing_name(&claim.service) else {
            self.service = request::guess_service(self.parts, self.body);
            let mut error = request::unknown_operation(self.service, "");
            error.message = format!("The estate does not answer for the service '{}'", claim.service);
            return Err(self.ended(Outcome::Illegal, error));
        };
        let service = request::generation(service, self.parts, self.body);
        self.service = service;
        request::check_scope(self.parts, service, &claim.region)
            .map_err(|why| self.unauthenticated(&AuthProblem::WrongScope(why)))?;
        if service.is_global() {
            self.region = GLOBAL_REGION.to_owned();
        }
        let unknown = AuthProblem::UnknownKey;
        let Some(account) = account_of(inside, &claim.access_key) else {
            return Err(self.unauthenticated(&unknown));
        };
        let found = inside
            .world
            .accounts
            .get_key_value(&account)
            .and_then(|(id, account)| authorize::find(account, id, &claim.access_key))
            .ok_or_else(|| self.unauthenticated(&unknown))?;
        let now = clock.shared_with_clients().then_some(self.at);
        let parts = self.parts;
        sigv4::verify(&claim, &parts.method, &parts.uri, &parts.headers, self.body, found.secret, now)
            .map_err(|problem| self.unauthenticated(&problem))?;
        let token = parts.headers.get("x-amz-security-token").and_then(|v| v.to_str().ok());
        if let Err(problem) = found.check(token, clock.credential_now()) {
            if problem == AuthProblem::Expired {
                self.caller = Some(found.caller.clone());
            }
            return Err(self.unauthenticated(&problem));
        }
        Ok(found.caller)
    }

    /// A region that the account has not enabled knows none of its credentials.
    fn check_region(&mut self, account: Option<&Account>) -> Result<(), ApiError> {
        if self.service.is_global() {
            return Ok(());
        }
        let listed = account.and_then(|a| a.regions.get(&self.region));
        let enabled = match listed {
            Some(region) => region.enabled,
            None => {
                regions::find(&self.region).is_some_and(|facts| facts.opt_in == regions::OptIn::NotRequired)
            }
        };
        if enabled {
            return Ok(());
        }
        let error = response::authentication_error(self.service, &AuthProblem::UnknownKey);
        Err(self.ended(Outcome::Denied, error))
    }

    fn note_role_wanted(&mut self, call: &Call) {
        if call.service == Service::Sts
            && let Some(arn) = call.query().get("RoleArn")
        {
            self.facts.role_wanted = Some(arn.into());
        }
    }

    fn admit(&mut self, inside: &mut Inside, operation: &dyn Operation, call: &Call) -> Result<(), ApiError> {
        let class = match operation.paginated(call) {
            true => ReadClass::Paginated,
            false => ReadClass::Unpaginated,
        };
        let cell = Cell {
            account: call.account.clone(),
            region: call.region.clone(),
            service: call.service,
            action: operation.name(),
            class,
        };
        let mut admission = inside.limits.take(cell.clone(), self.at);
        if let (Admission::Admitted, Some(count)) = (admission, operation.resources(call)) {
            let resources = Cell { class: ReadClass::Resources, ..cell };
            admission = inside.limits.take_many(resources, count, self.at);
        }
        let outcome = match admission {
            Admission::Admitted => return Ok(()),
            Admission::ThrottledByTenant => Outcome::ThrottledByTenant,
            Admission::ThrottledByCaller => Outcome::ThrottledByCaller,
        };
        Err(self.ended(outcome, limits::throttled(self.service)))
    }

    /// Lets a fault strike that decides the answer before the operation or turns the call back in
    /// time; the others are noted for the way back.
    fn suffer(&mut self, inside: &mut Inside, call: &mut Call) -> Result<(), ApiError> {
        let role_account = self.facts.role_wanted.as_deref().and_then(|arn| arn.split(':').nth(4));
        let subject = Subject {
            account: &call.account,
            role_account,
            region: &call.region,
            service: call.service,
            action: &call.action,
            page: page(&call.input),
        };
        let Some(effect) = inside.faults.strike(&subject, self.at) else {
            return Ok(());
        };
        self.facts.fault = FaultShare::Struck;
        let service = self.service;
        let (outcome, error) = match effect {
            Effect::Slow { delay } => {
                self.delay = Some(delay);
                return Ok(());
            }
            Effect::LostReply => {
                self.ending = Ending::Lost;
                return Ok(());
            }
            Effect::Malformed => {
                self.ending = Ending::Truncated;
                return Ok(());
            }
            Effect::StaleRead { age } => {
                call.as_of = Some(self.at.checked_sub(age).unwrap_or(Timestamp::MIN));
                return Ok(());
            }
            Effect::Function(fault) => {
                self.function_fault = Some(fault);
                return Ok(());
            }
            // Mishaps befall resources and never decide a call.
            Effect::Mishap(_) => return Ok(()),
            Effect::Throttle => (Outcome::ThrottledByTenant, limits::throttled(service)),
            Effect::ServerError { status } => (Outcome::ServerError, response::server_error(service, status)),
            Effect::TransactionConflict => (Outcome::Refused, dynamodb::conflict(call)),
            Effect::Denied => (Outcome::Denied, denied_on_purpose(call)),
            Effect::BadToken => (Outcome::Illegal, response::bad_token(service)),
            Effect::ExpiredCredentials => {
                (Outcome::ExpiredCredentials, response::authentication_error(service, &AuthProblem::Expired))
            }
        };
        Err(self.ended(outcome, error))
    }

    fn unauthenticated(&mut self, problem: &AuthProblem) -> ApiError {
        let outcome = match problem {
            AuthProblem::Expired => Outcome::ExpiredCredentials,
            _ => Outcome::Unauthenticated,
        };
        let error = response::authentication_error(self.service, problem);
        self.ended(outcome, error)
    }

    fn ended(&mut self, outcome: Outcome, error: ApiError) -> ApiError {
        self.facts.outcome = outcome;
        error
    }

    /// The request id, made when it is first asked for.
    pub(crate) fn request_id(&mut self, inside: &mut Inside, seed: u64) -> &str {
        if self.request_id.is_none() {
            let account = self.caller.as_ref().map_or("", |c| c.principal.account().as_str());
            let service = self.service.signing_name();
            let cell = format!("{account}/{}/{service}/{}", self.region, self.action);
            self.request_id = Some(inside.next_request_id(seed, cell));
        }
        self.request_id.as_deref().unwrap_or("")
    }

    /// The line of the call log.
    pub(crate) fn record(&self, error: Option<&str>, request_id: &str) -> CallRecord {
        let principal = self.caller.as_ref().map(|c| &c.principal);
        let mut facts = self.facts.clone();
        facts.assumed_by = self.caller.as_ref().and_then(|c| c.assumed_by.as_deref().map(Into::into));
        CallRecord {
            at: self.at,
            account: principal.map_or("", |p| p.account().as_str()).into(),
            region: self.region.as_str().into(),
            service: self.service,
            action: self.action.as_str().into(),
            request: self.request.clone(),
            ok: error.is_none(),
            error: error.map(Into::into),
            request_id: request_id.into(),
            principal: principal.map_or_else(String::new, |p| p.arn()).into(),
            facts,
        }
    }

    /// Cuts the answer where a fault asks for it.
    pub(crate) fn shape(&self, mut response: Response<Bytes>) -> Response<Bytes> {
        if self.ending == Ending::Truncated {
            let half = response.body().len() / 2;
            response.body_mut().truncate(half);
        }
        response
    }

    pub(crate) const fn service(&self) -> Service {
        self.service
    }

    pub(crate) fn action(&self) -> &str {
        &self.action
    }

    pub(crate) const fn delay(&self) -> Option<Duration> {
        self.delay
    }

    pub(crate) const fn function_fault(&self) -> Option<FunctionFault> {
        self.function_fault
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.ending == Ending::Lost
    }
}

/// The account an access key belongs to: where it was last found, else wherever it is now.
pub(crate) fn account_of(inside: &mut Inside, access_key: &str) -> Option<String> {
    let holds = |account: &Account| {
        account.iam.sessions.contains_key(access_key) || account.iam.access_keys.contains_key(access_key)
    };
    let accounts = &inside.world.accounts;
    if let Some(id) = inside.key_accounts.get(access_key)
        && accounts.get(id).is_some_and(holds)
    {
        return Some(id.clone());
    }
    inside.key_accounts.remove(access_key);
    let (id, _) = accounts.iter().find(|(_, account)| holds(account))?;
    inside.key_accounts.insert(access_key.to_owned(), id.clone());
    Some(id.clone())
}

fn page(input: &Input) -> Page {
    let carried = match input {
        Input::Query(params) => {
            ["NextToken", "Marker"].iter().any(|name| params.get(name).is_some_and(|v| !v.is_empty()))
        }
        Input::Rest(request) => request.parameter("continuation-token").is_some_and(|v| !v.is_empty()),
        Input::RestJson(request) => {
            let in_body = request.document["nextToken"].as_str();
            let in_query = ["Marker", "nextToken"].iter().find_map(|name| request.query.get(*name));
            in_query.map(String::as_str).or(in_body).is_some_and(|v| !v.is_empty())
        }
        Input::Json(document) => {
            let token = document.get("NextToken").or_else(|| document.get("nextToken"));
            matches!(token, Some(Value::String(t)) if !t.is_empty())
        }
    };
    if carried { Page::Later } else { Page::First }
}

/// The denial a fault makes up: worded as if a service control policy forbade the action.
fn denied_on_purpose(call: &Call) -> ApiError {
    let action = format!("{}:{}", call.service.signing_name(), call.action);
    let resource = match call.query().get("RoleArn") {
        Some(arn) if call.service == Service::Sts => arn.to_owned(),
        _ => "*".to_owned(),
    };
    let requirement = Requirement { action: action.into(), resource, context: Vec::new() };
    authorize::denied(call, &requirement, " with an explicit deny in a service control policy")
}

/// What an operation's error means for the checkers.
fn outcome_of(error: &ApiError) -> Outcome {
    let code = error.code.as_ref();
    let absent = code.contains("NotFound")
        || matches!(
            code,
            "NoSuchEntity"
                | "QueueDoesNotExist"
                | "DoesNotExistException"
                | "InvalidInstance"
                | "InvalidTarget"
                | "NoSuchBucket"
                | "NoSuchKey"
                | "AWSOrganizationsNotInUseException"
                | "InvalidInstanceId"
                | "InvocationDoesNotExist"
        );
    // The world has moved on since the caller last looked.
    let overtaken = matches!(
        code,
        "ConditionalCheckFailedException"
            | "AlreadyExistsException"
            | "IncorrectInstanceState"
            | "InvalidStateException"
            | "IncorrectState"
            | "InvalidAMIName.Duplicate"
            | "InvalidAMIID.Unavailable"
            | "InvalidIPAddress.InUse"
            | "InvalidSnapshot.InUse"
            | "PreconditionFailed"
            | "QueueDeletedRecently"
            | "ResourceAlreadyExistsException"
            | "ResourceConflictException"
            | "ResourceExistsException"
            | "ResourceInUseException"
            | "TargetInUseException"
            | "TransactionCanceledException"
            | "TransactionConflictException"
            | "VolumeInUse"
    );
    match code {
        "AccessDenied"
        | "AccessDeniedException"
        | "AuthorizationError"
        | "UnauthorizedOperation"
        | "AuthFailure" => Outcome::Denied,
        _ if error.status >= 500 => Outcome::ServerError,
        _ if absent || overtaken => Outcome::Refused,
        _ => Outcome::Illegal,
    }
}
