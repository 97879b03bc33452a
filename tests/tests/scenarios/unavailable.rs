//! Orders that cannot be sold as asked.

use anyhow::Context as _;
use kassa_domain::{ProductId, StockLevel};
use kassa_tests::{Answer, on_shared_shop};
use reqwest::Method;
use serde_json::json;

#[test]
fn out_of_stock_names_the_lines_and_never_asks_stripe() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let plenty = shop.create_product(100, 10).await?;
        let scarce = shop.create_product(200, 2).await?;
        let none = shop.create_product(300, 0).await?;
        let checkout = shop.customer().buys(&plenty, 1).item(scarce.as_str(), 3).item(none.as_str(), 1);

        let answer = checkout.send().await?;

        answer.assert_problem(409, "out_of_stock");
        let order = answer.order_id().context("the problem names the order")?;
        let mut lines = answer.body["lines"].as_array().context("the problem names the lines")?.clone();
        lines.sort_by_key(|line| line["requested"].as_i64());
        assert_eq!(
            lines,
            [
                json!({ "product_id": none, "requested": 1, "available": 0 }),
                json!({ "product_id": scarce, "requested": 3, "available": 2 }),
            ],
            "{answer:#?}"
        );
        shop.closed(&order).await?;
        assert_eq!(shop.stock(&plenty).await?, StockLevel { available: 10, reserved: 0, sold: 0 });
        assert_eq!(shop.stripe_operations(&order), Vec::<String>::new());
        assert_eq!(shop.order(&order).await?.body["status"], "CANCELLED");
        shop.oracle().product(&plenty, 10).product(&scarce, 2).product(&none, 0).order(&order).check().await
    })
}

#[test]
fn last_pieces_can_be_bought() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(100, 2).await?;

        let order = shop.customer().buys(&tea, 2).send().await?.assert_confirmed();

        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 0, reserved: 0, sold: 2 });
        shop.oracle().product(&tea, 2).order(&order).check().await
    })
}

#[test]
fn another_total_than_expected_is_told_and_starts_nothing() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let customer = shop.customer();
        for expected in [0, 2499, 2501] {
            let checkout = customer.buys(&tea, 2).expects(expected);

            let answer = checkout.send().await?;

            answer.assert_problem(409, "price_changed");
            assert_eq!(answer.body["total"], json!({ "amount": 2500, "currency": "EUR" }), "{answer:#?}");
            let order = checkout.order_id();
            assert!(shop.describe(&order).await?.is_none(), "a workflow was started");
            assert_eq!(shop.order(&order).await?.status, 404);
            shop.oracle().product(&tea, 5).order(&order).check().await?;
        }
        Ok(())
    })
}

#[test]
fn total_in_another_currency_than_expected_is_told() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let expected = json!({ "amount": 1250, "currency": "USD" });
        let checkout = shop.customer().buys(&tea, 1).field("expected_total", expected);

        let answer = checkout.send().await?;

        answer.assert_problem(409, "price_changed");
        assert_eq!(answer.body["total"], json!({ "amount": 1250, "currency": "EUR" }), "{answer:#?}");
        Ok(())
    })
}

#[test]
fn order_that_costs_nothing_is_refused() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let sample = shop.create_product(0, 5).await?;
        let checkout = shop.customer().buys(&sample, 1);

        let answer = checkout.send().await?;

        answer.assert_problem(422, "nothing_to_pay");
        shop.oracle().product(&sample, 5).order(&checkout.order_id()).check().await
    })
}

#[test]
fn products_in_different_currencies_are_not_sold_together() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let euro = shop.create_product(1250, 5).await?;
        let dollar = ProductId::from_unique(uuid::Uuid::now_v7().as_u128());
        let body = json!({ "id": dollar, "name": "Imported tea", "price": { "amount": 900, "currency": "USD" } });
        let created = Answer::of(shop.as_admin(Method::POST, "/api/products").json(&body)).await?;
        assert_eq!(created.status, 201, "{created:#?}");
        let checkout = shop.customer().buys(&euro, 1).item(dollar.as_str(), 1);

        let answer = checkout.send().await?;

        answer.assert_problem(422, "mixed_currencies");
        assert!(shop.describe(&checkout.order_id()).await?.is_none(), "a workflow was started");
        shop.oracle().product(&euro, 5).product(&dollar, 0).order(&checkout.order_id()).check().await
    })
}
