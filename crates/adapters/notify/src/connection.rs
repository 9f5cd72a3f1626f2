//! Connecting to the address that was looked at.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fleetwright_notify::{line, shortened};
use fleetwright_ports::{Again, Clock, NotSent};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use crate::settings::Outbound;

/// Addresses of one name that are tried.
const MOST_ADDRESSES: usize = 8;

/// Bytes both ways.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A failure of the moment.
pub(crate) fn later(words: impl Into<String>) -> NotSent {
    NotSent { again: Again::Later, message: shortened(&line(&words.into()), 600).into_owned() }
}

/// A failure that stays.
pub(crate) fn never(words: impl Into<String>) -> NotSent {
    NotSent { again: Again::Never, ..later(words) }
}

/// Resolves the name, looks at every address it has, and connects to one of these.
///
/// # Errors
/// The name has no address or one that must not be reached, or nobody answers.
pub(crate) async fn connect(outbound: &Outbound, host: &str, port: u16) -> Result<TcpStream, NotSent> {
    let found = lookup_host((host, port)).await;
    let found = found.map_err(|error| later(format!("{host} cannot be resolved: {error}")))?;
    let addresses: Vec<SocketAddr> = found.take(MOST_ADDRESSES).collect();
    if addresses.is_empty() {
        return Err(later(format!("{host} has no address")));
    }
    // One bad address is enough: whoever answers for the name means us to get there by chance.
    for address in &addresses {
        outbound.reach.check(address.ip()).map_err(|refused| never(format!("{host}: {refused}")))?;
    }
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Small messages: a delay gains nothing, and one that cannot be set costs nothing.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(later(format!("{host} port {port}: {last}")))
}

/// Encrypts a connection and proves who is at the other end.
///
/// # Errors
/// The other side cannot prove that it is `host`.
pub(crate) async fn encrypt<S: Stream>(
    outbound: &Outbound,
    host: &str,
    stream: S,
) -> Result<tokio_rustls::client::TlsStream<S>, NotSent> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| never(format!("{host}: {error}")))?;
    let connector = TlsConnector::from(Arc::clone(&outbound.tls));
    connector.connect(name, stream).await.map_err(|error| later(format!("{host}: TLS: {error}")))
}

/// Ends what takes too long.
///
/// # Errors
/// As the work's, or its time was over.
pub(crate) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    what: &str,
    work: impl Future<Output = Result<T, NotSent>>,
) -> Result<T, NotSent> {
    tokio::select! {
        done = work => done,
        () = clock.sleep(limit) => Err(later(format!("{what} did not answer within {} s", limit.as_secs()))),
    }
}
