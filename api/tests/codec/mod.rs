//! The codec endpoint: what Temporal's web UI asks for, who is answered, and what browsers are told.

use axum::Router;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, ORIGIN,
};
use axum::http::{HeaderValue, Method, Request, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kassa_api::{AccessTokens, CodecAccess, CodecEndpoint, ProblemCode};
use kassa_codec::{Codec, PayloadKeys};
use serde_json::{Value, json};

use crate::identity::{ADMIN_GROUP, claims, header, issuer, with};
use crate::{Answer, app, app_over, send_to};

const UI: &str = "https://temporal.example";

/// The app client that the web UI signs operators in with.
const UI_CLIENT: &str = "the-web-ui";

const ENCODE: &str = "/api/codec/encode";
const DECODE: &str = "/api/codec/decode";

fn codec(id: &str) -> Codec {
    let keys = format!("{id}:{}", BASE64_STANDARD.encode([7; 32]));
    Codec::new(Some(PayloadKeys::parse(&keys).expect("valid keys")))
}

fn endpoint(access: CodecAccess) -> CodecEndpoint {
    CodecEndpoint { codec: codec("2026-11"), access, origins: vec![HeaderValue::from_static(UI)] }
}

/// The endpoint as it is in production.
pub(crate) fn for_admins() -> CodecEndpoint {
    endpoint(CodecAccess::Administrators { client_id: Some(UI_CLIENT.to_owned()) })
}

fn serving(endpoint: Option<CodecEndpoint>) -> Router {
    app_over(AccessTokens::new(issuer().config()), None, endpoint)
}

async fn post(app: Router, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let request = Request::post(path).header("content-type", "application/json").header("x-namespace", "default");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    send_to(app, request, body.to_string()).await
}

async fn as_admin(path: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {}", issuer().admin_token());
    post(app(), path, &[(AUTHORIZATION.as_str(), &bearer)], body).await
}

fn plain(text: &str) -> Value {
    json!({ "metadata": { "encoding": BASE64_STANDARD.encode("json/plain") }, "data": BASE64_STANDARD.encode(text) })
}

#[tokio::test]
async fn what_is_encrypted_for_the_ui_is_opened_for_it() {
    let payloads = json!({ "payloads": [plain(r#"{"email":"anna@example.com"}"#), plain("2")] });
    let sealed = as_admin(ENCODE, &payloads).await;
    assert_eq!(sealed.status, StatusCode::OK, "{}", sealed.body);
    let sealed = sealed.json();
    assert_eq!(sealed["payloads"][0]["metadata"]["encoding"], BASE64_STANDARD.encode("binary/encrypted"));
    assert_eq!(sealed["payloads"][0]["metadata"]["encryption-key-id"], BASE64_STANDARD.encode("2026-11"));
    assert!(!sealed.to_string().contains(payloads["payloads"][0]["data"].as_str().expect("a text")));

    let opened = as_admin(DECODE, &sealed).await;
    assert_eq!((opened.status, opened.json()), (StatusCode::OK, payloads.clone()));
    let again = as_admin(DECODE, &payloads).await;
    assert_eq!((again.status, again.json()), (StatusCode::OK, payloads), "what is not encrypted comes back as it is");
}

#[tokio::test]
async fn a_payload_of_an_unknown_key_is_refused_by_name() {
    let sealed = codec("2019-01").seal(temporalio_common::protos::temporal::api::common::v1::Payload::default());
    let metadata = sealed.metadata.iter().map(|(name, value)| (name.clone(), json!(BASE64_STANDARD.encode(value))));
    let metadata = Value::Object(metadata.collect());
    let payload = json!({ "metadata": metadata, "data": BASE64_STANDARD.encode(&sealed.data) });
    let answer = as_admin(DECODE, &json!({ "payloads": [plain("1"), payload] })).await;
    answer.about(ProblemCode::ValidationFailed, "payloads[1]");
    assert!(answer.body.contains("2019-01"), "{}", answer.body);
}

#[tokio::test]
async fn what_is_no_list_of_payloads_is_refused() {
    for (body, field) in [
        (json!([]), ""),
        (json!({ "payloads": {} }), "payloads"),
        (json!({ "payloads": [7] }), "payloads[0]"),
        (json!({ "payloads": [{ "data": "not base64!" }] }), "payloads[0]"),
        (json!({ "payloads": [{ "metadata": { "encoding": "%" } }] }), "payloads[0]"),
    ] {
        as_admin(DECODE, &body).await.about(ProblemCode::ValidationFailed, field);
    }
}

#[tokio::test]
async fn what_is_empty_may_be_left_out() {
    // The command line of Temporal asks for nothing at times, and protobuf's JSON leaves empty things out.
    for body in [json!({}), json!({ "payloads": null }), json!({ "payloads": [] })] {
        let answer = as_admin(DECODE, &body).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "payloads": [] })), "{body}");
    }
    let answer = as_admin(DECODE, &json!({ "payloads": [{}, { "metadata": null, "data": null }] })).await;
    let empty = json!({ "metadata": {}, "data": "" });
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "payloads": [empty, empty] })));
}

