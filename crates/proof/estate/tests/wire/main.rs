//! Signed requests against the estate, in-process and over TCP: what a client sees on the wire.

mod balancing;
mod change;
mod eks;
mod events;
mod functions;
mod http_api;
mod keys;
mod kubectl;
mod kubernetes;
mod logs;
mod queues;
mod quotas;
mod secrets;
mod stacks;
mod stale_read;
mod storage;
mod tables;
mod templates;

use std::sync::Arc;

use bytes::Bytes;
use fleetwright_estate::checkers::{Invariant, Purpose};
use fleetwright_estate::clock::ClockMode;
use fleetwright_estate::estate::{Estate, EstateOptions, Hub, Lost};
use fleetwright_estate::fault::FaultRule;
use fleetwright_estate::front::tcp::Server;
use fleetwright_estate::limits::{Enforcement, LimitSettings};
use fleetwright_estate::policy::NamedPolicy;
use fleetwright_estate::wire::sigv4;
use fleetwright_estate::world::iam::Credentials;
use fleetwright_estate::world::{Account, Region, World};
use http::{Request, Response};
use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const HUB: &str = "111122223333";
const SPOKE: &str = "011122223333";
const REGION: &str = "eu-central-1";
const ROLE: &str = "arn:aws:iam::011122223333:role/Fleet";
const READER: &str = r#"{"Statement":[
    {"Effect":"Allow","Action":["ec2:Describe*","ec2:CreateTags"],"Resource":"*"},
    {"Effect":"Deny","Action":"ec2:DescribeImages","Resource":"*"}]}"#;
const TRUST: &str = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"fleet-canary-7"}}}}"#;

fn start() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().expect("a time")
}

fn world() -> World {
    let policy = |name: &str, text: &str| NamedPolicy::parse(name, text).expect("a policy");
    let assume = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}"#;
    let mut world = World::default();
    let mut hub = Account::default();
    hub.iam.add_user(&HUB.to_owned(), "hub", vec![policy("assume", assume)]);
    let mut spoke = Account::default();
    spoke
        .iam
        .add_role(&SPOKE.to_owned(), "Fleet", TRUST, vec![policy("reader", READER)], start())
        .expect("a trust policy");
    let enabled = Region { enabled: true, ..Region::default() };
    spoke.regions.insert(REGION.to_owned(), enabled);
    spoke.regions.insert("eu-south-1".to_owned(), Region::default());
    world.accounts.insert(HUB.to_owned(), hub);
    world.accounts.insert(SPOKE.to_owned(), spoke);
    world
}

fn estate_with(limits: LimitSettings, faults: &str) -> Estate {
    let faults: Vec<FaultRule> = serde_json::from_str(faults).expect("fault rules");
    Estate::new(EstateOptions {
        seed: 7,
        clock: ClockMode::Virtual { start: start() },
        limits,
        faults,
        world: world(),
        hub: Hub {
            account: HUB.to_owned(),
            user: "hub".to_owned(),
            region: REGION.to_owned(),
            roles: [(SPOKE.to_owned(), [ROLE.to_owned()].into())].into(),
        },
        powershell: None,
    })
    .expect("an estate")
}

fn estate() -> Estate {
    estate_with(LimitSettings::default(), "[]")
}

/// An estate without limits, whose hub works in [`REGION`] and may do what a policy says.
fn estate_allowing(policy: &str, world: World) -> Arc<Estate> {
    let mut world = world;
    let hub = world.accounts.get_mut(HUB).expect("the hub");
    let policy = NamedPolicy::parse("work", policy).expect("a policy");
    hub.iam.add_user(&HUB.to_owned(), "hub", vec![policy]);
    hub.regions.insert(REGION.to_owned(), Region { enabled: true, ..Region::default() });
    let limits = LimitSettings { enforcement: Enforcement::Off, ..LimitSettings::default() };
    let estate = Estate::new(EstateOptions {
        seed: 7,
        clock: ClockMode::Virtual { start: start() },
        limits,
        faults: Vec::new(),
        world,
        hub: Hub {
            account: HUB.to_owned(),
            user: "hub".to_owned(),
            region: REGION.to_owned(),
            roles: [].into(),
        },
        powershell: None,
    });
    Arc::new(estate.expect("an estate"))
}

