//! What the router answers by itself, before it needs anything outside: whatever is wrong with a request is said as a
//! problem, and the document describes what is served. No server is reachable here.

mod accounts;
mod codec;
mod identity;
mod tokens;

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, Request, StatusCode, request};
use kassa_api::{
    AccessTokens, Browsers, Catalogue, CodecEndpoint, Cognito, CognitoConfig, LimitSettings, Limits, Metrics,
    PROBLEM_JSON, ProblemCode, ReturnOrigins, Services, Signer, TrustedProxies, WebhookSecrets, WorkflowConfig,
    Workflows, document, router,
};
use kassa_store::config::RDS_DATA_CALL;
use kassa_store::{
    Carts, Database, DynamoDb, DynamoDbConfig, EventLog, Notifications, Orders, PaymentValve, Products, RateLimits,
    RdsDataConfig, UserSettings, Users,
};
use serde_json::{Value, json};
use tower::ServiceExt;

use identity::issuer;

/// The API, with nothing behind it: no Temporal, no credentials, and ports that nobody listens on.
fn app() -> Router {
    app_trusting(AccessTokens::new(issuer().config()))
}

/// The same, with other access tokens.
fn app_trusting(tokens: AccessTokens) -> Router {
    app_over(tokens, None, Some(codec::for_admins()))
}

/// The same, with accounts at this address, and perhaps with the codec endpoint.
fn app_over(tokens: AccessTokens, accounts: Option<String>, codec: Option<CodecEndpoint>) -> Router {
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url("http://127.0.0.1:1")
        .build();
    let rds_data = RdsDataConfig {
        endpoint: None,
        resource_arn: "arn:aws:rds:eu-central-1:123456789012:cluster:kassa".to_owned(),
        secret_arn: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:kassa".to_owned(),
        database: "kassa".to_owned(),
        call_timeout: RDS_DATA_CALL,
    };
    let dynamodb = DynamoDb::connect(&aws, &DynamoDbConfig::default());
    let database = Database::connect(&aws, &rds_data);
    let workflows = WorkflowConfig {
        task_queue: "nobody-polls".to_owned(),
        answer_timeout: Duration::from_millis(100),
        policy: kassa_workflows::checkout::Policy::default(),
        web_ui: None,
        codec: kassa_codec::Codec::default(),
        reconciliation: kassa_workflows::reconciliation::ReconciliationPolicy::default(),
    };
    let signer = signer();
    let cognito = CognitoConfig {
        endpoint: accounts,
        user_pool_id: "eu-central-1_pool".to_owned(),
        client_id: identity::CLIENT_ID.to_owned(),
    };
    router(Services {
        tokens,
        cognito: Cognito::connect(&aws, &cognito),
        users: Users::new(dynamodb.clone()),
        limits: Limits::new(RateLimits::new(dynamodb.clone()), signer.clone(), LimitSettings::default()),
        proxies: TrustedProxies::default(),
        browsers: Browsers::default(),
        codec,
        signer,
        workflows: Workflows::new(None, workflows),
        return_origins: ReturnOrigins::parse("https://shop.example").expect("an origin"),
        webhook_secrets: WebhookSecrets::default(),
        products: Products::new(dynamodb.clone()),
        catalogue: Catalogue::new(Products::new(dynamodb.clone()), Duration::from_secs(1)),
        carts: Carts::new(dynamodb.clone()),
        orders: Orders::new(database.clone()),
        valve: PaymentValve::new(dynamodb.clone()),
        event_log: EventLog::new(dynamodb.clone()),
        notifications: Notifications::new(dynamodb.clone()),
        settings: UserSettings::new(dynamodb.clone()),
        dynamodb,
        database,
        metrics: Metrics::new().expect("valid names"),
    })
}

