//! A catalogue in JSON lines, by the API and by the command.

use std::process::Stdio;

use anyhow::Context as _;
use kassa_devstack::progress::Silent;
use kassa_devstack::stack::build;
use kassa_domain::ProductId;
use kassa_tests::{Answer, Shop, on_shared_shop};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use uuid::Uuid;

fn id() -> ProductId {
    ProductId::from_unique(Uuid::now_v7().as_u128())
}

fn line(id: &ProductId, name: &str) -> String {
    json!({ "id": id, "name": name, "price": { "amount": 100, "currency": "EUR" } }).to_string()
}

async fn import(shop: &Shop, text: String) -> anyhow::Result<Answer> {
    let request = shop.as_admin(Method::POST, "/api/products/import").header("content-type", "application/x-ndjson");
    Answer::of(request.body(text)).await
}

/// The line, what became of it, and the fields that are wrong.
fn told(lines: &[Value]) -> Vec<(u64, &str, Vec<&str>)> {
    let told = lines.iter().map(|line| {
        let errors = line["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let fields = errors.iter().filter_map(|error| error["field"].as_str()).collect();
        (line["line"].as_u64().unwrap_or_default(), line["status"].as_str().unwrap_or_default(), fields)
    });
    told.collect()
}

#[test]
fn a_bad_line_stops_no_other_and_a_repetition_changes_nothing() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (new, old, twice) = (id(), shop.create_product(100, 5).await?, id());
        let bad = id();
        let text = [
            line(&new, "Oolong"),
            String::new(),
            json!({ "id": bad, "name": "Bad", "price": { "amount": -1, "currency": "EUR" } }).to_string(),
            line(&old, "Sencha"),
            "no JSON".to_owned(),
            line(&twice, "First"),
            line(&twice, "Second"),
            json!({ "id": id(), "name": "Bad", "price": { "amount": 1, "currency": "EUR" }, "stock": 9 }).to_string(),
        ]
        .join("\n");

        let first = import(shop, text.clone()).await?;
        let second = import(shop, text).await?;

        assert_eq!(first.status, 200, "{first:#?}");
        let lines = first.body["lines"].as_array().cloned().unwrap_or_default();
        let expected = [
            (1, "created", vec![]),
            (3, "refused", vec!["price.amount"]),
            (4, "updated", vec![]),
            (5, "refused", vec![""]),
            (6, "created", vec![]),
            (7, "refused", vec!["id"]),
            (8, "refused", vec!["stock"]),
        ];
        assert_eq!(told(&lines), expected);
        assert_eq!(lines[1]["id"], json!(bad));
        let counts = |answer: &Answer| {
            ["created", "updated", "unchanged", "refused"].map(|name| answer.body[name].as_u64().unwrap_or_default())
        };
        assert_eq!((counts(&first), counts(&second)), ([2, 1, 0, 4], [0, 0, 3, 4]), "{second:#?}");
        assert_eq!(shop.get(&format!("/api/products/{new}")).await?.body["name"], "Oolong");
        assert_eq!(shop.get(&format!("/api/products/{twice}")).await?.body["name"], "First");
        let changed = shop.get(&format!("/api/products/{old}")).await?;
        assert_eq!((&changed.body["name"], &changed.body["available"]), (&json!("Sencha"), &json!(5)));
        shop.get(&format!("/api/products/{bad}")).await?.assert_problem(404, "product_not_found");
        Ok(())
    })
}

#[test]
fn an_import_is_bounded_and_says_what_it_takes() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let empty = import(shop, "\n \n".to_owned()).await?;
        assert_eq!((empty.status.as_u16(), &empty.body["lines"]), (200, &json!([])), "{empty:#?}");
        import(shop, "{}\n".repeat(1_001)).await?.assert_problem(422, "validation_failed");
        import(shop, " ".repeat(4 * 1024 * 1024 + 1)).await?.assert_problem(413, "body_too_large");
        let json = shop.as_admin(Method::POST, "/api/products/import").json(&json!({}));
        Answer::of(json).await?.assert_problem(415, "unsupported_media_type");
        Ok(())
    })
}

/// Runs `kassa import` against the store of a shop.
async fn command(shop: &Shop, source: &str, input: &str) -> anyhow::Result<(Option<i32>, Vec<Value>, String)> {
    let mut kassa = Command::new(&build(&Silent).await?.cli);
    kassa.args(["import", source]).env_clear();
    kassa.envs(shop.stack.environment().iter().map(|(name, value)| (name, value)));
    let mut running = kassa.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stdin = running.stdin.take().context("standard input")?;
    stdin.write_all(input.as_bytes()).await?;
    drop(stdin);
    let output = running.wait_with_output().await?;
    let report = String::from_utf8(output.stdout)?;
    let report = report.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    Ok((output.status.code(), report, String::from_utf8(output.stderr)?))
}

#[test]
fn the_command_imports_from_a_file_and_from_standard_input() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let (first, second) = (id(), id());
        let text = [line(&first, "Oolong"), line(&second, "Sencha")].join("\n");
        let file = std::env::temp_dir().join(format!("kassa-import-{first}.jsonl"));
        tokio::fs::write(&file, &text).await?;

        let from_file = command(shop, file.to_str().context("a path")?, "").await;
        tokio::fs::remove_file(&file).await?;
        let (code, report, errors) = from_file?;
        assert_eq!((code, told(&report)), (Some(0), vec![(1, "created", vec![]), (2, "created", vec![])]), "{errors}");
        assert!(errors.contains("2 created"), "{errors}");

        let (code, report, errors) = command(shop, "-", &format!("{text}\n{{}}\n")).await?;
        let expected = vec![(1, "unchanged", vec![]), (2, "unchanged", vec![]), (3, "refused", vec!["id"])];
        assert_eq!((code, told(&report)), (Some(1), expected), "{errors}");

        assert_eq!(shop.get(&format!("/api/products/{second}")).await?.body["name"], "Sencha");
        let (code, _, errors) = command(shop, "/nowhere/at/all", "").await?;
        assert!(code == Some(1) && errors.contains("cannot be read"), "{errors}");
        Ok(())
    })
}
