//! Values as shell assignments, so that no value can become code.
//!
//! Systems Manager itself replaces `{{ name }}` and `{{ssm:name}}` in parameters before any shell sees
//! them (AWS Systems Manager User Guide, "Working with documents": parameter references). Both quotings
//! therefore never put two braces side by side.

/// A value that cannot be handed to a script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {value:?} contains a control character (character {at}); use plain text on one line")]
pub struct UnquotableValue {
    /// Which parameter.
    pub name: &'static str,
    /// The value, shortened to 80 characters.
    pub value: String,
    /// Which character, from 1.
    pub at: usize,
}

/// `export NAME='value'` for any POSIX shell.
///
/// # Errors
/// [`UnquotableValue`] for control characters: no shell can hold NUL, and a line break would change
/// which lines the script consists of.
pub fn posix_export(name: &'static str, value: &str) -> Result<String, UnquotableValue> {
    reject_controls(name, value)?;
    let mut line = format!("export {name}='");
    let mut previous = ' ';
    for character in value.chars() {
        match character {
            '\'' => line.push_str(r"'\''"),
            '{' | '}' if previous == character => {
                line.push_str("''");
                line.push(character);
            }
            _ => line.push(character),
        }
        previous = character;
    }
    line.push('\'');
    Ok(line)
}

/// `$env:NAME = 'value'` for Windows PowerShell. Everything but printable ASCII is written as a code
/// unit: PowerShell takes typographic quotation marks for quotation marks, and reads a script without a
/// byte order mark in the machine's own code page.
///
/// # Errors
/// As [`posix_export`].
pub fn powershell_assign(name: &'static str, value: &str) -> Result<String, UnquotableValue> {
    reject_controls(name, value)?;
    let mut line = format!("$env:{name} = '");
    let mut previous = ' ';
    for character in value.chars() {
        match character {
            '\'' => line.push_str("''"),
            '{' | '}' if previous == character => {
                line.push_str("' + '");
                line.push(character);
            }
            ' '..='~' => line.push(character),
            _ => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    line.push_str(&format!("' + [char]{unit:#06x} + '"));
                }
            }
        }
        previous = character;
    }
    line.push('\'');
    Ok(line)
}

fn reject_controls(name: &'static str, value: &str) -> Result<(), UnquotableValue> {
    match value.chars().position(char::is_control) {
        None => Ok(()),
        Some(at) => Err(UnquotableValue { name, value: value.chars().take(80).collect(), at: at + 1 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_mark_ends_no_string() {
        assert_eq!(posix_export("FW_X", "it's $HOME").unwrap(), r"export FW_X='it'\''s $HOME'");
        assert_eq!(powershell_assign("FW_X", "it's $env:X").unwrap(), "$env:FW_X = 'it''s $env:X'");
    }

    #[test]
    fn typographic_quotation_marks_end_no_string_of_powershell() {
        let line = powershell_assign("FW_X", "a\u{2019}; calc; \u{1F600}").unwrap();
        assert_eq!(
            line,
            "$env:FW_X = 'a' + [char]0x2019 + '; calc; ' + [char]0xd83d + '' + [char]0xde00 + ''"
        );
    }

    #[test]
    fn systems_manager_finds_no_reference_to_replace() {
        for line in [
            posix_export("FW_X", "{{{ssm:password}}}").unwrap(),
            powershell_assign("FW_X", "{{{ssm:password}}}").unwrap(),
        ] {
            assert!(!line.contains("{{") && !line.contains("}}"), "{line}");
        }
    }

    #[test]
    fn a_line_break_is_refused_with_its_place() {
        let error = posix_export("FW_X", "ab\ncd").unwrap_err();
        assert_eq!((error.name, error.at), ("FW_X", 3));
        assert!(powershell_assign("FW_X", "a\0").is_err());
    }
}
