//! Settings and landing zones: one key table, layers, origins, older shapes, JSON Schema.
