//! How the services of AWS word their failures: an exception in a header and in the body, or in XML.

use serde_json::{Value, json};

use super::super::call::Received;
use super::super::failure::Kind;
use super::super::rules::Moment;
use super::Words;

/// An exception of a service that speaks JSON.
fn exception(status: u16, name: &'static str, message: &str) -> Words {
    with_body(status, name, &json!({ "__type": name, "message": message }))
}

fn with_body(status: u16, name: &'static str, body: &Value) -> Words {
    Words { status, headers: vec![("x-amzn-errortype", name)], body: body.to_string() }
}

/// Amazon `DynamoDB` developer guide, "Error handling with `DynamoDB`": what is throttled is told with a 400.
pub(super) fn dynamodb(kind: Kind, moment: Moment, call: &Received) -> Option<Words> {
    Some(match kind {
        Kind::TimeOut | Kind::Reset | Kind::Malformed => return None,
        Kind::TooMany => exception(400, "ThrottlingException", "Rate of requests exceeds the allowed throughput."),
        Kind::ServerError => exception(500, "InternalServerError", "Internal server error"),
        Kind::Unavailable => exception(503, "ServiceUnavailable", "Service is temporarily unavailable."),
        Kind::Refused => exception(400, "ValidationException", "One or more parameter values were invalid"),
        Kind::ConditionFailed => match writes(call) {
            Some(writes) => cancelled(writes, |write| {
                // The first write of each of our transactions is the guard.
                if write == 0 { ("ConditionalCheckFailed", "The conditional request failed") } else { ("None", "") }
            }),
            None => exception(400, "ConditionalCheckFailedException", "The conditional request failed"),
        },
        Kind::Conflict => match (writes(call), moment) {
            (Some(writes), Moment::BeforeEffect) => {
                cancelled(writes, |_| ("TransactionConflict", "Transaction is ongoing for the item"))
            }
            // A cancelled transaction has had no effect; one that still runs may have.
            (Some(_), Moment::AfterEffect) => {
                exception(400, "TransactionInProgressException", "The transaction is in progress")
            }
            (None, _) => exception(400, "TransactionConflictException", "Transaction is ongoing for the item"),
        },
    })
}

/// How many writes a transaction consists of, if the call is one.
fn writes(call: &Received) -> Option<usize> {
    let body: Value = serde_json::from_slice(&call.body).ok()?;
    Some(body.get("TransactItems")?.as_array()?.len())
}

fn cancelled(writes: usize, reason: impl Fn(usize) -> (&'static str, &'static str)) -> Words {
    let reasons: Vec<_> = (0..writes)
        .map(&reason)
        .map(|(code, message)| match message {
            "" => json!({ "Code": code }),
            message => json!({ "Code": code, "Message": message }),
        })
        .collect();
    let name = "TransactionCanceledException";
    let body = json!({
        "__type": format!("com.amazonaws.dynamodb.v20120810#{name}"),
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
        "CancellationReasons": reasons,
    });
    with_body(400, name, &body)
}

/// RDS Data API reference, "`ExecuteStatement`": what the database says ends in its SQLSTATE.
pub(super) fn rds_data(kind: Kind, moment: Moment) -> Option<Words> {
    Some(match (kind, moment) {
        (Kind::TimeOut | Kind::Reset | Kind::Malformed, _) => return None,
        (Kind::TooMany, _) => exception(400, "ThrottlingException", "Rate exceeded"),
        (Kind::ServerError, _) => exception(500, "InternalServerErrorException", "An internal error occurred"),
        (Kind::Unavailable, _) => exception(503, "ServiceUnavailableError", "The service is not available"),
        (Kind::Refused, _) => exception(400, "BadRequestException", "The statement is not valid"),
        (Kind::ConditionFailed, _) => database("new row violates check constraint", "23514"),
        (Kind::Conflict, Moment::BeforeEffect) => {
            database("could not serialize access due to concurrent update", "40001")
        }
        (Kind::Conflict, Moment::AfterEffect) => database("deadlock detected", "40P01"),
    })
}

fn database(message: &str, sql_state: &str) -> Words {
    exception(400, "DatabaseErrorException", &format!("ERROR: {message}; SQLState: {sql_state}"))
}

/// Amazon SES API v2 reference, "`SendEmail`".
pub(super) fn ses(kind: Kind) -> Option<Words> {
    Some(match kind {
        Kind::TimeOut | Kind::Reset | Kind::Malformed | Kind::ConditionFailed | Kind::Conflict => return None,
        Kind::TooMany => exception(429, "TooManyRequestsException", "Maximum sending rate exceeded."),
        Kind::ServerError => exception(500, "InternalServiceErrorException", "Internal error"),
        Kind::Unavailable => exception(503, "ServiceUnavailable", "Service unavailable"),
        Kind::Refused => exception(400, "MessageRejected", "The recipient is on the suppression list."),
    })
}

/// Amazon `EventBridge` API reference, "`PutEvents`" and "Common errors".
pub(super) fn event_bridge(kind: Kind) -> Option<Words> {
    Some(match kind {
        Kind::TimeOut | Kind::Reset | Kind::Malformed | Kind::ConditionFailed | Kind::Conflict => return None,
        Kind::TooMany => exception(400, "ThrottlingException", "Rate exceeded"),
        Kind::ServerError => exception(500, "InternalException", "Internal error"),
        Kind::Unavailable => exception(503, "ServiceUnavailable", "Service unavailable"),
        Kind::Refused => exception(400, "ValidationException", "1 validation error detected"),
    })
}

/// Amazon SNS API reference, "Publish" and "Common errors".
pub(super) fn sns(kind: Kind) -> Option<Words> {
    let (status, code) = match kind {
        Kind::TimeOut | Kind::Reset | Kind::Malformed | Kind::ConditionFailed | Kind::Conflict => return None,
        Kind::TooMany => (429, "Throttled"),
        Kind::ServerError => (500, "InternalError"),
        Kind::Unavailable => (503, "ServiceUnavailable"),
        Kind::Refused => (400, "InvalidParameter"),
    };
    let fault = if status < 500 { "Sender" } else { "Receiver" };
    let body = format!(
        "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>{fault}</Type>\
         <Code>{code}</Code><Message>no</Message></Error><RequestId>0</RequestId></ErrorResponse>"
    );
    Some(Words { status, headers: vec![("content-type", "text/xml")], body })
}
