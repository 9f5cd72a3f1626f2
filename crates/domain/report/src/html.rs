//! The report of a run for people, as one HTML file: opened from a mail or a bucket, it asks nobody for
//! anything.
//!
//! The page, its style and its script are made in `web/` and embedded as they are; what is written here
//! is the record, in blocks of base64 that the script unpacks: what the first picture needs (`core`), the
//! other columns (`rest`), and what single hosts went through, some hundred hosts to a block. So a file of
//! a hundred thousand hosts opens at once, and untrusted text never stands in the file as markup.

mod block;
mod columns;
mod detail;
mod dictionary;
mod overview;
mod standings;

use std::io::{self, Write};

use crate::evidence::RunRecord;

/// The page without its record; `node web/check.mjs` says whether it is what the sources make.
const PAGE: &str = include_str!("../../../../web/dist/report.html");

/// What the record takes the place of.
const PLACE: &str = "<!-- record -->";

/// The version of the blocks, which the script checks: `web/src/data/format.ts` describes them.
const FORMAT: &str = "fleetwright.report-html/2";

/// How many hosts a block of details has: few enough to unpack at a click, enough to share their texts.
const HOSTS_PER_BLOCK: usize = 500;

/// Writes the file. Takes time and space in proportion to the hosts; what it keeps meanwhile is one
/// column, or the details of one block. Equal records give equal bytes.
///
/// # Errors
/// What the writer says.
pub fn write(mut out: impl Write, record: &RunRecord<'_>) -> io::Result<()> {
    write_page(&mut out, record)
}

/// One for all writers, so that packing is compiled here, optimised in development builds too.
fn write_page(mut out: &mut dyn Write, record: &RunRecord<'_>) -> io::Result<()> {
    let (before, after) =
        PAGE.split_once(PLACE).expect("the page has a place for the record: a test says so");
    out.write_all(before.as_bytes())?;
    block::write(&mut out, "core", |json| overview::write(json, record))?;
    block::write(&mut out, "rest", |json| {
        json.write_all(b"{")?;
        columns::write_data(json, record, columns::Block::Rest)?;
        json.write_all(b"}")
    })?;
    let mut packer = detail::Packer::default();
    for (number, hosts) in record.hosts.chunks(HOSTS_PER_BLOCK).enumerate() {
        block::write(&mut out, &format!("detail-{number}"), |json| packer.write(json, record, hosts))?;
    }
    out.write_all(after.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_one_place_for_the_record_before_its_script() {
        assert_eq!(PAGE.matches(PLACE).count(), 1);
        let (before, after) = PAGE.split_once(PLACE).expect("it has a place");
        assert!(!before.contains("<script"), "the script begins when the record is there");
        assert!(after.contains("<script>"));
    }

    #[test]
    fn the_page_allows_its_own_script_and_style_and_nothing_else() {
        let policy = PAGE.split_once("Content-Security-Policy\" content=\"").expect("it has a policy").1;
        let policy = policy.split_once('"').expect("it ends").0;
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn the_script_reads_the_format_that_is_written() {
        assert!(PAGE.contains(FORMAT));
    }
}
