//! Where recorded histories are kept.

use std::env;
use std::path::PathBuf;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::record;

/// The environment variable that asks for new histories.
const RECORD: &str = "KASSA_RECORD_HISTORIES";

/// A way through a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// Sold and paid at once.
    Confirmed,
    /// The card was declined.
    Declined,
    /// Confirming failed for good after the money had been captured.
    Compensated,
    /// A cart that was sold, with the tail that takes what was bought out of it.
    CartSold,
    /// Paid on a page of Stripe's.
    PaidOnPage,
    /// Nobody paid on the page.
    NeverPaid,
    /// Held before its charge until payments were resumed.
    Held,
    /// Held for so long that it was given up.
    HeldTooLong,
    /// Paid with another card after one was declined, and one was not authenticated.
    AnotherCard,
    /// Cancelled after it was sold.
    Cancelled,
    /// A part of a payment that was given back.
    Refunded,
    /// Sent on its way.
    Shipped,
    /// A message of its own.
    Sent,
    /// Everything compared, with a finding.
    Reconciled,
    /// A finding that an operator left as it is.
    Shown,
    /// An order that was taken back after its checkout had been ended from outside.
    TakenBack,
    /// Money that came for a cancelled order, as the reconciliation saw it.
    PaidLate,
    /// Money that came for a cancelled order, and went back.
    GivenBack,
}

impl Path {
    /// All of them.
    pub(crate) const ALL: [Self; 18] = [
        Self::Confirmed,
        Self::Declined,
        Self::Compensated,
        Self::CartSold,
        Self::PaidOnPage,
        Self::NeverPaid,
        // In this order: once the second one has gone, the worker knows that payments are resumed.
        Self::HeldTooLong,
        Self::Held,
        Self::AnotherCard,
        Self::Cancelled,
        Self::Refunded,
        Self::Shipped,
        Self::Sent,
        Self::Reconciled,
        Self::Shown,
        Self::TakenBack,
        Self::PaidLate,
        Self::GivenBack,
    ];

    /// The file of its history.
    pub(crate) fn file(self) -> PathBuf {
        let name = match self {
            Self::Confirmed => "checkout-confirmed.json",
            Self::Declined => "checkout-declined.json",
            Self::Compensated => "checkout-compensated.json",
            Self::CartSold => "checkout-cart-sold.json",
            Self::PaidOnPage => "checkout-paid-on-page.json",
            Self::NeverPaid => "checkout-never-paid.json",
            Self::Held => "checkout-held.json",
            Self::HeldTooLong => "checkout-held-too-long.json",
            Self::AnotherCard => "checkout-another-card.json",
            Self::Cancelled => "cancellation.json",
            Self::Refunded => "refund.json",
            Self::Shipped => "fulfilment-shipped.json",
            Self::Sent => "notification.json",
            Self::Reconciled => "reconciliation.json",
            Self::Shown => "finding.json",
            Self::TakenBack => "recovery-taken-back.json",
            Self::PaidLate => "recovery-paid-late.json",
            Self::GivenBack => "late-payment-given-back.json",
        };
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("histories").join(name)
    }
}

/// The recorded history; recorded just now if the environment asks for it.
pub(crate) async fn load(path: Path) -> anyhow::Result<Vec<u8>> {
    static RECORDED: OnceCell<()> = OnceCell::const_new();
    if env::var_os(RECORD).is_some() {
        RECORDED.get_or_try_init(record::all).await?;
    }
    let file = path.file();
    std::fs::read(&file).with_context(|| format!("there is no {}: record it with {RECORD}=1", file.display()))
}

/// Every e-mail address in a history. Payloads are JSON in base64.
pub(crate) fn addresses(history: &[u8]) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    collect(&serde_json::from_slice(history)?, &mut found);
    Ok(found)
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let decoded = BASE64_STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let words = |text: &str| -> Vec<String> {
                let is_part = |c: char| c.is_ascii_alphanumeric() || "@.-_+".contains(c);
                text.split(|c| !is_part(c)).filter(|word| word.contains('@')).map(str::to_owned).collect()
            };
            found.extend(words(text));
            found.extend(decoded.iter().flat_map(|text| words(text)));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(members) => members.values().for_each(|value| collect(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
