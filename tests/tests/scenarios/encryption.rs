//! What Temporal keeps of an order is encrypted, and operators read it all the same.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use kassa_codec::{ENCRYPTED, ENCRYPTION_KEY_ID};
use kassa_devstack::progress::Silent;
use kassa_devstack::stack::build;
use kassa_domain::OrderId;
use kassa_tests::customer::GOOD_CARD;
use kassa_tests::{Answer, Page, Shop, eventually, on_own_shop, on_shared_shop};
use kassa_workflows::workflow_id;
use reqwest::Method;
use serde_json::{Value, json};
use temporalio_common::data_converters::PayloadConversionError;
use temporalio_common::payload_visitor::{AsyncPayloadVisitor, PayloadField, PayloadFieldData, PayloadVisitable as _};
use temporalio_common::protos::coresdk::external_data::LocalActivityMarkerData;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::history::v1::History;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use tokio::process::Command;

/// Where payloads are in the clear: what the server itself has to read; and the static summary and details of a workflow,
/// which the SDK sends as they are.
const CLEAR: [&str; 2] = ["SearchAttributes.indexed_fields", "UserMetadata"];

/// Collects the payloads of a history, each with the path to its field.
#[derive(Default)]
struct Found(Vec<(&'static str, Payload)>);

impl AsyncPayloadVisitor for Found {
    fn visit<'a>(&'a mut self, field: PayloadField<'a>) -> BoxFuture<'a, Result<(), PayloadConversionError>> {
        let payloads = match field.data {
            PayloadFieldData::Single(payload) => vec![payload.clone()],
            PayloadFieldData::Repeated(payloads) => payloads.clone(),
            PayloadFieldData::Payloads(payloads) => payloads.payloads.clone(),
        };
        self.0.extend(payloads.into_iter().map(|payload| (field.path, payload)));
        std::future::ready(Ok(())).boxed()
    }
}

impl Found {
    /// Everything that Temporal keeps of an order, as it keeps it.
    async fn of(shop: &Shop, order: &OrderId) -> anyhow::Result<Self> {
        let mut history = History { events: shop.raw_history_of(&workflow_id(order)).await? };
        let mut found = Self::default();
        history.visit_payloads_mut(&mut found).await?;
        Ok(found)
    }

    fn encrypted(&self) -> impl Iterator<Item = &Payload> {
        self.0.iter().map(|(_, payload)| payload).filter(|payload| is_encrypted(payload))
    }

    /// The names of the keys that were used.
    fn keys(&self) -> BTreeSet<&str> {
        self.encrypted()
            .map(|payload| std::str::from_utf8(&payload.metadata[ENCRYPTION_KEY_ID]).unwrap_or("?"))
            .collect()
    }
}

fn is_encrypted(payload: &Payload) -> bool {
    payload.metadata.get("encoding").is_some_and(|encoding| encoding == ENCRYPTED.as_bytes())
}

/// What the engine notes about a local activity: its name and its times. The result is beside it, encrypted.
fn is_note_of_the_engine(payload: &Payload) -> bool {
    serde_json::from_slice::<LocalActivityMarkerData>(&payload.data).is_ok()
}

fn contains(payload: &Payload, text: &str) -> bool {
    payload.data.windows(text.len()).any(|part| part == text.as_bytes())
}

/// A payload as the web UI sends it.
fn on_the_wire(payload: &Payload) -> Value {
    let metadata = payload.metadata.iter().map(|(name, value)| (name.clone(), json!(BASE64_STANDARD.encode(value))));
    json!({ "metadata": Value::Object(metadata.collect()), "data": BASE64_STANDARD.encode(&payload.data) })
}

#[test]
fn temporal_keeps_orders_encrypted_and_administrators_read_them() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let customer = shop.customer();
        let order = customer.buys(&tea, 1).send().await?.assert_confirmed();
        shop.closed(&order).await?;

        let found = Found::of(shop, &order).await?;

        for (path, payload) in &found.0 {
            ensure!(!contains(payload, customer.email()), "{path} shows the customer's address");
            ensure!(!contains(payload, GOOD_CARD), "{path} shows the card");
            let clear = CLEAR.iter().any(|clear| path.contains(clear)) || is_note_of_the_engine(payload);
            ensure!(is_encrypted(payload) || clear, "{path} is not encrypted");
        }
        assert_eq!(found.keys(), BTreeSet::from(["local"]));
        let history = shop.raw_history_of(&workflow_id(&order)).await?;
        let Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) = &history[0].attributes else {
            bail!("a history begins with its start");
        };
        assert!(started.input.iter().flat_map(|input| &input.payloads).all(is_encrypted));

        let body = json!({ "payloads": found.encrypted().map(on_the_wire).collect::<Vec<_>>() });
        let opened = Answer::of(shop.as_admin(Method::POST, "/api/codec/decode").json(&body)).await?;
        assert_eq!(opened.status, 200, "{opened:#?}");
        let opened = opened.body["payloads"].as_array().context("a list")?;
        assert_eq!(opened.len(), found.encrypted().count());
        let texts: Vec<_> = opened
            .iter()
            .filter_map(|payload| BASE64_STANDARD.decode(payload["data"].as_str()?).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect();
        assert!(texts.iter().any(|text| text.contains(customer.email())), "{texts:#?}");
        let nobody = Answer::of(shop.http.post(shop.url("/api/codec/decode")).json(&body)).await?;
        nobody.assert_problem(401, "unauthorized");
        shop.oracle().product(&tea, 5).order(&order).check().await
    })
}

