//! What goes wrong, and what becomes of the orders: killed workers, servers that go away, and a Stripe that fails in
//! every way it can.

mod after_sale;
mod api_kills;
mod cancellations;
mod carts;
mod charges;
mod effects;
mod events;
mod grid;
mod held;
mod kills;
mod late;
mod late_kills;
mod long_outages;
mod messages;
mod outages;
mod publishing;
mod races;
mod rig;
mod twice;
mod valve;
mod workers;
mod zombies;
