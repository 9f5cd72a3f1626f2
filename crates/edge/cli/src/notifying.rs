//! `fleetwright notify …` and `fleetwright change …`, put together.

use std::sync::Arc;

use fleetwright_clock::SystemClock;
use fleetwright_model::code;
use fleetwright_ports::{ChangeRecords, Clock};

use crate::app::{App, Outcome, Time, in_runtime};
use crate::args::{ChangeArgs, ChangeCommand, NotifyCommand, NotifyTestArgs};
use crate::commands::bundle::packed;
use crate::commands::notify::{self, Over};
use crate::commands::runs::fold;
use crate::driving::Told;
use crate::evidence::gather;
use crate::failure::CommandError;
use crate::on_record::OnRecord;
use crate::outgoing::{Outgoing, change_records, needs_aws, outgoing, place_files};
use crate::report_files;
use crate::state::FoundRun;

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
            match needs_aws(&loaded.resolved.settings) {
                true => {
                    let state = self.state(&args.state).await?;
                    let on_record = OnRecord::of_commands(&state, self.user());
                    let session = self.session(&loaded, &args.fleet, None).await?;
                    let outgoing = session.outgoing(&on_record).await?;
                    let sent = self.notify_now(outgoing, args).await;
                    on_record.sign(SystemClock.now()).await?;
                    sent
                }
                false => {
                    let mut settings = loaded.resolved.settings.clone();
                    place_files(&loaded.resolved, &mut settings);
                    self.notify_now(outgoing(&settings, None)?, args).await
                }
            }
        })
    }

    async fn notify_now(&self, outgoing: Option<Outgoing>, args: &NotifyTestArgs) -> Outcome {
        let by = self.user();
        notify::test(outgoing, args.channel.as_deref(), args.severity, &by, SystemClock.now()).await
    }

    /// `fleetwright change …`.
    pub fn change(&self, command: &ChangeCommand) -> Outcome {
        let (ChangeCommand::Open(args) | ChangeCommand::Status(args) | ChangeCommand::Close(args)) = command;
        let (records, now) = (self.change_records(args)?, SystemClock.now());
        in_runtime(Time::Wall, async {
            let state = self.state(&args.state).await?;
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
                        evidence: packed(&state, &found).await?,
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
