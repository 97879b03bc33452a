//! Calls that fail: when, how, and how often.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::rules::Moment;

/// How a call fails. Each outside system says the same in words of its own ([`System`](super::System)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// No answer comes, until the caller gives up.
    TimeOut,
    /// The connection is reset instead of answered.
    Reset,
    /// Too many requests: status 429, or what the system calls it.
    TooMany,
    /// Status 500.
    ServerError,
    /// Status 503.
    Unavailable,
    /// A refusal that no repetition changes.
    Refused,
    /// An answer of status 200 that cannot be read.
    Malformed,
    /// Something is not as the call demands.
    ConditionFailed,
    /// Somebody else is changing the same.
    Conflict,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::TimeOut,
        Self::Reset,
        Self::TooMany,
        Self::ServerError,
        Self::Unavailable,
        Self::Refused,
        Self::Malformed,
        Self::ConditionFailed,
        Self::Conflict,
    ];

    /// What tables call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TimeOut => "time-out",
            Self::Reset => "connection reset",
            Self::TooMany => "429",
            Self::ServerError => "500",
            Self::Unavailable => "503",
            Self::Refused => "permanent 4xx",
            Self::Malformed => "malformed answer",
            Self::ConditionFailed => "condition failed",
            Self::Conflict => "transaction conflict",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A failure of calls. It strikes one call, unless told otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub(super) moment: Moment,
    pub(super) kind: Kind,
    pub(super) late: Duration,
    pub(super) times: usize,
}

impl Failure {
    /// The call fails like that, before or after it has taken effect. What the server has refused by itself has had no
    /// effect, and is not struck after it.
    pub fn new(moment: Moment, kind: Kind) -> Self {
        Self { moment, kind, late: Duration::ZERO, times: 1 }
    }

    /// Strikes so many calls.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// The failure comes only after that time; until then, the call hangs.
    #[must_use]
    pub fn late(self, late: Duration) -> Self {
        Self { late, ..self }
    }
}

/// A failure that calls will meet, or have met.
#[derive(Debug, Clone)]
pub struct Failing {
    pub(super) fired: Arc<AtomicUsize>,
    pub(super) lifted: Arc<AtomicBool>,
}

impl Failing {
    /// How many calls it has struck so far.
    pub fn fired(&self) -> usize {
        self.fired.load(Ordering::SeqCst)
    }

    /// Lets it strike no more calls.
    pub fn lift(&self) {
        self.lifted.store(true, Ordering::SeqCst);
    }
}
