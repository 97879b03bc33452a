//! The HTTP API: it prices what is asked for, starts a durable checkout, and tells how it was decided. It never changes
//! an order itself.

mod accounts;
mod auth;
mod browsers;
mod catalogue;
mod checkouts;
mod codec_endpoint;
mod cognito;
mod config;
mod diagnosis;
mod etag;
mod extract;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod guest_cart;
mod late_payments;
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
pub use codec_endpoint::{CodecAccess, CodecEndpoint};
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
    let codec = state.codec.as_ref().map(|endpoint| codec(endpoint, state.clone()));
    let (router, _) = routes::all().split_for_parts();
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
    let router = codec.into_iter().fold(router, Router::merge);
    router.layer(from_fn_with_state(state, middleware::observe))
}

/// The codec endpoint, which is for other pages than the rest of the API.
fn codec(endpoint: &CodecEndpoint, state: AppState) -> Router {
    let (router, _) = routes::codec::all().split_for_parts();
    router
        .with_state(state.clone())
        .method_not_allowed_fallback(middleware::method_not_allowed)
        .layer(from_fn_with_state(state, middleware::guard))
        .layer(endpoint.cors())
}

/// The `OpenAPI` document of the API.
pub fn document() -> utoipa::openapi::OpenApi {
    let all = OpenApiRouter::with_openapi(openapi::Document::openapi());
    let mut document = all.merge(routes::all()).merge(routes::codec::all()).into_openapi();
    openapi::add_problems(&mut document);
    document
}
