//! `PostgreSQL` through the RDS Data API: one HTTP call per statement, no connections to keep.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_rdsdata::Client;
use aws_sdk_rdsdata::types::{Field, RecordsFormatType, SqlParameter};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::config::RdsDataConfig;
use crate::error::{Cause, Service, StoreError};

/// The longest that a statement may take: the Data API gives up after 45 seconds (RDS Data API reference,
/// `ExecuteStatement`), and its answer has to come back.
const LONGEST_STATEMENT: Duration = Duration::from_secs(50);

/// A database behind the Data API. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Database {
    client: Client,
    resource_arn: String,
    secret_arn: String,
    name: String,
}

/// The named parameters of a statement. Statements cast them to their types, so texts and integers are enough.
#[derive(Debug, Default)]
pub(crate) struct Parameters(Vec<SqlParameter>);

impl Parameters {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn text(self, name: &str, value: impl Into<String>) -> Self {
        self.field(name, Field::StringValue(value.into()))
    }

    pub(crate) fn integer(self, name: &str, value: i64) -> Self {
        self.field(name, Field::LongValue(value))
    }

    pub(crate) fn optional_text(self, name: &str, value: Option<impl Into<String>>) -> Self {
        self.field(name, value.map_or(Field::IsNull(true), |value| Field::StringValue(value.into())))
    }

    pub(crate) fn optional_integer(self, name: &str, value: Option<i64>) -> Self {
        self.field(name, value.map_or(Field::IsNull(true), Field::LongValue))
    }

    fn field(mut self, name: &str, value: Field) -> Self {
        self.0.push(SqlParameter::builder().name(name).value(value).build());
        self
    }
}

impl Database {
    /// The database that the configuration names.
    pub fn new(client: Client, config: &RdsDataConfig) -> Self {
        Self {
            client,
            resource_arn: config.resource_arn.clone(),
            secret_arn: config.secret_arn.clone(),
            name: config.database.clone(),
        }
    }

    /// Makes the client, too.
    pub fn connect(shared: &aws_config::SdkConfig, config: &RdsDataConfig) -> Self {
        Self::new(crate::config::rdsdata_client(shared, config), config)
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.query::<serde::de::IgnoredAny>("SELECT 1 AS ping", Parameters::new()).await?;
        Ok(())
    }

    /// Executes one statement in a transaction of its own, and reads the rows that it returns.
    pub(crate) async fn query<T: DeserializeOwned>(
        &self,
        sql: &str,
        parameters: Parameters,
    ) -> Result<Vec<T>, StoreError> {
        let answer = self
            .client
            .execute_statement()
            .resource_arn(&self.resource_arn)
            .secret_arn(&self.secret_arn)
            .database(&self.name)
            .sql(sql)
            .set_parameters(Some(parameters.0))
            .format_records_as(RecordsFormatType::Json)
            .send()
            .await
            .map_err(StoreError::rds_data)?;
        rows(answer.formatted_records())
    }

    /// Starts a transaction of several statements. One that is neither committed nor rolled back ends by itself after
    /// three idle minutes.
    pub(crate) async fn begin(&self) -> Result<Transaction<'_>, StoreError> {
        let answer = self
            .client
            .begin_transaction()
            .resource_arn(&self.resource_arn)
            .secret_arn(&self.secret_arn)
            .database(&self.name)
            .send()
            .await
            .map_err(StoreError::rds_data)?;
        let id = answer.transaction_id.ok_or_else(|| StoreError::UnreadableAnswer {
            service: Service::RdsData,
            source: Cause::new("a transaction without an id"),
        })?;
        Ok(Transaction { database: self, id })
    }
}

/// A transaction that is open.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    database: &'a Database,
    id: String,
}

