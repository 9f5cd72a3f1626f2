//! An HTTP API in front of functions: who is let in, what functions see of a request, and what a browser is answered.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetwright_estate::functions::http_api::{HttpApi, PREFIX, answer};
use fleetwright_estate::functions::{Functions, Invocation, Invoked, Running};
use http::Method;
use serde_json::{Value, json};

use super::functions::{FUNCTIONS, ask, estate_that_runs, worker};
use super::*;

/// `judge` lets in who names the token `good`; `page` answers as the path says.
#[derive(Default)]
struct Site {
    events: Mutex<Vec<Value>>,
}

impl Functions for Site {
    fn invoke(&self, invocation: Invocation) -> Running<'_> {
        Box::pin(async move {
            let event: Value = serde_json::from_slice(&invocation.payload).expect("JSON");
            self.events.lock().expect("no panic before").push(event.clone());
            let token = event["pathParameters"]["token"].as_str().unwrap_or_default();
            match (invocation.function.as_str(), token) {
                ("judge", "unsure") => Invoked::answered(json!({ "isAuthorized": "perhaps" }).to_string()),
                ("judge", _) => {
                    let judged = json!({ "isAuthorized": token != "bad", "context": { "who": "ann" } });
                    Invoked::answered(judged.to_string())
                }
                (_, "broken") => Invoked::failed("Refused", "as it was told"),
                _ => {
                    let page = json!({ "statusCode": 201, "headers": { "x-page": "yes" }, "body": "made" });
                    Invoked::answered(page.to_string())
                }
            }
        })
    }
}

async fn site() -> (Arc<Estate>, Arc<Site>) {
    let site = Arc::new(Site::default());
    let estate = estate_that_runs(Arc::clone(&site) as Arc<dyn Functions>, "[]");
    for name in ["judge", "page"] {
        let mut function = worker();
        function["FunctionName"] = name.into();
        assert_eq!(ask(&estate, Method::POST, FUNCTIONS, function).await.0, 201);
    }
    estate.advance(10.0).expect("advanced");
    let route = json!({ "integration": "page", "authorizer": "judge" });
    let routes = json!({ "GET /approvals/{token}": route, "POST /approvals/{token}": route });
    let api = json!({ "account": HUB, "region": REGION, "routes": routes });
    let api: HttpApi = serde_json::from_value(api).expect("an API");
    assert!(estate.put_http_api("approvals", api));
    (estate, site)
}

async fn browse(estate: &Estate, method: Method, path: &str, form: &'static str) -> Response<Bytes> {
    let request = Request::builder()
        .method(method)
        .uri(format!("{PREFIX}approvals{path}"))
        .header("content-type", "application/x-www-form-urlencoded");
    let (parts, body) = request.body(Bytes::from_static(form.as_bytes())).expect("a request").into_parts();
    answer(estate, &parts, &body).await
}

#[tokio::test]
async fn who_the_authorizer_lets_in_is_answered_by_the_function_behind() {
    let (estate, site) = site().await;
    let made = browse(&estate, Method::POST, "/approvals/good?late=yes", "decision=approve").await;
    assert_eq!((made.status().as_u16(), text(&made)), (201, "made"));
    assert_eq!(made.headers()["x-page"], "yes");
    let events = site.events.lock().expect("no panic before").clone();
    let [judged, seen] = <[Value; 2]>::try_from(events).expect("two functions ran");
    assert_eq!((&judged["type"], &judged["body"]), (&json!("REQUEST"), &Value::Null));
    assert_eq!(
        judged["routeArn"],
        format!("arn:aws:execute-api:{REGION}:{HUB}:approvals/$default/POST/approvals/good")
    );
    // Forms come as Base64: they are no text to API Gateway.
    assert_eq!(seen["isBase64Encoded"], true);
    assert_eq!(seen["body"], STANDARD.encode("decision=approve"));
    assert_eq!(seen["requestContext"]["authorizer"]["lambda"]["who"], "ann");
    assert_eq!(seen["queryStringParameters"], json!({ "late": "yes" }));
    assert_eq!(
        (&seen["rawPath"], &seen["routeKey"]),
        (&json!("/approvals/good"), &json!("POST /approvals/{token}"))
    );
}

#[tokio::test]
async fn who_is_not_let_in_never_reaches_the_function_behind() {
    let (estate, site) = site().await;
    for (path, status) in
        [("/approvals/bad", 403), ("/approvals/unsure", 500), ("/other", 404), ("/approvals", 404)]
    {
        assert_eq!(browse(&estate, Method::GET, path, "").await.status().as_u16(), status, "{path}");
    }
    assert_eq!(browse(&estate, Method::DELETE, "/approvals/good", "").await.status().as_u16(), 404);
    let events = site.events.lock().expect("no panic before").clone();
    assert!(events.iter().all(|event| event["type"] == "REQUEST"), "{events:?}");
}

#[tokio::test]
async fn a_function_that_fails_is_an_error_of_the_api() {
    let (estate, _) = site().await;
    let failed = browse(&estate, Method::GET, "/approvals/broken", "").await;
    assert_eq!((failed.status().as_u16(), text(&failed)), (500, r#"{"message":"Internal Server Error"}"#));
}
