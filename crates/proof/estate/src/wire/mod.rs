//! AWS's wire protocols: requests in, envelopes and errors out.

pub mod xml;