/// Asks a JSON service, whose name, target and version are given; the answer's document, or the error's code.
async fn ask_json(
    estate: &Estate,
    (service, target, version): (&str, &str, &str),
    document: serde_json::Value,
) -> (u16, serde_json::Value) {
    let mut request = Request::post("/")
        .header("host", "127.0.0.1")
        .header("content-type", format!("application/x-amz-json-{version}"))
        .header("x-amz-target", target)
        .body(Bytes::from(document.to_string()))
        .expect("a request");
    sigv4::sign(&mut request, estate.credentials(), REGION, service, start());
    let response = estate.call(request).await.expect("an answer");
    let status = response.status().as_u16();
    let document: serde_json::Value = serde_json::from_slice(response.body()).unwrap_or_default();
    (status, if status == 200 { document } else { document["__type"].clone() })
}

/// A signed request of a query service.
fn query(credentials: &Credentials, service: &str, region: &str, form: &str) -> Request<Bytes> {
    let version = match service {
        "ec2" => "2016-11-15",
        "sts" => "2011-06-15",
        "cloudformation" => "2010-05-15",
        _ => "2010-05-08",
    };
    let mut request = Request::post("/")
        .header("host", "127.0.0.1")
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .body(Bytes::from(format!("{form}&Version={version}")))
        .expect("a request");
    sigv4::sign(&mut request, credentials, region, service, start());
    request
}

/// A signed request of a JSON service.
fn json(credentials: &Credentials, service: &str, target: &str, body: &'static str) -> Request<Bytes> {
    let mut request = Request::post("/")
        .header("host", "127.0.0.1")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", target)
        .body(Bytes::from_static(body.as_bytes()))
        .expect("a request");
    sigv4::sign(&mut request, credentials, REGION, service, start());
    request
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).expect("UTF-8")
}

/// The text of the first element of that name.
fn element<'a>(page: &'a str, name: &str) -> &'a str {
    page.split_once(&format!("<{name}>"))
        .and_then(|(_, rest)| rest.split_once("</"))
        .map(|(value, _)| value)
        .unwrap_or_else(|| panic!("no {name} in {page}"))
}

async fn status_and_code(estate: &Estate, request: Request<Bytes>) -> (u16, String) {
    let response = estate.call(request).await.expect("an answer");
    let page = text(&response);
    let code = if page.starts_with('{') {
        let document: serde_json::Value = serde_json::from_str(page).expect("JSON");
        document["__type"].as_str().unwrap_or("").to_owned()
    } else if page.contains("<Code>") {
        element(page, "Code").to_owned()
    } else {
        String::new()
    };
    (response.status().as_u16(), code)
}

fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

async fn spoke_session(estate: &Estate) -> Credentials {
    let form = format!("Action=AssumeRole&RoleArn={ROLE}&RoleSessionName=run-1&ExternalId=fleet-canary-7");
    let response = estate.call(query(estate.credentials(), "sts", REGION, &form)).await.expect("an answer");
    let page = text(&response);
    assert_eq!(response.status(), 200, "{page}");
    Credentials {
        access_key: element(page, "AccessKeyId").to_owned(),
        secret: element(page, "SecretAccessKey").to_owned(),
        token: Some(element(page, "SessionToken").to_owned()),
        expires: None,
    }
}

#[tokio::test]
async fn the_hub_learns_who_it_is_and_becomes_a_role() {
    let estate = estate();
    let whoami = "Action=GetCallerIdentity";
    let hub = estate.call(query(estate.credentials(), "sts", REGION, whoami)).await.expect("an answer");
    assert_eq!(element(text(&hub), "Arn"), "arn:aws:iam::111122223333:user/hub");
    assert_eq!(hub.headers()["x-amzn-requestid"].to_str().expect("an id"), element(text(&hub), "RequestId"));
    let session = spoke_session(&estate).await;
    let spoke = estate.call(query(&session, "sts", REGION, whoami)).await.expect("an answer");
    assert_eq!(element(text(&spoke), "Arn"), "arn:aws:sts::011122223333:assumed-role/Fleet/run-1");
}

