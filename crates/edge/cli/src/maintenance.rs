//! Maintenance windows in one account and region: what is asked for is checked before anything is
//! made, and what cannot be finished is taken away.

use std::fmt;

use fleetwright_model::{Cell, ErrorClass, Failure, Partial, Text};
use fleetwright_ports::MaintenanceWindows;
use fleetwright_ports::maintenance::{
    MOST_SELECTIONS, MOST_VALUES, MaintenanceWindow, NewTask, NewWindow, Selection, WindowTarget,
};
use fleetwright_window::{Schedule, Shape, Span, Zone as TimeZone};
use jiff::{SignedDuration, Timestamp};

/// How far ahead openings are compared.
const HORIZON: SignedDuration = SignedDuration::from_hours(24 * 35);
/// Characters of a description. Source: SSM API reference, CreateMaintenanceWindow.
const LONGEST_DESCRIPTION: usize = 128;

/// A window as it is asked for, with its target and its task.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The window.
    pub window: NewWindow,
    /// Whom it goes to: all of these hold.
    pub selections: Vec<Selection>,
    /// What it does; its targets are filled in.
    pub task: NewTask,
}

/// Why a window is in the way of one that is asked for, or of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The other window.
    pub id: Text,
    /// Its name.
    pub name: Text,
    /// What is in the way.
    pub why: Clash,
}

/// What two windows have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    /// The name: nobody could tell them apart.
    Name,
    /// Both are open from then on, and may go to the same instances.
    Open(Timestamp),
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            Clash::Name => write!(f, "{} ({}) has the same name", self.id, self.name),
            Clash::Open(at) => {
                write!(
                    f,
                    "{} ({}) is open at {at} as well, and may go to the same instances",
                    self.id, self.name
                )
            }
        }
    }
}

/// What came of making a window.
#[derive(Clone, Debug)]
pub enum Made {
    /// It is there, with target and task.
    Whole {
        /// Its id.
        id: Text,
    },
    /// Nothing is there.
    Not {
        /// Why.
        failure: Failure,
    },
    /// A part is there and could not be taken away.
    Half {
        /// Its id, where it is known.
        id: Option<Text>,
        /// Why it was not finished.
        failure: Failure,
        /// Why it was not taken away.
        cleaning: Failure,
    },
}

