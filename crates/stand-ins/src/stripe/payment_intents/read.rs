//! `GET /v1/payment_intents`, `/{id}` and `/search`

use serde_json::{Value, json};

use super::super::errors::ApiError;
use super::super::lists;
use super::super::operations::Call;
use super::super::search::{Field, Query};
use super::super::state::State;
use super::{PaymentIntent, find};

/// `GET /v1/payment_intents/{id}`
pub(crate) fn retrieve(state: &State, call: &Call<'_>, id: &str) -> Result<Value, ApiError> {
    call.form.accept_only(&["client_secret", "expand"], false)?;
    let intent = find(state, id)?;
    if let Some(secret) = call.form.text("client_secret")
        && secret != intent.client_secret
    {
        let message = "The client_secret provided does not match the client_secret associated with this PaymentIntent.";
        return Err(ApiError::invalid(message).code("payment_intent_invalid_parameter").param("client_secret"));
    }
    Ok(intent.render(&state.base_url))
}

/// `GET /v1/payment_intents`
pub(crate) fn list(state: &State, call: &Call<'_>) -> Result<Value, ApiError> {
    call.form.accept_only(&[lists::PARAMETERS, &["customer"]].concat(), false)?;
    let customer = call.form.text("customer");
    let intents = state
        .payment_intents
        .newest_first()
        .filter(|intent| customer.is_none_or(|customer| intent.customer.as_deref() == Some(customer)));
    let render = |intent: &PaymentIntent| intent.render(&state.base_url);
    lists::page(call.form, "/v1/payment_intents", intents, |intent| intent.created, render)
}

/// `GET /v1/payment_intents/search`
pub(crate) fn search(state: &State, call: &Call<'_>) -> Result<Value, ApiError> {
    call.form.accept_only(&["query", "limit", "page", "expand"], false)?;
    let text = call.form.text("query").ok_or_else(|| ApiError::parameter_missing("query"))?;
    let query = Query::parse(text, &["amount", "created", "currency", "customer", "status"])?;
    let limit = lists::limit(call.form)?;

    let found: Vec<&PaymentIntent> =
        state.payment_intents.newest_first().filter(|intent| query.matches(|field| value_of(intent, field))).collect();
    let start = match call.form.text("page") {
        None => 0,
        Some(page) => {
            let last = page.strip_prefix("after_").unwrap_or_default();
            let position = found.iter().position(|intent| intent.id == last);
            position.ok_or_else(|| ApiError::invalid(format!("Invalid page: {page}")).param("page"))? + 1
        }
    };
    let end = (start + limit).min(found.len());
    let data: Vec<Value> = found[start..end].iter().map(|intent| intent.render(&state.base_url)).collect();
    let has_more = end < found.len();
    let next_page = found[start..end].last().filter(|_| has_more).map(|last| format!("after_{}", last.id));
    Ok(json!({
        "object": "search_result",
        "url": "/v1/payment_intents/search",
        "has_more": has_more,
        "data": data,
        "next_page": next_page,
    }))
}

fn value_of(intent: &PaymentIntent, field: &Field) -> Option<String> {
    match field {
        Field::Metadata(key) => intent.metadata.get(key).cloned(),
        Field::Named(name) => match name.as_str() {
            "amount" => Some(intent.amount.to_string()),
            "created" => Some(intent.created.to_string()),
            "currency" => Some(intent.currency.clone()),
            "customer" => intent.customer.clone(),
            "status" => Some(intent.status.as_str().to_owned()),
            _ => None,
        },
    }
}