#[tokio::test]
async fn each_service_family_words_bad_credentials_its_own_way() {
    let estate = estate();
    let stranger = Credentials {
        access_key: "AKIAAAAAAAAAAAAAAAAA".to_owned(),
        secret: "s".to_owned(),
        token: None,
        expires: None,
    };
    let forger = Credentials { secret: "wrong".to_owned(), ..estate.credentials().clone() };
    let ec2 = "Action=DescribeRegions";
    let sts = "Action=GetCallerIdentity";
    let ssm = "AmazonSSM.DescribeInstanceInformation";
    let unsigned = |mut request: Request<Bytes>| {
        request.headers_mut().remove("authorization");
        request
    };
    let cases = [
        (query(&stranger, "ec2", REGION, ec2), code(401, "AuthFailure")),
        (query(&stranger, "sts", REGION, sts), code(403, "InvalidClientTokenId")),
        (json(&stranger, "ssm", ssm, "{}"), code(400, "UnrecognizedClientException")),
        (query(&forger, "ec2", REGION, ec2), code(401, "AuthFailure")),
        (query(&forger, "sts", REGION, sts), code(403, "SignatureDoesNotMatch")),
        (json(&forger, "ssm", ssm, "{}"), code(400, "InvalidSignatureException")),
        (unsigned(query(&stranger, "sts", REGION, sts)), code(403, "MissingAuthenticationToken")),
        (unsigned(json(&stranger, "ssm", ssm, "{}")), code(400, "MissingAuthenticationTokenException")),
    ];
    for (request, expected) in cases {
        assert_eq!(status_and_code(&estate, request).await, expected);
    }
}

#[tokio::test]
async fn a_session_ends_when_its_time_is_over() {
    let estate = estate();
    let session = spoke_session(&estate).await;
    let regions = "Action=DescribeRegions";
    let ask = |session: &Credentials| query(session, "ec2", REGION, regions);
    assert_eq!(status_and_code(&estate, ask(&session)).await, code(200, ""));
    estate.advance(3599.0).expect("advanced");
    assert_eq!(status_and_code(&estate, ask(&session)).await, code(200, ""));
    estate.advance(1.0).expect("advanced");
    assert_eq!(status_and_code(&estate, ask(&session)).await, code(400, "RequestExpired"));
    let ssm = json(&session, "ssm", "AmazonSSM.DescribeInstanceInformation", "{}");
    assert_eq!(status_and_code(&estate, ssm).await, code(400, "ExpiredTokenException"));
    let verdict = estate.check(Purpose::Real);
    assert!(verdict.findings.iter().all(|f| f.invariant == Invariant::I30));
    assert_eq!(verdict.findings.len(), 2);
}

#[tokio::test]
async fn a_denial_says_who_what_and_why() {
    let estate = estate();
    let session = spoke_session(&estate).await;
    let images =
        estate.call(query(&session, "ec2", REGION, "Action=DescribeImages")).await.expect("an answer");
    assert_eq!(element(text(&images), "Code"), "UnauthorizedOperation");
    assert_eq!(
        element(text(&images), "Message"),
        "You are not authorized to perform this operation. User: \
         arn:aws:sts::011122223333:assumed-role/Fleet/run-1 is not authorized to perform: \
         ec2:DescribeImages with an explicit deny in an identity-based policy"
    );
    let agents = estate
        .call(json(&session, "ssm", "AmazonSSM.DescribeInstanceInformation", "{}"))
        .await
        .expect("an answer");
    let document: serde_json::Value = serde_json::from_str(text(&agents)).expect("JSON");
    assert_eq!(document["__type"], "AccessDeniedException");
    assert_eq!(
        document["Message"],
        "User: arn:aws:sts::011122223333:assumed-role/Fleet/run-1 is not authorized to perform: \
         ssm:DescribeInstanceInformation on resource: arn:aws:ssm:eu-central-1:011122223333:* \
         because no identity-based policy allows the ssm:DescribeInstanceInformation action"
    );
}

