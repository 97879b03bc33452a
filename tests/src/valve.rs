//! Pausing payments, as the staff of the shop does.

use std::time::Duration;

use anyhow::ensure;
use kassa_domain::OrderId;
use kassa_store::payment_valve::Position;
use kassa_workflows::search_attributes::{HELD, ORDER_STATE};
use reqwest::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{Answer, Shop, eventually};

/// How long after a pause an order has to begin in these tests to be known to the provider for certain not at all.
pub const SETTLE: Duration = Duration::from_secs(2);

/// So that a test need not wait long for a held order to look, nor for a pause to be old enough.
pub const QUICK: [(&str, &str); 2] = [("KASSA_VALVE_LOOK_MS", "200"), ("KASSA_VALVE_SETTLE_MS", "2000")];

impl Shop {
    /// Changes the valve before the payment provider.
    pub async fn put_valve(&self, body: &Value) -> anyhow::Result<Answer> {
        Answer::of(self.as_admin(Method::PUT, "/api/payments/valve").json(body)).await
    }

    /// What the API tells about the valve.
    pub async fn read_valve(&self) -> anyhow::Result<Answer> {
        Answer::of(self.as_admin(Method::GET, "/api/payments/valve")).await
    }

    /// Pauses payments, and waits until that is so old that no order which comes from now on can reach the provider.
    pub async fn pause_payments(&self) -> anyhow::Result<()> {
        let answer = self.put_valve(&json!({ "state": "CLOSED", "reason": "Stripe is down" })).await?;
        ensure!(answer.status == 200 && answer.body["state"] == "CLOSED", "{answer:?}");
        let closed = self.valve.get().await?;
        ensure!(closed.position == Position::Closed, "{closed:?}");
        eventually("the pause is old enough", async || {
            ensure!(OffsetDateTime::now_utc() - closed.changed_at > SETTLE, "it is not");
            Ok(())
        })
        .await
    }

    /// Resumes payments.
    pub async fn resume_payments(&self, rate: u32) -> anyhow::Result<()> {
        let answer = self.put_valve(&json!({ "state": "OPEN", "rate": rate })).await?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(())
    }

    /// Waits until an order is held, and shows it.
    pub async fn held(&self, order: &OrderId) -> anyhow::Result<()> {
        eventually(&format!("{order} is held"), async || {
            let workflow = self.describe(order).await?;
            let state = workflow.and_then(|workflow| workflow.search_attributes().get(&ORDER_STATE));
            ensure!(state.as_deref() == Some(HELD), "it is {state:?}");
            Ok(())
        })
        .await?;
        let details = self.current_details(order).await?;
        ensure!(details.contains("**Held**") && details.contains("payments.charge: **held**"), "it shows {details}");
        Ok(())
    }
}
