//! The mails, from their templates.

use askama::Template;
use kassa_domain::{Money, OrderId, PricedLine};
use kassa_workflows::contracts::notifications::Confirmation;

/// A rendered mail.
#[derive(Debug)]
pub(super) struct ConfirmationMail {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

#[derive(Template)]
#[template(path = "confirmation.txt")]
struct Text<'a> {
    order_id: &'a OrderId,
    lines: &'a [PricedLine],
    total: Money,
}

#[derive(Template)]
#[template(path = "confirmation.html")]
struct Html<'a> {
    order_id: &'a OrderId,
    lines: &'a [PricedLine],
    total: Money,
}

impl ConfirmationMail {
    pub(super) fn render(confirmation: &Confirmation) -> Result<Self, askama::Error> {
        let order_id = &confirmation.order_id;
        let lines = &confirmation.order.lines;
        let total = confirmation.order.total;
        Ok(Self {
            subject: format!("Your order {order_id} is confirmed"),
            text: Text { order_id, lines, total }.render()?,
            html: Html { order_id, lines, total }.render()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use kassa_domain::{Currency, PricedOrder, Quantity};

    use super::*;

    fn confirmation() -> Confirmation {
        let line = PricedLine {
            product_id: "prod_tea".parse().unwrap(),
            name: "Tea & <Biscuits>".to_owned(),
            quantity: Quantity::new(2).unwrap(),
            unit_price: Money::new(450, Currency::EUR),
            total: Money::new(900, Currency::EUR),
        };
        Confirmation {
            order_id: "ord_1".parse().unwrap(),
            email: "a@example.com".parse().unwrap(),
            order: PricedOrder { lines: vec![line], total: Money::new(900, Currency::EUR) },
        }
    }

    #[test]
    fn both_forms_name_order_lines_and_total() {
        let mail = ConfirmationMail::render(&confirmation()).unwrap();
        assert_eq!(mail.subject, "Your order ord_1 is confirmed");
        for form in [&mail.text, &mail.html] {
            for part in ["ord_1", "2", "4.50 EUR", "9.00 EUR"] {
                assert!(form.contains(part), "{part} is missing in {form}");
            }
        }
    }

    #[test]
    fn markup_in_a_product_name_is_escaped_in_html_only() {
        let mail = ConfirmationMail::render(&confirmation()).unwrap();
        assert!(mail.text.contains("Tea & <Biscuits>"));
        assert!(!mail.html.contains("<Biscuits>"));
    }
}
