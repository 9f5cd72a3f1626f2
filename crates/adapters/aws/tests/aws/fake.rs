//! A service that answers from a script and remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use fleetwright_aws::{Aws, AwsOptions, ConnectionLost, InProcess, Origin, StaticCredentials, connect};
use fleetwright_clock::VirtualClock;
use fleetwright_model::{Access, AccountId, Cell, ExternalId, Region, Regions, RoleArn, Zone, ZoneName};
use fleetwright_ports::Clock;
use futures::FutureExt;
use futures::future::BoxFuture;

/// A request as the service sees it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// IAM name of the operation.
    pub(crate) action: String,
    /// Access key id of the signature.
    pub(crate) key: String,
    /// Region of the signature.
    pub(crate) region: String,
    /// The body, percent-decoded where it is a form.
    pub(crate) body: String,
    /// Seconds since the test began.
    pub(crate) at: f64,
    /// How many requests for this action came before.
    pub(crate) before: usize,
}

/// What the service does.
pub(crate) enum Reply {
    /// Answers with a status and a body.
    Answer(u16, String),
    /// Breaks the connection.
    Lost,
    /// Never answers.
    Silence,
}

/// The script.
type Script = Box<dyn Fn(&Seen) -> Reply + Send + Sync>;

/// The service.
pub(crate) struct Fake {
    script: Script,
    seen: Mutex<Vec<Seen>>,
    clock: OnceLock<Arc<dyn Clock>>,
}

impl InProcess for Fake {
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectionLost>> {
        async move {
            let seen = self.note(&request);
            match (self.script)(&seen) {
                Reply::Answer(status, body) => {
                    let answer = http::Response::builder().status(status).header("x-amzn-requestid", "req-1");
                    Ok(answer.body(Bytes::from(body)).expect("well formed"))
                }
                Reply::Lost => Err(ConnectionLost),
                Reply::Silence => std::future::pending().await,
            }
        }
        .boxed()
    }
}

impl Fake {
    fn note(&self, request: &http::Request<Bytes>) -> Seen {
        let header = |name: &str| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let scope: Vec<&str> = header("authorization")
            .split("Credential=")
            .nth(1)
            .and_then(|rest| rest.split(',').next())
            .unwrap_or_default()
            .split('/')
            .collect();
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let name = match header("x-amz-target").rsplit('.').next() {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => match request.uri().path().rsplit_once("/operation/") {
                Some((_, name)) => name.to_owned(),
                None => field(&body, "Action").unwrap_or_default(),
            },
        };
        // Signatures have CloudWatch under its old name, permissions have not.
        let service = scope.get(3).copied().unwrap_or_default();
        let action = format!("{}:{name}", if service == "monitoring" { "cloudwatch" } else { service });
        let mut all = self.seen.lock().expect("no panic before");
        let seen = Seen {
            before: all.iter().filter(|seen| seen.action == action).count(),
            action,
            key: scope.first().copied().unwrap_or_default().to_owned(),
            region: scope.get(2).copied().unwrap_or_default().to_owned(),
            body,
            at: self.clock.get().expect("set at the start").now().duration_since(start()).as_secs_f64(),
        };
        all.push(seen.clone());
        seen
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic before").clone()
    }

    /// The requests for one action so far.
    pub(crate) fn asked(&self, action: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.action == action).collect()
    }
}

/// The value of a form field.
pub(crate) fn field(body: &str, name: &str) -> Option<String> {
    let value = body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(value.replace("%3A", ":").replace("%2F", "/"))
}

impl Seen {
    /// The value of a form field.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        field(&self.body, name)
    }
}

/// When every test begins.
pub(crate) fn start() -> jiff::Timestamp {
    "2026-11-01T02:00:00Z".parse().expect("valid")
}

