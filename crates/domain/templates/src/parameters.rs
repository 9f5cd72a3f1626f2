//! Parameter files, one per environment and template.

use serde_json::{Value, json};

/// The parameters of the hub in an environment that have no default, in the form that `aws cloudformation deploy
/// --parameter-overrides file://…` takes: the bucket with the archive of the functions and the definition of the state
/// machine, the organisation whose accounts are spokes, and the secrets by ARN.
pub fn hub_parameters(environment: &str, given: &[(&str, &str)]) -> Value {
    list(environment, given)
}

/// The parameters of spokes of an environment, in the form that `aws cloudformation create-stack-set --parameters
/// file://…` takes. The external id is not among them: it is a secret, and is added when spokes are deployed.
pub fn spoke_parameters(environment: &str, hub_account: &str, role_name: &str) -> Value {
    list(environment, &[("HubAccount", hub_account), ("RoleName", role_name)])
}

fn list(environment: &str, given: &[(&str, &str)]) -> Value {
    let first = ("Environment", environment);
    let all = [&first].into_iter().chain(given);
    all.map(|(name, value)| json!({ "ParameterKey": name, "ParameterValue": value })).collect()
}
