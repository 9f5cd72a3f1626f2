//! What changes the table. Each change is conditional on what was read before it, and may be sent again: whoever
//! finds that it has been made already, by itself, goes on.

use fleetwright_flow::{Epoch, Record, Sequence};
use fleetwright_journal::{Letter, Mail, encode, encode_mail};
use fleetwright_ports::journal::{Standing, is_spent};
use fleetwright_ports::{Delivery, HandOver, JournalError, RunId};
use jiff::Timestamp;
use miniz_oxide::deflate::compress_to_vec;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::lock::lock;

use super::item::{self, HEAD, MAIL, RUNS, key, records_key};
use super::table::Refused;
use super::{DynamoJournal, Held, Lease};

/// Records of one item at most.
pub(super) const MOST_RECORDS: usize = 1_000;
/// Bytes of one item at most, of the 400 KB that DynamoDB takes; the rest is for its other attributes.
pub(super) const MOST_BYTES: usize = 380 * 1_000;
/// Letters are decisions of people: more bytes than this are none.
const MOST_MAIL: usize = 300 * 1_000;
/// How hard what is stored is compressed, of 10.
pub(super) const LEVEL: u8 = 6;
/// How often a change is tried where others change the same item.
pub(super) const TRIES: usize = 8;

/// The SHA-256 of a document, in hexadecimal.
pub(super) fn digest(document: &[u8]) -> String {
    Sha256::digest(document).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl DynamoJournal {
    pub(super) async fn make(&self, run: &RunId, plan: &[u8], at: Timestamp) -> Result<(), JournalError> {
        let (digest, expires) = (digest(plan), self.table.expires(at));
        let packed = compress_to_vec(plan, LEVEL);
        let pieces = packed.chunks(MOST_BYTES);
        let count = pieces.len();
        for (number, piece) in pieces.enumerate() {
            let fields = json!({ "bytes": item::bytes(piece), "expires": expires });
            self.table.put(key(run, &format!("plan#{digest}#{number:04}")), fields).await?;
        }
        let listed = json!({ "run": item::text(RUNS), "item": item::text(format!("{at:.9}#{run}")) });
        self.table.put(listed, json!({ "name": item::text(run.as_str()), "expires": expires })).await?;
        let head = json!({
            "created_at": item::text(at.to_string()),
            "plan": item::text(&digest),
            "pieces": item::number(count),
            "epoch": item::number(0),
            "last": item::number(0),
            "claims": item::number(0),
            "expires": expires,
        });
        match self.table.put_new(key(run, HEAD), head).await {
            Ok(()) => Ok(()),
            Err(Refused::Condition) => {
                let found = self.head(run).await?;
                // The answer to the same request was lost, and it was sent again.
                let ours = found.created_at == at && found.plan == digest && found.claims == 0;
                if ours { Ok(()) } else { Err(JournalError::RunExists { run: run.as_str().into() }) }
            }
            Err(Refused::Error(error)) => Err(error),
        }
    }

    pub(super) async fn take(&self, run: &RunId, owner: &str) -> Result<Lease, JournalError> {
        for _ in 0..TRIES {
            let head = self.head(run).await?;
            let now = self.table.now();
            if let Some(owner) = head.held_by(now) {
                return Err(JournalError::Owned { owner: owner.clone() });
            }
            let epoch = match head.left {
                Some(_) => Some(head.epoch),
                None => head.epoch.checked_add(1),
            };
            let epoch = epoch.ok_or_else(|| self.table.damaged("its epoch is the largest there is"))?;
            let (claims, until) = (head.claims + 1, self.table.lease_ends());
            let change =
                "SET #epoch = :epoch, #claims = :claims, #holder = :holder, #until = :until REMOVE #left";
            let values = json!({
                ":epoch": item::number(epoch),
                ":claims": item::number(claims),
                ":holder": item::text(owner),
                ":until": item::number(until),
                ":before": item::number(head.claims),
            });
            let taken = match self.table.update(key(run, HEAD), change, "#claims = :before", values).await {
                Ok(()) => true,
                Err(Refused::Condition) => self.head(run).await?.is_claim(claims, epoch, owner, until),
                Err(Refused::Error(error)) => return Err(error),
            };
            if taken {
                lock(&self.claims).insert(run.clone(), Held { epoch: Epoch(epoch), claims });
                return Ok(Lease { epoch: Epoch(epoch), left: head.left });
            }
        }
        Err(Refused::Condition.into())
    }

    pub(super) async fn write(
        &self,
        run: &RunId,
        epoch: Epoch,
        after: Sequence,
        records: &[Record],
    ) -> Result<(), JournalError> {
        let place = self.table.place();
        let Some(last) = records.last() else {
            return self.head(run).await?.standing().admit(epoch, after, records, &place);
        };
        // What does not follow is never put; whether it is still ours, the head's condition says.
        if lock(&self.claims).get(run).is_none_or(|claim| claim.epoch != epoch) {
            // Nothing is put under an epoch that this process does not hold.
            self.head(run).await?.standing().admit(epoch, after, records, &place)?;
        }
        Standing { epoch: epoch.0, last: after.0 }.admit(epoch, after, records, &place)?;
        let expires = self.table.expires(self.table.now());
        for piece in pieces(records) {
            let first = piece.records[0].seq.0;
            let fields = json!({
                "first": item::number(first),
                "bytes": item::bytes(&piece.packed),
                "expires": expires,
            });
            self.table.put(key(run, &records_key(first, epoch.0)), fields).await?;
        }
        let values = json!({
            ":epoch": item::number(epoch.0),
            ":after": item::number(after.0),
            ":last": item::number(last.seq.0),
            ":tail": item::bytes(&encode(std::slice::from_ref(last))),
            ":until": item::number(self.table.lease_ends()),
            ":expires": expires,
        });
        let change = "SET #last = :last, #tail = :tail, #until = :until, #expires = :expires";
        match self.table.update(key(run, HEAD), change, "#epoch = :epoch AND #last = :after", values).await {
            Ok(()) => Ok(()),
            Err(Refused::Condition) => {
                let head = self.head(run).await?;
                // Nobody else writes under this epoch: it was this append, and its answer was lost.
                if (head.epoch, head.last) == (epoch.0, last.seq.0) {
                    return Ok(());
                }
                head.standing().admit(epoch, after, records, &place)
            }
            Err(Refused::Error(error)) => Err(error),
        }
    }

    pub(super) async fn give_back(
        &self,
        run: &RunId,
        epoch: Epoch,
        last: Sequence,
        left: &HandOver,
    ) -> Result<(), JournalError> {
        let written = serde_json::to_string(left).map_err(|error| self.table.damaged(error.to_string()))?;
        let claim = lock(&self.claims).get(run).copied().filter(|claim| claim.epoch == epoch);
        let Some(Held { claims, .. }) = claim else {
            self.head(run).await?.standing().admit(epoch, last, &[], &self.table.place())?;
            let cause = format!("this process does not hold epoch {} of {run}", epoch.0).into();
            return Err(JournalError::Refused { place: self.table.place(), cause });
        };
        let values = json!({
            ":epoch": item::number(epoch.0),
            ":last": item::number(last.0),
            ":claims": item::number(claims),
            ":left": item::text(&written),
        });
        let change = "SET #left = :left REMOVE #holder, #until";
        let condition = "#epoch = :epoch AND #last = :last AND #claims = :claims";
        match self.table.update(key(run, HEAD), change, condition, values).await {
            Ok(()) => Ok(()),
            Err(Refused::Condition) => {
                self.head(run).await?.standing().admit(epoch, last, &[], &self.table.place())?;
                // Somebody has claimed it since: it was given back, and the answer was lost.
                Ok(())
            }
            Err(Refused::Error(error)) => Err(error),
        }
    }

    pub(super) async fn put_letter(&self, run: &RunId, letter: &Letter) -> Result<Delivery, JournalError> {
        self.head(run).await?;
        let body = encode_mail(letter);
        for _ in 0..TRIES {
            let letters = self.letters(run).await?;
            if is_spent(&letters, letter) {
                return Ok(Delivery::Spent);
            }
            let there: usize = letters.iter().map(|it| encode_mail(&as_sent(it)).len()).sum();
            if there + body.len() > MOST_MAIL {
                let cause = format!("the mailbox of {run} holds {} letters", letters.len()).into();
                return Err(JournalError::Full { place: self.table.place(), cause });
            }
            let number = letters.len() as u64 + 1;
            match self.add_letter(run, &body, number).await {
                Ok(()) => return Ok(Delivery::Taken(number)),
                // Somebody else's letter came first, or this one did and the answer was lost.
                Err(Refused::Condition) => {
                    let there = self.letters(run).await?;
                    if there.iter().any(|it| it.number == number && as_sent(it) == *letter) {
                        return Ok(Delivery::Taken(number));
                    }
                }
                Err(Refused::Error(error)) => return Err(error),
            }
        }
        Err(Refused::Condition.into())
    }

    /// Adds a letter where it becomes the one of that number.
    async fn add_letter(&self, run: &RunId, letter: &[u8], number: u64) -> Result<(), Refused> {
        let change = "SET #letters = list_append(if_not_exists(#letters, :none), :letter), \
                      #number = :number, #expires = :expires";
        let mut values = json!({
            ":none": { "L": [] },
            ":letter": { "L": [item::bytes(letter)] },
            ":number": item::number(number),
            ":expires": self.table.expires(self.table.now()),
        });
        let condition = match number {
            1 => "attribute_not_exists(#number)",
            _ => {
                values[":before"] = item::number(number - 1);
                "#number = :before"
            }
        };
        self.table.update(key(run, MAIL), change, condition, values).await
    }
}

/// A letter as whoever left it wrote it.
fn as_sent(mail: &Mail) -> Letter {
    let Mail { number: _, at, signal, by, reason, basis, once } = mail.clone();
    Letter { at, signal, by, reason, basis, once }
}

/// Records of one item.
struct Piece<'a> {
    records: &'a [Record],
    packed: Vec<u8>,
}

/// Records in pieces that fit into an item each.
fn pieces(records: &[Record]) -> Vec<Piece<'_>> {
    let pieces = records.chunks(MOST_RECORDS).flat_map(|records| {
        let packed = compress_to_vec(&encode(records), LEVEL);
        match packed.len() > MOST_BYTES && records.len() > 1 {
            true => {
                let (first, second) = records.split_at(records.len() / 2);
                [pieces(first), pieces(second)].into_iter().flatten().collect()
            }
            false => vec![Piece { records, packed }],
        }
    });
    pieces.collect()
}
