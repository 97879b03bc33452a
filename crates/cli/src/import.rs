//! Bringing a catalogue into the store.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use kassa_store::Products;
use tokio::io::{AsyncReadExt as _, stdin};

/// Imports a file, or standard input, and tells what became of each line.
pub(crate) async fn import(source: &str) -> anyhow::Result<ExitCode> {
    let products = Products::new(crate::connect().await?);
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
