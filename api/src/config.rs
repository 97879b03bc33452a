//! What operators choose, read from the environment once, at the start.

use std::net::SocketAddr;
use std::time::Duration;

use kassa_codec::Codec;
use kassa_config::{ConfigError, LogConfig, Settings, codec, patience, reconciliation, store};
use kassa_store::StoreConfig;
use kassa_workflows::TASK_QUEUE;
use kassa_workflows::checkout::Policy;
use kassa_workflows::reconciliation::ReconciliationPolicy;

use crate::auth::TokenConfig;
use crate::browsers::Browsers;
use crate::codec_endpoint::CodecEndpoint;
use crate::limits::{LimitSettings, TrustedProxies};
use crate::return_urls::ReturnOrigins;
use crate::signing::{MIN_SIGNING_KEY_LENGTH, Signer};
use crate::stripe_signature::WebhookSecrets;

/// How often the issuer of access tokens is asked for its keys at most.
const KEYS_INTERVAL: Duration = Duration::from_secs(10);

/// Everything that operators choose; how to reach Temporal is read by the Temporal client itself.
#[derive(Debug)]
pub struct Config {
    /// How clients reach the API.
    pub http: HttpConfig,
    /// Which access tokens are valid.
    pub tokens: TokenConfig,
    /// Who has an account.
    pub cognito: CognitoConfig,
    /// How workflows are started and waited for.
    pub workflows: WorkflowConfig,
    /// How customers pay elsewhere and come back.
    pub payment: PaymentConfig,
    /// What opens encrypted payloads for the web UI of Temporal; nothing unless configured.
    pub codec: Option<CodecEndpoint>,
    /// Where products and orders are kept.
    pub store: StoreConfig,
    /// What is logged.
    pub log: LogConfig,
}

/// The user pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CognitoConfig {
    /// `KASSA_COGNITO_ENDPOINT`: another server than that of the AWS region.
    pub endpoint: Option<String>,
    /// `KASSA_COGNITO_USER_POOL_ID`: the user pool.
    pub user_pool_id: String,
    /// `KASSA_COGNITO_CLIENT_ID`: its app client.
    pub client_id: String,
}

/// How clients reach the API.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// `KASSA_API_LISTEN`: where to listen.
    pub listen: SocketAddr,
    /// `KASSA_SIGNING_KEY`: the secret behind what guests are handed. All API processes share it.
    pub signer: Signer,
    /// `KASSA_HEAD_TIMEOUT_MS`: how long a client may take to send the head of a request, or to think of one.
    pub head_timeout: Duration,
    /// `KASSA_TRUSTED_PROXIES`: how many proxies are in front of the API.
    pub proxies: TrustedProxies,
    /// `KASSA_LIMIT_*`: how often what may be tried.
    pub limits: LimitSettings,
    /// `KASSA_CATALOGUE_CACHE_MS`: how old what customers read of the catalogue may be; 0 keeps nothing.
    pub catalogue_cache: Duration,
    /// `KASSA_CORS_ORIGINS`, `KASSA_HSTS_SECONDS`: what browsers are told.
    pub browsers: Browsers,
}

/// How workflows are started and waited for.
#[derive(Debug, Clone)]
pub struct WorkflowConfig {
    /// `KASSA_TASK_QUEUE`: the task queue that the workers poll.
    pub task_queue: String,
    /// `KASSA_ANSWER_TIMEOUT_MS`: how long a request waits for the answer before it is told to ask again.
    pub answer_timeout: Duration,
    /// `KASSA_TEMPORAL_UI_URL`: where operators find Temporal's web UI.
    pub web_ui: Option<String>,
    /// `KASSA_STEP_PATIENCE_MS`, `KASSA_REFUND_PATIENCE_MS`, `KASSA_PAYMENT_HOLD_MS`, `KASSA_PAYMENT_POLL_MS`,
    /// `KASSA_VALVE_LOOK_MS`, `KASSA_VALVE_SETTLE_MS`: how patient workflows are; `KASSA_CARD_ATTEMPTS`: how many cards may be
    /// tried for one order.
    pub policy: Policy,
    /// `KASSA_RECONCILE_*`: what a reconciliation judges.
    pub reconciliation: ReconciliationPolicy,
    /// `KASSA_PAYLOAD_KEYS`: opens what failures say.
    pub codec: Codec,
}

