//! Writes that happen together or not at all.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};

use super::item::Item;
use super::{DynamoDb, back_off};
use crate::error::{Refusal, Service, StoreError};

/// How often a transaction is sent that meets another one on the same rows. Products in demand make this common, and
/// it is over within milliseconds; what takes longer is for the caller to wait out.
const ATTEMPTS: u32 = 6;

/// What came of a transaction.
#[derive(Debug)]
pub(crate) enum Written {
    /// All writes took effect.
    Committed,
    /// None did, because conditions did not hold.
    Rejected(Rejections),
}

/// Which writes had a condition that did not hold.
#[derive(Debug)]
pub(crate) struct Rejections(Vec<Option<Item>>);

impl Rejections {
    /// The row as it was when the condition of the write number `index` did not hold, empty if there was none or if
    /// the write did not ask for it; `None` if its condition held.
    pub(crate) fn at(&self, index: usize) -> Option<&Item> {
        self.0.get(index).and_then(Option::as_ref)
    }
}

/// Sends a transaction, and again while it only collides with others.
pub(crate) async fn write(dynamodb: &DynamoDb, writes: Vec<TransactWriteItem>) -> Result<Written, StoreError> {
    let mut attempt = 1;
    loop {
        // The SDK draws a client request token for each call, so its own repetitions are harmless.
        let sent = dynamodb.client.transact_write_items().set_transact_items(Some(writes.clone())).send().await;
        let Err(error) = sent else { return Ok(Written::Committed) };
        let reasons = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled.cancellation_reasons(),
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => &[],
            _ => return Err(StoreError::dynamodb(error)),
        };
        let verdict = Verdict::of(reasons)?;
        if verdict.collided && attempt < ATTEMPTS {
            back_off(attempt).await;
            attempt += 1;
            continue;
        }
        return if verdict.rejections.0.iter().any(Option::is_some) {
            Ok(Written::Rejected(verdict.rejections))
        } else {
            Err(StoreError::Contended { service: Service::DynamoDb })
        };
    }
}

struct Verdict {
    /// Some rows were busy, so that what is known of the conditions may not be all.
    collided: bool,
    rejections: Rejections,
}

impl Verdict {
    fn of(reasons: &[CancellationReason]) -> Result<Self, StoreError> {
        // A transaction that is still in progress gives no reasons.
        let mut collided = reasons.is_empty();
        let mut rejections = Vec::with_capacity(reasons.len());
        for reason in reasons {
            let mut rejection = None;
            match reason.code() {
                None | Some("None") => {}
                Some("ConditionalCheckFailed") => rejection = Some(reason.item().cloned().unwrap_or_default()),
                Some("TransactionConflict" | "ProvisionedThroughputExceeded" | "ThrottlingError") => collided = true,
                Some(code) => {
                    return Err(StoreError::Refused {
                        service: Service::DynamoDb,
                        refusal: Refusal::new(code, 400, reason.message()),
                    });
                }
            }
            rejections.push(rejection);
        }
        Ok(Self { collided, rejections: Rejections(rejections) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(code: &str) -> CancellationReason {
        CancellationReason::builder().code(code).build()
    }

    #[test]
    fn conditions_keep_their_places() {
        let verdict = Verdict::of(&[reason("None"), reason("ConditionalCheckFailed")]).expect("no other reason");
        assert!(!verdict.collided);
        assert!(verdict.rejections.at(0).is_none());
        assert!(verdict.rejections.at(1).is_some());
        assert!(verdict.rejections.at(2).is_none());
    }

    #[test]
    fn busy_rows_are_collisions() {
        for code in ["TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"] {
            let verdict = Verdict::of(&[reason(code)]).expect("no other reason");
            assert!(verdict.collided, "{code}");
            assert!(verdict.rejections.at(0).is_none());
        }
        assert!(Verdict::of(&[]).expect("no other reason").collided);
    }

    #[test]
    fn an_invalid_write_is_not_tried_again() {
        let error = Verdict::of(&[reason("None"), reason("ValidationError")]).err().expect("an invalid write");
        assert!(!error.is_retryable());
    }
}
