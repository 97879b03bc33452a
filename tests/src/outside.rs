//! What other systems got to know of an order.

use kassa_devstack::ministack::{Event, Mail};
use kassa_domain::OrderId;
use kassa_stand_ins::stripe::PaymentSnapshot;

use crate::Shop;

impl Shop {
    /// The payments of an order at Stripe; there should be one at most.
    pub fn payments(&self, order: &OrderId) -> Vec<PaymentSnapshot> {
        let payments = self.stack.stripe.payment_intents().into_iter();
        payments.filter(|payment| payment.order_id() == Some(order.as_str())).collect()
    }

    /// The operations that Stripe was asked for about an order, in their order.
    pub fn stripe_operations(&self, order: &OrderId) -> Vec<String> {
        let requests = self.stack.stripe.requests().into_iter();
        let about = requests.filter(|request| request.order_id.as_deref() == Some(order.as_str()));
        about.filter_map(|request| request.operation).collect()
    }

    /// The mails that mention an order.
    pub async fn mails(&self, order: &OrderId) -> anyhow::Result<Vec<Mail>> {
        let mut mails = self.stack.aws.mails().await?;
        mails.retain(|mail| is_about(mail, order));
        Ok(mails)
    }

    /// The mails to an address.
    pub async fn mails_to(&self, email: &str) -> anyhow::Result<Vec<Mail>> {
        let mut mails = self.stack.aws.mails().await?;
        mails.retain(|mail| mail.to.iter().any(|to| to.contains(email)));
        Ok(mails)
    }

    /// The events of an order, oldest first.
    pub async fn events(&self, order: &OrderId) -> anyhow::Result<Vec<Event>> {
        let mut events = self.stack.aws.events().await?;
        events.retain(|event| event.detail["order_id"] == order.as_str());
        Ok(events)
    }
}

/// Whether a mail mentions an order.
fn is_about(mail: &Mail, order: &OrderId) -> bool {
    let parts = [Some(mail.subject.as_str()), mail.body_text.as_deref(), mail.body_html.as_deref()];
    parts.into_iter().flatten().any(|text| text.contains(order.as_str()))
}
