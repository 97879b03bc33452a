//! Events on Amazon `EventBridge`.

use std::sync::Arc;

use aws_sdk_eventbridge::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_eventbridge::operation::put_events::PutEventsError;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use kassa_domain::{Caller, EventId, OrderId};
use kassa_store::event_log::{LoggedEvent, RecordEventError};
use kassa_store::{EventLog, StoreError};
use kassa_workflows::contracts::events::{self as contract, OrderEvent, Publish};
use serde::Serialize;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use time::OffsetDateTime;

use crate::error::{Classified, activity_error};

/// Who says so, on the bus.
const SOURCE: &str = "kassa.checkout";

/// The activities of the bus.
#[derive(Debug)]
pub struct Events {
    bridge: aws_sdk_eventbridge::Client,
    bus: String,
    log: EventLog,
}

/// Why an event was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The event could not be recorded, so it is not published.
    #[error("the event cannot be recorded")]
    Record(#[from] RecordEventError),
    /// The event was published, and that could not be recorded.
    #[error("that the event was published cannot be recorded")]
    RecordPublished(#[source] StoreError),
    /// The event cannot be written as JSON.
    #[error("the event cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
    /// The call failed; whether the event was taken is not known.
    #[error("EventBridge did not take the call: {0}")]
    Call(String),
    /// The call succeeded and the event in it failed: a 200 does not mean that an event was taken.
    #[error("EventBridge did not take the event: {0}")]
    Entry(String),
}

impl Classified for PublishError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Record(_) | Self::RecordPublished(_) => "EventNotRecorded",
            Self::Encode(_) => "EventNotEncoded",
            Self::Call(_) => "EventBridgeUnavailable",
            Self::Entry(_) => "EventNotTaken",
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::Record(error) => error.is_retryable(),
            Self::RecordPublished(error) => error.is_retryable(),
            Self::Encode(_) => false,
            Self::Call(_) => true,
            // The entry itself is wrong, and will be the next time.
            Self::Entry(code) => {
                !matches!(code.as_str(), "MalformedDetail" | "InvalidArgument" | "NotAuthorizedForSource")
            }
        }
    }
}

/// The detail of an event, as consumers read it: what all events have, and what the event itself tells.
#[derive(Debug, Serialize)]
struct Detail<'a> {
    event_id: &'a EventId,
    sequence: u32,
    order_id: &'a OrderId,
    customer_id: &'a Caller,
    #[serde(flatten)]
    event: &'a OrderEvent,
}

impl<'a> From<&'a Publish> for Detail<'a> {
    fn from(publish: &'a Publish) -> Self {
        let Publish { event_id, sequence, order_id, caller, event } = publish;
        Self { event_id, sequence: *sequence, order_id, customer_id: caller, event }
    }
}

/// Why a call failed, by its code: the words may quote the event.
fn reason(error: &SdkError<PutEventsError>) -> String {
    let code = error.as_service_error().map(|error| error.code().unwrap_or("an error without a code"));
    code.unwrap_or("no answer").to_owned()
}

impl Events {
    /// The activities over an `EventBridge` client, with `bus` as the name of the event bus, and over the log of what is
    /// published.
    pub fn new(bridge: aws_sdk_eventbridge::Client, bus: String, log: EventLog) -> Self {
        Self { bridge, bus, log }
    }

    /// Records the event before it is published, so that whoever has seen an event finds it in the log; and afterwards, so that
    /// the log does not call published what went down with a worker. Between the two it may be published again, under the
    /// same id.
    async fn record_and_put(&self, publish: &Publish) -> Result<(), PublishError> {
        let event = LoggedEvent {
            order_id: publish.order_id.clone(),
            sequence: publish.sequence,
            event_id: publish.event_id.clone(),
            kind: publish.event.detail_type().to_owned(),
            at: OffsetDateTime::now_utc(),
            published: false,
        };
        self.log.record(&event).await?;
        self.put(publish).await?;
        self.log.published(&publish.order_id, publish.sequence).await.map_err(PublishError::RecordPublished)
    }

    async fn put(&self, publish: &Publish) -> Result<(), PublishError> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(SOURCE)
            .detail_type(publish.event.detail_type())
            .resources(publish.order_id.as_str())
            .detail(serde_json::to_string(&Detail::from(publish))?)
            .build();
        let put =
            self.bridge.put_events().entries(entry).send().await.map_err(|error| PublishError::Call(reason(&error)))?;
        match put.entries().iter().find_map(|entry| entry.error_code()) {
            None if put.failed_entry_count() == 0 => Ok(()),
            code => Err(PublishError::Entry(code.unwrap_or("unknown").to_owned())),
        }
    }
}

#[activities]
impl Events {
    /// Records the event, and puts it on the bus.
    #[activity(definition = contract::definitions::Publish)]
    pub async fn publish(self: Arc<Self>, _ctx: ActivityContext, input: Publish) -> Result<(), ActivityError> {
        self.record_and_put(&input).await.map_err(|error| activity_error(&error))
    }
}

#[cfg(test)]
mod tests {
    use kassa_domain::{Parcel, UserId};
    use serde_json::json;

    use super::*;

    #[test]
    fn consumers_read_the_event_beside_what_all_events_have() {
        let caller = Caller::user(&UserId::of_subject("ada").expect("an id"));
        let parcel = Parcel { carrier: "DHL".to_owned().try_into().ok(), tracking_number: None };
        let order_id: OrderId = "ord_1".parse().expect("an id");
        let publish = Publish::new(order_id, caller, 2, OrderEvent::Shipped { parcel });
        let detail = serde_json::to_value(Detail::from(&publish)).expect("serializes");
        let expected = json!({
            "event_id": "evt_1-2", "sequence": 2, "order_id": "ord_1", "customer_id": "usr_ada",
            "kind": "order.shipped", "carrier": "DHL",
        });
        assert_eq!(detail, expected);
    }
}
