//! The document leaves nothing out.

use std::collections::BTreeSet;
use std::path::Path;

use kassa_devstack::workspace;
use kassa_tests::on_shared_shop;
use reqwest::Method;

use crate::document::{Audience, Document, example_of};

/// What the sources of the API say, all files together.
fn sources(folder: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            text.push_str(&sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path)?);
        }
    }
    Ok(text)
}

#[test]
fn every_route_is_in_the_document() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let document = Document::served_by(shop).await?;
        let sources = sources(&workspace::root().join("api/src"))?;

        // Routes come into being in two ways only; the other one goes past the document.
        for past in [".route(", ".route_service(", ".nest_service("] {
            assert!(!sources.contains(past), "`{past}` adds a route that the document does not have");
        }
        let declared = sources.matches("#[utoipa::path(").count();
        assert_eq!(declared, document.operations().len(), "a handler is declared, but not routed");
        Ok(())
    })
}

#[test]
fn every_operation_is_described_in_full() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let document = Document::served_by(shop).await?;
        let tags = document.tags();
        let (mut ids, mut gaps) = (BTreeSet::new(), Vec::new());
        for operation in document.operations() {
            let title = operation.title();
            let mut check = |holds: bool, what: &str| {
                if !holds {
                    gaps.push(format!("{title}: {what}"));
                }
            };
            let text = |name: &str| operation.spec[name].as_str().is_some_and(|text| !text.trim().is_empty());
            check(text("summary"), "no summary");
            check(!operation.id().is_empty() && ids.insert(operation.id()), "no operationId of its own");
            let tag = operation.spec["tags"][0].as_str().unwrap_or_default();
            check(tags.contains(tag), "no tag that the document explains");
            for parameter in ["path", "query", "header"].into_iter().flat_map(|kind| operation.parameters(kind)) {
                let name = parameter["name"].as_str().unwrap_or_default();
                let described = parameter["description"].as_str().is_some_and(|text| !text.trim().is_empty());
                check(described, &format!("the parameter {name} is not described"));
                let needed =
                    parameter["in"] == "path" || (parameter["in"] == "header" && parameter["required"] == true);
                check(!needed || example_of(parameter).is_some(), &format!("the parameter {name} has no example"));
            }
            check((200..400).any(|status| operation.describes(status)), "no answer to a success");
            for status in expected(&operation) {
                check(operation.describes(status), &format!("{status} is not described"));
            }
            check(operation.body().is_none() || operation.example().is_ok(), "no example of a body");
        }
        assert!(gaps.is_empty(), "{gaps:#?}");
        Ok(())
    })
}

/// The statuses that follow from what an operation takes.
fn expected(operation: &crate::document::Operation<'_>) -> Vec<u16> {
    let mut statuses = vec![500, 504];
    if operation.body().is_some() {
        statuses.extend([400, 408, 413]);
        if !operation.has_open_body() {
            statuses.extend([415, 422]);
        }
    }
    if operation.parameters("path").next().is_some() {
        statuses.push(400);
        // What is to be taken away may be gone already, which is what was asked for.
        if operation.method() != Method::DELETE {
            statuses.push(404);
        }
    }
    if operation.parameters("query").next().is_some() {
        statuses.push(400);
    }
    if operation.audience() != Audience::Everybody {
        statuses.push(401);
    }
    if operation.audience() == Audience::Administrators {
        statuses.push(403);
    }
    statuses
}
