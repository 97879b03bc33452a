//! Commands for operators. How to reach the stores is configured through the environment, as for worker and API.

use std::env;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use aws_config::BehaviorVersion;
use kassa_config::{Settings, dynamodb};
use kassa_store::{DynamoDb, Products};
use tokio::io::{AsyncReadExt as _, stdin};

const USAGE: &str = "usage: kassa import FILE|-

Creates and changes the products of a catalogue in JSON lines, from a file or from standard input. Prints one line of
JSON per line, and exits with 1 if one was refused. Importing the same lines again changes nothing.

KASSA_DYNAMODB_ENDPOINT, KASSA_TABLE_PREFIX and the AWS settings say where the catalogue is.";

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["import", source] => import(source).await,
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("unknown arguments\n\n{USAGE}"),
    }
}

async fn import(source: &str) -> anyhow::Result<ExitCode> {
    let config = dynamodb(&Settings::from_env())?;
    let text = match source {
        "-" => {
            let mut text = Vec::new();
            stdin().read_to_end(&mut text).await.context("standard input cannot be read")?;
            text
        }
        file => tokio::fs::read(file).await.with_context(|| format!("{file} cannot be read"))?,
    };
    let aws = aws_config::defaults(BehaviorVersion::latest()).load().await;
    let products = Products::new(DynamoDb::connect(&aws, &config));
    let report = kassa_import::import(&products, &text).await;

    let mut output = std::io::stdout().lock();
    for line in &report.lines {
        serde_json::to_writer(&mut output, line)?;
        writeln!(output)?;
    }
    eprintln!(
        "{} created, {} updated, {} unchanged, {} refused",
        report.created, report.updated, report.unchanged, report.refused
    );
    Ok(if report.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
