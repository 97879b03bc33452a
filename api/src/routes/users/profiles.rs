//! The profile of a customer.

use axum::Json as JsonBody;
use axum::extract::State;
use kassa_domain::{PersonName, UserId};
use kassa_store::Users;
use kassa_store::users::User;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use crate::accounts::Accounts;
use crate::auth::{Admin, Session, SignedIn, unauthorized};
use crate::cognito::Cognito;
use crate::extract::{Json, PathParameter, QueryParameters, page_size};
use crate::problem::{Problem, ProblemCode};

/// A customer with an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User, example = json!({
    "id": "usr_0f1e2d3c-4b5a-4968-8776-655443322110", "email": "ada@example.com", "name": "Ada Lovelace",
    "created_at": "2026-11-21T09:00:00Z"
}))]
pub(crate) struct UserBody {
    /// The identifier.
    id: String,
    /// Where mail goes.
    email: String,
    /// How to be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// When the account was used for the first time.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        let User { id, email, name, welcomed: _, created_at } = user;
        Self { id: id.into(), email: email.into(), name: name.map(Into::into), created_at }
    }
}

/// Reads one's own profile.
#[utoipa::path(
    get, path = "/api/users/me", tag = "users", security(("access_token" = [])),
    responses((status = OK, description = "The profile.", body = UserBody)),
)]
pub(crate) async fn get_me(
    session: Session,
    State(accounts): State<Accounts>,
    State(cognito): State<Cognito>,
) -> Result<JsonBody<UserBody>, Problem> {
    accounts.own(&session, &cognito).await.map(|user| JsonBody(user.into()))
}

/// What a customer can change about the profile.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ada Lovelace"}))]
pub(crate) struct UpdateProfile {
    /// How to be called; taken away if left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    name: Option<PersonName>,
}

/// Changes one's own profile.
#[utoipa::path(
    put, path = "/api/users/me", tag = "users", security(("access_token" = [])), request_body = UpdateProfile,
    responses((status = OK, description = "The profile as it is now.", body = UserBody)),
)]
pub(crate) async fn update_me(
    session: Session,
    State(users): State<Users>,
    State(accounts): State<Accounts>,
    State(cognito): State<Cognito>,
    Json(request): Json<UpdateProfile>,
) -> Result<JsonBody<UserBody>, Problem> {
    let user = accounts.own(&session, &cognito).await?;
    let renamed = users.rename(&user.id, request.name.as_ref()).await?;
    renamed.map(|user| JsonBody(user.into())).ok_or_else(unauthorized)
}

/// Reads a profile: one's own, or any for an administrator.
#[utoipa::path(
    get, path = "/api/users/{id}", tag = "users", security(("access_token" = [])),
    params((
        "id" = String, Path, description = "The customer.", pattern = "^usr_[a-z0-9_-]{1,64}$",
        example = "usr_0f1e2d3c-4b5a-4968-8776-655443322110",
    )),
    responses((status = OK, description = "The profile.", body = UserBody)),
)]
pub(crate) async fn get_user(
    signed_in: SignedIn,
    State(users): State<Users>,
    PathParameter(id): PathParameter<UserId>,
) -> Result<JsonBody<UserBody>, Problem> {
    let found = if signed_in.admin || signed_in.user == id { users.get(&id).await? } else { None };
    found
        .map(|user| JsonBody(user.into()))
        .ok_or_else(|| Problem::new(ProblemCode::UserNotFound, format!("There is no user {id} for you to see.")))
}

/// Which part of the users.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListUsers {
    /// The most users of the page; 20 if left out.
    // Texts, so that what is wrong with them is said in the words of this API.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A part of the users.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserPage {
    /// The users.
    items: Vec<UserBody>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Lists all users, in no particular order.
#[utoipa::path(
    get, path = "/api/users", tag = "users", security(("access_token" = ["admin"])), params(ListUsers),
    responses((status = OK, description = "A page of users.", body = UserPage)),
)]
pub(crate) async fn list_users(
    _: Admin,
    State(users): State<Users>,
    QueryParameters(query): QueryParameters<ListUsers>,
) -> Result<JsonBody<UserPage>, Problem> {
    let limit = page_size(query.limit.as_deref())?;
    let after: Option<UserId> = query
        .cursor
        .map(|text| text.parse().map_err(|_| Problem::parameter("cursor", "expected `next` of the page before")))
        .transpose()?;
    let page = users.list(limit, after.as_ref()).await?;
    Ok(JsonBody(UserPage {
        items: page.users.into_iter().map(UserBody::from).collect(),
        next: page.next.map(Into::into),
    }))
}
