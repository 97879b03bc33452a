//! Messages to customers: mail through Amazon SES, short messages through Amazon SNS, each recorded so that it is sent
//! once.

mod mail;
mod mailer;
mod reasons;
mod texter;

use std::sync::Arc;
use std::time::Duration;

use kassa_domain::PhoneNumber;
use kassa_store::notifications::{Begun, Channel, Ended, NewNotification};
use kassa_store::settings::NotificationSettings;
use kassa_store::{Notifications as Records, StoreError, UserSettings};
use kassa_workflows::contracts::notifications::{self as contract, Message, Notice};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::time::{Instant, sleep};

pub use self::mailer::Mailer;
pub use self::texter::Texter;
use self::texter::Unsent;
use crate::error::{Classified, activity_error};

/// How long it is tried to record that a message was sent. With the last call, that is still within the time that sending
/// has, after which the message would be sent again.
const RECORDING: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The activities that write to customers.
#[derive(Debug)]
pub struct Notifications {
    mailer: Mailer,
    texter: Texter,
    records: Records,
    settings: UserSettings,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// The template could not be rendered.
    #[error("the mail could not be rendered")]
    Template(#[from] askama::Error),
    /// The mail is not one that SES takes.
    #[error("the mail is not one that SES takes")]
    Message(#[from] aws_sdk_sesv2::error::BuildError),
    /// SES refused the mail for good. SES's own wording may repeat the address, so only the kind is told.
    #[error("SES refused the mail: {0}")]
    MailRefused(&'static str),
    /// SES is not available or over a limit.
    #[error("SES did not take the mail: {0}")]
    MailUnavailable(&'static str),
    /// SNS is not available or over a limit.
    #[error("SNS did not take the short message: {0}")]
    TextUnavailable(&'static str),
    /// The records or the settings cannot be reached.
    #[error("the records of messages are not available")]
    Store(#[from] StoreError),
}

impl Classified for NotificationError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Template(_) | Self::Message(_) => "MailNotRendered",
            Self::MailRefused(_) => "MailRefused",
            Self::MailUnavailable(_) => "MailUnavailable",
            Self::TextUnavailable(_) => "TextUnavailable",
            Self::Store(_) => "StoreError",
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::Template(_) | Self::Message(_) | Self::MailRefused(_) => false,
            Self::MailUnavailable(_) | Self::TextUnavailable(_) => true,
            Self::Store(error) => error.is_retryable(),
        }
    }
}

impl Notifications {
    /// The activities over both services, the records and the settings.
    pub fn new(mailer: Mailer, texter: Texter, records: Records, settings: UserSettings) -> Self {
        Self { mailer, texter, records, settings }
    }

    /// Sends a message by every way that its customer wants it. A way that fails does not keep it from the other one.
    async fn deliver(&self, notice: &Notice) -> Result<(), NotificationError> {
        let settings = match notice.caller.as_user() {
            Some(user) => self.settings.get(&user).await?,
            None => NotificationSettings::default(),
        };
        let text = texter::text(&notice.message).zip(settings.phone_number.as_ref());
        let (mailed, texted) = futures::join!(
            async { if wants_mail(&notice.message, &settings) { self.mail(notice).await } else { Ok(()) } },
            async { if let Some((text, number)) = &text { self.text(notice, number, text).await } else { Ok(()) } },
        );
        mailed.and(texted)
    }

    async fn mail(&self, notice: &Notice) -> Result<(), NotificationError> {
        if self.begin(notice, Channel::Email).await? == Begun::SentBefore {
            return Ok(());
        }
        match self.mailer.send(notice).await {
            Ok(provider_id) => self.sent(notice, Channel::Email, provider_id).await,
            Err(error) => {
                if !error.is_retryable() {
                    self.records.end(&notice.message_id, Channel::Email, &Ended::Refused).await?;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// A phone that cannot be reached is recorded and no reason to hold up anything: the mail says the same.
    async fn text(&self, notice: &Notice, number: &PhoneNumber, text: &str) -> Result<(), NotificationError> {
        if self.begin(notice, Channel::Sms).await? == Begun::SentBefore {
            return Ok(());
        }
        match self.texter.send(number, text).await {
            Ok(provider_id) => self.sent(notice, Channel::Sms, provider_id).await,
            Err(Unsent::Refused(why)) => {
                tracing::warn!(message.id = %notice.message_id, why, "SNS refused a short message");
                self.records.end(&notice.message_id, Channel::Sms, &Ended::Refused).await?;
            }
            Err(Unsent::Unavailable(why)) => return Err(NotificationError::TextUnavailable(why)),
        }
        Ok(())
    }

    async fn begin(&self, notice: &Notice, channel: Channel) -> Result<Begun, NotificationError> {
        let new = NewNotification {
            message_id: notice.message_id.clone(),
            channel,
            template: notice.message.template().to_owned(),
            customer: notice.caller.clone(),
            order_id: notice.message.order_id().cloned(),
        };
        Ok(self.records.begin(&new).await?)
    }

    /// Records that a message was sent, and tries again for a moment if that fails. In the end the message was sent all the
    /// same: an error would send it again.
    async fn sent(&self, notice: &Notice, channel: Channel, provider_id: String) {
        let ended = Ended::Sent { provider_id };
        let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
        while let Err(error) = self.records.end(&notice.message_id, channel, &ended).await {
            if began.elapsed() >= RECORDING {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    message.id = %notice.message_id, channel = channel.as_str(), error,
                    "a message was sent, but its record still says that it is being sent"
                );
                return;
            }
            sleep(pause).await;
            pause *= 2;
        }
    }
}

/// Whether the customer wants this mail. Those about money and about an order's beginning and end always go out.
fn wants_mail(message: &Message, settings: &NotificationSettings) -> bool {
    match message {
        Message::Shipped { .. } => settings.mail_shipped,
        Message::Refunded { .. } => settings.mail_refunded,
        Message::Welcome
        | Message::OrderConfirmed { .. }
        | Message::PaymentProblem { .. }
        | Message::CardDeclined { .. }
        | Message::OrderCancelled { .. }
        | Message::Custom { .. } => true,
    }
}

#[activities]
impl Notifications {
    /// Sends a message.
    #[activity(definition = contract::definitions::Send)]
    pub async fn send(self: Arc<Self>, _ctx: ActivityContext, input: Notice) -> Result<(), ActivityError> {
        self.deliver(&input).await.map_err(|error| activity_error(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_done_without_can_be_turned_off() {
        let nothing = NotificationSettings { mail_shipped: false, mail_refunded: false, phone_number: None };
        let order_id = || "ord_1".parse().unwrap();
        let shipped = Message::Shipped { order_id: order_id(), carrier: None, tracking: None };
        let refunded = Message::Refunded {
            order_id: order_id(),
            refund_id: "ref_1".parse().unwrap(),
            amount: kassa_domain::Money::new(100, kassa_domain::Currency::EUR),
        };
        for message in [shipped, refunded] {
            assert!(!wants_mail(&message, &nothing), "{message:?}");
            assert!(wants_mail(&message, &NotificationSettings::default()), "{message:?}");
        }
        let reason = || "payment_expired".to_owned();
        let (subject, text) = ("Your parcel".to_owned(), "It is late.".to_owned());
        for message in [
            Message::Welcome,
            Message::PaymentProblem { order_id: order_id(), reason: reason() },
            Message::CardDeclined { order_id: order_id(), until: 0 },
            Message::OrderCancelled { order_id: order_id(), reason: reason(), refunded: None },
            Message::Custom { by: "usr_1".parse().unwrap(), order_id: Some(order_id()), subject, text },
        ] {
            assert!(wants_mail(&message, &nothing), "{message:?}");
        }
    }

    #[test]
    fn a_phone_is_told_of_the_purchase_and_the_parcel_alone() {
        let shipped = Message::Shipped {
            order_id: "ord_1".parse().unwrap(),
            carrier: Some("Post".to_owned()),
            tracking: Some("RR1".to_owned()),
        };
        assert_eq!(texter::text(&shipped).as_deref(), Some("Your order ord_1 is on its way. Tracking number: RR1"));
        assert_eq!(texter::text(&Message::Welcome), None);
    }
}
