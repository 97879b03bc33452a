//! The one conversion from what the AWS SDK reports to what the rest of Kassa decides by: is it worth another try?

use std::error::Error;
use std::fmt;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// The service that a call went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Amazon `DynamoDB`.
    DynamoDb,
    /// The RDS Data API, and the database behind it.
    RdsData,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DynamoDb => "DynamoDB",
            Self::RdsData => "the RDS Data API",
        })
    }
}

/// Why the store could not do what it was asked to.
///
/// Neither `Display` nor `Debug` shows stored values: `PostgreSQL` and the services quote them in their messages, and
/// these errors end up in logs and in the failures that Temporal keeps.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No answer came: a time-out, a broken connection, no credentials. The call may or may not have had its effect.
    #[error("{service} did not answer")]
    NoAnswer {
        /// Who did not answer.
        service: Service,
        /// What happened to the call.
        #[source]
        source: Cause,
    },
    /// An answer came that nobody can read. The call may or may not have had its effect.
    #[error("{service} gave an answer that cannot be read")]
    UnreadableAnswer {
        /// Who answered.
        service: Service,
        /// What is wrong with the answer.
        #[source]
        source: Cause,
    },
    /// The service said no.
    #[error("{service} refused the call with {refusal}")]
    Refused {
        /// Who refused.
        service: Service,
        /// What it said.
        refusal: Refusal,
    },
    /// Others were changing the same rows all the time.
    #[error("{service} saw too many changes of the same rows at once")]
    Contended {
        /// Where.
        service: Service,
    },
    /// The SDK could not even make the request.
    #[error("a request to {service} could not be made")]
    Unsendable {
        /// Where it should have gone.
        service: Service,
        /// What is missing.
        #[source]
        source: Cause,
    },
    /// What is stored is not what this version of Kassa writes.
    #[error("stored data is not as expected: {what}")]
    Corrupt {
        /// The place, never the value.
        what: String,
    },
}

/// What a service said when it refused a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The name of the exception, such as `AccessDeniedException`.
    pub code: String,
    /// The HTTP status.
    pub status: u16,
    /// What the database said, if it came that far.
    pub sql_state: Option<SqlState>,
    /// The part of the message that holds no stored values.
    pub message: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        if let Some(sql_state) = &self.sql_state {
            write!(f, ", SQLSTATE {sql_state}")?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        Ok(())
    }
}

/// What an error of the SDK says, without the request and the answer that it carries along.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

impl Cause {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        Self(text)
    }

    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// The five characters with which SQL names a condition (`PostgreSQL` manual, appendix "`PostgreSQL` Error Codes").
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SqlState([u8; 5]);

impl SqlState {
    /// Finds it in a message of the Data API, which puts it behind `SQLState:`.
    fn find(message: &str) -> Option<Self> {
        let (_, rest) = message.rsplit_once("SQLState:")?;
        let code: [u8; 5] = rest.trim_start().as_bytes().get(..5)?.try_into().ok()?;
        code.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()).then_some(Self(code))
    }

    /// The five characters.
    pub fn as_str(&self) -> &str {
        // Only ASCII letters and digits get in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether the same statement may well succeed a little later.
    fn is_transient(self) -> bool {
        match &self.0 {
            // A serialization failure, a deadlock, a lock that was not to be had in time.
            b"40001" | b"40P01" | b"55P03"
            // After a failover a connection may still lead to the old writer, which has become a reader.
            | b"25006" => true,
            code => match &code[..2] {
                // Connections, passwords that are being rotated, resources, an operator or a time-out that intervened,
                // disks.
                b"08" | b"28" | b"53" | b"58" => true,
                b"57" => code[2] == b'P' || code == b"57014",
                _ => false,
            },
        }
    }

    /// Whether messages of this kind name columns and tables but never values. Values of a statement are bound as
    /// parameters, so a syntax error cannot quote them; a failed conversion or constraint does.
    fn is_quotable(self) -> bool {
        matches!(&self.0[..2], b"08" | b"25" | b"28" | b"40" | b"42" | b"53" | b"55" | b"57" | b"58")
    }

    /// Whether it is a violated constraint.
    fn is_constraint(self) -> bool {
        self.0.starts_with(b"23")
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl StoreError {
    /// Whether the same call may well succeed a little later. What is not retryable needs a change of the request, of
    /// the data, or of the configuration.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NoAnswer { .. } | Self::UnreadableAnswer { .. } | Self::Contended { .. } => true,
            Self::Refused { refusal, .. } => refusal.is_transient(),
            Self::Unsendable { .. } | Self::Corrupt { .. } => false,
        }
    }

    /// What the database said, if it said something.
    pub fn sql_state(&self) -> Option<SqlState> {
        match self {
            Self::Refused { refusal, .. } => refusal.sql_state,
            _ => None,
        }
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    /// For `map_err` at every call of `DynamoDB`.
    #[expect(clippy::needless_pass_by_value, reason = "`map_err` passes it by value")]
    pub(crate) fn dynamodb<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        Self::from_sdk(Service::DynamoDb, &error)
    }

    /// For `map_err` at every call of the Data API.
    #[expect(clippy::needless_pass_by_value, reason = "`map_err` passes it by value")]
    pub(crate) fn rds_data<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        Self::from_sdk(Service::RdsData, &error)
    }

    fn from_sdk<E>(service: Service, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            // The SDK takes for an error of the service what begins as an answer and does not go on as one.
            SdkError::ServiceError(answer) if answer.raw().status().is_success() => {
                Self::UnreadableAnswer { service, source: Cause::new("it says yes, and nobody can read to what") }
            }
            SdkError::ServiceError(answer) => {
                let refusal = Refusal::new(
                    answer.err().code().unwrap_or("an unknown error"),
                    answer.raw().status().as_u16(),
                    answer.err().message(),
                );
                Self::Refused { service, refusal }
            }
            SdkError::ResponseError(_) => Self::UnreadableAnswer { service, source: Cause::of(error) },
            SdkError::ConstructionFailure(_) => Self::Unsendable { service, source: Cause::of(error) },
            // Time-outs, failed dispatches, and whatever kinds of lost calls a later SDK tells apart.
            _ => Self::NoAnswer { service, source: Cause::of(error) },
        }
    }
}

