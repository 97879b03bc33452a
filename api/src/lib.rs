//! The HTTP API: it prices what is asked for, starts a durable checkout, and tells how it was decided. It never changes
//! an order itself.

mod accounts;
mod auth;
mod browsers;
mod catalogue;
mod checkouts;
mod cognito;
mod config;
mod diagnosis;
mod etag;
mod extract;
mod guest_cart;
mod limits;
mod messages;
mod metrics;
mod middleware;
mod openapi;
mod orders;
mod problem;
mod return_urls;
mod routes;
mod server;
mod signing;
mod state;
mod stripe_signature;
mod wire;
mod workflows;

use axum::Router;
use axum::middleware::from_fn_with_state;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use state::AppState;

pub use auth::{AccessTokens, TokenConfig};
pub use browsers::Browsers;
pub use catalogue::Catalogue;
pub use cognito::Cognito;
pub use config::{CognitoConfig, Config, HttpConfig, PaymentConfig, WorkflowConfig};
pub use limits::{Action, InvalidLimit, Limit, LimitSettings, Limits, TrustedProxies};
pub use metrics::Metrics;
pub use problem::{PROBLEM_JSON, ProblemCode};
pub use return_urls::{NoOrigin, ReturnOrigins};
pub use server::serve;
pub use signing::{MIN_SIGNING_KEY_LENGTH, Purpose, Signer, WeakSigningKey};
pub use state::Services;
pub use stripe_signature::WebhookSecrets;
pub use workflows::{Start, WorkflowError, Workflows};

/// The whole API.
pub fn router(services: Services) -> Router {
    let state = AppState::from(services);
    let (router, _) = documented().split_for_parts();
    let router = router
        .with_state(state.clone())
        .merge(SwaggerUi::new("/docs").url("/api/openapi.json", document()))
        .fallback(middleware::not_found)
        .method_not_allowed_fallback(middleware::method_not_allowed)
        .layer(from_fn_with_state(state.clone(), middleware::guard));
    let router = match state.browsers.cors() {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.layer(from_fn_with_state(state, middleware::observe))
}

/// The `OpenAPI` document of the API.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = documented().into_openapi();
    openapi::add_problems(&mut document);
    document
}

fn documented() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::Document::openapi()).merge(routes::all())
}
