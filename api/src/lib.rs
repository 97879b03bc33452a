//! The HTTP API: it prices what is asked for, starts a durable checkout, and tells how it was decided. It never changes
//! an order itself.

mod accounts;
mod auth;
mod browsers;
mod catalogue;
mod checkouts;
mod cognito;
mod config;
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

use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

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
pub use state::AppState;
pub use stripe_signature::WebhookSecrets;
pub use workflows::{Start, WorkflowError, Workflows};

/// How much longer than the wait for a workflow a request may take: reading the body, pricing, and asking what became
/// of a workflow that did not answer.
const SLACK: Duration = Duration::from_secs(20);

/// The whole API.
pub fn router(state: AppState) -> Router {
    let limit = state.workflows.config().answer_timeout + SLACK;
    let metrics = state.metrics.clone();
    let limits = (state.limits.clone(), state.proxies);
    let browsers = state.browsers.clone();
    let (router, _) = documented().split_for_parts();
    let router = router
        .with_state(state)
        .merge(SwaggerUi::new("/docs").url("/api/openapi.json", document()))
        .fallback(middleware::not_found)
        .method_not_allowed_fallback(middleware::method_not_allowed)
        .layer(from_fn_with_state(limits, limits::limit_address))
        .layer(from_fn_with_state(limit, middleware::limit_time))
        .layer(CatchPanicLayer::custom(middleware::on_panic));
    let router = match browsers.cors() {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.layer(from_fn_with_state(browsers, browsers::secure)).layer(from_fn_with_state(metrics, middleware::observe))
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
