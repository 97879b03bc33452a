//! Stripe's documented test payment methods, and what each of them makes happen.
//!
//! The names and their effects are those of <https://docs.stripe.com/testing>. Declines may be named with or without `visa_`,
//! as older and newer documentation does, and `pm_card_` with a two-letter country stands for a card of that country.

/// What the card issuer, or Stripe's fraud prevention, does with a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// The payment succeeds at once.
    Approve,
    /// The payment is declined at once.
    Decline(Decline),
    /// The customer has to authenticate first, and then the payment goes on.
    Authenticate {
        /// Whether a payment without the customer goes through without authentication.
        exempt_off_session: bool,
        /// Why the payment is declined although the customer authenticated.
        then: Option<Decline>,
    },
    /// The payment is on its way for a while, as bank debits are.
    Settle(Settlement),
}

/// How a payment that is on its way ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// It succeeds after a moment.
    Succeeds,
    /// It fails after a moment.
    Fails,
    /// It stays on its way until a test decides.
    Stays,
}

/// Why a card is declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decline {
    Generic,
    InsufficientFunds,
    LostCard,
    StolenCard,
    Fraudulent,
    ExpiredCard,
    IncorrectCvc,
    IncorrectZip,
    ProcessingError,
    VelocityLimitExceeded,
    BlockedByRadar,
    HighestRisk,
    AuthenticationRequired,
    AuthenticationUnavailable,
}

impl Decline {
    /// Stripe's error code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::ExpiredCard => "expired_card",
            Self::IncorrectCvc => "incorrect_cvc",
            Self::IncorrectZip => "incorrect_zip",
            Self::ProcessingError => "processing_error",
            Self::AuthenticationRequired => "authentication_required",
            Self::Generic
            | Self::InsufficientFunds
            | Self::LostCard
            | Self::StolenCard
            | Self::Fraudulent
            | Self::VelocityLimitExceeded
            | Self::BlockedByRadar
            | Self::HighestRisk
            | Self::AuthenticationUnavailable => "card_declined",
        }
    }

    /// The issuer's reason, which accompanies `card_declined`; the other codes speak for themselves.
    pub(crate) fn decline_code(self) -> Option<&'static str> {
        match self {
            Self::Generic | Self::AuthenticationUnavailable => Some("generic_decline"),
            Self::InsufficientFunds => Some("insufficient_funds"),
            Self::LostCard => Some("lost_card"),
            Self::StolenCard => Some("stolen_card"),
            Self::Fraudulent | Self::BlockedByRadar | Self::HighestRisk => Some("fraudulent"),
            Self::VelocityLimitExceeded => Some("card_velocity_exceeded"),
            Self::AuthenticationRequired => Some("authentication_required"),
            Self::ExpiredCard | Self::IncorrectCvc | Self::IncorrectZip | Self::ProcessingError => None,
        }
    }

    /// The text for the customer.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::InsufficientFunds => "Your card has insufficient funds.",
            Self::ExpiredCard => "Your card has expired.",
            Self::IncorrectCvc => "Your card's security code is incorrect.",
            Self::IncorrectZip => "Your card's zip code failed validation.",
            Self::ProcessingError => "An error occurred while processing your card. Try again in a little bit.",
            Self::VelocityLimitExceeded => {
                "Your card was declined for making repeated attempts too frequently or exceeding its amount limit."
            }
            Self::AuthenticationRequired => "Your card was declined. This transaction requires authentication.",
            Self::Generic
            | Self::LostCard
            | Self::StolenCard
            | Self::Fraudulent
            | Self::BlockedByRadar
            | Self::HighestRisk
            | Self::AuthenticationUnavailable => "Your card was declined.",
        }
    }

    /// The issuer's advice how to go on.
    pub(crate) fn advice_code(self) -> Option<&'static str> {
        match self {
            Self::LostCard | Self::StolenCard | Self::Fraudulent => Some("do_not_try_again"),
            Self::ExpiredCard | Self::IncorrectCvc | Self::IncorrectZip => Some("confirm_card_data"),
            Self::InsufficientFunds | Self::ProcessingError | Self::VelocityLimitExceeded | Self::Generic => {
                Some("try_again_later")
            }
            Self::BlockedByRadar
            | Self::HighestRisk
            | Self::AuthenticationRequired
            | Self::AuthenticationUnavailable => None,
        }
    }

    /// Whether Stripe itself refused, before the issuer was asked.
    pub(crate) fn is_blocked(self) -> bool {
        matches!(self, Self::BlockedByRadar | Self::HighestRisk)
    }
}

/// What happens to refunds of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefundBehaviour {
    /// They succeed at once.
    Succeeds,
    /// They are pending first, and succeed after a moment.
    Pending,
    /// They seem to succeed, and fail after a moment.
    Fails,
}

/// A test payment method.
#[derive(Clone, Debug)]
pub(crate) struct TestMethod {
    /// Its name, such as `pm_card_visa`.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) behaviour: Behaviour,
    pub(crate) refunds: RefundBehaviour,
    pub(crate) elevated_risk: bool,
}

