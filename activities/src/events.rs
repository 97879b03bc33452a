//! Events on Amazon `EventBridge`.

use std::sync::Arc;

use aws_sdk_eventbridge::error::SdkError;
use aws_sdk_eventbridge::operation::put_events::PutEventsError;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use kassa_domain::Money;
use kassa_workflows::contracts::events::{self as contract, OrderEvent, Publish};
use serde::Serialize;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::error::{Classified, activity_error};

/// Who says so, on the bus.
const SOURCE: &str = "kassa.checkout";

/// The activities of the bus.
#[derive(Debug)]
pub struct Events {
    bridge: aws_sdk_eventbridge::Client,
    bus: String,
}

/// Why an event was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The event cannot be written as JSON.
    #[error("the event cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
    /// The call failed; whether the event was taken is not known.
    #[error("EventBridge did not answer properly")]
    Call(#[source] Box<SdkError<PutEventsError>>),
    /// The call succeeded and the event in it failed: a 200 does not mean that an event was taken.
    #[error("EventBridge did not take the event: {0}")]
    Entry(String),
}

impl Classified for PublishError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Encode(_) => "EventNotEncoded",
            Self::Call(_) => "EventBridgeUnavailable",
            Self::Entry(_) => "EventNotTaken",
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::Encode(_) => false,
            Self::Call(_) => true,
            // The entry itself is wrong, and will be the next time.
            Self::Entry(code) => {
                !matches!(code.as_str(), "MalformedDetail" | "InvalidArgument" | "NotAuthorizedForSource")
            }
        }
    }
}

/// The detail of an event, as consumers read it.
#[derive(Debug, Serialize)]
struct Detail<'a> {
    event_id: &'a str,
    sequence: u32,
    order_id: &'a str,
    customer_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<&'a Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> From<&'a Publish> for Detail<'a> {
    fn from(publish: &'a Publish) -> Self {
        let (total, reason) = match &publish.event {
            OrderEvent::Confirmed { total } => (Some(total), None),
            OrderEvent::Cancelled { reason } => (None, Some(reason.as_str())),
        };
        Self {
            event_id: publish.event_id.as_str(),
            sequence: publish.sequence,
            order_id: publish.order_id.as_str(),
            customer_id: publish.caller.as_str(),
            total,
            reason,
        }
    }
}

impl Events {
    /// The activities over an `EventBridge` client; `bus` is the name of the event bus.
    pub fn new(bridge: aws_sdk_eventbridge::Client, bus: String) -> Self {
        Self { bridge, bus }
    }

    async fn put(&self, publish: &Publish) -> Result<(), PublishError> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(SOURCE)
            .detail_type(publish.event.detail_type())
            .resources(publish.order_id.as_str())
            .detail(serde_json::to_string(&Detail::from(publish))?)
            .build();
        let put = self
            .bridge
            .put_events()
            .entries(entry)
            .send()
            .await
            .map_err(|error| PublishError::Call(Box::new(error)))?;
        match put.entries().iter().find_map(|entry| entry.error_code()) {
            None if put.failed_entry_count() == 0 => Ok(()),
            code => Err(PublishError::Entry(code.unwrap_or("unknown").to_owned())),
        }
    }
}

#[activities]
impl Events {
    /// Puts the event on the bus.
    #[activity(definition = contract::definitions::Publish)]
    pub async fn publish(self: Arc<Self>, _ctx: ActivityContext, input: Publish) -> Result<(), ActivityError> {
        self.put(&input).await.map_err(|error| activity_error(&error))
    }
}
