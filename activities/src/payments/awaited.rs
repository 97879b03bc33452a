//! Payments that wait for their customer: on a page of Stripe's, or for an authentication.

use std::collections::HashMap;
use std::sync::Arc;

use kassa_domain::OrderId;
use kassa_stripe_client::{Error, ErrorType, PooledStripe};
use kassa_workflows::contracts::awaited::{
    self as contract, AWAITED, AWAITED_KEY, Awaited, ORDER_ID_KEY, OpenPage, Opened, Pending, Seen, Withdraw,
};
use kassa_workflows::contracts::payments::Refunded;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAllowedPaymentMethodTypes, CreateCheckoutSessionLineItems,
    CreateCheckoutSessionLineItemsPriceData, CreateCheckoutSessionPaymentIntentData, ExpireCheckoutSession,
    ProductData, RetrieveCheckoutSession,
};
use stripe_client_core::StripeRequest;
use stripe_shared::{
    CheckoutSession, CheckoutSessionMode, CheckoutSessionPaymentStatus, CheckoutSessionStatus, PaymentIntent,
    PaymentIntentStatus,
};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::charge::{amount_decline, is_saved_failure, last_decline};
use super::intents::{captured, currency, once};
use super::{MAX_KEYS, PaymentError, Payments};
use crate::error::activity_error;
use crate::valve::Gate;

/// The activities of payments that wait for their customer.
#[derive(Debug)]
pub struct AwaitedPayments {
    payments: Payments,
}

impl AwaitedPayments {
    /// The activities over a connection pool, behind the valve.
    pub fn new(stripe: PooledStripe, gate: Gate) -> Self {
        Self { payments: Payments::new(stripe, gate) }
    }

    async fn open_once(&self, page: &OpenPage) -> Result<Opened, PaymentError> {
        for key in 0..MAX_KEYS {
            let error = match self.create(page, &page_key(&page.order_id, key)).await {
                Ok(session) => return opened(session, page),
                Err(PaymentError::Stripe(error)) => error,
                Err(error) => return Err(error),
            };
            if let Some(decline) = amount_decline(&error) {
                return Ok(Opened::Declined { decline });
            }
            // From now on Stripe repeats this failure under this key. Should a page have come of it all the same, then
            // nobody knows its address, and it closes by itself.
            if !is_saved_failure(&error) {
                return Err(error.into());
            }
        }
        Err(PaymentError::OutOfKeys)
    }

    async fn look_once(&self, awaited: &Awaited) -> Result<Seen, PaymentError> {
        match &awaited.pending {
            Pending::Page { session } => self.look_at_page(session, awaited).await,
            Pending::Intent { payment_intent } => Ok(seen(&self.payments.retrieve(payment_intent).await?, awaited)),
        }
    }

    async fn close_once(&self, awaited: &Awaited) -> Result<Seen, PaymentError> {
        let closed = match &awaited.pending {
            Pending::Page { session } => {
                ExpireCheckoutSession::new(session.as_str()).send(&self.payments.stripe).await.map(drop)
            }
            Pending::Intent { payment_intent } => self.payments.cancel(payment_intent).await,
        };
        match closed {
            Ok(()) => Ok(Seen::Closed),
            // What is paid or closed already cannot be closed.
            Err(error) if error.status() == Some(400) => match self.look_once(awaited).await? {
                Seen::Waiting => Err(PaymentError::Unfinished("waiting for its customer".to_owned())),
                seen => Ok(seen),
            },
            Err(error) => Err(error.into()),
        }
    }

    async fn withdraw_once(&self, withdraw: &Withdraw) -> Result<Refunded, PaymentError> {
        let Withdraw { page, session } = withdraw;
        let session = match session {
            Some(session) => session.clone(),
            None => match self.find(page).await? {
                Some(session) => session,
                None => return Ok(Refunded::NothingCaptured),
            },
        };
        let awaited = Awaited { amount: page.amount, pending: Pending::Page { session } };
        match self.close_once(&awaited).await? {
            Seen::Paid { captured } => {
                let intent = self.payments.retrieve(&captured.payment_intent).await?;
                self.payments.refund_once(&intent, &page.order_id, page.amount.currency).await
            }
            Seen::Closed | Seen::Waiting | Seen::Declined { .. } => Ok(Refunded::NothingCaptured),
        }
    }

