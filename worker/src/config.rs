//! What operators choose, read from the environment once, at the start.

use std::net::SocketAddr;
use std::time::Duration;

use kassa_config::{ConfigError, LogConfig, Settings, call_timeout, reconciliation, store};
use kassa_store::StoreConfig;
use kassa_stripe_client::{SecretKey, StripeConfig};
use kassa_workflows::TASK_QUEUE;
use kassa_workflows::reconciliation::ReconciliationPolicy;

/// Everything that operators choose; how to reach Temporal is read by the Temporal client itself.
#[derive(Debug)]
pub struct Config {
    /// What runs.
    pub worker: WorkerConfig,
    /// Where products and orders are kept.
    pub store: StoreConfig,
    /// Where the money moves.
    pub payment: PaymentConfig,
    /// Where messages and events go.
    pub announce: AnnounceConfig,
    /// How often everything is compared, and what is judged.
    pub reconciliation: ReconciliationConfig,
    /// What is logged.
    pub log: LogConfig,
}

/// How often everything is compared, and what is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReconciliationConfig {
    /// `KASSA_RECONCILE_INTERVAL_MS`: how often; 0 leaves it to those who ask for it.
    pub interval: Option<Duration>,
    /// `KASSA_RECONCILE_*`: what is judged.
    pub policy: ReconciliationPolicy,
}

/// What runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerConfig {
    /// `KASSA_TASK_QUEUE`: the task queue to poll.
    pub task_queue: String,
    /// `KASSA_WORKERS`: how many Workers run in this process. All workflows of one Worker share a thread, so more
    /// throughput on more cores means more Workers.
    pub workers: usize,
    /// `KASSA_DEPLOYMENT` and `KASSA_BUILD_ID`: which version of which deployment this worker is; it takes what comes
    /// unless both are set.
    pub version: Option<WorkerVersion>,
    /// `KASSA_WORKER_METRICS_LISTEN`: where Prometheus finds the metrics of the SDK; nowhere unless set.
    pub metrics: Option<SocketAddr>,
}

/// Which version of which deployment a worker is. What it begins, it ends: workflows stay with the version that began them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerVersion {
    /// The deployment: all workers that take each other's place.
    pub deployment: String,
    /// The build, one for every version of the code.
    pub build_id: String,
}

/// Where the money moves.
#[derive(Debug, Clone)]
pub struct PaymentConfig {
    /// `KASSA_STRIPE_ENDPOINT` and `KASSA_STRIPE_SECRET_KEY`.
    pub stripe: StripeConfig,
}

/// Where messages and events go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnounceConfig {
    /// `KASSA_SES_ENDPOINT`: another server than that of the AWS region.
    pub ses_endpoint: Option<String>,
    /// `KASSA_SNS_ENDPOINT`: another server than that of the AWS region.
    pub sns_endpoint: Option<String>,
    /// `KASSA_MAIL_FROM`: the verified address that mail comes from.
    pub mail_from: String,
    /// `KASSA_EVENTBRIDGE_ENDPOINT`: another server than that of the AWS region.
    pub eventbridge_endpoint: Option<String>,
    /// `KASSA_EVENT_BUS`: the name of the event bus.
    pub event_bus: String,
}

impl Config {
    /// Reads the settings.
    pub fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            worker: WorkerConfig::read(settings)?,
            store: store(settings)?,
            payment: PaymentConfig::read(settings)?,
            announce: AnnounceConfig::read(settings)?,
            reconciliation: ReconciliationConfig::read(settings)?,
            log: LogConfig::read(settings)?,
        })
    }
}

impl WorkerConfig {
    fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        let workers = settings.number("KASSA_WORKERS", "of Workers", 1, 64)?.unwrap_or(1);
        Ok(Self {
            task_queue: settings.text("KASSA_TASK_QUEUE")?.unwrap_or_else(|| TASK_QUEUE.to_owned()),
            workers: usize::try_from(workers).unwrap_or(1),
            version: WorkerVersion::read(settings)?,
            metrics: settings.parsed("KASSA_WORKER_METRICS_LISTEN", "an address and a port such as 127.0.0.1:9464")?,
        })
    }
}

impl WorkerVersion {
    /// The longest name and the longest build id.
    const MAX_LENGTH: usize = 100;

    fn read(settings: &Settings<'_>) -> Result<Option<Self>, ConfigError> {
        let part = |name, punctuation: &[u8], allowed: &str| {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || punctuation.contains(&byte);
            match settings.text(name)? {
                Some(text) if text.len() > Self::MAX_LENGTH || !text.bytes().all(is_allowed) => {
                    Err(ConfigError::invalid(name, format!("at most {} {allowed}", Self::MAX_LENGTH)))
                }
                text => Ok(text),
            }
        };
        // Temporal puts a full stop between the two, so only the second one may have some of its own.
        let deployment = part("KASSA_DEPLOYMENT", b"-_", "letters, digits, hyphens and underscores")?;
        let build_id = part("KASSA_BUILD_ID", b"-_.", "letters, digits, hyphens, underscores and full stops")?;
        match (deployment, build_id) {
            (Some(deployment), Some(build_id)) => Ok(Some(Self { deployment, build_id })),
            (None, None) => Ok(None),
            (Some(_), None) => {
                Err(ConfigError::invalid("KASSA_BUILD_ID", "the version of the code; KASSA_DEPLOYMENT needs it"))
            }
            (None, Some(_)) => {
                Err(ConfigError::invalid("KASSA_DEPLOYMENT", "a name such as kassa; KASSA_BUILD_ID needs it"))
            }
        }
    }
}

