//! Mail to customers through Amazon SES, rendered from templates as text and HTML.

mod mail;

use std::sync::Arc;

use aws_sdk_sesv2::error::SdkError;
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use kassa_workflows::contracts::notifications::{self as contract, Confirmation};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use self::mail::ConfirmationMail;
use crate::error::{Classified, activity_error};

/// The activities of the mailer.
#[derive(Debug)]
pub struct Notifications {
    ses: aws_sdk_sesv2::Client,
    sender: String,
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The template could not be rendered.
    #[error("the mail could not be rendered")]
    Template(#[from] askama::Error),
    /// The mail is not one that SES takes.
    #[error("the mail is not one that SES takes")]
    Message(#[from] aws_sdk_sesv2::error::BuildError),
    /// SES refused the mail for good. SES's own wording may repeat the address, so only the kind is told.
    #[error("SES refused the mail: {0}")]
    Refused(&'static str),
    /// SES is not available or over a limit.
    #[error("SES did not take the mail: {0}")]
    Unavailable(&'static str),
}

impl Classified for MailError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Template(_) | Self::Message(_) => "MailNotRendered",
            Self::Refused(_) => "MailRefused",
            Self::Unavailable(_) => "MailUnavailable",
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::Template(_) | Self::Message(_) | Self::Refused(_) => false,
            Self::Unavailable(_) => true,
        }
    }
}

impl From<SdkError<SendEmailError>> for MailError {
    fn from(error: SdkError<SendEmailError>) -> Self {
        match error.as_service_error() {
            None => Self::Unavailable("no answer"),
            Some(SendEmailError::MessageRejected(_)) => Self::Refused("message rejected"),
            Some(SendEmailError::BadRequestException(_)) => Self::Refused("bad request"),
            // What an operator mends in the account (a paused account, an unverified sender, a quota) is worth waiting for.
            Some(SendEmailError::MailFromDomainNotVerifiedException(_)) => {
                Self::Unavailable("sender domain not verified")
            }
            Some(SendEmailError::SendingPausedException(_)) => Self::Unavailable("sending is paused"),
            Some(SendEmailError::AccountSuspendedException(_)) => Self::Unavailable("the account is suspended"),
            Some(SendEmailError::LimitExceededException(_)) => Self::Unavailable("limit exceeded"),
            Some(SendEmailError::TooManyRequestsException(_)) => Self::Unavailable("too many requests"),
            Some(SendEmailError::NotFoundException(_)) => Self::Unavailable("an identity is missing"),
            Some(_) => Self::Unavailable("an error that this version does not know"),
        }
    }
}

impl Notifications {
    /// The activities over an SES client; `sender` is the verified address that mail comes from.
    pub fn new(ses: aws_sdk_sesv2::Client, sender: String) -> Self {
        Self { ses, sender }
    }

    async fn send_confirmation(&self, confirmation: &Confirmation) -> Result<(), MailError> {
        let mail = ConfirmationMail::render(confirmation)?;
        let utf8 = |text: String| Content::builder().data(text).charset("UTF-8").build();
        let body = Body::builder().text(utf8(mail.text)?).html(utf8(mail.html)?).build();
        let message = Message::builder().subject(utf8(mail.subject)?).body(body).build();
        self.ses
            .send_email()
            .from_email_address(&self.sender)
            .destination(Destination::builder().to_addresses(confirmation.email.expose()).build())
            .content(EmailContent::builder().simple(message).build())
            // Bounces and complaints come back with their tags, so they can be told by order.
            .email_tags(MessageTag::builder().name("order_id").value(confirmation.order_id.as_str()).build()?)
            .send()
            .await?;
        Ok(())
    }
}

#[activities]
impl Notifications {
    /// Sends the confirmation mail.
    #[activity(definition = contract::definitions::Confirmation)]
    pub async fn confirmation(
        self: Arc<Self>,
        _ctx: ActivityContext,
        input: Confirmation,
    ) -> Result<(), ActivityError> {
        self.send_confirmation(&input).await.map_err(|error| activity_error(&error))
    }
}
