//! The environment variables that point any AWS tool at the estate.

use crate::world::iam::Credentials;

/// The variables by name, for the hub's credentials.
///
/// The metadata service is switched off, because a tool that finds no credentials would
/// otherwise wait for it.
#[must_use]
pub fn variables(endpoint: &str, credentials: &Credentials, region: &str) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
        ("AWS_ACCESS_KEY_ID", credentials.access_key.clone()),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret.clone()),
        ("AWS_REGION", region.to_owned()),
        ("AWS_DEFAULT_REGION", region.to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ];
    if let Some(token) = &credentials.token {
        variables.push(("AWS_SESSION_TOKEN", token.clone()));
    }
    variables
}

/// The same as lines for a POSIX shell: `export NAME='value'`.
#[must_use]
pub fn shell_lines(variables: &[(&'static str, String)]) -> String {
    variables
        .iter()
        .map(|(name, value)| format!("export {name}='{}'\n", value.replace('\'', r"'\''")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_can_be_pasted_into_a_shell() {
        let credentials = Credentials {
            access_key: "AKIAEXAMPLE".to_owned(),
            secret: "it's".to_owned(),
            token: None,
            expires: None,
        };
        let lines = shell_lines(&variables("http://127.0.0.1:4566", &credentials, "eu-central-1"));
        assert!(lines.starts_with("export AWS_ENDPOINT_URL='http://127.0.0.1:4566'\n"));
        assert!(lines.contains(r"export AWS_SECRET_ACCESS_KEY='it'\''s'"));
        assert!(!lines.contains("AWS_SESSION_TOKEN"));
    }
}
