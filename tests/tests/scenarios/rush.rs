//! Many customers at once.

use std::collections::BTreeMap;

use anyhow::Context as _;
use futures::future::try_join_all;
use kassa_domain::{OrderId, StockLevel};
use kassa_tests::customer::Checkout;
use kassa_tests::on_shared_shop;

#[test]
fn two_hundred_buyers_get_exactly_the_last_fifty_pieces() -> anyhow::Result<()> {
    const BUYERS: usize = 200;
    const PIECES: u64 = 50;
    on_shared_shop(async |shop| {
        let tea = shop.create_product(990, 50).await?;
        let checkouts: Vec<_> = (0..BUYERS).map(|_| shop.customer().buys(&tea, 1)).collect();

        // Nobody has to wait longer than the API allows; who is told to ask again asks again.
        let answers = try_join_all(checkouts.iter().map(Checkout::send_until_decided)).await?;

        let mut outcomes: BTreeMap<(u16, Option<&str>), u64> = BTreeMap::new();
        for answer in &answers {
            *outcomes.entry((answer.status.as_u16(), answer.code())).or_default() += 1;
        }
        assert_eq!(outcomes, BTreeMap::from([((201, None), PIECES), ((409, Some("out_of_stock")), 150)]));
        let orders: Vec<OrderId> =
            answers.iter().map(|answer| answer.order_id().context("an order id")).collect::<anyhow::Result<_>>()?;
        let oracle = shop.oracle().product(&tea, PIECES).orders(&orders);
        oracle.check().await?;
        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 0, reserved: 0, sold: PIECES });
        let captures =
            orders.iter().flat_map(|order| shop.payments(order)).filter(|p| p.amount_captured == 990).count();
        assert_eq!(captures, 50);
        Ok(())
    })
}

#[test]
fn orders_of_several_products_in_opposite_order_do_not_block_each_other() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (tea, cup) = (shop.create_product(100, 10).await?, shop.create_product(200, 10).await?);
        let checkouts: Vec<_> = (0..20)
            .map(|n| {
                let (first, second) = if n % 2 == 0 { (&tea, &cup) } else { (&cup, &tea) };
                shop.customer().buys(first, 1).item(second.as_str(), 1)
            })
            .collect();

        let answers = try_join_all(checkouts.iter().map(Checkout::send_until_decided)).await?;

        let confirmed = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(confirmed, 10, "all pieces are sold");
        let orders: Vec<OrderId> = checkouts.iter().map(Checkout::order_id).collect();
        shop.oracle().product(&tea, 10).product(&cup, 10).orders(&orders).check().await
    })
}
