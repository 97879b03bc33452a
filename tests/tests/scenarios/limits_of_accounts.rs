//! Limits on guessing passwords and codes, on having mail sent, and on making accounts.

use std::net::Ipv6Addr;

use futures::future::try_join_all;
use kassa_tests::accounts::{PASSWORD, new_address};
use kassa_tests::{Answer, Exclusive, on_exclusive_shop};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use uuid::Uuid;

/// The routes with limits of their own, and what is limited there.
const ROUTES: [(&str, &str); 6] = [
    ("register", "register"),
    ("login", "login"),
    ("confirm", "code"),
    ("reset-password", "code"),
    ("resend-code", "mail"),
    ("forgotten-password", "mail"),
];

/// The same limits for everything that is done with accounts, for long enough that no test sees the end of their span.
fn allow(by_caller: u32, by_address: u32) -> Vec<(&'static str, String)> {
    let limit = format!("{by_caller}/{by_address}/86400");
    let names = ["KASSA_LIMIT_REGISTER", "KASSA_LIMIT_LOGIN", "KASSA_LIMIT_CODE", "KASSA_LIMIT_MAIL"];
    names.into_iter().map(|name| (name, limit.clone())).collect()
}

async fn restart(shop: &mut Exclusive, limits: &[(&str, String)]) -> anyhow::Result<()> {
    let proxies = [("KASSA_TRUSTED_PROXIES", "1")];
    let settings: Vec<_> = limits.iter().map(|(name, value)| (*name, value.as_str())).chain(proxies).collect();
    shop.restart_api(&settings).await
}

fn body(route: &str, email: &str) -> Value {
    match route {
        "register" | "login" => json!({ "email": email, "password": PASSWORD }),
        "confirm" => json!({ "email": email, "code": "000000" }),
        "reset-password" => json!({ "email": email, "code": "000000", "password": PASSWORD }),
        _ => json!({ "email": email }),
    }
}

fn attempt(shop: &Exclusive, route: &str, email: &str, address: Ipv6Addr) -> RequestBuilder {
    let request = shop.http.post(shop.url(&format!("/api/users/{route}"))).json(&body(route, email));
    request.header("x-forwarded-for", address.to_string())
}

fn somewhere() -> Ipv6Addr {
    Ipv6Addr::from_bits(Uuid::new_v4().as_u128())
}

#[track_caller]
fn assert_limited(answer: &Answer, policy: &str) {
    answer.assert_problem(429, "rate_limited");
    assert!(answer.header("retry-after").is_some(), "{answer:#?}");
    assert_eq!(answer.header("ratelimit-policy"), Some(policy), "{answer:#?}");
}

#[test]
fn one_account_is_not_tried_for_ever_from_wherever() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        restart(shop, &allow(2, 1000)).await?;
        for (route, action) in ROUTES {
            let email = new_address();
            for _ in 0..2 {
                let answer = Answer::of(attempt(shop, route, &email, somewhere())).await?;
                assert_ne!(answer.status, 429, "{route}: {answer:#?}");
            }
            // Another spelling of the address is the same account.
            for email in [email.clone(), email.to_uppercase()] {
                let answer = Answer::of(attempt(shop, route, &email, somewhere())).await?;
                assert_limited(&answer, &format!("\"{action}-by-caller\";q=2;w=86400"));
            }
            let other = Answer::of(attempt(shop, route, &new_address(), somewhere())).await?;
            assert_ne!(other.status, 429, "{route}: {other:#?}");
        }
        Ok(())
    })
}

#[test]
fn one_address_does_not_try_accounts_for_ever() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        restart(shop, &allow(1000, 2)).await?;
        for (route, action) in ROUTES {
            let here = somewhere();
            for _ in 0..2 {
                let answer = Answer::of(attempt(shop, route, &new_address(), here)).await?;
                assert_ne!(answer.status, 429, "{route}: {answer:#?}");
            }
            let refused = Answer::of(attempt(shop, route, &new_address(), here)).await?;
            assert_limited(&refused, &format!("\"{action}-by-address\";q=2;w=86400"));
            let there = Answer::of(attempt(shop, route, &new_address(), somewhere())).await?;
            assert_ne!(there.status, 429, "{route}: {there:#?}");
        }
        Ok(())
    })
}

#[test]
fn right_password_does_not_get_past_a_limit_that_is_used_up() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let (account, unknown) = (shop.sign_up().await?, new_address());
        restart(shop, &allow(3, 1000)).await?;
        for email in [&account.email, &unknown] {
            for _ in 0..3 {
                let wrong = json!({ "email": email, "password": "wrong-password" });
                shop.post("/api/users/login", &wrong).await?.assert_problem(401, "invalid_credentials");
            }
            // With an account and without one.
            let right = Answer::of(attempt(shop, "login", email, somewhere())).await?;
            assert_limited(&right, "\"login-by-caller\";q=3;w=86400");
        }
        Ok(())
    })
}

#[test]
fn two_processes_at_once_count_together() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        let limits = allow(5, 1000);
        restart(shop, &limits).await?;
        let (mut other, url) = shop.stack.another_api("another-api")?;
        let settings: Vec<_> = limits.iter().map(|(name, value)| (*name, value.as_str())).collect();
        other.start_with(&settings).await?;
        let email = new_address();
        let login = |at: &str| {
            let request = shop.http.post(format!("{at}/api/users/login")).json(&body("login", &email));
            Answer::of(request)
        };

        let here = shop.stack.api_url();
        let answers = try_join_all((0..20).map(|n| login(if n % 2 == 0 { &here } else { &url }))).await?;

        other.stop().await?;
        let limited = answers.iter().filter(|answer| answer.status == 429).count();
        assert_eq!(limited, 15, "{answers:#?}");
        Ok(())
    })
}
