//! `docs/api.md` is true: what it tells readers to type works, prints what it says, and leaves no operation out.

mod answers;
mod page;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use kassa_devstack::ports::{self, DEFAULT_BASE, Ports};
use kassa_devstack::temporary::TemporaryFolder;
use kassa_devstack::workspace;
use kassa_tests::{Shop, on_shared_shop};
use tokio::process::Command;
use tokio::time::timeout;
use uuid::Uuid;

use crate::document::Document;
use page::{Call, Page};

/// Much longer than it takes.
const PATIENCE: Duration = Duration::from_mins(5);

/// What is served, but is no operation of the document.
const BESIDE_THE_DOCUMENT: [&str; 2] = ["GET /api/openapi.json", "GET /docs/"];

fn text() -> anyhow::Result<String> {
    std::fs::read_to_string(workspace::root().join("docs/api.md")).context("reading the guide")
}

#[test]
fn every_example_of_the_guide_runs_and_prints_what_the_guide_says() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let text = text()?;
        let page = Page::parse(&text)?;
        let folder = TemporaryFolder::create(&workspace::temporary_folder())?;

        let printed = run(shop, &page, folder.path()).await?;

        let mut differences = Vec::new();
        for (example, printed) in page.examples.iter().zip(&printed) {
            if let Err(difference) = example.answer.check(printed) {
                let line = example.line;
                differences.push(format!("docs/api.md:{line}: {difference}\n{}\nprints\n{printed}\n", example.script));
            }
        }
        assert!(differences.is_empty(), "{}", differences.join("\n"));
        Ok(())
    })
}

/// Runs all examples of the guide against a shop, whatever they print.
pub(crate) async fn run_examples(shop: &Shop) -> anyhow::Result<()> {
    let folder = TemporaryFolder::create(&workspace::temporary_folder())?;
    run(shop, &Page::parse(&text()?)?, folder.path()).await.map(drop)
}

/// Runs all examples in one shell, as a reader does, and returns what each of them prints.
async fn run(shop: &Shop, page: &Page<'_>, folder: &Path) -> anyhow::Result<Vec<String>> {
    let end = format!("end of an example: {}", Uuid::new_v4());
    let scripts = page.examples.iter().map(|example| format!("{}\nprintf '\\n%s\\n' '{end}'\n", example.script));
    // Where the output is no terminal, curl would fill it with the progress of every call.
    std::fs::write(folder.join(".curlrc"), "silent\nshow-error\n")?;
    let script = folder.join("guide.sh");
    std::fs::write(&script, format!("set -euo pipefail\n{}", scripts.collect::<String>()))?;
    let (printed, complaints) = (folder.join("printed"), folder.join("complaints"));
    let mut shell = Command::new("bash")
        .arg(&script)
        .env("KASSA", shop.stack.api_url())
        .env("MAILBOX", shop.stack.aws.mailbox_url())
        .env("NO_PROXY", "127.0.0.1")
        .env("CURL_HOME", folder)
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&printed)?)
        .stderr(std::fs::File::create(&complaints)?)
        .kill_on_drop(true)
        .spawn()
        .context("starting bash")?;
    let ended = timeout(PATIENCE, shell.wait()).await;

    let printed = String::from_utf8_lossy(&std::fs::read(&printed)?).into_owned();
    let parts: Vec<_> = printed.split(&format!("\n{end}\n")).map(ToOwned::to_owned).collect();
    if let (Some(unfinished), Some(rest)) = (page.examples.get(parts.len() - 1), parts.last()) {
        let complaints = std::fs::read_to_string(&complaints)?;
        let how = if ended.is_ok() { "failed" } else { "did not come to its end" };
        let line = unfinished.line;
        bail!("docs/api.md:{line}: an example {how}\n{}\nprints\n{rest}\n{complaints}", unfinished.script);
    }
    Ok(parts)
}

#[test]
fn every_operation_of_the_document_is_in_the_guide_and_nothing_else() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let document = Document::served_by(shop).await?;
        let mut operations: Vec<_> =
            document.operations().iter().map(|o| Call::new(o.method().as_str(), o.path)).collect();
        operations.extend(BESIDE_THE_DOCUMENT.iter().filter_map(|title| Call::of_title(title)));
        let text = text()?;
        let page = Page::parse(&text)?;

        let mut shown = BTreeSet::new();
        for call in page.calls() {
            let served = call.served_by(&operations).with_context(|| format!("`{call}` is not served"))?;
            shown.insert(served.to_string());
        }

        let all: BTreeSet<_> = operations.iter().map(ToString::to_string).collect();
        let missing: Vec<_> = all.difference(&shown).collect();
        assert!(missing.is_empty(), "not in the guide: {missing:#?}");
        Ok(())
    })
}

#[test]
fn addresses_of_the_guide_are_those_that_cargo_dev_takes() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let free = ports::free_block(&workspace::reservations_folder(), Ports::COUNT)?;
        let block = Ports::block(free.first().context("a port")?.number())?;
        let aws = DEFAULT_BASE + block.aws.number() - block.api.number();
        let mailbox = shop.stack.aws.mailbox_url();
        let (_, path) = mailbox.rsplit_once("/_").context("a path")?;
        let text = text()?;
        for address in [
            format!("KASSA=${{KASSA:-http://127.0.0.1:{DEFAULT_BASE}}}"),
            format!("MAILBOX=${{MAILBOX:-http://127.0.0.1:{aws}/_{path}}}"),
        ] {
            assert!(text.contains(&address), "the guide does not say {address}");
        }
        Ok(())
    })
}
