//! The stories, each told to its end whatever fails on the way.

mod after_sale;
mod authentication;
mod cards;
mod checkout;
mod late;
mod pages;
mod valve;

pub(super) use after_sale::{refunded, sale_cancelled, shipped};
pub(super) use authentication::{intent_withdrawn, not_authenticated};
pub(super) use cards::another_card;
pub(super) use checkout::{cart, checkout};
pub(super) use late::late;
pub(super) use pages::{not_paid, page_withdrawn, paid_on_page};
pub(super) use valve::{held, resumed};
