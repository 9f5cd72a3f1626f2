//! AWS behind the ports: sessions per landing zone, rate governor, batched and paginated calls.
