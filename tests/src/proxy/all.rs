//! One proxy in front of each outside system.

use std::collections::BTreeSet;

use kassa_devstack::Stack;

use super::Proxy;

/// A proxy in front of each outside system of a stack.
#[derive(Debug)]
pub struct Proxies {
    /// Products and reservations.
    pub dynamodb: Proxy,
    /// Orders.
    pub rds_data: Proxy,
    /// Messages and events.
    pub aws: Proxy,
    /// Payments.
    pub stripe: Proxy,
}

impl Proxies {
    /// Starts them all. A worker uses them once it is started with [`Proxies::environment`].
    pub async fn start(stack: &Stack) -> anyhow::Result<Self> {
        let store = stack.store_config();
        let dynamodb = store.dynamodb.endpoint.unwrap_or_default();
        let rds_data = store.rds_data.endpoint.unwrap_or_default();
        Ok(Self {
            dynamodb: Proxy::start(&dynamodb).await?,
            rds_data: Proxy::start(&rds_data).await?,
            aws: Proxy::start(&stack.aws.endpoint()).await?,
            stripe: Proxy::start(&stack.stripe.url()).await?,
        })
    }

    /// Returns the settings that send a worker or an API through the proxies.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("KASSA_DYNAMODB_ENDPOINT", &self.dynamodb),
            ("KASSA_RDS_ENDPOINT", &self.rds_data),
            ("KASSA_COGNITO_ENDPOINT", &self.aws),
            ("KASSA_SES_ENDPOINT", &self.aws),
            ("KASSA_SNS_ENDPOINT", &self.aws),
            ("KASSA_EVENTBRIDGE_ENDPOINT", &self.aws),
            ("KASSA_STRIPE_ENDPOINT", &self.stripe),
        ]
        .map(|(name, proxy)| (name.to_owned(), proxy.url()))
        .into()
    }

    /// Returns the actions, in the terms of IAM, that all calls needed so far.
    pub fn actions(&self) -> BTreeSet<String> {
        [&self.dynamodb, &self.rds_data, &self.aws].into_iter().flat_map(Proxy::actions).collect()
    }

    /// Forgets everything that was asked of any of them.
    pub fn clear(&self) {
        [&self.dynamodb, &self.rds_data, &self.aws, &self.stripe].into_iter().for_each(Proxy::clear);
    }
}
