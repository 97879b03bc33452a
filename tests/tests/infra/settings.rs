//! Every planned task starts: the processes read its settings themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::Context as _;
use kassa_config::Settings;
use kassa_devstack::workspace;

use crate::environment::{Environment, Task};

/// Values in the form of the secrets, which Terraform never sees.
const SECRETS: [(&str, &str); 5] = [
    ("KASSA_PAYLOAD_KEYS", "first:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
    ("KASSA_SIGNING_KEY", "a-signing-key-of-more-than-32-characters"),
    ("KASSA_STRIPE_SECRET_KEY", "sk_test_planned"),
    ("KASSA_STRIPE_WEBHOOK_SECRET", "whsec_planned"),
    ("TEMPORAL_API_KEY", "planned"),
];

/// Other servers than those of the region. Only local stacks have them.
const LOCAL_SERVERS: [&str; 7] = [
    "KASSA_COGNITO_ENDPOINT",
    "KASSA_DYNAMODB_ENDPOINT",
    "KASSA_EVENTBRIDGE_ENDPOINT",
    "KASSA_RDS_ENDPOINT",
    "KASSA_SES_ENDPOINT",
    "KASSA_SNS_ENDPOINT",
    "KASSA_STRIPE_ENDPOINT",
];

/// Settings whose defaults are those of a shop in production. An environment can change them with `policy_settings`,
/// `api_settings` and `worker_settings` of the module `processes`.
const PRODUCTION_DEFAULTS: [&str; 22] = [
    "KASSA_ANSWER_TIMEOUT_MS",
    "KASSA_CALL_TIMEOUT_MS",
    "KASSA_CARD_ATTEMPTS",
    "KASSA_CATALOGUE_CACHE_MS",
    "KASSA_LIMIT_CHECKOUT",
    "KASSA_LIMIT_CODE",
    "KASSA_LIMIT_LOGIN",
    "KASSA_LIMIT_MAIL",
    "KASSA_LIMIT_PAYMENT",
    "KASSA_LIMIT_REFRESH",
    "KASSA_LIMIT_REGISTER",
    "KASSA_LOG",
    "KASSA_PAYMENT_HOLD_MS",
    "KASSA_PAYMENT_POLL_MS",
    "KASSA_RECONCILE_GRACE_MS",
    "KASSA_RECONCILE_LOOK_BACK_MS",
    "KASSA_RECONCILE_OPEN_LIMIT_MS",
    "KASSA_REFUND_PATIENCE_MS",
    "KASSA_STEP_PATIENCE_MS",
    "KASSA_VALVE_LOOK_MS",
    "KASSA_VALVE_SETTLE_MS",
    "KASSA_WORKERS",
];

/// The sections of docs/configuration.md that a process reads.
fn sections(process: &str) -> anyhow::Result<[&'static str; 2]> {
    match process {
        "api" => Ok(["Both", "API"]),
        "worker" => Ok(["Both", "Worker"]),
        other => anyhow::bail!("there is no process {other}"),
    }
}

impl Task {
    /// The settings as the process finds them.
    fn settings(&self) -> anyhow::Result<BTreeMap<&str, &str>> {
        let secrets = self.secrets.iter().map(|name| {
            let known = SECRETS.iter().find(|(secret, _)| secret == name);
            known.copied().with_context(|| format!("{name} is no secret of {}", self.process))
        });
        let clear = self.environment.iter().map(|(name, value)| Ok((name.as_str(), value.as_str())));
        clear.chain(secrets).collect()
    }
}

#[tokio::test]
async fn processes_start_with_the_settings_of_their_tasks() -> anyhow::Result<()> {
    for environment in Environment::ALL {
        let mut started = BTreeSet::new();
        for task in environment.applied().await?.tasks()? {
            let pairs = task.settings()?;
            let settings = Settings::from_pairs(pairs.clone());
            let name = format!("{} of {environment:?}", task.process);
            match task.process.as_str() {
                "api" => drop(kassa_api::Config::read(&settings).with_context(|| name.clone())?),
                "worker" => drop(kassa_worker::Config::read(&settings).with_context(|| name.clone())?),
                "migrate" => drop(kassa_config::store(&settings).with_context(|| name.clone())?),
                other => anyhow::bail!("there is no process {other}"),
            }
            for (secret, _) in SECRETS {
                assert!(!task.environment.contains_key(secret), "{secret} of {name} is in clear text");
            }
            started.insert(task.process.clone());
        }
        assert_eq!(started, ["api", "migrate", "worker"].map(str::to_owned).into(), "{environment:?}");
    }
    Ok(())
}

#[tokio::test]
async fn every_documented_setting_is_set_or_deliberately_left_at_its_default() -> anyhow::Result<()> {
    let left: BTreeSet<_> = LOCAL_SERVERS.into_iter().chain(PRODUCTION_DEFAULTS).map(str::to_owned).collect();
    for environment in Environment::ALL {
        let mut unset = BTreeSet::new();
        for task in environment.applied().await?.tasks()?.iter().filter(|task| task.process != "migrate") {
            let documented = documented(sections(&task.process)?)?;
            let set: BTreeSet<_> = task.settings()?.into_keys().map(str::to_owned).collect();
            unset.extend(documented.difference(&set).cloned());
            let unknown: Vec<_> = set.difference(&documented).filter(|name| name.starts_with("KASSA_")).collect();
            assert!(unknown.is_empty(), "{} of {environment:?} does not read {unknown:?}", task.process);
        }
        assert_eq!(unset, left, "{environment:?}: the settings that no task sets, and those left at their defaults");
    }
    Ok(())
}

/// The names in the first column of the tables of some sections.
fn documented(sections: [&str; 2]) -> anyhow::Result<BTreeSet<String>> {
    let page = fs::read_to_string(workspace::root().join("docs/configuration.md"))?;
    let mut names = BTreeSet::new();
    for section in page.split("\n## ").filter(|section| sections.iter().any(|title| section.starts_with(title))) {
        let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
        let found = cells.flat_map(|cell| cell.split('`')).filter(|name| name.starts_with("KASSA_"));
        names.extend(found.map(str::to_owned));
    }
    assert!(names.len() > 20, "{sections:?} document {names:?}");
    Ok(names)
}
