//! The API as customers and staff use it: they ask again when it is away.

use std::time::Duration;

use anyhow::Context as _;
use kassa_domain::{Caller, EmailAddress, IdempotencyKey, OrderId};
use kassa_tests::customer::ORDER_TOKEN;
use kassa_tests::{Account, Answer, Shop};
use reqwest::{Client, Method, RequestBuilder};
use tokio::time::{Instant, sleep};

use crate::plan::{ACCOUNTS, Story};

/// How long somebody asks again and again. Longer than any disaster lasts, and than any step is tried.
const LONGEST: Duration = Duration::from_mins(5);

/// Where orders are taken. Unlike the shop, it needs nothing that a disaster takes hold of.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    http: Client,
    api: String,
    admin_token: String,
    accounts: Vec<Account>,
    seed: u64,
}

impl Desk {
    pub(crate) async fn open(shop: &Shop, seed: u64) -> anyhow::Result<Self> {
        let mut accounts = Vec::new();
        for _ in 0..ACCOUNTS {
            accounts.push(shop.sign_up().await?);
        }
        let (http, admin_token) = (shop.http.clone(), shop.admin_token().to_owned());
        Ok(Self { http, api: shop.stack.api_url(), admin_token, accounts, seed })
    }

    fn account(&self, story: &Story) -> Option<&Account> {
        story.account.map(|account| &self.accounts[account])
    }

    /// The address of a guest.
    pub(crate) fn email(&self, story: &Story) -> String {
        format!("soak-{}-{}@example.com", self.seed, story.number)
    }

    /// The key of the checkout of a story.
    pub(crate) fn key(&self, story: &Story) -> String {
        format!("soak-{}-{}", self.seed, story.number)
    }

    /// The order of a story.
    pub(crate) fn order_id(&self, story: &Story) -> OrderId {
        let key: IdempotencyKey = self.key(story).parse().expect("a key as it should be");
        let caller = match self.account(story) {
            Some(account) => Caller::user(&account.user),
            None => Caller::guest(&self.email(story).parse::<EmailAddress>().expect("an address")),
        };
        OrderId::derive(&caller, &key)
    }

    /// A request of the customer of a story.
    pub(crate) fn of_customer(&self, story: &Story, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.api));
        match self.account(story) {
            Some(account) => account.signs(request),
            None => request,
        }
    }

    /// A request of that customer about the order that an answer names.
    pub(crate) fn about(&self, story: &Story, answer: &Answer, method: Method, path: &str) -> RequestBuilder {
        let request = self.of_customer(story, method, &format!("/api/orders/{}{path}", self.order_id(story)));
        match answer.body["order_token"].as_str() {
            Some(token) => request.header(ORDER_TOKEN, token),
            None => request,
        }
    }

    /// A request of the staff.
    pub(crate) fn of_staff(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.api)).bearer_auth(&self.admin_token)
    }

    /// What happens to a payment at its issuer; nothing, if it is somewhere else by then.
    pub(crate) async fn at_issuer(&self, url: &str, result: &str) -> anyhow::Result<()> {
        self.http.post(url).json(&serde_json::json!({ "result": result })).send().await?;
        Ok(())
    }

    /// Sends a request until it is decided.
    pub(crate) async fn insist(&self, request: &RequestBuilder) -> anyhow::Result<Answer> {
        let end = Instant::now() + LONGEST;
        loop {
            let sent = Answer::of(request.try_clone().context("a request that can be repeated")?).await;
            let undecided = match &sent {
                // Its connection broke, or there is no API at the moment.
                Err(_) => true,
                Ok(answer) => answer.status == 202 || answer.code() == Some("temporarily_unavailable"),
            };
            if !undecided || Instant::now() >= end {
                return sent;
            }
            sleep(Duration::from_millis(250)).await;
        }
    }
}