/// Signs what guests are handed.
fn signer() -> Signer {
    Signer::new("router-tests-signing-key-0123456789").expect("long enough")
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// Checks everything that every problem has, and gives its members.
    #[track_caller]
    fn problem(&self, code: ProblemCode) -> Value {
        let body = self.json();
        assert_eq!(body["code"], code.as_str(), "{body}");
        assert_eq!(self.status, code.status(), "{body}");
        assert_eq!(body["status"], code.status().as_u16(), "{body}");
        assert_eq!(body["title"], code.title(), "{body}");
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
        assert_eq!(self.headers[CONTENT_TYPE], PROBLEM_JSON);
        assert!(self.headers.contains_key("x-request-id"));
        body
    }

    /// Checks that the problem is about this field.
    #[track_caller]
    fn about(&self, code: ProblemCode, field: &str) {
        let body = self.problem(code);
        assert_eq!(body["errors"][0]["field"], field, "{body}");
        assert!(body["errors"][0]["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
    }
}

async fn send(request: request::Builder, body: impl Into<Body>) -> Answer {
    send_to(app(), request, body).await
}

async fn send_to(app: Router, request: request::Builder, body: impl Into<Body>) -> Answer {
    let request = request.body(body.into()).expect("a request");
    let response = app.oneshot(request).await.expect("the router never fails");
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 10_000_000).await.expect("a body");
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&bytes).into_owned() }
}

async fn get(path: &str) -> Answer {
    send(Request::get(path), Body::empty()).await
}

fn post(path: &str) -> request::Builder {
    Request::post(path).header(CONTENT_TYPE, "application/json").header("idempotency-key", "key-00001")
}

fn as_admin(request: request::Builder) -> request::Builder {
    request.header(AUTHORIZATION, format!("Bearer {}", issuer().admin_token()))
}

async fn check_out(body: &Value) -> Answer {
    send(post("/api/checkout"), body.to_string()).await
}

fn checkout() -> Value {
    json!({
        "items": [{"product_id": "prod_a", "quantity": 1}],
        "email": "customer@example.com",
        "payment_method": "pm_card_visa",
    })
}

/// A checkout with one value replaced; a pointer to a member that is not there adds it.
fn checkout_with(pointer: &str, value: Value) -> Value {
    let mut body = checkout();
    let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
    body.pointer_mut(parent).expect("a parent")[member] = value;
    body
}

#[tokio::test]
async fn every_field_of_a_checkout_is_checked() {
    let long_email = format!("{}@example.com", "a".repeat(250));
    for (pointer, value, field) in [
        ("/items", json!([]), "items"),
        ("/items", json!(null), "items"),
        ("/items", json!({}), "items"),
        ("/items/0/quantity", json!(0), "items[0].quantity"),
        ("/items/0/quantity", json!(-1), "items[0].quantity"),
        ("/items/0/quantity", json!(1.5), "items[0].quantity"),
        ("/items/0/quantity", json!(1000), "items[0].quantity"),
        ("/items/0/quantity", json!(u64::MAX), "items[0].quantity"),
        ("/items/0/quantity", json!("1"), "items[0].quantity"),
        ("/items/0/product_id", json!("ord_a"), "items[0].product_id"),
        ("/items/0/product_id", json!("prod_' OR 1=1"), "items[0].product_id"),
        ("/items/0/price", json!(1), "items[0].price"),
        ("/email", json!("nobody"), "email"),
        ("/email", json!(long_email), "email"),
        ("/email", json!("a@example.com\r\nBcc: b@example.com"), "email"),
        ("/payment_method", json!("4242424242424242"), "payment_method"),
        ("/payment_method", json!("pm_"), "payment_method"),
        ("/expected_total", json!({"amount": -1, "currency": "EUR"}), "expected_total.amount"),
        ("/expected_total", json!({"amount": 1, "currency": "eur"}), "expected_total.currency"),
        ("/expected_total", json!([1, "EUR"]), "expected_total"),
        ("/total", json!(1), "total"),
        ("/status", json!("CONFIRMED"), "status"),
    ] {
        check_out(&checkout_with(pointer, value)).await.about(ProblemCode::ValidationFailed, field);
    }
}

