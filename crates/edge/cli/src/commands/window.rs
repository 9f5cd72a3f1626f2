//! `fleetwright window create|list|verify|delete`: Systems Manager's own maintenance windows.

use std::sync::Arc;

use fleetwright_aws::{Aws, connect};
use fleetwright_clock::SystemClock;
use fleetwright_config::Settings;
use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{Cell, Code, Exit, code};
use fleetwright_ports::maintenance::{MaintenanceWindow, NewTask, NewWindow, Selection};
use fleetwright_ports::{Clock, MaintenanceWindows};
use fleetwright_report::safe;
use fleetwright_report::text::time;
use fleetwright_survey::Fleet;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::app::{App, Outcome, Time, in_runtime};
use crate::args::{WindowCommand, WindowCreateArgs, WindowOperation, WindowReboot};
use crate::cells::{self, Place};
use crate::console::{self, Console};
use crate::failure::CommandError;
use crate::fleet;
use crate::maintenance::{Clash, Made, Wish, conflicts, findings, make};
use crate::on_record::{OnRecord, nobody_approves};

/// What the commands on windows work with.
pub struct Windows {
    /// AWS, or what stands in for it.
    pub aws: Aws,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The landing zones that are meant.
    pub fleet: Fleet,
    /// The settings.
    pub settings: Settings,
    /// The form of standard output.
    pub format: OutputFormat,
    /// The terminal.
    pub console: Console,
}

impl App {
    /// `fleetwright window …`.
    pub fn window(&self, command: &WindowCommand) -> Outcome {
        let args = command.args();
        let loaded = self.settings(&args.fleet, |flags| {
            flags.output(args.output);
            if command.dry_run() {
                flags.set("--dry-run", "safety.dry_run", "true");
            }
        })?;
        let fleet = self.fleet(&loaded, &args.fleet)?;
        let mut options = fleet::aws_options(&loaded.resolved)?;
        let settings = loaded.resolved.settings;
        options.dry_run = settings.safety.dry_run;
        in_runtime(Time::Wall, async {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let mut aws = connect(options, Arc::clone(&clock)).await;
            let on_record = match command.on_record() {
                Some((state, reason)) => {
                    let state = self.state(state).await?;
                    let on_record = OnRecord::of_commands(&state, self.user());
                    aws = aws.on_behalf(on_record.behalf(reason, &nobody_approves()));
                    Some(on_record)
                }
                None => None,
            };
            let windows = Windows {
                aws,
                clock: Arc::clone(&clock),
                fleet,
                format: settings.output.format,
                settings,
                console: self.console,
            };
            let outcome = match command {
                WindowCommand::Create(args) => windows.create(args).await,
                WindowCommand::List(_) => windows.list().await,
                WindowCommand::Verify { window, .. } => windows.verify(window.as_deref()).await,
                WindowCommand::Delete(named) => windows.delete(&named.window).await,
            };
            if let Some(on_record) = on_record {
                on_record.sign(clock.now()).await?;
            }
            outcome
        })
    }
}

impl Windows {
    /// Makes a window everywhere, once it was checked everywhere.
    ///
    /// # Errors
    /// What is asked for is not possible or in conflict, somewhere cannot be looked at (nothing is made
    /// then), or it could not be made somewhere.
    pub async fn create(&self, args: &WindowCreateArgs) -> Result<Exit, CommandError> {
        let wish = self.wish(args)?;
        let faults = wish.faults();
        if let Some(first) = faults.first() {
            let error =
                CommandError::new(&code::WINDOW_INVALID, format!("{}: {first}", safe::line(&args.name)));
            return Err(CommandError { details: faults, ..error });
        }
        let (places, lost) = self.places().await;
        let (now, wish) = (self.clock.now(), &wish);
        let looked = self.each(&places, async |cell| conflicts(&self.aws, &cell, wish, now).await).await;
        let mut blind: Vec<String> = lost;
        let (mut clashes, mut same_name) = (Vec::new(), false);
        for (place, found) in places.iter().zip(looked) {
            match found {
                Ok(found) => {
                    same_name |= found.iter().any(|conflict| conflict.why == Clash::Name);
                    let name = place.name();
                    clashes.extend(found.iter().map(|it| safe::line(&format!("{name}: {it}")).into_owned()));
                }
                Err(failure) => blind.push(place.lost(&failure)),
            }
        }
        if !blind.is_empty() {
            return Err(several(
                &code::WINDOW_UNREADABLE,
                "nothing was made: not everything can be seen",
                blind,
            ));
        }
        if same_name || !(clashes.is_empty() || args.despite_conflicts) {
            return Err(several(&code::WINDOW_CONFLICT, &safe::line(&args.name), clashes));
        }
        clashes.iter().for_each(|clash| self.console.note(&format!("in spite of: {clash}")));
        if self.settings.safety.dry_run {
            let rows = places.iter().map(|place| (place, json!({ "name": args.name, "made": false })));
            self.tell(rows, |_| "would be made".to_owned())?;
            return Ok(Exit::Success);
        }
        let made = self.each(&places, async |cell| make(&self.aws, &cell, wish).await).await;
        self.made(&places, &made)
    }