/// Card or bank account.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Card { brand: &'static str, funding: &'static str, country: String, last4: String },
    UsBankAccount,
}

impl TestMethod {
    /// The type as Stripe names it.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Card { .. } => "card",
            Kind::UsBankAccount => "us_bank_account",
        }
    }

    /// The payment method with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let canonical = name.replacen("pm_card_visa_charge", "pm_card_charge", 1);
        if let Some(card) = CARDS.iter().find(|card| card.name == canonical) {
            return Some(card.method(name));
        }
        if let Some(country) = name.strip_prefix("pm_card_").filter(|country| is_country(country)) {
            let visa = CARDS.first()?;
            let mut method = visa.method(name);
            if let Kind::Card { country: of_card, .. } = &mut method.kind {
                *of_card = country.to_ascii_uppercase();
            }
            return Some(method);
        }
        let settlement = match name {
            "pm_usBankAccount_success" => Settlement::Succeeds,
            "pm_usBankAccount_insufficientFunds" => Settlement::Fails,
            "pm_usBankAccount_processing" => Settlement::Stays,
            _ => return None,
        };
        Some(Self {
            name: name.to_owned(),
            kind: Kind::UsBankAccount,
            behaviour: Behaviour::Settle(settlement),
            refunds: RefundBehaviour::Succeeds,
            elevated_risk: false,
        })
    }

    /// The payment method behind a test token such as `tok_visa`.
    pub(crate) fn of_token(token: &str) -> Option<Self> {
        Self::named(&format!("pm_card_{}", token.strip_prefix("tok_")?))
    }

    /// The payment method with this card number.
    pub(crate) fn with_number(number: &str) -> Option<Self> {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        CARDS.iter().find(|card| card.number == digits).map(|card| card.method(card.name))
    }
}

/// The card number that is documented to fail its check digit.
pub(crate) const INCORRECT_NUMBER: &str = "4242424242424241";

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

struct TestCard {
    name: &'static str,
    number: &'static str,
    brand: &'static str,
    funding: &'static str,
    behaviour: Behaviour,
    refunds: RefundBehaviour,
    elevated_risk: bool,
}

impl TestCard {
    const fn new(name: &'static str, number: &'static str, behaviour: Behaviour) -> Self {
        Self {
            name,
            number,
            brand: "visa",
            funding: "credit",
            behaviour,
            refunds: RefundBehaviour::Succeeds,
            elevated_risk: false,
        }
    }

    const fn approved(name: &'static str, number: &'static str) -> Self {
        Self::new(name, number, Behaviour::Approve)
    }

    const fn declined(name: &'static str, number: &'static str, decline: Decline) -> Self {
        Self::new(name, number, Behaviour::Decline(decline))
    }

    const fn authenticated(name: &'static str, number: &'static str, then: Option<Decline>) -> Self {
        Self::new(name, number, Behaviour::Authenticate { exempt_off_session: false, then })
    }

    const fn brand(self, brand: &'static str, funding: &'static str) -> Self {
        Self { brand, funding, ..self }
    }

    const fn refunds(self, refunds: RefundBehaviour) -> Self {
        Self { refunds, ..self }
    }

    const fn elevated_risk(self) -> Self {
        Self { elevated_risk: true, ..self }
    }

    fn method(&self, name: &str) -> TestMethod {
        TestMethod {
            name: name.to_owned(),
            kind: Kind::Card {
                brand: self.brand,
                funding: self.funding,
                country: "US".to_owned(),
                last4: self.number[self.number.len() - 4..].to_owned(),
            },
            behaviour: self.behaviour,
            refunds: self.refunds,
            elevated_risk: self.elevated_risk,
        }
    }
}

