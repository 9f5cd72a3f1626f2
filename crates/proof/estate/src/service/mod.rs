//! The services, one module each, and the registry of their operations.

mod action;
pub mod autoscaling;
pub mod bedrock;
pub mod cloudformation;
pub mod cloudwatch;
pub mod dynamodb;
pub mod ec2;
pub mod eks;
pub mod elb;
pub mod elbv2;
pub mod events;
pub mod iam;
pub mod kms;
pub mod lambda;
pub mod logs;
mod members;
pub mod organizations;
pub mod page;
mod query;
pub mod quotas;
pub mod s3;
pub mod secrets;
pub mod sns;
pub mod sqs;
pub mod ssm;
pub mod sts;

use std::collections::HashMap;

use crate::call::{Operation, Service};

/// Every operation the estate answers, by service and name.
pub struct Registry {
    operations: HashMap<Service, HashMap<&'static str, Box<dyn Operation>>>,
}

impl Registry {
    /// The operations of all services.
    #[must_use]
    pub fn new() -> Self {
        let mut operations: HashMap<Service, HashMap<&'static str, Box<dyn Operation>>> = HashMap::new();
        let all = [
            autoscaling::operations(),
            bedrock::operations(),
            cloudformation::operations(),
            cloudwatch::operations(),
            dynamodb::operations(),
            ec2::operations(),
            events::operations(),
            eks::operations(),
            elb::operations(),
            elbv2::operations(),
            iam::operations(),
            kms::operations(),
            lambda::operations(),
            logs::operations(),
            organizations::operations(),
            s3::operations(),
            quotas::operations(),
            secrets::operations(),
            sns::operations(),
            sqs::operations(),
            ssm::operations(),
            sts::operations(),
        ];
        for operation in all.into_iter().flatten() {
            operations.entry(operation.service()).or_default().insert(operation.name(), operation);
        }
        Self { operations }
    }

    /// The operation of that name.
    #[must_use]
    pub fn find(&self, service: Service, name: &str) -> Option<&dyn Operation> {
        self.operations.get(&service)?.get(name).map(Box::as_ref)
    }

    /// All operations by service and name, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<(Service, &'static str)> {
        let mut names: Vec<_> = self
            .operations
            .iter()
            .flat_map(|(service, of_it)| of_it.keys().map(|name| (*service, *name)))
            .collect();
        names.sort_unstable();
        names
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}
