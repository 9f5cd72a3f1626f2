//! What tells one host from another in the same state, and leaving it open in texts.

use jiff::{SignedDuration, Timestamp};

use crate::world::command::uuid;
use crate::world::host::view::HostView;

/// Uptimes up to each of these, in seconds, are told apart: scripts ask whether a boot is recent.
const UPTIMES: [i64; 11] = [30, 60, 120, 180, 240, 300, 600, 900, 1_800, 3_600, 86_400];

/// Begins and ends the place of an open value; no script and no tool writes it.
const MARK: char = '\u{1}';

/// How many of the values last for a boot at least, and may stand in a script's text.
const LASTING: usize = 9;

/// From this place on values are numbers, which other words may contain.
const NUMBERS: usize = 13;

/// Uptimes of fewer digits may well be equal to a number that means something else.
const TELLING_UPTIME: i64 = 10_000;

/// What tells one host from another in the same state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// The present boot's id.
    pub(super) boot: u128,
    /// The boot id before it.
    pub(super) previous: Option<u128>,
    /// The host's name.
    pub(super) hostname: String,
    /// The instance's id.
    pub(super) instance: String,
    /// The address in the subnet.
    pub(super) ip: String,
    /// The region's code, which hosts share.
    pub(super) region: String,
    /// The time.
    pub(super) now: Timestamp,
    /// Seconds since the boot.
    pub(super) uptime: i64,
}

impl Identity {
    /// The host's own.
    pub(super) fn of(view: &HostView<'_>) -> Self {
        Self {
            boot: view.instance.boot_id,
            previous: view.host.previous_boot,
            hostname: view.hostname(),
            instance: view.instance.id.to_string(),
            ip: view.instance.private_ip.to_string(),
            region: view.region_code().to_owned(),
            now: view.at,
            uptime: view.uptime_seconds(),
        }
    }

    /// Two made-up ones that scripts cannot tell from this one but by their values: the time is
    /// within the same hour, the uptime of the same length.
    pub(super) fn stand_ins(&self) -> [Self; 2] {
        let hour = self.now.as_second() - self.now.as_second().rem_euclid(3_600);
        let class = UPTIMES.partition_point(|most| self.uptime > *most);
        let (least, most) = match class {
            0 => (0, 30),
            n if n < UPTIMES.len() => (UPTIMES[n - 1] + 1, UPTIMES[n]),
            _ => (7_654_321, 9_876_543),
        };
        let at = |second| Timestamp::from_second(hour + second).unwrap_or(self.now);
        [
            Self {
                boot: 0x0a5c_a1ab_1e0a_4ca1_ab1e_0a5c_a1ab_1e0a,
                previous: self.previous.map(|_| 0x0b0a_710a_d0b0_4710_ad0b_0a71_0ad0_b0a7),
                hostname: "ip-203-0-113-94.estate-first.internal".to_owned(),
                instance: "i-0a5ca1ab1e0a5ca1a".to_owned(),
                ip: "203.0.113.94".to_owned(),
                region: self.region.clone(),
                now: at(1_277),
                uptime: least + (most - least) / 3,
            },
            Self {
                boot: 0x0dec_0ded_0dec_4ded_bdec_0ded_0dec_0ded,
                previous: self.previous.map(|_| 0x0c0f_fee0_c0ff_4ee0_80ff_ee0c_0ffe_e0c0),
                hostname: "ip-198-51-100-171.estate-second.internal".to_owned(),
                instance: "i-0decade0decade0de".to_owned(),
                ip: "198.51.100.171".to_owned(),
                region: self.region.clone(),
                now: at(2_909),
                uptime: least + (most - least) / 3 * 2 + 1,
            },
        ]
    }

    /// The time of the boot.
    pub(super) fn booted(&self) -> Timestamp {
        self.now.checked_sub(SignedDuration::from_secs(self.uptime)).unwrap_or(self.now)
    }

    /// How tools write the values, the longer before what they contain. Each has its place, so that
    /// two identities' lists correspond.
    fn values(&self) -> Vec<Option<String>> {
        let short = self.hostname.split('.').next().unwrap_or_default().to_owned();
        vec![
            Some(uuid(self.boot)),
            Some(format!("{:032x}", self.boot)),
            self.previous.map(uuid),
            self.previous.map(|boot| format!("{boot:032x}")),
            Some(self.hostname.clone()),
            Some(short),
            Some(self.instance.clone()),
            Some(self.ip.clone()),
            Some(self.ip.replace('.', "-")),
            Some(self.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            Some(self.now.strftime("%Y-%m-%dT%H:%M:%S").to_string()),
            Some(self.booted().strftime("%Y-%m-%d %H:%M:%S").to_string()),
            Some(self.booted().strftime("%Y-%m-%d %H:%M").to_string()),
            Some(self.now.as_second().to_string()),
            Some(self.booted().as_second().to_string()),
            Some(format!("{}.00", self.uptime)),
            Some(self.uptime.to_string()),
        ]
    }

    /// True where a text may say the uptime's number and mean something else.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.uptime < TELLING_UPTIME
    }

