//! The search attributes that the namespace gets are those that the code uses.

use std::collections::BTreeMap;
use std::fs;

use kassa_devstack::temporal::SEARCH_ATTRIBUTES;
use kassa_devstack::workspace;

#[test]
fn namespace_gets_the_search_attributes_of_the_code() -> anyhow::Result<()> {
    let file = workspace::root().join("infra/terraform/modules/temporal/search-attributes.json");
    let declared: BTreeMap<String, String> = serde_json::from_str(&fs::read_to_string(file)?)?;
    let used = SEARCH_ATTRIBUTES.map(|(name, kind)| (name.to_owned(), kind.to_owned()));
    assert_eq!(declared, BTreeMap::from(used));
    Ok(())
}
