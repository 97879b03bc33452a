//! A forgotten password, and the one that takes its place.

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::sign_up::{Accepted, Address, wrong_code};
use crate::cognito::{AccountEmail, Code, Cognito, NewPassword, PasswordChange};
use crate::extract::Json;
use crate::limits::{Action, Limits};
use crate::problem::Problem;

/// Mails a code with which a forgotten password can be replaced.
///
/// The answer does not tell whether the address has an account.
#[utoipa::path(
    post, path = "/api/users/forgotten-password", tag = "users", request_body = Address,
    responses((status = ACCEPTED, description = "The code was mailed, if there is an account.", body = Accepted)),
)]
pub(crate) async fn forgotten_password(
    State(cognito): State<Cognito>,
    State(limits): State<Limits>,
    Json(request): Json<Address>,
) -> Result<(StatusCode, JsonBody<Accepted>), Problem> {
    limits.by_caller(Action::Mail, request.email.as_str()).await?;
    cognito.forgotten_password(&request.email).await?;
    Ok(Accepted::new(
        "If the address has an account, a code has been mailed to it. Use it with `POST /api/users/reset-password`.",
    ))
}

/// The proof that an address can be read, and a new password for its account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.com", "code": "654321", "password": "correct-horse-battery"}))]
pub(crate) struct ResetPassword {
    /// The address of the account.
    #[schema(value_type = String, format = "email", max_length = 128)]
    email: AccountEmail,
    /// The code that was mailed.
    #[schema(value_type = String, pattern = "^[0-9]{6}$")]
    code: Code,
    /// At least 8 characters without white space, one of them a special one such as `!` or `#`. The shop may ask for more.
    #[schema(value_type = String, format = "password", min_length = 8, max_length = 256, pattern = r"^\S*[!-/:-@\[-`{-~]\S*$")]
    password: NewPassword,
}

/// Replaces a forgotten password.
#[utoipa::path(
    post, path = "/api/users/reset-password", tag = "users", request_body = ResetPassword,
    responses((status = NO_CONTENT, description = "The new password is valid, the old one is not any more.")),
)]
pub(crate) async fn reset_password(
    State(cognito): State<Cognito>,
    State(limits): State<Limits>,
    Json(request): Json<ResetPassword>,
) -> Result<StatusCode, Problem> {
    let ResetPassword { email, code, password } = request;
    limits.by_caller(Action::Code, email.as_str()).await?;
    match cognito.reset_password(&email, &code, &password).await? {
        PasswordChange::Accepted => Ok(StatusCode::NO_CONTENT),
        PasswordChange::Weak(reason) => Err(Problem::field("password", reason)),
        PasswordChange::WrongCode => Err(wrong_code()),
    }
}
