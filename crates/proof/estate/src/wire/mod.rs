//! AWS's wire protocols: requests in, signatures checked, envelopes and errors out.

pub mod aws_chunked;
pub mod cbor;
pub mod presigned;
pub mod protocol;
pub mod request;
pub mod response;
pub mod rest;
pub mod rest_json;
mod routes;
pub mod sigv4;
pub mod xml;
