//! A newcomer's story from the first visit to the last, through nothing but HTTP: the API, and the mailbox.

use anyhow::{Context as _, ensure};
use kassa_domain::{OrderId, ProductId};
use kassa_tests::cart::KASSA_CART;
use kassa_tests::{Account, Answer, Shop, eventually, on_shared_shop};
use reqwest::Method;
use reqwest::header::{ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};
use uuid::Uuid;

/// What the staff has put on the shelf for this story.
struct Shelf {
    category: String,
    tea: ProductId,
    cup: ProductId,
}

#[test]
fn newcomer_signs_up_buys_changes_the_mind_and_gets_the_money_back() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let shelf = fill_shelf(shop).await?;

        let account = shop.sign_up().await?;
        mailed(shop, &account, |subject| subject == "Welcome").await?;
        look_around(shop, &shelf).await?;
        fill_cart(shop, &shelf, &account).await?;

        let order = check_out(shop, &account).await?;
        mailed(shop, &account, |subject| subject == format!("Your order {order} is confirmed")).await?;
        eventually("the cart is empty", async || {
            let cart = shop.account_cart(&account.token).read().await?;
            ensure!(cart.cart_items().is_empty(), "{cart:#?}");
            Ok(())
        })
        .await?;
        review(shop, &account, &order).await?;

        cancel(shop, &account, &order).await?;
        money_comes_back(shop, &account, &order).await?;
        mailed(shop, &account, |subject| subject == format!("Your order {order} is cancelled")).await?;
        stock_comes_back(shop, &shelf).await?;

        log_out(shop, &account).await?;
        shop.oracle().product(&shelf.tea, 10).product(&shelf.cup, 5).order(&order).check().await
    })
}

/// Puts two products into a category of their own.
async fn fill_shelf(shop: &Shop) -> anyhow::Result<Shelf> {
    let word = Uuid::new_v4().simple().to_string();
    let category = format!("tea-{word}");
    let put = async |name: &str, price: i64, stock: i64| -> anyhow::Result<ProductId> {
        let price = json!({ "amount": price, "currency": "EUR" });
        let body = json!({ "name": format!("{name} {word}"), "category": category, "price": price });
        let created = Answer::of(shop.as_admin(Method::POST, "/api/products").json(&body)).await?;
        ensure!(created.status == 201, "{created:#?}");
        let id = created.body["id"].as_str().context("an id")?.parse()?;
        let received = shop.receive_stock(&id, stock, &Uuid::new_v4().to_string()).await?;
        ensure!(received.status == 200, "{received:#?}");
        Ok(id)
    };
    Ok(Shelf { tea: put("Sencha", 1190, 10).await?, cup: put("Cup", 1250, 5).await?, category })
}

/// Waits for a mail to the account with such a subject.
async fn mailed(shop: &Shop, account: &Account, is_it: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    eventually("the mail comes", async || {
        let mails = shop.mails_to(&account.email).await?;
        let subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).collect();
        ensure!(subjects.iter().any(|subject| is_it(subject)), "{subjects:?}");
        Ok(())
    })
    .await
}

