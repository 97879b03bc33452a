//! A worker dies while it deals with money that came late, right after the books were changed and before that is in any
//! history: another one goes on from what the books say.

use anyhow::ensure;
use kassa_domain::OrderStatus;
use kassa_tests::on_exclusive_shop;
use kassa_tests::proxy::{Call, Moment};
use kassa_workflows::late_payment;

use crate::effects::sql;
use crate::late::{IMPATIENT, Late};
use crate::rig::{Rig, STOCK};

/// The worker dies after this statement about late money, for which the pieces are still there or not.
fn killed_after(statement: Call, pieces_are_gone: bool, expected: OrderStatus) -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&IMPATIENT).await?;
        let mut rig = Rig::set_up(shop).await?;
        let late = Late::of(shop).await?;
        shop.restart_api(&[]).await?;
        let other = if pieces_are_gone { Some(late.other_buys(shop).await?) } else { None };
        let mut hold = rig.proxies.rds_data.hold(statement.and(late.order.as_str()), Moment::AfterEffect);

        late.comes(shop)?;
        hold.caught().await?;
        rig.worker.kill().await?;
        hold.discard();
        rig.start_worker().await?;

        shop.completed(&late_payment::workflow_id(&late.intent)).await?;
        let status = late.status(shop).await?;
        ensure!(status == expected, "it is {status}");
        shop.oracle().product(&late.product, STOCK).order(&late.order).orders(&other).check().await
    })
}

#[test]
fn an_order_that_was_revived_by_a_dying_worker_is_announced() -> anyhow::Result<()> {
    killed_after(sql("WITH revived AS"), false, OrderStatus::Confirmed)
}

#[test]
fn late_money_that_a_dying_worker_has_booked_goes_back() -> anyhow::Result<()> {
    killed_after(sql("WITH booked AS"), true, OrderStatus::Cancelled)
}
