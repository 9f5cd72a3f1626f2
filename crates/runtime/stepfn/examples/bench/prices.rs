//! What AWS asks for, in US dollars, in us-east-1 (N. Virginia), without any free tier or discount.
//!
//! Published on the pages named, as of 2026-11. Left out: what is kept (DynamoDB, S3, logs), logs and traces that are
//! written, the key, notices, and data that leaves the region.

/// One price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Price {
    /// Of what.
    pub(crate) of: &'static str,
    /// Dollars.
    pub(crate) dollars: f64,
    /// For so many of it.
    pub(crate) buys: f64,
    /// Where it is published.
    pub(crate) source: &'static str,
}

impl Price {
    /// Dollars for so many.
    pub(crate) fn of(&self, count: f64) -> f64 {
        count / self.buys * self.dollars
    }
}

/// A state that is entered, or tried again.
pub(crate) const TRANSITION: Price = Price {
    of: "state transitions (Standard)",
    dollars: 0.025,
    buys: 1e3,
    source: "aws.amazon.com/step-functions/pricing",
};

/// A second of a function on arm64 with a GB of memory, of the first 7.5 billion a month.
pub(crate) const GB_SECOND: Price = Price {
    of: "GB-seconds of Lambda (arm64)",
    dollars: 13.3334,
    buys: 1e6,
    source: "aws.amazon.com/lambda/pricing",
};

/// A call of a function.
pub(crate) const INVOCATION: Price =
    Price { of: "invocations of Lambda", dollars: 0.20, buys: 1e6, source: "aws.amazon.com/lambda/pricing" };

/// A write of up to 1 KB, on demand.
pub(crate) const WRITE_UNIT: Price = Price {
    of: "write units of DynamoDB (on demand)",
    dollars: 0.625,
    buys: 1e6,
    source: "aws.amazon.com/dynamodb/pricing/on-demand",
};

/// A consistent read of up to 4 KB, on demand.
pub(crate) const READ_UNIT: Price = Price {
    of: "read units of DynamoDB (on demand)",
    dollars: 0.125,
    buys: 1e6,
    source: "aws.amazon.com/dynamodb/pricing/on-demand",
};

/// A put of an object, S3 Standard.
pub(crate) const PUT: Price =
    Price { of: "puts of objects in S3", dollars: 0.005, buys: 1e3, source: "aws.amazon.com/s3/pricing" };

/// Each.
pub(crate) const ALL: [Price; 6] = [TRANSITION, GB_SECOND, INVOCATION, WRITE_UNIT, READ_UNIT, PUT];
