//! What customers tell of themselves beside an order: accounts, profiles, carts and phones are in no log either.

use anyhow::{Context as _, ensure};
use futures::TryStreamExt as _;
use kassa_tests::cart::KASSA_CART;
use kassa_tests::{Account, Answer, Markers, Shop, eventually, on_shared_shop};
use reqwest::Method;
use serde_json::json;
use temporalio_client::WorkflowListOptions;
use uuid::Uuid;

/// Becomes a customer with values that nobody else may see, and makes every kind of mistake on the way.
async fn sign_up(shop: &Shop, markers: &mut Markers) -> anyhow::Result<Account> {
    let email = markers.plant("anna.", "@example.com");
    let password = markers.plant("", "!");
    let name = markers.plant("Anna ", "");
    let register = json!({ "email": email, "password": password, "name": name });
    for (member, value) in [
        ("password", markers.plant("", "")),
        ("name", markers.plant("Anna\n", "")),
        ("email", markers.plant("@", "")),
        ("nickname", markers.plant("", "")),
    ] {
        let mut wrong = register.clone();
        wrong[member] = json!(value);
        shop.post("/api/users/register", &wrong).await?.assert_problem(422, "validation_failed");
    }
    assert_eq!(shop.post("/api/users/register", &register).await?.status, 202);
    // The address is taken from here on, which is nobody's business.
    assert_eq!(shop.post("/api/users/register", &register).await?.status, 202);
    let code = shop.code(&email).await?;
    let confirm = async |code: &str| shop.post("/api/users/confirm", &json!({ "email": email, "code": code })).await;
    confirm("000000").await?.assert_problem(422, "invalid_code");
    assert_eq!(confirm(&code).await?.status, 204);

    let wrong = json!({ "email": email, "password": markers.plant("", "!") });
    shop.post("/api/users/login", &wrong).await?.assert_problem(401, "invalid_credentials");
    let stranger = json!({ "email": markers.plant("bert.", "@example.com"), "password": markers.plant("", "!") });
    shop.post("/api/users/login", &stranger).await?.assert_problem(401, "invalid_credentials");
    let account = shop.log_in(&email, &password).await?;
    markers.keep(&account.token);
    markers.keep(&account.refresh_token);
    Ok(account)
}

/// Has passwords and tokens replaced, rightly and wrongly. Returns the password that is valid then.
async fn come_and_go(shop: &Shop, account: &Account, markers: &mut Markers) -> anyhow::Result<String> {
    let email = &account.email;
    let forged = json!({ "refresh_token": markers.plant("", "") });
    shop.post("/api/users/refresh", &forged).await?.assert_problem(401, "invalid_credentials");
    let refreshed = shop.post("/api/users/refresh", &json!({ "refresh_token": account.refresh_token })).await?;
    markers.keep(refreshed.body["access_token"].as_str().context("a token")?);
    assert_eq!(shop.post("/api/users/resend-code", &json!({ "email": email })).await?.status, 202);
    assert_eq!(shop.post("/api/users/forgotten-password", &json!({ "email": email })).await?.status, 202);
    let password = markers.plant("", "#");
    let reset = async |code: &str| {
        let body = json!({ "email": email, "code": code, "password": password });
        shop.post("/api/users/reset-password", &body).await
    };
    reset("000000").await?.assert_problem(422, "invalid_code");
    assert_eq!(reset(&shop.code(email).await?).await?.status, 204);
    Ok(password)
}

