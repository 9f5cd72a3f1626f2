//! Pointing a script's absolute paths into its scratch directory.

/// The directories at the root that a host has; `/dev` stays the machine's, for `/dev/null`.
const DIRECTORIES: [&str; 14] =
    ["bin", "boot", "data", "etc", "home", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp", "usr"];
const FURTHER: [&str; 3] = ["lib", "sbin", "var"];

/// The script with every absolute path of a host below `root`.
///
/// A path counts where it stands as a word: `"/etc/os-release"` and `x=/etc` do, the middle of
/// `$HOME/etc`, of `http://host/etc` and of the pattern `/tmp/ {` do not.
pub(super) fn below(root: &str, script: &str) -> String {
    let bytes = script.as_bytes();
    let mut text = String::with_capacity(script.len() + 256);
    let mut copied = 0;
    for (at, _) in script.match_indices('/') {
        if at < copied || !begins_word(bytes, at) {
            continue;
        }
        let rest = &script[at + 1..];
        let length = rest.bytes().take_while(|b| is_word(*b)).count();
        let name = &rest[..length];
        let known = DIRECTORIES.contains(&name) || FURTHER.contains(&name);
        if known && !is_pattern(&rest[length..]) {
            text.push_str(&script[copied..at]);
            text.push_str(root);
            copied = at;
        }
    }
    text.push_str(&script[copied..]);
    text
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn begins_word(bytes: &[u8], at: usize) -> bool {
    // The shebang's interpreter is the estate's business.
    if bytes[..at].ends_with(b"#!") {
        return false;
    }
    at == 0 || !(is_word(bytes[at - 1]) || matches!(bytes[at - 1], b'/' | b'}' | b')' | b'*' | b'?' | b']'))
}

/// True for what follows the second slash of an awk pattern.
fn is_pattern(rest: &str) -> bool {
    rest.strip_prefix('/')
        .is_some_and(|after| matches!(after.trim_start().bytes().next(), Some(b'{' | b'!' | b',')))
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn only_a_hosts_own_paths_move() {
        for (script, moved) in [
            ("cat /etc/os-release", "cat R/etc/os-release"),
            ("x=\"/proc/uptime\" >/tmp/a", "x=\"R/proc/uptime\" >R/tmp/a"),
            ("#!/bin/sh\n/usr/bin/env", "#!/bin/sh\nR/usr/bin/env"),
            ("curl http://localhost/etc", "curl http://localhost/etc"),
            ("a 2>/dev/null; echo $HOME/etc ${X}/etc", "a 2>/dev/null; echo $HOME/etc ${X}/etc"),
            ("awk '/tmp/ { print }' /var", "awk '/tmp/ { print }' R/var"),
            ("df -P / /etcetera", "df -P / /etcetera"),
        ] {
            assert_eq!(below("R", script), moved);
        }
    }
}
