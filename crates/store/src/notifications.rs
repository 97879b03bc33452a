//! What was sent to whom, so that no message is sent twice and operators can tell what a customer got.
//!
//! A row holds no address, no number and no text: whom it was for is the caller, what it said is its template.

mod cursor;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use kassa_domain::{Caller, MessageId, OrderId, UserId};
use time::{Date, Duration, OffsetDateTime};

pub use cursor::{Cursor, InvalidCursor};

use crate::dynamodb::DynamoDb;
use crate::dynamodb::item::{self, Item};
use crate::error::StoreError;

pub(crate) const MESSAGE_ID: &str = "message_id";
pub(crate) const CHANNEL: &str = "channel";
pub(crate) const DAY: &str = "day";
pub(crate) const CUSTOMER: &str = "customer";
pub(crate) const ORDER_ID: &str = "order_id";
/// The sort key of every index: time and key, see [`Cursor`].
pub(crate) const LISTED_AS: &str = "listed_as";
/// The indexes by which messages are listed; each is called like its partition key.
pub(crate) const INDEXES: [&str; 3] = [DAY, CUSTOMER, ORDER_ID];
/// When a row may go, in seconds since 1970.
pub(crate) const EXPIRES_AT: &str = "expires_at";

const TEMPLATE: &str = "template";
const STATUS: &str = "status";
const PROVIDER_ID: &str = "provider_id";
const CREATED_AT: &str = "created_at";
const UPDATED_AT: &str = "updated_at";

/// How long rows are kept: long enough for every question that a customer may come back with.
const KEPT: Duration = Duration::days(400);

/// The most messages of a page.
pub const MAX_PAGE: usize = 100;

/// Access to the records of messages. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Notifications {
    dynamodb: DynamoDb,
}

/// The way that a message takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Mail.
    Email,
    /// A short message to a phone.
    Sms,
}

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// About to be handed over; that it was cannot be ruled out.
    Sending,
    /// The service has taken it.
    Sent,
    /// The service refused it for good.
    Refused,
}

/// A message that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotification {
    /// The message.
    pub message_id: MessageId,
    /// The way that it takes.
    pub channel: Channel,
    /// What it says.
    pub template: String,
    /// Who it is for.
    pub customer: Caller,
    /// The order it is about, if it is about one.
    pub order_id: Option<OrderId>,
}

/// What is known about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The message.
    pub message_id: MessageId,
    /// The way that it takes.
    pub channel: Channel,
    /// What it says.
    pub template: String,
    /// Who it is for.
    pub customer: Caller,
    /// The order it is about, if it is about one.
    pub order_id: Option<OrderId>,
    /// Where it is.
    pub status: Status,
    /// The identifier that the service gave it.
    pub provider_id: Option<String>,
    /// When it was first about to be sent.
    pub created_at: OffsetDateTime,
    /// When its status changed last.
    pub updated_at: OffsetDateTime,
}

/// Whether a message is still to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// Send it: nobody has, or nobody knows.
    ToBeSent,
    /// It has been sent before.
    SentBefore,
}

/// How sending ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The service has taken it.
    Sent {
        /// The identifier that the service gave it.
        provider_id: String,
    },
    /// The service refused it for good.
    Refused,
}

/// Which messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Those of a day, in UTC.
    Day(Date),
    /// Those to an account.
    User(UserId),
    /// Those about an order.
    Order(OrderId),
}

/// Some messages, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The messages.
    pub notifications: Vec<Notification>,
    /// Where the next page starts, if there is more.
    pub next: Option<Cursor>,
}

impl Channel {
    /// The wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Email, Self::Sms].into_iter().find(|channel| channel.as_str() == text)
    }
}

impl Status {
    /// The wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "SENDING",
            Self::Sent => "SENT",
            Self::Refused => "REFUSED",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Sending, Self::Sent, Self::Refused].into_iter().find(|status| status.as_str() == text)
    }
}

impl Notifications {
    /// Uses the table of this client.
    pub fn new(dynamodb: DynamoDb) -> Self {
        Self { dynamodb }
    }

    /// Records that a message is about to be sent, unless it has been.
    pub async fn begin(&self, new: &NewNotification) -> Result<Begun, StoreError> {
        let sent = self
            .dynamodb
            .client
            .put_item()
            .table_name(self.dynamodb.tables.notifications())
            .set_item(Some(to_item(new, OffsetDateTime::now_utc())))
            .condition_expression("attribute_not_exists(message_id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else { return Ok(Begun::ToBeSent) };
        let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(StoreError::dynamodb(error));
        };
        let found = failed.item().ok_or_else(|| StoreError::corrupt("a condition failed without a row".to_owned()))?;
        Ok(match status(found)? {
            Status::Sending | Status::Refused => Begun::ToBeSent,
            Status::Sent => Begun::SentBefore,
        })
    }

