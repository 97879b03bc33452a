//! Request bodies: what is accepted is JSON and means the same however it is spelt; what is not is told by a problem that names
//! the field.

use std::fmt::Debug;

use axum::body::to_bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse as _;
use futures::executor::block_on;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::extract::{MAX_BODY, parse};
use crate::problem::{PROBLEM_JSON, Problem};
use crate::routes::cart::{AddItem, SetItem};
use crate::routes::notifications::settings::SettingsBody;
use crate::routes::notifications::write::WriteEmail;
use crate::routes::orders::another_card::PayOrder;
use crate::routes::orders::status::PutStatus;
use crate::routes::payments::refund::CreateRefund;
use crate::routes::payments::valve::PutValve;
use crate::routes::products::body::ProductInput;
use crate::routes::products::create::CreateProduct;
use crate::routes::products::stock::ChangeStock;
use crate::routes::reconciliations::CreateReconciliation;
use crate::routes::users::passwords::ResetPassword;
use crate::routes::users::profiles::UpdateProfile;
use crate::routes::users::sessions::{Login, Refresh};
use crate::routes::users::sign_up::{Address, Confirm, Register};
use crate::routes::{cancel::CancelOrder, checkout::CreateCheckout};

/// What is done with an input.
type Check = fn(&[u8]);

/// Every body that the API takes: a letter that names it in inputs, its name in the document, and its check.
const BODIES: [(u8, &str, Check); 21] = [
    (b'a', "CreateCheckout", check::<CreateCheckout>),
    (b'b', "AddItem", check::<AddItem>),
    (b'c', "SetItem", check::<SetItem>),
    (b'd', "PayOrder", check::<PayOrder>),
    (b'e', "CancelOrder", check::<CancelOrder>),
    (b'f', "PutStatus", check::<PutStatus>),
    (b'g', "CreateRefund", check::<CreateRefund>),
    (b'h', "PutValve", check::<PutValve>),
    (b'i', "CreateProduct", check::<CreateProduct>),
    (b'j', "ProductInput", check::<ProductInput>),
    (b'k', "ChangeStock", check::<ChangeStock>),
    (b'l', "CreateReconciliation", check::<CreateReconciliation>),
    (b'm', "Register", check::<Register>),
    (b'n', "Confirm", check::<Confirm>),
    (b'o', "Address", check::<Address>),
    (b'p', "Login", check::<Login>),
    (b'q', "Refresh", check::<Refresh>),
    (b'r', "ResetPassword", check::<ResetPassword>),
    (b's', "UpdateProfile", check::<UpdateProfile>),
    (b't', "WriteEmail", check::<WriteEmail>),
    (b'u', "NotificationSettings", check::<SettingsBody>),
];

/// What an error must not repeat.
const SECRETS: [&str; 2] = ["payment_method", "password"];

/// Checks what becomes of a body; its first byte says of which operation.
pub fn request_body(data: &[u8]) {
    let Some((letter, body)) = data.split_first() else { return };
    let check = BODIES.iter().find(|(known, ..)| known == letter);
    if let Some((_, _, check)) = check.filter(|_| body.len() <= MAX_BODY) {
        check(body);
    }
}

fn check<T: DeserializeOwned + Debug>(body: &[u8]) {
    let json = serde_json::from_slice::<Value>(body).ok();
    let accepted = match parse::<T>(body) {
        Ok(accepted) => accepted,
        Err(problem) => return check_problem(problem, json.as_ref()),
    };
    let Some(Value::Object(members)) = json else { panic!("what is accepted is a JSON object") };
    let accepted = format!("{accepted:?}");
    // Members in another order, other white space, other escapes.
    let json = Value::Object(members.clone());
    for spelt in [json.to_string(), format!(" {json:#}\n")] {
        let again = parse::<T>(spelt.as_bytes()).map(|again| format!("{again:?}"));
        assert_eq!(again.ok().as_ref(), Some(&accepted), "the same, spelt otherwise");
    }
    refuses_unknown_members::<T>(members);
}

/// No member is taken that the operation does not know, such as a price or an owner.
fn refuses_unknown_members<T: DeserializeOwned + Debug>(mut members: Map<String, Value>) {
    members.insert("not_known".to_owned(), Value::Null);
    let body = Value::Object(members);
    let problem = parse::<T>(body.to_string().as_bytes()).expect_err("a member that is not known");
    assert_eq!(told(problem)["errors"][0]["field"], "not_known");
}

/// Checks that a client can learn from the problem what was wrong.
fn check_problem(problem: Problem, json: Option<&Value>) {
    let told = told(problem);
    let detail = told["detail"].as_str().expect("a detail");
    assert!(!detail.is_empty());
    match told["code"].as_str() {
        Some("invalid_json") => assert!(json.is_none(), "it is JSON: {told}"),
        Some("validation_failed") => {
            let error = &told["errors"][0];
            let field = error["field"].as_str().expect("the field is named");
            assert!(!error["detail"].as_str().expect("what is allowed").is_empty());
            if let Some(Value::Object(members)) = json {
                let is_there = members.keys().any(|member| field.starts_with(member.as_str()));
                let is_missing = error["detail"].as_str().is_some_and(|detail| detail.starts_with("missing field"));
                assert!(is_there || is_missing, "no field of the body: {told}");
                // Short ones may be part of the words that say what is allowed.
                let secret =
                    |name: &&str| members.get(*name)?.as_str().filter(|text| text.len() > 16 && field == *name);
                let is_repeated = |secret: &str| told.to_string().contains(secret);
                assert!(!SECRETS.iter().filter_map(secret).any(is_repeated), "a secret: {told}");
            }
        }
        code => panic!("another problem: {code:?}"),
    }
}

/// The problem as the client gets it.
fn told(problem: Problem) -> Value {
    let response = problem.into_response();
    let status = response.status();
    assert!(matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY), "{status}");
    assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
    let body = block_on(to_bytes(response.into_body(), usize::MAX)).expect("a body at hand");
    let told: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(told["status"], status.as_u16());
    told
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_body_that_was_ever_of_interest_is_accepted_or_refused_as_it_should_be() {
        super::super::replay("request_body", request_body);
    }

    #[test]
    fn every_body_of_the_document_is_tried() {
        let document = serde_json::to_value(crate::document()).expect("serializes");
        let operations = document["paths"].as_object().expect("paths").values();
        let operations = operations.flat_map(|path| path.as_object().expect("operations").values());
        let schema = |operation: &Value| {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            schema.as_str()?.rsplit('/').next().map(str::to_owned)
        };
        let documented: BTreeSet<_> = operations.filter_map(schema).collect();
        let tried: BTreeSet<_> = BODIES.iter().map(|(_, name, _)| (*name).to_owned()).collect();
        assert_eq!(documented, tried);
    }
}
