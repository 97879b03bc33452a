//! Requests of every shape that the document describes, and of shapes that it does not.

use std::time::Duration;

use anyhow::Context as _;
use kassa_devstack::progress::Silent;
use kassa_devstack::{tools, workspace};
use kassa_tests::{Shop, on_exclusive_shop};
use reqwest::Method;
use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;

/// Requests for each operation and phase. More find more; `KASSA_SCHEMATHESIS_EXAMPLES` asks for them.
const EXAMPLES: &str = "15";

/// The same requests every time, so that a change fails for what it changes. `KASSA_SCHEMATHESIS_SEED` asks for others.
const SEED: &str = "1";

/// Much longer than it takes.
const PATIENCE: Duration = Duration::from_mins(10);

#[test]
fn no_request_makes_the_api_break_its_document() -> anyhow::Result<()> {
    on_exclusive_shop(async |shop| {
        stock_what_the_examples_buy(shop).await?;
        let python = tools::schemathesis(&workspace::tools_folder(), &Silent).await?;
        let examples = std::env::var("KASSA_SCHEMATHESIS_EXAMPLES").unwrap_or_else(|_| EXAMPLES.to_owned());
        let seed = std::env::var("KASSA_SCHEMATHESIS_SEED").unwrap_or_else(|_| SEED.to_owned());
        let folder = workspace::root().join("tests/tests/contract");

        let run = Command::new(python)
            .args(["-m", "schemathesis.cli", "--config-file"])
            .arg(folder.join("schemathesis.toml"))
            .arg("run")
            .arg(shop.url("/api/openapi.json"))
            .args(["--header", &format!("Authorization: Bearer {}", shop.admin_token())])
            .args(["--phases", "examples,coverage,fuzzing"])
            .args(["--max-examples", &examples, "--seed", &seed])
            // Of several, two may be in Python's parser at once, which some versions of it do not bear.
            .args(["--workers", "1"])
            .args(["--generation-database", "none", "--request-timeout", "60", "--warnings", "off", "--no-color"])
            .args(["--continue-on-failure", "--output-sanitize", "true"])
            .env("PYTHONPATH", &folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("SCHEMATHESIS_HOOKS", "ndjson")
            .current_dir(shop.stack.folder())
            .kill_on_drop(true)
            .output();
        let output = timeout(PATIENCE, run).await.context("Schemathesis did not come to its end")??;

        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "with KASSA_SCHEMATHESIS_SEED={seed}:\n{text}");
        Ok(())
    })
}

/// The product that the examples of the document buy.
async fn stock_what_the_examples_buy(shop: &Shop) -> anyhow::Result<()> {
    let product = json!({ "id": "prod_tea", "name": "Tea", "price": { "amount": 1250, "currency": "EUR" } });
    shop.as_admin(Method::POST, "/api/products").json(&product).send().await?;
    let stock = shop.receive_stock(&"prod_tea".parse()?, 10_000, &uuid::Uuid::new_v4().to_string()).await?;
    anyhow::ensure!(stock.status.is_success(), "{stock:?}");
    Ok(())
}
