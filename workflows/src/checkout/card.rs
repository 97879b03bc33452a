//! Other cards of a customer whose card was declined: who may try one, and what comes of it.

use std::collections::BTreeMap;

use kassa_domain::{Fingerprint, IdempotencyKey};
use serde::{Deserialize, Serialize};

use super::CheckoutOutcome;

/// The identifier of the update by which a customer asks for another card: sent again under the same key, it gives the first
/// answer again. The key itself stays with its customer.
pub fn card_update_id(key: &IdempotencyKey) -> String {
    format!("card-{}", Fingerprint::of(key.as_str()).as_str())
}

/// Another card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardRequest {
    /// Stripe's payment method (`pm_...`).
    pub payment_method: String,
    /// Where the customer comes back to after an authentication; without it, the shop's own page has Stripe's code do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// What was asked for, to tell a repeated request from another one under the same key.
    pub fingerprint: Fingerprint,
    /// The HTTP request that asked.
    pub request_id: String,
}

/// What the customer is told, the same every time under the same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardAnswer {
    /// The HTTP request that asked first; any other one with this answer is a replay.
    pub request_id: String,
    /// What was asked for; another fingerprint under the same key is a misuse.
    pub fingerprint: Fingerprint,
    /// What came of it; nothing if the order did not wait for a card, and this one was not tried.
    pub outcome: Option<CheckoutOutcome>,
}

impl CardRequest {
    /// The answer to it.
    pub(super) fn answer(self, outcome: Option<CheckoutOutcome>) -> CardAnswer {
        CardAnswer { request_id: self.request_id, fingerprint: self.fingerprint, outcome }
    }
}

/// The cards of an order, one at a time.
#[derive(Debug, Default)]
pub struct Cards {
    /// How many have been tried, or are being tried, beside the one that the order began with.
    others: u32,
    /// Whether the order waits for one.
    wanted: bool,
    /// The one that is being tried.
    in_hand: Option<CardRequest>,
    answers: BTreeMap<u32, CardAnswer>,
}

impl Cards {
    /// How many cards the order has had.
    pub const fn attempt(&self) -> u32 {
        self.others + 1
    }

    /// Whether another one can be tried now.
    pub const fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Waits for another one from now on, or no longer.
    pub(super) const fn want(&mut self, wanted: bool) {
        self.wanted = wanted;
    }

    /// Takes a card if one is wanted, and tells its number.
    pub(super) fn take(&mut self, card: CardRequest) -> Result<u32, CardRequest> {
        if !self.wanted {
            return Err(card);
        }
        self.wanted = false;
        self.others += 1;
        self.in_hand = Some(card);
        Ok(self.others)
    }

    /// The card that is to be tried.
    pub(super) const fn in_hand(&self) -> Option<&CardRequest> {
        self.in_hand.as_ref()
    }

    /// Tells whoever waits for it what came of the card that was tried.
    pub(super) fn decide(&mut self, outcome: &CheckoutOutcome) {
        if let Some(card) = self.in_hand.take() {
            self.answers.insert(self.others, card.answer(Some(outcome.clone())));
        }
    }

    /// What came of the card with this number.
    pub(super) fn answer(&self, number: u32) -> Option<&CardAnswer> {
        self.answers.get(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(name: &str) -> CardRequest {
        CardRequest {
            payment_method: name.to_owned(),
            return_url: None,
            fingerprint: Fingerprint::of(name),
            request_id: name.to_owned(),
        }
    }

    #[test]
    fn a_card_is_only_taken_while_one_is_wanted_and_one_at_a_time() {
        let mut cards = Cards::default();
        assert_eq!(cards.take(card("pm_early")), Err(card("pm_early")));
        cards.want(true);
        assert_eq!(cards.take(card("pm_first")), Ok(1));
        assert_eq!(cards.take(card("pm_second")), Err(card("pm_second")));
        assert_eq!((cards.attempt(), cards.in_hand()), (2, Some(&card("pm_first"))));
    }

    #[test]
    fn whoever_asks_gets_the_answer_to_their_own_card() {
        let mut cards = Cards::default();
        for (number, name) in [(1, "pm_first"), (2, "pm_second")] {
            cards.want(true);
            assert_eq!(cards.take(card(name)), Ok(number));
            cards.decide(&CheckoutOutcome::PaymentExpired);
            // What comes of the order later is no news to them.
            cards.decide(&CheckoutOutcome::Failed { step: "payments.confirm".to_owned() });
            let answer = card(name).answer(Some(CheckoutOutcome::PaymentExpired));
            assert_eq!(cards.answer(number), Some(&answer));
        }
        assert_eq!(cards.answer(3), None);
    }

    #[test]
    fn the_id_of_an_update_does_not_tell_the_key() {
        let key: IdempotencyKey = "a-secret-of-its-customer".parse().expect("a key");
        assert!(!card_update_id(&key).contains("secret"));
    }
}