/// Where two share a number, the first is the one that the number stands for.
const CARDS: &[TestCard] = &[
    // Brands.
    TestCard::approved("pm_card_visa", "4242424242424242"),
    TestCard::approved("pm_card_visa_debit", "4000056655665556").brand("visa", "debit"),
    TestCard::approved("pm_card_mastercard", "5555555555554444").brand("mastercard", "credit"),
    TestCard::approved("pm_card_mastercard_debit", "5200828282828210").brand("mastercard", "debit"),
    TestCard::approved("pm_card_mastercard_prepaid", "5105105105105100").brand("mastercard", "prepaid"),
    TestCard::approved("pm_card_amex", "378282246310005").brand("amex", "credit"),
    TestCard::approved("pm_card_discover", "6011111111111117").brand("discover", "credit"),
    TestCard::approved("pm_card_diners", "3056930009020004").brand("diners", "credit"),
    TestCard::approved("pm_card_jcb", "3566002020360505").brand("jcb", "credit"),
    TestCard::approved("pm_card_unionpay", "6200000000000005").brand("unionpay", "credit"),
    TestCard::approved("pm_card_bypassPending", "4000000000000077"),
    TestCard::approved("pm_card_bypassPendingInternational", "4000003720000278"),
    // Fraud prevention, with the rules that an account has from the start.
    TestCard::declined("pm_card_radarBlock", "4100000000000019", Decline::BlockedByRadar),
    TestCard::declined("pm_card_riskLevelHighest", "4000000000004954", Decline::HighestRisk),
    TestCard::approved("pm_card_riskLevelElevated", "4000000000009235").elevated_risk(),
    TestCard::approved("pm_card_cvcCheckFail", "4000000000000101"),
    TestCard::approved("pm_card_avsZipFail", "4000000000000036"),
    TestCard::approved("pm_card_cvcCheckFailElevatedRisk", "4000058400307872").elevated_risk(),
    TestCard::approved("pm_card_avsZipFailElevatedRisk", "4000058400306072").elevated_risk(),
    TestCard::approved("pm_card_avsLine1Fail", "4000000000000028"),
    TestCard::approved("pm_card_avsFail", "4000000000000010"),
    TestCard::approved("pm_card_avsUnchecked", "4000000000000044"),
    // Declines.
    TestCard::declined("pm_card_chargeDeclined", "4000000000000002", Decline::Generic),
    TestCard::declined("pm_card_chargeDeclinedInsufficientFunds", "4000000000009995", Decline::InsufficientFunds),
    TestCard::declined("pm_card_chargeDeclinedLostCard", "4000000000009987", Decline::LostCard),
    TestCard::declined("pm_card_chargeDeclinedStolenCard", "4000000000009979", Decline::StolenCard),
    TestCard::declined("pm_card_chargeDeclinedFraudulent", "4100000000000019", Decline::Fraudulent),
    TestCard::declined("pm_card_chargeDeclinedExpiredCard", "4000000000000069", Decline::ExpiredCard),
    TestCard::declined("pm_card_chargeDeclinedIncorrectCvc", "4000000000000127", Decline::IncorrectCvc),
    TestCard::declined("pm_card_chargeDeclinedIncorrectZip", "4000000000000036", Decline::IncorrectZip),
    TestCard::declined("pm_card_chargeDeclinedProcessingError", "4000000000000119", Decline::ProcessingError),
    TestCard::declined(
        "pm_card_chargeDeclinedVelocityLimitExceeded",
        "4000000000006975",
        Decline::VelocityLimitExceeded,
    ),
    TestCard::declined("pm_card_chargeCustomerFail", "4000000000000341", Decline::Generic),
    // Refunds that end later.
    TestCard::approved("pm_card_pendingRefund", "4000000000007726").refunds(RefundBehaviour::Pending),
    TestCard::approved("pm_card_refundFail", "4000000000005126").refunds(RefundBehaviour::Fails),
    // 3-D Secure.
    TestCard::authenticated("pm_card_authenticationRequiredOnSetup", "4000002500003155", None),
    TestCard::authenticated("pm_card_authenticationRequired", "4000002760003184", None),
    TestCard::new(
        "pm_card_authenticationRequiredSetupForOffSession",
        "4000003800000446",
        Behaviour::Authenticate { exempt_off_session: true, then: None },
    ),
    TestCard::authenticated(
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        "4000008260003178",
        Some(Decline::InsufficientFunds),
    ),
    TestCard::authenticated("pm_card_threeDSecure2Required", "4000000000003220", None),
    TestCard::authenticated("pm_card_threeDSecureRequired", "4000000000003063", None),
    TestCard::authenticated("pm_card_threeDSecureRequiredChargeDeclined", "4000008400001629", Some(Decline::Generic)),
    TestCard::declined(
        "pm_card_threeDSecureRequiredProcessingError",
        "4000008400001280",
        Decline::AuthenticationUnavailable,
    ),
    TestCard::approved("pm_card_threeDSecureOptional", "4000000000003055"),
    TestCard::approved("pm_card_threeDSecureOptionalProcessingError", "4000000000003097"),
    TestCard::approved("pm_card_amex_threeDSecureNotSupported", "378282246310005").brand("amex", "credit"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declines_may_be_named_both_ways() {
        for name in ["pm_card_chargeDeclinedLostCard", "pm_card_visa_chargeDeclinedLostCard"] {
            let method = TestMethod::named(name).expect("the name is documented");
            assert_eq!(method.behaviour, Behaviour::Decline(Decline::LostCard));
            assert_eq!(method.name, name);
        }
    }

    #[test]
    fn countries_tokens_and_numbers_lead_to_cards() {
        let german = TestMethod::named("pm_card_de").expect("it is a country");
        assert!(matches!(german.kind, Kind::Card { country, .. } if country == "DE"));
        assert_eq!(TestMethod::of_token("tok_visa").map(|method| method.name).as_deref(), Some("pm_card_visa"));
        let amex = TestMethod::with_number("3782 822463 10005").expect("the number is documented");
        assert_eq!(amex.name, "pm_card_amex");
    }

    #[test]
    fn unknown_names_lead_nowhere() {
        for name in ["", "pm_card_", "pm_card_nonsense", "pm_3abc", "tok_visa"] {
            assert!(TestMethod::named(name).is_none(), "{name}");
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = CARDS.iter().map(|card| card.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CARDS.len());
    }
}