    fn made(&self, places: &[Place], made: &[Made]) -> Result<Exit, CommandError> {
        let ids = places.iter().zip(made).filter_map(|(place, made)| match made {
            Made::Whole { id } => Some((place, json!({ "id": id, "made": true }))),
            _ => None,
        });
        self.tell(ids, |row| format!("{} is made", row["id"].as_str().unwrap_or_default()))?;
        let (mut not, mut half, mut first) = (Vec::new(), Vec::new(), None);
        for (place, made) in places.iter().zip(made) {
            match made {
                Made::Whole { .. } => {}
                Made::Not { failure } => {
                    first.get_or_insert(failure.code);
                    not.push(place.lost(failure));
                }
                Made::Half { id, failure, cleaning } => {
                    let id = id.as_deref().unwrap_or("of unknown id");
                    half.push(format!(
                        "{}; window {id} is left: {cleaning} [{}]",
                        place.lost(failure),
                        cleaning.code.id
                    ));
                }
            }
        }
        let whole = made.len() - not.len() - half.len();
        let message = format!("made in {whole} of {} places", made.len());
        match (half.is_empty(), first) {
            (false, _) => Err(several(&code::WINDOW_HALF_MADE, &message, [half, not].concat())),
            (true, None) => Ok(Exit::Success),
            (true, Some(cause)) if whole == 0 => Err(several(cause, &message, not)),
            (true, Some(_)) => Err(several(&code::WINDOW_NOT_EVERYWHERE, &message, not)),
        }
    }

    /// Lists the windows there are.
    ///
    /// # Errors
    /// Some cannot be read; the others are shown.
    pub async fn list(&self) -> Result<Exit, CommandError> {
        let (found, lost) = self.found(None).await;
        let rows = found.iter().flat_map(|(place, windows)| windows.iter().map(move |it| (place, row(it))));
        self.tell(rows, told)?;
        match lost.is_empty() {
            true if found.iter().all(|(_, windows)| windows.is_empty()) => {
                self.console.note("there are no maintenance windows");
                Ok(Exit::Success)
            }
            true => Ok(Exit::Success),
            false => Err(several(&code::WINDOW_UNREADABLE, "some windows are not listed", lost)),
        }
    }