    /// Leaves open what lasts, in a script's text.
    pub(super) fn open_lasting(&self, text: &str) -> String {
        self.open_some(text, LASTING)
    }

    /// Leaves every value open.
    pub(super) fn open(&self, text: &str) -> String {
        self.open_some(text, usize::MAX)
    }

    fn open_some(&self, text: &str, most: usize) -> String {
        let mut open = text.to_owned();
        for (n, value) in self.values().iter().enumerate().take(most) {
            if let Some(value) = value
                && open.contains(value.as_str())
            {
                let place = format!("{MARK}{}{MARK}", char::from(b'a' + u8::try_from(n).unwrap_or(0)));
                open = match n < NUMBERS {
                    true => open.replace(value.as_str(), &place),
                    false => replace_words(&open, value, &place),
                };
            }
        }
        open
    }

    /// Puts the values in where they were left open.
    pub(super) fn fill(&self, open: &str) -> String {
        if !open.contains(MARK) {
            return open.to_owned();
        }
        let values = self.values();
        let mut parts = open.split(MARK);
        let mut text = parts.next().unwrap_or_default().to_owned();
        // Marks come in pairs around one letter.
        while let (Some(letter), Some(rest)) = (parts.next(), parts.next()) {
            let place = letter.bytes().next().unwrap_or(b'a').wrapping_sub(b'a');
            if let Some(Some(value)) = values.get(usize::from(place)) {
                text.push_str(value);
            }
            text.push_str(rest);
        }
        text
    }
}

/// Replaces a number where it stands alone: not within another one, a name or base64.
fn replace_words(text: &str, number: &str, by: &str) -> String {
    let within = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(number) {
        let (before, after) = (&rest[..at], &rest[at + number.len()..]);
        replaced.push_str(before);
        let begins = !before.chars().next_back().is_some_and(within);
        let ends = !after.chars().next().is_some_and(|c| within(c) || c == '=');
        // What was passed over is looked back at no more: digits before it are part of `before`.
        replaced.push_str(if begins && ends { by } else { number });
        rest = after;
        if !(begins && ends) {
            // A number goes on: none begins within it.
            let more = rest.len() - rest.trim_start_matches(within).len();
            replaced.push_str(&rest[..more]);
            rest = &rest[more..];
        }
    }
    replaced.push_str(rest);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Identity {
        Identity {
            boot: 7,
            previous: Some(9),
            hostname: "ip-10-0-0-7.eu-central-1.compute.internal".to_owned(),
            instance: "i-00123456789abcdef".to_owned(),
            ip: "10.0.0.7".to_owned(),
            region: "eu-central-1".to_owned(),
            now: "2026-11-02T10:00:40Z".parse().expect("a time"),
            uptime: 345_678,
        }
    }

    #[test]
    fn what_is_left_open_is_filled_with_the_same_or_with_another() {
        let own = own();
        let text = format!("boot={} was={} on {} at {}", uuid(7), uuid(9), own.hostname, own.now.as_second());
        let open = own.open(&text);
        assert!(!open.contains(&own.hostname));
        assert_eq!(own.fill(&open), text);
        let [first, second] = own.stand_ins();
        assert_eq!(first.open(&first.fill(&open)), open);
        assert_eq!(second.open(&second.fill(&open)), open);
    }

    #[test]
    fn a_number_is_left_open_where_it_stands_alone_and_nowhere_else() {
        let young = Identity { uptime: 40, ..own() };
        let text = "uptime_s=40\nmemory_total_mib=4000\nleft=2400 40.00 140 40% z=H4sI40abc+40/40= 404040";
        let other = Identity { uptime: 51, ..own() };
        let expected =
            "uptime_s=51\nmemory_total_mib=4000\nleft=2400 51.00 140 51% z=H4sI40abc+40/40= 404040";
        assert_eq!(other.fill(&young.open(text)), expected);
        assert!(young.is_ambiguous() && !own().is_ambiguous());
    }

    #[test]
    fn stand_ins_are_of_the_same_hour_and_length_of_uptime() {
        let young = Identity { uptime: 42, ..own() };
        for stand_in in young.stand_ins() {
            assert!((31..=60).contains(&stand_in.uptime), "{}", stand_in.uptime);
            assert_eq!(stand_in.now.as_second() / 3_600, young.now.as_second() / 3_600);
        }
    }
}
