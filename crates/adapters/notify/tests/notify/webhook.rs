//! Signed webhooks.

use fleetwright_notifiers::Webhook;
use fleetwright_notify::WebhookSecret;
use fleetwright_ports::{Again, Notifier};
use jiff::Timestamp;

use crate::server::{Asked, Said, Server, header, said};
use crate::world::{HERE, endpoint, message, outbound};

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A receiver that takes what is signed, whole and of now.
pub(crate) fn receiver(asked: &Asked) -> Said {
    let secret = WebhookSecret::parse(SECRET).expect("a secret");
    let Ok(seconds) = header(asked, "webhook-timestamp").parse::<i64>() else { return said(400, "no time") };
    let at = Timestamp::from_second(seconds).expect("a time");
    let expected = secret.sign(header(asked, "webhook-id"), at, asked.body());
    let of_now = (seconds - crate::world::now().as_second()).abs() < 300;
    match header(asked, "webhook-signature") == expected.signature && of_now {
        true => said(204, ""),
        false => said(401, "bad signature"),
    }
}

pub(crate) fn secret(text: &str) -> WebhookSecret {
    WebhookSecret::parse(text).expect("a secret")
}

#[tokio::test]
async fn a_receiver_can_prove_that_a_message_is_ours_and_tell_a_repetition() {
    let server = Server::start(receiver).await;
    let webhook = Webhook::new(outbound(HERE), endpoint(&server.url("/hook?a=b")), secret(SECRET));
    let message = message("x");
    webhook.send(&message).await.expect("it is taken");
    webhook.send(&message).await.expect("it is taken again");
    let heard = server.heard.all();
    assert_eq!(header(&heard[0], "webhook-id"), header(&heard[1], "webhook-id"));
    assert_eq!(heard[0].uri(), "/hook?a=b");
    let body: serde_json::Value = serde_json::from_slice(heard[0].body()).expect("JSON");
    assert_eq!((&body["severity"], &body["notices"][0]["kind"]), (&"error".into(), &"host_failed".into()));
}

#[tokio::test]
async fn another_secret_is_refused_for_good() {
    let server = Server::start(receiver).await;
    let other = secret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let webhook = Webhook::new(outbound(HERE), endpoint(&server.url("/hook")), other);
    let failure = webhook.send(&message("x")).await.expect_err("it is refused");
    assert_eq!(failure.again, Again::Never);
}
