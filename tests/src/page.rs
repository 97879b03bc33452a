//! The pages to which a checkout leads its customer: Stripe's page to pay on, and the bank's to authenticate.

use anyhow::{Context as _, ensure};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use crate::Answer;

/// A page, as a customer's browser has it.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where it is.
    pub url: String,
    browser: Client,
}

impl Page {
    /// The page to which an answer leads; the order has to wait for it.
    pub fn of(answer: &Answer) -> anyhow::Result<Self> {
        let taken = [StatusCode::CREATED, StatusCode::OK].contains(&answer.status);
        let waits = taken && answer.body["status"] == "AWAITING_PAYMENT";
        ensure!(waits, "the order waits for nobody: {answer:#?}");
        ensure!(answer.body["expires_at"].is_string(), "nobody knows until when: {answer:#?}");
        let url = answer.body["payment_url"].as_str().context("an address to pay at")?;
        // Where a page leads is what tests look at; the shop behind it does not exist.
        let browser = Client::builder().no_proxy().redirect(Policy::none()).build()?;
        Ok(Self { url: url.to_owned(), browser })
    }

    /// Pays with a test card. Returns the status, and where the page leads.
    pub async fn pay(&self, card: &str) -> anyhow::Result<(u16, String)> {
        self.submit(&[("payment_method", card)]).await
    }

    /// Sends the form of the page. Returns the status, and where it leads.
    pub async fn submit(&self, form: &[(&str, &str)]) -> anyhow::Result<(u16, String)> {
        let body: Vec<_> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.browser.post(&self.url).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(body.join("&")).send().await.context("sending the form of a page")?;
        let location = answer.headers().get("location").map(|to| to.to_str().map(str::to_owned)).transpose()?;
        Ok((answer.status().as_u16(), location.unwrap_or_default()))
    }
}
