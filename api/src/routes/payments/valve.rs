//! Pausing payments, and resuming them.

use axum::Json as JsonBody;
use axum::extract::State;
use kassa_store::PaymentValve;
use kassa_store::payment_valve::{ChangeValve, MAX_RATE, Position, Valve};
use kassa_workflows::search_attributes::HELD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::auth::Admin;
use crate::extract::Json;
use crate::problem::Problem;
use crate::routes::orders::rfc3339;
use crate::routes::products::stock::text;
use crate::wire::{Choice, Whole};
use crate::workflows::Workflows;

/// How many changes of the valve are shown.
const SHOWN: u16 = 20;

/// The longest reason of a change, in characters.
const MAX_REASON: usize = 500;

/// How the valve is to stand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"state": "OPEN", "rate": 10, "reason": "Stripe is back"}))]
pub(crate) struct PutValve {
    /// CLOSED holds every order before its charge; OPEN lets them through.
    #[schema(value_type = Wanted)]
    state: Choice<Wanted>,
    /// How many of the orders that were held go per second; only with OPEN, and required there. Orders that come while
    /// those drain do not wait.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1000)]
    rate: Option<Whole<1, { MAX_RATE as i64 }>>,
    /// Why, for whoever reads it later. Required with CLOSED.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S")]
    reason: Option<String>,
}

/// How somebody may want the valve to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = WantedValveState)]
pub(crate) enum Wanted {
    /// Orders are charged.
    Open,
    /// Orders are held before their charge.
    Closed,
}

/// How the valve stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentValve, example = json!({
    "state": "CLOSED", "held": 12, "changes": [
        {"state": "CLOSED", "operator": "usr_1f0c", "reason": "Stripe is down", "changed_at": "2026-11-21T08:15:00Z"}
    ]
}))]
pub(crate) struct ValveBody {
    /// Where it stands.
    state: ValveState,
    /// How many of the orders that were held go per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, minimum = 1, maximum = 1000)]
    rate: Option<u32>,
    /// When the last of the orders goes that have asked so far since the valve was opened (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, format = "date-time")]
    drained_at: Option<String>,
    /// How many orders are held at the moment, or wait for their turn. It is a second behind, and left out while Temporal
    /// cannot be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    held: Option<usize>,
    /// Who has changed it, the newest first, and not more than 20 of them.
    changes: Vec<ValveChangeBody>,
}

/// Where the valve stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = PaymentValveState)]
pub(crate) enum ValveState {
    /// Orders are charged.
    Open,
    /// Orders are charged, and those that were held go one after the other.
    Draining,
    /// Orders are held before their charge.
    Closed,
}

/// A change of the valve.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentValveChange)]
pub(crate) struct ValveChangeBody {
    /// Where it was brought.
    #[schema(value_type = Wanted)]
    state: &'static str,
    /// How many of the orders that had been held were to go per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    rate: Option<u32>,
    /// Who did it.
    operator: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    reason: Option<String>,
    /// When (RFC 3339).
    #[schema(format = "date-time")]
    changed_at: String,
}

impl PutValve {
    fn change(self, operator: String) -> Result<ChangeValve, Problem> {
        let reason = self.reason.map(|reason| text("reason", reason, MAX_REASON)).transpose()?;
        let rate = self.rate.map(|rate| u32::try_from(rate.get()).unwrap_or(MAX_RATE));
        let position = match (self.state, rate) {
            (Choice(Wanted::Open), Some(rate)) => Position::Open { rate },
            (Choice(Wanted::Open), None) => {
                let missing = format!("say how many held orders may go per second, from 1 to {MAX_RATE}");
                return Err(Problem::field("rate", missing));
            }
            (Choice(Wanted::Closed), Some(_)) => {
                return Err(Problem::field("rate", "only a valve that opens has it: leave it out"));
            }
            (Choice(Wanted::Closed), None) => Position::Closed,
        };
        if position == Position::Closed && reason.is_none() {
            return Err(Problem::field("reason", "say why payments are paused, in 1 to 500 characters"));
        }
        Ok(ChangeValve { position, operator, reason })
    }
}

/// Says whether payments are paused.
#[utoipa::path(
    get, path = "/api/payments/valve", tag = "payments", security(("access_token" = ["admin"])),
    responses((status = OK, description = "How the valve stands, and who brought it there.", body = ValveBody)),
)]
pub(crate) async fn get_payment_valve(
    _: Admin,
    State(valve): State<PaymentValve>,
    State(workflows): State<Workflows>,
) -> Result<JsonBody<ValveBody>, Problem> {
    shown(&valve, &valve.get().await?, &workflows).await
}

/// Pauses payments, or resumes them.
///
/// While the payment provider is down: orders are held before their charge with their stock, their callers are told at once to
/// ask again, and nothing is charged. Refunds go on. Once payments are resumed, the orders that were held go at the given
/// rate. One that would be held for longer than stock is held is cancelled, and its customer told.
///
/// Workers notice within a second. Sent again, the request changes nothing.
#[utoipa::path(
    put, path = "/api/payments/valve", tag = "payments", security(("access_token" = ["admin"])),
    request_body = PutValve,
    responses((status = OK, description = "How the valve stands now.", body = ValveBody)),
)]
pub(crate) async fn put_payment_valve(
    Admin { by }: Admin,
    State(valve): State<PaymentValve>,
    State(workflows): State<Workflows>,
    Json(request): Json<PutValve>,
) -> Result<JsonBody<ValveBody>, Problem> {
    let now = valve.change(&request.change(by.to_string())?).await?;
    tracing::warn!(position = ?now.position, "an operator has moved the valve before the payment provider");
    shown(&valve, &now, &workflows).await
}

async fn shown(valve: &PaymentValve, now: &Valve, workflows: &Workflows) -> Result<JsonBody<ValveBody>, Problem> {
    let drained_at = valve.last_turn(now).await?;
    let is_draining = drained_at.is_some_and(|last| last > OffsetDateTime::now_utc());
    let held = workflows.count(&format!("OrderState = '{HELD}' AND ExecutionStatus = 'Running'")).await;
    Ok(JsonBody(ValveBody {
        state: match now.position {
            Position::Closed => ValveState::Closed,
            Position::Open { .. } if is_draining => ValveState::Draining,
            Position::Open { .. } => ValveState::Open,
        },
        rate: rate(now),
        drained_at: drained_at.map(rfc3339),
        held: held.ok(),
        changes: valve.changes(SHOWN).await?.into_iter().map(ValveChangeBody::from).collect(),
    }))
}

/// Of a valve that nobody has touched there is none to tell.
fn rate(valve: &Valve) -> Option<u32> {
    match valve.position {
        Position::Open { rate } if valve.revision > 0 => Some(rate),
        Position::Open { .. } | Position::Closed => None,
    }
}

impl From<Valve> for ValveChangeBody {
    fn from(change: Valve) -> Self {
        Self {
            state: match change.position {
                Position::Open { .. } => "OPEN",
                Position::Closed => "CLOSED",
            },
            rate: rate(&change),
            operator: change.operator,
            reason: change.reason,
            changed_at: rfc3339(change.changed_at),
        }
    }
}

// What the documentation says about bounds has to be what is checked.
const _: () = assert!(MAX_RATE == 1_000 && MAX_REASON == 500 && SHOWN == 20);
