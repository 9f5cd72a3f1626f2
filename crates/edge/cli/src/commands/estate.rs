//! `fleetwright estate serve` and `fleetwright estate operations`.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;

use fleetwright_clock::SystemClock;
use fleetwright_estate::call::Service;
use fleetwright_estate::clock::ClockMode;
use fleetwright_estate::environment::{shell_lines, variables};
use fleetwright_estate::front::tcp::Server;
use fleetwright_estate::functions::bootstrap::Bootstraps;
use fleetwright_estate::service::Registry;
use fleetwright_model::{Exit, code};
use fleetwright_ports::Clock;

use crate::args::{OutputFormat, ServeArgs};
use crate::console::{self, Console};
use crate::failure::CommandError;
use crate::simulated::{Start, world};
use crate::{files, interrupt};

/// Serves a simulated AWS until the user stops it.
///
/// # Errors
/// The scenario is not usable, or the address cannot be listened on.
pub async fn serve(args: &ServeArgs, console: Console) -> Result<Exit, CommandError> {
    if !args.listen.ip().is_loopback() {
        let message = format!("{} is not on this machine's loopback", args.listen);
        return Err(CommandError::new(&code::LISTEN, message));
    }
    let now = SystemClock.now();
    let start = if args.virtual_time { Start::Scenario } else { Start::At(now) };
    let world = world(&args.world, start, |start| match args.speed {
        _ if args.virtual_time => ClockMode::Virtual { start },
        Some(speed) => ClockMode::Scaled { speed, start: Some(start) },
        None => ClockMode::Real,
    })?;
    let busy = |error: std::io::Error| {
        CommandError::new(&code::LISTEN, format!("{} cannot be listened on: {error}", args.listen))
    };
    let listener = TcpListener::bind(args.listen).map_err(busy)?;
    if let Some(path) = &args.inventory_out {
        files::write_atomically(path, |file| file.write_all(world.inventory.as_bytes()))?;
    }
    let server = Server::start(Arc::clone(&world.estate), listener).map_err(busy)?;
    let executables = args.functions.iter().cloned().collect();
    world.estate.run_functions(Arc::new(Bootstraps::new(server.endpoint(), executables)));
    let region = world.estate.hub().region.clone();
    console::write_text(&shell_lines(&variables(&server.endpoint(), world.estate.credentials(), &region)))?;
    console.note(&format!(
        "# estate \"{}\" answers on {}; paste the lines above into a shell, Ctrl-C ends it",
        world.name,
        server.endpoint()
    ));
    interrupt::next_signal().await;
    server.stop().await;
    Ok(Exit::Success)
}

/// Lists the operations the estate answers.
///
/// # Errors
/// Standard output cannot be written.
pub fn operations(output: Option<OutputFormat>) -> Result<Exit, CommandError> {
    let registry = Registry::new();
    let names = registry.names();
    match output.unwrap_or_default() {
        OutputFormat::Text => {
            let lines: String =
                names.iter().map(|(service, name)| format!("{}:{name}\n", service.name())).collect();
            console::write_text(&lines)?;
        }
        OutputFormat::Json | OutputFormat::Jsonl => {
            let row = |(service, action): &(Service, &str)| serde_json::json!({ "service": service.name(), "action": action });
            let rows: Vec<serde_json::Value> = names.iter().map(row).collect();
            console::write_text(&format!("{}\n", serde_json::Value::from(rows)))?;
        }
    }
    Ok(Exit::Success)
}
