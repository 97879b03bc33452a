//! Typed identifiers, each with a prefix that names what it identifies.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Caller, IdempotencyKey};

/// The longest identifier, prefix included; long enough for a SHA-256 in hex, short enough for every key column.
const MAX_LENGTH: usize = 72;

/// A text that is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind} id: it starts with `{prefix}`, followed by 1 to 64 characters of a-z, 0-9, `-` and `_`")]
pub struct InvalidId {
    kind: &'static str,
    prefix: &'static str,
}

fn is_valid(text: &str, prefix: &str) -> bool {
    text.len() <= MAX_LENGTH
        && text.strip_prefix(prefix).is_some_and(|rest| {
            (1..=64).contains(&rest.len())
                && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
        })
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What every identifier of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// The identifier as it is written everywhere.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                if is_valid(&text, $prefix) {
                    Ok(Self(text))
                } else {
                    Err(InvalidId { kind: $kind, prefix: $prefix })
                }
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.to_owned().try_into()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id!(
    /// One order, and with it one checkout workflow.
    OrderId, "order", "ord_"
);
id!(
    /// One product of the catalogue.
    ProductId, "product", "prod_"
);
id!(
    /// The payment of one order; there is one per order, because one `PaymentIntent` serves all its attempts.
    PaymentId, "payment", "pay_"
);
id!(
    /// One refund of a payment.
    RefundId, "refund", "ref_"
);
id!(
    /// One published event; the same event published twice carries the same id.
    EventId, "event", "evt_"
);

id!(
    /// A customer with an account, or an operator.
    UserId, "user", "usr_"
);

id!(
    /// One reconciliation that somebody asked for.
    ReconciliationId, "reconciliation", "rec_"
);

id!(
    /// One message to a customer; the same message sent twice carries the same id.
    MessageId, "message", "msg_"
);

id!(
    /// The cart of a guest. Whoever knows it still needs the shop's signature to use it.
    GuestCartId, "guest cart", "cart_"
);

impl GuestCartId {
    /// The identifier that a unique number makes, such as a UUID; see [`ProductId::from_unique`].
    pub fn from_unique(number: u128) -> Self {
        Self(format!("{}{number:032x}", Self::PREFIX))
    }
}

impl UserId {
    /// The user whom the identity provider knows as `subject` (the claim `sub`, a UUID at Cognito).
    pub fn of_subject(subject: &str) -> Result<Self, InvalidId> {
        format!("{}{subject}", Self::PREFIX).try_into()
    }
}

impl OrderId {
    /// The order that `caller` asks for with `key`.
    ///
    /// Derived instead of drawn, so that a repeated request names the same order without anything having been
    /// stored; 128 bits of SHA-256 over both, with their lengths, so that no two pairs share an encoding.
    pub fn derive(caller: &Caller, key: &IdempotencyKey) -> Self {
        Self(format!("{}{}", Self::PREFIX, short_hash(&["order", caller.as_str(), key.as_str()])))
    }

    fn suffix(&self) -> &str {
        &self.0[Self::PREFIX.len()..]
    }
}

impl ProductId {
    /// The identifier that a unique number makes, such as a UUID. Drawing one is for the caller: there is no random source
    /// in this crate, because workflows link it.
    pub fn from_unique(number: u128) -> Self {
        Self(format!("{}{number:032x}", Self::PREFIX))
    }
}

impl ReconciliationId {
    /// The identifier that a unique number makes, such as a UUID; see [`ProductId::from_unique`].
    pub fn from_unique(number: u128) -> Self {
        Self(format!("{}{number:032x}", Self::PREFIX))
    }
}

impl PaymentId {
    /// The payment of an order.
    pub fn of(order: &OrderId) -> Self {
        Self(format!("{}{}", Self::PREFIX, order.suffix()))
    }
}

impl RefundId {
    /// The refund of `payment` that is asked for with `key`; derived, so that asking again names the same one.
    pub fn derive(payment: &PaymentId, key: &IdempotencyKey) -> Self {
        Self(format!("{}{}", Self::PREFIX, short_hash(&["refund", payment.as_str(), key.as_str()])))
    }

    /// The refund of everything that was left when a confirmed order was cancelled; there is at most one.
    pub fn of_cancellation(order: &OrderId) -> Self {
        Self(format!("{}{}", Self::PREFIX, short_hash(&["cancellation", order.as_str()])))
    }

