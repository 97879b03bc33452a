//! Who buys, and where their mail goes.

use axum::extract::FromRef as _;
use kassa_domain::{Caller, EmailAddress};

use crate::accounts::Accounts;
use crate::auth::{Session, Visitor};
use crate::problem::Problem;
use crate::state::AppState;

/// Whoever buys.
pub(super) struct Buyer {
    /// Whose cart it may be.
    pub(super) visitor: Visitor,
    /// Whose order it will be.
    pub(super) caller: Caller,
    /// Where its mail goes.
    pub(super) email: EmailAddress,
}

impl Buyer {
    /// Guests say where their mail goes; whoever has an account may say it, and has told us before.
    pub(super) async fn read(
        state: &AppState,
        session: Option<Session>,
        email: Option<EmailAddress>,
    ) -> Result<Self, Problem> {
        let Some(session) = session else {
            let email =
                email.ok_or_else(|| Problem::field("email", "missing: guests say where the confirmation goes"))?;
            return Ok(Self { visitor: Visitor(None), caller: Caller::guest(&email), email });
        };
        let email = match email {
            Some(email) => email,
            None => Accounts::from_ref(state).own(&session, &state.cognito).await?.email,
        };
        let Session { signed_in, .. } = session;
        let caller = Caller::user(&signed_in.user);
        Ok(Self { visitor: Visitor(Some(signed_in)), caller, email })
    }
}
