//! The page on which a customer authenticates a payment: `/_hosted/3ds/{payment intent}`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::app::App;
use super::form::Form;
use super::money::format_amount;
use super::operations::Origin;
use super::payment_intents::{self, Authentication, NextAction, Status};

/// What the browser shows in its tab.
const TITLE: &str = "3-D Secure (test)";

/// Shows what is to be authenticated.
pub(crate) async fn page(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let shown = app.read(|state| {
        let intent = state.payment_intents.get(&id)?;
        Some((format_amount(intent.amount, &intent.currency), intent.currency.clone(), intent.status))
    });
    match shown {
        None => not_found(),
        Some((amount, currency, Status::RequiresAction)) => document(
            TITLE,
            &format!(
                "<h1>3-D Secure</h1>
             <p>A shop asks for <strong>{} {}</strong>. This is a test page: nothing is really paid.</p>
             <form method=\"post\">
               <button name=\"result\" value=\"passed\">Complete authentication</button>
               <button name=\"result\" value=\"failed\">Fail authentication</button>
             </form>",
                escape(&amount),
                escape(&currency.to_uppercase()),
            ),
        )
        .into_response(),
        Some((_, _, status)) => document(
            TITLE,
            &format!(
                "<h1>3-D Secure</h1><p>There is nothing to authenticate: the payment is <em>{}</em>.</p>",
                status.as_str()
            ),
        )
        .into_response(),
    }
}

/// Takes the customer's choice, and leads back to the shop.
pub(crate) async fn submit(State(app): State<Arc<App>>, Path(id): Path<String>, body: String) -> Response {
    let authentication = match Form::parse(&body).text("result") {
        Some("passed") => Authentication::Passed,
        Some("failed") => Authentication::Failed,
        _ => return (StatusCode::BAD_REQUEST, "result has to be passed or failed\n").into_response(),
    };
    let way_back = app.read(|state| {
        let intent = state.payment_intents.get(&id)?;
        let return_url = match &intent.next_action {
            Some(NextAction::RedirectToUrl { return_url }) => Some(return_url.clone()),
            Some(NextAction::UseStripeSdk) | None => None,
        };
        Some((return_url, intent.client_secret.clone()))
    });
    let Some((return_url, client_secret)) = way_back else { return not_found() };

    let origin = Origin::automatic(app.clock.now());
    match app.change(|state| payment_intents::authenticate(state, &origin, &id, authentication)) {
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
        Ok(Err(error)) => {
            (StatusCode::CONFLICT, error.body()["error"]["message"].as_str().unwrap_or_default().to_owned())
                .into_response()
        }
        Ok(Ok(intent)) => {
            let succeeded = matches!(intent["status"].as_str(), Some("succeeded" | "requires_capture"));
            let result = if succeeded { "succeeded" } else { "failed" };
            match return_url {
                Some(url) => {
                    let separator = if url.contains('?') { '&' } else { '?' };
                    Redirect::to(&format!(
                        "{url}{separator}payment_intent={id}&payment_intent_client_secret={client_secret}\
                         &redirect_status={result}"
                    ))
                    .into_response()
                }
                None => document(
                    TITLE,
                    &format!("<h1>3-D Secure</h1><p>The payment has {result}. You can close this window.</p>"),
                )
                .into_response(),
            }
        }
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, document(TITLE, "<h1>3-D Secure</h1><p>There is no such payment.</p>")).into_response()
}

/// A page for people.
pub(crate) fn document(title: &str, content: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>
         <style>body {{ font-family: sans-serif; margin: 4rem auto; max-width: 30rem }} button {{ padding: .6rem 1rem }}</style>
         </head><body>{content}</body></html>"
    ))
}

/// Text as it stands in HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
