//! Accounts that came, went, or may do other things than before. None of it keeps a host from working, so
//! none of it is worse; but nobody should get in by patching, so all of it is a warning.

use std::collections::BTreeMap;

use crate::comparison::changes::push;
use crate::comparison::{Change, ChangeKind, Weight};
use crate::survey::User;

/// Users with other standing than before. An account is its name and its id: a second one of the same
/// name is another account.
pub(super) fn users(before: &[User], after: &[User], changes: &mut Vec<Change>) {
    let (then, now) = (by_account(before), by_account(after));
    for (account, user) in &then {
        match now.get(account) {
            None => came_or_went(user, user.standing(), "no account".to_owned(), changes),
            Some(now) if now.standing() != user.standing() => {
                push(changes, Weight::Warn, ChangeKind::User, &user.name, user.standing(), now.standing());
            }
            Some(_) => {}
        }
    }
    for (_, user) in now.iter().filter(|(account, _)| !then.contains_key(*account)) {
        came_or_went(user, "no account".to_owned(), user.standing(), changes);
    }
}

fn came_or_went(user: &User, before: String, after: String, changes: &mut Vec<Change>) {
    let weight = if user.is_dynamic() { Weight::Note } else { Weight::Warn };
    push(changes, weight, ChangeKind::User, &user.name, before, after);
}

fn by_account(users: &[User]) -> BTreeMap<(&str, Option<&str>), &User> {
    users.iter().map(|user| ((user.name.as_str(), user.id.as_deref()), user)).collect()
}
