//! Which outside system a call goes to, and in which words each of them fails.

mod aws;
mod stripe;

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::call::Received;
use super::failure::Kind;
use super::rules::Moment;

/// An outside system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// Amazon `DynamoDB`.
    DynamoDb,
    /// The RDS Data API, and the database behind it.
    RdsData,
    /// Stripe.
    Stripe,
    /// Amazon SES.
    Ses,
    /// Amazon SNS.
    Sns,
    /// Amazon `EventBridge`.
    EventBridge,
}

impl System {
    /// Whose call it is.
    pub(super) fn of(call: &Received) -> Self {
        let target = call.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        match call.uri.path() {
            path if path.starts_with("/v1/") => Self::Stripe,
            path if path.starts_with("/v2/email/") => Self::Ses,
            _ if target.starts_with("DynamoDB_") => Self::DynamoDb,
            _ if target.starts_with("AWSEvents.") => Self::EventBridge,
            "/" => Self::Sns,
            _ => Self::RdsData,
        }
    }

    /// Why this system never fails like that, if it does not.
    pub const fn never(self, kind: Kind) -> Option<&'static str> {
        match (self, kind) {
            (Self::Ses | Self::Sns | Self::EventBridge, Kind::ConditionFailed) => Some("it takes no conditions"),
            (Self::Ses | Self::Sns | Self::EventBridge, Kind::Conflict) => Some("it has no transactions"),
            (Self::DynamoDb | Self::RdsData | Self::Stripe, Kind::ConditionFailed | Kind::Conflict)
            | (
                _,
                Kind::TimeOut
                | Kind::Reset
                | Kind::TooMany
                | Kind::ServerError
                | Kind::Unavailable
                | Kind::Refused
                | Kind::Malformed,
            ) => None,
        }
    }

    /// What this system answers to a call that fails like that; nothing if that is no answer, or none of its.
    pub(super) fn words(self, kind: Kind, moment: Moment, call: &Received) -> Option<Words> {
        match self {
            Self::DynamoDb => aws::dynamodb(kind, moment, call),
            Self::RdsData => aws::rds_data(kind, moment),
            Self::Ses => aws::ses(kind),
            Self::Sns => aws::sns(kind),
            Self::EventBridge => aws::event_bridge(kind),
            Self::Stripe => stripe::words(kind, moment, call),
        }
    }
}

/// An answer that says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: String,
}

impl IntoResponse for Words {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content = (header::CONTENT_TYPE.as_str(), "application/json");
        let headers = [content].into_iter().chain(self.headers);
        let headers = headers.map(|(name, value)| (HeaderName::from_static(name), value));
        let mut response = (status, self.body).into_response();
        for (name, value) in headers {
            response.headers_mut().insert(name, axum::http::HeaderValue::from_static(value));
        }
        response
    }
}
