//! Which messages customers with an account want, and where short messages go.

use aws_sdk_dynamodb::types::AttributeValue;
use kassa_domain::{PhoneNumber, UserId};
use time::OffsetDateTime;

use crate::dynamodb::DynamoDb;
use crate::dynamodb::item::{self, Item};
use crate::error::StoreError;

pub(crate) const USER_ID: &str = "user_id";
const MAIL_SHIPPED: &str = "mail_shipped";
const MAIL_REFUNDED: &str = "mail_refunded";
const PHONE_NUMBER: &str = "phone_number";
const UPDATED_AT: &str = "updated_at";

/// Access to the settings. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct UserSettings {
    dynamodb: DynamoDb,
}

/// What a customer wants beyond the mails without which nobody should buy anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationSettings {
    /// A mail when an order is on its way.
    pub mail_shipped: bool,
    /// A mail when money was given back.
    pub mail_refunded: bool,
    /// Where short messages go; none are sent without a number.
    pub phone_number: Option<PhoneNumber>,
}

impl Default for NotificationSettings {
    /// What guests have, and accounts that have never chosen: every mail, no short messages.
    fn default() -> Self {
        Self { mail_shipped: true, mail_refunded: true, phone_number: None }
    }
}

impl UserSettings {
    /// Uses the table of this client.
    pub fn new(dynamodb: DynamoDb) -> Self {
        Self { dynamodb }
    }

    /// What the account has chosen, or what is so without a choice.
    pub async fn get(&self, user: &UserId) -> Result<NotificationSettings, StoreError> {
        let answer = self
            .dynamodb
            .client
            .get_item()
            .table_name(self.dynamodb.tables.notification_settings())
            .key(USER_ID, item::text(user.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        answer.item().map_or_else(|| Ok(NotificationSettings::default()), from_item)
    }

    /// Writes what the account has chosen.
    pub async fn put(&self, user: &UserId, settings: &NotificationSettings) -> Result<(), StoreError> {
        let mut row = Item::from([
            (USER_ID.to_owned(), item::text(user.as_str())),
            (MAIL_SHIPPED.to_owned(), AttributeValue::Bool(settings.mail_shipped)),
            (MAIL_REFUNDED.to_owned(), AttributeValue::Bool(settings.mail_refunded)),
            (UPDATED_AT.to_owned(), item::timestamp(OffsetDateTime::now_utc())),
        ]);
        if let Some(number) = &settings.phone_number {
            row.insert(PHONE_NUMBER.to_owned(), item::text(number.expose()));
        }
        self.dynamodb
            .client
            .put_item()
            .table_name(self.dynamodb.tables.notification_settings())
            .set_item(Some(row))
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Ok(())
    }
}

fn from_item(row: &Item) -> Result<NotificationSettings, StoreError> {
    Ok(NotificationSettings {
        mail_shipped: item::read_flag(row, MAIL_SHIPPED)?,
        mail_refunded: item::read_flag(row, MAIL_REFUNDED)?,
        phone_number: if row.contains_key(PHONE_NUMBER) { Some(item::read(row, PHONE_NUMBER)?) } else { None },
    })
}
