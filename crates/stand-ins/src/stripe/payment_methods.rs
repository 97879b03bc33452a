//! Payment methods: `/v1/payment_methods`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors::ApiError;
use super::form::Form;
use super::ids::new_id;
use super::operations::Call;
use super::state::{Record, State};
use super::test_methods::{INCORRECT_NUMBER, Kind, TestMethod};

/// A payment method that a payment was attempted with, or that was made to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PaymentMethod {
    pub(crate) id: String,
    /// Which test payment method it was made from.
    pub(crate) test_method: String,
    pub(crate) created: i64,
    pub(crate) customer: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
}

impl Record for PaymentMethod {
    const KIND: &'static str = "payment_method";

    fn id(&self) -> &str {
        &self.id
    }
}

impl PaymentMethod {
    fn new(test_method: &TestMethod, now: i64) -> Self {
        Self {
            id: new_id("pm"),
            test_method: test_method.name.clone(),
            created: now,
            customer: None,
            email: None,
            name: None,
        }
    }

    /// What it makes happen.
    pub(crate) fn behaves_as(&self) -> Result<TestMethod, ApiError> {
        TestMethod::named(&self.test_method)
            .ok_or_else(|| ApiError::missing_param("PaymentMethod", "payment_method", &self.id))
    }

    /// The object as Stripe shows it.
    pub(crate) fn render(&self) -> Value {
        let mut body = json!({
            "id": self.id,
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": self.billing_details(),
            "created": self.created,
            "customer": self.customer,
            "livemode": false,
            "metadata": {},
        });
        if let Some(test_method) = TestMethod::named(&self.test_method) {
            body["type"] = json!(test_method.type_name());
            body[test_method.type_name()] = render_details(&test_method);
        }
        body
    }

    /// Who pays, as it stands on payment methods and charges.
    pub(crate) fn billing_details(&self) -> Value {
        json!({
            "address": { "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null },
            "email": self.email,
            "name": self.name,
            "phone": null,
            "tax_id": null,
        })
    }
}

fn render_details(test_method: &TestMethod) -> Value {
    match &test_method.kind {
        Kind::Card { brand, funding, country, last4 } => json!({
            "brand": brand,
            "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
            "country": country,
            "display_brand": brand,
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": format!("fp{brand}{last4}"),
            "funding": funding,
            "generated_from": null,
            "last4": last4,
            "networks": { "available": [brand], "preferred": null },
            "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": true },
            "wallet": null,
        }),
        Kind::UsBankAccount => json!({
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
            "financial_connections_account": null,
            "fingerprint": "fpusbank6789",
            "last4": "6789",
            "networks": { "preferred": "ach", "supported": ["ach"] },
            "routing_number": "110000000",
            "status_details": {},
        }),
    }
}

/// The payment method that a request names or describes, if it does. A test name makes a new payment method, as it does at Stripe.
pub(crate) fn of_request(state: &mut State, call: &Call<'_>) -> Result<Option<String>, ApiError> {
    if let Some(id) = call.form.text("payment_method") {
        if let Some(test_method) = TestMethod::named(id) {
            let method = PaymentMethod::new(&test_method, call.now);
            let id = method.id.clone();
            state.payment_methods.insert(method);
            return Ok(Some(id));
        }
        if state.payment_methods.get(id).is_none() {
            return Err(ApiError::missing_param("PaymentMethod", "payment_method", id));
        }
        return Ok(Some(id.to_owned()));
    }
    if call.form.has("payment_method_data") {
        let method = described(call.form, "payment_method_data", call.now)?;
        let id = method.id.clone();
        state.payment_methods.insert(method);
        return Ok(Some(id));
    }
    Ok(None)
}

/// Makes a payment method from its type and card, which stand at the top of a request or below `prefix`.
fn described(form: &Form, prefix: &str, now: i64) -> Result<PaymentMethod, ApiError> {
    let key = |name: &str| match (prefix, name.split_once('[')) {
        ("", _) => name.to_owned(),
        (prefix, None) => format!("{prefix}[{name}]"),
        (prefix, Some((outer, inner))) => format!("{prefix}[{outer}][{inner}"),
    };
    match form.text(&key("type")) {
        None => return Err(ApiError::parameter_missing(&key("type"))),
        Some("card") => {}
        Some(other) => {
            let message = format!("This stand-in makes payment methods of the type card, not {other}.");
            return Err(ApiError::invalid(message).param(&key("type")));
        }
    }
    let test_method = match (form.text(&key("card[token]")), form.text(&key("card[number]"))) {
        (Some(token), _) => {
            TestMethod::of_token(token).ok_or_else(|| ApiError::missing_param("token", &key("card[token]"), token))?
        }
        (None, Some(number)) => by_number(number, &key("card[number]"))?,
        (None, None) => return Err(ApiError::parameter_missing(&key("card"))),
    };
    let mut method = PaymentMethod::new(&test_method, now);
    method.email = form.owned(&key("billing_details[email]"));
    method.name = form.owned(&key("billing_details[name]"));
    Ok(method)
}

fn by_number(number: &str, param: &str) -> Result<TestMethod, ApiError> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits == INCORRECT_NUMBER || digits.len() < 12 {
        return Err(ApiError::card("Your card number is incorrect.").code("incorrect_number").param(param));
    }
    TestMethod::with_number(&digits).ok_or_else(|| {
        ApiError::card("Your card was declined. Your request was in test mode, but used a non test card.")
            .code("card_declined")
            .with("decline_code", json!("test_mode_live_card"))
    })
}

/// `POST /v1/payment_methods`
pub(crate) fn create(state: &mut State, call: &Call<'_>) -> Result<Value, ApiError> {
    call.form.accept_only(&["type", "card", "billing_details", "metadata", "expand", "allow_redisplay"], false)?;
    let method = described(call.form, "", call.now)?;
    let body = method.render();
    state.payment_methods.insert(method);
    Ok(body)
}

/// `GET /v1/payment_methods/{id}`
pub(crate) fn retrieve(state: &State, id: &str) -> Result<Value, ApiError> {
    let method = state.payment_methods.get(id).ok_or_else(|| missing(id))?;
    Ok(method.render())
}

/// `POST /v1/payment_methods/{id}/attach`
pub(crate) fn attach(state: &mut State, call: &Call<'_>, id: &str) -> Result<Value, ApiError> {
    call.form.accept_only(&["customer", "expand"], false)?;
    let customer = call.form.text("customer").ok_or_else(|| ApiError::parameter_missing("customer"))?;
    if state.customers.get(customer).is_none() {
        return Err(ApiError::missing_param("customer", "customer", customer));
    }
    if let Some(test_method) = TestMethod::named(id) {
        let mut method = PaymentMethod::new(&test_method, call.now);
        method.customer = Some(customer.to_owned());
        let body = method.render();
        state.payment_methods.insert(method);
        return Ok(body);
    }
    let method = state.payment_methods.get_mut(id).ok_or_else(|| missing(id))?;
    method.customer = Some(customer.to_owned());
    Ok(method.render())
}

fn missing(id: &str) -> ApiError {
    ApiError::missing("PaymentMethod", "payment_method", id)
}
