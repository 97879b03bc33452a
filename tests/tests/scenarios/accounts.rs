//! Accounts: becoming a customer, signing in and out, a forgotten password, the profile; and that nobody learns from the
//! answers who has an account.

use anyhow::{Context as _, ensure};
use kassa_domain::UserId;
use kassa_tests::accounts::{PASSWORD, new_address};
use kassa_tests::{Answer, Shop, eventually, on_shared_shop};
use reqwest::Method;
use serde_json::{Value, json};

#[test]
fn newcomer_registers_confirms_and_signs_in() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let email = new_address();
        shop.register(&email).await?;
        let credentials = json!({ "email": email, "password": PASSWORD });
        shop.post("/api/users/login", &credentials).await?.assert_problem(401, "invalid_credentials");

        let code = shop.code(&email).await?;
        let confirmed = shop.post("/api/users/confirm", &json!({ "email": email, "code": code })).await?;

        assert_eq!((confirmed.status.as_u16(), &confirmed.body), (204, &Value::Null), "{confirmed:#?}");
        let session = shop.post("/api/users/login", &credentials).await?;
        assert_eq!(session.status, 200, "{session:#?}");
        assert_eq!(session.header("cache-control"), Some("no-store"));
        assert_eq!(session.body["token_type"], "Bearer");
        assert_eq!(session.body["expires_in"], 3600);
        let account = shop.log_in(&email, PASSWORD).await?;
        let me = Answer::of(account.signs(shop.http.get(shop.url("/api/users/me")))).await?;
        assert_eq!((&me.body["email"], &me.body["name"]), (&json!(email), &json!("Ada Lovelace")), "{me:#?}");
        Ok(())
    })
}

#[test]
fn new_account_is_welcomed_once() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let account = shop.sign_up().await?;
        let welcomes = async || {
            let mails = shop.mails_to(&account.email).await?;
            anyhow::Ok(mails.iter().filter(|mail| mail.subject.contains("elcome")).count())
        };
        eventually("the welcome is mailed", async || {
            ensure!(welcomes().await? > 0, "no welcome");
            Ok(())
        })
        .await?;
        eventually("it is remembered", async || {
            let user = shop.users.get(&account.user).await?.context("a profile")?;
            ensure!(user.welcomed, "not remembered");
            Ok(())
        })
        .await?;
        shop.log_in(&account.email, PASSWORD).await?;
        assert_eq!(welcomes().await?, 1);
        Ok(())
    })
}

#[test]
fn two_spellings_of_an_address_are_one_account() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let account = shop.sign_up().await?;
        let again = shop.log_in(&account.email.to_uppercase(), PASSWORD).await?;
        assert_eq!(again.user, account.user);
        Ok(())
    })
}

#[test]
fn password_that_is_too_weak_is_said_in_plain_words() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        for (password, reason) in [("short-1", "at least 8 characters"), ("longenough1", "special character")] {
            let answer =
                shop.post("/api/users/register", &json!({ "email": new_address(), "password": password })).await?;
            answer.assert_problem(422, "validation_failed");
            assert_eq!(answer.fields(), ["password"]);
            let detail = answer.body["detail"].as_str().unwrap_or_default();
            assert!(detail.contains(reason) && !detail.contains(password), "{detail}");
        }
        Ok(())
    })
}

#[test]
fn account_can_be_told_from_an_unknown_one_by_no_answer() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (known, unconfirmed, unknown) = (shop.sign_up().await?.email, new_address(), new_address());
        shop.register(&unconfirmed).await?;
        for (path, rest) in [
            ("login", json!({ "password": "wrong-password" })),
            ("resend-code", json!({})),
            ("forgotten-password", json!({})),
            ("reset-password", json!({ "code": "000000", "password": "another-password" })),
            ("reset-password", json!({ "code": "000000", "password": "weak" })),
            ("confirm", json!({ "code": "000000" })),
            ("register", json!({ "password": PASSWORD })),
            ("register", json!({ "password": "weak" })),
        ] {
            let mut answers = Vec::new();
            for email in [&known, &unconfirmed, &unknown] {
                let mut body = rest.clone();
                body["email"] = json!(email);
                answers.push(shape(shop, path, &body).await?);
            }
            assert_eq!(answers[0], answers[2], "{path}: a known address and an unknown one");
            assert_eq!(answers[1], answers[2], "{path}: an unconfirmed address and an unknown one");
        }
        Ok(())
    })
}

