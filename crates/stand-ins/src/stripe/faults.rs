//! Faults that tests ask for.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::errors::ApiError;

/// Something that goes wrong with the next matching requests.
///
/// ```
/// use kassa_stand_ins::stripe::{Fault, Outcome, Stage};
///
/// // The next creation for this order takes effect, but the caller never learns of it.
/// let fault = Fault::new("payment_intents.create", Stage::After, Outcome::Reset).for_order("ord_1");
/// # drop(fault);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The operation, such as `payment_intents.create`; `refunds.*` stands for all of a resource, `*` for all.
    pub operation: String,
    /// Only requests about the order with this `metadata[order_id]`.
    #[serde(default)]
    pub order_id: Option<String>,
    /// Whether the operation takes effect first.
    #[serde(default)]
    pub stage: Stage,
    /// How long the request waits at that stage, in milliseconds.
    #[serde(default)]
    pub delay_ms: u64,
    /// What becomes of the answer.
    #[serde(default)]
    pub outcome: Outcome,
    /// How many matching requests go well first.
    #[serde(default)]
    pub skip: u32,
    /// How many requests are hit after those; [`u32::MAX`] means all.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault that hits the next request to the operation.
    pub fn new(operation: &str, stage: Stage, outcome: Outcome) -> Self {
        Self { operation: operation.to_owned(), order_id: None, stage, delay_ms: 0, outcome, skip: 0, times: 1 }
    }

    /// A fault that only makes the next request to the operation slow, before it takes effect.
    pub fn slow(operation: &str, delay: std::time::Duration) -> Self {
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        Self { delay_ms, ..Self::new(operation, Stage::Before, Outcome::Pass) }
    }

    /// Hits only requests about one order.
    #[must_use]
    pub fn for_order(self, order_id: &str) -> Self {
        Self { order_id: Some(order_id.to_owned()), ..self }
    }

    /// Hits this many requests.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Lets this many requests go well first.
    #[must_use]
    pub fn skip(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    fn matches(&self, operation: &str, order_id: Option<&str>) -> bool {
        let same_operation = match self.operation.strip_suffix('*') {
            Some(prefix) => operation.starts_with(prefix),
            None => operation == self.operation,
        };
        same_operation && self.order_id.as_deref().is_none_or(|wanted| order_id == Some(wanted))
    }
}

/// When a fault strikes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Before the operation: it does not take effect, unless the fault is only a delay.
    #[default]
    Before,
    /// After the operation: it takes effect, and the caller does not learn of it.
    After,
}

/// What becomes of the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Outcome {
    /// Nothing else happens: the fault is its delay.
    #[default]
    Pass,
    /// An error takes its place.
    Error {
        /// The status code.
        status: u16,
        /// Stripe's kind of error; `api_error` unless told.
        #[serde(default, rename = "type")]
        error_type: Option<String>,
        /// Stripe's error code.
        #[serde(default)]
        code: Option<String>,
        /// The issuer's reason, for `card_error`.
        #[serde(default)]
        decline_code: Option<String>,
        /// Stripe's wording.
        #[serde(default)]
        message: Option<String>,
        /// The header `Stripe-Should-Retry`.
        #[serde(default)]
        should_retry: Option<bool>,
        /// Whether the error is saved for the idempotency key. Unless told, 402 and 500 are, because they come from the
        /// operation; the others come from what stands before it.
        #[serde(default)]
        saved: Option<bool>,
    },
    /// The connection is reset.
    Reset,
    /// No answer comes until the caller gives up.
    Hang,
    /// The answer breaks off in the middle of its JSON.
    MalformedJson,
}

impl Outcome {
    /// An error with this status code.
    pub fn status(status: u16) -> Self {
        Self::Error {
            status,
            error_type: None,
            code: None,
            decline_code: None,
            message: None,
            should_retry: None,
            saved: None,
        }
    }