impl Refusal {
    pub(crate) fn new(code: &str, status: u16, message: Option<&str>) -> Self {
        let sql_state = message.and_then(SqlState::find);
        let message = message.and_then(|message| safe_part(message, sql_state));
        Self { code: code.to_owned(), status, sql_state, message }
    }

    fn is_transient(&self) -> bool {
        // The database knows better than the code around it: both `DatabaseErrorException` and `BadRequestException`
        // carry any SQLSTATE.
        if let Some(sql_state) = self.sql_state {
            return sql_state.is_transient();
        }
        match self.code.as_str() {
            // The RDS Data API. A paused database resumes within seconds, and so does a secret that is being rotated.
            "StatementTimeoutException"
            | "DatabaseResumingException"
            | "DatabaseUnavailableException"
            | "InvalidResourceStateException"
            | "SecretsErrorException"
            | "InternalServerErrorException"
            | "ServiceUnavailableError"
            // DynamoDB.
            | "InternalServerError"
            | "LimitExceededException"
            | "ProvisionedThroughputExceededException"
            | "ReplicatedWriteConflictException"
            | "RequestLimitExceeded"
            | "ResourceInUseException"
            | "TransactionConflictException"
            | "TransactionInProgressException"
            // Both. Rights are mended by an operator while orders wait, and nobody is refunded meanwhile.
            | "AccessDeniedException"
            | "ForbiddenException"
            // Neither is anybody because of credentials: they are fetched anew for the next call, or put right by an operator.
            | "ExpiredTokenException"
            | "IncompleteSignatureException"
            | "InvalidSecretException"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "UnrecognizedClientException"
            | "RequestTimeout"
            | "RequestTimeoutException"
            | "ServiceUnavailable"
            | "ServiceUnavailableException"
            | "ThrottledException"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException" => true,
            // Statuses of the Data API do not help: it answers a missing instance with a 500, too.
            "DatabaseNotFoundException" | "HttpEndpointNotEnabledException" | "UnsupportedResultException" => false,
            _ => self.status == 429 || self.status >= 500,
        }
    }
}

/// Cuts a message down to what cannot hold a stored value.
fn safe_part(message: &str, sql_state: Option<SqlState>) -> Option<String> {
    let first_line = message.lines().next()?.split("; SQLState:").next()?.trim();
    match sql_state {
        Some(sql_state) if sql_state.is_quotable() => {
            // The Data API joins the parts of a report into one line at times.
            let primary = first_line.split("Detail:").next()?.split("DETAIL:").next()?.trim();
            Some(primary.to_owned()).filter(|primary| !primary.is_empty())
        }
        Some(sql_state) if sql_state.is_constraint() => {
            let (_, rest) = first_line.split_once("constraint \"")?;
            let (name, _) = rest.split_once('"')?;
            Some(format!("constraint {name}"))
        }
        Some(_) => None,
        // Services quote what they complain about in single quotes, as a rule.
        None => {
            let unquoted = first_line.split('\'').step_by(2).collect::<Vec<_>>().join("..");
            Some(
                unquoted
                    .split(' ')
                    .map(|word| if is_somebodys(word) { ".." } else { word })
                    .collect::<Vec<_>>()
                    .join(" "),
            )
        }
    }
}

