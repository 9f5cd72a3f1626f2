//! AWS's wire protocols: requests in, signatures checked, envelopes and errors out.

pub mod cbor;
pub mod protocol;
pub mod request;
pub mod response;
pub mod sigv4;
pub mod xml;
