//! The figures as tables of Markdown.

use std::fmt::Write;

use crate::Failed;
use crate::measure::Measured;
use crate::prices;

/// A size, and what was measured of it or why it was not finished.
pub(crate) type OfSize = (u32, Result<Measured, Failed>);

/// A column: its head, and what stands in it.
type Column = (&'static str, fn(&Measured) -> String);

const EXECUTION: [Column; 8] = [
    ("accounts × regions", |it| format!("{} × 2", it.size.accounts())),
    ("hours", |it| format!("{:.1}", it.lasted.as_secs_f64() / 3_600.0)),
    ("turns", |it| it.turns().to_string()),
    ("decisions", |it| (it.answers.decided + it.answers.undecided).to_string()),
    ("state transitions", |it| it.tally.transitions().to_string()),
    ("per host", |it| format!("{:.3}", it.each(it.tally.transitions()))),
    ("history events", |it| it.tally.events.to_string()),
    ("payload, bytes", |it| format!("{} ({})", it.tally.largest.0, it.tally.largest.1)),
];

const TABLE: [Column; 9] = [
    ("records per host", |it| format!("{:.1}", it.each(it.records))),
    ("writes per host", |it| format!("{:.3}", it.each(it.requests.writes()))),
    ("write units per host", |it| format!("{:.3}", it.each(it.requests.write_units()))),
    ("read units per host", |it| format!("{:.2}", it.each(it.requests.read_units))),
    ("largest item, KB", |it| {
        let (bytes, kind) = it.requests.largest();
        format!("{:.1} ({kind})", bytes as f64 / 1e3)
    }),
    ("kept, MB", |it| format!("{:.2}", it.requests.kept as f64 / 1e6)),
    ("artefacts per host", |it| format!("{:.1}", it.each(it.puts.0))),
    ("calls per host", |it| format!("{:.2}", it.each(it.calls.total()))),
    ("of these changes", |it| format!("{:.2}", it.each(it.calls.changes))),
];

const FUNCTION: [Column; 9] = [
    ("open, s", |it| format!("{:.0}", it.open().as_secs_f64())),
    ("ms per host", |it| format!("{:.0}", it.open().as_secs_f64() * 1e3 / f64::from(it.size.hosts))),
    ("computing, ms per host", |it| {
        format!("{:.1}", it.computing().as_secs_f64() * 1e3 / f64::from(it.size.hosts))
    }),
    ("longest turn, s", |it| format!("{:.0}", it.longest().as_secs_f64())),
    ("most calls in a turn", |it| {
        it.taken.iter().map(|turn| turn.calls).max().unwrap_or_default().to_string()
    }),
    ("reading the record, s at most", |it| format!("{:.2}", it.reading().as_secs_f64())),
    ("reading the plan, CPU s", |it| {
        it.taken_up.map_or_else(String::new, |up| format!("{:.2}", up.plan.as_secs_f64()))
    }),
    ("folding, CPU s", |it| {
        it.taken_up.map_or_else(String::new, |up| format!("{:.2}", up.records.as_secs_f64()))
    }),
    ("MiB: plan, all", |it| match it.taken_up.and_then(|up| up.plan_mib.zip(up.mib)) {
        Some((plan, all)) => format!("{plan}, {all}"),
        None => String::new(),
    }),
];

const MONEY: [Column; 6] = [
    ("transitions", |it| format!("{:.4}", it.dollars().transitions)),
    ("Lambda", |it| format!("{:.4}", it.dollars().functions)),
    ("DynamoDB writes", |it| format!("{:.4}", it.dollars().writes)),
    ("DynamoDB reads", |it| format!("{:.4}", it.dollars().reads)),
    ("S3 puts", |it| format!("{:.4}", it.dollars().artefacts)),
    ("**dollars per 1,000 hosts**", |it| format!("**{:.4}**", it.dollars().total())),
];

/// All tables, what broke a limit or was not finished, and the prices.
pub(crate) fn tables(sizes: &[OfSize]) -> String {
    let mut text = String::new();
    table(&mut text, "The execution", &EXECUTION, sizes);
    table(&mut text, "Table, artefacts, calls", &TABLE, sizes);
    table(&mut text, "The function that takes turns", &FUNCTION, sizes);
    table(&mut text, "Dollars for 1,000 hosts", &MONEY, sizes);
    limits(&mut text, sizes);
    let price = |it: &prices::Price| format!("${} for {:e} {} ({})", it.dollars, it.buys, it.of, it.source);
    let prices: Vec<String> = prices::ALL.iter().map(price).collect();
    let _ = writeln!(text, "Prices of us-east-1: {}.", prices.join("; "));
    text
}

fn table(text: &mut String, about: &str, columns: &[Column], sizes: &[OfSize]) {
    let heads: Vec<&str> = columns.iter().map(|(head, _)| *head).collect();
    let _ = writeln!(
        text,
        "*{about}*\n\n| hosts | {} |\n|---:|{}",
        heads.join(" | "),
        "---:|".repeat(heads.len())
    );
    for (hosts, measured) in sizes {
        let Ok(measured) = measured else { continue };
        let cells: Vec<String> = columns.iter().map(|(_, cell)| cell(measured)).collect();
        let _ = writeln!(text, "| {hosts} | {} |", cells.join(" | "));
    }
    text.push('\n');
}

fn limits(text: &mut String, sizes: &[OfSize]) {
    let _ = writeln!(text, "*Limits*\n");
    for line in broken(sizes) {
        let _ = writeln!(text, "- **broken**: {line}");
    }
    for (hosts, measured) in sizes {
        let Ok(measured) = measured else { continue };
        let shown =
            |limit: &crate::figures::Limit| format!("{} {:.0} of {:.0}", limit.of, limit.is, limit.most);
        let held: Vec<String> = measured.limits().iter().filter(|limit| limit.holds()).map(shown).collect();
        let _ = writeln!(text, "- {hosts} hosts: {}.", held.join("; "));
    }
    text.push('\n');
}

/// What does not hold.
pub(crate) fn broken(sizes: &[OfSize]) -> Vec<String> {
    let mut broken = Vec::new();
    for (hosts, measured) in sizes {
        match measured {
            Err(error) => broken.push(format!("{hosts} hosts: not finished: {error}")),
            Ok(measured) => {
                broken.extend(measured.limits().iter().filter(|limit| !limit.holds()).map(|limit| {
                    format!("{hosts} hosts: {} is {:.0}, of {:.0}", limit.of, limit.is, limit.most)
                }))
            }
        }
    }
    broken
}
