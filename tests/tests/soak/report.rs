//! What a run has shown, on one page.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use kassa_tests::proxy::{Kind, Moment};

use crate::calls::Tally;
use crate::disasters::Disaster;
use crate::duty::Rest;
use crate::judge::Verdict;
use crate::plan::{Plan, WebhookFault};

/// How many of a hundred orders have to be sold for a run to show anything.
const ENOUGH_SOLD: usize = 40;

/// How many violations are listed.
const LISTED: usize = 40;

/// What a run has shown.
pub(crate) struct Report<'a> {
    pub(crate) seed: u64,
    /// How long customers came.
    pub(crate) bought: Duration,
    pub(crate) took: Duration,
    pub(crate) plan: &'a Plan,
    pub(crate) calls: BTreeMap<(Kind, Moment), Tally>,
    pub(crate) webhooks: BTreeMap<WebhookFault, Tally>,
    pub(crate) struck: BTreeMap<Disaster, usize>,
    pub(crate) rest: Rest,
    pub(crate) verdict: Verdict,
}

impl Report<'_> {
    fn orders(&self) -> usize {
        self.plan.stories.len()
    }

    fn struck_calls(&self, kind: Kind) -> usize {
        self.calls.iter().filter(|((of, _), _)| *of == kind).map(|(_, tally)| tally.calls).sum()
    }

    /// Why the run has failed, if it has.
    pub(crate) fn failures(&self) -> Vec<String> {
        let mut failures = self.verdict.violations.clone();
        failures.truncate(LISTED);
        failures.extend(self.rest.stuck.iter().take(LISTED).map(|id| format!("{id} does not come to its end")));
        let (sold, orders) = (self.verdict.sold, self.orders());
        if sold * 100 < orders * ENOUGH_SOLD {
            failures.push(format!("only {sold} of {orders} orders were sold: that shows too little"));
        }
        let calls = Kind::ALL.into_iter().filter(|kind| self.struck_calls(*kind) == 0);
        failures.extend(calls.map(|kind| format!("no call met a {kind}")));
        let webhooks = WebhookFault::ALL.into_iter();
        let webhooks = webhooks.filter(|kind| self.webhooks.get(kind).is_none_or(|tally| tally.calls == 0));
        failures.extend(webhooks.map(|kind| format!("no webhook was {kind:?}")));
        let disasters = Disaster::ALL.into_iter().filter(|disaster| !self.struck.contains_key(disaster));
        failures.extend(disasters.map(|disaster| format!("{disaster:?} never struck")));
        failures
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let orders = self.orders();
        writeln!(f, "\nSoak with seed {}: {orders} orders", self.seed)?;
        let (bought, took) = (self.bought.as_secs(), self.took.as_secs());
        writeln!(f, "  customers came for {bought} s; {took} s until everything was at rest and judged")?;
        writeln!(f, "\n  orders by where they ended")?;
        for (outcome, orders) in &self.verdict.outcomes {
            writeln!(f, "    {orders:>6}  {outcome}")?;
        }
        writeln!(f, "\n  faults of calls            planned   struck    calls")?;
        for ((kind, moment), tally) in &self.calls {
            let moment = match moment {
                Moment::BeforeEffect => "before",
                Moment::AfterEffect => "after",
            };
            writeln!(f, "    {kind:<20} {moment:<6} {:>5} {:>8} {:>8}", tally.armed, tally.struck, tally.calls)?;
        }
        for (kind, tally) in &self.webhooks {
            let kind = format!("webhooks {kind:?}").to_lowercase();
            writeln!(f, "    {kind:<27} {:>5} {:>8} {:>8}", tally.armed, tally.struck, tally.calls)?;
        }
        writeln!(f, "\n  disasters                  planned   struck")?;
        for disaster in Disaster::ALL {
            let planned = self.plan.disasters.iter().filter(|(_, planned)| *planned == disaster).count();
            let struck = self.struck.get(&disaster).copied().unwrap_or_default();
            writeln!(f, "    {:<27} {planned:>5} {struck:>8}", format!("{disaster:?}"))?;
        }
        writeln!(f, "\n  parked and decided by operators")?;
        for (step, times) in &self.rest.decided {
            writeln!(f, "    {times:>6}  {step}")?;
        }
        writeln!(f, "\n  open: {}", self.rest.stuck.len())?;
        write!(f, "  violations: {}", self.verdict.violations.len())
    }
}
