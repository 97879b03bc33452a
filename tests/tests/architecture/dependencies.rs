//! Dependencies point one way, and workflows stay clear of the world.

use crate::graph::Graph;

/// What one crate of the workspace may know.
struct Rule {
    name: &'static str,
    /// The crates of the workspace that it may name. Any other is a mistake.
    may_use: &'static [&'static str],
    /// Packages that must not be linked into it at all, directly or by way of others. A `*` at the end stands for
    /// any rest.
    never_links: &'static [&'static str],
}

/// The world outside: what talks to it, waits for it, or brings chance into it.
const WORLD: &[&str] = &[
    "temporalio-sdk*",
    "temporalio-client",
    "aws-*",
    "async-stripe-*",
    "reqwest",
    "hyper",
    "axum",
    "tokio",
    "tokio-postgres",
    "rand",
    "fastrand",
    "getrandom",
    "uuid",
];

/// The engine's own crates bring an asynchronous runtime and a random source along. What these crates do with them is
/// part of the engine, and replayed by it.
const ENGINE: &[&str] = &["temporalio-common-wasm", "temporalio-workflow", "temporalio-macros"];

/// Crates that only exist for developers and tests.
const NOT_SHIPPED: &[&str] = &["kassa-stand-ins", "kassa-devstack", "kassa-fuzz", "kassa-tests"];

const RULES: &[Rule] = &[
    Rule { name: "kassa-domain", may_use: &[], never_links: WORLD },
    Rule { name: "kassa-workflows", may_use: &["kassa-domain"], never_links: WORLD },
    Rule { name: "kassa-store", may_use: &["kassa-domain"], never_links: &["async-stripe-*", "temporalio-*"] },
    Rule { name: "kassa-stripe-client", may_use: &[], never_links: &["aws-sdk-*", "temporalio-*"] },
    Rule { name: "kassa-json", may_use: &[], never_links: WORLD },
    Rule {
        name: "kassa-codec",
        may_use: &[],
        never_links: &["temporalio-sdk*", "temporalio-client", "aws-sdk-*", "async-stripe-*", "axum", "reqwest"],
    },
    Rule {
        name: "kassa-import",
        may_use: &["kassa-domain", "kassa-json", "kassa-store"],
        never_links: &["axum", "async-stripe-*", "temporalio-*"],
    },
    Rule {
        name: "kassa-cli",
        may_use: &["kassa-config", "kassa-domain", "kassa-import", "kassa-store", "kassa-workflows"],
        never_links: &["axum", "async-stripe-*", "temporalio-sdk*"],
    },
    Rule {
        name: "kassa-config",
        may_use: &["kassa-codec", "kassa-domain", "kassa-store", "kassa-workflows"],
        never_links: &["async-stripe-*", "temporalio-sdk*"],
    },
    Rule {
        name: "kassa-activities",
        may_use: &["kassa-domain", "kassa-store", "kassa-stripe-client", "kassa-workflows"],
        never_links: &["axum"],
    },
    Rule {
        name: "kassa-api",
        may_use: &[
            "kassa-codec",
            "kassa-config",
            "kassa-domain",
            "kassa-import",
            "kassa-json",
            "kassa-store",
            "kassa-workflows",
        ],
        never_links: &["kassa-activities", "temporalio-sdk*", "async-stripe-*"],
    },
    Rule {
        name: "kassa-worker",
        may_use: &[
            "kassa-activities",
            "kassa-config",
            "kassa-domain",
            "kassa-store",
            "kassa-stripe-client",
            "kassa-workflows",
        ],
        never_links: &["kassa-api", "axum"],
    },
    Rule { name: "kassa-stand-ins", may_use: &[], never_links: &["temporalio-*", "aws-sdk-*", "async-stripe-*"] },
    Rule {
        name: "kassa-devstack",
        may_use: &["kassa-domain", "kassa-stand-ins", "kassa-store"],
        never_links: &["kassa-activities", "kassa-api", "kassa-worker"],
    },
    Rule { name: "kassa-fuzz", may_use: &["kassa-api", "kassa-stand-ins"], never_links: &["kassa-activities"] },
];

