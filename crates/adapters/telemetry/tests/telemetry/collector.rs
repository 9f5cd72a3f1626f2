//! A collector on 127.0.0.1 that takes OTLP over HTTP as the specification has it, and nothing else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::Value as Json;

/// What a collector does with a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes it.
    Takes,
    /// Answers with this status.
    Refuses(u16),
    /// Reads it and says nothing.
    Silent,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Json,
}

/// Listens until the test is over.
pub(crate) fn listen(manner: Manner) -> (SocketAddr, Receiver<Taken>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            thread::spawn(move || connection(stream, manner, &sender));
        }
    });
    (address, receiver)
}

fn connection(stream: TcpStream, manner: Manner, sender: &Sender<Taken>) {
    let mut answers = stream.try_clone().expect("a second handle");
    let mut reader = BufReader::new(stream);
    while let Some(taken) = request(&mut reader) {
        let status = match manner {
            Manner::Takes => 200,
            Manner::Refuses(status) => status,
            Manner::Silent => 0,
        };
        let _ = sender.send(taken);
        if status > 0 {
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
            );
            if answers.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<Taken> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut words = first.split_whitespace();
    assert_eq!(words.next(), Some("POST"), "OTLP is posted");
    let path = words.next().expect("a path").to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let header =
        |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(header("content-type"), Some("application/json"));
    let length: usize = header("content-length").expect("a length").parse().expect("a number");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body: Json = serde_json::from_slice(&body).expect("JSON");
    match path.as_str() {
        "/v1/traces" => spans(&body).iter().for_each(check_span),
        "/v1/metrics" => metrics(&body).iter().for_each(check_metric),
        other => panic!("{other} is no path of OTLP"),
    }
    Some(Taken { path, headers, body })
}

/// The spans of a request for `/v1/traces`.
pub(crate) fn spans(body: &Json) -> Vec<Json> {
    within(body, "resourceSpans", "scopeSpans", "spans")
}

/// The metrics of a request for `/v1/metrics`.
pub(crate) fn metrics(body: &Json) -> Vec<Json> {
    within(body, "resourceMetrics", "scopeMetrics", "metrics")
}

fn within(body: &Json, resources: &str, scopes: &str, items: &str) -> Vec<Json> {
    let resources = body[resources].as_array().expect("resources");
    assert!(resources.iter().all(|it| attribute(&it["resource"], "service.name").is_some()), "{body}");
    let scopes = resources.iter().flat_map(|it| it[scopes].as_array().expect("scopes"));
    scopes.flat_map(|it| it[items].as_array().expect("items")).cloned().collect()
}

/// The value of an attribute as text.
pub(crate) fn attribute(of: &Json, name: &str) -> Option<String> {
    let attributes = of["attributes"].as_array().expect("attributes");
    let value = &attributes.iter().find(|it| it["key"] == name)?["value"];
    let (_, value) = value.as_object().and_then(|value| value.iter().next()).expect("one value");
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn check_span(span: &Json) {
    let hexadecimal = |field: &str, length: usize| {
        let text = span[field].as_str().expect("an id");
        assert!(text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit()), "{span}");
        assert!(text.bytes().any(|b| b != b'0'), "zero is no id: {span}");
    };
    hexadecimal("traceId", 32);
    hexadecimal("spanId", 16);
    if span.get("parentSpanId").is_some() {
        hexadecimal("parentSpanId", 16);
    }
    let nanoseconds = |field: &str| span[field].as_str().expect("text").parse::<u64>().expect("a number");
    assert!(nanoseconds("startTimeUnixNano") <= nanoseconds("endTimeUnixNano"), "{span}");
    assert!((1..=5).contains(&span["kind"].as_u64().expect("a number")), "{span}");
    assert!(span["name"].as_str().is_some_and(|name| !name.is_empty()), "{span}");
}

fn check_metric(metric: &Json) {
    let data = ["sum", "gauge", "histogram"].iter().filter_map(|kind| metric.get(*kind)).collect::<Vec<_>>();
    assert_eq!(data.len(), 1, "{metric}");
    for point in data[0]["dataPoints"].as_array().expect("points") {
        assert!(point["timeUnixNano"].as_str().expect("text").parse::<u64>().is_ok(), "{metric}");
        if metric.get("histogram").is_some() {
            let counts = point["bucketCounts"].as_array().expect("counts");
            let bounds = point["explicitBounds"].as_array().expect("bounds");
            assert_eq!(counts.len(), bounds.len() + 1, "{metric}");
            let all: u64 =
                counts.iter().map(|it| it.as_str().expect("text").parse::<u64>().expect("count")).sum();
            assert_eq!(point["count"], all.to_string(), "{metric}");
        }
    }
}
