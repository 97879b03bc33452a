//! Customers and staff, each playing a story.

use std::time::Duration;

use kassa_domain::{OrderId, PaymentId};
use kassa_tests::cart::KASSA_CART;
use kassa_tests::customer::{GOOD_CARD, SECURE_CARD};
use kassa_tests::{Answer, Page};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::calls::CallFaults;
use crate::desk::Desk;
use crate::plan::{AsksAgain, Authenticates, OnPage, Pays, Story, Then};
use crate::shelf::Shelf;

/// When the stock of whoever has not paid is no longer held.
const TOO_LATE: Duration = Duration::from_secs(9);

/// What all stories need.
#[derive(Debug)]
pub(crate) struct Buyers {
    pub(crate) desk: Desk,
    pub(crate) shelf: Shelf,
    pub(crate) faults: CallFaults,
}

/// What a customer has to tell.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) order: OrderId,
    /// Whether the customer was told that the order is confirmed.
    pub(crate) told_confirmed: bool,
    /// What should not have happened.
    pub(crate) complaints: Vec<String>,
}

impl Buyers {
    /// Plays a story.
    pub(crate) async fn serve(&self, story: &Story) -> Served {
        let order = self.desk.order_id(story);
        self.faults.arm(&order, &story.calls);
        let mut served = Served { order, told_confirmed: false, complaints: Vec::new() };
        if let Err(error) = self.play(story, &mut served).await {
            served.complaints.push(format!("{error:#}"));
        }
        for complaint in &mut served.complaints {
            *complaint = format!("customer {} ({}): {complaint}", story.number, served.order);
        }
        served
    }

    async fn play(&self, story: &Story, served: &mut Served) -> anyhow::Result<()> {
        let Served { order, told_confirmed, complaints } = served;
        let order = &*order;
        let checkout = self.checkout(story).await?;
        let cancelled = async {
            match story.then {
                Then::CancelsAfter(time) => {
                    sleep(time).await;
                    let request = self.desk.of_staff(Method::POST, &format!("/api/orders/{order}/cancel"));
                    self.expect(&request.json(&json!({})), &[200, 404, 409], complaints).await.map(drop)
                }
                _ => Ok(()),
            }
        };
        let asked_at_once = async {
            match story.asks_again {
                AsksAgain::AtOnce => self.desk.insist(&checkout).await.map(Some),
                AsksAgain::Later | AsksAgain::No => Ok(None),
            }
        };
        let (answer, asked, ()) = tokio::try_join!(self.desk.insist(&checkout), asked_at_once, cancelled)?;
        *told_confirmed = confirms(&answer);
        known(&answer, &[201, 402, 409, 503], complaints);
        if let Some(asked) = asked {
            same(&answer, &asked, complaints);
        }
        *told_confirmed |= self.pays(story, &answer, complaints).await?;
        if confirms(&answer) {
            self.then(story, order, &answer, complaints).await?;
        }
        if story.asks_again == AsksAgain::Later {
            same(&answer, &self.desk.insist(&checkout).await?, complaints);
        }
        Ok(())
    }

    /// The request of the checkout.
    async fn checkout(&self, story: &Story) -> anyhow::Result<RequestBuilder> {
        let mut body = match &story.pays {
            Pays::AtOnce => json!({ "payment_method": GOOD_CARD }),
            Pays::Declined { first, .. } => json!({ "payment_method": first }),
            Pays::Secure(_) => json!({ "payment_method": SECURE_CARD, "return_url": "https://shop.example/back" }),
            Pays::OnPage(_) => json!({
                "payment": "hosted",
                "success_url": "https://shop.example/thanks",
                "cancel_url": "https://shop.example/cart",
            }),
        };
        let mut request =
            self.desk.of_customer(story, Method::POST, "/api/checkout").header("idempotency-key", self.desk.key(story));
        if story.account.is_none() {
            body["email"] = json!(self.desk.email(story));
        }
        // A cart of an account is shared by its orders, which would not be those of the plan.
        if story.by_cart && story.account.is_none() {
            request = request.header(KASSA_CART, self.cart(story).await?);
        } else {
            let line = |(product, pieces): &(usize, u32)| json!({ "product_id": self.shelf.product(*product), "quantity": pieces });
            body["items"] = story.lines.iter().map(line).collect::<Vec<Value>>().into();
        }
        Ok(request.json(&body))
    }

    /// Fills a cart, and returns its token.
    async fn cart(&self, story: &Story) -> anyhow::Result<String> {
        let mut token = None;
        for (product, pieces) in &story.lines {
            let mut request = self.desk.of_customer(story, Method::POST, "/api/cart/items");
            if let Some(token) = &token {
                request = request.header(KASSA_CART, token);
            }
            let body = json!({ "product_id": self.shelf.product(*product), "quantity": pieces });
            let answer = self.desk.insist(&request.json(&body)).await?;
            token = answer.header(KASSA_CART.as_str()).map(str::to_owned).or(token);
        }
        token.ok_or_else(|| anyhow::anyhow!("no cart was handed out"))
    }

