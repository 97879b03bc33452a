//! Refunds: `/v1/refunds`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::charges::{Charge, ChargeStatus};
use super::errors::ApiError;
use super::events::emit;
use super::form::apply_metadata;
use super::ids::new_id;
use super::lists;
use super::money::{check_positive, format_amount};
use super::operations::{Call, Origin};
use super::state::{FollowUp, Record, State};
use super::test_methods::{RefundBehaviour, TestMethod};

/// Money that goes back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) charge: String,
    pub(crate) payment_intent: String,
    pub(crate) reason: Option<String>,
    pub(crate) status: RefundStatus,
    /// Whether the state is final, or changes after a moment.
    pub(crate) settled: bool,
    pub(crate) failure_reason: Option<String>,
    pub(crate) balance_transaction: String,
    pub(crate) failure_balance_transaction: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// How far a refund has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
}

impl Record for Refund {
    const KIND: &'static str = "refund";

    fn id(&self) -> &str {
        &self.id
    }
}

impl Refund {
    /// The object as Stripe shows it.
    pub(crate) fn render(&self) -> Value {
        json!({
            "id": self.id,
            "object": "refund",
            "amount": self.amount,
            "balance_transaction": self.balance_transaction,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "destination_details": {
                "type": "card",
                "card": { "reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund" },
            },
            "failure_balance_transaction": self.failure_balance_transaction,
            "failure_reason": self.failure_reason,
            "metadata": self.metadata,
            "payment_intent": self.payment_intent,
            "reason": self.reason,
            "receipt_number": null,
            "source_transfer_reversal": null,
            "status": self.status,
            "transfer_reversal": null,
        })
    }
}

const KNOWN: &[&str] = &[
    "amount",
    "charge",
    "currency",
    "customer",
    "expand",
    "instructions_email",
    "metadata",
    "origin",
    "payment_intent",
    "reason",
    "refund_application_fee",
    "reverse_transfer",
];

const REASONS: &[&str] = &["duplicate", "fraudulent", "requested_by_customer"];

/// `POST /v1/refunds`
pub(crate) fn create(state: &mut State, call: &Call<'_>) -> Result<Value, ApiError> {
    let form = call.form;
    form.accept_only(KNOWN, false)?;
    let wanted = form.integer("amount")?;
    if let Some(amount) = wanted {
        check_positive(amount, "amount")?;
    }
    let reason = form.choice("reason", REASONS)?;
    let mut metadata = BTreeMap::new();
    apply_metadata(&mut metadata, form)?;

    let charge = charge_of_request(state, call)?;
    let remaining = charge.refundable();
    if remaining == 0 {
        let message = format!("Charge {} has already been refunded.", charge.id);
        return Err(ApiError::refused(message).code("charge_already_refunded").with("charge", json!(charge.id)));
    }
    let amount = wanted.unwrap_or(remaining);
    if amount > remaining {
        let message = format!(
            "Refund amount ({}) is greater than unrefunded amount on charge ({})",
            format_amount(amount, &charge.currency),
            format_amount(remaining, &charge.currency),
        );
        return Err(ApiError::refused(message).param("amount").with("charge", json!(charge.id)));
    }

    let behaviour = TestMethod::named(&charge.test_method).map_or(RefundBehaviour::Succeeds, |method| method.refunds);
    let refund = Refund {
        id: new_id("re"),
        created: call.now,
        amount,
        currency: charge.currency.clone(),
        charge: charge.id.clone(),
        payment_intent: charge.payment_intent.clone(),
        reason,
        status: match behaviour {
            RefundBehaviour::Pending => RefundStatus::Pending,
            RefundBehaviour::Succeeds | RefundBehaviour::Fails => RefundStatus::Succeeded,
        },
        settled: behaviour == RefundBehaviour::Succeeds,
        failure_reason: None,
        balance_transaction: new_id("txn"),
        failure_balance_transaction: None,
        metadata,
    };
    if !refund.settled {
        state.follow_ups.push(FollowUp::SettleRefund(refund.id.clone()));
    }
    let body = refund.render();
    let charge_id = refund.charge.clone();
    state.refunds.insert(refund);
    let charge = charge_mut(state, &charge_id)?;
    charge.amount_refunded += amount;
    let charge = charge.render();
    emit(state, &call.origin(), "refund.created", body.clone());
    emit(state, &call.origin(), "charge.refunded", charge);
    Ok(body)
}

