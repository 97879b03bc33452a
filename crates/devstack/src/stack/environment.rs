//! How worker and API are configured: through their environment, as anywhere else.

use super::{StackOptions, State};
use crate::http::loopback;
use crate::ministack::{self, Ministack};
use crate::ports::{Port, Ports};
use crate::temporal;

/// The secret behind what the API hands to guests.
const SIGNING_KEY: &str = "local-stack-signing-key-0123456789abcdef";

/// What payloads are encrypted with. It keeps nothing secret but what is on this machine anyway.
pub const PAYLOAD_KEYS: &str = "local:bG9jYWwtc3RhY2stcGF5bG9hZC1rZXktMDEyMzQ1Njc=";

/// The key that the Stripe stand-in accepts.
pub const STRIPE_SECRET_KEY: &str = "sk_test_local";

/// What the Stripe stand-in signs its events with.
pub const STRIPE_WEBHOOK_SECRET: &str = "whsec_local";

/// Where customers may be led back to: the shop of the tests, and whatever a developer runs.
const RETURN_URL_ORIGINS: &str = "https://shop.example,http://localhost:3000";

/// The address that mail is sent from.
pub const MAIL_FROM: &str = "orders@kassa.example";

/// The task queue of the workers.
pub const TASK_QUEUE: &str = "kassa-checkout";

/// What the names of all `DynamoDB` tables begin with.
pub const TABLE_PREFIX: &str = "kassa-";

/// A limit that nothing local reaches.
const UNLIMITED: &str = "1000000/1000000/60";

/// The PostgreSQL database.
pub(super) const DATABASE: &str = "kassa";

/// The names under which the Data API knows the database and its password. The stand-in only wants them to be there.
pub(super) const RESOURCE_ARN: &str = "arn:aws:rds:eu-central-1:000000000000:cluster:kassa";
pub(super) const SECRET_ARN: &str = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:kassa";

/// What both worker and API are configured with.
pub(super) fn environment(options: &StackOptions, ports: &Ports, aws: &Ministack) -> Vec<(String, String)> {
    let pool = aws.user_pool();
    let url = |port: &Port| loopback(port.number());
    let mut environment: Vec<(String, String)> = [
        ("KASSA_TASK_QUEUE", TASK_QUEUE.to_owned()),
        ("KASSA_TEMPORAL_UI_URL", url(&ports.temporal_ui)),
        ("TEMPORAL_ADDRESS", ports.temporal.address().to_string()),
        // The profiles of the Temporal CLI, which may lead to a real server, are not read either.
        ("TEMPORAL_CONFIG_FILE", "/dev/null".to_owned()),
        ("TEMPORAL_NAMESPACE", temporal::NAMESPACE.to_owned()),
        ("KASSA_PAYLOAD_KEYS", PAYLOAD_KEYS.to_owned()),
        ("KASSA_CODEC_ENDPOINT", codec_access(options).to_owned()),
        ("KASSA_CODEC_ORIGINS", temporal_ui_origins(ports)),
        ("AWS_REGION", ministack::REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", ministack::ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", ministack::SECRET_ACCESS_KEY.to_owned()),
        // There is no machine to ask for credentials, and asking takes seconds.
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        // The developer's own profiles, which may lead to a real account, are not read.
        ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
        ("KASSA_DYNAMODB_ENDPOINT", url(&ports.dynamodb)),
        ("KASSA_TABLE_PREFIX", TABLE_PREFIX.to_owned()),
        ("KASSA_RDS_ENDPOINT", url(&ports.rds_data)),
        ("KASSA_RDS_RESOURCE_ARN", RESOURCE_ARN.to_owned()),
        ("KASSA_RDS_SECRET_ARN", SECRET_ARN.to_owned()),
        ("KASSA_RDS_DATABASE", DATABASE.to_owned()),
        ("KASSA_SES_ENDPOINT", url(&ports.aws)),
        ("KASSA_SNS_ENDPOINT", url(&ports.aws)),
        ("KASSA_MAIL_FROM", format!("Kassa <{MAIL_FROM}>")),
        ("KASSA_EVENTBRIDGE_ENDPOINT", url(&ports.aws)),
        ("KASSA_EVENT_BUS", ministack::EVENT_BUS.to_owned()),
        ("KASSA_STRIPE_ENDPOINT", url(&ports.stripe)),
        ("KASSA_STRIPE_SECRET_KEY", STRIPE_SECRET_KEY.to_owned()),
        ("KASSA_STRIPE_WEBHOOK_SECRET", STRIPE_WEBHOOK_SECRET.to_owned()),
        ("KASSA_RETURN_URL_ORIGINS", RETURN_URL_ORIGINS.to_owned()),
        ("KASSA_API_LISTEN", ports.api.address().to_string()),
        ("KASSA_TOKEN_ISSUER", pool.issuer()),
        ("KASSA_TOKEN_KEYS_URL", aws.token_keys_url()),
        ("KASSA_COGNITO_ENDPOINT", aws.endpoint()),
        ("KASSA_COGNITO_USER_POOL_ID", pool.id.clone()),
        ("KASSA_COGNITO_CLIENT_ID", pool.client_id.clone()),
        ("KASSA_ADMIN_GROUP", ministack::ADMIN_GROUP.to_owned()),
        ("KASSA_SIGNING_KEY", SIGNING_KEY.to_owned()),
        ("KASSA_LOG_FORMAT", "text".to_owned()),
        // Everything comes from one address here, and more of it than from a shop's busiest customer.
        ("KASSA_LIMIT_REGISTER", UNLIMITED.to_owned()),
        ("KASSA_LIMIT_LOGIN", UNLIMITED.to_owned()),
        ("KASSA_LIMIT_CODE", UNLIMITED.to_owned()),
        ("KASSA_LIMIT_MAIL", UNLIMITED.to_owned()),
        ("KASSA_LIMIT_REFRESH", UNLIMITED.to_owned()),
        ("KASSA_LIMIT_CHECKOUT", UNLIMITED.to_owned()),
        ("KASSA_LIMIT_PAYMENT", UNLIMITED.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    environment.extend(options.environment.iter().cloned());
    environment
}

/// For whom the API opens payloads. The web UI of the development server has no access token to show; a stack without
/// that UI is as strict as production.
fn codec_access(options: &StackOptions) -> &'static str {
    match options.state {
        State::Persistent(_) => "local",
        State::Temporary => "admin",
    }
}

/// Where browsers find the web UI, by either of its names.
fn temporal_ui_origins(ports: &Ports) -> String {
    let port = ports.temporal_ui.number();
    format!("http://127.0.0.1:{port},http://localhost:{port}")
}
