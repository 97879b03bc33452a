//! The first orders, placed as a customer's shop front would place them.

use std::time::Duration;

use anyhow::{Context as _, bail};
use kassa_devstack::http::client;
use kassa_devstack::{Stack, wait};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::console::{Console, Style};

/// Long enough for a loaded machine; each of these takes well under a second on an idle one.
const DEADLINE: Duration = Duration::from_secs(30);

/// Where the confirmation goes.
const CUSTOMER: &str = "ada@example.com";

/// An order, and how it has to end.
struct FirstOrder {
    title: &'static str,
    items: &'static [(&'static str, u32)],
    payment_method: &'static str,
    /// The answer to the customer: the HTTP status, and the stable code of a refusal.
    status: u16,
    code: Option<&'static str>,
    /// Where the order ends.
    ends: &'static str,
}

const FIRST_ORDERS: [FirstOrder; 3] = [
    FirstOrder {
        title: "Two teas and a cup, paid with a Visa card",
        items: &[("prod_darjeeling", 2), ("prod_cup", 1)],
        payment_method: "pm_card_visa",
        status: 201,
        code: None,
        ends: "CONFIRMED",
    },
    FirstOrder {
        title: "A teapot, with a card that is declined",
        items: &[("prod_teapot", 1)],
        payment_method: "pm_card_visa_chargeDeclined",
        status: 402,
        code: Some("payment_declined"),
        ends: "CANCELLED",
    },
    FirstOrder {
        title: "An advent calendar, of which there is none",
        items: &[("prod_advent_calendar", 1)],
        payment_method: "pm_card_visa",
        status: 409,
        code: Some("out_of_stock"),
        ends: "CANCELLED",
    },
];

/// Places the orders, shows what became of them, and returns what is not as it should be.
pub(crate) async fn place(stack: &Stack, console: &Console) -> anyhow::Result<Vec<String>> {
    let mut differences = Vec::new();
    for order in &FIRST_ORDERS {
        console.say(&console.paint(Style::Bold, order.title));
        let found = run(stack, console, order).await.with_context(|| format!("Placing \"{}\"", order.title))?;
        differences.extend(found.into_iter().map(|difference| format!("{}: {difference}", order.title)));
        println!();
    }
    Ok(differences)
}

async fn run(stack: &Stack, console: &Console, order: &FirstOrder) -> anyhow::Result<Vec<String>> {
    let client = client();
    let api = format!("{}/api", stack.api_url());
    let items: Vec<Value> =
        order.items.iter().map(|(id, quantity)| json!({ "product_id": id, "quantity": quantity })).collect();
    let answer = client
        .post(format!("{api}/checkout"))
        .header("idempotency-key", Uuid::new_v4().to_string())
        .json(&json!({ "items": items, "email": CUSTOMER, "payment_method": order.payment_method }))
        .send()
        .await?;
    let status = answer.status().as_u16();
    let answer: Answer = answer.json().await.context("Reading the answer")?;

    let mut differences = Vec::new();
    let code = answer.code.as_deref();
    console.say(&format!("answered {status}{}", code.map(|code| format!(" {code}")).unwrap_or_default()));
    if (status, code) != (order.status, order.code) {
        differences.push(format!("answered {status} {code:?} instead of {} {:?}", order.status, order.code));
    }
    let (Some(id), Some(token)) = (answer.order_id, answer.order_token) else {
        differences.push(String::from("the answer has no order id, or no token for it"));
        return Ok(differences);
    };

    let url = format!("{api}/orders/{id}");
    let read = |url: &str| client.get(url).header("kassa-order-token", &token);
    let ended = wait::until(DEADLINE, async || {
        let order_now: Order = read(&url).send().await.ok()?.json().await.ok()?;
        (order_now.status == order.ends).then_some(())
    });
    if ended.await.is_none() {
        differences.push(format!("order {id} is not {} after {} s", order.ends, DEADLINE.as_secs()));
    }
    differences.extend(outside(stack, order, &id).await?);

    let answer = read(&format!("{url}/timeline")).send().await?;
    if !answer.status().is_success() {
        bail!("the timeline of {id} was answered with {}", answer.status());
    }
    let timeline: Timeline = answer.json().await.context("Reading the timeline")?;
    print(console, &id, &timeline);
    Ok(differences)
}

/// What customers and other systems got to know of the order.
async fn outside(stack: &Stack, order: &FirstOrder, id: &str) -> anyhow::Result<Vec<String>> {
    let event = if order.ends == "CONFIRMED" { "order.confirmed" } else { "order.cancelled" };
    let published = wait::until(DEADLINE, async || {
        let events = stack.aws.events().await.ok()?;
        events.iter().any(|found| found.detail_type == event && found.detail["order_id"] == id).then_some(())
    });
    let mut differences = Vec::new();
    if published.await.is_none() {
        differences.push(format!("the event {event} of {id} was not published within {} s", DEADLINE.as_secs()));
    }

    let mails = async || {
        let mails = stack.aws.mails().await?;
        let about = |text: &Option<String>| text.as_deref().is_some_and(|text| text.contains(id));
        let is_it = |mail: &&kassa_devstack::ministack::Mail| {
            mail.subject.contains(id) || about(&mail.body_text) || about(&mail.body_html)
        };
        anyhow::Ok(mails.iter().filter(is_it).count())
    };
    if order.ends == "CONFIRMED" {
        if wait::until(DEADLINE, async || mails().await.is_ok_and(|count| count > 0).then_some(())).await.is_none() {
            differences.push(format!("no mail about {id} was sent within {} s", DEADLINE.as_secs()));
        }
    } else if mails().await? > 0 {
        differences.push(format!("a mail about {id} was sent, though it was not confirmed"));
    }
    Ok(differences)
}

/// One line per entry: when after the first one, where the order went, and what happened.
fn print(console: &Console, id: &str, timeline: &Timeline) {
    console.say(&format!("timeline of {id}"));
    let begin = timeline.entries.first().map(|entry| entry.at);
    for Entry { status, event, detail, at } in &timeline.entries {
        let after = (*at - begin.unwrap_or(*at)).whole_milliseconds();
        let detail = console.paint(Style::Faint, &brief(detail));
        console.say(&format!("  {:>8}   {status:<14} {event:<26} {detail}", format!("+{after} ms")));
    }
}

/// The members of an object that are plain values, as `name=value`.
fn brief(detail: &Value) -> String {
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let members = detail.as_object().into_iter().flatten();
    members.filter_map(|(name, value)| Some(format!("{name}={}", plain(value)?))).collect::<Vec<_>>().join(" ")
}

/// The parts of an answer that matter here, whether it is an order or a problem.
#[derive(Deserialize)]
struct Answer {
    order_id: Option<String>,
    order_token: Option<String>,
    code: Option<String>,
}

#[derive(Deserialize)]
struct Order {
    status: String,
}

#[derive(Deserialize)]
struct Timeline {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    status: String,
    event: String,
    detail: Value,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
}
