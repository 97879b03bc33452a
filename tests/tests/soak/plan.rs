//! The plan of a run: everything that chance decides, drawn from the seed before anything happens.

use std::time::Duration;

use kassa_tests::Dice;
use kassa_tests::customer::GOOD_CARD;
use kassa_tests::proxy::{Kind, Moment};

use crate::disasters::Disaster;
use crate::effects::Deed;
use crate::shelf::{COLD, HOT};

/// How many accounts share the orders of those who sign in.
pub(crate) const ACCOUNTS: usize = 4;

/// One disaster strikes every so many orders, and more rarely in a long run.
const CALM: usize = 25;
const DISASTERS: usize = 60;

/// Everything that is planned.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) stories: Vec<Story>,
    /// After how many orders have begun, what strikes.
    pub(crate) disasters: Vec<(usize, Disaster)>,
}

/// One customer's story.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) number: usize,
    /// The account, unless it is a guest.
    pub(crate) account: Option<usize>,
    /// Whether everything is put into a cart first.
    pub(crate) by_cart: bool,
    /// Products by their place on the shelf, and how many pieces.
    pub(crate) lines: Vec<(usize, u32)>,
    pub(crate) pays: Pays,
    pub(crate) asks_again: AsksAgain,
    pub(crate) then: Then,
    pub(crate) calls: Vec<CallFault>,
    pub(crate) webhooks: Option<WebhookFault>,
}

/// How a customer pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pays {
    /// With a card that is charged at once.
    AtOnce,
    /// With cards of which the first is declined.
    Declined { first: &'static str, others: Vec<&'static str> },
    /// With a card that wants an authentication.
    Secure(Authenticates),
    /// On a page of Stripe's.
    OnPage(OnPage),
}

/// What comes of an authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authenticates {
    Passes,
    Fails,
    Never,
    /// When the stock is no longer held.
    TooLate,
    /// In time, and the issuer takes longer than the stock is held to let the money come.
    Slowly,
}

/// What comes of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnPage {
    Pays,
    GoesBack,
    Never,
}

/// Whether a customer sends the request more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AsksAgain {
    No,
    AtOnce,
    Later,
}

/// What follows the checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    /// The shop cancels, so long after the request was sent, whatever the order is at by then.
    CancelsAfter(Duration),
    /// The customer cancels what was confirmed.
    Cancels,
    RefundsAll,
    /// Two refunds of parts, at once.
    RefundsParts,
    Ships,
    Delivers,
}

/// A fault of calls about one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallFault {
    pub(crate) at: At,
    pub(crate) moment: Moment,
    pub(crate) kind: Kind,
    pub(crate) times: usize,
}

/// Which calls about an order are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// The one by which a step or undo takes effect.
    Deed(Deed),
    /// Any call to a system.
    DynamoDb,
    RdsData,
    Aws,
    Stripe,
}

/// What becomes of the webhooks about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WebhookFault {
    /// None arrives.
    Lost,
    /// The first one comes after the others.
    Reordered,
    /// All come late.
    Late,
    /// Each comes twice.
    Twice,
}

impl WebhookFault {
    pub(crate) const ALL: [Self; 4] = [Self::Lost, Self::Reordered, Self::Late, Self::Twice];
}

const BAD_CARDS: [&str; 5] = [
    "pm_card_chargeDeclined",
    "pm_card_chargeDeclinedInsufficientFunds",
    "pm_card_chargeDeclinedExpiredCard",
    "pm_card_chargeDeclinedFraudulent",
    "pm_card_chargeDeclinedProcessingError",
];

impl Plan {
    pub(crate) fn draw(seed: u64, orders: usize) -> Self {
        let mut dice = Dice::new(seed);
        let stories = (0..orders).map(|number| Story::draw(number, &mut dice.split())).collect();
        // Each kind in its turn, so that none is left out; when exactly, the dice say.
        let calm = (orders / DISASTERS).max(CALM);
        let disasters = (1..orders / calm).map(|number| {
            let disaster = Disaster::ALL[number % Disaster::ALL.len()];
            (number * calm + dice.below(calm / 2), disaster)
        });
        Self { stories, disasters: disasters.collect() }
    }
}

