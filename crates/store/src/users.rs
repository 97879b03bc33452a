//! The profiles of customers with an account. Who they are, and their passwords, is known to the identity provider alone.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use kassa_domain::{EmailAddress, PersonName, UserId};
use time::OffsetDateTime;

use crate::dynamodb::DynamoDb;
use crate::dynamodb::item::{self, Item};
use crate::error::StoreError;

pub(crate) const ID: &str = "id";
const EMAIL: &str = "email";
const NAME: &str = "name";
const WELCOMED: &str = "welcomed";
const CREATED_AT: &str = "created_at";

/// The most users of a page.
pub const MAX_PAGE: usize = 100;

/// Access to the profiles. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Users {
    dynamodb: DynamoDb,
}

/// A customer with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The identifier.
    pub id: UserId,
    /// Where mail goes; confirmed by a code.
    pub email: EmailAddress,
    /// How the customer wants to be called.
    pub name: Option<PersonName>,
    /// Whether the mail that greets a new account is on its way.
    pub welcomed: bool,
    /// When the profile was made.
    pub created_at: OffsetDateTime,
}

/// Some users, in no particular order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The users.
    pub users: Vec<User>,
    /// The last of them, if there are more; the next page starts after it.
    pub next: Option<UserId>,
}

impl Users {
    /// Uses the table of this client.
    pub fn new(dynamodb: DynamoDb) -> Self {
        Self { dynamodb }
    }

    /// Makes the profile of a new account, or returns the one that there is.
    pub async fn create(&self, id: UserId, email: EmailAddress, name: Option<PersonName>) -> Result<User, StoreError> {
        let user = User { id, email, name, welcomed: false, created_at: OffsetDateTime::now_utc() };
        let sent = self
            .dynamodb
            .client
            .put_item()
            .table_name(self.dynamodb.tables.users())
            .set_item(Some(to_item(&user)))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else { return Ok(user) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                from_item(failed.item().ok_or_else(|| StoreError::corrupt("a row that exists was not returned"))?)
            }
            _ => Err(StoreError::dynamodb(error)),
        }
    }

    /// One profile, as it is at this moment.
    pub async fn get(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let answer = self
            .dynamodb
            .client
            .get_item()
            .table_name(self.dynamodb.tables.users())
            .key(ID, item::text(id.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        answer.item().map(from_item).transpose()
    }

    /// Changes the name, or takes it away. There has to be a profile.
    pub async fn rename(&self, id: &UserId, name: Option<&PersonName>) -> Result<Option<User>, StoreError> {
        match name {
            Some(name) => self.update(id, "SET #name = :name", Some((":name", item::text(name.expose())))).await,
            None => self.update(id, "REMOVE #name", None).await,
        }
    }

    /// Remembers that the mail which greets a new account is on its way.
    pub async fn welcomed(&self, id: &UserId) -> Result<(), StoreError> {
        let update = self
            .dynamodb
            .client
            .update_item()
            .table_name(self.dynamodb.tables.users())
            .key(ID, item::text(id.as_str()))
            .update_expression("SET welcomed = :true")
            .condition_expression("attribute_exists(id)")
            .expression_attribute_values(":true", AttributeValue::Bool(true));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_missing(error.as_service_error()) => Ok(()),
            Err(error) => Err(StoreError::dynamodb(error)),
        }
    }

    /// A page of all users. At most [`MAX_PAGE`] are returned, whatever is asked for. Who comes while pages are read may or
    /// may not be on a later one; nobody is listed twice.
    pub async fn list(&self, page_size: usize, after: Option<&UserId>) -> Result<Page, StoreError> {
        let page_size = page_size.clamp(1, MAX_PAGE);
        let answer = self
            .dynamodb
            .client
            .scan()
            .table_name(self.dynamodb.tables.users())
            // One more tells whether there is a next page.
            .limit(i32::try_from(page_size + 1).expect("a page is small"))
            .set_exclusive_start_key(after.map(key))
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        let rows = answer.items();
        let users = rows.iter().take(page_size).map(from_item).collect::<Result<Vec<_>, _>>()?;
        let more = rows.len() > page_size || answer.last_evaluated_key().is_some();
        let next = users.last().filter(|_| more).map(|user| user.id.clone());
        Ok(Page { users, next })
    }

    /// Sends an update of a row that has to exist, and returns the row as it is then.
    async fn update(
        &self,
        id: &UserId,
        expression: &str,
        value: Option<(&str, AttributeValue)>,
    ) -> Result<Option<User>, StoreError> {
        let update = self
            .dynamodb
            .client
            .update_item()
            .table_name(self.dynamodb.tables.users())
            .set_key(Some(key(id)))
            .update_expression(expression)
            .condition_expression("attribute_exists(id)")
            // A reserved word.
            .expression_attribute_names("#name", NAME)
            .return_values(ReturnValue::AllNew);
        let update = match value {
            Some((name, value)) => update.expression_attribute_values(name, value),
            None => update,
        };
        match update.send().await {
            Ok(answer) => answer.attributes().map(from_item).transpose(),
            Err(error) if is_missing(error.as_service_error()) => Ok(None),
            Err(error) => Err(StoreError::dynamodb(error)),
        }
    }
}

fn is_missing(error: Option<&UpdateItemError>) -> bool {
    matches!(error, Some(UpdateItemError::ConditionalCheckFailedException(_)))
}

fn key(id: &UserId) -> Item {
    Item::from([(ID.to_owned(), item::text(id.as_str()))])
}

fn to_item(user: &User) -> Item {
    let mut row = Item::from([
        (ID.to_owned(), item::text(user.id.as_str())),
        (EMAIL.to_owned(), item::text(user.email.expose())),
        (WELCOMED.to_owned(), AttributeValue::Bool(user.welcomed)),
        (CREATED_AT.to_owned(), item::timestamp(user.created_at)),
    ]);
    if let Some(name) = &user.name {
        row.insert(NAME.to_owned(), item::text(name.expose()));
    }
    row
}

fn from_item(row: &Item) -> Result<User, StoreError> {
    Ok(User {
        id: item::read(row, ID)?,
        email: item::read(row, EMAIL)?,
        name: if row.contains_key(NAME) { Some(item::read(row, NAME)?) } else { None },
        welcomed: item::read_flag(row, WELCOMED)?,
        created_at: item::read_timestamp(row, CREATED_AT)?,
    })
}
