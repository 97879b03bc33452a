//! Events: `/v1/events`, and what is sent to webhook endpoints.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors::ApiError;
use super::ids::new_id;
use super::lists;
use super::operations::{Call, Origin};
use super::state::{FollowUp, Record, State};

/// The version whose object shapes this server speaks: the one that the async-stripe crates are generated from.
pub(crate) const API_VERSION: &str = "2026-09-30.endive";

/// Something that happened, with the object as it was right after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) created: i64,
    pub(crate) object: Value,
    pub(crate) request_id: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    /// Whether a webhook endpoint still has to be told.
    pub(crate) pending: bool,
    /// How often its delivery was tried.
    pub(crate) attempts: u32,
}

impl Record for Event {
    const KIND: &'static str = "event";

    fn id(&self) -> &str {
        &self.id
    }
}

impl Event {
    /// The object as Stripe shows it.
    pub(crate) fn render(&self) -> Value {
        json!({
            "id": self.id,
            "object": "event",
            "api_version": API_VERSION,
            "created": self.created,
            "data": { "object": self.object },
            "livemode": false,
            "pending_webhooks": i32::from(self.pending),
            "request": { "id": self.request_id, "idempotency_key": self.idempotency_key },
            "type": self.kind,
        })
    }
}

/// Records that something happened, and has it delivered once the change is written.
pub(crate) fn emit(state: &mut State, origin: &Origin, event_type: &str, object: Value) {
    let event = Event {
        id: new_id("evt"),
        kind: event_type.to_owned(),
        created: origin.now,
        object,
        request_id: origin.request_id.clone(),
        idempotency_key: origin.idempotency_key.clone(),
        pending: state.webhook_events.iter().any(|wanted| matches_type(wanted, event_type)),
        attempts: 0,
    };
    if event.pending {
        state.follow_ups.push(FollowUp::Deliver(event.id.clone()));
    }
    state.events.insert(event);
}

/// `GET /v1/events/{id}`
pub(crate) fn retrieve(state: &State, id: &str) -> Result<Value, ApiError> {
    let event = state.events.get(id).ok_or_else(|| ApiError::missing("event", "id", id))?;
    Ok(event.render())
}

/// `GET /v1/events`
pub(crate) fn list(state: &State, call: &Call<'_>) -> Result<Value, ApiError> {
    call.form.accept_only(&[lists::PARAMETERS, &["type", "types", "delivery_success"]].concat(), false)?;
    let mut types = call.form.list("types");
    types.extend(call.form.owned("type"));
    let delivered = call.form.boolean("delivery_success")?;
    let events = state.events.newest_first().filter(|event| {
        (types.is_empty() || types.iter().any(|wanted| matches_type(wanted, &event.kind)))
            && delivered.is_none_or(|delivered| delivered != event.pending)
    });
    lists::page(call.form, "/v1/events", events, |event| event.created, Event::render)
}

fn matches_type(wanted: &str, event_type: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(prefix) => event_type.starts_with(prefix),
        None => wanted == event_type,
    }
}
