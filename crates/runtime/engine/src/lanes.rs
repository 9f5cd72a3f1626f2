//! Every lane of a run: who is where, when the next turn is due, and what turns report.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use fleetwright_flow::{Place, TargetId};
use fleetwright_model::Text;
use fleetwright_step::{Outcome, Reports, Slot, Step, Turn};
use futures::future::{BoxFuture, FutureExt, abortable};
use futures::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::Instrument;

use crate::company::Company;
use crate::lane::{Lane, LaneKey, NewSlot, Open};

/// A lane's place in the list of lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LaneIndex(usize);

/// What a turn says of a slot.
pub(crate) struct Report {
    pub(crate) lane: LaneIndex,
    pub(crate) target: TargetId,
    pub(crate) outcome: Outcome,
}

/// A turn that is over.
pub(crate) struct TurnEnd {
    lane: LaneIndex,
    serial: u64,
    panic: Option<String>,
}

/// A slot that a turn said nothing of, and why.
pub(crate) struct Unanswered {
    pub(crate) lane: LaneIndex,
    pub(crate) target: TargetId,
    pub(crate) why: String,
}

/// Where the outcomes of one lane's turns go.
struct Outbox {
    lane: LaneIndex,
    sender: UnboundedSender<Report>,
}

impl Reports for Outbox {
    fn report(&self, target: TargetId, outcome: Outcome) {
        // The other end is gone only when the drive is: nobody needs the outcome then.
        let _ = self.sender.send(Report { lane: self.lane, target, outcome });
    }
}

/// Every lane of a run.
pub(crate) struct Lanes {
    list: Vec<Lane>,
    /// Slots a turn takes at most.
    longest_turn: usize,
    by_key: BTreeMap<LaneKey, LaneIndex>,
    /// When idle lanes want their next turn, and per lane its entry there.
    wakes: BTreeSet<(Timestamp, LaneIndex)>,
    scheduled: Vec<Option<Timestamp>>,
    backstops: BTreeSet<(Timestamp, LaneIndex, TargetId)>,
    turns: FuturesUnordered<BoxFuture<'static, TurnEnd>>,
    serial: u64,
    sender: UnboundedSender<Report>,
    inbox: UnboundedReceiver<Report>,
    /// Where lanes are, for the spans of their turns.
    places: Vec<Place>,
}

impl Lanes {
    pub(crate) fn new(places: Vec<Place>, longest_turn: usize) -> Self {
        let (sender, inbox) = unbounded_channel();
        Self {
            list: Vec::new(),
            longest_turn,
            by_key: BTreeMap::new(),
            wakes: BTreeSet::new(),
            scheduled: Vec::new(),
            backstops: BTreeSet::new(),
            turns: FuturesUnordered::new(),
            serial: 0,
            sender,
            inbox,
            places,
        }
    }

    /// The lane of that key, made where it is new.
    pub(crate) fn find_or_add(&mut self, key: LaneKey, step: &Arc<dyn Step>) -> LaneIndex {
        *self.by_key.entry(key).or_insert_with_key(|key| {
            self.list.push(Lane::new(key.clone(), step.clone()));
            self.scheduled.push(None);
            LaneIndex(self.list.len() - 1)
        })
    }

    pub(crate) fn get(&self, lane: LaneIndex) -> &Lane {
        &self.list[lane.0]
    }

    /// Hands a slot to a lane; where it waits for company, it has since that moment.
    pub(crate) fn admit(&mut self, lane: LaneIndex, new: NewSlot, since: Timestamp) {
        self.backstops.insert((new.backstop, lane, new.slot.target));
        self.list[lane.0].admit(new, since);
        self.reschedule(lane);
    }

    /// Takes note of an outcome that leaves its slot open.
    pub(crate) fn keep_open(&mut self, report: &Report, company: Company, now: Timestamp) {
        self.list[report.lane.0].keep_open(report.target, &report.outcome, company, now);
        self.reschedule(report.lane);
    }

