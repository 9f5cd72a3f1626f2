//! Ctrl-C and SIGTERM: the first asks for a calm end, the second ends at once.

use fleetwright_engine::Control;
use fleetwright_model::{Exit, code};
use fleetwright_survey::Stop;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::console::Console;

/// Listens for the user's wish to stop. Must be called inside the runtime.
pub fn stop_on_signal(console: Console) -> Stop {
    let (wish, wished) = oneshot::channel::<()>();
    tokio::spawn(async move {
        next_signal().await;
        console.note("stopping: what has been read is reported; press Ctrl-C again to end at once");
        // The receiver is gone when the command has ended already.
        let _ = wish.send(());
        next_signal().await;
        end_at_once();
    });
    Stop::on(async move {
        // A listener that ended without a wish must not stop anything.
        if wished.await.is_err() {
            std::future::pending::<()>().await;
        }
        &code::INTERRUPTED
    })
}

/// Steers a run by signals: the first finishes what was begun on hosts, the second cancels and
/// leaves, a third ends the process. Must be called inside the runtime.
pub fn steer_on_signal(control: Control, console: Console) {
    tokio::spawn(async move {
        next_signal().await;
        console.note(
            "stopping: nothing further is started, hosts that were changed are taken to their end; press \
             Ctrl-C again to cancel what is in flight and leave",
        );
        control.interrupt();
        next_signal().await;
        console.note("leaving: what is in flight is cancelled; `fleetwright resume` continues");
        control.interrupt();
        next_signal().await;
        end_at_once();
    });
}

#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "the user insists; everything durable is in the journal, and a scan leaves nothing half done"
)]
fn end_at_once() {
    std::process::exit(i32::from(Exit::Interrupted.number()));
}

/// Waits for one SIGINT or SIGTERM; for ever where the system refuses to tell.
pub async fn next_signal() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
