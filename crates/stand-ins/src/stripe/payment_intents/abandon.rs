//! The end of a payment whose checkout session has ended.

use super::super::errors::ApiError;
use super::super::operations::Origin;
use super::super::state::State;
use super::{Status, emit_intent, find_mut};

/// Cancels what was begun on the page of a session.
pub(crate) fn abandon(state: &mut State, origin: &Origin, id: &str) -> Result<(), ApiError> {
    let intent = find_mut(state, id)?;
    intent.status = Status::Canceled;
    intent.next_action = None;
    intent.canceled_at = Some(origin.now);
    intent.cancellation_reason = Some("automatic".to_owned());
    emit_intent(state, origin, "payment_intent.canceled", id)
}
