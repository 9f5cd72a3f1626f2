//! IAM of one account: users, roles, their policies, access keys and role sessions.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::policy::{Document, NamedPolicy};
use crate::world::AccountId;

/// IAM of one account.
#[derive(Debug, Default)]
pub struct Iam {
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Long-term access keys by access key id (`AKIA…`).
    pub access_keys: HashMap<String, AccessKey>,
    /// Role sessions by access key id (`ASIA…`).
    pub sessions: HashMap<String, Session>,
    /// What ids and secrets are derived from; the same seed gives the same credentials.
    pub seed: u64,
    /// Credentials issued so far, per role, which keeps each role's sequence independent of the
    /// order in which different roles are assumed.
    issued: HashMap<String, u64>,
}

/// An IAM user.
#[derive(Clone, Debug)]
pub struct User {
    /// The user's unique id (`AIDA…`).
    pub id: String,
    /// Identity-based policies, inline and attached.
    pub policies: Vec<NamedPolicy>,
    /// The permissions boundary, if any.
    pub boundary: Option<NamedPolicy>,
}

/// An IAM role.
#[derive(Clone, Debug)]
pub struct Role {
    /// The role's unique id (`AROA…`).
    pub id: String,
    /// Who may assume it: the trust policy.
    pub trust: Arc<Document>,
    /// The trust policy's text as it was given.
    pub trust_text: String,
    /// Identity-based policies, inline and attached.
    pub policies: Vec<NamedPolicy>,
    /// The permissions boundary, if any.
    pub boundary: Option<NamedPolicy>,
    /// The longest session in seconds, 3,600 to 43,200.
    pub max_session_seconds: u32,
    /// When the role was made.
    pub created: Timestamp,
}

/// A long-term access key of a user.
#[derive(Clone)]
pub struct AccessKey {
    /// Name of the user it belongs to.
    pub user: String,
    /// The secret access key.
    pub secret: String,
}

/// Temporary credentials of an assumed role.
#[derive(Clone)]
pub struct Session {
    /// Name of the role.
    pub role: String,
    /// The role session name.
    pub name: String,
    /// The secret access key.
    pub secret: String,
    /// The session token.
    pub token: String,
    /// When the credentials stop working, on the clock credentials live by
    /// ([`crate::clock::Clock::credential_now`]).
    pub expires: Timestamp,
    /// Session policies that narrow what the role may do; empty means not narrowed.
    pub policies: Vec<NamedPolicy>,
    /// ARN of the principal that assumed the role.
    pub assumed_by: String,
}

// Written by hand so that secrets cannot reach a log through `{:?}`.
impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey").field("user", &self.user).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("role", &self.role)
            .field("name", &self.name)
            .field("expires", &self.expires)
            .field("assumed_by", &self.assumed_by)
            .finish_non_exhaustive()
    }
}

/// Credentials as handed to a client.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret: String,
    /// The session token; none for a user's long-term key.
    pub token: Option<String>,
    /// When they stop working; none for a user's long-term key.
    pub expires: Option<Timestamp>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key", &self.access_key)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// What a new session is made from.
#[derive(Clone, Debug)]
pub struct SessionRequest {
    /// Name of the role in this account.
    pub role: String,
    /// The role session name.
    pub name: String,
    /// When the credentials stop working.
    pub expires: Timestamp,
    /// Session policies.
    pub policies: Vec<NamedPolicy>,
    /// ARN of the principal that assumes the role.
    pub assumed_by: String,
}

impl Iam {
    /// Adds a user with these policies; an existing user of that name is replaced.
    pub fn add_user(&mut self, account: &AccountId, name: &str, policies: Vec<NamedPolicy>) {
        let user =
            User { id: self.derive_id("AIDA", &format!("user/{account}/{name}")), policies, boundary: None };
        self.users.insert(name.to_owned(), user);
    }

    /// Adds a role with sessions of up to one hour; an existing role of that name is replaced.
    ///
    /// # Errors
    /// The trust policy is not a policy document that a role can carry.
    pub fn add_role(
        &mut self,
        account: &AccountId,
        name: &str,
        trust: &str,
        policies: Vec<NamedPolicy>,
        created: Timestamp,
    ) -> Result<(), crate::policy::PolicyError> {
        let role = Role {
            id: self.derive_id("AROA", &format!("role/{account}/{name}")),
            trust: Arc::new(Document::trust(trust)?),
            trust_text: trust.to_owned(),
            policies,
            boundary: None,
            max_session_seconds: 3600,
            created,
        };
        self.roles.insert(name.to_owned(), role);
        Ok(())
    }

    /// Issues a long-term access key to a user of this account.
    pub fn issue_access_key(&mut self, account: &AccountId, user: &str) -> Credentials {
        let n = self.next_issue(user);
        let purpose = format!("key/{account}/{user}/{n}");
        let access_key = self.derive_id("AKIA", &purpose);
        let secret = self.derive_secret(&purpose);
        self.access_keys
            .insert(access_key.clone(), AccessKey { user: user.to_owned(), secret: secret.clone() });
        Credentials { access_key, secret, token: None, expires: None }
    }

    /// Issues temporary credentials for a role of this account and forgets those that ended
    /// before `now`, but for the last hour's, so that a late caller is still told "expired".
    pub fn issue_session(
        &mut self,
        account: &AccountId,
        request: SessionRequest,
        now: Timestamp,
    ) -> Credentials {
        let n = self.next_issue(&request.role);
        let purpose = format!("session/{account}/{}/{}/{n}", request.role, request.name);
        let access_key = self.derive_id("ASIA", &purpose);
        let secret = self.derive_secret(&purpose);
        let token = self.derive_token(&purpose);
        let forget_before = now - jiff::SignedDuration::from_hours(1);
        self.sessions.retain(|_, s| s.expires >= forget_before);
        self.sessions.insert(
            access_key.clone(),
            Session {
                role: request.role,
                name: request.name,
                secret: secret.clone(),
                token: token.clone(),
                expires: request.expires,
                policies: request.policies,
                assumed_by: request.assumed_by,
            },
        );
        Credentials { access_key, secret, token: Some(token), expires: Some(request.expires) }
    }

    fn next_issue(&mut self, holder: &str) -> u64 {
        let n = self.issued.entry(holder.to_owned()).or_default();
        *n += 1;
        *n
    }

    /// An id in AWS's form: a four-letter kind and 16 characters of base 32 (digits 2 to 7).
    fn derive_id(&self, kind: &str, purpose: &str) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut id = String::with_capacity(20);
        id.push_str(kind);
        for byte in &self.derive(kind, purpose)[..16] {
            id.push(char::from(ALPHABET[usize::from(byte % 32)]));
        }
        id
    }

    fn derive_secret(&self, purpose: &str) -> String {
        use base64::Engine as _;
        // 30 bytes make the 40 characters of an AWS secret without padding.
        base64::engine::general_purpose::STANDARD.encode(&self.derive("secret", purpose)[..30])
    }

    fn derive_token(&self, purpose: &str) -> String {
        use base64::Engine as _;
        let mut bytes = Vec::with_capacity(96);
        for part in ["token-a", "token-b", "token-c"] {
            bytes.extend_from_slice(&self.derive(part, purpose));
        }
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }

    fn derive(&self, part: &str, purpose: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(part.as_bytes());
        hash.update([0]);
        hash.update(purpose.as_bytes());
        hash.finalize().into()
    }
}
