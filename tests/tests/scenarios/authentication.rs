//! Orders whose customer has to authenticate (3-D Secure).

use anyhow::Context as _;
use kassa_domain::OrderId;
use kassa_stand_ins::stripe::{Fault, Outcome, Stage};
use kassa_tests::customer::SECURE_CARD;
use kassa_tests::{Markers, Page, Shop, on_exclusive_shop, on_shared_shop};
use kassa_workflows::search_attributes::FAILURE_REASON;
use kassa_workflows::workflow_id;

async fn reason(shop: &Shop, order: &OrderId) -> anyhow::Result<Option<String>> {
    Ok(shop.closed(order).await?.search_attributes().get(&FAILURE_REASON))
}

#[test]
fn customer_who_authenticates_has_bought() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_PAYMENT_POLL_MS", "600000")]).await?;
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).pays_with(SECURE_CARD).can_authenticate();
        let order = checkout.order_id();
        let answer = checkout.send().await?;

        let (status, back) = Page::of(&answer)?.submit(&[("result", "passed")]).await?;

        assert!(status == 303 && back.starts_with("https://shop.example/back?"), "{status} {back}");
        assert_eq!(reason(shop, &order).await?, None);
        let again = checkout.send().await?;
        assert!(again.is_replay() && again.body == answer.body, "{again:#?}");
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn customer_who_authenticates_on_the_shops_own_page_has_bought_and_the_secret_stays_between_them() -> anyhow::Result<()>
{
    on_exclusive_shop(async |shop| {
        // No poll: the webhook has to find the order, although nobody knew that there would be an authentication.
        shop.restart_api(&[("KASSA_PAYMENT_POLL_MS", "600000")]).await?;
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).pays_with(SECURE_CARD);
        let order = checkout.order_id();
        let answer = checkout.send().await?;
        let mut markers = Markers::default();
        markers.keep(answer.body["client_secret"].as_str().context("a client secret")?);

        let (status, _) = Page::within(shop, &answer)?.submit(&[("result", "passed")]).await?;

        assert_eq!(status, 200);
        assert_eq!(reason(shop, &order).await?, None);
        let again = checkout.send().await?;
        assert!(again.is_replay() && again.body == answer.body, "{again:#?}");
        markers.assert_absent_in_workflow(shop, &workflow_id(&order)).await?;
        markers.assert_absent_in_list(shop, "").await?;
        markers.assert_absent_in_events(shop).await?;
        markers.assert_absent_in_rows(shop).await?;
        markers.assert_absent_in_logs(shop, "/api/checkout")?;
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn customer_whose_webhook_is_lost_has_bought_all_the_same() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_PAYMENT_POLL_MS", "200")]).await?;
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).pays_with(SECURE_CARD).can_authenticate();
        let order = checkout.order_id();
        let lost = Fault::new("webhooks.*", Stage::Before, Outcome::Reset).for_order(order.as_str());
        shop.stack.stripe.faults().add(lost.times(u32::MAX));

        Page::of(&checkout.send().await?)?.submit(&[("result", "passed")]).await?;

        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn customer_who_fails_to_authenticate_is_declined_and_the_stock_returned() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        for (card, result) in [(SECURE_CARD, "failed"), ("pm_card_threeDSecureRequiredChargeDeclined", "passed")] {
            let tea = shop.create_product(1250, 1).await?;
            let checkout = shop.customer().buys(&tea, 1).pays_with(card).can_authenticate();
            let order = checkout.order_id();

            Page::of(&checkout.send().await?)?.submit(&[("result", result)]).await?;

            assert_eq!(reason(shop, &order).await?.as_deref(), Some("payment_declined"));
            shop.oracle().product(&tea, 1).order(&order).check().await?;
        }
        Ok(())
    })
}

#[test]
fn customer_who_never_authenticates_frees_the_stock() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_PAYMENT_HOLD_MS", "1500")]).await?;
        let tea = shop.create_product(1250, 1).await?;
        let checkout = shop.customer().buys(&tea, 1).pays_with(SECURE_CARD).can_authenticate();
        let order = checkout.order_id();
        let page = Page::of(&checkout.send().await?)?;

        assert_eq!(reason(shop, &order).await?.as_deref(), Some("payment_expired"));

        assert_eq!(page.submit(&[("result", "passed")]).await?.0, 409, "it is too late");
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}

#[test]
fn card_that_wants_no_authentication_is_charged_at_once() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 1).await?;
        let order = shop.customer().buys(&tea, 1).can_authenticate().send().await?.assert_confirmed();
        shop.oracle().product(&tea, 1).order(&order).check().await
    })
}