fn charge_of_request<'a>(state: &'a State, call: &Call<'_>) -> Result<&'a Charge, ApiError> {
    let (charge_id, intent_id) = (call.form.text("charge"), call.form.text("payment_intent"));
    if let Some(id) = charge_id {
        let charge = state.charges.get(id).ok_or_else(|| ApiError::missing_param("charge", "charge", id))?;
        if intent_id.is_some_and(|intent| intent != charge.payment_intent) {
            let message = format!("The charge {id} does not belong to the given PaymentIntent.");
            return Err(ApiError::refused(message).param("payment_intent"));
        }
        return if charge.captured { Ok(charge) } else { Err(nothing_to_refund(&charge.payment_intent)) };
    }
    let Some(id) = intent_id else {
        let message = "One of the following params should be provided for this request: payment_intent or charge.";
        return Err(ApiError::invalid(message).code("parameter_missing"));
    };
    let intent =
        state.payment_intents.get(id).ok_or_else(|| ApiError::missing_param("payment_intent", "payment_intent", id))?;
    intent
        .latest_charge
        .as_deref()
        .and_then(|charge| state.charges.get(charge))
        .filter(|charge| charge.status == ChargeStatus::Succeeded && charge.captured)
        .ok_or_else(|| nothing_to_refund(id))
}

fn nothing_to_refund(intent: &str) -> ApiError {
    let message = format!("This PaymentIntent ({intent}) does not have a successful charge to refund.");
    ApiError::refused(message).param("payment_intent")
}

fn charge_mut<'a>(state: &'a mut State, id: &str) -> Result<&'a mut Charge, ApiError> {
    state.charges.get_mut(id).ok_or_else(|| ApiError::missing("charge", "id", id))
}

/// Gives a refund that is not final its end.
pub(crate) fn settle(state: &mut State, origin: &Origin, id: &str) -> Result<Value, ApiError> {
    let refund = state.refunds.get(id).ok_or_else(|| missing(id))?;
    if refund.settled {
        return Ok(refund.render());
    }
    let charge_id = refund.charge.clone();
    let amount = refund.amount;
    let charge = charge_mut(state, &charge_id)?;
    let fails = TestMethod::named(&charge.test_method).is_some_and(|method| method.refunds == RefundBehaviour::Fails);
    if fails {
        charge.amount_refunded -= amount;
    }
    let refund = state.refunds.get_mut(id).ok_or_else(|| missing(id))?;
    refund.settled = true;
    if fails {
        refund.status = RefundStatus::Failed;
        refund.failure_reason = Some("expired_or_canceled_card".to_owned());
        refund.failure_balance_transaction = Some(new_id("txn"));
    } else {
        refund.status = RefundStatus::Succeeded;
    }
    let body = refund.render();
    emit(state, origin, "refund.updated", body.clone());
    if fails {
        emit(state, origin, "refund.failed", body.clone());
    }
    Ok(body)
}

/// `GET /v1/refunds/{id}`
pub(crate) fn retrieve(state: &State, id: &str) -> Result<Value, ApiError> {
    Ok(state.refunds.get(id).ok_or_else(|| missing(id))?.render())
}

/// `POST /v1/refunds/{id}`
pub(crate) fn update(state: &mut State, call: &Call<'_>, id: &str) -> Result<Value, ApiError> {
    call.form.accept_only(&["metadata", "expand"], true)?;
    let refund = state.refunds.get_mut(id).ok_or_else(|| missing(id))?;
    apply_metadata(&mut refund.metadata, call.form)?;
    let body = refund.render();
    emit(state, &call.origin(), "refund.updated", body.clone());
    Ok(body)
}

/// `GET /v1/refunds`
pub(crate) fn list(state: &State, call: &Call<'_>) -> Result<Value, ApiError> {
    call.form.accept_only(&[lists::PARAMETERS, &["payment_intent", "charge"]].concat(), false)?;
    let (intent, charge) = (call.form.text("payment_intent"), call.form.text("charge"));
    let refunds = state.refunds.newest_first().filter(|refund| {
        intent.is_none_or(|id| refund.payment_intent == id) && charge.is_none_or(|id| refund.charge == id)
    });
    lists::page(call.form, "/v1/refunds", refunds, |refund| refund.created, Refund::render)
}

fn missing(id: &str) -> ApiError {
    ApiError::missing("refund", "id", id)
}