    /// The error, and whether it is saved for the idempotency key.
    pub(crate) fn error(&self) -> Option<(ApiError, bool)> {
        let Self::Error { status, error_type, code, decline_code, message, should_retry, saved } = self else {
            return None;
        };
        let default_type = match status {
            402 => "card_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        };
        let message = message.as_deref().unwrap_or("An error that a test asked for.");
        let mut error = ApiError::injected(*status, error_type.as_deref().unwrap_or(default_type), message);
        if let Some(code) = code {
            error = error.code(code);
        }
        if let Some(decline_code) = decline_code {
            error = error.with("decline_code", serde_json::json!(decline_code));
        }
        error.should_retry = *should_retry;
        Some((error, saved.unwrap_or(matches!(status, 402 | 500))))
    }

    /// Whether it replaces the saved answer, so that it does not apply to answers that are repeated.
    pub(crate) fn is_saved(&self) -> bool {
        self.error().is_some_and(|(_, saved)| saved)
    }
}

/// Names one fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FaultId(u64);

/// A fault, and how often it struck.
#[derive(Clone, Debug, Serialize)]
pub struct FaultReport {
    /// Names the fault.
    pub id: FaultId,
    /// How many requests it hit.
    pub fired: u32,
    /// The fault itself.
    #[serde(flatten)]
    pub fault: Fault,
}

/// The faults of a server.
#[derive(Debug, Default)]
pub struct Faults {
    armed: Mutex<Armed>,
}

#[derive(Debug, Default)]
struct Armed {
    last_id: u64,
    faults: Vec<ArmedFault>,
}

#[derive(Debug)]
struct ArmedFault {
    id: FaultId,
    fault: Fault,
    skipped: u32,
    fired: u32,
}

impl Faults {
    /// Arms a fault.
    pub fn add(&self, fault: Fault) -> FaultId {
        let mut armed = self.lock();
        armed.last_id += 1;
        let id = FaultId(armed.last_id);
        armed.faults.push(ArmedFault { id, fault, skipped: 0, fired: 0 });
        id
    }

    /// Disarms a fault.
    pub fn remove(&self, id: FaultId) {
        self.lock().faults.retain(|fault| fault.id != id);
    }

    /// Disarms all faults.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    /// How often a fault struck; 0 for one that is not armed.
    pub fn fired(&self, id: FaultId) -> u32 {
        self.lock().faults.iter().find(|fault| fault.id == id).map_or(0, |fault| fault.fired)
    }

    /// All faults, with those that will not strike any more.
    pub fn list(&self) -> Vec<FaultReport> {
        let report = |armed: &ArmedFault| FaultReport { id: armed.id, fired: armed.fired, fault: armed.fault.clone() };
        self.lock().faults.iter().map(report).collect()
    }

    /// The fault that strikes a request, if one does. `saved_too` is false for a repeated answer.
    pub(crate) fn strike(
        &self,
        stage: Stage,
        operation: &str,
        order_id: Option<&str>,
        saved_too: bool,
    ) -> Option<Fault> {
        for armed in &mut self.lock().faults {
            let applies = armed.fault.stage == stage
                && armed.fault.matches(operation, order_id)
                && (saved_too || !armed.fault.outcome.is_saved());
            if !applies || (armed.fault.times != u32::MAX && armed.fired >= armed.fault.times) {
                continue;
            }
            if armed.skipped < armed.fault.skip {
                armed.skipped += 1;
                continue;
            }
            armed.fired = armed.fired.saturating_add(1);
            return Some(armed.fault.clone());
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Armed> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(faults: &Faults, operation: &str, order_id: Option<&str>) -> bool {
        faults.strike(Stage::Before, operation, order_id, true).is_some()
    }

    #[test]
    fn a_fault_strikes_as_often_as_asked_after_what_it_skips() {
        let faults = Faults::default();
        let id = faults.add(Fault::new("refunds.create", Stage::Before, Outcome::Reset).skip(1).times(2));
        let struck: Vec<bool> = (0..5).map(|_| strikes(&faults, "refunds.create", None)).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert_eq!(faults.fired(id), 2);
    }

    #[test]
    fn a_fault_strikes_only_what_it_is_meant_for() {
        let faults = Faults::default();
        faults.add(Fault::new("refunds.*", Stage::Before, Outcome::Hang).for_order("ord_1").times(u32::MAX));
        assert!(strikes(&faults, "refunds.create", Some("ord_1")) && strikes(&faults, "refunds.list", Some("ord_1")));
        assert!(!strikes(&faults, "refunds.create", Some("ord_2")) && !strikes(&faults, "refunds.create", None));
        assert!(!strikes(&faults, "payment_intents.create", Some("ord_1")));
        assert!(faults.strike(Stage::After, "refunds.create", Some("ord_1"), true).is_none());
    }

    #[test]
    fn errors_of_the_operation_are_saved_and_others_are_not() {
        for (status, saved) in [(402, true), (500, true), (409, false), (429, false), (503, false)] {
            assert_eq!(Outcome::status(status).is_saved(), saved, "{status}");
        }
    }

    #[test]
    fn a_fault_is_read_from_json() {
        let text = r#"{"operation":"payment_intents.confirm","stage":"after",
            "outcome":{"kind":"error","status":402,"type":"card_error","code":"card_declined"},"times":3}"#;
        let fault: Fault = serde_json::from_str(text).expect("the fault is well formed");
        assert_eq!((fault.stage, fault.times), (Stage::After, 3));
        assert!(matches!(fault.outcome, Outcome::Error { status: 402, .. }));
        assert!(serde_json::from_str::<Fault>(r#"{"operation":"x","tiems":3}"#).is_err());
    }
}
