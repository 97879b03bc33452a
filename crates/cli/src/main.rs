//! Commands for operators. How to reach the stores is configured through the environment, as for worker and API.

mod payments;

use std::env;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use aws_config::BehaviorVersion;
use kassa_config::{Settings, dynamodb};
use kassa_store::{DynamoDb, PaymentValve, Products};
use tokio::io::{AsyncReadExt as _, stdin};

const USAGE: &str = "usage: kassa import FILE|-
       kassa payments pause --operator NAME --reason TEXT
       kassa payments resume --operator NAME --rate NUMBER [--reason TEXT]
       kassa payments status

import creates and changes the products of a catalogue in JSON lines, from a file or from standard input. Prints one line
of JSON per line, and exits with 1 if one was refused. Importing the same lines again changes nothing.

payments pause holds all orders before their charge, for as long as the payment provider is down; resume lets those that
were held go, so many per second. Both print how it stands, and who has changed it, as status does.

KASSA_DYNAMODB_ENDPOINT, KASSA_TABLE_PREFIX and the AWS settings say where all of it is kept.";

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["import", source] => import(source).await,
        ["payments", ..] => {
            let command = payments::Command::parse(&arguments[1..]).map_err(|error| anyhow!("{error:#}\n\n{USAGE}"))?;
            command.run(&PaymentValve::new(connect().await?)).await
        }
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("unknown arguments\n\n{USAGE}"),
    }
}

async fn connect() -> anyhow::Result<DynamoDb> {
    let config = dynamodb(&Settings::from_env())?;
    let aws = aws_config::defaults(BehaviorVersion::latest()).load().await;
    Ok(DynamoDb::connect(&aws, &config))
}

async fn import(source: &str) -> anyhow::Result<ExitCode> {
    let products = Products::new(connect().await?);
    let text = match source {
        "-" => {
            let mut text = Vec::new();
            stdin().read_to_end(&mut text).await.context("standard input cannot be read")?;
            text
        }
        file => tokio::fs::read(file).await.with_context(|| format!("{file} cannot be read"))?,
    };
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