/// Everything in `graph` that breaks a rule.
fn violations(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for member in graph.members() {
        // The tests look at everything.
        if member == "kassa-tests" {
            continue;
        }
        let Some(rule) = RULES.iter().find(|rule| rule.name == member) else {
            found.push(format!("{member} has no rule: say what it may use"));
            continue;
        };
        let strangers = graph.direct(member).filter(|used| graph.members().contains(*used));
        found.extend(
            strangers.filter(|used| !rule.may_use.contains(used)).map(|used| format!("{member} must not use {used}")),
        );
        let is_shipped = !NOT_SHIPPED.contains(&rule.name);
        let never = rule.never_links.iter().chain(if is_shipped { NOT_SHIPPED } else { &[] });
        for pattern in never {
            if let Some(chain) = graph.chain(member, |package| matches(pattern, package), is_engine) {
                found.push(format!("{member} must not link {pattern}: {}", chain.join(" -> ")));
            }
        }
    }
    let gone = RULES.iter().filter(|rule| !graph.members().contains(rule.name));
    found.extend(gone.map(|rule| format!("{} has a rule and does not exist", rule.name)));
    found
}

fn matches(pattern: &str, package: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == package, |start| package.starts_with(start))
}

fn is_engine(package: &str) -> bool {
    ENGINE.contains(&package)
}

#[test]
fn dependencies_point_one_way() {
    let found = violations(&Graph::of_this_workspace());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A graph that keeps the rules, with a change.
fn with(change: (&str, &[&str])) -> Graph {
    let mut crates: Vec<(&str, &[&str])> = RULES.iter().map(|rule| (rule.name, rule.may_use)).collect();
    match crates.iter_mut().find(|(name, _)| *name == change.0) {
        Some(existing) => *existing = change,
        None => crates.push(change),
    }
    Graph::synthetic(&crates)
}

#[test]
fn what_the_rules_allow_is_accepted() {
    let harmless = violations(&with(("kassa-domain", &["serde"])));
    assert!(harmless.is_empty(), "{harmless:?}");
}

#[test]
fn a_dependency_that_points_back_is_found() {
    let found = violations(&with(("kassa-domain", &["kassa-store"])));
    assert!(found.contains(&"kassa-domain must not use kassa-store".to_owned()), "{found:?}");
}

#[test]
fn a_workflow_that_reaches_the_world_by_way_of_others_is_found() {
    let mut crates: Vec<(&str, &[&str])> = RULES.iter().map(|rule| (rule.name, rule.may_use)).collect();
    crates.push(("tracing-subscriber", &["something-harmless"]));
    crates.push(("something-harmless", &["tokio"]));
    crates.iter_mut().find(|(name, _)| *name == "kassa-workflows").unwrap().1 = &["kassa-domain", "tracing-subscriber"];
    let found = violations(&Graph::synthetic(&crates));
    let chain = "kassa-workflows must not link tokio: \
                 kassa-workflows -> tracing-subscriber -> something-harmless -> tokio";
    assert!(found.contains(&chain.to_owned()), "{found:?}");
}

#[test]
fn what_the_engine_needs_for_itself_is_its_own_business() {
    let mut crates: Vec<(&str, &[&str])> = RULES.iter().map(|rule| (rule.name, rule.may_use)).collect();
    crates.push(("temporalio-workflow", &["rand", "tokio"]));
    crates.iter_mut().find(|(name, _)| *name == "kassa-workflows").unwrap().1 =
        &["kassa-domain", "temporalio-workflow"];
    let found = violations(&Graph::synthetic(&crates));
    assert!(!found.iter().any(|violation| violation.starts_with("kassa-workflows")), "{found:?}");
}

#[test]
fn activities_in_the_api_are_found() {
    let found = violations(&with(("kassa-api", &["kassa-workflows", "kassa-activities"])));
    assert!(
        found.iter().any(|violation| violation.starts_with("kassa-api must not link kassa-activities")),
        "{found:?}"
    );
}

#[test]
fn stand_ins_in_production_are_found() {
    for name in ["kassa-domain", "kassa-store", "kassa-config", "kassa-activities", "kassa-api", "kassa-worker"] {
        let found = violations(&with((name, &["kassa-stand-ins"])));
        let expected = format!("{name} must not link kassa-stand-ins");
        assert!(found.iter().any(|violation| violation.starts_with(&expected)), "{found:?}");
    }
}

#[test]
fn a_new_crate_needs_a_rule() {
    let found = violations(&with(("kassa-novelty", &[])));
    assert_eq!(found, ["kassa-novelty has no rule: say what it may use"]);
}
