//! What belongs to an account beside the identity that Cognito keeps: its profile, and the mail that greets it.

use kassa_store::users::User;
use kassa_store::{StoreError, Users};
use kassa_workflows::contracts::notifications::Notice;
use kassa_workflows::notification::Accepted;
use uuid::Uuid;

use crate::auth::{Session, unauthorized};
use crate::cognito::{Account, Cognito};
use crate::messages::{Messages, fingerprint};
use crate::problem::{Chain, Problem};
use crate::workflows::Workflows;

/// Profiles, and what happens when there is a new one. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    users: Users,
    workflows: Workflows,
}

impl Accounts {
    pub(crate) fn new(users: Users, workflows: Workflows) -> Self {
        Self { users, workflows }
    }

    /// The profile of an account, which is made when it is needed for the first time.
    ///
    /// Whoever confirms an address may hang up, and this process may end, before everything is done that a new account
    /// needs; so it is looked after whenever the profile is opened, until it is done.
    pub(crate) async fn open(&self, account: Account) -> Result<User, StoreError> {
        let Account { user, email, name } = account;
        let user = match self.users.get(&user).await? {
            Some(user) => user,
            None => self.users.create(user, email, name).await?,
        };
        if !user.welcomed {
            // Nobody waits for a mail to be accepted.
            tokio::spawn(self.clone().welcome(user.clone()));
        }
        Ok(user)
    }

    /// The profile of whoever is signed in, which may not have been made yet: not every way to a token leads through our
    /// login.
    pub(crate) async fn own(&self, session: &Session, cognito: &Cognito) -> Result<User, Problem> {
        if let Some(user) = self.users.get(&session.signed_in.user).await? {
            return Ok(user);
        }
        let account = cognito.account_of(&session.token).await?.ok_or_else(unauthorized)?;
        Ok(self.open(account).await?)
    }

    /// As [`Self::open`], for whoever does not wait for it: what fails is made up for the next time.
    pub(crate) async fn open_or_leave(&self, account: Account) {
        if let Err(error) = self.open(account).await {
            tracing::warn!(error = %Chain(&error), "a profile could not be opened; the next login tries again");
        }
    }

    /// Has the greeting sent, which happens once however often it is asked for.
    async fn welcome(self, user: User) {
        let notice = Notice::welcome(&user.id, user.email);
        let request = Accepted { request_id: Uuid::new_v4().to_string(), fingerprint: fingerprint(&notice) };
        if let Err(error) = Messages(&self.workflows).send(notice, request).await {
            tracing::warn!(user.id = %user.id, error = %Chain(&error), "not welcomed yet; the next login tries again");
            return;
        }
        // Should this fail, the next login asks again, and nothing is sent.
        if let Err(error) = self.users.welcomed(&user.id).await {
            tracing::warn!(user.id = %user.id, error = %Chain(&error), "being welcomed could not be remembered");
        }
    }
}
