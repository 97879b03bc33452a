//! What goes wrong, and what becomes of the orders: killed workers, servers that go away, and a Stripe that fails in
//! every way it can.

mod after_sale;
mod cancellations;
mod carts;
mod charges;
mod effects;
mod events;
mod kills;
mod messages;
mod outages;
mod rig;
mod valve;
mod workers;
