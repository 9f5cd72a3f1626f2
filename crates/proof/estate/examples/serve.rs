//! The estate by itself on a port, for other people's clients to try it without the rest of
//! fleetwright: `serve estate serve --scenario FILE --listen 127.0.0.1:0 --inventory-out FILE
//! --function NAME=BOOTSTRAP`, and `serve estate operations`, with the output of `fleetwright estate`. It runs until it is killed.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of its own has arguments, files and an output"
)]

use std::error::Error;
use std::sync::Arc;

use fleetwright_estate::clock::ClockMode;
use fleetwright_estate::environment::{shell_lines, variables};
use fleetwright_estate::estate::{Estate, EstateOptions};
use fleetwright_estate::front::tcp::Server;
use fleetwright_estate::functions::bootstrap::Bootstraps;
use fleetwright_estate::landing_zones;
use fleetwright_estate::scenario::{Overrides, ScenarioFile};
use fleetwright_estate::service::Registry;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    if arguments.get(1).is_some_and(|verb| verb == "operations") {
        let names = Registry::new().names();
        let row = |(service, action): &(fleetwright_estate::call::Service, &str)| serde_json::json!({ "service": service.name(), "action": action });
        println!("{}", serde_json::Value::from_iter(names.iter().map(row)));
        return Ok(());
    }
    let path = option("--scenario").ok_or("--scenario FILE is missing")?;
    let scenario = ScenarioFile::parse(&std::fs::read_to_string(&path)?, &path)?;
    let overrides = Overrides { start: Some(jiff::Timestamp::now()), ..Overrides::default() };
    let prepared = scenario.prepare(&overrides)?;
    if let Some(path) = option("--inventory-out") {
        std::fs::write(path, landing_zones::render(&prepared.landing_zones))?;
    }
    let estate = Arc::new(Estate::new(EstateOptions::from_scenario(prepared, ClockMode::Real))?);
    let listener = std::net::TcpListener::bind(option("--listen").as_deref().unwrap_or("127.0.0.1:0"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = Server::start(Arc::clone(&estate), listener)?;
        let named = option("--function");
        let executables = named
            .iter()
            .filter_map(|it| it.split_once('='))
            .map(|(name, path)| (name.to_owned(), path.into()));
        estate.run_functions(Arc::new(Bootstraps::new(server.endpoint(), executables.collect())));
        print!("{}", shell_lines(&variables(&server.endpoint(), estate.credentials(), &estate.hub().region)));
        std::future::pending().await
    })
}
