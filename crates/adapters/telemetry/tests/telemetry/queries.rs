//! Queries of Prometheus, asked of a server on 127.0.0.1.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use fleetwright_clock::SystemClock;
use fleetwright_model::ErrorClass;
use fleetwright_ports::Queries;
use fleetwright_telemetry::{Collector, PrometheusQueries};

/// Answers one request, and tells what was asked: its first line, its headers and its body.
fn prometheus(status: &'static str, body: &'static str) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a request");
        let mut answers = stream.try_clone().expect("a second handle");
        let mut reader = BufReader::new(stream);
        let (mut asked, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            if line.trim().is_empty() {
                break;
            }
            asked.push_str(&line);
        }
        let mut form = vec![0; length];
        reader.read_exact(&mut form).expect("the body");
        asked.push_str(&String::from_utf8_lossy(&form));
        sender.send(asked).expect("the test listens");
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        answers.write_all(answer.as_bytes()).expect("the answer is taken");
    });
    (address, receiver)
}

fn queries(address: SocketAddr) -> PrometheusQueries {
    let server =
        Collector::new(&format!("http://{address}/prom/"), "authorization=Bearer t0ken").expect("an address");
    PrometheusQueries::new(server, Arc::new(SystemClock)).expect("a client")
}

#[tokio::test]
async fn the_one_number_of_a_query_is_asked_for_with_the_headers() {
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1793498400.1,"0.004"]}]}}"#;
    let (address, asked) = prometheus("200 OK", body);
    let value = queries(address).value("sum(rate(failed[5m]))").await;
    assert_eq!(value, Ok(0.004));
    let asked = asked.recv().expect("a request");
    assert!(asked.starts_with("POST /prom/api/v1/query HTTP/1.1"), "{asked}");
    assert!(asked.contains("authorization: Bearer t0ken"), "{asked}");
    assert!(asked.ends_with("query=sum%28rate%28failed%5B5m%5D%29%29"), "{asked}");
}

#[tokio::test]
async fn what_is_no_number_is_a_failure_that_says_why() {
    let empty = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    let wrong = r#"{"status":"error","errorType":"bad_data","error":"parse error: unexpected end of input"}"#;
    for (status, body, class, why) in [
        ("200 OK", empty, ErrorClass::Permanent, "no series"),
        ("200 OK", "<html>", ErrorClass::Permanent, "no JSON"),
        ("400 Bad Request", wrong, ErrorClass::Permanent, "unexpected end of input"),
        ("401 Unauthorized", "", ErrorClass::Denied, "401"),
        ("503 Service Unavailable", "{}", ErrorClass::Transient, "503"),
    ] {
        let (address, _asked) = prometheus(status, body);
        let failure = queries(address).value("up").await.expect_err(why);
        assert_eq!((failure.class, failure.operation.as_str()), (class, "prometheus:Query"), "{failure}");
        assert!(failure.message.contains(why) && !failure.message.contains("t0ken"), "{failure}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_may_come_back() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let failure = queries(address).value("up").await.expect_err("nobody listens");
    assert_eq!(failure.class, ErrorClass::Transient, "{failure}");
}
