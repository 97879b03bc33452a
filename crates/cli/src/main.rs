//! Commands for operators. How to reach the stores and Temporal is configured through the environment, as for worker and
//! API.

mod import;
mod reconcile;

mod payments;

use std::env;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use aws_config::BehaviorVersion;
use kassa_config::{Settings, dynamodb};
use kassa_store::{DynamoDb, PaymentValve};

const USAGE: &str = "usage: kassa import FILE|-
       kassa payments pause --operator NAME --reason TEXT
       kassa payments resume --operator NAME --rate NUMBER [--reason TEXT]
       kassa payments status
       kassa reconcile [--since TIME]

import creates and changes the products of a catalogue in JSON lines, from a file or from standard input. Prints one line
of JSON per line, and exits with 1 if one was refused. Importing the same lines again changes nothing.

payments pause holds all orders before their charge, for as long as the payment provider is down; resume lets those that
were held go, so many per second. Both print how it stands, and who has changed it, as status does.

KASSA_DYNAMODB_ENDPOINT, KASSA_TABLE_PREFIX and the AWS settings say where catalogue and payments are kept.

reconcile has Stripe, books, stock and workflows compared by the workers, waits, and prints what does not agree; exits with
1 if there is something. Payments and orders from before TIME (such as 2026-01-01T00:00:00Z) are not looked at; without it,
as far back as KASSA_RECONCILE_LOOK_BACK_MS says. TEMPORAL_ADDRESS and KASSA_TASK_QUEUE say where the workers are.";

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["import", source] => import::import(source).await,
        ["payments", ..] => {
            let command = payments::Command::parse(&arguments[1..]).map_err(|error| anyhow!("{error:#}\n\n{USAGE}"))?;
            command.run(&PaymentValve::new(connect().await?)).await
        }
        ["reconcile"] => reconcile::reconcile(None).await,
        ["reconcile", "--since", since] => reconcile::reconcile(Some(since)).await,
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
