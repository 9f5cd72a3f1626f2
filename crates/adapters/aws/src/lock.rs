//! Locking a mutex whose data stays valid whatever a holder was doing when it panicked.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks; a panic of an earlier holder is no reason to fail as well.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
