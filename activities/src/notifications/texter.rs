//! Short messages to phones through Amazon SNS.

use aws_sdk_sns::error::SdkError;
use aws_sdk_sns::operation::publish::PublishError;
use aws_sdk_sns::types::MessageAttributeValue;
use kassa_domain::PhoneNumber;
use kassa_workflows::contracts::notifications::Message;

/// Sends short messages.
#[derive(Debug)]
pub struct Texter {
    sns: aws_sdk_sns::Client,
}

/// Why a short message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsent {
    /// SNS refused it for good: the number does not exist, or its owner has opted out.
    Refused(&'static str),
    /// SNS is not available or over a limit.
    Unavailable(&'static str),
}

impl From<SdkError<PublishError>> for Unsent {
    fn from(error: SdkError<PublishError>) -> Self {
        match error.as_service_error() {
            None => Self::Unavailable("no answer"),
            Some(PublishError::InvalidParameterException(_) | PublishError::InvalidParameterValueException(_)) => {
                Self::Refused("the number is not one that SNS sends to")
            }
            Some(PublishError::EndpointDisabledException(_)) => Self::Refused("the number is disabled"),
            // What an operator mends in the account is worth waiting for.
            Some(PublishError::AuthorizationErrorException(_)) => Self::Unavailable("not authorised"),
            Some(PublishError::InternalErrorException(_)) => Self::Unavailable("an error of SNS"),
            Some(_) => Self::Unavailable("an error that this version does not know"),
        }
    }
}

impl Texter {
    /// Sends through this client.
    pub fn new(sns: aws_sdk_sns::Client) -> Self {
        Self { sns }
    }

    /// Sends a text and returns the identifier that SNS gave it.
    pub(super) async fn send(&self, to: &PhoneNumber, text: &str) -> Result<String, Unsent> {
        // Transactional messages are the ones that carriers deliver first and at any time of the day.
        let kind = MessageAttributeValue::builder().data_type("String").string_value("Transactional").build();
        let sent = self
            .sns
            .publish()
            .phone_number(to.expose())
            .message(text)
            .message_attributes("AWS.SNS.SMS.SMSType", kind.expect("the type is set"))
            .send()
            .await?;
        Ok(sent.message_id.unwrap_or_default())
    }
}

/// The short form of a message, for those that are worth one: an order was bought, and it is on its way.
pub(super) fn text(message: &Message) -> Option<String> {
    match message {
        Message::OrderConfirmed { order_id, order } => {
            Some(format!("Your order {order_id} is confirmed: {}.", order.total))
        }
        Message::Shipped { order_id, tracking, .. } => {
            let tracking = tracking.as_ref().map(|number| format!(" Tracking number: {number}")).unwrap_or_default();
            Some(format!("Your order {order_id} is on its way.{tracking}"))
        }
        Message::Welcome
        | Message::PaymentProblem { .. }
        | Message::CardDeclined { .. }
        | Message::OrderCancelled { .. }
        | Message::Refunded { .. }
        | Message::Custom { .. } => None,
    }
}