/// Changes the profile and the settings, rightly and wrongly.
async fn settle_in(shop: &Shop, account: &Account, markers: &mut Markers) -> anyhow::Result<()> {
    let put = |path: &str| account.signs(shop.http.put(shop.url(path)));
    let me = |name: String| Answer::of(put("/api/users/me").json(&json!({ "name": name })));
    assert_eq!(me(markers.plant("Countess ", "")).await?.status, 200);
    me(markers.plant("", &"x".repeat(100))).await?.assert_problem(422, "validation_failed");

    let settings = |number: String| {
        let body = json!({ "mail": { "shipped": true, "refunded": true }, "sms": { "phone_number": number } });
        Answer::of(put("/api/notifications/settings").json(&body))
    };
    let digits = format!("{:013}", Uuid::new_v4().as_u128() % 10_000_000_000_000);
    markers.keep(&digits);
    assert_eq!(settings(format!("+49{digits}")).await?.status, 200);
    settings(markers.plant("+", "")).await?.assert_problem(422, "validation_failed");

    for path in ["/api/users?cursor=", "/api/users/", "/api/orders?scope=all&customer=", "/api/notifications?user_id="]
    {
        let path = markers.plant(path, "%40example.com");
        let answer = Answer::of(shop.as_admin(Method::GET, &path)).await?;
        assert_eq!(answer.status, 400, "{path}: {answer:#?}");
    }
    Ok(())
}

/// Fills a cart as a guest, signs in with it, buys it, and is written to by the shop.
async fn buy(shop: &Shop, account: &Account, password: &str, markers: &mut Markers) -> anyhow::Result<()> {
    let tea = shop.create_product(1250, 5).await?;
    let mut guest = shop.guest_cart();
    guest.add(&tea, 1).await?;
    let token = guest.token().context("a token")?.to_owned();
    let (_, signature) = token.split_once('.').context("a signature")?;
    markers.keep(signature);
    let forged =
        Answer::of(shop.guest_cart().request(Method::GET, "").header(KASSA_CART, markers.plant("", ""))).await?;
    forged.assert_problem(401, "cart_token_invalid");
    let login = shop.http.post(shop.url("/api/users/login")).header(KASSA_CART, &token);
    let session = Answer::of(login.json(&json!({ "email": account.email, "password": password }))).await?;
    markers.keep(session.body["access_token"].as_str().context("a token")?);

    let cart = shop.account_cart(session.body["access_token"].as_str().context("a token")?);
    let order = cart.checkout(&shop.customer().signed_in(account)).send().await?.assert_confirmed();
    let ship = shop.as_admin(Method::PUT, &format!("/api/orders/{order}/status"));
    assert_eq!(Answer::of(ship.json(&json!({ "status": "SHIPPED" }))).await?.status, 200);
    let body = json!({ "order_id": order, "subject": markers.plant("", ""), "text": markers.plant("Dear Anna ", "") });
    let write = shop.as_admin(Method::POST, "/api/notifications/email");
    let written = Answer::of(write.header("idempotency-key", Uuid::new_v4().to_string()).json(&body)).await?;
    assert_eq!(written.status, 202, "{written:#?}");
    let out = Answer::of(account.signs(shop.http.post(shop.url("/api/users/logout")))).await?;
    assert_eq!(out.status, 204, "{out:#?}");
    Ok(())
}

#[test]
fn what_customers_tell_of_themselves_is_in_no_log_and_nowhere_that_temporal_shows() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let mut markers = Markers::default();

        let account = sign_up(shop, &mut markers).await?;
        let password = come_and_go(shop, &account, &mut markers).await?;
        settle_in(shop, &account, &mut markers).await?;
        buy(shop, &account, &password, &mut markers).await?;

        // The welcome, the checkout, the parcel and the mail of the administrator.
        let query = format!("CustomerId = '{}' AND ExecutionStatus = 'Completed'", account.user);
        let workflows = eventually("everything is told", async || {
            let found: Vec<_> =
                shop.temporal.list_workflows(&query, WorkflowListOptions::default()).try_collect().await?;
            ensure!(found.len() >= 4, "{} workflows have completed", found.len());
            Ok(found)
        })
        .await?;
        for workflow in workflows {
            markers.assert_absent_in_workflow(shop, workflow.id()).await?;
        }
        markers.assert_absent_in_list(shop, "").await?;
        markers.assert_absent_in_events(shop).await?;
        markers.assert_absent_in_rows(shop).await?;
        markers.assert_absent_in_metrics(shop, &shop.stack.worker_metrics_url()).await?;
        markers.assert_absent_in_logs(shop, "/api/users/register")
    })
}
