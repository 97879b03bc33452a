//! Every configuration is formatted, valid, and passes its own tests.

use anyhow::ensure;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kassa_tests::cases::{every_case, print_left_out};

use crate::terraform::Terraform;

/// Commands that run at the same time. Each has a provider of its own.
const AT_ONCE: usize = 4;

#[tokio::test]
async fn configurations_are_formatted() -> anyhow::Result<()> {
    let terraform = Terraform::copy().await?;
    terraform.run(&terraform.folder(""), &["fmt", "-check", "-recursive", "-diff"]).await.map(drop)
}

/// The environments are applied by other tests here, so their own tests run only with every case: each applies them again.
#[tokio::test]
async fn every_configuration_is_valid_and_passes_its_tests() -> anyhow::Result<()> {
    let terraform = &Terraform::copy().await?;
    let folders = terraform.folders()?;
    let with_tests: Vec<_> = folders.iter().filter(|folder| folder.join("tests").is_dir()).collect();
    let mut tested = with_tests.clone();
    if !every_case()? {
        tested.retain(|folder| !folder.join("backend.tf").is_file());
    }
    print_left_out("tests of configurations", with_tests.len() - tested.len(), with_tests.len());

    let checks = folders.iter().map(async |folder| {
        terraform.run(folder, &["init", "-backend=false", "-no-color"]).await?;
        terraform.run(folder, &["validate", "-no-color"]).await?;
        if tested.contains(&folder) {
            let printed = terraform.run(folder, &["test", "-no-color"]).await?;
            // Terraform is content with a folder that has no tests.
            ensure!(!printed.contains(" 0 passed"), "no test of {} ran", terraform.name(folder).display());
        }
        anyhow::Ok(())
    });
    stream::iter(checks).buffer_unordered(AT_ONCE).try_collect().await
}

#[tokio::test]
async fn mistakes_that_only_the_schema_knows_are_found() -> anyhow::Result<()> {
    let mistakes = [
        ("attribute", "billing_mode = \"PAY_PER_REQUEST\"\nbilling = true", "Unsupported argument"),
        ("value", "billing_mode = \"PAY_PER_REQEST\"", "Unknown value"),
        ("block", "ttl = \"expires_at\"", "Unsupported argument"),
    ];
    for (kind, text, expected) in mistakes {
        let terraform = Terraform::copy().await?;
        let folder = terraform.folder("mistake");
        std::fs::create_dir(&folder)?;
        let table =
            format!("resource \"aws_dynamodb_table\" \"this\" {{\nname = \"a\"\nhash_key = \"id\"\n{text}\n}}\n");
        std::fs::write(folder.join("main.tf"), table)?;
        terraform.run(&folder, &["init", "-backend=false", "-no-color"]).await?;
        let refused = terraform.run(&folder, &["validate", "-no-color"]).await.unwrap_err().to_string();
        assert!(refused.contains(expected), "a wrong {kind}: {refused}");
    }
    Ok(())
}