/// Everything that a client sees of an answer, but for what is different every time.
async fn shape(shop: &Shop, path: &str, body: &Value) -> anyhow::Result<(u16, Vec<(String, String)>, String)> {
    let response = shop.http.post(shop.url(&format!("/api/users/{path}"))).json(body).send().await?;
    let mut headers: Vec<_> = response
        .headers()
        .iter()
        .filter(|(name, _)| !["x-request-id", "date", "ratelimit"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    headers.sort();
    Ok((response.status().as_u16(), headers, response.text().await?))
}

#[test]
fn registering_again_neither_changes_the_password_nor_says_so() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let account = shop.sign_up().await?;
        let again = json!({ "email": account.email, "password": "somebody-else's" });
        assert_eq!(shop.post("/api/users/register", &again).await?.status, 202);
        shop.post("/api/users/login", &again).await?.assert_problem(401, "invalid_credentials");
        shop.log_in(&account.email, &account.password).await?;
        Ok(())
    })
}

#[test]
fn code_confirms_once_and_only_its_own_address() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let email = new_address();
        shop.register(&email).await?;
        let code = shop.code(&email).await?;
        let confirm = async |email: &str, code: &str| {
            shop.post("/api/users/confirm", &json!({ "email": email, "code": code })).await
        };
        confirm(&email, "000000").await?.assert_problem(422, "invalid_code");
        confirm(&new_address(), &code).await?.assert_problem(422, "invalid_code");
        assert_eq!(confirm(&email, &code).await?.status, 204);
        confirm(&email, &code).await?.assert_problem(422, "invalid_code");
        Ok(())
    })
}

#[test]
fn code_is_mailed_again_when_asked_for() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let email = new_address();
        shop.register(&email).await?;
        shop.code(&email).await?;
        assert_eq!(shop.post("/api/users/resend-code", &json!({ "email": email })).await?.status, 202);
        assert_eq!(shop.mails_to(&email).await?.len(), 2, "the code, twice");
        Ok(())
    })
}

#[test]
fn session_goes_on_until_it_is_signed_out() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let account = shop.sign_up().await?;
        let refresh = json!({ "refresh_token": account.refresh_token });
        let refreshed = shop.post("/api/users/refresh", &refresh).await?;
        assert_eq!(refreshed.status, 200, "{refreshed:#?}");
        assert!(refreshed.body.get("refresh_token").is_none());
        let token = refreshed.body["access_token"].as_str().unwrap_or_default();
        let me = Answer::of(shop.http.get(shop.url("/api/users/me")).bearer_auth(token)).await?;
        assert_eq!(me.body["id"], account.user.as_str());

        for _ in 0..2 {
            let out = Answer::of(account.signs(shop.http.post(shop.url("/api/users/logout")))).await?;
            assert_eq!(out.status, 204, "{out:#?}");
        }

        shop.post("/api/users/refresh", &refresh).await?.assert_problem(401, "invalid_credentials");
        shop.log_in(&account.email, &account.password).await?;
        Ok(())
    })
}

#[test]
fn token_of_another_kind_does_not_refresh() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let account = shop.sign_up().await?;
        for token in [account.token.as_str(), "made.up.token", "x"] {
            let answer = shop.post("/api/users/refresh", &json!({ "refresh_token": token })).await?;
            answer.assert_problem(401, "invalid_credentials");
        }
        Ok(())
    })
}

