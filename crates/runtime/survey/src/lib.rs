//! Looking without touching: scan and doctor over the ports.