    /// Finds the page that was opened, without anybody learning of it, by opening it again: from then on there is one, and
    /// none can be opened that would not be found.
    async fn find(&self, page: &OpenPage) -> Result<Option<String>, PaymentError> {
        for key in 0..MAX_KEYS {
            match self.create(page, &page_key(&page.order_id, key)).await {
                Ok(session) => return Ok(Some(session.id.to_string())),
                Err(PaymentError::Stripe(error)) if is_saved_failure(&error) => {}
                // Stripe would have repeated its first answer had it ever agreed to this very request.
                Err(PaymentError::Stripe(error)) if is_refusal(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn create(&self, page: &OpenPage, key: &str) -> Result<CheckoutSession, PaymentError> {
        let currency = currency(page.amount.currency)?;
        let items: Vec<_> = page
            .lines
            .iter()
            .map(|line| {
                let mut price = CreateCheckoutSessionLineItemsPriceData::new(currency.clone());
                price.unit_amount = Some(line.unit_price.amount);
                price.product_data = Some(ProductData::new(line.name.as_str()));
                let mut item = CreateCheckoutSessionLineItems::new();
                item.price_data = Some(price);
                item.quantity = Some(line.quantity.get().into());
                item
            })
            .collect();
        let order = (ORDER_ID_KEY.to_owned(), page.order_id.to_string());
        let mut intent = CreateCheckoutSessionPaymentIntentData::new();
        intent.metadata = Some(HashMap::from([order.clone()]));
        intent.description = Some(format!("Order {}", page.order_id));
        let request = CreateCheckoutSession::new()
            .mode(CheckoutSessionMode::Payment)
            // Cards are charged or declined at once; whoever pays otherwise would have to be waited for much longer.
            .allowed_payment_method_types([CreateCheckoutSessionAllowedPaymentMethodTypes::Card])
            .line_items(items)
            .payment_intent_data(intent)
            .client_reference_id(page.order_id.as_str())
            .customer_email(page.email.expose())
            .success_url(page.urls.success_url.as_str())
            .cancel_url(page.urls.cancel_url.as_str())
            .expires_at(page.expires_at)
            .metadata(HashMap::from([order, (AWAITED_KEY.to_owned(), AWAITED.to_owned())]));
        Ok(request.customize().request_strategy(once(key)?).send(&self.payments.stripe).await?)
    }

    async fn look_at_page(&self, session: &str, awaited: &Awaited) -> Result<Seen, PaymentError> {
        let request = RetrieveCheckoutSession::new(session).expand(["payment_intent".to_owned()]);
        let session = request.send(&self.payments.stripe).await?;
        match (&session.status, &session.payment_status) {
            (Some(CheckoutSessionStatus::Complete), CheckoutSessionPaymentStatus::Paid) => {
                let intent = session.payment_intent.as_ref().and_then(|intent| intent.as_object());
                let intent = intent.ok_or_else(|| PaymentError::Unfinished("without its payment intent".to_owned()))?;
                Ok(seen(intent, awaited))
            }
            (Some(CheckoutSessionStatus::Expired), _) => Ok(Seen::Closed),
            _ => Ok(Seen::Waiting),
        }
    }
}

fn page_key(order: &OrderId, key: u32) -> String {
    format!("{order}/page/{key}")
}

fn opened(session: CheckoutSession, page: &OpenPage) -> Result<Opened, PaymentError> {
    if session.amount_total != Some(page.amount.amount) {
        return Err(PaymentError::OtherAmount);
    }
    let url = session.url.ok_or_else(|| PaymentError::Unfinished("on a page without an address".to_owned()))?;
    Ok(Opened::Open { session: session.id.to_string(), url })
}

fn seen(intent: &PaymentIntent, awaited: &Awaited) -> Seen {
    match &intent.status {
        PaymentIntentStatus::Succeeded => Seen::Paid { captured: captured(intent, awaited.amount.currency) },
        PaymentIntentStatus::Canceled => Seen::Closed,
        PaymentIntentStatus::RequiresPaymentMethod => Seen::Declined { decline: last_decline(intent) },
        PaymentIntentStatus::RequiresAction
        | PaymentIntentStatus::RequiresConfirmation
        | PaymentIntentStatus::RequiresCapture
        | PaymentIntentStatus::Processing
        | _ => Seen::Waiting,
    }
}

/// Stripe does not like the request itself, and has never liked it.
fn is_refusal(error: &Error) -> bool {
    error.status() == Some(400)
        && error.api_error().is_some_and(|error| error.error_type == ErrorType::InvalidRequestError)
}

#[activities]
impl AwaitedPayments {
    /// Opens the page once, however often it is called.
    #[activity(definition = contract::definitions::OpenPage)]
    pub async fn open_page(self: Arc<Self>, _ctx: ActivityContext, input: OpenPage) -> Result<Opened, ActivityError> {
        if self.payments.gate.is_closed().await.map_err(|error| activity_error(&error))? {
            return Ok(Opened::Held);
        }
        self.open_once(&input).await.map_err(|error| activity_error(&error))
    }

    /// Asks Stripe, the only one who is believed.
    #[activity(definition = contract::definitions::Look)]
    pub async fn look(self: Arc<Self>, _ctx: ActivityContext, input: Awaited) -> Result<Seen, ActivityError> {
        self.look_once(&input).await.map_err(|error| activity_error(&error))
    }

    /// Ends the wait: from then on nothing can be paid any more. Tells what was paid in the last moment.
    #[activity(definition = contract::definitions::Close)]
    pub async fn close(self: Arc<Self>, _ctx: ActivityContext, input: Awaited) -> Result<Seen, ActivityError> {
        self.close_once(&input).await.map_err(|error| activity_error(&error))
    }

    /// Closes the page, also one of which nothing is known, and gives back what was paid on it, once.
    #[activity(definition = contract::definitions::Withdraw)]
    pub async fn withdraw(self: Arc<Self>, _ctx: ActivityContext, input: Withdraw) -> Result<Refunded, ActivityError> {
        self.withdraw_once(&input).await.map_err(|error| activity_error(&error))
    }
}
