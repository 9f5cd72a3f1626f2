//! Validating webhooks: which are asked about a change, and what they say.
//!
//! Rules: Kubernetes documentation, "Dynamic Admission Control". What a webhook would say is in its configuration's
//! annotation `estate/denies`; one whose service has no ready endpoint cannot be reached.

use serde_json::Value;

use super::{Store, selects};

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
}

impl Operation {
    const fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// A change that webhooks are asked about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What happens.
    pub operation: Operation,
    /// The API group.
    pub group: &'a str,
    /// The version.
    pub version: &'a str,
    /// The plural.
    pub resource: &'a str,
    /// The subresource, or empty.
    pub subresource: &'a str,
    /// The namespace, or empty.
    pub namespace: &'a str,
}

/// Why a change is not admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// A webhook says no.
    Refused(String),
    /// A webhook that has to be asked cannot be.
    Unreachable(String),
}

/// Whether a rule of a webhook is about a change.
fn is_about(rule: &Value, subject: &Subject<'_>) -> bool {
    let among = |member: &str, wanted: &str| {
        rule[member].as_array().is_some_and(|all| all.iter().any(|it| it == "*" || it == wanted))
    };
    let resource = match subject.subresource {
        "" => subject.resource.to_owned(),
        subresource => format!("{}/{subresource}", subject.resource),
    };
    let every = format!("{}/*", subject.resource);
    let resources = rule["resources"].as_array().into_iter().flatten();
    let fits = resources.filter_map(Value::as_str).any(|it| {
        it == resource || it == "*/*" || (it == "*" && subject.subresource.is_empty()) || it == every
    });
    fits && among("operations", subject.operation.name())
        && among("apiGroups", subject.group)
        && among("apiVersions", subject.version)
}

impl Store {
    /// Asks the webhooks about a change.
    ///
    /// # Errors
    /// One says no, or cannot be asked and has to be.
    pub fn admits(&self, subject: &Subject<'_>) -> Result<(), Denied> {
        const CONFIGURATIONS: &str = "admissionregistration.k8s.io/validatingwebhookconfigurations";
        // Webhooks are not asked about their own configurations.
        if subject.group == "admissionregistration.k8s.io" {
            return Ok(());
        }
        for (_, configuration) in self.list(CONFIGURATIONS, None) {
            for webhook in configuration["webhooks"].as_array().into_iter().flatten() {
                let mut rules = webhook["rules"].as_array().into_iter().flatten();
                if rules.any(|rule| is_about(rule, subject)) && self.covers(webhook, subject.namespace) {
                    self.ask(configuration, webhook)?;
                }
            }
        }
        Ok(())
    }

    fn covers(&self, webhook: &Value, namespace: &str) -> bool {
        let selector = &webhook["namespaceSelector"];
        if selector.is_null() || namespace.is_empty() {
            return true;
        }
        let found = self.get("namespaces", "", namespace);
        selects(selector, found.map_or(&Value::Null, |it| &it["metadata"]["labels"]))
    }

    fn ask(&self, configuration: &Value, webhook: &Value) -> Result<(), Denied> {
        let name = webhook["name"].as_str().unwrap_or_default();
        let service = &webhook["clientConfig"]["service"];
        if service.is_object() && !self.is_served(service) {
            // The default is to fail.
            if webhook["failurePolicy"] == "Ignore" {
                return Ok(());
            }
            let service = service["name"].as_str().unwrap_or_default();
            return Err(Denied::Unreachable(format!(
                "Internal error occurred: failed calling webhook \"{name}\": no endpoints available for service \
                 \"{service}\""
            )));
        }
        match configuration["metadata"]["annotations"]["estate/denies"].as_str() {
            None => Ok(()),
            Some(reason) => {
                Err(Denied::Refused(format!("admission webhook \"{name}\" denied the request: {reason}")))
            }
        }
    }

    /// Whether a service has an endpoint that is ready.
    fn is_served(&self, service: &Value) -> bool {
        let namespace = service["namespace"].as_str().unwrap_or_default();
        let mut slices = self.list("discovery.k8s.io/endpointslices", Some(namespace));
        slices.any(|(_, slice)| {
            slice["metadata"]["labels"]["kubernetes.io/service-name"] == service["name"]
                && slice["endpoints"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|it| it["conditions"]["ready"] != false))
        })
    }
}
