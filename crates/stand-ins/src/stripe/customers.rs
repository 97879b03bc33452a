//! Customers: `/v1/customers`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors::ApiError;
use super::events::emit;
use super::form::{Form, apply_metadata};
use super::ids::random_text;
use super::lists;
use super::operations::Call;
use super::state::{Record, State};

/// Somebody who pays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

impl Record for Customer {
    const KIND: &'static str = "customer";

    fn id(&self) -> &str {
        &self.id
    }
}

impl Customer {
    /// The object as Stripe shows it.
    pub(crate) fn render(&self) -> Value {
        json!({
            "id": self.id,
            "object": "customer",
            "address": null,
            "balance": 0,
            "created": self.created,
            "currency": null,
            "default_source": null,
            "delinquent": false,
            "description": self.description,
            "discount": null,
            "email": self.email,
            "invoice_prefix": self.id.get(4..12),
            "invoice_settings": {
                "custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null,
            },
            "livemode": false,
            "metadata": self.metadata,
            "name": self.name,
            "next_invoice_sequence": 1,
            "phone": self.phone,
            "preferred_locales": [],
            "shipping": null,
            "tax_exempt": "none",
            "test_clock": null,
        })
    }

    fn apply(&mut self, form: &Form) -> Result<(), ApiError> {
        let email = form.text("email").filter(|email| !email.is_empty());
        if let Some(email) = email
            && !email.contains('@')
        {
            return Err(ApiError::invalid(format!("Invalid email address: {email}"))
                .code("email_invalid")
                .param("email"));
        }
        apply_metadata(&mut self.metadata, form)?;
        for (key, field) in [
            ("email", &mut self.email),
            ("name", &mut self.name),
            ("phone", &mut self.phone),
            ("description", &mut self.description),
        ] {
            if let Some(text) = form.text(key) {
                *field = Some(text.to_owned()).filter(|text| !text.is_empty());
            }
        }
        Ok(())
    }
}

const KNOWN: &[&str] = &["email", "name", "phone", "description", "metadata", "expand"];

/// `POST /v1/customers`
pub(crate) fn create(state: &mut State, call: &Call<'_>) -> Result<Value, ApiError> {
    call.form.accept_only(KNOWN, true)?;
    let mut customer = Customer {
        id: format!("cus_{}", random_text(14)),
        created: call.now,
        email: None,
        name: None,
        phone: None,
        description: None,
        metadata: BTreeMap::new(),
    };
    customer.apply(call.form)?;
    let body = customer.render();
    state.customers.insert(customer);
    emit(state, &call.origin(), "customer.created", body.clone());
    Ok(body)
}

/// `GET /v1/customers/{id}`
pub(crate) fn retrieve(state: &State, id: &str) -> Result<Value, ApiError> {
    let customer = state.customers.get(id).ok_or_else(|| ApiError::missing("customer", "id", id))?;
    Ok(customer.render())
}

/// `POST /v1/customers/{id}`
pub(crate) fn update(state: &mut State, call: &Call<'_>, id: &str) -> Result<Value, ApiError> {
    call.form.accept_only(KNOWN, true)?;
    let customer = state.customers.get_mut(id).ok_or_else(|| ApiError::missing("customer", "id", id))?;
    customer.apply(call.form)?;
    let body = customer.render();
    emit(state, &call.origin(), "customer.updated", body.clone());
    Ok(body)
}

/// `GET /v1/customers`
pub(crate) fn list(state: &State, call: &Call<'_>) -> Result<Value, ApiError> {
    call.form.accept_only(&[lists::PARAMETERS, &["email"]].concat(), false)?;
    let email = call.form.text("email");
    let customers = state
        .customers
        .newest_first()
        .filter(|customer| email.is_none_or(|email| customer.email.as_deref() == Some(email)));
    lists::page(call.form, "/v1/customers", customers, |customer| customer.created, Customer::render)
}
