//! Whatever the text, reading answers; and what is written from the table is read back.

use std::fmt::Write;

use fleetwright_config::keys;
use fleetwright_config::{Layers, Place, SourceText, default_yaml, resolve};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::{load_file, resolve_file};

/// Text that is likely to be nearly YAML.
fn nearly_yaml() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "aws",
        "region",
        "scan",
        "tags",
        "phases",
        "backup",
        "landing_zones",
        "name",
        "account_id",
        "regions",
        "organization",
        "inventory",
        "zones",
        "environments",
        "prod",
        ": ",
        ":\n",
        "\n",
        "\n  ",
        "\n- ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "\"",
        "'",
        "|\n",
        ">\n",
        "# ",
        "---\n",
        "...\n",
        "? ",
        "~",
        "yes",
        "011122223333",
        "1.10",
        "all",
        "\t",
        "\r\n",
        "\u{feff}",
        "ä",
        "日",
        "\u{0}",
        "%YAML 1.2\n",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|parts| parts.concat())
}

fn reads(text: &str) {
    let file = SourceText::new("any.yaml", text);
    let errors = [resolve_file(file.clone()).err(), load_file(file).err()];
    for error in errors.iter().flatten().flatten() {
        if let Place::File(place) = &error.place
            && &*place.file == "any.yaml"
        {
            assert!(place.line >= 1 && place.column >= 1, "{error}");
            assert!(
                text.get(place.offset..place.offset + place.length).is_some(),
                "{error}: {place:?} is not in the text"
            );
        }
        assert!(!error.to_string().contains('\n'), "{error} is more than one line");
    }
}

/// The same cases each time, so that a failure is found again.
fn cases(count: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_121),
        ..ProptestConfig::with_cases(count)
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn arbitrary_text_is_answered(text in ".{0,200}") {
        reads(&text);
    }

    #[test]
    fn text_that_is_nearly_yaml_is_answered(text in nearly_yaml()) {
        reads(&text);
    }

}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn a_default_file_with_a_piece_cut_out_is_answered(from in 0_usize..10_000, length in 0_usize..40) {
        let mut text: Vec<char> = default_yaml().chars().collect();
        let from = from.min(text.len());
        let to = (from + length).min(text.len());
        text.drain(from..to);
        reads(&text.into_iter().collect::<String>());
    }

    #[test]
    fn any_choice_of_defaults_and_examples_written_to_a_file_is_read_back(picks in prop::collection::vec(any::<bool>(), 400)) {
        // Those that are given instead of others cannot be given with them.
        const INSTEAD: [&str; 2] = ["aws.endpoint_url", "itsm.password_file"];
        let chosen: Vec<_> = keys::all().filter(|key| !key.path.contains('*') && !INSTEAD.contains(&key.path)).zip(picks).collect();
        let mut yaml = String::new();
        let mut open: Vec<&str> = Vec::new();
        for (key, example) in &chosen {
            let text = match key.default {
                Some(default) if !example => default,
                _ => key.example,
            };
            let parts: Vec<&str> = key.path.split('.').collect();
            let shared = open.iter().zip(&parts[..parts.len() - 1]).take_while(|(a, b)| a == b).count();
            open.truncate(shared);
            for name in &parts[shared..parts.len() - 1] {
                writeln!(yaml, "{}{name}:", "  ".repeat(open.len())).expect("a string");
                open.push(name);
            }
            writeln!(yaml, "{}{}: {text}", "  ".repeat(open.len()), parts[parts.len() - 1]).expect("a string");
        }
        let files = vec![SourceText::new("written.yaml", yaml)];
        let resolved = resolve(&Layers { files, ..Layers::default() }).expect("valid");
        let again: String = resolved.values.values().map(|one| format!("{} {}\n", one.key.path, one.value.show())).collect();
        prop_assert_eq!(again.lines().count(), chosen.len() + INSTEAD.len());
    }
}