#[tokio::test]
async fn only_administrators_are_answered() {
    let body = json!({ "payloads": [] });
    let token = |claims| format!("Bearer {}", issuer().key.sign(&header(), &claims));
    let admin = with(claims(), "cognito:groups", json!([ADMIN_GROUP]));
    let of_client = |client: &str| token(with(admin.clone(), "client_id", json!(client)));
    for path in [ENCODE, DECODE] {
        post(app(), path, &[], &body).await.problem(ProblemCode::Unauthorized);
        let customer = format!("Bearer {}", issuer().token());
        post(app(), path, &[("authorization", &customer)], &body).await.problem(ProblemCode::Forbidden);
        let other = of_client("somebody-elses-client");
        post(app(), path, &[("authorization", &other)], &body).await.problem(ProblemCode::Unauthorized);
        let from_ui = of_client(UI_CLIENT);
        let answer = post(app(), path, &[("authorization", &from_ui)], &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
    // What is good enough for the codec is not for anything else.
    let from_ui = of_client(UI_CLIENT);
    let answer = post(app(), "/api/products", &[("authorization", &from_ui)], &body).await;
    answer.problem(ProblemCode::Unauthorized);
}

#[tokio::test]
async fn on_one_machine_only_its_own_ui_is_answered() {
    let local = || serving(Some(endpoint(CodecAccess::ThisMachine)));
    let body = json!({ "payloads": [plain("1")] });
    for headers in [&[][..], &[("origin", UI)]] {
        let answer = post(local(), DECODE, headers, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
    for headers in [&[("origin", "https://evil.example")][..], &[("x-forwarded-for", "192.0.2.1")]] {
        post(local(), DECODE, headers, &body).await.problem(ProblemCode::Forbidden);
    }
}

#[tokio::test]
async fn it_is_not_there_unless_it_is_switched_on() {
    post(serving(None), DECODE, &[], &json!({ "payloads": [] })).await.problem(ProblemCode::NotFound);
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    send_to(app(), Request::get(DECODE), "").await.problem(ProblemCode::MethodNotAllowed);
}

#[tokio::test]
async fn browsers_are_told_that_the_ui_may_ask_and_nobody_else() {
    let preflight = async |origin: &str| {
        let request = Request::builder()
            .method(Method::OPTIONS)
            .uri(DECODE)
            .header(ORIGIN, origin)
            .header(ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type,x-namespace");
        send_to(app(), request, "").await
    };
    let answer = preflight(UI).await;
    assert_eq!(answer.headers[ACCESS_CONTROL_ALLOW_ORIGIN], UI);
    assert_eq!(answer.headers[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    assert_eq!(answer.headers[ACCESS_CONTROL_ALLOW_HEADERS], "authorization,content-type,x-namespace");
    let answer = preflight("https://evil.example").await;
    assert!(!answer.headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));

    let refused = post(app(), DECODE, &[("origin", UI)], &json!({ "payloads": [] })).await;
    refused.problem(ProblemCode::Unauthorized);
    assert_eq!(refused.headers[ACCESS_CONTROL_ALLOW_ORIGIN], UI, "or the UI could not say what is wrong");
}
