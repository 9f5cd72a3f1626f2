//! Tags that break careless programs: they end up in shells, spreadsheets, pages and logs.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Values that something downstream may take for more than text. All are legal EC2 tag values.
pub const HOSTILE_VALUES: &[&str] = &[
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "two\nlines",
    "carriage\r\nreturn",
    "tab\tseparated",
    "quote \" and ' and `id`",
    "$(reboot); rm -rf / #",
    "<script>alert(1)</script>",
    "]]> & <!-- &amp; -->",
    "'; DROP TABLE instances; --",
    "../../../../etc/passwd",
    "%s%n%x {0} ${jndi:ldap://x}",
    "a,b;c|d",
    "  leading and trailing  ",
    "",
    "ünïcödé 日本語 🚀",
    "\u{202e}right to left\u{202c}",
    "zero\u{200b}width",
];

/// One hostile tag, or fifty at once.
pub fn tags(random: &mut ChaCha8Rng) -> Vec<(String, String)> {
    let mut value = || HOSTILE_VALUES[random.random_range(0..HOSTILE_VALUES.len())].to_owned();
    let mut tags = vec![
        ("Name".to_owned(), value()),
        ("Application".to_owned(), value()),
        ("Note, \"quoted\"".to_owned(), value()),
    ];
    if random.random_range(0..4) == 0 {
        tags.extend((tags.len()..50).map(|n| (format!("Filler{n:02}"), "x".repeat(n))));
    }
    tags
}
