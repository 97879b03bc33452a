//! Expansion of identifiers into the objects behind them: `expand[]=latest_charge`.

use serde_json::Value;

use super::errors::ApiError;
use super::form::Form;
use super::state::State;

const EXPANDABLE: &[&str] = &["charge", "customer", "latest_charge", "payment_intent", "payment_method"];

/// Refuses paths that lead to nothing that can be expanded, before anything is done.
pub(crate) fn check(form: &Form) -> Result<(), ApiError> {
    for path in form.list("expand") {
        let steps: Vec<&str> = path.split('.').skip_while(|step| *step == "data").collect();
        if steps.is_empty() || steps.len() > 4 || !steps.iter().all(|step| EXPANDABLE.contains(step)) {
            let message = format!("This property cannot be expanded ({path}).");
            return Err(ApiError::invalid(message).param("expand"));
        }
    }
    Ok(())
}

/// Puts objects in the place of identifiers.
pub(crate) fn apply(state: &State, form: &Form, body: &mut Value) {
    for path in form.list("expand") {
        expand(state, body, &path);
    }
}

fn expand(state: &State, value: &mut Value, path: &str) {
    if let Value::Array(items) = value {
        for item in items {
            expand(state, item, path);
        }
        return;
    }
    let (step, rest) = path.split_once('.').map_or((path, None), |(step, rest)| (step, Some(rest)));
    let Some(next) = value.get_mut(step) else { return };
    if let Some(object) = next.as_str().and_then(|id| object(state, id)) {
        *next = object;
    }
    if let Some(rest) = rest {
        expand(state, next, rest);
    }
}

fn object(state: &State, id: &str) -> Option<Value> {
    match id.split_once('_')?.0 {
        "ch" | "py" => state.charges.get(id).map(super::charges::Charge::render),
        "cus" => state.customers.get(id).map(super::customers::Customer::render),
        "pi" => state.payment_intents.get(id).map(|intent| intent.render(&state.base_url)),
        "pm" => state.payment_methods.get(id).map(super::payment_methods::PaymentMethod::render),
        _ => None,
    }
}
