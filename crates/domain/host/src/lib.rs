//! What is run on a host, how its answers are read, and how they are judged and compared.