/// What the account is answered, if that is a success.
async fn ask(
    shop: &Shop,
    account: &Account,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> anyhow::Result<Answer> {
    let request = account.signs(shop.http.request(method, shop.url(path)));
    let request = if let Some(body) = body { request.json(&body) } else { request };
    let answer = Answer::of(request).await?;
    ensure!(answer.status.is_success(), "{path}: {answer:#?}");
    Ok(answer)
}

/// Finds the products by their category, by their price and by their name, and looks at one of them twice.
async fn look_around(shop: &Shop, shelf: &Shelf) -> anyhow::Result<()> {
    let Shelf { category, tea, cup } = shelf;
    let mut cursor = String::new();
    loop {
        let page = shop.get(&format!("/api/categories?limit=100{cursor}")).await?;
        let found = page.body["items"].as_array().context("a page")?.iter().find(|item| item["category"] == **category);
        if let Some(found) = found {
            assert_eq!(found["products"], 2, "{found}");
            break;
        }
        cursor = format!("&cursor={}", page.body["next"].as_str().context("the category is on no page")?);
    }

    let ids = async |query: &str| -> anyhow::Result<Vec<String>> {
        let page = shop.get(&format!("/api/products?{query}")).await?;
        let items = page.body["items"].as_array().with_context(|| format!("{page:#?}"))?;
        Ok(items.iter().filter_map(|item| item["id"].as_str().map(ToOwned::to_owned)).collect())
    };
    assert_eq!(ids(&format!("category={category}")).await?, [cup.as_str(), tea.as_str()], "the newest comes first");
    let cheap = format!("category={category}&max_price=1200&currency=EUR");
    assert_eq!(ids(&cheap).await?, [tea.as_str()]);
    let word = category.trim_start_matches("tea-");
    assert_eq!(ids(&format!("q=sen%20{word}")).await?, [tea.as_str()]);

    let product = shop.get(&format!("/api/products/{tea}")).await?;
    assert_eq!(product.body["price"], json!({ "amount": 1190, "currency": "EUR" }), "{product:#?}");
    assert_eq!(product.body["available"], 10, "{product:#?}");
    let tag = product.headers.get(ETAG).context("an entity tag")?;
    let again = shop.http.get(shop.url(&format!("/api/products/{tea}"))).header(IF_NONE_MATCH, tag);
    assert_eq!(Answer::of(again).await?.status, 304, "nothing has changed");
    Ok(())
}

/// Fills a cart as a guest, signs in, takes it along, and wants one cup more.
async fn fill_cart(shop: &Shop, shelf: &Shelf, account: &Account) -> anyhow::Result<()> {
    let mut guest = shop.guest_cart();
    guest.add(&shelf.tea, 2).await?;
    let filled = guest.add(&shelf.cup, 1).await?;
    assert_eq!(filled.body["total"]["amount"], 2 * 1190 + 1250, "{filled:#?}");

    let account = shop.log_in(&account.email, &account.password).await?;
    let cart = shop.account_cart(&account.token);
    let token = guest.token().context("a token")?;
    let merged = Answer::of(cart.request(Method::POST, "/merge").header(KASSA_CART, token)).await?;
    assert_eq!((merged.status.as_u16(), &merged.body["merged_items"]), (200, &json!(2)), "{merged:#?}");

    let changed = cart.set(&shelf.cup, 2).await?;
    assert_eq!(changed.cart_items(), [(shelf.tea.as_str(), 2), (shelf.cup.as_str(), 2)], "{changed:#?}");
    assert_eq!(changed.body["total"]["amount"], TOTAL, "{changed:#?}");
    Ok(())
}

/// What the cart comes to.
const TOTAL: i64 = 2 * 1190 + 2 * 1250;

/// Buys what is in the cart, without saying again where mail goes.
async fn check_out(shop: &Shop, account: &Account) -> anyhow::Result<OrderId> {
    let customer = shop.customer().signed_in(account);
    let bought = shop.account_cart(&account.token).checkout(&customer).expects(TOTAL).send().await?;
    let order = bought.assert_confirmed();
    assert_eq!(bought.body["status"], "CONFIRMED", "{bought:#?}");
    assert!(bought.body.get("order_token").is_none(), "who has an account needs no token: {bought:#?}");
    Ok(order)
}

/// Reads the order, finds it in the list, and sees what happened to it.
async fn review(shop: &Shop, account: &Account, order: &OrderId) -> anyhow::Result<()> {
    let get = async |path: &str| ask(shop, account, Method::GET, path, None).await;
    let read = get(&format!("/api/orders/{order}")).await?;
    assert_eq!(read.body["status"], "CONFIRMED", "{read:#?}");
    assert_eq!(read.body["customer_id"], account.user.as_str(), "{read:#?}");
    assert_eq!(read.body["total"]["amount"], TOTAL, "{read:#?}");
    assert_eq!(read.body["payment"]["captured"]["amount"], TOTAL, "{read:#?}");

    let list = get("/api/orders").await?;
    let ids: Vec<_> = list.body["items"].as_array().context("a page")?.iter().map(|item| &item["id"]).collect();
    assert_eq!(ids, [order.as_str()], "{list:#?}");

    assert_eq!(happened(shop, account, order).await?, ["order.placed", "order.confirmed"]);
    Ok(())
}

/// The events of the order's timeline.
async fn happened(shop: &Shop, account: &Account, order: &OrderId) -> anyhow::Result<Vec<String>> {
    let timeline = ask(shop, account, Method::GET, &format!("/api/orders/{order}/timeline"), None).await?;
    let entries = timeline.body["entries"].as_array().context("entries")?;
    Ok(entries.iter().filter_map(|entry| entry["event"].as_str().map(ToOwned::to_owned)).collect())
}

/// Does not want the order any more.
async fn cancel(shop: &Shop, account: &Account, order: &OrderId) -> anyhow::Result<()> {
    let why = json!({ "reason": "changed_mind" });
    let cancelled = ask(shop, account, Method::POST, &format!("/api/orders/{order}/cancel"), Some(why)).await?;
    assert_eq!((cancelled.status.as_u16(), &cancelled.body["status"]), (200, &json!("CANCELLED")), "{cancelled:#?}");
    assert_eq!(cancelled.body["failure_reason"], "cancelled_by_customer", "{cancelled:#?}");
    Ok(())
}

/// Sees the refund in the order, in its payments and in its timeline; and so does Stripe.
async fn money_comes_back(shop: &Shop, account: &Account, order: &OrderId) -> anyhow::Result<()> {
    let read = eventually("the order shows its refund", async || {
        let read = ask(shop, account, Method::GET, &format!("/api/orders/{order}"), None).await?;
        ensure!(read.body["payment"]["status"] == "REFUNDED", "{read:#?}");
        Ok(read)
    })
    .await?;
    assert_eq!(read.body["refunds"].as_array().map(Vec::len), Some(1), "{read:#?}");
    let refund = &read.body["refunds"][0];
    assert_eq!((&refund["status"], &refund["amount"]["amount"]), (&json!("SUCCEEDED"), &json!(TOTAL)), "{read:#?}");

    let payments = ask(shop, account, Method::GET, &format!("/api/orders/{order}/payments"), None).await?;
    let payment = &payments.body["items"][0];
    assert_eq!(payment["refunded"]["amount"], TOTAL, "{payments:#?}");
    assert_eq!(payment["refunds"][0]["id"], refund["id"], "{payments:#?}");

    let events = happened(shop, account, order).await?;
    for event in ["order.cancelled", "order.refunded"] {
        assert!(events.iter().any(|found| found == event), "{event}: {events:?}");
    }

    let [payment] = shop.payments(order).try_into().expect("one payment at Stripe");
    assert_eq!((payment.amount_captured, payment.amount_refunded), (TOTAL, TOTAL), "{payment:#?}");
    Ok(())
}

/// Finds everything back in the catalogue.
async fn stock_comes_back(shop: &Shop, shelf: &Shelf) -> anyhow::Result<()> {
    for (product, pieces) in [(&shelf.tea, 10), (&shelf.cup, 5)] {
        eventually("the pieces are for sale again", async || {
            let read = shop.get(&format!("/api/products/{product}")).await?;
            ensure!(read.body["available"] == pieces, "{read:#?}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Signs out; what could have renewed the session is worth nothing from then on.
async fn log_out(shop: &Shop, account: &Account) -> anyhow::Result<()> {
    let refresh = json!({ "refresh_token": account.refresh_token });
    ensure!(shop.post("/api/users/refresh", &refresh).await?.status == 200, "the refresh token was dead before");
    assert_eq!(ask(shop, account, Method::POST, "/api/users/logout", None).await?.status, 204);
    shop.post("/api/users/refresh", &refresh).await?.assert_problem(401, "invalid_credentials");
    Ok(())
}
