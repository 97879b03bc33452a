//! Money that comes after its order was cancelled.

use anyhow::{bail, ensure};
use kassa_domain::OrderStatus;
use kassa_workflows::late_payment;

use crate::effects::{sql, transaction};
use crate::grid::act::{Act, Refused, Story};
use crate::grid::case::{Case, Flow, Told};
use crate::late::Late;

/// It comes, and revives the order, or goes back because the pieces are gone.
pub(in crate::grid) async fn late(case: Case<'_>, late: Late) -> anyhow::Result<Told> {
    let (proxies, order) = (case.proxies, late.order.clone());
    let others =
        if case.act.story() == Story::GivenBack { vec![late.other_buys(case.shop).await?] } else { Vec::new() };
    let (proxy, call) = match case.act {
        Act::SellAgain => (&proxies.dynamodb, transaction("SOLD").and("\"RELEASED\"")),
        Act::Revive => (&proxies.rds_data, sql("WITH revived AS")),
        Act::BookLate => (&proxies.rds_data, sql("WITH booked AS")),
        Act::Forgo => (&proxies.dynamodb, transaction("RESTOCKED")),
        act => bail!("{act} is not done here"),
    };
    let armed = case.arm((proxy, call.and(order.as_str())));

    late.comes(case.shop)?;
    case.see_through(Flow::Late, &late_payment::workflow_id(&late.intent), &armed).await?;

    armed.assert_fired()?;
    let status = late.status(case.shop).await?;
    let is_right = match (case.act.story(), armed.refused()) {
        // It may have been confirmed before it was refused, which is found when the money is to go back.
        (Story::Revived, Some(Refused::GivenBack)) => {
            [OrderStatus::Cancelled, OrderStatus::Confirmed].contains(&status)
        }
        (Story::Revived, _) => status == OrderStatus::Confirmed,
        _ => status == OrderStatus::Cancelled,
    };
    ensure!(is_right, "it is {status}");
    let mut told = case.told(&armed, late.product, order);
    told.orders.extend(others);
    Ok(told)
}