impl Transaction<'_> {
    /// Executes one statement and reads the rows that it returns.
    pub(crate) async fn query<T: DeserializeOwned>(
        &self,
        sql: &str,
        parameters: Parameters,
    ) -> Result<Vec<T>, StoreError> {
        let Database { client, resource_arn, secret_arn, name } = self.database;
        // What changes tables may wait for others. It must not be sent a second time either: nothing guards a
        // statement within a transaction against that.
        let patient = aws_sdk_rdsdata::config::Config::builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(LONGEST_STATEMENT).build());
        let answer = client
            .execute_statement()
            .resource_arn(resource_arn)
            .secret_arn(secret_arn)
            .database(name)
            .transaction_id(&self.id)
            .sql(sql)
            .set_parameters(Some(parameters.0))
            .format_records_as(RecordsFormatType::Json)
            .customize()
            .config_override(patient)
            .send()
            .await
            .map_err(StoreError::rds_data)?;
        rows(answer.formatted_records())
    }

    /// Makes it all last.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let Database { client, resource_arn, secret_arn, .. } = self.database;
        client
            .commit_transaction()
            .resource_arn(resource_arn)
            .secret_arn(secret_arn)
            .transaction_id(self.id)
            .send()
            .await
            .map_err(StoreError::rds_data)?;
        Ok(())
    }

    /// Takes it all back. A failure to say so is not reported: the database does the same by itself a little later.
    pub(crate) async fn roll_back(self) {
        let Database { client, resource_arn, secret_arn, .. } = self.database;
        let sent = client
            .rollback_transaction()
            .resource_arn(resource_arn)
            .secret_arn(secret_arn)
            .transaction_id(self.id)
            .send()
            .await;
        if let Err(error) = sent.map_err(StoreError::rds_data) {
            tracing::warn!(error = &error as &dyn std::error::Error, "a transaction could not be rolled back at once");
        }
    }
}

/// Reads an answer in the Data API's JSON form. A statement that returns no rows at all has none.
fn rows<T: DeserializeOwned>(formatted: Option<&str>) -> Result<Vec<T>, StoreError> {
    formatted.map_or(Ok(Vec::new()), |json| {
        serde_json::from_str(json).map_err(|error| match error.classify() {
            // The message of the parser would quote the value.
            Category::Data => StoreError::corrupt(format!(
                "rows do not read as {} at line {} column {}",
                std::any::type_name::<T>(),
                error.line(),
                error.column()
            )),
            Category::Io | Category::Syntax | Category::Eof => {
                StoreError::UnreadableAnswer { service: Service::RdsData, source: Cause::new("rows that are no JSON") }
            }
        })
    })
}

/// For `#[serde(with)]`: a column that holds JSON, which the Data API hands out as a text.
pub(crate) mod json_column {
    use serde::Deserialize;
    use serde::de::{DeserializeOwned, Deserializer, Error};

    pub(crate) fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
    where
        D: Deserializer<'de>,
        T: DeserializeOwned,
    {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text).map_err(D::Error::custom)
    }
}

/// For `#[serde(with)]`: a point in time as microseconds since 1970, the resolution of `PostgreSQL`. The texts that
/// the Data API makes of timestamps have no time zone.
pub(crate) mod microseconds {
    use serde::Deserialize;
    use serde::de::{Deserializer, Error};
    use time::OffsetDateTime;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
        let micros = i64::deserialize(deserializer)?;
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).map_err(D::Error::custom)
    }
}

/// For `#[serde(with)]`: a point in time like [`microseconds`], or none.
pub(crate) mod optional_microseconds {
    use serde::Deserialize;
    use serde::de::Deserializer;
    use time::OffsetDateTime;

    #[derive(Deserialize)]
    struct Micros(#[serde(with = "super::microseconds")] OffsetDateTime);

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OffsetDateTime>, D::Error> {
        Ok(Option::<Micros>::deserialize(deserializer)?.map(|Micros(at)| at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_result_set_is_no_rows() {
        assert_eq!(rows::<i64>(None).expect("no rows"), Vec::<i64>::new());
    }

    #[test]
    fn a_cut_off_answer_is_worth_another_try() {
        let error = rows::<i64>(Some("[1, 2")).expect_err("half an answer");
        assert!(error.is_retryable());
    }

    #[test]
    fn rows_of_another_form_are_not_quoted() {
        let error = rows::<i64>(Some("[\"ada@example.com\"]")).expect_err("a text");
        assert!(!error.is_retryable());
        assert!(!format!("{error} {error:?}").contains("ada@"));
    }
}