#[tokio::test]
async fn every_field_of_a_checkout_but_the_expected_total_is_required() {
    for field in ["items", "email", "payment_method"] {
        let mut body = checkout();
        body.as_object_mut().expect("an object").remove(field);
        check_out(&body).await.about(ProblemCode::ValidationFailed, field);
    }
}

#[tokio::test]
async fn items_are_bounded_and_distinct() {
    let item = |n: usize| json!({"product_id": format!("prod_{n}"), "quantity": 1});
    let many: Vec<_> = (0..100).map(item).collect();
    check_out(&checkout_with("/items", json!(many))).await.about(ProblemCode::ValidationFailed, "items");
    let twice = json!([item(1), item(2), item(1)]);
    check_out(&checkout_with("/items", twice)).await.about(ProblemCode::ValidationFailed, "items[2].product_id");
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_told_apart() {
    for text in ["", "{", "items=1", "{\"items\":[}"] {
        send(post("/api/checkout"), text).await.problem(ProblemCode::InvalidJson);
    }
    for size in [64 * 1024 + 1, 10_000_000] {
        send(post("/api/checkout"), vec![b' '; size]).await.problem(ProblemCode::BodyTooLarge);
    }
    let undeclared = Request::post("/api/checkout").header("idempotency-key", "key-00001");
    send(undeclared, checkout().to_string()).await.problem(ProblemCode::UnsupportedMediaType);
}

#[tokio::test]
async fn a_checkout_needs_one_idempotency_key() {
    let request = || Request::post("/api/checkout").header(CONTENT_TYPE, "application/json");
    let body = checkout().to_string();
    send(request(), body.clone()).await.problem(ProblemCode::IdempotencyKeyMissing);
    for key in ["", "short", "with a space"] {
        let request = request().header("idempotency-key", key);
        send(request, body.clone()).await.problem(ProblemCode::IdempotencyKeyInvalid);
    }
    let request = request().header("idempotency-key", "key-00001").header("idempotency-key", "key-00002");
    send(request, body).await.problem(ProblemCode::IdempotencyKeyInvalid);
}

#[tokio::test]
async fn administrative_calls_need_an_administrator_before_anything_else() {
    for path in ["/api/products", "/api/products/prod_a/stock"] {
        for credential in [None, Some("Bearer "), Some("Bearer made.up.token"), Some("Basic YTpi")] {
            let mut request = post(path);
            if let Some(credential) = credential {
                request = request.header(AUTHORIZATION, credential);
            }
            let answer = send(request, "no JSON").await;
            answer.problem(ProblemCode::Unauthorized);
            assert!(answer.headers.contains_key(WWW_AUTHENTICATE));
        }
        let customer = post(path).header(AUTHORIZATION, format!("Bearer {}", issuer().token()));
        send(customer, "no JSON").await.problem(ProblemCode::Forbidden);
        send(as_admin(post(path)), "no JSON").await.problem(ProblemCode::InvalidJson);
    }
}

#[tokio::test]
async fn every_field_of_a_product_is_checked() {
    let product = || json!({"name": "Tea", "price": {"amount": 250, "currency": "EUR"}});
    for (member, value, field) in [
        ("id", json!("tea"), "id"),
        ("name", json!("  "), "name"),
        ("name", json!("a\nb"), "name"),
        ("description", json!("x".repeat(10_001)), "description"),
        ("price", json!({"amount": 100_000_000, "currency": "EUR"}), "price.amount"),
        ("price", json!({"amount": 1, "currency": "XXY"}), "price.currency"),
        ("stock", json!(1), "stock"),
    ] {
        let mut body = product();
        body[member] = value;
        let answer = send(as_admin(post("/api/products")), body.to_string()).await;
        answer.about(ProblemCode::ValidationFailed, field);
    }
}

#[tokio::test]
async fn a_change_of_stock_is_a_bounded_number_but_not_zero() {
    for delta in [json!(0), json!(1_000_001), json!(-1_000_001), json!(0.5), json!("1"), json!(null)] {
        let body = json!({"delta": delta, "reason": "Delivery 4711"}).to_string();
        let answer = send(as_admin(post("/api/products/prod_a/stock")), body).await;
        answer.about(ProblemCode::ValidationFailed, "delta");
    }
}

#[tokio::test]
async fn a_change_of_stock_says_why() {
    for body in [
        json!({"delta": 1}),
        json!({"delta": 1, "reason": null}),
        json!({"delta": 1, "reason": " \n"}),
        json!({"delta": 1, "reason": "x".repeat(501)}),
        json!({"delta": 1, "reason": "a\u{0}b"}),
    ] {
        let answer = send(as_admin(post("/api/products/prod_a/stock")), body.to_string()).await;
        answer.about(ProblemCode::ValidationFailed, "reason");
    }
}

#[tokio::test]
async fn parameters_say_what_they_may_be() {
    for path in ["/api/products/ord_a", "/api/orders/prod_a", "/api/orders/x/timeline", "/api/orders/%FF"] {
        get(path).await.about(ProblemCode::InvalidParameter, "id");
    }
    for limit in ["0", "101", "-1", "ten"] {
        get(&format!("/api/products?limit={limit}")).await.about(ProblemCode::InvalidParameter, "limit");
    }
    get("/api/products?cursor=made-up").await.about(ProblemCode::InvalidParameter, "cursor");
    get("/api/products?page=2").await.problem(ProblemCode::InvalidParameter);
}

#[tokio::test]
async fn an_order_does_not_exist_for_whoever_shows_nothing_for_it() {
    for path in ["/api/orders/ord_a", "/api/orders/ord_a/timeline"] {
        get(path).await.problem(ProblemCode::OrderNotFound);
        for token in ["", "made-up", "\u{e4}"] {
            let request = Request::get(path).header("kassa-order-token", token);
            send(request, Body::empty()).await.problem(ProblemCode::OrderNotFound);
        }
        // Who may be let in makes the API look, and there is no database here.
        send(as_admin(Request::get(path)), Body::empty()).await.problem(ProblemCode::TemporarilyUnavailable);
        let unknown = Request::get(path).header(AUTHORIZATION, "Bearer made-up");
        send(unknown, Body::empty()).await.problem(ProblemCode::Unauthorized);
    }
}

#[tokio::test]
async fn what_does_not_exist_is_said_as_a_problem() {
    for path in ["/", "/api", "/api/nothing", "/api/products/prod_a/nothing", "/healthy"] {
        get(path).await.problem(ProblemCode::NotFound);
    }
    let answer = send(Request::delete("/api/products"), Body::empty()).await;
    answer.problem(ProblemCode::MethodNotAllowed);
    let allowed = answer.headers[ALLOW].to_str().expect("ASCII");
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
}

#[tokio::test]
async fn it_is_alive_but_not_ready_without_what_it_depends_on() {
    let health = get("/health").await;
    assert_eq!((health.status, health.json()), (StatusCode::OK, json!({"status": "up"})));
    let ready = get("/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    let down = json!({"status": "down", "temporal": "down", "dynamodb": "down", "database": "down"});
    assert_eq!(ready.json(), down);
}

#[tokio::test]
async fn a_harmless_request_id_is_given_back() {
    let answer = send(Request::get("/health").header("x-request-id", "abc-1"), Body::empty()).await;
    assert_eq!(answer.headers["x-request-id"], "abc-1");
}

#[tokio::test]
async fn every_documented_operation_is_served_and_names_its_codes() {
    let document = serde_json::to_value(document()).expect("serializes");
    let paths = document["paths"].as_object().expect("paths");
    for (path, operations) in paths {
        let id = if path.contains("/orders/") { "ord_a" } else { "prod_a" };
        for (method, operation) in operations.as_object().expect("operations") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let request =
                Request::builder().method(method.clone()).uri(path.replace("{id}", id).replace("{product_id}", id));
            let answer = send(request, Body::empty()).await;
            assert!(
                !answer.body.contains("\"not_found\"") && answer.status != StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path} is documented, but not served"
            );
            let status = answer.status.as_str();
            let described = operation["responses"][status]["description"].as_str().unwrap_or_default();
            assert!(!described.is_empty(), "{method} {path} answers {status}, which is not documented");
            if answer.headers.get(CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON) {
                let body = answer.json();
                let code = body["code"].as_str().expect("a code");
                assert!(described.contains(&format!("`{code}`")), "{method} {path} does not document {code}");
            }
        }
    }
    for path in ["/api/products", "/api/products/{id}", "/api/products/{id}/stock", "/api/checkout", "/api/orders/{id}"]
    {
        assert!(paths.contains_key(path), "{path} is not documented");
    }
}

