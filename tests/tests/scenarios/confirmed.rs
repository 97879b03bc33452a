//! An order that goes well.

use anyhow::Context as _;
use kassa_domain::{EventId, OrderStatus, StockLevel};
use kassa_tests::{eventually, on_shared_shop};
use kassa_workflows::search_attributes::{CUSTOMER_ID, FAILURE_REASON, ORDER_STATE, ORDER_TOTAL};

#[test]
fn confirmed_checkout_moves_money_and_stock_and_tells_everybody() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 10).await?;
        let cup = shop.create_product(400, 5).await?;
        let customer = shop.customer();
        let checkout = customer.buys(&tea, 3).item(cup.as_str(), 1).expects(4150);

        let answer = checkout.send().await?;

        let order = answer.assert_confirmed();
        assert_eq!(order, checkout.order_id());
        assert_eq!(answer.header("location"), Some(format!("/api/orders/{order}").as_str()));
        assert!(!answer.is_replay());
        // Whatever the answer promises is true at once, not only when everything has ended.
        assert_eq!(shop.stock(&tea).await?, StockLevel { available: 7, reserved: 0, sold: 3 });
        assert_eq!(shop.stock(&cup).await?, StockLevel { available: 4, reserved: 0, sold: 1 });
        let [payment] = shop.payments(&order).try_into().expect("one payment");
        assert_eq!((payment.amount_captured, payment.amount_refunded), (4150, 0));

        let read = shop.order(&order).await?;
        assert_eq!(read.status, 200, "{read:#?}");
        assert_eq!(read.body["status"], "CONFIRMED", "{read:#?}");
        assert_eq!(read.body["total"]["amount"], 4150, "{read:#?}");

        shop.oracle().product(&tea, 10).product(&cup, 5).order(&order).check().await
    })
}

#[test]
fn confirmation_mail_has_a_text_and_an_html_part_that_name_the_order() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        let customer = shop.customer();

        let order = customer.buys(&tea, 1).send().await?.assert_confirmed();

        shop.closed(&order).await?;
        let [mail] = shop.mails_to(customer.email()).await?.try_into().expect("one mail");
        let (text, html) = (mail.body_text.context("a text part")?, mail.body_html.context("an HTML part")?);
        for part in [&text, &html] {
            assert!(part.contains(order.as_str()), "{part}");
            assert!(part.contains("12.50 EUR"), "{part}");
            assert!(part.contains(&format!("Product {tea}")), "{part}");
        }
        assert!(html.contains("<html"), "{html}");
        assert!(!text.contains('<'), "{text}");
        Ok(())
    })
}

#[test]
fn confirmed_order_is_published_once_with_a_stable_id() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;

        let order = shop.customer().buys(&tea, 1).send().await?.assert_confirmed();

        shop.closed(&order).await?;
        let [event] = shop.events(&order).await?.try_into().expect("one event");
        assert_eq!(event.detail_type, "order.confirmed");
        assert_eq!(event.detail["event_id"], EventId::of(&order, 1).as_str());
        assert_eq!(event.detail["sequence"], 1);
        assert_eq!(event.detail["total"]["amount"], 1250);
        Ok(())
    })
}

#[test]
fn timeline_of_a_confirmed_order_tells_its_steps_in_order() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;

        let order = shop.customer().buys(&tea, 1).send().await?.assert_confirmed();

        let timeline = shop.timeline(&order).await?;
        assert_eq!(timeline.status, 200, "{timeline:#?}");
        let entries = timeline.body["entries"].as_array().context("a list of entries")?;
        let statuses: Vec<_> = entries.iter().filter_map(|entry| entry["status"].as_str()).collect();
        assert_eq!(statuses, ["PENDING", "CONFIRMED"], "{timeline:#?}");
        assert!(!timeline.body.to_string().contains("@example.com"), "a timeline holds no personal data");
        Ok(())
    })
}

#[test]
fn operators_see_a_confirmed_order_at_a_glance() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 2).await?;
        let customer = shop.customer();

        let order = customer.buys(&tea, 2).send().await?.assert_confirmed();

        let workflow = shop.closed(&order).await?;
        let attributes = workflow.search_attributes();
        assert_eq!(attributes.get(&ORDER_STATE).as_deref(), Some(OrderStatus::Confirmed.as_str()));
        assert_eq!(attributes.get(&ORDER_TOTAL), Some(2500));
        assert_eq!(attributes.get(&FAILURE_REASON), None);
        assert!(attributes.get(&CUSTOMER_ID).is_some_and(|customer| customer.starts_with("guest_")));
        let summary = workflow.static_summary().context("a static summary")?;
        assert!(summary.contains("25.00 EUR"), "{summary}");

        let details = shop.current_details(&order).await?;
        assert!(details.contains("**Total**: 25.00 EUR"), "{details}");
        assert!(details.contains("events.publish: done"), "{details}");
        for shown in [summary, details.as_str(), workflow.static_details().unwrap_or_default()] {
            assert!(!shown.contains(customer.email()), "personal data in clear text: {shown}");
        }
        Ok(())
    })
}

#[test]
fn operators_find_orders_by_their_customer() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 2).await?;
        let customer = shop.customer();
        let first = customer.buys(&tea, 1).send().await?.assert_confirmed();
        let second = customer.buys(&tea, 1).send().await?.assert_confirmed();
        assert_ne!(first, second);
        let caller = shop.orders.find(&first).await?.context("the order is stored")?.caller;

        eventually("both orders are found", async || {
            let query = format!("CustomerId = '{}' AND OrderState = 'CONFIRMED'", caller.as_str());
            let found = shop.count_workflows(&query).await?;
            anyhow::ensure!(found == 2, "found {found}");
            Ok(())
        })
        .await
    })
}
