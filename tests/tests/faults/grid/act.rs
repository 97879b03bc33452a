//! What workflows do to the world: the activities with an effect, and the stories in which they are done.

use std::fmt;

use kassa_tests::proxy::{Kind, System};
use kassa_tests::valve::QUICK;
use kassa_workflows::checkout::{Step, Undo};
use kassa_workflows::contracts::{awaited, carts, late_payments, orders, payments, refunds, valve};

use super::fault::{Fault, When};
use crate::effects::Deed;
use crate::late::IMPATIENT;

/// An activity that changes something outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// A step of a checkout, or what takes it back.
    Deed(Deed),
    /// Takes what was bought out of a cart.
    SettleCart,
    /// Opens the page on which a customer pays.
    OpenPage,
    /// Writes that the customer is waited for.
    AwaitPayment,
    /// Closes a page that nobody has paid on.
    ClosePage,
    /// Takes a page back.
    WithdrawPage,
    /// Cancels an intent that nobody has authenticated.
    CloseIntent,
    /// Takes an intent back that has brought in nothing.
    WithdrawIntent,
    /// Writes that another card is waited for.
    PaymentFailed,
    /// Charges another card.
    ConfirmCard,
    /// Claims a refund in the books.
    ClaimRefund,
    /// Makes a refund at Stripe.
    CreateRefund,
    /// Writes how a refund has ended.
    SettleRefund,
    /// Cancels a sale in the books.
    CancelSale,
    /// Writes that an order was shipped.
    Fulfil,
    /// Gives a held order its place.
    Admit,
    /// Sells the pieces of a late payment again.
    SellAgain,
    /// Confirms the order of a late payment.
    Revive,
    /// Records a late payment that is to go back.
    BookLate,
    /// Gives up the pieces of a late payment.
    Forgo,
}

/// What a customer runs into, and the staff does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Story {
    /// All goes well.
    Sold,
    /// The database refuses to confirm the paid order.
    Unconfirmable,
    /// The card is declined.
    Declined,
    /// What is in a cart is sold.
    CartSold,
    /// It is paid on a page.
    PaidOnPage,
    /// Nobody pays on the page.
    NotPaid,
    /// The shop cancels while a page is open.
    PageWithdrawn,
    /// The card wants an authentication, and nobody authenticates.
    NotAuthenticated,
    /// The customer cancels instead of authenticating.
    IntentWithdrawn,
    /// The first card is declined, and the second one is not.
    AnotherCard,
    /// A part of the price of a sold order is given back.
    Refunded,
    /// A sold order is cancelled.
    SaleCancelled,
    /// A sold order is shipped.
    Shipped,
    /// Payments are paused, and resumed.
    Held,
    /// Money comes late, and revives its order.
    Revived,
    /// Money comes late, and the pieces are gone.
    GivenBack,
}

/// Stories that are told at the same time, because they want the API to be configured alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// An order is sold, or taken back before it is.
    Checkout,
    /// What else is done as the API is by default.
    Others,
    /// Orders wait for another card.
    Cards,
    /// Customers have little time to pay.
    Hasty,
    /// Payments are paused.
    Paused,
    /// Money comes late.
    Late,
}

impl Round {
    /// How the API is configured at first.
    pub(super) const fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Checkout | Self::Others => &[],
            Self::Cards => &[("KASSA_CARD_ATTEMPTS", "2")],
            Self::Hasty => &[("KASSA_PAYMENT_HOLD_MS", "12000")],
            Self::Paused => &QUICK,
            Self::Late => &IMPATIENT,
        }
    }
}

impl Story {
    pub(super) const fn round(self) -> Round {
        match self {
            Self::Sold | Self::Unconfirmable | Self::Declined => Round::Checkout,
            Self::CartSold
            | Self::PaidOnPage
            | Self::PageWithdrawn
            | Self::IntentWithdrawn
            | Self::Refunded
            | Self::SaleCancelled
            | Self::Shipped => Round::Others,
            Self::AnotherCard => Round::Cards,
            Self::NotPaid | Self::NotAuthenticated => Round::Hasty,
            Self::Held => Round::Paused,
            Self::Revived | Self::GivenBack => Round::Late,
        }
    }
}

