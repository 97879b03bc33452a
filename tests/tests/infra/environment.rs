//! The environments, applied to a provider that keeps everything in memory.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use kassa_tests::cases::every_case;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::terraform::Terraform;

/// The name of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Environment {
    Dev,
    Prod,
}

/// A resource of an applied environment.
#[derive(Debug)]
pub(crate) struct Resource {
    /// The address within the configuration, such as `module.data.aws_rds_cluster.orders`.
    pub(crate) address: String,
    pub(crate) kind: String,
    pub(crate) values: Value,
}

/// All resources of an applied environment.
#[derive(Debug)]
pub(crate) struct Applied {
    resources: Vec<Resource>,
}

/// A process as ECS starts it.
#[derive(Debug)]
pub(crate) struct Task {
    /// The name of its container.
    pub(crate) process: String,
    /// The settings in clear text.
    pub(crate) environment: BTreeMap<String, String>,
    /// The names of the settings that ECS reads from Secrets Manager.
    pub(crate) secrets: Vec<String>,
}

impl Environment {
    pub(crate) const ALL: [Self; 2] = [Self::Dev, Self::Prod];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Prod => "prod",
        }
    }

    /// Applies the environment, once for all tests.
    pub(crate) async fn applied(self) -> anyhow::Result<&'static Applied> {
        static DEV: OnceCell<Applied> = OnceCell::const_new();
        static PROD: OnceCell<Applied> = OnceCell::const_new();
        let cell = match self {
            Self::Dev => &DEV,
            Self::Prod => &PROD,
        };
        cell.get_or_try_init(|| self.apply()).await
    }

    async fn apply(self) -> anyhow::Result<Applied> {
        let terraform = Terraform::copy().await?;
        let folder = terraform.folder(&format!("environments/{}", self.name()));
        terraform.run(&folder, &["init", "-no-color"]).await?;
        terraform.run(&folder, &["apply", "-auto-approve", "-no-color"]).await?;
        if every_case()? {
            let again = terraform.run(&folder, &["plan", "-no-color"]).await?;
            ensure!(again.contains("No changes."), "a second apply would change something:\n{again}");
        }
        let state: Value = serde_json::from_str(&terraform.run(&folder, &["show", "-json"]).await?)?;
        let mut resources = Vec::new();
        collect(&state["values"]["root_module"], &mut resources)?;
        Ok(Applied { resources })
    }
}

impl Applied {
    /// The resources of a type; at least one.
    pub(crate) fn of<'a>(&'a self, kind: &'a str) -> anyhow::Result<impl Iterator<Item = &'a Resource>> {
        let found = move || self.resources.iter().filter(move |resource| resource.kind == kind);
        ensure!(found().next().is_some(), "there is no {kind}");
        Ok(found())
    }

    /// The tasks of all services.
    pub(crate) fn tasks(&self) -> anyhow::Result<Vec<Task>> {
        let mut tasks = Vec::new();
        for definition in self.of("aws_ecs_task_definition")? {
            let containers = definition.values["container_definitions"].as_str().context("there are no containers")?;
            let containers: Vec<Value> = serde_json::from_str(containers)?;
            tasks.extend(containers.iter().map(Task::of).collect::<anyhow::Result<Vec<_>>>()?);
        }
        Ok(tasks)
    }
}

impl Task {
    fn of(container: &Value) -> anyhow::Result<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned).context("not a text");
        let entries = |name: &str| container[name].as_array().cloned().unwrap_or_default();
        Ok(Self {
            process: text(&container["name"])?,
            environment: entries("environment")
                .iter()
                .map(|setting| Ok((text(&setting["name"])?, text(&setting["value"])?)))
                .collect::<anyhow::Result<_>>()?,
            secrets: entries("secrets").iter().map(|secret| text(&secret["name"])).collect::<anyhow::Result<_>>()?,
        })
    }
}

fn collect(module: &Value, resources: &mut Vec<Resource>) -> anyhow::Result<()> {
    for resource in
        module["resources"].as_array().into_iter().flatten().filter(|resource| resource["mode"] == "managed")
    {
        let text = |name: &str| resource[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        resources.push(Resource { address: text("address")?, kind: text("type")?, values: resource["values"].clone() });
    }
    for child in module["child_modules"].as_array().into_iter().flatten() {
        collect(child, resources)?;
    }
    Ok(())
}
