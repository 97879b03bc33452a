//! Requests that make no sense: each is refused with what is wrong, and leaves nothing behind.

use anyhow::Context as _;
use kassa_domain::{OrderId, ProductId};
use kassa_tests::{Answer, Customer, Shop, on_shared_shop};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use uuid::Uuid;

/// Checks that an order was never begun.
async fn assert_no_trace(shop: &Shop, order: &OrderId) -> anyhow::Result<()> {
    assert!(shop.describe(order).await?.is_none(), "a workflow was started");
    assert!(shop.orders.find(order).await?.is_none(), "an order was written");
    assert!(shop.reservations.get(order).await?.is_none(), "a reservation was made");
    assert_eq!(shop.stripe_operations(order), Vec::<String>::new(), "Stripe was asked");
    Ok(())
}

/// Sends a body under a key of its own and returns the answer once it is sure that nothing came of it.
async fn refused(shop: &Shop, customer: &Customer<'_>, body: impl Into<reqwest::Body>) -> anyhow::Result<Answer> {
    let key = Uuid::new_v4().to_string();
    let request = customer.raw_checkout().header("idempotency-key", &key).header(CONTENT_TYPE, "application/json");
    let answer = Answer::of(request.body(body)).await?;
    assert!(answer.status.is_client_error(), "{answer:#?}");
    assert_no_trace(shop, &customer.order_id(&key)).await?;
    Ok(answer)
}

/// A checkout that would be confirmed.
fn valid(customer: &Customer<'_>, product: &ProductId) -> Value {
    json!({
        "items": [{ "product_id": product, "quantity": 1 }],
        "email": customer.email(),
        "payment_method": "pm_card_visa",
    })
}

/// The valid checkout with a member replaced, or taken away by null.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a JSON pointer");
    let parent = body.pointer_mut(parent).and_then(Value::as_object_mut).expect("the parent is an object");
    match value {
        Value::Null => drop(parent.remove(name)),
        value => drop(parent.insert(name.to_owned(), value)),
    }
    body
}

#[test]
fn every_field_that_is_wrong_is_named() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let customer = shop.customer();
        let tea = shop.create_product(1250, 5).await?;
        let item = |quantity: Value| json!([{ "product_id": tea, "quantity": quantity }]);
        let cases = [
            ("/items", json!(null), "items"),
            ("/items", json!([]), "items"),
            ("/items", json!({}), "items"),
            ("/items", json!("tea"), "items"),
            ("/items", item(json!(0)), "items[0].quantity"),
            ("/items", item(json!(-1)), "items[0].quantity"),
            ("/items", item(json!(1.5)), "items[0].quantity"),
            ("/items", item(json!(1000)), "items[0].quantity"),
            ("/items", item(json!(i64::MAX)), "items[0].quantity"),
            ("/items", item(json!(i64::MIN)), "items[0].quantity"),
            ("/items", item(json!(u64::MAX)), "items[0].quantity"),
            ("/items", item(json!(1e300)), "items[0].quantity"),
            ("/items", item(json!("1")), "items[0].quantity"),
            ("/items", item(json!(true)), "items[0].quantity"),
            ("/items", json!([{ "product_id": tea }]), "items[0].quantity"),
            ("/items", json!([{ "quantity": 1 }]), "items[0].product_id"),
            ("/items", json!([{ "product_id": "tea", "quantity": 1 }]), "items[0].product_id"),
            ("/items", json!([{ "product_id": "", "quantity": 1 }]), "items[0].product_id"),
            ("/items", json!([{ "product_id": "prod_'; DROP TABLE orders", "quantity": 1 }]), "items[0].product_id"),
            ("/items", json!([{ "product_id": 7, "quantity": 1 }]), "items[0].product_id"),
            ("/items", json!([{ "product_id": tea, "quantity": 1, "price": 1 }]), "items[0].price"),
            ("/items", json!([[tea, 1]]), "items[0]"),
            (
                "/items",
                json!([{ "product_id": tea, "quantity": 1 }, { "product_id": tea, "quantity": 2 }]),
                "items[1].product_id",
            ),
            ("/total", json!({ "amount": 1, "currency": "EUR" }), "total"),
            ("/status", json!("CONFIRMED"), "status"),
            ("/order_id", json!("ord_1"), "order_id"),
            ("/email", json!(null), "email"),
            ("/email", json!(""), "email"),
            ("/email", json!("nobody"), "email"),
            ("/email", json!("a@b.de\r\nBcc: c@d.de"), "email"),
            ("/email", json!(7), "email"),
            ("/payment_method", json!(null), "payment_method"),
            ("/payment_method", json!(""), "payment_method"),
            ("/payment_method", json!("4242424242424242"), "payment_method"),
            ("/payment_method", json!("4242 4242 4242 4242"), "payment_method"),
            ("/payment_method", json!({ "number": "4242424242424242" }), "payment_method"),
            ("/payment_method", json!("pm_../../refunds"), "payment_method"),
            ("/expected_total", json!(1250), "expected_total"),
            ("/expected_total", json!({ "amount": 12.5, "currency": "EUR" }), "expected_total.amount"),
            ("/expected_total", json!({ "amount": -1, "currency": "EUR" }), "expected_total.amount"),
            ("/expected_total", json!({ "amount": 1250, "currency": "euro" }), "expected_total.currency"),
            ("/expected_total", json!({ "amount": 1250 }), "expected_total.currency"),
        ];
        for (pointer, value, field) in cases {
            let body = with(valid(&customer, &tea), pointer, value);

            let answer = refused(shop, &customer, body.to_string()).await.with_context(|| body.to_string())?;

            answer.assert_problem(422, "validation_failed");
            assert_eq!(answer.fields(), [field], "{body}: {answer:#?}");
            assert!(!answer.body.to_string().contains("4242"), "a card number is not repeated: {answer:#?}");
        }
        shop.oracle().product(&tea, 5).check().await
    })
}