impl ReconciliationConfig {
    fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        const DAY: u64 = 24 * 60 * 60 * 1000;
        let name = "KASSA_RECONCILE_INTERVAL_MS";
        let interval = settings.milliseconds(name, 0, 30 * DAY)?.unwrap_or(60 * 60 * 1000);
        // The engine counts schedules in seconds.
        if (1..1000).contains(&interval) {
            return Err(ConfigError::invalid(name, "0, or a number of milliseconds from 1000"));
        }
        let interval = (interval > 0).then(|| Duration::from_millis(interval));
        Ok(Self { interval, policy: reconciliation(settings)? })
    }
}

impl PaymentConfig {
    fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        let name = "KASSA_STRIPE_SECRET_KEY";
        let allowed = "the secret key of a Stripe account (sk_... or rk_...)";
        let key = settings.required(name, allowed)?;
        let mut stripe = StripeConfig::new(SecretKey::new(key).map_err(|_| ConfigError::invalid(name, allowed))?);
        if let Some(endpoint) = settings.url("KASSA_STRIPE_ENDPOINT")? {
            stripe.endpoint = endpoint;
        }
        stripe.request_timeout = call_timeout(settings)?;
        Ok(Self { stripe })
    }
}

impl AnnounceConfig {
    fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            ses_endpoint: settings.url("KASSA_SES_ENDPOINT")?,
            sns_endpoint: settings.url("KASSA_SNS_ENDPOINT")?,
            mail_from: settings.required("KASSA_MAIL_FROM", "an address that SES has verified")?,
            eventbridge_endpoint: settings.url("KASSA_EVENTBRIDGE_ENDPOINT")?,
            event_bus: settings.text("KASSA_EVENT_BUS")?.unwrap_or_else(|| "kassa".to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMUM: [(&str, &str); 4] = [
        ("KASSA_RDS_RESOURCE_ARN", "arn:aws:rds:eu-central-1:123456789012:cluster:kassa"),
        ("KASSA_RDS_SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:kassa"),
        ("KASSA_STRIPE_SECRET_KEY", "sk_test_minimum"),
        ("KASSA_MAIL_FROM", "shop@example.com"),
    ];

    fn read(changes: &[(&'static str, &'static str)]) -> Result<Config, ConfigError> {
        Config::read(&Settings::from_pairs(changes.iter().chain(&MINIMUM).copied()))
    }

    #[test]
    fn everything_else_has_a_default() {
        let config = read(&[]).unwrap();
        assert_eq!(
            config.worker,
            WorkerConfig { task_queue: TASK_QUEUE.to_owned(), workers: 1, version: None, metrics: None }
        );
        assert_eq!(config.announce.event_bus, "kassa");
        assert_eq!(config.reconciliation.interval, Some(Duration::from_hours(1)));
        assert_eq!(read(&[("KASSA_RECONCILE_INTERVAL_MS", "0")]).unwrap().reconciliation.interval, None);
        assert_eq!(config.payment.stripe.endpoint, "https://api.stripe.com");
    }

    #[test]
    fn a_version_has_a_deployment_and_a_build() {
        let config = read(&[("KASSA_DEPLOYMENT", "kassa"), ("KASSA_BUILD_ID", "2026.11.2")]).unwrap();
        let version = WorkerVersion { deployment: "kassa".to_owned(), build_id: "2026.11.2".to_owned() };
        assert_eq!(config.worker.version, Some(version));
        for (one, other) in [("KASSA_DEPLOYMENT", "KASSA_BUILD_ID"), ("KASSA_BUILD_ID", "KASSA_DEPLOYMENT")] {
            let message = read(&[(one, "kassa")]).unwrap_err().to_string();
            assert!(message.starts_with(other) && message.contains(one), "{message}");
        }
    }

    #[test]
    fn mistakes_name_their_variable() {
        for (name, value) in [
            ("KASSA_WORKERS", "0"),
            ("KASSA_WORKERS", "many"),
            ("KASSA_STRIPE_SECRET_KEY", "not a key"),
            ("KASSA_STRIPE_ENDPOINT", "api.stripe.com"),
            ("KASSA_WORKER_METRICS_LISTEN", "9464"),
            ("KASSA_MAIL_FROM", ""),
            ("KASSA_DEPLOYMENT", "kassa.shop"),
            ("KASSA_BUILD_ID", "not a key"),
            ("KASSA_RECONCILE_INTERVAL_MS", "999"),
            ("KASSA_RECONCILE_GRACE_MS", "0"),
        ] {
            let message = read(&[(name, value)]).unwrap_err().to_string();
            assert!(message.starts_with(name) && !message.contains("not a key"), "{message}");
        }
    }
}
