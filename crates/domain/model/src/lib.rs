//! The nouns: typed ids, zones, instances, patch facts, coded reasons, error codes.
