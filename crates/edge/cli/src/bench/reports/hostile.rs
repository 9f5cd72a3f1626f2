//! Texts that try to be more than text.

use fleetwright_model::Text;

/// Formulas, markup, ends of sections, control characters, NUL, marks that turn the direction of writing,
/// quotes, separators, and a text of ten thousand bytes.
pub(super) fn text(number: usize) -> Text {
    const SHORT: [&str; 20] = [
        "=cmd|'/C calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(A1:A9)",
        "\t=1+1",
        "\r\n=1+1",
        "＝1+1",
        "<script>alert(1)</script>",
        "</script><img src=x onerror=alert(1)>",
        "]]>",
        "<![CDATA[ x ]]>&amp;&#0;",
        "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><r>&e;</r>",
        "nul\u{0}nul",
        "\u{1b}[2J\u{1b}]0;title\u{7}",
        "\u{202e}gnp.exe\u{2066}",
        "a\"b,c;d'e\n\"f\"",
        "\u{feff}bom\u{fffe}\u{ffff}",
        "${jndi:ldap://127.0.0.1/a}{{7*7}}%s%n",
        "\u{1f525}\u{10ffff}e\u{301}",
        "  \u{a0}  ",
    ];
    match number % (SHORT.len() + 1) {
        at if at < SHORT.len() => SHORT[at].into(),
        _ => "<b>=\u{202e}\"".repeat(1_250).into(),
    }
}