impl Act {
    /// What is done beside the steps and undos of a checkout.
    const OTHERS: [Self; 19] = [
        Self::SettleCart,
        Self::OpenPage,
        Self::AwaitPayment,
        Self::ClosePage,
        Self::WithdrawPage,
        Self::CloseIntent,
        Self::WithdrawIntent,
        Self::PaymentFailed,
        Self::ConfirmCard,
        Self::ClaimRefund,
        Self::CreateRefund,
        Self::SettleRefund,
        Self::CancelSale,
        Self::Fulfil,
        Self::Admit,
        Self::SellAgain,
        Self::Revive,
        Self::BookLate,
        Self::Forgo,
    ];

    /// Every act. The steps and undos are those of the workflow's definition.
    pub(super) fn all() -> Vec<Self> {
        Deed::all().map(Self::Deed).chain(Self::OTHERS).collect()
    }

    /// The activity.
    pub(super) const fn activity(self) -> &'static str {
        match self {
            Self::Deed(Deed::Step(step)) => step.activity(),
            Self::Deed(Deed::Undo(undo)) => undo.activity(),
            Self::SettleCart => carts::SETTLE,
            Self::OpenPage => awaited::OPEN_PAGE,
            Self::AwaitPayment => orders::AWAIT_PAYMENT,
            Self::ClosePage | Self::CloseIntent => awaited::CLOSE,
            Self::WithdrawPage => awaited::WITHDRAW,
            Self::WithdrawIntent => payments::REFUND,
            Self::PaymentFailed => orders::PAYMENT_FAILED,
            Self::ConfirmCard => payments::CONFIRM,
            Self::ClaimRefund => refunds::CLAIM,
            Self::CreateRefund => payments::CREATE_REFUND,
            Self::SettleRefund => refunds::SETTLE,
            Self::CancelSale => orders::CANCEL_SALE,
            Self::Fulfil => orders::FULFIL,
            Self::Admit => valve::ADMIT,
            Self::SellAgain => late_payments::SELL,
            Self::Revive => late_payments::REVIVE,
            Self::BookLate => late_payments::BOOK,
            Self::Forgo => late_payments::FORGO,
        }
    }

    /// Where its effect happens.
    pub(super) const fn system(self) -> System {
        match self {
            Self::Deed(Deed::Step(Step::Validate | Step::Confirm) | Deed::Undo(Undo::Cancel))
            | Self::AwaitPayment
            | Self::PaymentFailed
            | Self::ClaimRefund
            | Self::SettleRefund
            | Self::CancelSale
            | Self::Fulfil
            | Self::Revive
            | Self::BookLate => System::RdsData,
            Self::Deed(Deed::Step(Step::Reserve | Step::Deduct) | Deed::Undo(Undo::Release | Undo::Restock))
            | Self::SettleCart
            | Self::Admit
            | Self::SellAgain
            | Self::Forgo => System::DynamoDb,
            Self::Deed(Deed::Step(Step::Charge) | Deed::Undo(Undo::Refund))
            | Self::OpenPage
            | Self::ClosePage
            | Self::WithdrawPage
            | Self::CloseIntent
            | Self::WithdrawIntent
            | Self::ConfirmCard
            | Self::CreateRefund => System::Stripe,
            Self::Deed(Deed::Step(Step::Notify)) => System::Ses,
            Self::Deed(Deed::Step(Step::Publish)) => System::EventBridge,
        }
    }

    /// One in which it is done.
    pub(super) const fn story(self) -> Story {
        match self {
            Self::Deed(Deed::Step(_)) => Story::Sold,
            Self::Deed(Deed::Undo(Undo::Refund | Undo::Restock | Undo::Cancel)) => Story::Unconfirmable,
            // Only stock that was held and not yet sold is released.
            Self::Deed(Deed::Undo(Undo::Release)) => Story::Declined,
            Self::SettleCart => Story::CartSold,
            Self::OpenPage | Self::AwaitPayment => Story::PaidOnPage,
            Self::ClosePage => Story::NotPaid,
            Self::WithdrawPage => Story::PageWithdrawn,
            Self::CloseIntent => Story::NotAuthenticated,
            Self::WithdrawIntent => Story::IntentWithdrawn,
            Self::PaymentFailed | Self::ConfirmCard => Story::AnotherCard,
            Self::ClaimRefund | Self::CreateRefund | Self::SettleRefund => Story::Refunded,
            Self::CancelSale => Story::SaleCancelled,
            Self::Fulfil => Story::Shipped,
            Self::Admit => Story::Held,
            Self::SellAgain | Self::Revive => Story::Revived,
            Self::BookLate | Self::Forgo => Story::GivenBack,
        }
    }

    /// Whether it is the charge, whose first attempt is shorter than all others.
    pub(super) const fn is_first_charge(self) -> bool {
        matches!(self, Self::Deed(Deed::Step(Step::Charge)))
    }

    /// Whether the fault tells the activity that repeating it is of no use.
    #[expect(clippy::match_same_arms, reason = "the first tells what is special about acts, the last what about kinds")]
    pub(super) const fn is_final(self, fault: Fault) -> bool {
        match (self, fault.kind, fault.when) {
            // Nobody is charged past a valve that cannot be read, and nobody is sent away because of it.
            (Self::Admit, _, _)
            // What Stripe refuses to close is looked at, and found closed, or asked for again.
            | (
                Self::ClosePage | Self::WithdrawPage | Self::CloseIntent | Self::WithdrawIntent,
                Kind::Refused | Kind::ConditionFailed,
                _,
            )
            // A cart is changed by a second attempt, which finds it changed.
            | (Self::SettleCart, Kind::Refused, When::After | When::Hang)
            // So is an intent that cannot be confirmed where it is.
            | (Self::ConfirmCard, Kind::ConditionFailed, When::After | When::Hang)
            // After a refused confirmation the order is read again, and found confirmed; a refund that is refused is
            // looked for, and found where it was made.
            | (
                Self::Deed(Deed::Step(Step::Confirm)) | Self::CreateRefund,
                Kind::Refused | Kind::ConditionFailed,
                When::After | When::Hang,
            ) => false,
            (_, Kind::Refused, _) => match self.system() {
                System::DynamoDb | System::RdsData | System::Stripe | System::Ses | System::Sns => true,
                // Rights and quotas of a bus are mended by its operators, while its events wait.
                System::EventBridge => false,
            },
            (_, Kind::ConditionFailed, _) => match self.system() {
                System::RdsData | System::Stripe => true,
                // The store looks again, and decides by what it finds.
                System::DynamoDb | System::Ses | System::Sns | System::EventBridge => false,
            },
            (
                _,
                Kind::TimeOut
                | Kind::Reset
                | Kind::TooMany
                | Kind::ServerError
                | Kind::Unavailable
                | Kind::Malformed
                | Kind::Conflict,
                _,
            ) => false,
        }
    }

    /// What becomes of it then.
    pub(super) const fn when_refused(self) -> Refused {
        match self {
            Self::Deed(Deed::Step(Step::Validate | Step::Reserve | Step::Charge | Step::Deduct | Step::Confirm))
            | Self::OpenPage
            | Self::AwaitPayment
            | Self::PaymentFailed
            | Self::ConfirmCard => Refused::TakenBack,
            Self::Deed(Deed::Step(Step::Notify | Step::Publish) | Deed::Undo(_))
            | Self::SettleCart
            | Self::ClosePage
            | Self::WithdrawPage
            | Self::CloseIntent
            | Self::WithdrawIntent
            | Self::ClaimRefund
            | Self::SettleRefund
            | Self::CancelSale
            | Self::Fulfil
            | Self::Admit
            | Self::BookLate
            | Self::Forgo => Refused::Parked,
            Self::CreateRefund => Refused::Told,
            Self::SellAgain | Self::Revive => Refused::GivenBack,
        }
    }
}

/// What becomes of an act that is refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The order is taken back.
    TakenBack,
    /// It waits for an operator.
    Parked,
    /// Whoever has asked for it is told.
    Told,
    /// The money that came late goes back, unless the order turns out to be confirmed.
    GivenBack,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Their activities are in the grid with another effect, too.
        let effect = if matches!(self, Self::CloseIntent | Self::WithdrawIntent) { " (intent)" } else { "" };
        write!(f, "{}{effect}", self.activity())
    }
}
