//! The routes: one file per resource, with its handlers and their request and response types together.

pub(crate) mod cancel;
pub(crate) mod cart;
pub(crate) mod checkout;
pub(crate) mod codec;
pub(crate) mod notifications;
pub(crate) mod orders;
pub(crate) mod payments;
pub(crate) mod products;
pub(crate) mod reconciliations;
pub(crate) mod service;
pub(crate) mod users;
pub(crate) mod webhooks;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::ProblemCode;
use crate::state::AppState;

/// All routes that are always served. Each says its whole path: nesting them would have the address of every
/// request written anew.
pub(crate) fn all() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(products::create::create_product, products::list::list_products))
        .routes(routes!(
            products::read::get_product,
            products::update::update_product,
            products::delete::delete_product
        ))
        .routes(routes!(products::stock::change_stock, products::movements::get_stock))
        .routes(routes!(products::import::import_products))
        .routes(routes!(products::categories::list_categories))
        .routes(routes!(cart::get_cart, cart::clear_cart))
        .routes(routes!(cart::add_item))
        .routes(routes!(cart::set_item, cart::remove_item))
        .routes(routes!(cart::merge_cart))
        .routes(routes!(checkout::create_checkout))
        .routes(routes!(orders::list::list_orders))
        .routes(routes!(orders::get_order))
        .routes(routes!(orders::diagnosis::get_order_diagnosis))
        .routes(routes!(orders::events::get_order_events))
        .routes(routes!(orders::status::put_order_status))
        .routes(routes!(orders::timeline::get_timeline))
        .routes(routes!(orders::another_card::pay_order))
        .routes(routes!(cancel::cancel_order))
        .routes(routes!(payments::valve::get_payment_valve, payments::valve::put_payment_valve))
        .routes(routes!(payments::get_payment))
        .routes(routes!(payments::list_payments))
        .routes(routes!(payments::refund::create_refund))
        .routes(routes!(reconciliations::create_reconciliation))
        .routes(routes!(reconciliations::get_reconciliation))
        .routes(routes!(webhooks::receive_stripe_event))
        .routes(routes!(
            notifications::settings::get_notification_settings,
            notifications::settings::put_notification_settings
        ))
        .routes(routes!(notifications::records::list_notifications))
        .routes(routes!(notifications::records::list_own_notifications))
        .routes(routes!(notifications::write::send_email))
        .merge(users::all())
        .routes(routes!(service::health))
        .routes(routes!(service::ready))
        .routes(routes!(service::metrics))
}

/// The problems of each operation, by its id, that do not follow from its shape (a body, an `Idempotency-Key`, an
/// access token).
pub(crate) fn problems() -> impl Iterator<Item = &'static (&'static str, &'static [ProblemCode])> {
    [
        products::PROBLEMS,
        cart::PROBLEMS,
        checkout::PROBLEMS,
        orders::PROBLEMS,
        cancel::PROBLEMS,
        payments::PROBLEMS,
        reconciliations::PROBLEMS,
        notifications::PROBLEMS,
        users::PROBLEMS,
        webhooks::PROBLEMS,
        codec::PROBLEMS,
    ]
    .into_iter()
    .flatten()
}
