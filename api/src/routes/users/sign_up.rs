//! Becoming a customer: registering, and confirming the address with a mailed code.

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::StatusCode;
use kassa_domain::PersonName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accounts::Accounts;
use crate::cognito::{AccountEmail, Code, Cognito, NewPassword, PasswordChange};
use crate::extract::Json;
use crate::limits::{Action, Limits};
use crate::problem::{Problem, ProblemCode};

/// Somebody who wants an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.com", "password": "correct-horse-battery", "name": "Ada Lovelace"}))]
pub(crate) struct Register {
    /// Where the code, and all further mail, goes.
    #[schema(value_type = String, format = "email", max_length = 128)]
    email: AccountEmail,
    /// At least 8 characters without white space, one of them a special one such as `!` or `#`. The shop may ask for more.
    #[schema(value_type = String, format = "password", min_length = 8, max_length = 256, pattern = r"^\S*[!-/:-@\[-`{-~]\S*$")]
    password: NewPassword,
    /// How to be called.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    name: Option<PersonName>,
}

/// What is said whether there is such an account or not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"detail": "If the address can be registered, a code has been mailed to it."}))]
pub(crate) struct Accepted {
    /// What to do next.
    detail: &'static str,
}

impl Accepted {
    pub(super) const fn new(detail: &'static str) -> (StatusCode, JsonBody<Self>) {
        (StatusCode::ACCEPTED, JsonBody(Self { detail }))
    }
}

/// Registers an account.
///
/// A code is mailed to the address; the account can be used once it was confirmed with it. The answer does not tell
/// whether the address has an account already.
#[utoipa::path(
    post, path = "/api/users/register", tag = "users", request_body = Register,
    responses((status = ACCEPTED, description = "The address is to be confirmed.", body = Accepted)),
)]
pub(crate) async fn register(
    State(cognito): State<Cognito>,
    State(limits): State<Limits>,
    Json(request): Json<Register>,
) -> Result<(StatusCode, JsonBody<Accepted>), Problem> {
    let Register { email, password, name } = request;
    limits.by_caller(Action::Register, email.as_str()).await?;
    match cognito.sign_up(&email, &password, name.as_ref()).await? {
        PasswordChange::Weak(reason) => Err(Problem::field("password", reason)),
        PasswordChange::Accepted | PasswordChange::WrongCode => Ok(Accepted::new(
            "If the address can be registered, a code has been mailed to it. Confirm it with `POST /api/users/confirm`.",
        )),
    }
}

/// The proof that an address can be read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.com", "code": "123456"}))]
pub(crate) struct Confirm {
    /// The address.
    #[schema(value_type = String, format = "email", max_length = 128)]
    email: AccountEmail,
    /// The code that was mailed.
    #[schema(value_type = String, pattern = "^[0-9]{6}$")]
    code: Code,
}

/// Confirms the address of an account.
#[utoipa::path(
    post, path = "/api/users/confirm", tag = "users", request_body = Confirm,
    responses((status = NO_CONTENT, description = "The account can be used.")),
)]
pub(crate) async fn confirm(
    State(cognito): State<Cognito>,
    State(accounts): State<Accounts>,
    State(limits): State<Limits>,
    Json(request): Json<Confirm>,
) -> Result<StatusCode, Problem> {
    let Confirm { email, code } = request;
    limits.by_caller(Action::Code, email.as_str()).await?;
    if !cognito.confirm(&email, &code).await? {
        return Err(wrong_code());
    }
    // The account is confirmed whatever comes now, and its first login makes up for what could not be done.
    match cognito.account_with(&email).await {
        Ok(Some(account)) => accounts.open_or_leave(account).await,
        Ok(None) => {}
        Err(error) => tracing::warn!(error = %error, "the profile of a new account is left to its first login"),
    }
    Ok(StatusCode::NO_CONTENT)
}

/// An address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.com"}))]
pub(crate) struct Address {
    /// The address of the account.
    #[schema(value_type = String, format = "email", max_length = 128)]
    pub(super) email: AccountEmail,
}

/// Mails the code for a new account again.
///
/// The answer does not tell whether there is an account that waits for it.
#[utoipa::path(
    post, path = "/api/users/resend-code", tag = "users", request_body = Address,
    responses((status = ACCEPTED, description = "The code was mailed, if it is waited for.", body = Accepted)),
)]
pub(crate) async fn resend_code(
    State(cognito): State<Cognito>,
    State(limits): State<Limits>,
    Json(request): Json<Address>,
) -> Result<(StatusCode, JsonBody<Accepted>), Problem> {
    limits.by_caller(Action::Mail, request.email.as_str()).await?;
    cognito.resend_code(&request.email).await?;
    Ok(Accepted::new("If an account waits for its code, it has been mailed again."))
}

/// The same for every code that does not help, whatever the reason.
pub(super) fn wrong_code() -> Problem {
    Problem::new(
        ProblemCode::InvalidCode,
        "The code is wrong, has expired or was used before, or was tried too often. Have another one mailed.",
    )
}
