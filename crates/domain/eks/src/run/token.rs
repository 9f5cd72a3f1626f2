//! What makes a call that is repeated the same call.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::plan::StepId;

/// The `clientRequestToken` of a step's call: the same however often the step is taken up again, another in every other
/// run. 64 characters at most, letters and digits. Source: EKS API reference, `UpdateClusterVersion`,
/// clientRequestToken.
pub fn client_token(run: &str, digest: &str, step: &StepId) -> String {
    let mut hash = Sha256::new();
    for part in [run, digest, step.as_str()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_keeps_its_token_within_its_run_and_plan() {
        let token = |run, digest, step| client_token(run, digest, &StepId::new(step));
        let one = token("run-1", "abc", "control-plane-1.34");
        assert_eq!(one, token("run-1", "abc", "control-plane-1.34"));
        assert_eq!(one.len(), 64);
        let others = [
            token("run-2", "abc", "control-plane-1.34"),
            token("run-1", "abd", "control-plane-1.34"),
            token("run-1", "abc", "control-plane-1.35"),
            token("run-1a", "bc", "control-plane-1.34"),
        ];
        assert!(others.iter().all(|other| *other != one));
    }
}
