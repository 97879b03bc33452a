//! Faults of single calls: those of the worker, and Stripe's to us.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kassa_domain::OrderId;
use kassa_stand_ins::stripe::{Fault, FaultId, Outcome, Stage};
use kassa_tests::Shop;
use kassa_tests::proxy::{Call, Failing, Failure, Kind, Moment, Proxies};

use crate::desk::Desk;
use crate::plan::{At, CallFault, Plan, WebhookFault};

/// How many faults wait for their calls at the same time: every call is compared with all of them.
const WAITING: usize = 250;

/// How many faults were armed, how many of them struck, and how many calls they struck.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) armed: usize,
    pub(crate) struck: usize,
    pub(crate) calls: usize,
}

/// The faults of calls between the worker and the outside systems.
#[derive(Debug, Clone)]
pub(crate) struct CallFaults {
    proxies: Arc<Proxies>,
    faults: Arc<Mutex<Faults>>,
}

#[derive(Debug, Default)]
struct Faults {
    waiting: VecDeque<((Kind, Moment), Failing)>,
    tally: BTreeMap<(Kind, Moment), Tally>,
}

impl Faults {
    fn lift_first(&mut self) {
        if let Some((kind, failing)) = self.waiting.pop_front() {
            failing.lift();
            let tally = self.tally.entry(kind).or_default();
            tally.armed += 1;
            tally.struck += usize::from(failing.fired() > 0);
            tally.calls += failing.fired();
        }
    }
}

impl CallFaults {
    pub(crate) fn new(proxies: Arc<Proxies>) -> Self {
        Self { proxies, faults: Arc::default() }
    }

    /// Arms the faults of an order.
    pub(crate) fn arm(&self, order: &OrderId, faults: &[CallFault]) {
        for CallFault { at, moment, kind, times } in faults {
            let about = || Call::with(order.as_str());
            let (proxy, call) = match at {
                At::Deed(deed) => deed.effect(order, &self.proxies),
                At::DynamoDb => (&self.proxies.dynamodb, about()),
                At::RdsData => (&self.proxies.rds_data, about()),
                At::Aws => (&self.proxies.aws, about()),
                At::Stripe => (&self.proxies.stripe, about()),
            };
            let failing = proxy.fail(call, Failure::new(*moment, *kind).times(*times));
            let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            faults.waiting.push_back(((*kind, *moment), failing));
            if faults.waiting.len() > WAITING {
                faults.lift_first();
            }
        }
    }

    /// Lifts all of them.
    pub(crate) fn lift(&self) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        while !faults.waiting.is_empty() {
            faults.lift_first();
        }
    }

    /// How often each kind struck that has been lifted.
    pub(crate) fn tally(&self) -> BTreeMap<(Kind, Moment), Tally> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).tally.clone()
    }
}

/// The faults of Stripe's webhooks.
#[derive(Debug)]
pub(crate) struct Webhooks(Vec<(WebhookFault, FaultId)>);

/// Arms the faults of all webhooks of a plan.
pub(crate) fn break_webhooks(shop: &Shop, desk: &Desk, plan: &Plan) -> Webhooks {
    let late = |delay| Fault::slow("webhooks.*", delay).times(u32::MAX);
    let broken = plan.stories.iter().filter_map(|story| Some((story.webhooks?, desk.order_id(story))));
    let armed = broken.map(|(kind, order)| {
        let fault = match kind {
            WebhookFault::Lost => Fault::new("webhooks.*", Stage::Before, Outcome::Reset).times(u32::MAX),
            WebhookFault::Reordered => late(Duration::from_secs(2)).times(1),
            WebhookFault::Late => late(Duration::from_secs(3)),
            WebhookFault::Twice => Fault::new("webhooks.*", Stage::After, Outcome::Reset).times(2),
        };
        (kind, shop.stack.stripe.faults().add(fault.for_order(order.as_str())))
    });
    Webhooks(armed.collect())
}

impl Webhooks {
    /// Lifts all of them, and tells how often each kind struck.
    pub(crate) fn lift(self, shop: &Shop) -> BTreeMap<WebhookFault, Tally> {
        let faults = shop.stack.stripe.faults();
        let mut tally: BTreeMap<_, Tally> = BTreeMap::new();
        for (kind, id) in self.0 {
            let fired = usize::try_from(faults.fired(id)).unwrap_or(usize::MAX);
            let tally = tally.entry(kind).or_default();
            tally.armed += 1;
            tally.struck += usize::from(fired > 0);
            tally.calls += fired;
        }
        faults.clear();
        tally
    }
}