#[tokio::test]
async fn a_dry_run_says_whether_it_would_be_allowed_and_changes_nothing() {
    let estate = estate();
    let session = spoke_session(&estate).await;
    let allowed = query(&session, "ec2", REGION, "Action=DescribeRegions&DryRun=true");
    assert_eq!(status_and_code(&estate, allowed).await, code(412, "DryRunOperation"));
    let denied = query(&session, "ec2", REGION, "Action=DescribeImages&DryRun=true");
    assert_eq!(status_and_code(&estate, denied).await, code(403, "UnauthorizedOperation"));
    assert!(estate.check(Purpose::DryRun).ok);
}

#[tokio::test]
async fn a_region_that_is_not_enabled_knows_no_credentials() {
    let estate = estate();
    let session = spoke_session(&estate).await;
    for region in ["eu-south-1", "af-south-1", "eu-atlantis-1"] {
        let request = query(&session, "ec2", region, "Action=DescribeRegions");
        assert_eq!(status_and_code(&estate, request).await, code(401, "AuthFailure"), "{region}");
    }
    let default = query(&session, "ec2", "eu-west-1", "Action=DescribeRegions");
    assert_eq!(status_and_code(&estate, default).await, code(200, ""));
}

#[tokio::test]
async fn the_eleventh_call_at_once_is_throttled_and_time_helps() {
    let estate = estate();
    let ask = || json(estate.credentials(), "ssm", "AmazonSSM.DescribeInstanceInformation", "{}");
    for _ in 0..10 {
        assert_eq!(status_and_code(&estate, ask()).await, code(400, "AccessDeniedException"));
    }
    assert_eq!(status_and_code(&estate, ask()).await, code(400, "ThrottlingException"));
    let verdict = estate.check(Purpose::Real);
    assert_eq!(verdict.findings.last().map(|f| f.invariant), Some(Invariant::I24));
    estate.advance(0.2).expect("advanced");
    assert_eq!(status_and_code(&estate, ask()).await, code(400, "AccessDeniedException"));
}

#[tokio::test]
async fn what_is_no_operation_of_a_service_is_refused() {
    let estate = estate();
    let hub = estate.credentials();
    let cases = [
        (query(hub, "ec2", REGION, "Action=MakeCoffee"), code(400, "InvalidAction")),
        (query(hub, "iam", REGION, "Action=MakeCoffee"), code(400, "InvalidAction")),
        (json(hub, "ssm", "AmazonSSM.MakeCoffee", "{}"), code(400, "UnknownOperationException")),
        (
            json(hub, "ssm", "AWSOrganizationsV20161128.ListAccounts", "{}"),
            code(400, "InvalidSignatureException"),
        ),
        (
            json(hub, "ssm", "AmazonSSM.DescribeInstanceInformation", "{\"a\""),
            code(400, "SerializationException"),
        ),
        (query(hub, "kinesis", REGION, "Action=ListStreams"), code(400, "InvalidAction")),
        (query(hub, "s3", REGION, "Action=ListBuckets"), code(501, "NotImplemented")),
    ];
    for (request, expected) in cases {
        assert_eq!(status_and_code(&estate, request).await, expected);
    }
}