/// Whether a word may be an e-mail address, or the number of a phone or a card.
fn is_somebodys(word: &str) -> bool {
    word.contains('@') || word.bytes().filter(u8::is_ascii_digit).count() >= 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database_error(code: &str, message: &str) -> Refusal {
        Refusal::new(code, 400, Some(message))
    }

    #[test]
    fn sql_state_decides_whatever_the_exception_is_called() {
        for exception in ["DatabaseErrorException", "BadRequestException"] {
            for (sql_state, retryable) in [
                ("40001", true),
                ("40P01", true),
                ("53300", true),
                ("57P01", true),
                ("57P03", true),
                ("57014", true),
                ("08006", true),
                ("25006", true),
                ("55P03", true),
                ("58030", true),
                ("23505", false),
                ("23514", false),
                ("22P02", false),
                ("42601", false),
                ("42P01", false),
                ("28P01", true),
                ("57000", false),
                ("XX000", false),
            ] {
                let refusal = database_error(exception, &format!("ERROR: something; SQLState: {sql_state}"));
                assert_eq!(refusal.sql_state.map(|s| s.to_string()).as_deref(), Some(sql_state));
                assert_eq!(refusal.is_transient(), retryable, "{exception} {sql_state}");
            }
        }
    }

    #[test]
    fn exceptions_without_sql_state_are_told_apart_by_name() {
        for (code, status, retryable) in [
            ("StatementTimeoutException", 400, true),
            ("DatabaseResumingException", 400, true),
            ("DatabaseUnavailableException", 504, true),
            ("InternalServerErrorException", 500, true),
            ("ServiceUnavailableError", 503, true),
            ("ThrottlingException", 400, true),
            ("ProvisionedThroughputExceededException", 400, true),
            ("TransactionInProgressException", 400, true),
            ("an unknown error", 502, true),
            ("an unknown error", 429, true),
            ("an unknown error", 400, false),
            ("AccessDeniedException", 403, true),
            ("ForbiddenException", 403, true),
            ("ExpiredTokenException", 400, true),
            ("IncompleteSignatureException", 400, true),
            ("InvalidSecretException", 400, true),
            ("InvalidSignatureException", 400, true),
            ("MissingAuthenticationToken", 400, true),
            ("MissingAuthenticationTokenException", 400, true),
            ("UnrecognizedClientException", 400, true),
            ("ValidationException", 400, false),
            ("BadRequestException", 400, false),
            ("DatabaseNotFoundException", 500, false),
            ("HttpEndpointNotEnabledException", 500, false),
            ("ResourceNotFoundException", 400, false),
        ] {
            assert_eq!(Refusal::new(code, status, None).is_transient(), retryable, "{code} {status}");
        }
    }

    #[test]
    fn an_answer_that_was_cut_off_is_no_refusal() {
        use aws_sdk_dynamodb::operation::get_item::GetItemError;

        let told = |status: u16| {
            let answer = HttpResponse::new(status.try_into().expect("a status"), "{\"half".into());
            StoreError::dynamodb(SdkError::service_error(GetItemError::unhandled("no JSON"), answer))
        };
        assert!(matches!(told(200), StoreError::UnreadableAnswer { .. }) && told(200).is_retryable());
        assert!(matches!(told(400), StoreError::Refused { .. }) && !told(400).is_retryable());
    }

    #[test]
    fn a_violated_constraint_shows_its_name_and_no_values() {
        let refusal = database_error(
            "DatabaseErrorException",
            "ERROR: duplicate key value violates unique constraint \"payments_payment_intent_key\"\n  \
             Detail: Key (email)=(ada@example.com) already exists.; SQLState: 23505",
        );
        assert_eq!(
            refusal.to_string(),
            "DatabaseErrorException, SQLSTATE 23505: constraint payments_payment_intent_key"
        );
        assert!(!format!("{refusal:?}").contains("ada@example.com"));
    }

    #[test]
    fn a_failed_conversion_shows_no_values() {
        let refusal = database_error(
            "DatabaseErrorException",
            "ERROR: invalid input syntax for type bigint: \"ada@example.com\"; SQLState: 22P02",
        );
        assert_eq!(refusal.to_string(), "DatabaseErrorException, SQLSTATE 22P02");
    }

    #[test]
    fn a_syntax_error_shows_what_is_wrong() {
        let refusal = database_error(
            "BadRequestException",
            "ERROR: column \"pric\" does not exist Detail: ada@example.com; SQLState: 42703",
        );
        assert_eq!(refusal.to_string(), "BadRequestException, SQLSTATE 42703: ERROR: column \"pric\" does not exist");
    }

    #[test]
    fn what_a_service_quotes_is_left_out() {
        let refusal = database_error("ValidationException", "Value 'ada@example.com' at 'x' failed");
        assert_eq!(refusal.to_string(), "ValidationException: Value .. at .. failed");
        let refusal = database_error("ValidationException", "Not a number: ada@example.com, +49-151-2345-678");
        assert_eq!(refusal.to_string(), "ValidationException: Not a number: .. ..");
    }

    #[test]
    fn a_message_without_a_whole_sql_state_has_none() {
        for message in ["SQLState:", "SQLState: 42", "SQLState: 4é601", "nothing"] {
            assert_eq!(database_error("BadRequestException", message).sql_state, None, "{message}");
        }
    }
}
