//! Ports: small traits in our nouns, each with a conformance suite.
