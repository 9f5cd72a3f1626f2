//! Paths, intrinsic functions and moments, as texts.

/// The intrinsic functions of the specification.
const FUNCTIONS: [&str; 18] = [
    "Format",
    "StringToJson",
    "JsonToString",
    "Array",
    "ArrayPartition",
    "ArrayContains",
    "ArrayRange",
    "ArrayGetItem",
    "ArrayLength",
    "ArrayUnique",
    "Base64Encode",
    "Base64Decode",
    "Hash",
    "JsonMerge",
    "MathRandom",
    "MathAdd",
    "StringSplit",
    "UUID",
];

/// Whether a text is a JSONPath: of the input (`$`), the context (`$$`) or a variable (`$name`). What it picks
/// is not looked into, but its brackets are closed.
pub(crate) fn is_path(text: &str) -> bool {
    let Some(rest) = root(text) else { return false };
    let begins = rest.is_empty() || rest.starts_with(['.', '[']);
    begins && !rest.ends_with('.') && brackets_close(rest)
}

/// Whether a text is a path that picks one place: names and numbers in it, and nothing that searches.
pub(crate) fn is_reference(text: &str) -> bool {
    root(text).is_some_and(is_plain)
}

/// Whether a text is a place in the state's own input.
pub(crate) fn is_target(text: &str) -> bool {
    text.strip_prefix('$').is_some_and(|rest| !rest.starts_with('$') && is_plain(rest) && !is_name(rest))
}

fn is_name(rest: &str) -> bool {
    rest.starts_with(|character: char| character.is_alphabetic() || character == '_')
}

/// What comes after `$`, `$$` or `$name`.
fn root(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('$')?;
    if let Some(context) = rest.strip_prefix('$') {
        return Some(context);
    }
    Some(if is_name(rest) {
        rest.trim_start_matches(|it: char| it.is_alphanumeric() || it == '_')
    } else {
        rest
    })
}

/// `.name`, `['name']` and `[7]`, any number of them.
fn is_plain(mut rest: &str) -> bool {
    while !rest.is_empty() {
        let after = if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let searches = name[..end].contains(['*', '?', '@', ',', '(', ')', ' ']);
            (end > 0 && !searches).then(|| &name[end..])
        } else if let Some(inside) = rest.strip_prefix('[') {
            inside.split_once(']').filter(|(inside, _)| is_one(inside)).map(|(_, after)| after)
        } else {
            None
        };
        let Some(after) = after else { return false };
        rest = after;
    }
    true
}

/// A number, or a name in quotes.
fn is_one(inside: &str) -> bool {
    let quoted = |mark: char| inside.len() > 2 && inside.starts_with(mark) && inside.ends_with(mark);
    quoted('\'') || quoted('"') || (!inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_digit()))
}

fn brackets_close(text: &str) -> bool {
    let (mut open, mut quote) = (Vec::new(), None);
    for character in text.chars() {
        match (quote, character) {
            (Some(mark), _) if character == mark => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '[' | '(') => open.push(character),
            (None, ']') if open.pop() != Some('[') => return false,
            (None, ')') if open.pop() != Some('(') => return false,
            _ => {}
        }
    }
    open.is_empty() && quote.is_none()
}

/// Whether a text calls an intrinsic function, with functions that exist inside it as well.
pub(crate) fn is_function(text: &str) -> bool {
    call(text.trim()).is_some_and(|rest| rest.trim().is_empty())
}

/// Reads one call and returns what comes after it.
fn call(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("States.")?;
    let (name, mut rest) = rest.split_once('(')?;
    if !FUNCTIONS.contains(&name) {
        return None;
    }
    rest = rest.trim_start();
    if let Some(after) = rest.strip_prefix(')') {
        return Some(after);
    }
    loop {
        rest = argument(rest.trim_start())?.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => return rest.strip_prefix(')'),
        }
    }
}

