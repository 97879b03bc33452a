//! What the API makes of the answers of Amazon Cognito, each of which is given by a server that says what it is told to:
//! the real one can bring about more of them than any stand-in.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use kassa_api::{AccessTokens, ProblemCode, Purpose};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::identity::{SUBJECT, issuer};
use crate::{Answer, app_over, post, send_to, signer};

const EMAIL: &str = "ada.private@example.com";

/// A user pool that answers everything with one answer.
struct Pool {
    endpoint: String,
    script: Arc<Script>,
}

struct Script {
    answer: Mutex<(StatusCode, Value)>,
    /// The operations that were asked for.
    asked: Mutex<Vec<String>>,
}

impl Pool {
    async fn start() -> Self {
        let script =
            Arc::new(Script { answer: Mutex::new((StatusCode::OK, json!({}))), asked: Mutex::new(Vec::new()) });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let app = Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { endpoint, script }
    }

    /// Answers with this body from now on.
    fn answers(&self, body: Value) {
        *self.script.answer.lock().expect("nothing panics with the lock") = (StatusCode::OK, body);
    }

    /// Refuses everything for this reason from now on.
    fn refuses(&self, reason: &str, message: &str) {
        let body = json!({ "__type": reason, "message": message });
        *self.script.answer.lock().expect("nothing panics with the lock") = (StatusCode::BAD_REQUEST, body);
    }

    /// The operations that were asked for since the last call.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.script.asked.lock().expect("nothing panics with the lock"))
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        let app = app_over(AccessTokens::new(issuer().config()), Some(self.endpoint.clone()), None);
        send_to(app, post(&format!("/api/users/{path}")), body.to_string()).await
    }
}

async fn answer(State(script): State<Arc<Script>>, headers: HeaderMap) -> Response {
    let target = headers["x-amz-target"].to_str().expect("ASCII");
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    script.asked.lock().expect("nothing panics with the lock").push(operation);
    let (status, body) = script.answer.lock().expect("nothing panics with the lock").clone();
    (status, [("content-type", "application/x-amz-json-1.1")], body.to_string()).into_response()
}

/// Everything that a client sees of an answer, but for what is different every time.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-request-id")
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    headers.sort();
    (answer.status.as_u16(), headers, answer.body.clone())
}

#[tokio::test]
async fn whatever_only_an_account_can_bring_about_looks_as_if_there_was_none() {
    let pool = Pool::start().await;
    let register = json!({ "email": EMAIL, "password": "correct-horse-battery" });
    let confirm = json!({ "email": EMAIL, "code": "123456" });
    let address = json!({ "email": EMAIL });
    let reset = json!({ "email": EMAIL, "code": "123456", "password": "correct-horse-battery" });
    // None is an answer that everything went well. The first of each list is what comes of an unknown address.
    let codes: &[&str] = &["CodeDeliveryFailure", "InvalidParameter", "LimitExceeded", "NotAuthorized", "UserNotFound"];
    let wrong: &[&str] =
        &["CodeMismatch", "ExpiredCode", "LimitExceeded", "NotAuthorized", "TooManyFailedAttempts", "UserNotFound"];
    for (path, operation, body, goes_well, reasons) in [
        ("login", "InitiateAuth", &register, false, &["NotAuthorized", "UserNotFound", "UserNotConfirmed"][..]),
        // Reported whatever password was shown.
        ("login", "InitiateAuth", &register, false, &["NotAuthorized", "PasswordResetRequired"]),
        ("register", "SignUp", &register, true, &["UsernameExists", "AliasExists", "CodeDeliveryFailure"]),
        ("confirm", "ConfirmSignUp", &confirm, false, wrong),
        ("confirm", "ConfirmSignUp", &confirm, false, &["CodeMismatch", "AliasExists"]),
        ("resend-code", "ResendConfirmationCode", &address, true, codes),
        ("forgotten-password", "ForgotPassword", &address, true, codes),
        ("reset-password", "ConfirmForgotPassword", &reset, false, wrong),
        ("reset-password", "ConfirmForgotPassword", &reset, false, &["CodeMismatch", "UserNotConfirmed"]),
    ] {
        let mut answers = Vec::new();
        if goes_well {
            pool.answers(json!({}));
            answers.push(pool.post(path, body).await);
        }
        for reason in reasons {
            pool.refuses(&format!("{reason}Exception"), &format!("About {EMAIL}, in words of Cognito."));
            answers.push(pool.post(path, body).await);
        }
        for (place, answer) in answers.iter().enumerate() {
            assert_eq!(seen(answer), seen(&answers[0]), "{path}: {place} of {reasons:?}");
            assert!(!answer.body.contains(EMAIL) && !answer.body.contains("words of Cognito"), "{}", answer.body);
        }
        // As much work for an account as for an unknown one.
        assert_eq!(pool.asked(), vec![operation; answers.len()], "{path}");
    }
}