#[tokio::test]
async fn faults_strike_as_told() {
    let faults = r#"[
        {"kind": "throttle", "service": "ec2", "nth": {"exactly": 1}},
        {"kind": "server_error", "status": 503, "service": "ec2", "nth": {"exactly": 2}},
        {"kind": "expired_credentials", "service": "ec2", "nth": {"exactly": 3}},
        {"kind": "denied", "service": "ec2", "nth": {"exactly": 4}},
        {"kind": "lost_reply", "service": "ec2", "nth": {"exactly": 5}},
        {"kind": "malformed", "service": "ec2", "nth": {"exactly": 6}},
        {"kind": "bad_token", "service": "ec2", "action": "DescribeRegions"}]"#;
    let estate = estate_with(LimitSettings::default(), faults);
    let session = spoke_session(&estate).await;
    let ask = || query(&session, "ec2", REGION, "Action=DescribeRegions");
    let expected = [
        code(503, "RequestLimitExceeded"),
        code(503, "Unavailable"),
        code(400, "RequestExpired"),
        code(403, "UnauthorizedOperation"),
    ];
    for expected in expected {
        assert_eq!(status_and_code(&estate, ask()).await, expected);
    }
    assert_eq!(estate.call(ask()).await.expect_err("lost"), Lost);
    let cut = estate.call(ask()).await.expect("an answer");
    assert!(!text(&cut).contains("</DescribeRegionsResponse>"));
    assert_eq!(status_and_code(&estate, ask()).await, code(200, ""));
    let page = query(&session, "ec2", REGION, "Action=DescribeRegions&NextToken=t");
    assert_eq!(status_and_code(&estate, page).await, code(400, "InvalidNextToken"));
    let verdict = estate.check(Purpose::Real);
    assert!(verdict.ok, "faults are not the client's doing: {:?}", verdict.findings);
    assert_eq!(estate.clear_faults(), 7);
}

#[tokio::test]
async fn a_slow_answer_takes_estate_time() {
    let faults = r#"[{"kind": "slow", "delay_ms": 5000, "service": "sts"}]"#;
    let estate = Arc::new(estate_with(LimitSettings::default(), faults));
    let request = query(estate.credentials(), "sts", REGION, "Action=GetCallerIdentity");
    let waiting = tokio::spawn({
        let estate = Arc::clone(&estate);
        async move { estate.call(request).await }
    });
    while !waiting.is_finished() {
        estate.advance(1.0).expect("advanced");
        tokio::task::yield_now().await;
    }
    assert!(estate.now() >= start() + jiff::SignedDuration::from_secs(5));
    assert_eq!(waiting.await.expect("joined").expect("an answer").status(), 200);
}

