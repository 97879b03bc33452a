//! What was sent.

use axum::Json as JsonBody;
use axum::extract::State;
use kassa_domain::{OrderId, UserId};
use kassa_store::Notifications;
use kassa_store::notifications::{Channel, Cursor, Filter, Notification, Page, Status};
use serde::{Deserialize, Serialize};
use time::macros::format_description;
use time::{Date, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};

use crate::auth::{Admin, SignedIn};
use crate::extract::{QueryParameters, page_size};
use crate::problem::Problem;

/// A message that was sent, or is about to be. It holds neither its text nor where it went to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notification, example = json!({
    "message_id": "msg_1f0c-confirmed", "channel": "email", "template": "order_confirmed", "customer_id": "usr_1f0c",
    "order_id": "ord_1f0c", "status": "SENT", "provider_id": "0107018f-5c2a", "created_at": "2026-11-21T08:15:00Z",
    "updated_at": "2026-11-21T08:15:01Z"
}))]
pub(crate) struct NotificationBody {
    /// The message.
    message_id: String,
    /// The way that it takes.
    channel: ChannelBody,
    /// What it says.
    template: String,
    /// Who it is for: an account, or a guest by a hash of the address.
    customer_id: String,
    /// The order it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    order_id: Option<String>,
    /// Where it is.
    status: NotificationStatus,
    /// The identifier that the mail or message service gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    provider_id: Option<String>,
    /// When it was first about to be sent (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    created_at: OffsetDateTime,
    /// When its status changed last (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    updated_at: OffsetDateTime,
}

/// The way that a message takes.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = NotificationChannel)]
pub(crate) enum ChannelBody {
    /// Mail.
    Email,
    /// A short message to a phone.
    Sms,
}

/// Where a message is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum NotificationStatus {
    /// About to be handed over; that it was cannot be ruled out.
    Sending,
    /// The service has taken it.
    Sent,
    /// The service refused it for good.
    Refused,
}

impl From<Notification> for NotificationBody {
    fn from(notification: Notification) -> Self {
        Self {
            message_id: notification.message_id.into(),
            channel: match notification.channel {
                Channel::Email => ChannelBody::Email,
                Channel::Sms => ChannelBody::Sms,
            },
            template: notification.template,
            customer_id: notification.customer.as_str().to_owned(),
            order_id: notification.order_id.map(Into::into),
            status: match notification.status {
                Status::Sending => NotificationStatus::Sending,
                Status::Sent => NotificationStatus::Sent,
                Status::Refused => NotificationStatus::Refused,
            },
            provider_id: notification.provider_id,
            created_at: notification.created_at,
            updated_at: notification.updated_at,
        }
    }
}

/// Some messages, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NotificationPage {
    /// The messages.
    items: Vec<NotificationBody>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    next: Option<String>,
}

impl From<Page> for NotificationPage {
    fn from(page: Page) -> Self {
        Self {
            items: page.notifications.into_iter().map(NotificationBody::from).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
        }
    }
}

/// Which messages. Texts, so that what is wrong with them is said in the words of this API.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListNotifications {
    /// Those to an account.
    #[param(pattern = "^usr_[a-z0-9_-]{1,64}$")]
    user_id: Option<String>,
    /// Those about an order.
    #[param(pattern = "^ord_[a-z0-9_-]{1,64}$")]
    order_id: Option<String>,
    /// Those of a day in UTC; today if nothing else is asked for.
    #[param(format = "date", example = "2026-11-21")]
    day: Option<String>,
    /// The most messages of the page; 20 if left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl ListNotifications {
    fn filter(&self) -> Result<Filter, Problem> {
        match (&self.user_id, &self.order_id, &self.day) {
            (Some(user), None, None) => {
                Ok(Filter::User(user.parse::<UserId>().map_err(|error| Problem::parameter("user_id", error))?))
            }
            (None, Some(order), None) => {
                Ok(Filter::Order(order.parse::<OrderId>().map_err(|error| Problem::parameter("order_id", error))?))
            }
            (None, None, Some(day)) => Date::parse(day, format_description!("[year]-[month]-[day]"))
                .map(Filter::Day)
                .map_err(|_| Problem::parameter("day", "expected a date such as 2026-11-21")),
            (None, None, None) => Ok(Filter::Day(OffsetDateTime::now_utc().date())),
            _ => Err(Problem::parameter("user_id", "ask for an account, for an order, or for a day: one of them")),
        }
    }
}

/// Lists messages, newest first: those of a day, those to an account, or those about an order.
#[utoipa::path(
    get, path = "/api/notifications", tag = "notifications", security(("access_token" = ["admin"])),
    params(ListNotifications),
    responses((status = OK, description = "A page of messages.", body = NotificationPage)),
)]
pub(crate) async fn list_notifications(
    _: Admin,
    State(notifications): State<Notifications>,
    QueryParameters(query): QueryParameters<ListNotifications>,
) -> Result<JsonBody<NotificationPage>, Problem> {
    let filter = query.filter()?;
    page(&notifications, &filter, query.limit.as_deref(), query.cursor.as_deref()).await
}

/// Which part of your messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListOwnNotifications {
    /// The most messages of the page; 20 if left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Lists the messages to you, newest first.
#[utoipa::path(
    get, path = "/api/users/me/notifications", tag = "notifications", security(("access_token" = [])),
    params(ListOwnNotifications),
    responses((status = OK, description = "A page of your messages.", body = NotificationPage)),
)]
pub(crate) async fn list_own_notifications(
    SignedIn { user, .. }: SignedIn,
    State(notifications): State<Notifications>,
    QueryParameters(query): QueryParameters<ListOwnNotifications>,
) -> Result<JsonBody<NotificationPage>, Problem> {
    page(&notifications, &Filter::User(user), query.limit.as_deref(), query.cursor.as_deref()).await
}

async fn page(
    notifications: &Notifications,
    filter: &Filter,
    limit: Option<&str>,
    cursor: Option<&str>,
) -> Result<JsonBody<NotificationPage>, Problem> {
    let limit = page_size(limit)?;
    let cursor: Option<Cursor> =
        cursor.map(|text| text.parse().map_err(|error| Problem::parameter("cursor", error))).transpose()?;
    Ok(JsonBody(notifications.list(filter, limit, cursor.as_ref()).await?.into()))
}
