//! What depends on what, as cargo resolves it.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::process::Command;

use kassa_devstack::workspace;
use serde::Deserialize;

/// Which package links which others: normal dependencies only, because neither tests nor build scripts ship.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    links: BTreeMap<String, BTreeSet<String>>,
    members: BTreeSet<String>,
}

impl Graph {
    /// The graph of this workspace. Nothing is downloaded: whatever was compiled is there already.
    pub(crate) fn of_this_workspace() -> Self {
        let output = Command::new(cargo())
            .args(["metadata", "--offline", "--locked", "--format-version", "1"])
            // Crates of other platforms have never been downloaded.
            .args(["--filter-platform", &host()])
            .arg("--manifest-path")
            .arg(workspace::root().join("Cargo.toml"))
            .output()
            .unwrap();
        assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        Self::from(serde_json::from_slice::<Metadata>(&output.stdout).unwrap())
    }

    /// A graph for tests of the rules: each crate with what it links. Ours are known by their names.
    pub(crate) fn synthetic(crates: &[(&str, &[&str])]) -> Self {
        let owned = |name: &&str| (*name).to_owned();
        Self {
            links: crates.iter().map(|(name, links)| (owned(name), links.iter().map(owned).collect())).collect(),
            members: crates.iter().map(|(name, _)| owned(name)).filter(|name| name.starts_with("kassa-")).collect(),
        }
    }

    /// The crates of the workspace.
    pub(crate) fn members(&self) -> &BTreeSet<String> {
        &self.members
    }

    /// What a package names itself.
    pub(crate) fn direct(&self, package: &str) -> impl Iterator<Item = &str> {
        self.links.get(package).into_iter().flatten().map(String::as_str)
    }

    /// One chain of dependencies from `package` to a package that is `wanted`, never through one that is `opaque`.
    pub(crate) fn chain(
        &self,
        package: &str,
        wanted: impl Fn(&str) -> bool,
        opaque: impl Fn(&str) -> bool,
    ) -> Option<Vec<String>> {
        let mut chains = vec![vec![package.to_owned()]];
        let mut seen = BTreeSet::from([package]);
        while let Some(chain) = chains.pop() {
            let last = chain.last()?;
            for next in self.links.get(last).into_iter().flatten() {
                if !seen.insert(next) {
                    continue;
                }
                let longer: Vec<String> = chain.iter().chain([next]).cloned().collect();
                if wanted(next) {
                    return Some(longer);
                }
                if !opaque(next) {
                    chains.push(longer);
                }
            }
        }
        None
    }
}

/// What `cargo metadata` says, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    /// Absent for a normal dependency.
    kind: Option<String>,
}

impl From<Metadata> for Graph {
    fn from(metadata: Metadata) -> Self {
        let names: BTreeMap<String, String> =
            metadata.packages.into_iter().map(|package| (package.id, package.name)).collect();
        let mut graph = Self {
            members: metadata.workspace_members.iter().map(|id| names[id].clone()).collect(),
            ..Self::default()
        };
        for node in metadata.resolve.nodes {
            let links =
                node.deps.iter().filter(|dependency| dependency.dep_kinds.iter().any(|kind| kind.kind.is_none()));
            // Two versions of one package count as one: a rule that holds for a name holds for all its versions.
            graph.links.entry(names[&node.id].clone()).or_default().extend(links.map(|link| names[&link.pkg].clone()));
        }
        graph
    }
}

fn cargo() -> std::ffi::OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The platform that this test was compiled on.
fn host() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").current_dir(workspace::root()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}