#[tokio::test]
async fn the_document_and_its_page_are_served() {
    let served = get("/api/openapi.json").await;
    assert_eq!(served.json(), serde_json::to_value(document()).expect("serializes"));
    let page = get("/docs/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("swagger-ui"), "{}", page.body);
}

#[tokio::test]
async fn a_cart_that_was_not_handed_out_is_refused_by_every_route() {
    let forged = "cart_0123456789abcdef0123456789abcdef.AAAA";
    let item = json!({"product_id": "prod_a", "quantity": 1}).to_string();
    let quantity = json!({"quantity": 1}).to_string();
    let checkout = json!({"email": "customer@example.com", "payment_method": "pm_card_visa"}).to_string();
    for (method, path, body) in [
        (Method::GET, "/api/cart", String::new()),
        (Method::DELETE, "/api/cart", String::new()),
        (Method::POST, "/api/cart/items", item),
        (Method::PUT, "/api/cart/items/prod_a", quantity),
        (Method::DELETE, "/api/cart/items/prod_a", String::new()),
        (Method::POST, "/api/checkout", checkout),
    ] {
        let request = || post(path).method(method.clone());
        let answer = send(request().header("kassa-cart", forged), body.clone()).await;
        answer.problem(ProblemCode::CartTokenInvalid);
        assert!(answer.headers.contains_key(WWW_AUTHENTICATE), "{method} {path}");
        let cookie = format!("theme=dark; __Host-kassa-cart={forged}");
        let answer = send(request().header("cookie", cookie), body).await;
        answer.problem(ProblemCode::CartTokenInvalid);
        let forget = answer.headers["set-cookie"].to_str().expect("ASCII");
        assert!(forget.starts_with("__Host-kassa-cart=;") && forget.contains("Max-Age=0"), "{forget}");
    }
}

#[tokio::test]
async fn what_does_not_fit_into_a_cart_is_said_before_anything_is_asked() {
    for (body, field) in [
        (json!({"product_id": "prod_a", "quantity": 0}), "quantity"),
        (json!({"product_id": "prod_a", "quantity": 1000}), "quantity"),
        (json!({"product_id": "prod_a"}), "quantity"),
        (json!({"product_id": "tea", "quantity": 1}), "product_id"),
        (json!({"product_id": "prod_a", "quantity": 1, "price": 1}), "price"),
    ] {
        let answer = send(post("/api/cart/items"), body.to_string()).await;
        answer.about(ProblemCode::ValidationFailed, field);
    }
    let put = |path, body: Value| send(post(path).method(Method::PUT), body.to_string());
    put("/api/cart/items/prod_a", json!({"quantity": 0})).await.about(ProblemCode::ValidationFailed, "quantity");
    let total = json!({"quantity": 1, "total": 1});
    put("/api/cart/items/prod_a", total).await.about(ProblemCode::ValidationFailed, "total");
    put("/api/cart/items/tea", json!({"quantity": 1})).await.about(ProblemCode::InvalidParameter, "product_id");
}

#[tokio::test]
async fn a_guest_without_a_cart_has_an_empty_one() {
    let answer = get("/api/cart").await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({"items": []})));
    assert!(!answer.headers.contains_key("kassa-cart"));
}

#[tokio::test]
async fn merging_needs_an_account() {
    send(post("/api/cart/merge"), Body::empty()).await.problem(ProblemCode::Unauthorized);
}
