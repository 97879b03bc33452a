//! A reverse proxy between the worker and one of the outside systems, in the hands of a test.
//!
//! A test says which calls it waits for ([`Call`]) and what shall happen to them: [`Proxy::hold`] stops them before they
//! reach the outside system, or after it has done its part and before the answer is on its way; [`Proxy::refuse`]
//! answers in the outside system's place; [`Proxy::fail`] makes them fail in any way that calls over a network can, before
//! or after their effect. Everything else passes through unchanged.

mod actions;
mod all;
mod call;
mod fail;
mod failure;
mod forward;
mod rules;
mod system;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::response::{IntoResponse as _, Response};
use kassa_stand_ins::connections::{Resettable, Switch};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use all::Proxies;
pub use call::Call;
pub use failure::{Failing, Failure, Kind};
pub use rules::{Moment, Refusal};
pub use system::System;

use fail::{Fate, fail};
use forward::Upstream;
use rules::{Next, Rules};

/// How long a call that a test waits for may take to come. A worker that was killed is missed only after ten seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// A proxy in front of one server. It ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    rules: Arc<Rules>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy in front of the server at `upstream` (`http://127.0.0.1:port`).
    pub async fn start(upstream: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let rules = Arc::new(Rules::default());
        let state = Served { rules: Arc::clone(&rules), upstream: Upstream::new(upstream) };
        let app = Router::new().fallback(handle).layer(DefaultBodyLimit::disable()).with_state(state);
        let app = app.into_make_service_with_connect_info::<Switch>();
        let serving = tokio::spawn(async move {
            // It only ends with the listener, which lives as long as this task.
            let _ = axum::serve(Resettable(listener), app).await;
        });
        Ok(Self { address, rules, serving })
    }

    /// Where the worker reaches it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops every matching call at that moment, until [`Hold::deliver`] or [`Hold::discard`].
    pub fn hold(&self, call: Call, moment: Moment) -> Hold {
        let caught = watch::channel(0);
        let way = watch::channel(Way::Closed);
        self.rules.hold(call.clone(), moment, caught.0, way.1);
        Hold { call, moment, caught: caught.1, way: way.0 }
    }

    /// Answers every matching call in the server's place, as often as the refusal says.
    pub fn refuse(&self, call: Call, refusal: Refusal) {
        self.rules.refuse(call, refusal);
    }

    /// Makes matching calls fail, as often as the failure says. Of several failures, the one asked for first strikes first.
    pub fn fail(&self, call: Call, failure: Failure) -> Failing {
        self.rules.fail(call, failure)
    }

    /// Forgets everything that was asked for; calls that are held go on.
    pub fn clear(&self) {
        self.rules.clear();
    }

    /// Forgets which calls the server has answered, for tests that make very many.
    pub fn forget(&self) {
        self.rules.forget();
    }

    /// How many calls of this kind the server has answered so far.
    pub fn passed(&self, call: &Call) -> usize {
        self.rules.passed(call).count
    }

    /// Returns the actions, in the terms of IAM, that the calls needed which the server has answered so far.
    pub fn actions(&self) -> BTreeSet<String> {
        self.rules.actions()
    }

    /// How long the server took for all calls that it has answered so far.
    pub fn spent(&self) -> Duration {
        self.rules.passed(&Call::any()).spent
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What becomes of held calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// They wait.
    Closed,
    /// They go on.
    Open,
    /// They are gone, as if the network had swallowed them.
    Lost,
}

/// Calls that are held, or will be. Dropping it lets them go on.
#[derive(Debug)]
pub struct Hold {
    call: Call,
    moment: Moment,
    caught: watch::Receiver<usize>,
    way: watch::Sender<Way>,
}

impl Hold {
    /// Waits until a call is caught: before the server has seen it, or after the server has done its part.
    pub async fn caught(&mut self) -> anyhow::Result<()> {
        let caught = timeout(PATIENCE, self.caught.wait_for(|caught| *caught > 0)).await;
        match caught {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => anyhow::bail!("{:?} was forgotten before it came", self.call),
            Err(_) => anyhow::bail!("{:?} did not come ({:?}) within {PATIENCE:?}", self.call, self.moment),
        }
    }

    /// How many calls have been caught so far.
    pub fn count(&self) -> usize {
        *self.caught.borrow()
    }

    /// Lets held calls go on, even if whoever sent them has given up meanwhile, and catches no more.
    pub fn deliver(self) {
        self.way.send_replace(Way::Open);
    }

    /// Loses held calls without a trace, and catches no more.
    pub fn discard(self) {
        self.way.send_replace(Way::Lost);
    }
}

#[derive(Debug, Clone)]
struct Served {
    rules: Arc<Rules>,
    upstream: Upstream,
}

async fn handle(State(served): State<Served>, ConnectInfo(switch): ConnectInfo<Switch>, request: Request) -> Response {
    // A task of its own: a call that is on its way arrives even if its sender is gone by then.
    let carried = tokio::spawn(carry(served, request));
    match carried.await {
        Ok(Fate::Answered(response)) => response,
        Ok(Fate::Reset) => {
            switch.reset();
            // The connection breaks when this is to be sent.
            ().into_response()
        }
        // An answer that never comes; the connection ends when the sender gives up.
        Ok(Fate::Lost) | Err(_) => std::future::pending().await,
    }
}

/// Brings a call to the server and its answer back, as far as it shall come.
async fn carry(served: Served, request: Request) -> Fate {
    let Some(call) = forward::read(request).await else { return Fate::Lost };
    match served.rules.before(&call) {
        Next::Pass => {}
        Next::Refuse(response) => return Fate::Answered(response),
        Next::Fail(failure) => return fail(failure, &call, None).await,
        Next::Wait(waiting) => {
            if waiting.wait().await.is_none() {
                return Fate::Lost;
            }
        }
    }
    let sent = Instant::now();
    let answer = served.upstream.send(&call).await;
    served.rules.has_passed(&call, sent.elapsed());
    match served.rules.after(&call, answer.status()) {
        Next::Fail(failure) => fail(failure, &call, Some(answer)).await,
        Next::Wait(waiting) => match waiting.wait().await {
            Some(()) => Fate::Answered(answer),
            None => Fate::Lost,
        },
        Next::Pass | Next::Refuse(_) => Fate::Answered(answer),
    }
}
