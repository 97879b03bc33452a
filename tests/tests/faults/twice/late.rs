//! Money that comes after its order was cancelled.

use anyhow::ensure;
use kassa_domain::{OrderId, OrderStatus};
use kassa_stand_ins::rds_data::{Fault, FaultError};
use kassa_tests::Shop;
use kassa_workflows::late_payment;

use super::flows::judged;
use crate::late::Late;

/// The money comes, and makes this of the order.
async fn comes(shop: &Shop, late: &Late, others: &[OrderId], expected: OrderStatus) -> anyhow::Result<()> {
    late.comes(shop)?;
    shop.completed(&late_payment::workflow_id(&late.intent)).await?;
    let status = late.status(shop).await?;
    ensure!(status == expected, "it is {status}");
    let orders: Vec<_> = others.iter().chain([&late.order]).cloned().collect();
    judged(shop, &late.product, &orders).await
}

pub(super) async fn revived(shop: &Shop) -> anyhow::Result<()> {
    let late = Late::of(shop).await?;
    comes(shop, &late, &[], OrderStatus::Confirmed).await
}

pub(super) async fn given_back(shop: &Shop) -> anyhow::Result<()> {
    let late = Late::of(shop).await?;
    let other = late.other_buys(shop).await?;
    comes(shop, &late, &[other], OrderStatus::Cancelled).await
}

/// The books refuse to confirm it, so the pieces go back, too.
pub(super) async fn forgone(shop: &Shop) -> anyhow::Result<()> {
    let late = Late::of(shop).await?;
    let for_good = FaultError::Database { sql_state: "23514".to_owned(), message: "no".to_owned() };
    shop.stack.rds_data.faults().inject(Fault::fail_before("WITH revived AS").with_error(for_good));
    comes(shop, &late, &[], OrderStatus::Cancelled).await
}
