//! The page behind approval links: an HTTP API whose every request the function `authorise` judges first.

use serde_json::{Value, json};

use super::Resources;
use super::functions::log;
use crate::{attribute, reference, sub};

/// Where links lead, as `edge/approvals` writes them.
const PATH: &str = "/approvals/{token}";

/// What opens, and what decides.
const METHODS: [(&str, &str); 3] = [("Get", "GET"), ("Head", "HEAD"), ("Post", "POST")];

/// Adds the API.
pub(super) fn add(resources: &mut Resources) {
    let all = [
        ("ApprovalsApi", api()),
        ("ApprovalsLog", log("/aws/vendedlogs/apis/fleetwright-${Environment}-approvals")),
        ("ApprovalsAuthorizer", authorizer()),
        ("ApprovalsIntegration", integration()),
        ("ApprovalsStage", stage()),
        ("ApprovalsMayAuthorise", permission("AuthoriseFunction", "authorizers/${ApprovalsAuthorizer}")),
        ("ApprovalsMayApprove", permission("ApproveFunction", "*/*/approvals/*")),
    ];
    resources.extend(all.map(|(id, resource)| (id.to_owned(), resource)));
    for (id, method) in METHODS {
        resources.insert(format!("Approvals{id}Route"), route(method));
    }
}

fn api() -> Value {
    json!({
        "Type": "AWS::ApiGatewayV2::Api",
        "Properties": {
            "Name": sub("fleetwright-${Environment}-approvals"),
            "Description": "The page behind approval links",
            "ProtocolType": "HTTP",
            "Tags": { "application": "fleetwright", "environment": reference("Environment") },
        },
    })
}

/// Where a function is called by API Gateway.
fn invoked(function: &str) -> Value {
    sub(&format!(
        "arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/\
         ${{{function}.Arn}}/invocations"
    ))
}

/// No answer is kept: a link is used up by its decision.
fn authorizer() -> Value {
    json!({
        "Type": "AWS::ApiGatewayV2::Authorizer",
        "Properties": {
            "ApiId": reference("ApprovalsApi"),
            "Name": "link",
            "AuthorizerType": "REQUEST",
            "AuthorizerPayloadFormatVersion": "2.0",
            "AuthorizerResultTtlInSeconds": 0,
            "AuthorizerUri": invoked("AuthoriseFunction"),
            "EnableSimpleResponses": true,
        },
    })
}

fn integration() -> Value {
    json!({
        "Type": "AWS::ApiGatewayV2::Integration",
        "Properties": {
            "ApiId": reference("ApprovalsApi"),
            "IntegrationType": "AWS_PROXY",
            "IntegrationMethod": "POST",
            "IntegrationUri": invoked("ApproveFunction"),
            "PayloadFormatVersion": "2.0",
            "TimeoutInMillis": 29_000,
        },
    })
}

fn route(method: &str) -> Value {
    json!({
        "Type": "AWS::ApiGatewayV2::Route",
        "Properties": {
            "ApiId": reference("ApprovalsApi"),
            "RouteKey": format!("{method} {PATH}"),
            "AuthorizationType": "CUSTOM",
            "AuthorizerId": reference("ApprovalsAuthorizer"),
            "Target": sub("integrations/${ApprovalsIntegration}"),
        },
    })
}

/// People decide a few times a night: more than that is somebody trying. The log says who asked, and not for which
/// token.
fn stage() -> Value {
    let format = json!({
        "requestId": "$context.requestId",
        "time": "$context.requestTime",
        "address": "$context.identity.sourceIp",
        "route": "$context.routeKey",
        "status": "$context.status",
        "authorizer": "$context.authorizer.error",
        "integration": "$context.integrationErrorMessage",
    });
    json!({
        "Type": "AWS::ApiGatewayV2::Stage",
        "Properties": {
            "ApiId": reference("ApprovalsApi"),
            "StageName": "$default",
            "AutoDeploy": true,
            "AccessLogSettings":
                { "DestinationArn": attribute("ApprovalsLog", "Arn"), "Format": format.to_string() },
            "DefaultRouteSettings":
                { "DetailedMetricsEnabled": true, "ThrottlingBurstLimit": 20, "ThrottlingRateLimit": 5 },
            "Tags": { "application": "fleetwright", "environment": reference("Environment") },
        },
    })
}

fn permission(function: &str, rest: &str) -> Value {
    let api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${ApprovalsApi}";
    json!({
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": attribute(function, "Arn"),
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": sub(&format!("{api}/{rest}")),
        },
    })
}

// Tags of HTTP APIs are a mapping, those of everything else a list.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags;

    #[test]
    fn tags_of_the_api_say_what_tags_of_everything_else_say() {
        let api = api();
        for tag in tags().as_array().expect("a list") {
            let name = tag["Key"].as_str().expect("a key");
            assert_eq!(api["Properties"]["Tags"][name], tag["Value"]);
        }
    }
}
