//! S3 and SNS on the wire: addresses, signatures without the body, chunks with trailers, denials.

use fleetwright_estate::policy::NamedPolicy;
use http::Method;

use super::*;

const POLICY: &str = r#"{"Statement":[
    {"Effect":"Allow","Action":["s3:CreateBucket","s3:ListBucket"],"Resource":"*"},
    {"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::fleet/open/*"},
    {"Effect":"Allow","Action":"sns:*","Resource":"*"}]}"#;

/// An estate whose hub may do what the policy says.
fn storing() -> Estate {
    let mut world = world();
    let hub = world.accounts.get_mut(HUB).expect("the hub");
    let policy = NamedPolicy::parse("store", POLICY).expect("a policy");
    hub.iam.add_user(&HUB.to_owned(), "hub", vec![policy]);
    hub.regions.insert(REGION.to_owned(), Region { enabled: true, ..Region::default() });
    world.buckets.create("fleet", HUB, REGION, start());
    world.buckets.create("afar", HUB, "us-east-1", start());
    Estate::new(EstateOptions {
        seed: 7,
        clock: ClockMode::Virtual { start: start() },
        limits: LimitSettings::default(),
        faults: Vec::new(),
        world,
        hub: Hub {
            account: HUB.to_owned(),
            user: "hub".to_owned(),
            region: REGION.to_owned(),
            roles: [].into(),
        },
        powershell: None,
    })
    .expect("an estate")
}

/// A signed S3 request to a host and path, with these headers.
fn s3(
    estate: &Estate,
    (method, host, path): (Method, &str, &str),
    headers: &[(&'static str, &str)],
    body: &'static str,
) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(path).header("host", host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Bytes::from_static(body.as_bytes())).expect("a request");
    sigv4::sign(&mut request, estate.credentials(), REGION, "s3", start());
    request
}

const UNSIGNED: (&str, &str) = ("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
const LOOPBACK: &str = "127.0.0.1:4566";

#[tokio::test]
async fn an_object_put_under_one_address_is_got_under_the_other() {
    let estate = storing();
    let put = s3(&estate, (Method::PUT, "fleet.localhost:4566", "/open/a%20b%2B"), &[UNSIGNED], "content");
    let put = estate.call(put).await.expect("an answer");
    assert_eq!(put.status(), 200, "{}", text(&put));
    assert_eq!(put.headers()["etag"], "\"9a0364b9e99bb480dd25e1f0284c8555\"");
    let get = s3(&estate, (Method::GET, LOOPBACK, "/fleet/open/a%20b%2B"), &[("range", "bytes=3-")], "");
    let get = estate.call(get).await.expect("an answer");
    assert_eq!((get.status().as_u16(), text(&get)), (206, "tent"));
    assert!(get.headers().contains_key("x-amz-request-id"));
    let head = s3(&estate, (Method::HEAD, LOOPBACK, "/fleet/open/a%20b%2B"), &[], "");
    let head = estate.call(head).await.expect("an answer");
    assert_eq!(head.headers()["content-length"], "7");
    assert_eq!(text(&head), "");
}

#[tokio::test]
async fn chunks_with_a_trailer_are_one_object_whose_checksum_is_checked() {
    let estate = storing();
    let headers = [
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-decoded-content-length", "3"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
        ("content-encoding", "aws-chunked"),
    ];
    let place = (Method::PUT, LOOPBACK, "/fleet/open/streamed");
    let right = "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n";
    let put = estate.call(s3(&estate, place.clone(), &headers, right)).await.expect("an answer");
    assert_eq!((put.status().as_u16(), text(&put)), (200, ""));
    let wrong = "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
    let refused = s3(&estate, place, &headers, wrong);
    assert_eq!(status_and_code(&estate, refused).await, code(400, "BadDigest"));
    let stored = estate.with_world(|world| {
        let object = world.buckets.get("fleet").and_then(|b| b.get("open/streamed").cloned());
        object.expect("it was put").content
    });
    assert_eq!(stored, "abc");
}

#[tokio::test]
async fn what_s3_refuses_has_its_own_codes() {
    let estate = storing();
    let ask = |method: Method, path: &'static str| s3(&estate, (method, LOOPBACK, path), &[], "");
    let digest = ("x-amz-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let mut forged = ask(Method::GET, "/fleet/open/x");
    *forged.uri_mut() = "/fleet/open/y".parse().expect("a path");
    let cases = [
        (ask(Method::GET, "/fleet/open/none"), code(404, "NoSuchKey")),
        (ask(Method::PUT, "/fleet/closed"), code(403, "AccessDenied")),
        (ask(Method::GET, "/nowhere?list-type=2"), code(404, "NoSuchBucket")),
        (ask(Method::GET, "/afar?list-type=2"), code(301, "PermanentRedirect")),
        (ask(Method::PUT, "/fleet"), code(400, "IllegalLocationConstraintException")),
        (forged, code(403, "SignatureDoesNotMatch")),
        (
            s3(&estate, (Method::PUT, LOOPBACK, "/fleet/open/x"), &[digest], "not empty"),
            code(400, "XAmzContentSHA256Mismatch"),
        ),
    ];
    for (request, expected) in cases {
        let what = format!("{} {}", request.method(), request.uri());
        assert_eq!(status_and_code(&estate, request).await, expected, "{what}");
    }
}

#[tokio::test]
async fn a_published_message_can_be_read_by_whoever_runs_the_estate() {
    let estate = storing();
    let ask = async |form: &str| {
        let mut request = Request::post("/")
            .header("host", LOOPBACK)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(format!("{form}&Version=2010-03-31")))
            .expect("a request");
        sigv4::sign(&mut request, estate.credentials(), REGION, "sns", start());
        text(&estate.call(request).await.expect("an answer")).to_owned()
    };
    let made = ask("Action=CreateTopic&Name=fleet").await;
    let topic = element(&made, "TopicArn");
    ask(&format!("Action=Publish&TopicArn={topic}&Subject=Wave&Message=done")).await;
    let messages = estate.messages(Some(HUB)).expect("an account");
    assert_eq!(messages.len(), 1);
    assert_eq!((messages[0].topic.as_str(), messages[0].message.as_str()), (topic, "done"));
    assert!(estate.messages(Some("000000000000")).is_none());
}
