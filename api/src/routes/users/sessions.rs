//! Signing in and out.

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accounts::Accounts;
use crate::auth::Session;
use crate::cognito::{AccountEmail, Cognito, Password, RefreshToken, SignIn, Tokens};
use crate::extract::Json;
use crate::limits::{Action, Limits};
use crate::problem::{Problem, ProblemCode};
use crate::routes::cart::{BroughtBody, bring_along};
use crate::state::{AppState, Services};

/// Somebody with an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.com", "password": "correct-horse-battery"}))]
pub(crate) struct Login {
    /// The address of the account.
    #[schema(value_type = String, format = "email", max_length = 128)]
    email: AccountEmail,
    /// Its password.
    #[schema(value_type = String, format = "password", max_length = 256, pattern = r"^\S+$")]
    password: Password,
}

/// What a session needs.
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens, example = json!({
    "access_token": "eyJraWQiOi...", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "eyJjdHkiOi..."
}))]
pub(crate) struct TokensBody {
    /// To be sent as `Authorization: Bearer <token>`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// How many seconds the access token is valid.
    expires_in: u32,
    /// For a new access token when this one has expired; absent when it was just used for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// What became of the guest's cart that the login named; absent if it named none, or one that was not moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    cart: Option<BroughtBody>,
}

impl IntoResponse for TokensBody {
    /// Nobody on the way is to keep it (RFC 6749, section 5.1).
    fn into_response(self) -> Response {
        ([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], JsonBody(self)).into_response()
    }
}

impl From<Tokens> for TokensBody {
    fn from(tokens: Tokens) -> Self {
        let Tokens { access, refresh, expires_in } = tokens;
        Self { access_token: access, token_type: "Bearer", expires_in, refresh_token: refresh, cart: None }
    }
}

/// Signs in.
///
/// An unknown address, a wrong password, one that has to be replaced, and an address that is not confirmed yet get the same
/// answer.
///
/// What is in the guest's cart that the request names moves into the cart of the account, and the cookie that named it is
/// deleted. A cart that is not valid is not looked at, and one that cannot be moved now stays the guest's: sign-in does not
/// fail for it, and `POST /api/cart/merge` moves it later.
#[utoipa::path(
    post, path = "/api/users/login", tag = "users", request_body = Login,
    params(("Kassa-Cart" = Option<String>, Header, description = "The guest's cart, unless the cookie names it.")),
    responses((status = OK, description = "Signed in.", body = TokensBody)),
)]
pub(crate) async fn login(
    State(state): State<AppState>,
    State(accounts): State<Accounts>,
    headers: HeaderMap,
    Json(request): Json<Login>,
) -> Result<(HeaderMap, TokensBody), Problem> {
    let Services { cognito, limits, carts, signer, .. } = &*state;
    limits.by_caller(Action::Login, request.email.as_str()).await?;
    let tokens = match cognito.sign_in(&request.email, &request.password).await? {
        SignIn::Tokens(tokens) => tokens,
        SignIn::Refused => {
            return Err(invalid_credentials(
                "The e-mail address or the password is wrong, or the address has not been confirmed yet. A forgotten \
                 password is replaced with `POST /api/users/forgotten-password`.",
            ));
        }
        SignIn::PasswordExpired => {
            return Err(Problem::new(
                ProblemCode::PasswordExpired,
                "This password has to be replaced first: have a code mailed with `POST /api/users/forgotten-password`.",
            ));
        }
        SignIn::MoreThanAPassword => {
            return Err(Problem::new(
                ProblemCode::Forbidden,
                "This account asks for more than a password, which cannot be given here.",
            ));
        }
    };
    let account = cognito.account_of(&tokens.access).await?;
    let mut body = TokensBody::from(tokens);
    let Some(account) = account else { return Ok((HeaderMap::new(), body)) };
    let (forget, cart) = bring_along(carts, signer, &account.user, &headers).await;
    body.cart = cart;
    accounts.open_or_leave(account).await;
    Ok((forget, body))
}

/// A session that goes on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "eyJjdHkiOi"}))]
pub(crate) struct Refresh {
    /// The refresh token of the login.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_=.-]{1,4096}$")]
    refresh_token: RefreshToken,
}

/// Gets a new access token.
#[utoipa::path(
    post, path = "/api/users/refresh", tag = "users", request_body = Refresh,
    responses((status = OK, description = "A new access token.", body = TokensBody)),
)]
pub(crate) async fn refresh(
    State(cognito): State<Cognito>,
    State(limits): State<Limits>,
    Json(request): Json<Refresh>,
) -> Result<TokensBody, Problem> {
    limits.by_caller(Action::Refresh, request.refresh_token.as_str()).await?;
    let tokens = cognito.refresh(&request.refresh_token).await?;
    tokens.map(TokensBody::from).ok_or_else(|| {
        invalid_credentials("The refresh token is not, or no longer, valid: sign in with `POST /api/users/login`.")
    })
}

/// Signs out, everywhere.
///
/// No refresh token of the account is valid any more. Access tokens are not asked back: they last until they expire.
#[utoipa::path(
    post, path = "/api/users/logout", tag = "users", security(("access_token" = [])),
    responses((status = NO_CONTENT, description = "Signed out.")),
)]
pub(crate) async fn logout(session: Session, State(cognito): State<Cognito>) -> Result<StatusCode, Problem> {
    cognito.sign_out(&session.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn invalid_credentials(detail: &str) -> Problem {
    Problem::new(ProblemCode::InvalidCredentials, detail).challenge(r#"Bearer realm="kassa""#)
}
