//! Access tokens: which ones are worth something. Each refused token differs from one that is accepted in one thing.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kassa_api::{AccessTokens, ProblemCode, TokenConfig};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::identity::{ADMIN_GROUP, Issuer, KEY_ID, SigningKey, claims, header, issuer, now, unsigned, with};
use crate::{Answer, app_trusting, send_to};

/// What an administrative route answers to a bearer token; whoever gets past the token has sent no JSON.
async fn show(tokens: &AccessTokens, token: &str) -> Answer {
    let request = Request::post("/api/products")
        .header("content-type", "application/json")
        .header(AUTHORIZATION, format!("Bearer {token}"));
    send_to(app_trusting(tokens.clone()), request, "no JSON").await
}

#[track_caller]
fn assert_accepted(answer: &Answer) {
    answer.problem(ProblemCode::InvalidJson);
}

fn admin_claims() -> Value {
    with(claims(), "cognito:groups", json!([ADMIN_GROUP]))
}

/// A token signed with the public key as if it were a shared secret, which a checker falls for that lets the token
/// choose the algorithm.
fn signed_with_the_public_key(key: &SigningKey) -> String {
    let text = unsigned(&json!({ "alg": "HS256", "kid": KEY_ID }), &admin_claims());
    let mut mac = Hmac::<Sha256>::new_from_slice(key.public_bytes()).expect("HMAC takes keys of every length");
    mac.update(text.as_bytes());
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn forged_and_misused_tokens_are_refused() {
    let issuer = issuer();
    let stranger = SigningKey::generate();
    let tokens = AccessTokens::new(issuer.config());
    let good = issuer.key.sign(&header(), &admin_claims());
    let signed = |name: &str, value: Value| issuer.key.sign(&header(), &with(admin_claims(), name, value));
    let headed = |key: &SigningKey, name: &str, value: Value| key.sign(&with(header(), name, value), &admin_claims());
    let (text, signature) = good.rsplit_once('.').expect("three parts");
    let other = issuer.token();
    let other_claims = other.split('.').nth(1).expect("three parts");

    let refused = [
        ("no signature", format!("{text}.")),
        ("no third part", text.to_owned()),
        ("a fourth part", format!("{good}.{signature}")),
        ("the algorithm none", format!("{}.", unsigned(&json!({ "alg": "none", "kid": KEY_ID }), &admin_claims()))),
        ("the algorithm none over a signature", headed(&issuer.key, "alg", json!("none"))),
        ("HS256 with the public key", signed_with_the_public_key(&issuer.key)),
        ("another algorithm of the same family", headed(&issuer.key, "alg", json!("RS512"))),
        ("an unknown kid", headed(&issuer.key, "kid", json!("another"))),
        ("no kid", headed(&issuer.key, "kid", Value::Null)),
        ("another key under a known kid", stranger.sign(&header(), &admin_claims())),
        (
            "another key that is embedded as jwk",
            stranger.sign(&with(header(), "jwk", stranger.public(KEY_ID)), &admin_claims()),
        ),
        (
            "another key that jku points to",
            headed(&stranger, "jku", json!("https://stranger.example/.well-known/jwks.json")),
        ),
        ("the signature of other claims", {
            let (header, _) = text.split_once('.').expect("two parts");
            format!("{header}.{other_claims}.{signature}")
        }),
        ("another issuer", signed("iss", json!("https://issuer.example/other-pool"))),
        ("an issuer that begins alike", signed("iss", json!("https://issuer.example/pool2"))),
        ("no issuer", signed("iss", Value::Null)),
        ("expired", signed("exp", json!(now() - 60))),
        ("no expiry", signed("exp", Value::Null)),
        ("an expiry that is no number", signed("exp", json!("never"))),
        ("not valid yet", signed("nbf", json!(now() + 60))),
        ("an ID token", {
            let claims = with(with(admin_claims(), "token_use", json!("id")), "aud", json!("the-shop"));
            issuer.key.sign(&header(), &claims)
        }),
        ("a refresh token", signed("token_use", json!("refresh"))),
        ("no use", signed("token_use", Value::Null)),
        ("another client", signed("client_id", json!("another-shop"))),
        ("the client as audience", {
            issuer.key.sign(&header(), &with(with(admin_claims(), "client_id", Value::Null), "aud", json!("the-shop")))
        }),
        ("no subject", signed("sub", Value::Null)),
        ("an empty subject", signed("sub", json!(""))),
        ("a subject that is no id", signed("sub", json!("' OR 1=1 --"))),
        ("groups that are no list", signed("cognito:groups", json!(ADMIN_GROUP))),
        ("claims that are no object", issuer.key.sign(&header(), &json!([1]))),
        ("a critical extension that nobody here knows", {
            issuer.key.sign(&with(with(header(), "crit", json!(["b64"])), "b64", json!(false)), &admin_claims())
        }),
        ("truncated", good[..good.len() - 1].to_owned()),
        ("garbage", "garbage".to_owned()),
        ("nothing", String::new()),
        ("two dots", "..".to_owned()),
        ("too long", signed("padding", json!("x".repeat(10_000)))),
    ];
    for (what, token) in refused {
        let answer = show(&tokens, &token).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.body);
        answer.problem(ProblemCode::Unauthorized);
        assert!(answer.headers.contains_key(WWW_AUTHENTICATE), "{what}");
    }
    for (what, token) in [
        ("no group", signed("cognito:groups", Value::Null)),
        ("another group", signed("cognito:groups", json!(["administrators", "Admin", "admin2"]))),
    ] {
        let answer = show(&tokens, &token).await;
        assert_eq!(answer.status, 403, "{what}: {}", answer.body);
        answer.problem(ProblemCode::Forbidden);
    }
    let accepted = [
        ("as it is issued", good.clone()),
        ("valid since a moment ago", signed("nbf", json!(now() - 1))),
        ("clocks that differ a little", signed("nbf", json!(now() + 3))),
        ("a member that nobody here knows", signed("device_key", json!("x"))),
        ("a jku that is not followed", headed(&issuer.key, "jku", json!("http://127.0.0.1:1/"))),
        ("a jwk that is not used", issuer.key.sign(&with(header(), "jwk", stranger.public("x")), &admin_claims())),
    ];
    for (what, token) in accepted {
        let answer = show(&tokens, &token).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.body);
        assert_accepted(&answer);
    }
}