    /// Tells every lane in which slots wait for company who may still come, by the slot that waits longest.
    pub(crate) fn weigh(&mut self, company: impl Fn(&LaneKey, TargetId) -> Company) {
        for index in 0..self.list.len() {
            let lane = &mut self.list[index];
            let Some(first) = lane.gathering() else { continue };
            let company = company(&lane.key, first);
            lane.set_company(company);
            self.reschedule(LaneIndex(index));
        }
    }

    /// Gives a slot its time, which counts from when it was accepted.
    pub(crate) fn grant(
        &mut self,
        lane: LaneIndex,
        target: TargetId,
        deadline: Timestamp,
        backstop: Timestamp,
    ) {
        if let Some(before) = self.list[lane.0].grant(target, deadline, backstop) {
            self.backstops.remove(&(before, lane, target));
            self.backstops.insert((backstop, lane, target));
        }
    }

    /// Lets go of a slot that came to its end.
    pub(crate) fn release(&mut self, lane: LaneIndex, target: TargetId) {
        let open = self.list[lane.0].release(target);
        self.forget(lane, target, open);
    }

    /// Lets go of a slot that nobody waits for any longer.
    pub(crate) fn give_up(&mut self, lane: LaneIndex, target: TargetId) {
        let open = self.list[lane.0].give_up(target);
        self.forget(lane, target, open);
    }

    fn forget(&mut self, lane: LaneIndex, target: TargetId, open: Option<Open>) {
        if let Some(open) = open {
            self.backstops.remove(&(open.backstop, lane, target));
        }
        self.reschedule(lane);
    }

    /// Whether a turn is due.
    pub(crate) fn has_due_turns(&self, now: Timestamp) -> bool {
        self.wakes.first().is_some_and(|(at, _)| *at <= now)
    }

    /// Starts every turn that is due.
    pub(crate) fn start_turns(&mut self, now: Timestamp) {
        while let Some(&(at, lane)) = self.wakes.first()
            && at <= now
        {
            let slots = self.list[lane.0].take_turn(now, self.longest_turn);
            if slots.is_empty() {
                self.reschedule(lane);
                return;
            }
            self.start_turn(lane, slots);
        }
    }

    fn start_turn(&mut self, index: LaneIndex, slots: Vec<Slot>) {
        self.serial += 1;
        let serial = self.serial;
        let lane = &mut self.list[index.0];
        let (step, place) = (lane.step.clone(), lane.key.place);
        let outbox = Outbox { lane: index, sender: self.sender.clone() };
        let at = self.places.get(usize::from(place.0));
        let span = tracing::info_span!(
            "turn",
            turn = serial,
            step = &*lane.key.step,
            zone = at.map(|at| at.zone.as_str()),
            account = at.map(|at| at.account.as_str()),
            region = at.map(|at| at.region.as_str()),
            direction = ?lane.key.direction,
            slots = slots.len()
        );
        let (turn, abort) = abortable({
            let slots = slots.clone();
            async move { step.turn(Turn { place, slots: &slots, reports: &outbox }).await }.instrument(span)
        });
        lane.start(serial, abort, &slots);
        // A panic of a step is its own: the other lanes go on.
        let turn = AssertUnwindSafe(turn).catch_unwind().map(move |ended| TurnEnd {
            lane: index,
            serial,
            panic: ended.err().map(|payload| panic_text(&*payload)),
        });
        self.turns.push(turn.boxed());
        self.reschedule(index);
    }

    /// Lets every turn that can go on go on, without waiting.
    pub(crate) fn advance(&mut self) -> Vec<TurnEnd> {
        let mut ended = Vec::new();
        while let Some(Some(end)) = self.turns.next().now_or_never() {
            ended.push(end);
        }
        ended
    }