impl Wish {
    /// Every fault of what is asked for, in words; none where the service would take it.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let window = &self.window;
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        if !(3..=128).contains(&window.name.len()) || !window.name.bytes().all(plain) {
            faults
                .push(format!("name {:?}: 3 to 128 letters, digits, _, - and . are allowed", &*window.name));
        }
        if window.description.chars().count() > LONGEST_DESCRIPTION {
            faults.push(format!("the description has more than {LONGEST_DESCRIPTION} characters"));
        }
        if !(1..=24).contains(&window.duration_hours) {
            faults.push(format!("a duration of {} h: 1 to 24 are allowed", window.duration_hours));
        } else if window.cutoff_hours >= window.duration_hours {
            let (cutoff, duration) = (window.cutoff_hours, window.duration_hours);
            faults
                .push(format!("a cutoff of {cutoff} h: it must be shorter than the duration, {duration} h"));
        } else if let Err(fault) = self.schedule() {
            faults.push(fault);
        }
        self.target_faults(&mut faults);
        for (what, rate) in [("errors", &self.task.max_errors), ("hosts at once", &self.task.max_concurrency)]
        {
            if !is_rate(rate, what == "errors") {
                faults.push(format!("{rate:?} {what}: a count or a percentage up to 100% is allowed"));
            }
        }
        faults
    }

    fn target_faults(&self, faults: &mut Vec<String>) {
        if !(1..=MOST_SELECTIONS).contains(&self.selections.len()) {
            faults.push(format!("{} targets: 1 to {MOST_SELECTIONS} are allowed", self.selections.len()));
        }
        for selection in &self.selections {
            let tag = selection.key.strip_prefix("tag:").is_some_and(|key| !key.is_empty());
            if !tag && !matches!(&*selection.key, "tag-key" | "InstanceIds") {
                faults.push(format!("target {:?}: use tag:KEY, tag-key or InstanceIds", &*selection.key));
            }
            if !(1..=MOST_VALUES).contains(&selection.values.len())
                || selection.values.iter().any(|value| value.is_empty())
            {
                let key = &selection.key;
                faults
                    .push(format!("target {key}: 1 to {MOST_VALUES} values are allowed, none of them empty"));
            }
        }
    }

    fn schedule(&self) -> Result<Schedule, String> {
        let window = &self.window;
        if !window.schedule.starts_with("cron(") && !window.schedule.starts_with("at(") {
            return Err(format!(
                "schedule {:?}: write cron(…) or at(…); rate(…) does not say when it begins",
                &*window.schedule
            ));
        }
        let zone = window.time_zone.as_deref().map(TimeZone::named).transpose();
        let zone = zone.map_err(|reason| format!("time zone: {reason}"))?;
        let hours = |hours: u32| SignedDuration::from_hours(hours.into());
        let (duration, cutoff) = (hours(window.duration_hours), hours(window.cutoff_hours));
        let shape = Shape { zone, duration: Some(duration), cutoff: Some(cutoff) };
        Schedule::parse(&window.schedule, shape).map_err(|fault| format!("schedule: {fault}"))
    }

    /// When it would be open.
    fn openings(&self, now: Timestamp) -> Vec<Span> {
        let until = now.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
        match (self.schedule(), Span::new(now, until)) {
            (Ok(schedule), Some(range)) => {
                schedule.occurrences(range).into_iter().map(|it| it.span).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// A count or a percentage; only errors may be none at all.
/// Source: SSM API reference, MaxConcurrency and MaxErrors.
fn is_rate(rate: &str, or_none: bool) -> bool {
    let (digits, most) = match rate.strip_suffix('%') {
        Some(digits) => (digits, 100),
        None => (rate, 999_999),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let number = digits.parse::<u32>().ok().filter(|number| plain && *number <= most);
    number.is_some_and(|number| or_none || number > 0)
}

/// What is in the way of a window that is asked for.
///
/// # Errors
/// The windows there are cannot all be read: nobody knows then.
pub async fn conflicts(
    port: &dyn MaintenanceWindows,
    cell: &Cell<'_>,
    wish: &Wish,
    now: Timestamp,
) -> Result<Vec<Conflict>, Failure> {
    let openings = wish.openings(now);
    let mut found = Vec::new();
    for other in whole(port.windows(cell).await)? {
        let conflict = |why| Conflict { id: other.id.clone(), name: other.name.clone(), why };
        if other.name == wish.window.name {
            found.push(conflict(Clash::Name));
        }
        if !other.enabled {
            continue;
        }
        let theirs = spans(&other, &whole(port.openings(cell, &other.id).await)?);
        if let Some(at) = first_overlap(&openings, &theirs)
            && may_share(&wish.selections, &whole(port.targets(cell, &other.id).await)?)
        {
            found.push(conflict(Clash::Open(at)));
        }
    }
    Ok(found)
}

fn whole<T>(listing: Partial<T>) -> Result<Vec<T>, Failure> {
    listing.failure.map_or(Ok(listing.items), Err)
}

fn spans(window: &MaintenanceWindow, openings: &[Timestamp]) -> Vec<Span> {
    let length = SignedDuration::from_hours(window.duration_hours.into());
    openings.iter().filter_map(|at| Span::new(*at, at.checked_add(length).ok()?)).collect()
}

fn first_overlap(ours: &[Span], theirs: &[Span]) -> Option<Timestamp> {
    let overlaps = ours.iter().flat_map(|our| theirs.iter().filter_map(|their| our.overlap(*their)));
    overlaps.map(Span::from).min()
}

/// Whether an instance may be meant by both. A host has one id, and one value of a tag: only values
/// that differ of the same key keep two targets apart.
fn may_share(selections: &[Selection], targets: &[WindowTarget]) -> bool {
    let apart = |target: &WindowTarget| {
        target.selections.iter().any(|theirs| {
            let same = selections.iter().filter(|ours| ours.key == theirs.key && &*ours.key != "tag-key");
            same.into_iter().any(|ours| !ours.values.iter().any(|value| theirs.values.contains(value)))
        })
    };
    targets.iter().any(|target| !apart(target))
}

/// Makes a window with its target and its task, or leaves nothing behind.
pub async fn make(port: &dyn MaintenanceWindows, cell: &Cell<'_>, wish: &Wish) -> Made {
    let id = match port.create_window(cell, &wish.window).await {
        Ok(id) => id,
        Err(failure) if failure.class == ErrorClass::Ambiguous => {
            return take_back(port, cell, wish, failure).await;
        }
        Err(failure) => return Made::Not { failure },
    };
    match fill(port, cell, &id, wish).await {
        Ok(()) => Made::Whole { id },
        Err(failure) => match port.delete_window(cell, &id).await {
            Ok(()) => Made::Not { failure },
            Err(cleaning) => Made::Half { id: Some(id), failure, cleaning },
        },
    }
}

async fn fill(port: &dyn MaintenanceWindows, cell: &Cell<'_>, id: &str, wish: &Wish) -> Result<(), Failure> {
    let token = format!("{}-t", wish.window.token);
    let target = port.register_target(cell, id, &wish.selections, &token).await?;
    let task = NewTask {
        targets: vec![target],
        token: format!("{}-k", wish.window.token).into(),
        ..wish.task.clone()
    };
    port.register_task(cell, id, &task).await.map(|_| ())
}

/// Nobody knows whether the window was made. No other had its name before, so one that has it now, is
/// as it was asked for and goes to nobody is ours.
async fn take_back(port: &dyn MaintenanceWindows, cell: &Cell<'_>, wish: &Wish, failure: Failure) -> Made {
    let half = |id, cleaning| Made::Half { id, failure: failure.clone(), cleaning };
    let windows = match whole(port.windows(cell).await) {
        Ok(windows) => windows,
        Err(cleaning) => return half(None, cleaning),
    };
    let asked = |it: &&MaintenanceWindow| {
        let window = &wish.window;
        (&it.name, &it.schedule, it.duration_hours, it.cutoff_hours)
            == (&window.name, &window.schedule, window.duration_hours, window.cutoff_hours)
    };
    for window in windows.iter().filter(asked) {
        let empty = match whole(port.targets(cell, &window.id).await) {
            Ok(targets) => targets.is_empty(),
            Err(cleaning) => return half(Some(window.id.clone()), cleaning),
        };
        if empty && let Err(cleaning) = port.delete_window(cell, &window.id).await {
            return half(Some(window.id.clone()), cleaning);
        }
    }
    Made::Not { failure }
}

/// What keeps a window from doing what a patch window is for, in words.
///
/// # Errors
/// It cannot be read as a whole.
pub async fn findings(
    port: &dyn MaintenanceWindows,
    cell: &Cell<'_>,
    window: &MaintenanceWindow,
    all: &[MaintenanceWindow],
) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    if !window.enabled {
        found.push("it is not enabled".to_owned());
    }
    if window.cutoff_hours >= window.duration_hours {
        found.push("nothing can start in it: its cutoff is as long as it is open".to_owned());
    }
    let openings = whole(port.openings(cell, &window.id).await)?;
    if window.enabled && openings.is_empty() {
        found.push("it never opens again".to_owned());
    }
    let targets = whole(port.targets(cell, &window.id).await)?;
    if targets.is_empty() {
        found.push("it goes to nobody: no target is registered".to_owned());
    }
    let tasks = whole(port.tasks(cell, &window.id).await)?;
    let patches = tasks.iter().filter(|task| task.runs_command && task.document.contains("Patch"));
    if patches.count() == 0 {
        found.push("it patches nothing: no task runs a patch document".to_owned());
    }
    for task in &tasks {
        let named = task.targets.iter().filter(|it| &*it.key == "WindowTargetIds").flat_map(|it| &it.values);
        for gone in named.filter(|id| !targets.iter().any(|target| target.id == **id)) {
            found.push(format!("task {} goes to target {gone}, which is not there", task.id));
        }
    }
    let ours = spans(window, &openings);
    for other in all.iter().filter(|it| it.id != window.id && it.enabled && window.enabled) {
        let theirs = spans(other, &whole(port.openings(cell, &other.id).await)?);
        let Some(at) = first_overlap(&ours, &theirs) else { continue };
        let others = whole(port.targets(cell, &other.id).await)?;
        if targets.iter().any(|target| may_share(&target.selections, &others)) {
            let why = Clash::Open(at);
            found.push(Conflict { id: other.id.clone(), name: other.name.clone(), why }.to_string());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(change: impl FnOnce(&mut Wish)) -> Wish {
        let window = NewWindow {
            name: "sunday-night".into(),
            description: "".into(),
            schedule: "cron(0 2 ? * SUN *)".into(),
            time_zone: Some("Europe/Berlin".into()),
            duration_hours: 4,
            cutoff_hours: 1,
            token: "t".into(),
        };
        let task = NewTask {
            document: "AWS-RunPatchBaseline".into(),
            parameters: Vec::new(),
            targets: Vec::new(),
            max_concurrency: "10%".into(),
            max_errors: "0".into(),
            token: "t".into(),
        };
        let selections = vec![selection("tag:Patch Group", &["web"])];
        let mut wish = Wish { window, selections, task };
        change(&mut wish);
        wish
    }

    fn selection(key: &str, values: &[&str]) -> Selection {
        Selection { key: key.into(), values: values.iter().map(|value| (*value).into()).collect() }
    }

    #[test]
    fn what_the_service_would_refuse_is_told_before_anything_is_sent() {
        assert_eq!(wish(|_| {}).faults(), Vec::<String>::new());
        type Spoil = fn(&mut Wish);
        let faulty: [(&str, Spoil); 12] = [
            ("1 to 24", |wish| wish.window.duration_hours = 25),
            ("1 to 24", |wish| wish.window.duration_hours = 0),
            ("shorter than the duration", |wish| wish.window.cutoff_hours = 4),
            ("name", |wish| wish.window.name = "no spaces".into()),
            ("name", |wish| wish.window.name = "ab".into()),
            ("does not say when it begins", |wish| wish.window.schedule = "rate(7 days)".into()),
            ("schedule", |wish| wish.window.schedule = "cron(0 2 ? * SOMEDAY *)".into()),
            ("time zone", |wish| wish.window.time_zone = Some("Mars/Olympus".into())),
            ("targets", |wish| wish.selections.clear()),
            ("tag:KEY", |wish| wish.selections[0].key = "Patch Group".into()),
            ("values", |wish| wish.selections[0].values.clear()),
            ("hosts at once", |wish| wish.task.max_concurrency = "0%".into()),
        ];
        for (word, change) in faulty {
            let faults = wish(change).faults();
            assert!(faults.len() == 1 && faults[0].contains(word), "{word}: {faults:?}");
        }
    }

    #[test]
    fn only_different_values_of_one_key_keep_two_windows_apart() {
        let target =
            |selections: &[Selection]| vec![WindowTarget { id: "t".into(), selections: selections.to_vec() }];
        let web = [selection("tag:Tier", &["web"])];
        assert!(!may_share(&web, &[]), "a window without targets goes to nobody");
        assert!(!may_share(&web, &target(&[selection("tag:Tier", &["db", "mail"])])));
        assert!(may_share(&web, &target(&[selection("tag:Tier", &["db", "web"])])));
        assert!(may_share(&web, &target(&[selection("tag:Stage", &["prod"])])), "a host may have both tags");
        assert!(may_share(&web, &target(&[selection("tag-key", &["Tier"])])));
        let both = [selection("tag:Stage", &["prod"]), selection("tag:Tier", &["db"])];
        assert!(!may_share(&web, &target(&both)), "all selections of a target hold");
    }
}
