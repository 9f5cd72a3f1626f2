//! `fleetwright notify …` and `fleetwright change …`, put together.

use std::sync::Arc;

use fleetwright_clock::SystemClock;
use fleetwright_model::code;
use fleetwright_ports::{ChangeRecords, Clock};

use crate::app::{App, Outcome, Time, in_runtime};
use crate::args::{ChangeArgs, ChangeCommand, NotifyCommand, NotifyTestArgs};
use crate::commands::notify::{self, Over};
use crate::commands::runs::fold;
use crate::driving::Told;
use crate::evidence::gather;
use crate::failure::CommandError;
use crate::outgoing::{change_records, needs_aws, outgoing, place_files};
use crate::report_files;
use crate::state::{FoundRun, State};

impl App {
    /// `fleetwright notify …`.
    pub fn notify(&self, command: &NotifyCommand) -> Outcome {
        match command {
            NotifyCommand::Test(args) => self.notify_test(args),
        }
    }

    fn notify_test(&self, args: &NotifyTestArgs) -> Outcome {
        let loaded = self.settings(&args.fleet, |_| {})?;
        in_runtime(Time::Wall, async {
            let outgoing = match needs_aws(&loaded.resolved.settings) {
                true => self.session(&loaded, &args.fleet, None).await?.outgoing().await?,
                false => {
                    let mut settings = loaded.resolved.settings.clone();
                    place_files(&loaded.resolved, &mut settings);
                    outgoing(&settings, None)?
                }
            };
            let by = self.user();
            notify::test(outgoing, args.channel.as_deref(), args.severity, &by, SystemClock.now()).await
        })
    }

    /// `fleetwright change …`.
    pub fn change(&self, command: &ChangeCommand) -> Outcome {
        let (ChangeCommand::Open(args) | ChangeCommand::Status(args) | ChangeCommand::Close(args)) = command;
        let (records, now) = (self.change_records(args)?, SystemClock.now());
        in_runtime(Time::Wall, async {
            let state = State::open(&args.state, &self.environment)?;
            let found: FoundRun = state.find(Some(&args.run)).await?;
            match command {
                ChangeCommand::Open(_) => notify::open(records.as_ref(), &found.run, &found.plan, now).await,
                ChangeCommand::Status(_) => notify::status(records.as_ref(), &found.run, now).await,
                ChangeCommand::Close(_) => {
                    let folded = fold(&found);
                    let told = Told {
                        run: &found.run,
                        document: &found.plan,
                        state: &folded.run,
                        records: &folded.records,
                        now,
                    };
                    let gathered = gather(&state, &found.run, found.plan.plan()).await?;
                    let record = told.record(None, gathered);
                    let over = Over {
                        run: &found.run,
                        state: &folded.run,
                        exit: record.header.exit,
                        summary: report_files::summary(&record)?,
                    };
                    notify::close(records.as_ref(), &over, self.console).await
                }
            }
        })
    }

    fn change_records(&self, args: &ChangeArgs) -> Result<Arc<dyn ChangeRecords>, CommandError> {
        let loaded = self.settings(&args.fleet, |_| {})?;
        let mut settings = loaded.resolved.settings.clone();
        place_files(&loaded.resolved, &mut settings);
        change_records(&settings)?.ok_or_else(|| {
            CommandError::new(
                &code::NO_CHANGE_SYSTEM,
                "the configuration describes no system of change records",
            )
        })
    }
}
