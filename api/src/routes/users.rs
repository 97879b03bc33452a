//! Accounts: becoming a customer, signing in and out, and the profile.

pub(crate) mod passwords;
pub(crate) mod profiles;
pub(crate) mod sessions;
pub(crate) mod sign_up;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::ProblemCode;
use crate::state::AppState;

/// The routes of this resource.
pub(crate) fn all() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(sign_up::register))
        .routes(routes!(sign_up::confirm))
        .routes(routes!(sign_up::resend_code))
        .routes(routes!(sessions::login))
        .routes(routes!(sessions::refresh))
        .routes(routes!(sessions::logout))
        .routes(routes!(passwords::forgotten_password))
        .routes(routes!(passwords::reset_password))
        .routes(routes!(profiles::get_me, profiles::update_me))
        .routes(routes!(profiles::get_user))
        .routes(routes!(profiles::list_users))
}

pub(crate) const PROBLEMS: &[(&str, &[ProblemCode])] = &[
    ("register", &[ProblemCode::TemporarilyUnavailable]),
    ("confirm", &[ProblemCode::InvalidCode, ProblemCode::TemporarilyUnavailable]),
    ("resend_code", &[ProblemCode::TemporarilyUnavailable]),
    (
        "login",
        &[
            ProblemCode::InvalidCredentials,
            ProblemCode::PasswordExpired,
            ProblemCode::Forbidden,
            ProblemCode::TemporarilyUnavailable,
        ],
    ),
    ("refresh", &[ProblemCode::InvalidCredentials, ProblemCode::TemporarilyUnavailable]),
    ("logout", &[ProblemCode::TemporarilyUnavailable]),
    ("forgotten_password", &[ProblemCode::TemporarilyUnavailable]),
    ("reset_password", &[ProblemCode::InvalidCode, ProblemCode::TemporarilyUnavailable]),
    ("get_me", &[ProblemCode::TemporarilyUnavailable]),
    ("update_me", &[ProblemCode::TemporarilyUnavailable]),
    ("get_user", &[ProblemCode::UserNotFound, ProblemCode::TemporarilyUnavailable]),
    ("list_users", &[ProblemCode::TemporarilyUnavailable]),
];
