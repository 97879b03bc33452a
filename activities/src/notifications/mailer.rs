//! Mail through Amazon SES.

use aws_sdk_sesv2::error::SdkError;
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use kassa_workflows::contracts::notifications::Notice;

use super::NotificationError;
use super::mail::Mail;

/// Sends mail from one address.
#[derive(Debug)]
pub struct Mailer {
    ses: aws_sdk_sesv2::Client,
    sender: String,
}

impl From<SdkError<SendEmailError>> for NotificationError {
    fn from(error: SdkError<SendEmailError>) -> Self {
        match error.as_service_error() {
            None => Self::MailUnavailable("no answer"),
            Some(SendEmailError::MessageRejected(_)) => Self::MailRefused("message rejected"),
            Some(SendEmailError::BadRequestException(_)) => Self::MailRefused("bad request"),
            // What an operator mends in the account (a paused account, an unverified sender, a quota) is worth waiting for.
            Some(SendEmailError::MailFromDomainNotVerifiedException(_)) => {
                Self::MailUnavailable("sender domain not verified")
            }
            Some(SendEmailError::SendingPausedException(_)) => Self::MailUnavailable("sending is paused"),
            Some(SendEmailError::AccountSuspendedException(_)) => Self::MailUnavailable("the account is suspended"),
            Some(SendEmailError::LimitExceededException(_)) => Self::MailUnavailable("limit exceeded"),
            Some(SendEmailError::TooManyRequestsException(_)) => Self::MailUnavailable("too many requests"),
            Some(SendEmailError::NotFoundException(_)) => Self::MailUnavailable("an identity is missing"),
            Some(_) => Self::MailUnavailable("an error that this version does not know"),
        }
    }
}

impl Mailer {
    /// Sends through this client; `sender` is the verified address that mail comes from.
    pub fn new(ses: aws_sdk_sesv2::Client, sender: String) -> Self {
        Self { ses, sender }
    }

    /// Sends a message and returns the identifier that SES gave it.
    pub(super) async fn send(&self, notice: &Notice) -> Result<String, NotificationError> {
        let mail = Mail::render(&notice.message)?;
        let utf8 = |text: String| Content::builder().data(text).charset("UTF-8").build();
        let body = Body::builder().text(utf8(mail.text)?).html(utf8(mail.html)?).build();
        let message = Message::builder().subject(utf8(mail.subject)?).body(body).build();
        // Bounces and complaints come back with their tags, so they can be told by message and order.
        let tag = |name: &str, value: &str| MessageTag::builder().name(name).value(value).build();
        let order = notice.message.order_id().map(|order| tag("order_id", order.as_str())).transpose()?;
        let sent = self
            .ses
            .send_email()
            .from_email_address(&self.sender)
            .destination(Destination::builder().to_addresses(notice.email.expose()).build())
            .content(EmailContent::builder().simple(message).build())
            .set_email_tags(Some([tag("message_id", notice.message_id.as_str())?].into_iter().chain(order).collect()))
            .send()
            .await?;
        Ok(sent.message_id.unwrap_or_default())
    }
}