/// The adapter over a script, with its service and its clock.
pub(crate) struct Stage {
    pub(crate) aws: Aws,
    pub(crate) fake: Arc<Fake>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Sets the stage with default settings.
pub(crate) async fn stage(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Stage {
    stage_with(AwsOptions::default(), script).await
}

/// Sets the stage.
pub(crate) async fn stage_with(
    options: AwsOptions,
    script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> Stage {
    let fake = Arc::new(Fake { script: Box::new(script), seen: Mutex::default(), clock: OnceLock::new() });
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(start()));
    fake.clock.set(Arc::clone(&clock)).ok().expect("set once");
    let credentials = StaticCredentials {
        access_key_id: "AKIDCALLER".to_owned(),
        secret_access_key: "secret".to_owned(),
        session_token: None,
    };
    let origin = Origin::InProcess { transport: Arc::clone(&fake) as Arc<dyn InProcess>, credentials };
    let aws = connect(AwsOptions { origin, ..options }, Arc::clone(&clock)).await;
    Stage { aws, fake, clock }
}

impl Stage {
    /// Seconds since the test began.
    pub(crate) fn seconds(&self) -> f64 {
        self.clock.now().duration_since(start()).as_secs_f64()
    }

    /// Lets time pass.
    pub(crate) async fn wait_minutes(&self, minutes: u64) {
        self.clock.sleep(Duration::from_secs(minutes * 60)).await;
    }
}

/// A landing zone entered with a role; with an external id where one is given.
pub(crate) fn zone(account: &str, external_id: Option<&str>) -> Zone {
    let account = AccountId::new(account).expect("valid");
    let role = RoleArn::from_name("aws", &account, "ops/patching").expect("valid");
    let external_id = external_id.map(|id| ExternalId::new(id).expect("valid"));
    Zone {
        name: ZoneName::new(format!("zone-{account}")).expect("valid"),
        account,
        regions: Regions::AllEnabled,
        access: Access { role: Some(role), external_id, profile: None },
        environment: None,
        description: None,
        enabled: true,
        tags: BTreeMap::new(),
        include: Vec::new(),
        exclude: Vec::new(),
    }
}

/// A cell of a zone.
pub(crate) fn cell(zone: &Zone) -> Cell<'_> {
    Cell { zone, region: Region::new("eu-central-1").expect("valid") }
}

/// The answer to AssumeRole: credentials whose key names account and number, good for an hour.
pub(crate) fn assumed(seen: &Seen) -> Reply {
    let role = seen.field("RoleArn").unwrap_or_default();
    let account = role.split(':').nth(4).unwrap_or_default();
    let expiry = start() + jiff::SignedDuration::from_secs(seen.at as i64 + 3600);
    Reply::Answer(
        200,
        format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId><Arn>arn:aws:sts::{account}:assumed-role/patching/s</Arn>\
             </AssumedRoleUser><Credentials><AccessKeyId>ASIA{account}N{}</AccessKeyId>\
             <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
             <Expiration>{expiry}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
            seen.before + 1,
        ),
    )
}

/// The answer to GetCallerIdentity.
pub(crate) fn identity(account: &str) -> Reply {
    Reply::Answer(
        200,
        format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::{account}:user/ann</Arn><UserId>AIDA</UserId><Account>{account}</Account>\
             </GetCallerIdentityResult></GetCallerIdentityResponse>"
        ),
    )
}

/// A page of DescribeInstances.
pub(crate) fn instances(ids: &[&str], next: Option<&str>) -> Reply {
    let rows: String = ids
        .iter()
        .map(|id| format!("<item><instanceId>{id}</instanceId><instanceState><name>running</name></instanceState></item>"))
        .collect();
    let next = next.map(|token| format!("<nextToken>{token}</nextToken>")).unwrap_or_default();
    Reply::Answer(
        200,
        format!(
            "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
             <reservationSet><item><reservationId>r-1</reservationId><instancesSet>{rows}</instancesSet></item>\
             </reservationSet>{next}</DescribeInstancesResponse>"
        ),
    )
}

/// An error of EC2.
pub(crate) fn ec2_error(status: u16, code: &str, message: &str) -> Reply {
    Reply::Answer(
        status,
        format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
             <RequestID>r-ec2</RequestID></Response>"
        ),
    )
}

/// An error of STS or IAM.
pub(crate) fn query_error(status: u16, code: &str, message: &str) -> Reply {
    Reply::Answer(
        status,
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>r-query</RequestId></ErrorResponse>"
        ),
    )
}

/// An error of Systems Manager.
pub(crate) fn json_error(status: u16, code: &str, message: &str) -> Reply {
    Reply::Answer(status, format!("{{\"__type\":\"{code}\",\"message\":\"{message}\"}}"))
}