/// How customers pay elsewhere and come back.
#[derive(Debug, Clone, Default)]
pub struct PaymentConfig {
    /// `KASSA_RETURN_URL_ORIGINS`: the origins of the pages that customers may be led back to.
    pub return_origins: ReturnOrigins,
    /// `KASSA_STRIPE_WEBHOOK_SECRET`: what Stripe signs its events with. Without it no event is believed.
    pub webhook_secrets: WebhookSecrets,
}

impl Config {
    /// Reads the settings.
    pub fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        let http = HttpConfig::read(settings)?;
        Ok(Self {
            codec: CodecEndpoint::read(settings, codec(settings)?, &http)?,
            http,
            tokens: TokenConfig::read(settings)?,
            cognito: CognitoConfig::read(settings)?,
            workflows: WorkflowConfig::read(settings)?,
            payment: PaymentConfig::read(settings)?,
            store: store(settings)?,
            log: LogConfig::read(settings)?,
        })
    }
}

impl HttpConfig {
    pub(crate) fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        let listen = settings
            .parsed("KASSA_API_LISTEN", "an address and a port such as 127.0.0.1:8080")?
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
        let name = "KASSA_SIGNING_KEY";
        let allowed = format!("at least {MIN_SIGNING_KEY_LENGTH} characters");
        let key = settings.required(name, &allowed)?;
        let signer = Signer::new(&key).map_err(|_| ConfigError::Invalid { name, allowed })?;
        let head_timeout = settings.milliseconds("KASSA_HEAD_TIMEOUT_MS", 100, 300_000)?.unwrap_or(30_000);
        let catalogue_cache = settings.milliseconds("KASSA_CATALOGUE_CACHE_MS", 0, 60_000)?.unwrap_or(1_000);
        let proxies = settings.number("KASSA_TRUSTED_PROXIES", "of proxies", 0, 10)?.unwrap_or(0);
        Ok(Self {
            listen,
            signer,
            head_timeout: Duration::from_millis(head_timeout),
            proxies: TrustedProxies(usize::try_from(proxies).unwrap_or_default()),
            limits: LimitSettings::read(settings)?,
            catalogue_cache: Duration::from_millis(catalogue_cache),
            browsers: Browsers::read(settings)?,
        })
    }
}

impl CognitoConfig {
    fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            endpoint: settings.url("KASSA_COGNITO_ENDPOINT")?,
            user_pool_id: settings.required("KASSA_COGNITO_USER_POOL_ID", "the id of the user pool")?,
            client_id: client_id(settings)?,
        })
    }
}

fn client_id(settings: &Settings<'_>) -> Result<String, ConfigError> {
    settings.required("KASSA_COGNITO_CLIENT_ID", "the id of the user pool's app client")
}

impl TokenConfig {
    fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        let url = |name| {
            let allowed = "a URL that starts with http:// or https://";
            settings.url(name)?.ok_or_else(|| ConfigError::Missing { name, allowed: allowed.to_owned() })
        };
        Ok(Self {
            issuer: url("KASSA_TOKEN_ISSUER")?,
            keys_url: url("KASSA_TOKEN_KEYS_URL")?,
            client_id: client_id(settings)?,
            admin_group: settings.text("KASSA_ADMIN_GROUP")?.unwrap_or_else(|| "admin".to_owned()),
            keys_interval: KEYS_INTERVAL,
        })
    }
}

impl WorkflowConfig {
    fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        let mut policy = patience(settings, &Policy::default())?;
        if let Some(hold) = settings.milliseconds("KASSA_PAYMENT_HOLD_MS", 1_000, 23 * 60 * 60 * 1_000)? {
            policy.hold_ms = hold;
        }
        if let Some(poll) = settings.milliseconds("KASSA_PAYMENT_POLL_MS", 100, 10 * 60 * 1_000)? {
            policy.poll_ms = poll;
        }
        if let Some(look) = settings.milliseconds("KASSA_VALVE_LOOK_MS", 100, 60 * 1_000)? {
            policy.valve_look_ms = look;
        }
        if let Some(settle) = settings.milliseconds("KASSA_VALVE_SETTLE_MS", 2_000, 60 * 60 * 1_000)? {
            policy.valve_settle_ms = settle;
        }
        if let Some(attempts) = settings.number("KASSA_CARD_ATTEMPTS", "of cards", 1, 10)? {
            policy.card_attempts = u32::try_from(attempts).unwrap_or(1);
        }
        let answer_timeout = settings.milliseconds("KASSA_ANSWER_TIMEOUT_MS", 100, 300_000)?.unwrap_or(30_000);
        Ok(Self {
            task_queue: settings.text("KASSA_TASK_QUEUE")?.unwrap_or_else(|| TASK_QUEUE.to_owned()),
            answer_timeout: Duration::from_millis(answer_timeout),
            web_ui: settings.url("KASSA_TEMPORAL_UI_URL")?,
            policy,
            reconciliation: reconciliation(settings)?,
            codec: codec(settings)?,
        })
    }
}