#[test]
fn body_that_is_no_json_object_is_refused() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let customer = shop.customer();
        let tea = shop.create_product(1250, 5).await?;
        let valid = valid(&customer, &tea).to_string();
        for text in ["", " ", "{", "}", "{\"items\":", "items=1", "{'items': []}", "\u{feff}{}", "NaN"] {
            refused(shop, &customer, text).await?.assert_problem(400, "invalid_json");
        }
        refused(shop, &customer, format!("{valid}{valid}")).await?.assert_problem(400, "invalid_json");
        refused(shop, &customer, valid[..valid.len() - 1].to_owned()).await?.assert_problem(400, "invalid_json");
        refused(shop, &customer, vec![b'{', b'"', 0xff, 0xfe, b'"', b':', b'1', b'}'])
            .await?
            .assert_problem(400, "invalid_json");
        for text in ["null", "7", "\"text\"", "[]", "true"] {
            refused(shop, &customer, text).await?.assert_problem(422, "validation_failed");
        }
        let twice = valid.replacen('{', "{\"email\":\"else@example.com\",", 1);
        let answer = refused(shop, &customer, twice).await?;
        answer.assert_problem(422, "validation_failed");
        assert_eq!(answer.fields(), ["email"], "{answer:#?}");
        Ok(())
    })
}

#[test]
fn deep_nesting_is_refused() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let customer = shop.customer();
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let depth = 10_000;
            for text in [
                format!("{}1{}", open.repeat(depth), close.repeat(depth)),
                format!("{{\"items\":{}1{}}}", open.repeat(depth), close.repeat(depth)),
                format!("{{\"unknown\":{}", open.repeat(depth)),
            ] {
                let answer = refused(shop, &customer, text).await?;
                assert!(matches!(answer.code(), Some("invalid_json" | "validation_failed")), "{answer:#?}");
            }
        }
        assert_eq!(shop.get("/health").await?.status, 200);
        Ok(())
    })
}

