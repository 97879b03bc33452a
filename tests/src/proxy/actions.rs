//! Calls of AWS services as the actions that IAM knows.

use std::collections::BTreeSet;

use serde_json::Value;

use super::call::Received;
use super::system::System;

/// The actions of Cognito that IAM does not control: anybody may call them, with a token or without.
const OPEN_TO_EVERYBODY: [&str; 10] = [
    "ChangePassword",
    "ConfirmForgotPassword",
    "ConfirmSignUp",
    "ForgotPassword",
    "GetUser",
    "GlobalSignOut",
    "InitiateAuth",
    "ResendConfirmationCode",
    "RevokeToken",
    "SignUp",
];

/// Returns the actions that a call needs to be allowed, such as `dynamodb:GetItem on products`.
pub(super) fn of(call: &Received) -> BTreeSet<String> {
    let target = call.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    match System::of(call) {
        _ if target.starts_with("AWSCognitoIdentityProviderService.") => {
            let controlled = !OPEN_TO_EVERYBODY.contains(&operation);
            controlled.then(|| format!("cognito-idp:{operation}")).into_iter().collect()
        }
        System::DynamoDb => dynamodb(operation, &body),
        System::RdsData => data_api(call.uri.path()).map(|action| format!("rds-data:{action}")).into_iter().collect(),
        System::Ses => BTreeSet::from(["ses:SendEmail".to_owned()]),
        System::Sns => BTreeSet::from(["sns:Publish".to_owned()]),
        System::EventBridge => BTreeSet::from([format!("events:{operation}")]),
        System::Stripe => BTreeSet::new(),
    }
}

/// A transaction needs the actions of its parts. An index is a resource of its own.
fn dynamodb(operation: &str, body: &Value) -> BTreeSet<String> {
    let on = |action: &str, table: &Value| format!("dynamodb:{action} on {}", table.as_str().unwrap_or_default());
    let parts = body["TransactItems"].as_array().into_iter().flatten();
    match operation {
        "TransactWriteItems" | "TransactGetItems" => parts
            .flat_map(|part| part.as_object().into_iter().flatten())
            .map(|(kind, part)| {
                let action =
                    if kind == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { format!("{kind}Item") };
                on(&action, &part["TableName"])
            })
            .collect(),
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            tables.map(|(table, _)| format!("dynamodb:{operation} on {table}")).collect()
        }
        _ => {
            let index = body["IndexName"].as_str().map(|index| format!("/index/{index}")).unwrap_or_default();
            BTreeSet::from([on(operation, &body["TableName"]) + &index])
        }
    }
}

fn data_api(path: &str) -> Option<&'static str> {
    match path {
        "/Execute" => Some("ExecuteStatement"),
        "/BatchExecute" => Some("BatchExecuteStatement"),
        "/BeginTransaction" => Some("BeginTransaction"),
        "/CommitTransaction" => Some("CommitTransaction"),
        "/RollbackTransaction" => Some("RollbackTransaction"),
        _ => None,
    }
}