    /// What is left to do of the payment. Tells whether the customer was told that another card has confirmed the order.
    async fn pays(&self, story: &Story, answer: &Answer, complaints: &mut Vec<String>) -> anyhow::Result<bool> {
        let mut told_confirmed = false;
        match &story.pays {
            Pays::Declined { others, .. } => {
                for (number, card) in others.iter().enumerate() {
                    if answer.status != 402 {
                        break;
                    }
                    let request = self.desk.about(story, answer, Method::POST, "/payment");
                    let request = request.header("idempotency-key", format!("{}-card-{number}", self.desk.key(story)));
                    let request = request.json(&json!({ "payment_method": card }));
                    told_confirmed |= confirms(&self.expect(&request, &[200, 402, 409, 503], complaints).await?);
                }
            }
            Pays::Secure(authenticates) if answer.body["status"] == "AWAITING_PAYMENT" => {
                let page = Page::of(answer)?;
                match authenticates {
                    Authenticates::Passes => drop(page.submit(&[("result", "passed")]).await?),
                    Authenticates::Fails => drop(page.submit(&[("result", "failed")]).await?),
                    Authenticates::Never => {}
                    Authenticates::TooLate => {
                        sleep(TOO_LATE).await;
                        drop(page.submit(&[("result", "passed")]).await?);
                    }
                    Authenticates::Slowly => {
                        let intent =
                            |what: &str| page.url.replace("/_hosted/3ds/", "/_control/payment_intents/") + what;
                        self.desk.at_issuer(&intent("/authentication"), "undecided").await?;
                        sleep(TOO_LATE).await;
                        self.desk.at_issuer(&intent("/settlement"), "succeeded").await?;
                    }
                }
            }
            Pays::OnPage(on_page) if answer.body["status"] == "AWAITING_PAYMENT" => {
                let page = Page::of(answer)?;
                match on_page {
                    OnPage::Pays => drop(page.pay(GOOD_CARD).await?),
                    OnPage::GoesBack => drop(page.submit(&[("action", "back")]).await?),
                    OnPage::Never => {}
                }
            }
            Pays::AtOnce | Pays::Secure(_) | Pays::OnPage(_) => {}
        }
        Ok(told_confirmed)
    }

    /// What follows a confirmed order.
    async fn then(
        &self,
        story: &Story,
        order: &OrderId,
        answer: &Answer,
        complaints: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        let status = |status: &str| {
            let request = self.desk.of_staff(Method::PUT, &format!("/api/orders/{order}/status"));
            request.json(&json!({ "status": status }))
        };
        match story.then {
            Then::Nothing | Then::CancelsAfter(_) => {}
            Then::Cancels => {
                let request = self.desk.about(story, answer, Method::POST, "/cancel").json(&json!({}));
                self.expect(&request, &[200], complaints).await?;
            }
            Then::RefundsAll => drop(self.refund(story, order, 1, None, complaints).await?),
            Then::RefundsParts => {
                let mut others = Vec::new();
                tokio::try_join!(
                    self.refund(story, order, 1, Some(200), complaints),
                    self.refund(story, order, 2, Some(150), &mut others)
                )?;
                complaints.append(&mut others);
            }
            Then::Ships => drop(self.expect(&status("SHIPPED"), &[200], complaints).await?),
            Then::Delivers => {
                self.expect(&status("SHIPPED"), &[200], complaints).await?;
                self.expect(&status("DELIVERED"), &[200], complaints).await?;
            }
        }
        Ok(())
    }

    async fn refund(
        &self,
        story: &Story,
        order: &OrderId,
        number: u32,
        cents: Option<i64>,
        complaints: &mut Vec<String>,
    ) -> anyhow::Result<Answer> {
        let request = self.desk.of_staff(Method::POST, &format!("/api/payments/{}/refund", PaymentId::of(order)));
        let mut body = json!({ "reason": "goodwill" });
        if let Some(cents) = cents {
            body["amount"] = json!({ "amount": cents, "currency": "EUR" });
        }
        let request = request.header("idempotency-key", format!("{}-refund-{number}", self.desk.key(story)));
        // A bank that refuses is told with a 502 or 409; a call that is refused by a fault looks the same.
        self.expect(&request.json(&body), &[201, 409, 502], complaints).await
    }

    /// Sends a request until it is decided, and complains about an answer that makes no sense.
    async fn expect(
        &self,
        request: &RequestBuilder,
        statuses: &[u16],
        complaints: &mut Vec<String>,
    ) -> anyhow::Result<Answer> {
        let answer = self.desk.insist(request).await?;
        known(&answer, statuses, complaints);
        Ok(answer)
    }
}

/// Whether an answer says that the order is confirmed.
fn confirms(answer: &Answer) -> bool {
    answer.status.is_success() && answer.body["status"] == "CONFIRMED"
}

fn known(answer: &Answer, statuses: &[u16], complaints: &mut Vec<String>) {
    if !statuses.contains(&answer.status.as_u16()) {
        complaints.push(format!("expected one of {statuses:?}, was told {} {}", answer.status, answer.body));
    }
}

/// Whoever asks again with the same key is told the same.
fn same(first: &Answer, again: &Answer, complaints: &mut Vec<String>) {
    if (first.status, &first.body) != (again.status, &again.body) {
        complaints.push(format!(
            "was told {} {}, and when asking again {} {}",
            first.status, first.body, again.status, again.body
        ));
    }
}
