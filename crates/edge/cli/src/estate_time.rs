//! The time of a served estate, so that a fast clock here and a fast clock there agree.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use fleetwright_model::code;
use jiff::Timestamp;

use crate::failure::CommandError;

const PATIENCE: Duration = Duration::from_secs(5);

/// The estate's time now.
///
/// # Errors
/// The endpoint is not named, is not an estate on this machine, or does not answer.
pub fn now(endpoint: Option<&str>) -> Result<Timestamp, CommandError> {
    let refuse = |what: String| {
        let message = format!("--clock-speed is for an estate served with --speed on this machine: {what}");
        CommandError::new(&code::USAGE, message)
    };
    let endpoint =
        endpoint.ok_or_else(|| refuse("neither AWS_ENDPOINT_URL nor aws.endpoint_url is set".into()))?;
    let authority = endpoint.strip_prefix("http://").unwrap_or(endpoint).trim_end_matches('/');
    let address = authority.to_socket_addrs().ok().and_then(|mut found| found.next());
    let address = address.filter(|address| address.ip().is_loopback());
    let address = address.ok_or_else(|| refuse(format!("{endpoint} is not an address of this machine")))?;
    let answer = ask(address, authority).map_err(|error| refuse(format!("{endpoint}: {error}")))?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let parsed: Option<serde_json::Value> = serde_json::from_str(body.trim()).ok();
    let time = parsed.as_ref().and_then(|value| value.get("now")).and_then(serde_json::Value::as_str);
    time.and_then(|text| text.parse().ok())
        .ok_or_else(|| refuse(format!("{endpoint} does not answer as an estate does")))
}

fn ask(address: SocketAddr, authority: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!("GET /_estate/time HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer)?;
    Ok(answer)
}