#[tokio::test]
async fn the_log_has_every_call_and_no_secret() {
    let estate = estate();
    let session = spoke_session(&estate).await;
    estate
        .call(query(
            &session,
            "ec2",
            REGION,
            "Action=DescribeRegions&Filter.1.Name=region-name&Filter.1.Value.1=eu-*",
        ))
        .await
        .expect("an answer");
    let calls = estate.calls(0, 100);
    let lines: Vec<String> =
        calls.iter().map(|record| serde_json::to_string(record).expect("JSON")).collect();
    assert_eq!(lines.len(), 2);
    let keys: Vec<String> = serde_json::from_str::<serde_json::Map<_, _>>(&lines[1])
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    let expected =
        ["account", "action", "at", "error", "ok", "principal", "region", "request", "request_id", "service"];
    assert_eq!(keys, expected);
    assert!(lines[1].contains(r#""request":{"Filter.1.Name":"region-name","#));
    let all = lines.concat();
    for secret in [
        "fleet-canary-7",
        &session.secret,
        session.token.as_deref().expect("a token"),
        &estate.credentials().secret,
    ] {
        assert!(!all.contains(secret));
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_answers_byte_for_byte() {
    let (one, other) = (estate(), estate());
    for estate in [&one, &other] {
        let session = spoke_session(estate).await;
        estate.call(query(&session, "ec2", REGION, "Action=DescribeImages")).await.expect("an answer");
    }
    let log = |estate: &Estate| serde_json::to_string(&estate.calls(0, 100)).expect("JSON");
    assert_eq!(log(&one), log(&other));
    assert_eq!(one.credentials(), other.credentials());
}

/// Sends raw bytes and reads until the server closes.
async fn exchange(server: &Server, request: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.expect("connected");
    stream.write_all(request).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("received");
    String::from_utf8_lossy(&answer).into_owned()
}

fn bytes_of(request: &Request<Bytes>) -> Vec<u8> {
    let mut raw = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri()).into_bytes();
    for (name, value) in request.headers() {
        raw.extend_from_slice(name.as_str().as_bytes());
        raw.extend_from_slice(b": ");
        raw.extend_from_slice(value.as_bytes());
        raw.extend_from_slice(b"\r\n");
    }
    let length = request.body().len();
    raw.extend_from_slice(format!("content-length: {length}\r\nconnection: close\r\n\r\n").as_bytes());
    raw.extend_from_slice(request.body());
    raw
}

async fn control(server: &Server, method: &str, path: &str, body: &str) -> String {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "127.0.0.1")
        .body(Bytes::from(body.to_owned()))
        .expect("a request");
    exchange(server, &bytes_of(&request)).await
}

fn serve(estate: Estate) -> (Arc<Estate>, Server) {
    let estate = Arc::new(estate);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let server = Server::start(Arc::clone(&estate), listener).expect("a server");
    (estate, server)
}

#[tokio::test]
async fn the_same_requests_are_answered_over_tcp_and_the_control_api_sees_them() {
    let (estate, server) = serve(estate());
    let whoami = query(estate.credentials(), "sts", REGION, "Action=GetCallerIdentity");
    let answer = exchange(&server, &bytes_of(&whoami)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("arn:aws:iam::111122223333:user/hub"));

    let calls = control(&server, "GET", "/_estate/calls?since=0", "").await;
    assert!(calls.contains(r#""action":"GetCallerIdentity""#), "{calls}");
    let none = control(&server, "GET", "/_estate/calls?since=1", "").await;
    assert!(!none.contains("GetCallerIdentity"));
    let trail = control(&server, "GET", "/_estate/cloudtrail", "").await;
    assert!(trail.contains(r#""eventName":"GetCallerIdentity""#), "{trail}");
    assert!(
        trail.contains(r#""eventSource":"sts.amazonaws.com""#) && trail.contains(r#""readOnly":true"#),
        "{trail}"
    );
    let advanced = control(&server, "POST", "/_estate/advance", r#"{"seconds": 60}"#).await;
    assert!(advanced.contains("2026-03-02T08:01:00Z"), "{advanced}");
    let state = control(&server, "GET", "/_estate/state", "").await;
    assert!(state.contains(r#""clock":"virtual""#));
    let detail = control(&server, "GET", "/_estate/state?account=011122223333", "").await;
    assert!(detail.contains(r#""roles":["Fleet"]"#), "{detail}");
    let check = control(&server, "GET", "/_estate/check", "").await;
    assert!(check.contains(r#""ok":true"#), "{check}");
    let lost = control(&server, "GET", "/_estate/coffee", "").await;
    assert!(lost.starts_with("HTTP/1.1 404") && lost.contains("GET /_estate/calls"), "{lost}");
    server.stop().await;
}

#[tokio::test]
async fn faults_come_and_go_by_the_control_api_and_a_lost_reply_closes_the_connection() {
    let (estate, server) = serve(estate());
    let bad = control(&server, "POST", "/_estate/faults", r#"{"kind":"stale_read"}"#).await;
    assert!(bad.starts_with("HTTP/1.1 400") && bad.contains("fault: seconds"), "{bad}");
    let added =
        control(&server, "POST", "/_estate/faults", r#"[{"kind":"lost_reply","service":"sts"}]"#).await;
    assert!(added.contains(r#""added":1"#), "{added}");
    let whoami = query(estate.credentials(), "sts", REGION, "Action=GetCallerIdentity");
    assert_eq!(exchange(&server, &bytes_of(&whoami)).await, "");
    let trail = control(&server, "GET", "/_estate/cloudtrail?since=0", "").await;
    assert!(trail.contains("GetCallerIdentity") && !trail.contains("errorCode"), "it was done: {trail}");
    let cleared = control(&server, "DELETE", "/_estate/faults", "").await;
    assert!(cleared.contains(r#""cleared":1"#), "{cleared}");
    assert!(exchange(&server, &bytes_of(&whoami)).await.starts_with("HTTP/1.1 200"));
    server.stop().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let (estate, server) = serve(estate());
    let head = "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1048577\r\n\r\n";
    let answer = exchange(&server, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{}", answer.lines().next().unwrap_or(""));
    assert_eq!(estate.call_count(), 0);
    server.stop().await;
}
