//! Signed webhooks: the message as JSON, signed as Standard Webhooks has it.

use async_trait::async_trait;
use fleetwright_notify::{Message, SIGNATURE_HEADERS, WebhookSecret};
use fleetwright_ports::{NotSent, Notifier};
use http::Method;

use crate::endpoint::Endpoint;
use crate::http::{Call, Http};
use crate::settings::Outbound;

/// A receiver of signed messages.
#[derive(Debug)]
pub struct Webhook {
    http: Http,
    endpoint: Endpoint,
    secret: WebhookSecret,
}

impl Webhook {
    /// One that takes messages there, and knows the secret.
    pub fn new(outbound: Outbound, endpoint: Endpoint, secret: WebhookSecret) -> Self {
        let http = Http::new(outbound, None, endpoint.secret().into_iter().collect());
        Self { http, endpoint, secret }
    }
}

#[async_trait]
impl Notifier for Webhook {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let body =
            serde_json::to_vec(message).map_err(|error| crate::connection::never(error.to_string()))?;
        let signed = self.secret.sign(&message.id, self.http.outbound().clock.now(), &body);
        let values = [signed.id, signed.timestamp, signed.signature];
        let headers = SIGNATURE_HEADERS.into_iter().zip(values).collect();
        let call = Call {
            method: Method::POST,
            endpoint: &self.endpoint,
            headers,
            media_type: "application/json",
            body,
        };
        self.http.send(call).await.map(drop)
    }
}
