//! The page on which a customer pays: `/_hosted/checkout/{checkout session}`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::super::app::App;
use super::super::errors::ApiError;
use super::super::form::Form;
use super::super::hosted::{document, escape};
use super::super::money::format_amount;
use super::super::payment_intents::{self, Status as IntentStatus};
use super::super::store::StoreError;
use super::pay::pay;
use super::{CheckoutSession, Status, expire_due};

/// The cards that the page offers.
const CARDS: &[(&str, &str)] = &[
    ("pm_card_visa", "Visa 4242: is charged"),
    ("pm_card_visa_chargeDeclined", "Visa 0002: is declined"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "Visa 9995: insufficient funds"),
    ("pm_card_threeDSecure2Required", "Visa 3220: wants authentication (3-D Secure)"),
];

/// Shows what is to be paid. Who has paid already is led back to the shop.
pub(crate) async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    match look(&app, &id) {
        Ok(seen) => shown(seen, None),
        Err(error) => failed(&error),
    }
}

/// Takes the customer's choice: a card, or the way back.
pub(crate) async fn submit(State(app): State<Arc<App>>, Path(id): Path<String>, body: String) -> Response {
    let form = Form::parse(&body);
    if form.text("action") == Some("back") {
        return match look(&app, &id) {
            Ok(Some(Seen { session: CheckoutSession { cancel_url: Some(url), .. }, .. })) => {
                Redirect::to(&url).into_response()
            }
            Ok(seen) => shown(seen, None),
            Err(error) => failed(&error),
        };
    }
    let Some(card) = form.text("payment_method") else {
        return (StatusCode::BAD_REQUEST, "payment_method or action=back has to be given\n").into_response();
    };
    let now = app.clock.now();
    let paid = app.change(|state| pay(state, now, &id, card));
    match paid.and_then(|paid| Ok((look(&app, &id)?, paid.err()))) {
        Ok((seen, declined)) => shown(seen, declined.as_ref()),
        Err(error) => failed(&error),
    }
}

fn shown(seen: Option<Seen>, declined: Option<&ApiError>) -> Response {
    seen.map_or_else(not_found, |seen| seen.respond(declined))
}

fn failed(error: &StoreError) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response()
}

/// A session as its customer finds it.
struct Seen {
    session: CheckoutSession,
    /// Where the customer has to authenticate.
    authentication: Option<String>,
}

fn look(app: &App, id: &str) -> Result<Option<Seen>, StoreError> {
    let now = app.clock.now();
    app.change(|state| {
        expire_due(state, now);
        let session = state.checkout_sessions.get(id)?.clone();
        let intent = session.payment_intent.as_deref().and_then(|intent| state.payment_intents.get(intent));
        let authentication = intent
            .filter(|intent| intent.status == IntentStatus::RequiresAction)
            .map(|intent| payment_intents::authentication_page(intent, &state.base_url));
        Some(Seen { session, authentication })
    })
}

impl Seen {
    fn respond(self, error: Option<&ApiError>) -> Response {
        match (self.session.status, self.authentication) {
            (Status::Open, Some(page)) => Redirect::to(&page).into_response(),
            (Status::Open, None) => {
                // A page that is shown because a card was declined says so to programs, too.
                let status = error.map_or(StatusCode::OK, |_| StatusCode::PAYMENT_REQUIRED);
                (status, document("Checkout (test)", &form(&self.session, error))).into_response()
            }
            (Status::Complete, _) => {
                let url = self.session.success_url.replace("{CHECKOUT_SESSION_ID}", &self.session.id);
                Redirect::to(&url).into_response()
            }
            (Status::Expired, _) => {
                let text = "<h1>Checkout</h1><p>This page has expired. Nothing was paid.</p>";
                (StatusCode::GONE, document("Checkout (test)", text)).into_response()
            }
        }
    }
}

fn form(session: &CheckoutSession, error: Option<&ApiError>) -> String {
    let amount = |minor| {
        let text = format!("{} {}", format_amount(minor, &session.currency), session.currency.to_uppercase());
        escape(&text)
    };
    let items: Vec<_> = session
        .items
        .iter()
        .map(|item| {
            format!(
                "<li>{} &times; {}: {}</li>",
                item.quantity,
                escape(&item.name),
                amount(item.unit_amount * item.quantity)
            )
        })
        .collect();
    let cards: Vec<_> =
        CARDS.iter().map(|(name, label)| format!("<option value=\"{name}\">{}</option>", escape(label))).collect();
    let error = error.map_or_else(String::new, |error| {
        let body = error.body();
        let message = body["error"]["message"].as_str().unwrap_or("The payment failed.");
        format!("<p role=\"alert\"><strong>{}</strong></p>", escape(message))
    });
    format!(
        "<h1>Checkout</h1>
         <p>A shop asks for <strong>{}</strong>. This is a test page: nothing is really paid.</p>
         <ul>{}</ul>{error}
         <form method=\"post\">
           <p><label>Card <select name=\"payment_method\">{}</select></label></p>
           <button>Pay</button>
           <button name=\"action\" value=\"back\">Back to the shop</button>
         </form>",
        amount(session.amount_total),
        items.concat(),
        cards.concat(),
    )
}

fn not_found() -> Response {
    let text = "<h1>Checkout</h1><p>There is no such page.</p>";
    (StatusCode::NOT_FOUND, document("Checkout (test)", text)).into_response()
}
