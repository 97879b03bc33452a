//! What a test has asked for.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

use super::call::{Call, Received};
use super::failure::{Failing, Failure};
use super::system::System;
use super::{Way, actions};

/// When calls are held, or fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// Before the server has seen the call.
    BeforeEffect,
    /// After the server has done its part, before the answer goes back.
    AfterEffect,
}

/// An answer in the server's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    error: &'static str,
    message: Cow<'static, str>,
    /// The whole body, where it is not the usual one.
    body: Option<String>,
    times: usize,
}

impl Refusal {
    /// What PostgreSQL says about a row that breaks a constraint, in the words of the Data API: no repetition helps.
    pub fn constraint_violation() -> Self {
        Self::error(StatusCode::BAD_REQUEST, "DatabaseErrorException")
            .saying("ERROR: new row violates check constraint; SQLState: 23514")
    }

    /// What SES says about a mail that it will never send.
    pub fn message_rejected() -> Self {
        Self::error(StatusCode::BAD_REQUEST, "MessageRejected").saying("the recipient is on the suppression list")
    }

    /// What an AWS service says that cannot serve at the moment.
    pub fn unavailable() -> Self {
        Self::error(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableError").saying("try again later")
    }

    /// An error of an AWS service, by its name.
    pub fn error(status: StatusCode, error: &'static str) -> Self {
        Self { status, error, message: Cow::Borrowed("no"), body: None, times: usize::MAX }
    }

    /// An answer of any kind, with this body.
    pub fn answer(status: StatusCode, body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..Self::error(status, "") }
    }

    /// The same in other words.
    #[must_use]
    pub fn saying(self, message: impl Into<String>) -> Self {
        Self { message: Cow::Owned(message.into()), ..self }
    }

    /// Refuses only this many calls.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let usual = || serde_json::json!({ "__type": self.error, "message": self.message }).to_string();
        let body = self.body.unwrap_or_else(usual);
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        if !self.error.is_empty() {
            headers.insert("x-amzn-errortype", HeaderValue::from_static(self.error));
        }
        response
    }
}

/// What a call does next.
pub(super) enum Next {
    /// It goes on.
    Pass,
    /// It gets this answer.
    Refuse(Response),
    /// It fails.
    Fail(Failure),
    /// It waits for the test.
    Wait(Waiting),
}

/// A call that is held.
pub(super) struct Waiting(watch::Receiver<Way>);

impl Waiting {
    /// Waits for the test; none if the call is lost.
    pub(super) async fn wait(mut self) -> Option<()> {
        match self.0.wait_for(|way| *way != Way::Closed).await.map(|way| *way) {
            Ok(Way::Lost) => None,
            // A test that holds on to nothing any more lets everything go.
            Ok(Way::Open | Way::Closed) | Err(_) => Some(()),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Rules(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    holds: Vec<Holding>,
    refusals: Vec<(Call, Refusal)>,
    failures: Vec<Armed>,
    passed: Vec<(Received, Duration)>,
}

/// Calls that have been answered by the server.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Passed {
    pub(super) count: usize,
    /// How long the server took for all of them.
    pub(super) spent: Duration,
}

/// A failure that waits for its calls.
#[derive(Debug)]
struct Armed {
    call: Call,
    failure: Failure,
    failing: Failing,
}

impl Armed {
    fn may_strike(&self) -> bool {
        self.failure.times > 0 && !self.failing.lifted.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
struct Holding {
    call: Call,
    moment: Moment,
    caught: watch::Sender<usize>,
    way: watch::Receiver<Way>,
}

impl Rules {
    pub(super) fn hold(&self, call: Call, moment: Moment, caught: watch::Sender<usize>, way: watch::Receiver<Way>) {
        self.lock().holds.push(Holding { call, moment, caught, way });
    }

    pub(super) fn refuse(&self, call: Call, refusal: Refusal) {
        self.lock().refusals.push((call, refusal));
    }

    pub(super) fn fail(&self, call: Call, failure: Failure) -> Failing {
        let failing = Failing { fired: Arc::default(), lifted: Arc::default() };
        let mut state = self.lock();
        // What strikes no more is not compared with every call to come.
        state.failures.retain(Armed::may_strike);
        state.failures.push(Armed { call, failure, failing: failing.clone() });
        failing
    }

    pub(super) fn forget(&self) {
        self.lock().passed.clear();
    }

    pub(super) fn clear(&self) {
        let mut state = self.lock();
        state.holds.clear();
        state.failures.clear();
        state.refusals.clear();
    }

    pub(super) fn passed(&self, call: &Call) -> Passed {
        let state = self.lock();
        let meant = state.passed.iter().filter(|(received, _)| call.matches(received));
        meant.fold(Passed::default(), |sum, (_, took)| Passed { count: sum.count + 1, spent: sum.spent + *took })
    }

    pub(super) fn actions(&self) -> BTreeSet<String> {
        self.lock().passed.iter().flat_map(|(received, _)| actions::of(received)).collect()
    }

    pub(super) fn before(&self, received: &Received) -> Next {
        let mut state = self.lock();
        if let Some((_, refusal)) =
            state.refusals.iter_mut().find(|(call, refusal)| refusal.times > 0 && call.matches(received))
        {
            refusal.times = refusal.times.saturating_sub(1);
            return Next::Refuse(refusal.clone().into_response());
        }
        state.next(received, Moment::BeforeEffect)
    }

    pub(super) fn after(&self, received: &Received, answer: StatusCode) -> Next {
        let mut state = self.lock();
        if answer.is_success() {
            state.next(received, Moment::AfterEffect)
        } else {
            state.held(received, Moment::AfterEffect)
        }
    }

    pub(super) fn has_passed(&self, received: &Received, took: Duration) {
        self.lock().passed.push((received.clone(), took));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self, received: &Received, moment: Moment) -> Next {
        let strikes = |armed: &&mut Armed| {
            armed.may_strike()
                && armed.failure.moment == moment
                && armed.call.matches(received)
                && System::of(received).never(armed.failure.kind).is_none()
        };
        match self.failures.iter_mut().find(strikes) {
            Some(armed) => {
                armed.failure.times -= 1;
                armed.failing.fired.fetch_add(1, Ordering::SeqCst);
                Next::Fail(armed.failure.clone())
            }
            None => self.held(received, moment),
        }
    }

    fn held(&self, received: &Received, moment: Moment) -> Next {
        // A hold whose test has opened the way, or is gone, holds nothing any more.
        let applies = |hold: &&Holding| {
            hold.moment == moment
                && *hold.way.borrow() == Way::Closed
                && hold.way.has_changed().is_ok()
                && hold.call.matches(received)
        };
        match self.holds.iter().find(applies) {
            None => Next::Pass,
            Some(hold) => {
                hold.caught.send_modify(|caught| *caught += 1);
                Next::Wait(Waiting(hold.way.clone()))
            }
        }
    }
}
