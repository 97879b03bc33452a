//! Carts in DynamoDB.

use std::sync::Arc;

use kassa_store::StoreError;
use kassa_workflows::contracts::carts::{self as contract, Settle};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::error::{Classified, activity_error};

/// The activities of carts.
#[derive(Debug)]
pub struct Carts {
    carts: kassa_store::Carts,
}

impl Classified for StoreError {
    fn kind(&self) -> &'static str {
        "StoreError"
    }

    fn is_retryable(&self) -> bool {
        self.is_retryable()
    }
}

impl Carts {
    /// The activities over the carts.
    pub fn new(carts: kassa_store::Carts) -> Self {
        Self { carts }
    }
}

#[activities]
impl Carts {
    /// Takes out what was bought, and nothing that came after it.
    #[activity(definition = contract::definitions::Settle)]
    pub async fn settle(self: Arc<Self>, _ctx: ActivityContext, input: Settle) -> Result<(), ActivityError> {
        self.carts.settle(&input.cart, &input.bought).await.map_err(|error| activity_error(&error))
    }
}