#[test]
fn forgotten_password_is_replaced_with_a_mailed_code() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let account = shop.sign_up().await?;
        let email = &account.email;
        assert_eq!(shop.post("/api/users/forgotten-password", &json!({ "email": email })).await?.status, 202);
        let code = shop.code(email).await?;
        let reset = async |code: &str| {
            let body = json!({ "email": email, "code": code, "password": "a-new-password" });
            shop.post("/api/users/reset-password", &body).await
        };
        reset("000000").await?.assert_problem(422, "invalid_code");
        shop.log_in(email, PASSWORD).await?;

        assert_eq!(reset(&code).await?.status, 204);

        let old = shop.post("/api/users/login", &json!({ "email": email, "password": PASSWORD })).await?;
        old.assert_problem(401, "invalid_credentials");
        assert_eq!(shop.log_in(email, "a-new-password").await?.user, account.user);
        reset(&code).await?.assert_problem(422, "invalid_code");
        Ok(())
    })
}

#[test]
fn profile_belongs_to_its_customer_and_to_administrators() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (ada, bob) = (shop.sign_up().await?, shop.sign_up().await?);
        let path = format!("/api/users/{}", ada.user);
        let own = Answer::of(ada.signs(shop.http.get(shop.url(&path)))).await?;
        assert_eq!((own.status.as_u16(), &own.body["email"]), (200, &json!(ada.email)), "{own:#?}");
        let admin = Answer::of(shop.as_admin(Method::GET, &path)).await?;
        assert_eq!(admin.body, own.body);

        let foreign = Answer::of(bob.signs(shop.http.get(shop.url(&path)))).await?;
        foreign.assert_problem(404, "user_not_found");
        shop.get(&path).await?.assert_problem(401, "unauthorized");
        let nobody: UserId = "usr_nobody".parse()?;
        let missing = Answer::of(bob.signs(shop.http.get(shop.url(&format!("/api/users/{nobody}"))))).await?;
        missing.assert_problem(404, "user_not_found");
        Ok(())
    })
}

#[test]
fn customer_changes_the_name_and_nothing_else() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let account = shop.sign_up().await?;
        let put =
            async |body: Value| Answer::of(account.signs(shop.http.put(shop.url("/api/users/me"))).json(&body)).await;
        let renamed = put(json!({ "name": "  Countess of Lovelace " })).await?;
        assert_eq!((renamed.status.as_u16(), &renamed.body["name"]), (200, &json!("Countess of Lovelace")));
        for field in ["id", "email", "admin", "role", "groups", "created_at", "status"] {
            let refused = put(json!({ "name": "Eve", (field): "usr_eve" })).await?;
            refused.assert_problem(422, "validation_failed");
            assert_eq!(refused.fields(), [field]);
        }
        let me = Answer::of(account.signs(shop.http.get(shop.url("/api/users/me")))).await?;
        assert_eq!(me.body, renamed.body);
        assert!(put(json!({})).await?.body.get("name").is_none());
        Ok(())
    })
}

#[test]
fn administrators_alone_list_all_users_page_by_page() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let mut missing = Vec::new();
        for _ in 0..3 {
            missing.push(shop.sign_up().await?);
        }
        let customer = Answer::of(missing[0].signs(shop.http.get(shop.url("/api/users")))).await?;
        customer.assert_problem(403, "forbidden");
        shop.get("/api/users").await?.assert_problem(401, "unauthorized");

        let mut cursor = String::new();
        let mut seen = Vec::new();
        loop {
            let page = Answer::of(shop.as_admin(Method::GET, &format!("/api/users?limit=2{cursor}"))).await?;
            assert_eq!(page.status, 200, "{page:#?}");
            let items = page.body["items"].as_array().cloned().unwrap_or_default();
            assert!(items.len() <= 2);
            seen.extend(items.iter().filter_map(|user| user["id"].as_str().map(ToOwned::to_owned)));
            let Some(next) = page.body["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), all, "nobody is listed twice");
        missing.retain(|account| !seen.contains(&account.user.to_string()));
        assert!(missing.is_empty(), "everybody is listed: {missing:?}");
        Ok(())
    })
}
