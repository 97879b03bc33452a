//! Accounts, made and used through the HTTP API as a shop front does it.

use anyhow::{Context as _, ensure};
use kassa_devstack::ministack::Mail;
use kassa_domain::UserId;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Answer, Shop, eventually};

/// The password of every account that the tests make.
pub const PASSWORD: &str = "correct-horse-battery";

/// Somebody who has signed in.
#[derive(Debug, Clone)]
pub struct Account {
    /// The address of the account.
    pub email: String,
    /// Its password.
    pub password: String,
    /// An access token.
    pub token: String,
    /// What new access tokens are got with.
    pub refresh_token: String,
    /// The account.
    pub user: UserId,
}

impl Shop {
    /// A new account that has signed in: registered, confirmed with the mailed code, logged in.
    pub async fn sign_up(&self) -> anyhow::Result<Account> {
        let email = new_address();
        self.register(&email).await?;
        let body = json!({ "email": email, "code": self.code(&email).await? });
        let confirmed = self.post("/api/users/confirm", &body).await?;
        ensure!(confirmed.status == 204, "confirming an account: {confirmed:?}");
        self.log_in(&email, PASSWORD).await
    }

    /// A new account that waits for its code.
    pub async fn register(&self, email: &str) -> anyhow::Result<()> {
        let body = json!({ "email": email, "password": PASSWORD, "name": "Ada Lovelace" });
        let registered = self.post("/api/users/register", &body).await?;
        ensure!(registered.status == 202, "registering an account: {registered:?}");
        Ok(())
    }

    /// Signs in.
    pub async fn log_in(&self, email: &str, password: &str) -> anyhow::Result<Account> {
        let answer = self.post("/api/users/login", &json!({ "email": email, "password": password })).await?;
        ensure!(answer.status == 200, "logging in: {answer:?}");
        let text = |name: &str| answer.body[name].as_str().map(ToOwned::to_owned).with_context(|| format!("no {name}"));
        let token = text("access_token")?;
        let me = Answer::of(self.http.get(self.url("/api/users/me")).bearer_auth(&token)).await?;
        ensure!(me.status == 200, "reading the profile: {me:?}");
        Ok(Account {
            email: email.to_owned(),
            password: password.to_owned(),
            refresh_token: text("refresh_token")?,
            user: me.body["id"].as_str().context("no id")?.parse()?,
            token,
        })
    }

    /// What the API answers to a body.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        Answer::of(self.http.post(self.url(path)).json(body)).await
    }

    /// The last code that was mailed to an address.
    pub async fn code(&self, email: &str) -> anyhow::Result<String> {
        eventually("a code is mailed", async || {
            let mails = self.mails_to(email).await?;
            mails.iter().rev().find_map(code_in).context("no mail with a code")
        })
        .await
    }
}

impl Account {
    /// A request of this account.
    pub fn signs(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.token)
    }
}

/// An address that nobody has used.
pub fn new_address() -> String {
    format!("customer-{}@example.com", Uuid::new_v4().simple())
}

/// The six digits in a mail.
fn code_in(mail: &Mail) -> Option<String> {
    let text = mail.body_text.as_deref()?;
    text.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 6).map(ToOwned::to_owned)
}
