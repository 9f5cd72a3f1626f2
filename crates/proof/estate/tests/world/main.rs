//! The estate's world: what scenarios make of it, and what EC2 and Systems Manager say of it.

mod availability;
mod balancing;
mod commands;
mod documents;
mod dynamodb;
mod dynamodb_model;
mod ec2;
mod fleet;
mod history;
mod hosts;
mod life;
mod maintenance;
mod output;
mod parameters;
mod patch_lists;
mod run_checks;
mod scaling;
mod scenarios;
mod shift;
mod ssm;

use fleetwright_estate::call::{ApiError, Call, Input, Operation, QueryParams, Service};
use fleetwright_estate::scenario::{Overrides, Prepared, ScenarioFile};
use fleetwright_estate::service;
use serde_json::Value;

/// A prepared estate and the account and region calls go to.
struct Stage {
    prepared: Prepared,
    account: String,
    region: String,
}

impl Stage {
    /// A scenario's first account in its first region.
    fn new(text: &str) -> Self {
        let prepared = prepare(text, &Overrides::default());
        let zone = &prepared.landing_zones[0];
        let (account, region) = (zone.account_id.clone(), zone.regions[0].clone());
        Self { prepared, account, region }
    }

    /// One account with `instances` instances in eu-central-1.
    fn of(instances: usize) -> Self {
        Self::new(&format!(
            "name = \"stage\"\nseed = 9\n[fleet]\naccounts = 1\ninstances = {instances}\n[fleet.shares]\nhostile_tags = 0.1\n"
        ))
    }

    fn call(&self, service: Service, action: &str, input: Input) -> Call {
        Call {
            service,
            action: action.to_owned(),
            input,
            account: self.account.clone(),
            region: self.region.clone(),
            principal: format!("arn:aws:sts::{}:assumed-role/Spoke/test", self.account),
            now: self.prepared.start,
            as_of: None,
            request_id: "00000000-0000-0000-0000-000000000000".to_owned(),
        }
    }

    fn answer(&mut self, call: &Call) -> Result<String, ApiError> {
        operation(call).answer(&mut self.prepared.world, call)
    }

    /// An EC2 call with these parameters.
    fn ec2(&mut self, action: &str, params: &[(&str, &str)]) -> Result<String, ApiError> {
        let values = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let call = self.call(Service::Ec2, action, Input::Query(QueryParams { values }));
        self.answer(&call)
    }

    /// A Systems Manager call with this document.
    fn ssm(&mut self, action: &str, document: Value) -> Result<Value, ApiError> {
        let call = self.call(Service::Ssm, action, Input::Json(document));
        let body = self.answer(&call)?;
        Ok(serde_json::from_str(&body).expect("the answer is JSON"))
    }

    /// Follows `NextToken` to the end; gives the ids page by page.
    fn pages(&mut self, action: &str, params: &[(&str, &str)], element: &str) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut all = params.to_vec();
            if let Some(token) = &token {
                all.push(("NextToken", token));
            }
            let body = self.ec2(action, &all).expect("the page answers");
            pages.push(texts(&body, element));
            token = texts(&body, "nextToken").pop();
            if token.is_none() {
                return pages;
            }
        }
    }

    fn instance_ids(&self) -> Vec<String> {
        let region = &self.prepared.world.accounts[&self.account].regions[&self.region];
        region.instances.iter().map(|it| it.id.to_string()).collect()
    }
}

fn operation(call: &Call) -> Box<dyn Operation> {
    let all = match call.service {
        Service::AutoScaling => service::autoscaling::operations(),
        Service::ClassicElb => service::elb::operations(),
        Service::Elbv2 => service::elbv2::operations(),
        Service::DynamoDb => service::dynamodb::operations(),
        Service::Ssm => service::ssm::operations(),
        Service::CloudWatch => service::cloudwatch::operations(),
        _ => service::ec2::operations(),
    };
    all.into_iter().find(|known| known.name() == call.action).expect("the operation exists")
}

fn prepare(text: &str, overrides: &Overrides) -> Prepared {
    match ScenarioFile::parse(text, "test").and_then(|file| file.prepare(overrides)) {
        Ok(prepared) => prepared,
        Err(error) => panic!("{error}"),
    }
}

/// The texts of every element of that name, as written.
fn texts(body: &str, element: &str) -> Vec<String> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    body.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap_or_default().to_owned()).collect()
}

/// The code of a refusal.
fn code<T>(result: Result<T, ApiError>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.code.into_owned(),
    }
}