    /// The refund of what was left, or came late, of the payment of an order that a reconciliation found; there is at most
    /// one.
    pub fn of_recovery(order: &OrderId) -> Self {
        Self(format!("{}{}", Self::PREFIX, short_hash(&["recovery", order.as_str()])))
    }

    /// The refund of a payment that came after its order had ended; there is at most one for each.
    pub fn of_late_payment(order: &OrderId, payment_intent: &str) -> Self {
        Self(format!("{}{}", Self::PREFIX, short_hash(&["late-payment", order.as_str(), payment_intent])))
    }

    /// The refund that takes back the charge of an order that could not go on; there is at most one.
    pub fn of_undo(order: &OrderId) -> Self {
        Self(format!("{}{}", Self::PREFIX, order.suffix()))
    }
}

impl EventId {
    /// The event number `sequence` of an order.
    pub fn of(order: &OrderId, sequence: u32) -> Self {
        Self(format!("{}{}-{sequence}", Self::PREFIX, order.suffix()))
    }
}

impl MessageId {
    /// The one message of this kind about an order.
    pub fn about_order(order: &OrderId, kind: &str) -> Self {
        Self(format!("{}{}-{kind}", Self::PREFIX, order.suffix()))
    }

    /// The message about a refund.
    pub fn about_refund(refund: &RefundId) -> Self {
        Self(format!("{}{}-refunded", Self::PREFIX, &refund.0[RefundId::PREFIX.len()..]))
    }

    /// The message that greets a new account.
    pub fn welcome(user: &UserId) -> Self {
        Self(format!("{}{}-welcome", Self::PREFIX, &user.0[UserId::PREFIX.len()..]))
    }

    /// The message that an administrator asks for with `key`; derived like an order, see [`OrderId::derive`].
    pub fn derive(by: &UserId, key: &IdempotencyKey) -> Self {
        Self(format!("{}{}", Self::PREFIX, short_hash(&["message", by.as_str(), key.as_str()])))
    }
}

/// The first 128 bits of SHA-256 over length-prefixed parts, in lower-case hex.
pub(crate) fn short_hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize()[..16].iter().fold(String::with_capacity(32), |mut hex, byte| {
        use fmt::Write;
        write!(hex, "{byte:02x}").expect("writing to a String does not fail");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(caller: &str, key: &str) -> OrderId {
        OrderId::derive(&Caller::guest(&caller.parse().unwrap()), &key.parse().unwrap())
    }

    #[test]
    fn same_caller_and_key_name_the_same_order() {
        assert_eq!(order("a@example.com", "key-00001"), order("A@example.com", "key-00001"));
    }

    #[test]
    fn another_caller_or_key_names_another_order() {
        assert_ne!(order("a@example.com", "key-00001"), order("b@example.com", "key-00001"));
        assert_ne!(order("a@example.com", "key-00001"), order("a@example.com", "key-00002"));
    }

    #[test]
    fn derived_ids_parse_back() {
        let order = order("a@example.com", "key-00001");
        assert_eq!(order.as_str().parse(), Ok(order.clone()));
        assert_eq!(PaymentId::of(&order).as_str().parse(), Ok(PaymentId::of(&order)));
        assert_eq!(EventId::of(&order, 1).as_str().parse(), Ok(EventId::of(&order, 1)));
        let message = MessageId::about_order(&order, "cancelled");
        assert_eq!(message.as_str().parse(), Ok(message));
    }

    #[test]
    fn the_refunds_of_an_order_are_told_apart() {
        let order = order("a@example.com", "key-00001");
        let payment = PaymentId::of(&order);
        let asked = |key: &str| RefundId::derive(&payment, &key.parse().unwrap());
        assert_eq!(asked("refund-01"), asked("refund-01"));
        let refunds = [
            RefundId::of_undo(&order),
            RefundId::of_cancellation(&order),
            RefundId::of_late_payment(&order, "pi_1"),
            RefundId::of_late_payment(&order, "pi_2"),
            asked("refund-01"),
            asked("refund-02"),
        ];
        let distinct: std::collections::BTreeSet<_> = refunds.iter().collect();
        assert_eq!(distinct.len(), refunds.len());
    }

    #[test]
    fn ids_of_another_kind_or_alphabet_are_refused() {
        for text in ["", "ord_", "prod_1", "ord_A", "ord_a b", "ord_'", "1"] {
            assert!(text.parse::<OrderId>().is_err(), "{text}");
        }
        assert!(format!("ord_{}", "a".repeat(65)).parse::<OrderId>().is_err());
    }
}
