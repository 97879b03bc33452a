//! What was tried, as a table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::ensure;
use kassa_tests::proxy::Kind;

use super::act::{Act, Round};
use super::fault::{Fault, When};

/// What became of each case: how many calls it has struck, or why it does not exist.
#[derive(Debug, Default)]
pub(super) struct Table {
    cells: BTreeMap<(String, Fault), Cell>,
}

#[derive(Debug, Clone, Copy)]
enum Cell {
    Fired(usize),
    Never(&'static str),
    LeftOut,
}

impl Table {
    pub(super) fn tried(&mut self, act: Act, fault: Fault, fired: usize) {
        self.cells.insert((act.to_string(), fault), Cell::Fired(fired));
    }

    pub(super) fn never(&mut self, act: Act, fault: Fault, why: &'static str) {
        self.cells.insert((act.to_string(), fault), Cell::Never(why));
    }

    pub(super) fn left_out(&mut self, act: Act, fault: Fault) {
        self.cells.insert((act.to_string(), fault), Cell::LeftOut);
    }

    /// That there is a cell for every fault of every act of a round, and that each case that exists has fired.
    pub(super) fn assert_complete(&self, round: Round) -> anyhow::Result<()> {
        for act in Act::all().into_iter().filter(|act| act.story().round() == round) {
            for fault in Fault::all() {
                match self.cells.get(&(act.to_string(), fault)) {
                    Some(Cell::Fired(fired)) => ensure!(*fired > 0, "{act} {fault} never fired"),
                    Some(Cell::Never(_) | Cell::LeftOut) => {}
                    None => anyhow::bail!("{act} {fault} was not tried"),
                }
            }
        }
        Ok(())
    }

    fn acts(&self) -> BTreeSet<&str> {
        self.cells.keys().map(|(act, _)| act.as_str()).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        writeln!(f, "| effect | fails | {} |", kinds.join(" | "))?;
        writeln!(f, "|---|---|{}", "---|".repeat(kinds.len()))?;
        let mut reasons = BTreeSet::new();
        for act in self.acts() {
            for when in When::ALL {
                let cells = Kind::ALL.map(|kind| match self.cells.get(&(act.to_owned(), Fault { when, kind })) {
                    Some(Cell::Fired(fired)) => fired.to_string(),
                    Some(Cell::Never(why)) => {
                        reasons.insert(format!("`{act}`, {kind}: {why}"));
                        "–".to_owned()
                    }
                    Some(Cell::LeftOut) => String::new(),
                    None => "?".to_owned(),
                });
                writeln!(f, "| `{act}` | {} | {} |", when.name(), cells.join(" | "))?;
            }
        }
        let fired = self.cells.values().filter_map(|cell| match cell {
            Cell::Fired(fired) => Some(*fired),
            Cell::Never(_) | Cell::LeftOut => None,
        });
        let (tried, struck) = (fired.clone().count(), fired.sum::<usize>());
        let left_out = self.cells.values().filter(|cell| matches!(cell, Cell::LeftOut)).count();
        let never = self.cells.len() - tried - left_out;
        writeln!(f, "\n{tried} cases tried, {struck} calls struck, {left_out} cases left out; {never} do not exist:")?;
        reasons.iter().try_for_each(|reason| writeln!(f, "- {reason}"))
    }
}
