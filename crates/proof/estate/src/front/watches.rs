//! Watches of clusters' objects on a TCP port: the answer goes on as long as the client listens, or the time it asked for.

#![expect(
    clippy::disallowed_methods,
    reason = "how often somebody looks is counted by the wall clock, whatever time the estate runs on"
)]

use std::convert::Infallible;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use http_body_util::BodyExt as _;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame};
use tokio::time::{Instant, Sleep};

use super::tcp::whole;
use crate::estate::{Estate, Lost};
use crate::kubernetes::{self, Watch};

/// How long events wait at most before they are sent.
const STEP: Duration = Duration::from_millis(50);

/// Answers a request for a watch.
///
/// # Errors
/// [`Lost`] where a fault swallows the answer.
pub(super) async fn answer(
    estate: Arc<Estate>,
    parts: &Parts,
    body: &Bytes,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Lost> {
    let (first, watch) = kubernetes::watch(&estate, parts, body).await?;
    let Some(watch) = watch else { return Ok(whole(first)) };
    Ok(first.map(|told| Events { estate, told, watch, look: Box::pin(tokio::time::sleep(STEP)) }.boxed()))
}

/// The events of a watch as a body.
struct Events {
    estate: Arc<Estate>,
    told: Bytes,
    watch: Watch,
    look: Pin<Box<Sleep>>,
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        loop {
            if !this.told.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.told)))));
            }
            ready!(this.look.as_mut().poll(context));
            let Some(told) = this.watch.next(&this.estate) else { return Poll::Ready(None) };
            this.told = told.into();
            this.look.as_mut().reset(Instant::now() + STEP);
        }
    }
}