impl PaymentConfig {
    fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        let name = "KASSA_RETURN_URL_ORIGINS";
        let origins = settings.text(name)?.map(|text| ReturnOrigins::parse(&text)).transpose();
        let origins = origins
            .map_err(|error| ConfigError::invalid(name, format!("origins with commas between them; {error}")))?;
        let name = "KASSA_STRIPE_WEBHOOK_SECRET";
        let secrets = match settings.text(name)? {
            Some(text) => WebhookSecrets::parse(&text)
                .ok_or_else(|| ConfigError::invalid(name, "secrets such as whsec_..., with commas between them"))?,
            None => WebhookSecrets::default(),
        };
        Ok(Self { return_origins: origins.unwrap_or_default(), webhook_secrets: secrets })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMUM: [(&str, &str); 7] = [
        ("KASSA_SIGNING_KEY", "a-secret-of-at-least-32-characters"),
        ("KASSA_TOKEN_ISSUER", "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc"),
        (
            "KASSA_TOKEN_KEYS_URL",
            "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc/.well-known/jwks.json",
        ),
        ("KASSA_COGNITO_USER_POOL_ID", "eu-central-1_abc"),
        ("KASSA_COGNITO_CLIENT_ID", "1abcdefghijklmnopqrstuvwxy"),
        ("KASSA_RDS_RESOURCE_ARN", "arn:aws:rds:eu-central-1:123456789012:cluster:kassa"),
        ("KASSA_RDS_SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:kassa"),
    ];

    /// The minimum with changes; an empty value takes a setting away.
    fn read(changes: &[(&'static str, &'static str)]) -> Result<Config, ConfigError> {
        Config::read(&Settings::from_pairs(changes.iter().chain(&MINIMUM).copied()))
    }

    #[test]
    fn everything_else_has_a_default() {
        let config = read(&[]).expect("the minimum is enough");
        assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.workflows.task_queue, TASK_QUEUE);
        assert_eq!(config.workflows.answer_timeout, Duration::from_secs(30));
        assert_eq!(config.workflows.policy, Policy::default());
        assert_eq!(config.tokens.admin_group, "admin");
    }

    #[test]
    fn mistakes_name_their_variable_and_never_the_value() {
        for (name, value) in [
            ("KASSA_TOKEN_ISSUER", ""),
            ("KASSA_TOKEN_KEYS_URL", "jwks.json"),
            ("KASSA_COGNITO_CLIENT_ID", ""),
            ("KASSA_COGNITO_USER_POOL_ID", ""),
            ("KASSA_COGNITO_ENDPOINT", "localhost"),
            ("KASSA_SIGNING_KEY", "too-short"),
            ("KASSA_API_LISTEN", "8080"),
            ("KASSA_ANSWER_TIMEOUT_MS", "99"),
            ("KASSA_TEMPORAL_UI_URL", "temporal.example"),
            ("KASSA_STEP_PATIENCE_MS", "for ever"),
            ("KASSA_PAYMENT_HOLD_MS", "999"),
            ("KASSA_PAYMENT_POLL_MS", "0"),
            ("KASSA_VALVE_LOOK_MS", "60001"),
            ("KASSA_VALVE_SETTLE_MS", "1999"),
            ("KASSA_CARD_ATTEMPTS", "0"),
            ("KASSA_RETURN_URL_ORIGINS", "http://shop.example"),
            ("KASSA_STRIPE_WEBHOOK_SECRET", "too-short,,"),
            ("KASSA_HEAD_TIMEOUT_MS", "0"),
            ("KASSA_TRUSTED_PROXIES", "all"),
            ("KASSA_CATALOGUE_CACHE_MS", "60001"),
            ("KASSA_LIMIT_LOGIN", "10"),
            ("KASSA_CORS_ORIGINS", "*"),
        ] {
            let message = read(&[(name, value)]).expect_err(name).to_string();
            assert!(message.starts_with(name) && !message.contains("too-short"), "{message}");
        }
    }
}
