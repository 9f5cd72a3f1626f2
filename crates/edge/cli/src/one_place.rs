//! Commands on a service in one account and region: what they work with, and how they show what they did.

use std::sync::Arc;

use fleetwright_aws::{Aws, connect};
use fleetwright_clock::SystemClock;
use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{Exit, RoleArn, code};
use fleetwright_ports::Clock;
use fleetwright_report::safe;
use fleetwright_report::text::time;
use serde_json::Value;

use crate::app::{App, Outcome, Time, in_runtime};
use crate::args::{PlaceArgs, PlaceChangeArgs};
use crate::cells::{self, Place};
use crate::console::{self, Console};
use crate::failure::CommandError;
use crate::fleet;
use crate::on_record::{OnRecord, nobody_approves};

/// What the commands work with.
pub struct OnePlace {
    /// AWS, or what stands in for it; where something is changed, on the record.
    pub aws: Aws,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The account and region.
    pub place: Place,
    /// Whether nothing is to be changed.
    pub dry_run: bool,
    /// The form of standard output.
    pub format: OutputFormat,
    /// The terminal.
    pub console: Console,
}

impl App {
    /// Works in the one account and region that is named. What a command changes stands in the audit log of
    /// commands under its name, whose head is signed in the end.
    ///
    /// # Errors
    /// Settings cannot be used, not one place is named, or those of the work.
    pub fn in_one_place(
        &self,
        args: &PlaceArgs,
        change: Option<(&PlaceChangeArgs, &'static str)>,
        work: impl AsyncFnOnce(OnePlace) -> Outcome,
    ) -> Outcome {
        let loaded = self.settings(&args.fleet, |flags| {
            flags.output(args.output);
            if change.is_some_and(|(change, _)| change.dry_run) {
                flags.set("--dry-run", "safety.dry_run", "true");
            }
        })?;
        let fleet = self.fleet(&loaded, &args.fleet)?;
        let mut options = fleet::aws_options(&loaded.resolved)?;
        let settings = loaded.resolved.settings;
        let dry_run = settings.safety.dry_run;
        options.dry_run = dry_run;
        in_runtime(Time::Wall, async {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let mut aws = connect(options, Arc::clone(&clock)).await;
            let place = only(cells::places(&aws, clock.as_ref(), &fleet, 1).await)?;
            let on_record = match change.filter(|_| !dry_run) {
                Some((change, name)) => {
                    let state = self.state(&change.state).await?;
                    let on_record = OnRecord::of_commands(&state, self.user());
                    aws = aws.on_behalf(on_record.behalf(name, &nobody_approves()));
                    Some(on_record)
                }
                None => None,
            };
            let (format, console) = (settings.output.format, self.console);
            let at = OnePlace { aws, clock: Arc::clone(&clock), place, dry_run, format, console };
            let outcome = work(at).await;
            if let Some(on_record) = on_record {
                on_record.sign(clock.now()).await?;
            }
            outcome
        })
    }
}

/// The one place there is.
fn only((places, lost): (Vec<Place>, Vec<String>)) -> Result<Place, CommandError> {
    let count = places.len();
    match <[Place; 1]>::try_from(places) {
        Ok([place]) if lost.is_empty() => Ok(place),
        _ => {
            let message =
                format!("{count} accounts and regions are meant, and {} cannot be entered", lost.len());
            Err(CommandError { details: lost, ..CommandError::new(&code::PARAMETER_PLACE, message) })
        }
    }
}

/// Writes rows to standard output, each in words or as JSON.
///
/// # Errors
/// Standard output cannot be written.
pub fn tell(
    format: OutputFormat,
    rows: impl IntoIterator<Item = Value>,
    in_words: impl Fn(&Value) -> String,
) -> Result<Exit, CommandError> {
    let rows: Vec<Value> = rows.into_iter().collect();
    match format {
        OutputFormat::Text => console::write_text(&rows.iter().map(in_words).collect::<String>())?,
        OutputFormat::Json => console::write_text(&format!("{:#}\n", Value::from(rows)))?,
        OutputFormat::Jsonl => {
            console::write_data(|out| rows.iter().try_for_each(|row| writeln!(out, "{row}")))?;
        }
    }
    Ok(Exit::Success)
}

/// A text of a row, on one line and without what moves a cursor.
pub fn text(row: &Value, name: &str) -> String {
    safe::line(row[name].as_str().unwrap_or_default()).into_owned()
}

/// A moment of a row, for people.
pub fn moment(row: &Value, name: &str) -> String {
    row[name].as_str().and_then(|at| at.parse().ok()).map(time).unwrap_or_default()
}

/// What was changed, or would be, in words: "would update nightly".
pub fn change(row: &Value) -> String {
    let would = if row["done"] == false { "would " } else { "" };
    format!("{would}{} {}\n", text(row, "change"), text(row, "name"))
}

impl OnePlace {
    /// The ARN of a role that is given by ARN, or by its name in this account.
    ///
    /// # Errors
    /// It is neither.
    pub fn role(&self, text: &str) -> Result<String, CommandError> {
        let role = match text.starts_with("arn:") {
            true => RoleArn::new(text),
            false => RoleArn::from_name(self.place.region.partition(), &self.place.zone.account, text),
        };
        role.map(String::from)
            .map_err(|invalid| CommandError::new(&code::USAGE, format!("--role: {invalid}")))
    }
}
