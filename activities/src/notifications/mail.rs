//! The mails, from their templates.
//!
//! Each message has a text and an HTML form under its name in `templates`. Subjects hold no personal data beyond the order:
//! they show up on locked screens.

use askama::Template;
use kassa_domain::{Money, OrderId, PricedLine};
use kassa_workflows::contracts::notifications::Message;
use time::OffsetDateTime;
use time::macros::format_description;

use super::reasons;

/// A rendered mail.
#[derive(Debug)]
pub(super) struct Mail {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// A function that fills the text and the HTML form of a message with the same fields.
macro_rules! forms {
    ($name:ident $(<$life:lifetime>)? { $($field:ident: $type:ty),* }, $text:literal, $html:literal) => {
        fn $name $(<$life>)? ($($field: $type),*) -> Result<(String, String), askama::Error> {
            #[derive(Template)]
            #[template(path = $text)]
            struct Text $(<$life>)? { $($field: $type),* }

            #[derive(Template)]
            #[template(path = $html)]
            struct Html $(<$life>)? { $($field: $type),* }

            Ok((Text { $($field),* }.render()?, Html { $($field),* }.render()?))
        }
    };
}

forms!(welcome {}, "welcome.txt", "welcome.html");
forms!(
    order_confirmed<'a> { order_id: &'a OrderId, lines: &'a [PricedLine], total: Money },
    "order_confirmed.txt",
    "order_confirmed.html"
);
forms!(payment_problem<'a> { order_id: &'a OrderId, why: &'a str }, "payment_problem.txt", "payment_problem.html");
forms!(card_declined<'a> { order_id: &'a OrderId, until: Option<&'a str> }, "card_declined.txt", "card_declined.html");
forms!(
    order_cancelled<'a> { order_id: &'a OrderId, why: &'a str, refunded: Option<Money> },
    "order_cancelled.txt",
    "order_cancelled.html"
);
forms!(refunded<'a> { order_id: &'a OrderId, amount: Money }, "refunded.txt", "refunded.html");
forms!(
    shipped<'a> { order_id: &'a OrderId, carrier: Option<&'a str>, tracking: Option<&'a str> },
    "shipped.txt",
    "shipped.html"
);
forms!(
    custom<'a> { text: &'a str, order_id: Option<&'a OrderId> },
    "custom.txt",
    "custom.html"
);

impl Mail {
    pub(super) fn render(message: &Message) -> Result<Self, askama::Error> {
        let (subject, (text, html)) = match message {
            Message::Welcome => ("Welcome".to_owned(), welcome()?),
            Message::OrderConfirmed { order_id, order } => {
                (format!("Your order {order_id} is confirmed"), order_confirmed(order_id, &order.lines, order.total)?)
            }
            Message::PaymentProblem { order_id, reason } => (
                format!("Your order {order_id} was not paid"),
                payment_problem(order_id, reasons::of_payment_problem(reason))?,
            ),
            Message::CardDeclined { order_id, until } => {
                (format!("Your order {order_id} is not paid yet"), card_declined(order_id, utc(*until).as_deref())?)
            }
            Message::OrderCancelled { order_id, reason, refunded } => (
                format!("Your order {order_id} is cancelled"),
                order_cancelled(order_id, reasons::of_cancellation(reason), *refunded)?,
            ),
            Message::Refunded { order_id, amount, .. } => {
                (format!("A refund for your order {order_id}"), refunded(order_id, *amount)?)
            }
            Message::Shipped { order_id, carrier, tracking } => (
                format!("Your order {order_id} is on its way"),
                shipped(order_id, carrier.as_deref(), tracking.as_deref())?,
            ),
            Message::Custom { subject, text, order_id, .. } => (subject.clone(), custom(text, order_id.as_ref())?),
        };
        Ok(Self { subject, text, html })
    }
}

/// A time in seconds since 1970, for somebody whose time zone is not known.
fn utc(seconds: i64) -> Option<String> {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(format).ok()
}

#[cfg(test)]
mod tests {
    use kassa_domain::{Currency, PricedOrder, Quantity, UserId};

    use super::*;

    /// Names, numbers and texts that an HTML form has to escape.
    pub(crate) fn messages() -> Vec<Message> {
        let order_id: OrderId = "ord_1".parse().unwrap();
        let line = PricedLine {
            product_id: "prod_tea".parse().unwrap(),
            name: "Tea & <Biscuits>".to_owned(),
            quantity: Quantity::new(2).unwrap(),
            unit_price: Money::new(450, Currency::EUR),
            total: Money::new(900, Currency::EUR),
        };
        let total = Money::new(900, Currency::EUR);
        vec![
            Message::Welcome,
            Message::OrderConfirmed { order_id: order_id.clone(), order: PricedOrder { lines: vec![line], total } },
            Message::PaymentProblem { order_id: order_id.clone(), reason: "payment_expired".to_owned() },
            Message::OrderCancelled {
                order_id: order_id.clone(),
                reason: "cancelled_by_customer".to_owned(),
                refunded: Some(total),
            },
            Message::OrderCancelled { order_id: order_id.clone(), reason: "step_failed".to_owned(), refunded: None },
            Message::Refunded { order_id: order_id.clone(), refund_id: "ref_1".parse().unwrap(), amount: total },
            Message::Shipped {
                order_id: order_id.clone(),
                carrier: Some("Post & <Co>".to_owned()),
                tracking: Some("RR 123".to_owned()),
            },
            Message::Shipped { order_id: order_id.clone(), carrier: None, tracking: None },
            Message::Custom {
                by: UserId::of_subject("1").unwrap(),
                order_id: Some(order_id.clone()),
                subject: "About <your> order".to_owned(),
                text: "Dear customer,\n\n<b>thank you</b>.".to_owned(),
            },
            Message::CardDeclined { order_id, until: 1_790_000_000 },
        ]
    }

    /// Compares every mail with the one that was looked at; `KASSA_RECORD_MAILS=1` writes them anew.
    #[test]
    fn mails_look_as_they_did_when_somebody_looked_at_them() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails");
        for (number, message) in (1..).zip(messages()) {
            let mail = Mail::render(&message).unwrap();
            let name = format!("{number}-{}", message.template());
            for (extension, body) in
                [("txt", format!("{}\n\n{}\n", mail.subject, mail.text)), ("html", mail.html + "\n")]
            {
                let path = folder.join(format!("{name}.{extension}"));
                if std::env::var_os("KASSA_RECORD_MAILS").is_some() {
                    std::fs::create_dir_all(&folder).unwrap();
                    std::fs::write(&path, &body).unwrap();
                }
                let seen = std::fs::read_to_string(&path).unwrap_or_default();
                assert_eq!(body, seen, "{name}.{extension} has changed: look at it, then record it");
            }
        }
    }

    #[test]
    fn markup_is_escaped_in_html_only() {
        for message in messages() {
            let mail = Mail::render(&message).unwrap();
            for markup in ["<Biscuits>", "<Co>", "<b>", "<your>"] {
                assert!(!mail.html.contains(markup), "{}", mail.html);
            }
            assert!(!mail.text.contains("&lt;") && !mail.text.contains("&#"), "{}", mail.text);
        }
    }

    #[test]
    fn every_mail_about_an_order_names_it_in_both_forms() {
        for message in messages() {
            let Some(order) = message.order_id() else { continue };
            let mail = Mail::render(&message).unwrap();
            assert!(mail.text.contains(order.as_str()) && mail.html.contains(order.as_str()), "{mail:?}");
        }
    }
}