#[test]
fn too_many_lines_and_too_large_bodies_are_refused() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let customer = shop.customer();
        let tea = shop.create_product(1250, 5).await?;
        let lines = |count: usize| -> Value {
            (0..count).map(|n| json!({ "product_id": format!("prod_{n}"), "quantity": 1 })).collect()
        };
        for count in [100, 500] {
            let body = with(valid(&customer, &tea), "/items", lines(count));
            let answer = refused(shop, &customer, body.to_string()).await?;
            answer.assert_problem(422, "validation_failed");
            assert_eq!(answer.fields(), ["items"], "{answer:#?}");
        }
        let ten_thousand = with(valid(&customer, &tea), "/items", lines(10_000)).to_string();
        refused(shop, &customer, ten_thousand).await?.assert_problem(413, "body_too_large");
        let ten_megabytes = with(valid(&customer, &tea), "/note", json!("x".repeat(10 << 20))).to_string();
        refused(shop, &customer, ten_megabytes).await?.assert_problem(413, "body_too_large");
        refused(shop, &customer, vec![b' '; 10 << 20]).await?.assert_problem(413, "body_too_large");
        Ok(())
    })
}

#[test]
fn products_that_do_not_exist_are_named() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let customer = shop.customer();
        let tea = shop.create_product(1250, 5).await?;
        let (first, second) = (
            ProductId::from_unique(uuid::Uuid::now_v7().as_u128()),
            ProductId::from_unique(uuid::Uuid::now_v7().as_u128()),
        );
        let items = json!([
            { "product_id": first, "quantity": 1 },
            { "product_id": tea, "quantity": 1 },
            { "product_id": second, "quantity": 1 },
        ]);
        let body = with(valid(&customer, &tea), "/items", items).to_string();

        let answer = refused(shop, &customer, body).await?;

        answer.assert_problem(422, "unknown_products");
        let text = answer.body.to_string();
        assert!(text.contains(first.as_str()) && text.contains(second.as_str()), "{text}");
        assert!(!text.contains(tea.as_str()), "{text}");
        Ok(())
    })
}

#[test]
fn body_that_is_not_declared_as_json_is_refused() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let customer = shop.customer();
        let tea = shop.create_product(1250, 5).await?;
        let body = valid(&customer, &tea).to_string();
        for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("text/json")] {
            let key = Uuid::new_v4().to_string();
            let mut request = customer.raw_checkout().header("idempotency-key", &key).body(body.clone());
            if let Some(content_type) = content_type {
                request = request.header(CONTENT_TYPE, content_type);
            }

            Answer::of(request).await?.assert_problem(415, "unsupported_media_type");

            assert_no_trace(shop, &customer.order_id(&key)).await?;
        }
        Ok(())
    })
}

#[test]
fn idempotency_key_has_to_be_there_and_to_be_one() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let customer = shop.customer();
        let tea = shop.create_product(1250, 5).await?;
        let request = || customer.raw_checkout().json(&valid(&customer, &tea));

        Answer::of(request()).await?.assert_problem(400, "idempotency_key_missing");
        let long = "k".repeat(256);
        for key in ["", "1234567", "two words", long.as_str()] {
            let answer = Answer::of(request().header("idempotency-key", key)).await?;
            answer.assert_problem(400, "idempotency_key_invalid");
        }
        let odd = Answer::of(request().header("idempotency-key", "schlüssel-eins".as_bytes())).await?;
        odd.assert_problem(400, "idempotency_key_invalid");
        let two = request().header("idempotency-key", "first-key").header("idempotency-key", "second-key");
        Answer::of(two).await?.assert_problem(400, "idempotency_key_invalid");

        assert_eq!(shop.stock(&tea).await?.available, 5);
        shop.oracle().product(&tea, 5).check().await
    })
}

#[test]
fn longest_and_shortest_key_are_accepted() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let tea = shop.create_product(1250, 5).await?;
        let long = "~".repeat(255);
        for key in ["12345678", long.as_str(), "\"quoted-key\""] {
            shop.customer().buys(&tea, 1).key(key).send().await?.assert_confirmed();
        }
        Ok(())
    })
}
