//! What a developer sees.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, stderr, stdout};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use kassa_devstack::progress::Progress;

/// After how long a step that is still under way says so, again and again.
const REMINDER: Duration = Duration::from_secs(20);

/// Prints to the terminal; without colours if it is none.
pub(crate) struct Console {
    colours: bool,
    under_way: Arc<Mutex<BTreeMap<String, Instant>>>,
}

/// The parts of the output that are set off by a colour.
#[derive(Clone, Copy)]
pub(crate) enum Style {
    Bold,
    Good,
    Bad,
    Faint,
}

impl Console {
    pub(crate) fn new() -> Self {
        let console = Self {
            colours: stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            under_way: Arc::default(),
        };
        let under_way = Arc::downgrade(&console.under_way);
        thread::spawn(move || {
            loop {
                thread::sleep(REMINDER);
                // The console lives as long as the program has something to say.
                let Some(under_way) = under_way.upgrade() else { break };
                for (step, begin) in under_way.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                    if begin.elapsed() >= REMINDER {
                        println!("  … {step}: {} s so far", begin.elapsed().as_secs());
                    }
                }
            }
        });
        console
    }

    /// A line that begins a part of the output.
    pub(crate) fn title(&self, text: &str) {
        println!("\n{}\n", self.paint(Style::Bold, text));
    }

    /// One line.
    #[expect(clippy::unused_self, reason = "everything that is printed goes through the console")]
    pub(crate) fn say(&self, text: &str) {
        println!("{}", format!("  {text}").trim_end());
    }

    /// One line about something that is not as it should be.
    pub(crate) fn fail(&self, text: &str) {
        println!("  {} {text}", self.paint(Style::Bad, "✗"));
    }

    /// The text in a colour, where there are colours.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Bold => 1,
            Style::Good => 32,
            Style::Bad => 31,
            Style::Faint => 2,
        };
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

impl Progress for Console {
    fn started(&self, step: &str) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(step.to_owned(), Instant::now());
        println!("  {} {step}", self.paint(Style::Faint, "…"));
    }

    fn finished(&self, step: &str, took: Duration) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(step);
        let took = self.paint(Style::Faint, &format!("{:.1} s", took.as_secs_f64()));
        println!("  {} {step:<46} {took}", self.paint(Style::Good, "✓"));
    }

    fn shows_output(&self) -> bool {
        stderr().is_terminal()
    }
}
