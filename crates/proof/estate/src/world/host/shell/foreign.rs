//! Other hosts' ids and boots in a script's text, left open as well: a script that is sent to fifty
//! hosts may list all of them, and is the same script but for the place of one's own entry.

/// Begins and ends the place of an open value; no script and no tool writes it.
const MARK: char = '\u{2}';

/// Values in the order of their first appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Foreign {
    values: Vec<String>,
}

/// Lengths of the groups of a UUID.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// The length of the instance id or UUID that a text begins with; 0 where it begins with neither.
fn value_length(text: &str) -> usize {
    let hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if text.get(..19).is_some_and(|id| id.starts_with("i-") && hex(&id[2..])) {
        return 19;
    }
    let uuid = text.get(..36).is_some_and(|id| {
        let mut groups = id.split('-');
        GROUPS.iter().all(|length| groups.next().is_some_and(|group| group.len() == *length && hex(group)))
    });
    if uuid { 36 } else { 0 }
}

impl Foreign {
    /// Leaves every such value open.
    pub(super) fn take(text: &str) -> (String, Self) {
        let mut foreign = Self::default();
        let mut open = String::with_capacity(text.len());
        let mut rest = text;
        let mut within_word = false;
        while let Some(next) = rest.chars().next() {
            let length = if within_word { 0 } else { value_length(rest) };
            let ends = rest[length..].bytes().next().is_none_or(|b| !b.is_ascii_alphanumeric());
            if length > 0 && ends {
                let value = &rest[..length];
                let known = foreign.values.iter().position(|known| known == value);
                let number = known.unwrap_or_else(|| {
                    foreign.values.push(value.to_owned());
                    foreign.values.len() - 1
                });
                open += &format!("{MARK}{number}{MARK}");
                rest = &rest[length..];
                continue;
            }
            within_word = next.is_ascii_alphanumeric();
            open.push(next);
            rest = &rest[next.len_utf8()..];
        }
        (open, foreign)
    }

    /// Made-up values of the same forms; `which` tells two sets apart.
    pub(super) fn stand_ins(&self, which: u8) -> Self {
        let made_up = |(n, value): (usize, &String)| match value.starts_with("i-") {
            true => format!("i-0f{which}{n:014x}"),
            false => format!("f{which}0f0f0f-0f0f-4f0f-8f0f-{n:012x}"),
        };
        Self { values: self.values.iter().enumerate().map(made_up).collect() }
    }

    /// Leaves the values open.
    pub(super) fn open(&self, text: &str) -> String {
        let mut open = text.to_owned();
        for (n, value) in self.values.iter().enumerate() {
            if open.contains(value.as_str()) {
                open = open.replace(value.as_str(), &format!("{MARK}{n}{MARK}"));
            }
        }
        open
    }

    /// Puts the values in.
    pub(super) fn fill(&self, open: &str) -> String {
        let mut parts = open.split(MARK);
        let mut text = parts.next().unwrap_or_default().to_owned();
        while let (Some(number), Some(rest)) = (parts.next(), parts.next()) {
            let value = number.parse().ok().and_then(|n: usize| self.values.get(n));
            text.push_str(value.map_or("", String::as_str));
            text.push_str(rest);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Foreign;

    #[test]
    fn ids_and_boots_are_left_open_and_put_back() {
        let text = "E='i-00123456789abcdef=01234567-89ab-4def-8123-456789abcdef i-00000000000000001=x' ai-00123456789abcdef";
        let (open, foreign) = Foreign::take(text);
        assert_eq!(open.matches('\u{2}').count(), 6, "{open:?}");
        assert_eq!(foreign.fill(&open), text);
        let other = foreign.stand_ins(1);
        assert_eq!(other.open(&other.fill(&open)), open);
    }
}