/// Reads one argument: a text in single quotes, a path, a call, a number, a word of JSON.
fn argument(text: &str) -> Option<&str> {
    if let Some(inside) = text.strip_prefix('\'') {
        let mut escaped = false;
        let end = inside.char_indices().find(|(_, character)| {
            let ends = *character == '\'' && !escaped;
            escaped = *character == '\\' && !escaped;
            ends
        });
        return end.map(|(end, _)| &inside[end + 1..]);
    }
    if text.starts_with("States.") {
        return call(text);
    }
    let end = plain_end(text);
    let (argument, rest) = (text[..end].trim_end(), &text[end..]);
    let number = argument.parse::<f64>().is_ok_and(f64::is_finite);
    let good = number || is_path(argument) || matches!(argument, "true" | "false" | "null");
    good.then_some(rest)
}

/// Where an argument without quotes of its own ends: before the comma or bracket that is not inside it.
fn plain_end(text: &str) -> usize {
    let (mut depth, mut quote) = (0, None);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(mark), _) if character == mark => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '[' | '(') => depth += 1,
            (None, ',' | ')') if depth == 0 => return at,
            (None, ']' | ')') => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether a text is a moment as RFC 3339 writes it, with the capital `T` and `Z` that the specification
/// asks for.
pub(crate) fn is_moment(text: &str) -> bool {
    let shaped = text.get(10..11) == Some("T") && !text.contains('z');
    shaped && text.parse::<jiff::Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_with_the_input_the_context_or_a_variable() {
        for path in
            ["$", "$.a", "$$", "$$.Task.Token", "$run.name", "$.a[*].b", "$.a[?(@.b > 1)]", "$['a b']"]
        {
            assert!(is_path(path), "{path}");
        }
        for other in ["", "a", ".a", "$.", "$.a[", "$.a]", "$.a['b]", "$-", "$$x"] {
            assert!(!is_path(other), "{other}");
        }
    }

    #[test]
    fn a_reference_picks_one_place() {
        for path in ["$", "$.a.b", "$['a'].b", "$.a[0]", "$$.Execution.Id", "$shards[3].id", "$.größe"] {
            assert!(is_reference(path), "{path}");
        }
        for other in ["$.a[*]", "$..a", "$.*", "$.a[?(@.b)]", "$.a[]", "$.a[0,1]", "$.a[0", "a", "$.a b"] {
            assert!(!is_reference(other), "{other}");
        }
    }

    #[test]
    fn results_are_put_into_the_input_only() {
        assert!(is_target("$") && is_target("$.a.b") && is_target("$.a[0]"));
        assert!(!is_target("$$.a") && !is_target("$run.a") && !is_target("$.a[*]") && !is_target("a"));
    }

    #[test]
    fn functions_are_those_of_the_specification_and_whole() {
        for call in [
            "States.UUID()",
            "States.Format('{}-{}', $.run, $$.Execution.Name)",
            r"States.Format('it\'s {}, (really)', $.a)",
            "States.ArrayGetItem(States.Array(1, 2.5, true, null), $.at)",
            "States.MathAdd($.turn, -1)",
            "States.ArrayContains($.a[?(@.b == 'x, y)')], 'z')",
        ] {
            assert!(is_function(call), "{call}");
        }
        for other in [
            "States.Nothing()",
            "States.UUID",
            "States.UUID() ",
            "States.Format('a)",
            "States.Format('a',)",
            "States.Format(a)",
            "States.Format('a') + 1",
            "States.Format('a', States.Nothing($.b))",
            "Format('a')",
        ] {
            assert_eq!(is_function(other), other == "States.UUID() ", "{other}");
        }
    }

    #[test]
    fn moments_are_rfc_3339() {
        assert!(is_moment("2026-11-01T02:00:00Z") && is_moment("2026-11-01T02:00:00.5+01:00"));
        assert!(!is_moment("2026-11-01t02:00:00z") && !is_moment("2026-11-01 02:00:00Z"));
        assert!(
            !is_moment("2026-11-01T02:00:00") && !is_moment("2026-13-01T02:00:00Z") && !is_moment("tonight")
        );
    }
}