#[tokio::test]
async fn what_a_password_lacks_is_said_in_the_words_of_the_pool() {
    let pool = Pool::start().await;
    for (path, body) in [
        ("register", json!({ "email": EMAIL, "password": "correct-horse-battery" })),
        ("reset-password", json!({ "email": EMAIL, "code": "123456", "password": "correct-horse-battery" })),
    ] {
        for (reason, message, told) in [
            (
                "InvalidPasswordException",
                "Password did not conform with policy: Password must have uppercase characters",
                "Password must have uppercase characters",
            ),
            ("InvalidPasswordException", "Password not long enough", "Password not long enough"),
            (
                "PasswordHistoryPolicyViolationException",
                "Password has previously been used.",
                "Password has previously been used.",
            ),
        ] {
            pool.refuses(reason, message);
            let answer = pool.post(path, &body).await;
            answer.about(ProblemCode::ValidationFailed, "password");
            assert_eq!(answer.json()["errors"][0]["detail"], told, "{path}");
        }
    }
}

#[tokio::test]
async fn a_right_password_that_does_not_suffice_is_told_as_such() {
    let pool = Pool::start().await;
    let login = json!({ "email": EMAIL, "password": "correct-horse-battery" });
    for (challenge, code) in [
        ("NEW_PASSWORD_REQUIRED", ProblemCode::PasswordExpired),
        ("SOFTWARE_TOKEN_MFA", ProblemCode::Forbidden),
        ("FROM_THE_FUTURE", ProblemCode::Forbidden),
    ] {
        pool.answers(json!({ "ChallengeName": challenge, "Session": "session" }));
        pool.post("login", &login).await.problem(code);
    }
}

#[tokio::test]
async fn a_pool_that_is_busy_or_set_up_wrong_tells_nothing_of_itself() {
    let pool = Pool::start().await;
    let login = json!({ "email": EMAIL, "password": "correct-horse-battery" });
    for (reason, code) in [
        ("TooManyRequestsException", ProblemCode::TemporarilyUnavailable),
        ("ResourceNotFoundException", ProblemCode::InternalError),
    ] {
        pool.refuses(reason, &format!("About {EMAIL}, in words of Cognito."));
        let answer = pool.post("login", &login).await;
        answer.problem(code);
        assert!(!answer.body.contains(EMAIL) && !answer.body.contains("Cognito."), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_cart_that_cannot_be_moved_now_keeps_nobody_from_signing_in() {
    let pool = Pool::start().await;
    pool.answers(json!({
        "AuthenticationResult": { "AccessToken": "a.b.c", "RefreshToken": "d.e.f", "ExpiresIn": 3600 },
        "Username": SUBJECT,
        "UserAttributes": [{ "Name": "sub", "Value": SUBJECT }, { "Name": "email", "Value": EMAIL }],
    }));
    let cart = "cart_0123456789abcdef0123456789abcdef";
    let token = format!("{cart}.{}", signer().sign(Purpose::GuestCart, cart));
    let login = json!({ "email": EMAIL, "password": "correct-horse-battery" }).to_string();
    let app = || app_over(AccessTokens::new(issuer().config()), Some(pool.endpoint.clone()), None);

    // There is no database here.
    let read = Request::get("/api/cart").header("kassa-cart", &token);
    send_to(app(), read, Body::empty()).await.problem(ProblemCode::TemporarilyUnavailable);
    let answer = send_to(app(), post("/api/users/login").header("kassa-cart", &token), login).await;

    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.json()["access_token"], "a.b.c");
    assert!(answer.json().get("cart").is_none() && !answer.headers.contains_key("set-cookie"), "{}", answer.body);
}
