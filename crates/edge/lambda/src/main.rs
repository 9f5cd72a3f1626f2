//! The functions of a hub (`fleetwright::hub`) as a custom runtime of AWS Lambda: events come from the Runtime API of the
//! environment, and answers go back to it. Nothing is called before the first event.
//!
//! A runtime of our own rather than `lambda_runtime`: it is four requests, and that crate turns on features of tokio and
//! serde with which the AWS SDK would be compiled a second time.

#![expect(clippy::print_stderr, reason = "standard error is the function's log")]

mod runtime;

use std::process::ExitCode;

use fleetwright::environment::Environment;
use fleetwright::hub::{Invocation, handle};
use runtime::RuntimeApi;

fn main() -> ExitCode {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = built.map_err(|error| error.to_string()).and_then(|built| built.block_on(serve()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("the function cannot go on: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Answers event after event, until the environment ends.
async fn serve() -> Result<(), String> {
    let environment = Environment::of_process();
    let variable = |name: &str| environment.get(name).ok_or_else(|| format!("{name} is not set"));
    let api = RuntimeApi::at(variable("AWS_LAMBDA_RUNTIME_API")?);
    let handler = variable("_HANDLER")?;
    loop {
        let next = api.next().await?;
        let event = serde_json::from_slice(&next.event).unwrap_or_default();
        let invocation = Invocation { event: &event, arn: &next.arn, request: &next.request };
        match handle(&environment, handler, &invocation).await {
            Ok(answer) => api.answer(&next.request, &answer).await?,
            Err(fault) => {
                eprintln!("{}: {}: {fault}", next.request, fault.name.as_str());
                api.fail(&next.request, &fault.to_json()).await?;
            }
        }
    }
}