    /// Everything reported so far, in the order it was reported.
    pub(crate) fn reported(&mut self) -> Vec<Report> {
        std::iter::from_fn(|| self.inbox.try_recv().ok()).collect()
    }

    /// Returns with the next turn that ends, or with nothing when something was reported. Cancel-safe:
    /// what was reported before is kept in the list that is handed in.
    pub(crate) async fn stir(&mut self, reports: &mut Vec<Report>) -> Option<TurnEnd> {
        tokio::select! {
            biased;
            Some(end) = self.turns.next(), if !self.turns.is_empty() => Some(end),
            report = self.inbox.recv() => {
                reports.extend(report);
                None
            }
        }
    }

    /// Ends a turn; answers with the lane and the slots it said nothing of.
    pub(crate) fn end_turn(&mut self, end: TurnEnd) -> (LaneIndex, Vec<Unanswered>) {
        let why = end.panic.map_or_else(
            || "the step ended its turn without saying what became of this target".to_owned(),
            |panic| format!("the step panicked: {panic}"),
        );
        let unanswered = self.list[end.lane.0].end_turn(end.serial);
        self.reschedule(end.lane);
        let unanswered = unanswered
            .into_iter()
            .map(|target| Unanswered { lane: end.lane, target, why: why.clone() })
            .collect();
        (end.lane, unanswered)
    }

    /// Slots that are so late that their step should have said so long ago.
    pub(crate) fn overdue(&self, now: Timestamp) -> Vec<(LaneIndex, TargetId)> {
        self.backstops
            .iter()
            .take_while(|(at, _, _)| *at <= now)
            .map(|&(_, lane, target)| (lane, target))
            .collect()
    }

    /// Breaks off every turn under way. Whether a call in the middle took effect is not known then.
    pub(crate) fn abort(&mut self) {
        for lane in &mut self.list {
            lane.abort();
        }
    }

    /// Asks each step to cancel what is in flight there and has a handle, as far as `chosen` says.
    pub(crate) fn cancellations(
        &self,
        chosen: &BTreeSet<TargetId>,
    ) -> FuturesUnordered<BoxFuture<'static, ()>> {
        let cancellations = FuturesUnordered::new();
        for lane in &self.list {
            let slots: Vec<Slot> = lane
                .slots()
                .filter(|open| open.slot.handle.is_some() && chosen.contains(&open.slot.target))
                .map(|open| open.slot.clone())
                .collect();
            if slots.is_empty() {
                continue;
            }
            let (step, place) = (lane.step.clone(), lane.key.place);
            let cancel = async move { step.cancel(place, &slots).await };
            cancellations.push(AssertUnwindSafe(cancel).catch_unwind().map(|_| ()).boxed());
        }
        cancellations
    }

    /// The name of a lane's step.
    pub(crate) fn step_name(&self, lane: LaneIndex) -> &Text {
        &self.list[lane.0].key.step
    }

    /// When something is due without anything being reported.
    pub(crate) fn wakes_at(&self) -> Option<Timestamp> {
        let wake = self.wakes.first().map(|(at, _)| *at);
        let backstop = self.backstops.first().map(|(at, _, _)| *at);
        wake.into_iter().chain(backstop).min()
    }

    /// Whether a turn is under way.
    pub(crate) fn has_turns(&self) -> bool {
        !self.turns.is_empty()
    }

    /// Slots that have not come to their end.
    pub(crate) fn open_slots(&self) -> usize {
        self.backstops.len()
    }

    fn reschedule(&mut self, lane: LaneIndex) {
        let wakes_at = self.list[lane.0].wakes_at();
        let scheduled = &mut self.scheduled[lane.0];
        if *scheduled == wakes_at {
            return;
        }
        if let Some(before) = scheduled.take() {
            self.wakes.remove(&(before, lane));
        }
        self.wakes.extend(wakes_at.map(|at| (at, lane)));
        *scheduled = wakes_at;
    }
}

/// What a panic said, if it said anything.
fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
