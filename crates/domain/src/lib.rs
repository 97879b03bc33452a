//! What an order, a price and a status are; no async, no I/O.
