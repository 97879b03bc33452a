//! The pages to which a checkout leads its customer: Stripe's page to pay on, and the bank's to authenticate.

use anyhow::{Context as _, ensure};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use crate::{Answer, Shop};

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
        ensure_it_waits(answer)?;
        let url = answer.body["payment_url"].as_str().context("an address to pay at")?;
        Self::at(url.to_owned())
    }

    /// What Stripe's own code shows on the shop's page, with the client secret in an answer that leads nowhere.
    pub fn within(shop: &Shop, answer: &Answer) -> anyhow::Result<Self> {
        ensure_it_waits(answer)?;
        ensure!(answer.body["payment_url"].is_null(), "it leads away: {answer:#?}");
        let secret = answer.body["client_secret"].as_str().context("a client secret")?;
        let (intent, _) = secret.split_once("_secret_").context("a secret that begins with its intent")?;
        Self::at(format!("{}/_hosted/3ds/{intent}", shop.stack.stripe.url()))
    }

    fn at(url: String) -> anyhow::Result<Self> {
        // Where a page leads is what tests look at; the shop behind it does not exist.
        let browser = Client::builder().no_proxy().redirect(Policy::none()).build()?;
        Ok(Self { url, browser })
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

fn ensure_it_waits(answer: &Answer) -> anyhow::Result<()> {
    let taken = [StatusCode::CREATED, StatusCode::OK].contains(&answer.status);
    let waits = taken && answer.body["status"] == "AWAITING_PAYMENT";
    ensure!(waits, "the order waits for nobody: {answer:#?}");
    ensure!(answer.body["expires_at"].is_string(), "nobody knows until when: {answer:#?}");
    Ok(())
}
