//! What was said about each workflow, and where it stops.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::report::Report;
use crate::proxy::Moment;

#[derive(Debug, Default)]
pub(super) struct Tracks(Mutex<HashMap<String, Track>>);

#[derive(Debug, Default)]
struct Track {
    /// How many have come, whatever the server said to them.
    heard: usize,
    /// The contents of those that the server has not refused, as far as it is known.
    reports: Vec<String>,
    written: usize,
    stop: Option<Stopping>,
}

#[derive(Debug)]
struct Stopping {
    nth: usize,
    moment: Moment,
    caught: watch::Sender<bool>,
    /// Whether it has come so far: nothing gets through any more.
    has_come: bool,
}

/// What becomes of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The server gets it, and the worker the answer.
    Pass,
    /// The server gets it, and the worker never learns of it.
    Write,
    /// Nobody gets it.
    Swallow,
}

impl Tracks {
    pub(super) fn stop_at(&self, workflow: &str, nth: usize, moment: Moment, caught: watch::Sender<bool>) {
        let mut tracks = self.lock();
        let track = tracks.entry(workflow.to_owned()).or_default();
        track.stop = Some(Stopping { nth, moment, caught, has_come: false });
    }

    pub(super) fn heard(&self, workflow: &str) -> usize {
        self.lock().get(workflow).map_or(0, |track| track.heard)
    }

    pub(super) fn reports(&self, workflow: &str) -> Vec<String> {
        self.lock().get(workflow).map(|track| track.reports.clone()).unwrap_or_default()
    }

    pub(super) fn written(&self, workflow: &str) -> usize {
        self.lock().get(workflow).map_or(0, |track| track.written)
    }

    pub(super) fn release(&self) {
        for track in self.lock().values_mut() {
            track.stop = None;
        }
    }

    /// A report has come.
    pub(super) fn before(&self, report: &Report) -> Next {
        let mut tracks = self.lock();
        let track = tracks.entry(report.workflow.clone()).or_default();
        if track.stop.as_ref().is_some_and(|stop| stop.has_come) {
            return Next::Swallow;
        }
        track.heard += 1;
        track.reports.push(report.content.clone());
        match track.stop.as_mut().filter(|stop| stop.nth == track.reports.len()) {
            None => Next::Pass,
            Some(stop) => {
                stop.has_come = true;
                match stop.moment {
                    Moment::BeforeEffect => {
                        stop.caught.send_replace(true);
                        Next::Swallow
                    }
                    Moment::AfterEffect => Next::Write,
                }
            }
        }
    }

    /// The server has answered. Returns whether the worker does not get to know.
    pub(super) fn after(&self, report: &Report, next: Next, has_succeeded: bool) -> bool {
        let mut tracks = self.lock();
        let track = tracks.entry(report.workflow.clone()).or_default();
        track.written += usize::from(has_succeeded && report.is_written);
        // What the server has refused is in no history.
        if !has_succeeded && let Some(refused) = track.reports.iter().rposition(|content| *content == report.content) {
            track.reports.remove(refused);
        }
        let Some(stop) = track.stop.as_mut().filter(|_| next == Next::Write) else { return false };
        if has_succeeded {
            stop.caught.send_replace(true);
            return true;
        }
        // The next one is it.
        stop.has_come = false;
        false
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Track>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
