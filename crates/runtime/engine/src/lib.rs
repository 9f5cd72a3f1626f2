//! The local driver: it puts what happens into one order, makes it durable, and only then acts.
