//! What the web UI shows of a running order, without anybody opening its history.

use std::fmt::Write;

use kassa_domain::Money;

use super::step::{Step, Undo};
use crate::parking::ParkingLot;

/// How far the order has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) total: Option<Money>,
    pub(super) running: Option<Step>,
    /// What the customer is to do, if the order waits for that.
    pub(super) awaiting: Option<Awaiting>,
    /// Whether the payment provider is spared.
    pub(super) held: bool,
    pub(super) undone: Vec<Undo>,
    pub(super) failure: Option<String>,
    pub(super) finished: bool,
}

/// What an order waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaiting {
    /// For its customer to pay elsewhere.
    Payment,
    /// For another card.
    Card,
}

impl Progress {
    /// What it is at, in the fewest words.
    pub(super) fn stage(&self) -> &'static str {
        match self.running {
            _ if self.finished => "over",
            _ if self.failure.is_some() => "taking back",
            Some(Step::Charge) if self.held => "held before the charge",
            Some(Step::Charge) if self.awaiting == Some(Awaiting::Payment) => "waiting for the customer",
            Some(Step::Charge) if self.awaiting == Some(Awaiting::Card) => "waiting for another card",
            Some(step) => step.activity(),
            None => "beginning",
        }
    }
}

/// Markdown for the current details. Never personal data: it is stored in clear text.
pub(super) fn render(progress: &Progress, parked: &ParkingLot) -> String {
    let mut text = String::new();
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        writeln!(text, "{arguments}").expect("writing into a String does not fail");
    };

    if let Some(total) = progress.total {
        line(format_args!("**Total**: {total}\n"));
    }
    line(format_args!("{}", parked.details()));
    if progress.held {
        line(format_args!("**Held**: payments are paused. It goes on by itself once an operator has resumed them.\n"));
    }
    for step in Step::ALL {
        let mark = match progress.running {
            Some(running) if step < running => "done",
            Some(running) if step == running && progress.failure.is_some() => "failed",
            Some(running) if step == running && progress.finished => "done",
            Some(Step::Charge) if step == Step::Charge && progress.held => "**held**",
            Some(Step::Charge) if step == Step::Charge && progress.awaiting == Some(Awaiting::Payment) => {
                "**waiting for the customer**"
            }
            Some(Step::Charge) if step == Step::Charge && progress.awaiting == Some(Awaiting::Card) => {
                "**waiting for another card**"
            }
            Some(running) if step == running => "**running**",
            _ => "-",
        };
        line(format_args!("- {}: {mark}", step.activity()));
    }
    if let Some(failure) = &progress.failure {
        line(format_args!("\n**Not confirmed**: {failure}"));
        for undo in &progress.undone {
            line(format_args!("- {}: done", undo.activity()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_that_stopped_an_order_stays_marked_when_all_is_over() {
        let progress = Progress {
            running: Some(Step::Charge),
            failure: Some("payment_declined".into()),
            finished: true,
            ..Progress::default()
        };
        let text = render(&progress, &ParkingLot::default());
        assert!(text.contains("inventory.reserve: done"), "{text}");
        assert!(text.contains("payments.charge: failed"), "{text}");
    }
}