    /// Says what keeps windows from doing what they are for.
    ///
    /// # Errors
    /// There is something, there is no such window, or windows cannot be read.
    pub async fn verify(&self, wanted: Option<&str>) -> Result<Exit, CommandError> {
        let (found, mut lost) = self.found(None).await;
        let (mut unfit, mut rows) = (0_usize, Vec::new());
        for (place, all) in &found {
            for window in all.iter().filter(|it| wanted.is_none_or(|wanted| is_meant(it, wanted))) {
                match findings(&self.aws, &place.cell(), window, all).await {
                    Ok(findings) => {
                        unfit += usize::from(!findings.is_empty());
                        let mut row = row(window);
                        row["findings"] = findings.into();
                        rows.push((place, row));
                    }
                    Err(failure) => lost.push(place.lost(&failure)),
                }
            }
        }
        let seen = rows.len();
        self.tell(rows, |row| {
            let findings = row["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
            let lines = findings.iter().filter_map(Value::as_str);
            let lines = lines.map(|finding| format!("\n    {}", safe::line(finding))).collect::<String>();
            format!("{}{}", told(row), if lines.is_empty() { "\n    fit".to_owned() } else { lines })
        })?;
        if unfit > 0 {
            let message = format!("{unfit} of {seen} windows would not do what they are for");
            return Err(several(&code::WINDOW_UNFIT, &message, lost));
        }
        if !lost.is_empty() {
            return Err(several(&code::WINDOW_UNREADABLE, "some windows are not verified", lost));
        }
        match (seen, wanted) {
            (0, Some(wanted)) => Err(none(wanted)),
            _ => Ok(Exit::Success),
        }
    }

    /// Deletes the windows of a name, or the one of an id.
    ///
    /// # Errors
    /// There is none, windows cannot be read (nothing is deleted then), or some cannot be deleted.
    pub async fn delete(&self, wanted: &str) -> Result<Exit, CommandError> {
        let (found, lost) = self.found(Some(wanted)).await;
        if !lost.is_empty() {
            let message = "nothing was deleted: not everything can be seen";
            return Err(several(&code::WINDOW_UNREADABLE, message, lost));
        }
        let meant: Vec<(&Place, &MaintenanceWindow)> =
            found.iter().flat_map(|(place, windows)| windows.iter().map(move |it| (place, it))).collect();
        if meant.is_empty() {
            return Err(none(wanted));
        }
        if self.settings.safety.dry_run {
            self.tell(meant.iter().map(|(place, it)| (*place, row(it))), |row| {
                format!("{}: would be deleted", told(row))
            })?;
            return Ok(Exit::Success);
        }
        let (mut deleted, mut failed) = (Vec::new(), Vec::new());
        for (place, window) in &meant {
            match self.aws.delete_window(&place.cell(), &window.id).await {
                Ok(()) => deleted.push((*place, row(window))),
                Err(failure) => failed.push(place.lost(&failure)),
            }
        }
        let message = format!("deleted {} of {} windows", deleted.len(), meant.len());
        self.tell(deleted, |row| format!("{}: deleted", told(row)))?;
        match failed.is_empty() {
            true => Ok(Exit::Success),
            false => Err(several(&code::WINDOW_NOT_EVERYWHERE, &message, failed)),
        }
    }

    fn wish(&self, args: &WindowCreateArgs) -> Result<Wish, CommandError> {
        let now = self.clock.now().as_nanosecond().to_be_bytes();
        let hash = Sha256::new_with_prefix(b"maintenance window").chain_update(now);
        let hash = hash.chain_update(args.name.as_bytes()).finalize();
        let token: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let configured = &self.settings.phases.patch.document;
        let document = args.document.as_ref().or(configured.as_ref()).map_or("AWS-RunPatchBaseline", |it| it);
        let operation = match args.operation {
            WindowOperation::Install => "Install",
            WindowOperation::Scan => "Scan",
        };
        let reboot = match args.reboot {
            WindowReboot::IfNeeded => "RebootIfNeeded",
            WindowReboot::Never => "NoReboot",
        };
        // All hosts of one opening get the same patches: Systems Manager user guide, "About the
        // AWS-RunPatchBaseline SSM document", Snapshot ID.
        let parameters =
            [("Operation", operation), ("RebootOption", reboot), ("SnapshotId", "{{WINDOW_EXECUTION_ID}}")];
        Ok(Wish {
            window: NewWindow {
                name: args.name.as_str().into(),
                description: args.description.as_str().into(),
                schedule: args.schedule.as_str().into(),
                time_zone: args.time_zone.as_deref().map(Into::into),
                duration_hours: args.duration,
                cutoff_hours: args.cutoff,
                token: token.as_str().into(),
            },
            selections: args.targets.iter().map(|text| selection(text)).collect::<Result<_, _>>()?,
            task: NewTask {
                document: document.into(),
                parameters: parameters
                    .map(|(name, value)| (name.into(), vec![value.to_owned()]))
                    .into_iter()
                    .collect(),
                targets: Vec::new(),
                max_concurrency: args.max_concurrency.as_str().into(),
                max_errors: args.max_errors.as_str().into(),
                token: token.as_str().into(),
            },
        })
    }

    /// Every account and region that is meant, and those that cannot be entered.
    async fn places(&self) -> (Vec<Place>, Vec<String>) {
        cells::places(&self.aws, self.clock.as_ref(), &self.fleet, self.width()).await
    }

    fn width(&self) -> usize {
        (self.settings.scan.max_concurrent_regions as usize).max(1)
    }

    /// Does something everywhere, a few places at a time; the results are in the order of the places.
    async fn each<T>(&self, places: &[Place], work: impl AsyncFn(Cell<'_>) -> T) -> Vec<T> {
        let work = &work;
        stream::iter(places)
            .map(|place| async move { work(place.cell()).await })
            .buffered(self.width())
            .collect()
            .await
    }

    /// The windows of that name or id, or all, place by place, and the places that cannot be read.
    async fn found(&self, wanted: Option<&str>) -> (Vec<(Place, Vec<MaintenanceWindow>)>, Vec<String>) {
        let (places, mut lost) = self.places().await;
        let listed = self.each(&places, async |cell| self.aws.windows(&cell).await).await;
        let mut found = Vec::new();
        for (place, listing) in places.into_iter().zip(listed) {
            lost.extend(listing.failure.iter().map(|failure| place.lost(failure)));
            let mut windows = listing.items;
            windows.retain(|window| wanted.is_none_or(|wanted| is_meant(window, wanted)));
            found.push((place, windows));
        }
        (found, lost)
    }

    /// Writes one row for each to standard output.
    fn tell<'p>(
        &self,
        rows: impl IntoIterator<Item = (&'p Place, Value)>,
        text: impl Fn(&Value) -> String,
    ) -> Result<(), CommandError> {
        let mut lines = String::new();
        let mut data = Vec::new();
        for (place, mut row) in rows {
            match self.format {
                OutputFormat::Text => lines.push_str(&format!("{}  {}\n", place.name(), text(&row))),
                OutputFormat::Json | OutputFormat::Jsonl => {
                    row["landing_zone"] = place.zone.name.as_str().into();
                    row["account"] = place.zone.account.as_str().into();
                    row["region"] = place.region.as_str().into();
                    data.push(row);
                }
            }
        }
        match self.format {
            OutputFormat::Text => console::write_text(&lines),
            OutputFormat::Json => console::write_text(&format!("{}\n", Value::from(data))),
            OutputFormat::Jsonl => {
                console::write_data(|out| data.iter().try_for_each(|row| writeln!(out, "{row}")))
            }
        }
    }
}

fn is_meant(window: &MaintenanceWindow, wanted: &str) -> bool {
    *window.name == *wanted || *window.id == *wanted
}

fn none(wanted: &str) -> CommandError {
    CommandError::new(&code::NO_SUCH_WINDOW, format!("no window has the name or id {wanted:?}"))
}

fn several(code: &'static Code, message: &str, details: Vec<String>) -> CommandError {
    CommandError { details, ..CommandError::new(code, message) }
}

/// `tag:Tier=web|db` and its like.
fn selection(text: &str) -> Result<Selection, CommandError> {
    let (key, values) = text.split_once('=').ok_or_else(|| {
        CommandError::new(&code::USAGE, format!("--target takes KEY=VALUE|VALUE, not {text:?}"))
    })?;
    Ok(Selection { key: key.into(), values: values.split('|').map(Into::into).collect() })
}

fn row(window: &MaintenanceWindow) -> Value {
    json!({
        "id": window.id,
        "name": window.name,
        "enabled": window.enabled,
        "schedule": window.schedule,
        "time_zone": window.time_zone,
        "duration_hours": window.duration_hours,
        "cutoff_hours": window.cutoff_hours,
        "next": window.next,
    })
}

fn told(row: &Value) -> String {
    let text = |name: &str| safe::line(row[name].as_str().unwrap_or_default()).into_owned();
    let next = row["next"].as_str().and_then(|next| next.parse().ok());
    let next = next.map_or("never again".to_owned(), time);
    let zone = row["time_zone"].as_str().unwrap_or("UTC");
    let enabled = if row["enabled"] == true { "" } else { ", not enabled" };
    format!(
        "{}  {}  {} {}, {} h, cutoff {} h, next {next}{enabled}",
        text("id"),
        text("name"),
        text("schedule"),
        safe::line(zone),
        row["duration_hours"],
        row["cutoff_hours"]
    )
}
