//! Histories that break a law, so that each law is known to be able to fail.
