//! Charges: one attempt each to take money. `/v1/charges`

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors::ApiError;
use super::lists;
use super::operations::Call;
use super::state::{Record, State};
use super::test_methods::{Decline, Kind, TestMethod};

/// One attempt to take money.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) amount: i64,
    pub(crate) amount_captured: i64,
    /// What went back to the customer, with the part of an authorization that was never captured.
    pub(crate) amount_refunded: i64,
    pub(crate) currency: String,
    pub(crate) status: ChargeStatus,
    pub(crate) captured: bool,
    pub(crate) authenticated: bool,
    pub(crate) failure_code: Option<String>,
    pub(crate) failure_message: Option<String>,
    pub(crate) outcome: Value,
    pub(crate) balance_transaction: Option<String>,
    pub(crate) payment_intent: String,
    pub(crate) payment_method: String,
    pub(crate) test_method: String,
    pub(crate) billing_details: Value,
    pub(crate) customer: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) receipt_email: Option<String>,
    pub(crate) statement_descriptor: Option<String>,
    pub(crate) statement_descriptor_suffix: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// How the attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChargeStatus {
    Succeeded,
    Pending,
    Failed,
}

impl Record for Charge {
    const KIND: &'static str = "charge";

    fn id(&self) -> &str {
        &self.id
    }
}

impl Charge {
    /// What can still be given back.
    pub(crate) fn refundable(&self) -> i64 {
        if self.captured { self.amount - self.amount_refunded } else { 0 }
    }

    /// The object as Stripe shows it.
    pub(crate) fn render(&self) -> Value {
        json!({
            "id": self.id,
            "object": "charge",
            "amount": self.amount,
            "amount_captured": self.amount_captured,
            "amount_refunded": self.amount_refunded,
            "balance_transaction": self.balance_transaction,
            "billing_details": self.billing_details,
            "captured": self.captured,
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "description": self.description,
            "disputed": false,
            "failure_code": self.failure_code,
            "failure_message": self.failure_message,
            "fraud_details": {},
            "livemode": false,
            "metadata": self.metadata,
            "outcome": self.outcome,
            "paid": self.status != ChargeStatus::Failed,
            "payment_intent": self.payment_intent,
            "payment_method": self.payment_method,
            "payment_method_details": self.payment_method_details(),
            "radar_options": {},
            "receipt_email": self.receipt_email,
            "receipt_url": null,
            "refunded": self.amount_refunded > 0 && self.amount_refunded == self.amount,
            "statement_descriptor": self.statement_descriptor,
            "statement_descriptor_suffix": self.statement_descriptor_suffix,
            "status": self.status,
        })
    }

    fn payment_method_details(&self) -> Value {
        let Some(test_method) = TestMethod::named(&self.test_method) else { return Value::Null };
        match &test_method.kind {
            Kind::Card { brand, funding, country, last4 } => json!({
                "type": "card",
                "card": {
                    "amount_authorized": if self.status == ChargeStatus::Failed { None } else { Some(self.amount) },
                    "authorization_code": null,
                    "brand": brand,
                    "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
                    "country": country,
                    "exp_month": 12,
                    "exp_year": 2034,
                    "extended_authorization": { "status": "disabled" },
                    "fingerprint": format!("fp{brand}{last4}"),
                    "funding": funding,
                    "incremental_authorization": { "status": "unavailable" },
                    "installments": null,
                    "last4": last4,
                    "mandate": null,
                    "multicapture": { "status": "unavailable" },
                    "network": brand,
                    "network_token": { "used": false },
                    "network_transaction_id": null,
                    "overcapture": { "maximum_amount_capturable": self.amount, "status": "unavailable" },
                    "regulated_status": "unregulated",
                    "three_d_secure": self.authenticated.then(|| json!({
                        "authentication_flow": "challenge",
                        "result": "authenticated",
                        "result_reason": null,
                        "version": "2.2.0",
                    })),
                    "wallet": null,
                },
            }),
            Kind::UsBankAccount => json!({
                "type": "us_bank_account",
                "us_bank_account": {
                    "account_holder_type": "individual",
                    "account_type": "checking",
                    "bank_name": "STRIPE TEST BANK",
                    "fingerprint": "fpusbank6789",
                    "last4": "6789",
                    "mandate": null,
                    "payment_reference": null,
                    "routing_number": "110000000",
                },
            }),
        }
    }
}

/// What Stripe's fraud prevention and the network said about an approved payment.
pub(crate) fn approved_outcome(test_method: &TestMethod) -> Value {
    let (risk_level, risk_score) = if test_method.elevated_risk { ("elevated", 70) } else { ("normal", 12) };
    json!({
        "advice_code": null,
        "network_advice_code": null,
        "network_decline_code": null,
        "network_status": "approved_by_network",
        "reason": if test_method.elevated_risk { Some("elevated_risk_level") } else { None },
        "risk_level": risk_level,
        "risk_score": risk_score,
        "seller_message": "Payment complete.",
        "type": "authorized",
    })
}

/// What they said about a declined one.
pub(crate) fn declined_outcome(decline: Decline) -> Value {
    if decline.is_blocked() {
        return json!({
            "advice_code": null,
            "network_advice_code": null,
            "network_decline_code": null,
            "network_status": "not_sent_to_network",
            "reason": "highest_risk_level",
            "risk_level": "highest",
            "risk_score": 92,
            "seller_message": "Stripe blocked this payment as too risky.",
            "type": "blocked",
        });
    }
    json!({
        "advice_code": decline.advice_code(),
        "network_advice_code": null,
        "network_decline_code": "05",
        "network_status": "declined_by_network",
        "reason": decline.decline_code().unwrap_or(decline.code()),
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    })
}

/// `GET /v1/charges/{id}`
pub(crate) fn retrieve(state: &State, id: &str) -> Result<Value, ApiError> {
    let charge = state.charges.get(id).ok_or_else(|| ApiError::missing("charge", "id", id))?;
    Ok(charge.render())
}

/// `GET /v1/charges`
pub(crate) fn list(state: &State, call: &Call<'_>) -> Result<Value, ApiError> {
    call.form.accept_only(&[lists::PARAMETERS, &["payment_intent", "customer"]].concat(), false)?;
    let payment_intent = call.form.text("payment_intent");
    let customer = call.form.text("customer");
    let charges = state.charges.newest_first().filter(|charge| {
        payment_intent.is_none_or(|id| charge.payment_intent == id)
            && customer.is_none_or(|id| charge.customer.as_deref() == Some(id))
    });
    lists::page(call.form, "/v1/charges", charges, |charge| charge.created, Charge::render)
}