#[tokio::test]
async fn a_token_counts_in_one_authorization_header_only() {
    let good = issuer().admin_token();
    let twice = Request::post("/api/products")
        .header(AUTHORIZATION, format!("Bearer {good}"))
        .header(AUTHORIZATION, format!("Bearer {good}"));
    send_to(app_trusting(AccessTokens::new(issuer().config())), twice, Body::empty())
        .await
        .problem(ProblemCode::Unauthorized);
    let scheme = Request::post("/api/products").header(AUTHORIZATION, format!("bEARER {good}"));
    send_to(app_trusting(AccessTokens::new(issuer().config())), scheme, Body::empty())
        .await
        .problem(ProblemCode::UnsupportedMediaType);
}

#[tokio::test]
async fn keys_are_fetched_once_and_garbage_does_not_fetch_them_again() {
    let issuer = Issuer::start().await;
    let tokens = AccessTokens::new(issuer.config());
    let good = issuer.admin_token();
    for n in 0..20 {
        assert_accepted(&show(&tokens, &good).await);
        let made_up = issuer.key.sign(&with(header(), "kid", json!(format!("made-up-{n}"))), &admin_claims());
        show(&tokens, &made_up).await.problem(ProblemCode::Unauthorized);
    }
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_and_a_withdrawn_one_ends() {
    let issuer = Issuer::start().await;
    let tokens = AccessTokens::new(TokenConfig { keys_interval: Duration::ZERO, ..issuer.config() });
    let old = issuer.admin_token();
    assert_accepted(&show(&tokens, &old).await);
    let key = SigningKey::generate();
    issuer.publish(vec![key.public("second")]);

    let new = key.sign(&with(header(), "kid", json!("second")), &admin_claims());

    assert_accepted(&show(&tokens, &new).await);
    show(&tokens, &old).await.problem(ProblemCode::Unauthorized);
}

#[tokio::test]
async fn known_keys_outlive_their_issuer() {
    let issuer = Issuer::start().await;
    let tokens = AccessTokens::new(TokenConfig { keys_interval: Duration::ZERO, ..issuer.config() });
    let good = issuer.admin_token();
    assert_accepted(&show(&tokens, &good).await);
    issuer.publish(Vec::new());

    let unknown = issuer.key.sign(&with(header(), "kid", json!("second")), &admin_claims());

    show(&tokens, &unknown).await.problem(ProblemCode::Unauthorized);
    assert!(issuer.requests() > 1, "the issuer was asked again");
    assert_accepted(&show(&tokens, &good).await);
}

#[tokio::test]
async fn without_any_key_it_cannot_be_told() {
    let issuer = Issuer::start().await;
    issuer.publish(Vec::new());
    let answer = show(&AccessTokens::new(issuer.config()), &issuer.admin_token()).await;
    answer.problem(ProblemCode::TemporarilyUnavailable);
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn only_rsa_keys_for_signatures_are_used() {
    let issuer = Issuer::start().await;
    let tokens = AccessTokens::new(issuer.config());
    let public = issuer.key.public(KEY_ID);
    issuer.publish(vec![
        json!({ "kty": "oct", "kid": "shared", "k": "c2VjcmV0" }),
        json!({ "kty": "from the future", "kid": "odd" }),
        with(with(public.clone(), "kid", json!("encryption")), "use", json!("enc")),
        public,
    ]);
    assert_accepted(&show(&tokens, &issuer.admin_token()).await);
    let encryption = issuer.key.sign(&with(header(), "kid", json!("encryption")), &admin_claims());
    show(&tokens, &encryption).await.problem(ProblemCode::Unauthorized);
}