impl Story {
    fn draw(number: usize, dice: &mut Dice) -> Self {
        let pays = Pays::draw(dice);
        let waits = matches!(pays, Pays::Secure(_) | Pays::OnPage(_));
        let faults = match dice.below(10) {
            0..5 => 0,
            5..8 => 1,
            _ => 2,
        };
        Self {
            number,
            account: dice.percent(15).then(|| dice.below(ACCOUNTS)),
            by_cart: dice.percent(10),
            lines: lines(dice),
            pays,
            asks_again: match dice.below(10) {
                0 => AsksAgain::AtOnce,
                1 => AsksAgain::Later,
                _ => AsksAgain::No,
            },
            then: Then::draw(dice),
            calls: (0..faults).map(|_| CallFault::draw(dice)).collect(),
            webhooks: (waits && dice.percent(40)).then(|| dice.pick(&WebhookFault::ALL)),
        }
    }
}

/// Up to three products, each once.
fn lines(dice: &mut Dice) -> Vec<(usize, u32)> {
    let mut lines = Vec::new();
    for _ in 0..=dice.below(3) {
        let product = if dice.percent(20) { dice.below(HOT) } else { HOT + dice.below(COLD) };
        if lines.iter().all(|(other, _)| *other != product) {
            lines.push((product, dice.pick(&[1, 1, 1, 2, 3])));
        }
    }
    lines
}

impl Pays {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(100) {
            0..68 => Self::AtOnce,
            68..78 => Self::Declined {
                first: dice.pick(&BAD_CARDS),
                others: match dice.below(4) {
                    0 => vec![],
                    1 => vec![dice.pick(&BAD_CARDS), GOOD_CARD],
                    _ => vec![GOOD_CARD],
                },
            },
            78..91 => Self::Secure(match dice.below(10) {
                0..5 => Authenticates::Passes,
                5..7 => Authenticates::Fails,
                7 => Authenticates::Never,
                8 => Authenticates::Slowly,
                _ => Authenticates::TooLate,
            }),
            _ => Self::OnPage(match dice.below(10) {
                0..7 => OnPage::Pays,
                7 => OnPage::GoesBack,
                _ => OnPage::Never,
            }),
        }
    }
}

impl Then {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(100) {
            0..6 => Self::CancelsAfter(Duration::from_millis(u64::try_from(dice.below(800)).unwrap_or_default())),
            6..11 => Self::Cancels,
            11..15 => Self::RefundsAll,
            15..19 => Self::RefundsParts,
            19..25 => Self::Ships,
            25..29 => Self::Delivers,
            _ => Self::Nothing,
        }
    }
}

impl CallFault {
    fn draw(dice: &mut Dice) -> Self {
        let deeds: Vec<_> = Deed::all().collect();
        // What is refused for good ends the order, or waits for operators; most orders are to go on.
        let kind = loop {
            let kind = dice.pick(&Kind::ALL);
            let is_final = matches!(kind, Kind::Refused | Kind::ConditionFailed);
            if !is_final || dice.percent(40) {
                break kind;
            }
        };
        // A failed condition is believed, unless it guards a step or undo, which look at what is there.
        let at = if kind == Kind::ConditionFailed || dice.percent(50) {
            At::Deed(dice.pick(&deeds))
        } else {
            dice.pick(&[At::DynamoDb, At::RdsData, At::Aws, At::Stripe])
        };
        let times = match kind {
            // Each takes its time, and what is final is said once.
            Kind::TimeOut | Kind::Refused | Kind::ConditionFailed => 1,
            _ => 1 + dice.below(4),
        };
        Self { at, moment: dice.pick(&[Moment::BeforeEffect, Moment::AfterEffect]), kind, times }
    }
}
