//! `docs/seeds.md` names what is there.

use std::collections::BTreeSet;

use kassa_devstack::workspace;
use kassa_tests::on_shared_shop;

use crate::document::{Document, Operation};

/// What the right-hand columns of the tables put into code marks.
fn named(text: &str) -> BTreeSet<&str> {
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let here = rows.filter_map(|row| row.split(" | ").nth(1));
    here.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_route_and_file_of_the_table_exists() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let text = std::fs::read_to_string(workspace::root().join("docs/seeds.md"))?;
        let document = Document::served_by(shop).await?;
        let served: BTreeSet<_> = document.operations().iter().map(Operation::title).collect();

        let named = named(&text);
        let is_route =
            |name: &&&str| ["GET /", "POST /", "PUT /", "DELETE /"].iter().any(|verb| name.starts_with(verb));
        let is_file = |name: &&&str| name.contains('/') && !name.contains([' ', '\\']) && !name.starts_with('/');
        let missing_routes: Vec<_> = named.iter().filter(is_route).filter(|route| !served.contains(**route)).collect();
        let missing_files: Vec<_> =
            named.iter().filter(is_file).filter(|file| !workspace::root().join(file).exists()).collect();

        assert!(missing_routes.is_empty(), "not served: {missing_routes:#?}");
        assert!(missing_files.is_empty(), "not there: {missing_files:#?}");
        assert!(named.iter().filter(is_route).count() > 20, "{named:#?}");
        Ok(())
    })
}

#[test]
fn every_route_is_somewhere_in_the_table() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let text = std::fs::read_to_string(workspace::root().join("docs/seeds.md"))?;
        let document = Document::served_by(shop).await?;
        let named = named(&text);
        let operations = document.operations();
        let unnamed: Vec<_> =
            operations.iter().map(Operation::title).filter(|title| !named.contains(&**title)).collect();
        assert!(unnamed.is_empty(), "{unnamed:#?}");
        Ok(())
    })
}
