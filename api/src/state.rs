//! What handlers share.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;
use kassa_store::{
    Carts, Database, DynamoDb, EventLog, Notifications, Orders, PaymentValve, Products, UserSettings, Users,
};

use crate::accounts::Accounts;
use crate::auth::AccessTokens;
use crate::browsers::Browsers;
use crate::catalogue::Catalogue;
use crate::codec_endpoint::CodecEndpoint;
use crate::cognito::Cognito;
use crate::limits::{Limits, TrustedProxies};
use crate::metrics::Metrics;
use crate::return_urls::ReturnOrigins;
use crate::signing::Signer;
use crate::stripe_signature::WebhookSecrets;
use crate::workflows::Workflows;

/// What handlers share. The router clones it several times for each request, so it is one counted pointer.
#[derive(Debug, Clone)]
pub(crate) struct AppState(Arc<Services>);

impl From<Services> for AppState {
    fn from(services: Services) -> Self {
        Self(Arc::new(services))
    }
}

impl Deref for AppState {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

/// The parts of the state.
#[derive(Debug)]
pub struct Services {
    /// Checks access tokens.
    pub tokens: AccessTokens,
    /// Who has an account.
    pub cognito: Cognito,
    /// The profiles of those who have one.
    pub users: Users,
    /// What opens encrypted payloads for the web UI, if anything does.
    pub codec: Option<CodecEndpoint>,
    /// Signs what guests are handed.
    pub signer: Signer,
    /// The workflows that change orders.
    pub workflows: Workflows,
    /// Where customers are led back to.
    pub return_origins: ReturnOrigins,
    /// What Stripe signs its events with.
    pub webhook_secrets: WebhookSecrets,
    /// Products and their stock.
    pub products: Products,
    /// What customers read of them.
    pub catalogue: Catalogue,
    /// Carts.
    pub carts: Carts,
    /// Orders.
    pub orders: Orders,
    /// Whether orders may be charged.
    pub valve: PaymentValve,
    /// The events that told of orders.
    pub event_log: EventLog,
    /// What was sent to customers.
    pub notifications: Notifications,
    /// Which messages customers want.
    pub settings: UserSettings,
    /// The server behind the products, for the readiness probe.
    pub dynamodb: DynamoDb,
    /// The server behind the orders, for the readiness probe.
    pub database: Database,
    /// How often what may be tried.
    pub limits: Limits,
    /// How many proxies are in front.
    pub proxies: TrustedProxies,
    /// What browsers are told.
    pub browsers: Browsers,
    /// What is counted.
    pub metrics: Metrics,
}

/// Lets a handler take one part of the state.
macro_rules! parts {
    ($($field:ident: $part:ty),* $(,)?) => {
        $(impl FromRef<AppState> for $part {
            fn from_ref(state: &AppState) -> Self {
                state.$field.clone()
            }
        })*
    };
}

parts! {
    tokens: AccessTokens,
    cognito: Cognito,
    users: Users,
    codec: Option<CodecEndpoint>,
    signer: Signer,
    workflows: Workflows,
    return_origins: ReturnOrigins,
    webhook_secrets: WebhookSecrets,
    products: Products,
    catalogue: Catalogue,
    carts: Carts,
    orders: Orders,
    valve: PaymentValve,
    event_log: EventLog,
    limits: Limits,
    notifications: Notifications,
    settings: UserSettings,
    metrics: Metrics,
}

impl FromRef<AppState> for Accounts {
    fn from_ref(state: &AppState) -> Self {
        Self::new(state.users.clone(), state.workflows.clone())
    }
}