    /// Records how sending ended. A message that was sent stays sent.
    pub async fn end(&self, message_id: &MessageId, channel: Channel, ended: &Ended) -> Result<(), StoreError> {
        let (status, provider_id) = match ended {
            Ended::Sent { provider_id } => (Status::Sent, Some(provider_id)),
            Ended::Refused => (Status::Refused, None),
        };
        let update = self
            .dynamodb
            .client
            .update_item()
            .table_name(self.dynamodb.tables.notifications())
            .key(MESSAGE_ID, item::text(message_id.as_str()))
            .key(CHANNEL, item::text(channel.as_str()))
            .condition_expression("attribute_exists(message_id) AND #status <> :sent")
            .expression_attribute_names("#status", STATUS)
            .expression_attribute_values(":sent", item::text(Status::Sent.as_str()))
            .expression_attribute_values(":status", item::text(status.as_str()))
            .expression_attribute_values(":now", item::timestamp(OffsetDateTime::now_utc()));
        let update = match provider_id {
            None => update.update_expression("SET #status = :status, updated_at = :now"),
            Some(id) => update
                .update_expression("SET #status = :status, updated_at = :now, provider_id = :id")
                .expression_attribute_values(":id", item::text(id)),
        };
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(StoreError::dynamodb(error)),
        }
    }

    /// A page of messages, newest first. At most [`MAX_PAGE`] are returned, whatever is asked for. A message can be
    /// missing for the moment that its way into the index takes.
    pub async fn list(&self, filter: &Filter, page_size: usize, after: Option<&Cursor>) -> Result<Page, StoreError> {
        let page_size = page_size.clamp(1, MAX_PAGE);
        let (index, value) = match filter {
            Filter::Day(day) => (DAY, day.to_string()),
            Filter::User(user) => (CUSTOMER, Caller::user(user).as_str().to_owned()),
            Filter::Order(order) => (ORDER_ID, order.as_str().to_owned()),
        };
        let query = self
            .dynamodb
            .client
            .query()
            .table_name(self.dynamodb.tables.notifications())
            .index_name(index)
            .scan_index_forward(false)
            // One more tells whether there is a next page.
            .limit(i32::try_from(page_size + 1).expect("a page is small"))
            .expression_attribute_names("#index", index)
            .expression_attribute_values(":value", item::text(value));
        let query = match after {
            None => query.key_condition_expression("#index = :value"),
            Some(cursor) => query
                .key_condition_expression("#index = :value AND listed_as < :after")
                .expression_attribute_values(":after", item::text(cursor.listed_as())),
        };
        let answer = query.send().await.map_err(StoreError::dynamodb)?;
        let rows = answer.items();
        let notifications = rows.iter().take(page_size).map(from_item).collect::<Result<_, _>>()?;
        let next = if rows.len() > page_size { Some(Cursor::read(&rows[page_size - 1])?) } else { None };
        Ok(Page { notifications, next })
    }
}

fn to_item(new: &NewNotification, now: OffsetDateTime) -> Item {
    let at = item::timestamp(now);
    let attributes: [(&str, AttributeValue); 10] = [
        (MESSAGE_ID, item::text(new.message_id.as_str())),
        (CHANNEL, item::text(new.channel.as_str())),
        (TEMPLATE, item::text(&new.template)),
        (CUSTOMER, item::text(new.customer.as_str())),
        (STATUS, item::text(Status::Sending.as_str())),
        (CREATED_AT, at.clone()),
        (UPDATED_AT, at),
        (DAY, item::text(now.date().to_string())),
        (LISTED_AS, item::text(Cursor::new(now, &new.message_id, new.channel).listed_as())),
        (EXPIRES_AT, item::number((now + KEPT).unix_timestamp())),
    ];
    let order = new.order_id.as_ref().map(|order| (ORDER_ID, item::text(order.as_str())));
    attributes.into_iter().chain(order).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn status(row: &Item) -> Result<Status, StoreError> {
    Status::parse(item::read_text(row, STATUS)?).ok_or_else(|| unknown(STATUS))
}

fn customer(row: &Item) -> Result<Caller, StoreError> {
    let text = item::read_text(row, CUSTOMER)?.to_owned();
    serde_json::from_value(text.into()).map_err(|_| unknown(CUSTOMER))
}

fn unknown(name: &str) -> StoreError {
    StoreError::corrupt(format!("attribute `{name}` of a message has an unknown form"))
}

fn from_item(row: &Item) -> Result<Notification, StoreError> {
    Ok(Notification {
        message_id: item::read(row, MESSAGE_ID)?,
        channel: Channel::parse(item::read_text(row, CHANNEL)?).ok_or_else(|| unknown(CHANNEL))?,
        template: item::read_text(row, TEMPLATE)?.to_owned(),
        customer: customer(row)?,
        order_id: if row.contains_key(ORDER_ID) { Some(item::read(row, ORDER_ID)?) } else { None },
        status: status(row)?,
        provider_id: if row.contains_key(PROVIDER_ID) {
            Some(item::read_text(row, PROVIDER_ID)?.to_owned())
        } else {
            None
        },
        created_at: item::read_timestamp(row, CREATED_AT)?,
        updated_at: item::read_timestamp(row, UPDATED_AT)?,
    })
}
