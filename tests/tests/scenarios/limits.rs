//! Limits on how often something may be tried.

use std::net::Ipv6Addr;

use kassa_devstack::stack::sdk_config;
use kassa_tests::{Answer, Exclusive, on_exclusive_shop};
use reqwest::RequestBuilder;
use serde_json::json;
use uuid::Uuid;

/// Long enough that no test sees the end of its span, whatever the machine does meanwhile.
fn allow(by_caller: u32, by_address: u32) -> String {
    format!("{by_caller}/{by_address}/86400")
}

/// A checkout that is counted and then refused, because there is no such product.
fn attempt(shop: &Exclusive, email: &str) -> RequestBuilder {
    let body = json!({
        "items": [{ "product_id": "prod_nothing", "quantity": 1 }],
        "email": email,
        "payment_method": "pm_card_visa",
    });
    let request = shop.http.post(shop.url("/api/checkout")).header("idempotency-key", Uuid::new_v4().to_string());
    request.json(&body)
}

fn somebody() -> String {
    format!("{}@example.com", Uuid::new_v4().simple())
}

fn assert_let_through(answer: &Answer) {
    answer.assert_problem(422, "unknown_products");
}

#[track_caller]
fn assert_limited(answer: &Answer, policy: &str) {
    answer.assert_problem(429, "rate_limited");
    let seconds: u32 = answer.header("retry-after").and_then(|text| text.parse().ok()).expect("when to try again");
    assert!((1..=86_400).contains(&seconds), "{seconds}");
    assert_eq!(answer.header("ratelimit-policy"), Some(policy), "{answer:#?}");
    let left = answer.header("ratelimit").unwrap_or_default();
    assert!(left.contains(";r=0;"), "{left}");
}

#[test]
fn one_caller_is_limited_wherever_the_requests_come_from() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let settings = [("KASSA_LIMIT_CHECKOUT", &*allow(3, 1000)), ("KASSA_TRUSTED_PROXIES", "1")];
        shop.restart_api(&settings).await?;
        let (first, second) = (somebody(), somebody());
        let from = |email: &str, n: u8| attempt(shop, email).header("x-forwarded-for", format!("198.51.100.{n}"));

        for n in 1..=3 {
            assert_let_through(&Answer::of(from(&first, n)).await?);
        }
        let refused = Answer::of(from(&first, 4)).await?;
        assert_limited(&refused, "\"checkout-by-caller\";q=3;w=86400");
        assert_limited(&Answer::of(from(&first, 5)).await?, "\"checkout-by-caller\";q=3;w=86400");
        assert_let_through(&Answer::of(from(&second, 4)).await?);
        Ok(())
    })
}

#[test]
fn one_address_is_limited_whoever_it_says_it_is() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let settings = [("KASSA_LIMIT_CHECKOUT", &*allow(1000, 3)), ("KASSA_TRUSTED_PROXIES", "1")];
        shop.restart_api(&settings).await?;
        // What the client itself has put into the header is to the left of what the proxy has added.
        let (here, there) =
            (Ipv6Addr::from_bits(Uuid::new_v4().as_u128()), Ipv6Addr::from_bits(Uuid::new_v4().as_u128()));
        let from = |made_up: u8, address: Ipv6Addr| {
            attempt(shop, &somebody()).header("x-forwarded-for", format!("203.0.113.{made_up}, {address}"))
        };

        for n in 1..=3 {
            let answer = Answer::of(from(n, here)).await?;
            assert_let_through(&answer);
            assert_eq!(answer.header("ratelimit-policy"), Some("\"checkout-by-address\";q=3;w=86400"));
            let left = answer.header("ratelimit").unwrap_or_default().to_owned();
            assert!(left.starts_with(&format!("\"checkout-by-address\";r={};t=", 3 - n)), "{left}");
        }
        assert_limited(&Answer::of(from(4, here)).await?, "\"checkout-by-address\";q=3;w=86400");
        assert_let_through(&Answer::of(from(4, there)).await?);
        Ok(())
    })
}

#[test]
fn several_processes_count_together() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let limit = allow(2, 1000);
        shop.restart_api(&[("KASSA_LIMIT_CHECKOUT", &*limit)]).await?;
        let email = somebody();
        assert_let_through(&Answer::of(attempt(shop, &email)).await?);

        shop.restart_api(&[("KASSA_LIMIT_CHECKOUT", &*limit)]).await?;

        assert_let_through(&Answer::of(attempt(shop, &email)).await?);
        assert_limited(&Answer::of(attempt(shop, &email)).await?, "\"checkout-by-caller\";q=2;w=86400");
        Ok(())
    })
}

#[test]
fn requests_at_once_do_not_slip_through() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_LIMIT_CHECKOUT", &*allow(5, 1000))]).await?;
        let email = somebody();

        let answers = futures::future::try_join_all((0..20).map(|_| Answer::of(attempt(shop, &email)))).await?;

        let limited = answers.iter().filter(|answer| answer.status == 429).count();
        assert_eq!(limited, 15, "{answers:#?}");
        Ok(())
    })
}

#[test]
fn counters_hold_no_addresses() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        shop.restart_api(&[("KASSA_LIMIT_CHECKOUT", &*allow(1000, 1000))]).await?;
        let email = somebody();
        assert_let_through(&Answer::of(attempt(shop, &email)).await?);

        let config = shop.stack.store_config().dynamodb;
        let client = kassa_store::config::dynamodb_client(&sdk_config().await, &config);
        let rows = client.scan().table_name(config.tables.rate_limits()).send().await?;

        let text = format!("{:?}", rows.items());
        assert!(!rows.items().is_empty() && !text.contains(&email) && !text.contains("127.0.0.1"), "{text}");
        Ok(())
    })
}
