//! Reports: the inventory as CSV, JSON and text, into any writer handed in.