/// Starts worker and API again with other keys.
async fn restart(shop: &mut Shop, keys: &str) -> anyhow::Result<()> {
    let environment = [("KASSA_PAYLOAD_KEYS", keys)];
    shop.stack.worker.stop().await?;
    shop.stack.api.stop().await?;
    shop.stack.worker.start_with(&environment).await?;
    shop.stack.api.start_with(&environment).await?;
    Ok(())
}

/// Waits until a workflow task of an order has failed with a message that holds a text.
async fn stuck_with(shop: &Shop, order: &OrderId, text: &str) -> anyhow::Result<()> {
    eventually(&format!("{order} says {text}"), async || {
        let history = shop.raw_history_of(&workflow_id(order)).await?;
        let messages: Vec<_> = history
            .into_iter()
            .filter_map(|event| match event.attributes? {
                Attributes::WorkflowTaskFailedEventAttributes(failed) => Some(failed.failure?.message),
                _ => None,
            })
            .collect();
        ensure!(messages.iter().any(|message| message.contains(text)), "it says {messages:?}");
        Ok(())
    })
    .await
}

#[test]
fn encryption_is_switched_on_and_keys_are_replaced_under_running_orders() -> anyhow::Result<()> {
    let none = [("KASSA_PAYLOAD_KEYS", ""), ("KASSA_CODEC_ENDPOINT", "")];
    on_own_shop(&none, async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let begin = async |shop: &Shop| -> anyhow::Result<(OrderId, Page)> {
            let checkout = shop.customer().buys(&tea, 1).on_page();
            Ok((checkout.order_id(), Page::of(&checkout.send().await?)?))
        };
        let key = |byte: u8| BASE64_STANDARD.encode([byte; 32]);
        let (old, new) = (format!("2026-10:{}", key(1)), format!("2026-11:{}", key(2)));

        let (plain, plain_page) = begin(shop).await?;
        restart(shop, &old).await?;
        let (first, first_page) = begin(shop).await?;
        // Every process knows the new key before any of them uses it.
        restart(shop, &format!("{old},{new}")).await?;
        restart(shop, &format!("{new},{old}")).await?;
        let (second, second_page) = begin(shop).await?;

        // Whoever takes the old key away too early reads which one is missing, and nothing is lost.
        restart(shop, &new).await?;
        first_page.pay(GOOD_CARD).await?;
        stuck_with(shop, &first, "encrypted with the key 2026-10, which is not among").await?;
        restart(shop, &format!("{new},{old}")).await?;

        plain_page.pay(GOOD_CARD).await?;
        second_page.pay(GOOD_CARD).await?;
        for order in [&plain, &first, &second] {
            shop.closed(order).await?;
        }
        assert_eq!(Found::of(shop, &plain).await?.keys(), BTreeSet::from(["2026-11"]));
        assert_eq!(Found::of(shop, &first).await?.keys(), BTreeSet::from(["2026-10", "2026-11"]));
        assert_eq!(Found::of(shop, &second).await?.keys(), BTreeSet::from(["2026-11"]));
        let begun_plain = Found::of(shop, &plain).await?;
        ensure!(begun_plain.0.iter().any(|(_, payload)| contains(payload, "@example.com")), "it began without a key");
        shop.oracle().product(&tea, 5).order(&plain).order(&first).order(&second).check().await
    })
}

#[tokio::test]
async fn keys_that_are_none_end_the_worker_with_a_message_that_does_not_repeat_them() -> anyhow::Result<()> {
    let mistakes = [("KASSA_PAYLOAD_KEYS", "c2VjcmV0"), ("KASSA_PAYLOAD_KEYS", "a:c2VjcmV0")];
    for mistake in mistakes {
        let environment = [("KASSA_MAIL_FROM", "a@example.com"), ("KASSA_STRIPE_SECRET_KEY", "sk_test_a")];
        let arn = "arn:aws:rds:eu-central-1:123456789012:cluster:kassa";
        let arns = [("KASSA_RDS_RESOURCE_ARN", arn), ("KASSA_RDS_SECRET_ARN", arn)];
        let run = Command::new(&build(&Silent).await?.worker)
            .env_clear()
            .envs(environment.into_iter().chain(arns).chain([mistake]))
            .output()
            .await?;
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(!run.status.success() && said.contains("KASSA_PAYLOAD_KEYS is not valid"), "{said}");
        assert!(!said.contains("c2VjcmV0"), "{said}");
    }
    Ok(())
}
