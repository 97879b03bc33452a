//! Where products and orders are kept.

use std::time::Duration;

use kassa_store::{DynamoDbConfig, RdsDataConfig, StoreConfig, TableNames};
use kassa_workflows::checkout::Policy;

use crate::{ConfigError, Settings};

/// Reads `KASSA_DYNAMODB_ENDPOINT`, `KASSA_TABLE_PREFIX`, `KASSA_RDS_ENDPOINT`, `KASSA_RDS_RESOURCE_ARN`,
/// `KASSA_RDS_SECRET_ARN`, `KASSA_RDS_DATABASE` and `KASSA_CALL_TIMEOUT_MS`.
pub fn store(settings: &Settings<'_>) -> Result<StoreConfig, ConfigError> {
    let arn = |name| -> Result<String, ConfigError> {
        let allowed = "an ARN such as arn:aws:rds:eu-central-1:123456789012:cluster:kassa";
        let arn = settings.required(name, allowed)?;
        if arn.starts_with("arn:") { Ok(arn) } else { Err(ConfigError::invalid(name, allowed)) }
    };
    Ok(StoreConfig {
        dynamodb: dynamodb(settings)?,
        rds_data: RdsDataConfig {
            endpoint: settings.url("KASSA_RDS_ENDPOINT")?,
            resource_arn: arn("KASSA_RDS_RESOURCE_ARN")?,
            secret_arn: arn("KASSA_RDS_SECRET_ARN")?,
            database: settings.text("KASSA_RDS_DATABASE")?.unwrap_or_else(|| "kassa".to_owned()),
            // A statement takes milliseconds, but a connection behind the Data API may have to be opened first.
            call_timeout: call_timeout(settings)? / 2,
        },
    })
}

/// Reads `KASSA_CALL_TIMEOUT_MS`: the time limit of one call to Stripe. Calls to other systems have a part of it.
pub fn call_timeout(settings: &Settings<'_>) -> Result<Duration, ConfigError> {
    let usual = Policy::default().call_timeout_ms;
    Ok(Duration::from_millis(settings.milliseconds("KASSA_CALL_TIMEOUT_MS", 4_000, 60_000)?.unwrap_or(usual)))
}

/// Reads `KASSA_DYNAMODB_ENDPOINT`, `KASSA_TABLE_PREFIX` and `KASSA_CALL_TIMEOUT_MS`.
pub fn dynamodb(settings: &Settings<'_>) -> Result<DynamoDbConfig, ConfigError> {
    Ok(DynamoDbConfig {
        endpoint: settings.url("KASSA_DYNAMODB_ENDPOINT")?,
        tables: settings.text("KASSA_TABLE_PREFIX")?.map_or_else(TableNames::default, |prefix| TableNames { prefix }),
        // It answers within milliseconds, and a transaction over a hundred rows within a few hundred.
        call_timeout: call_timeout(settings)? / 4,
    })
}

#[cfg(test)]
mod tests {
    use kassa_store::config::{DYNAMODB_CALL, RDS_DATA_CALL};

    use super::*;

    const ARNS: [(&str, &str); 2] = [
        ("KASSA_RDS_RESOURCE_ARN", "arn:aws:rds:eu-central-1:123456789012:cluster:kassa"),
        ("KASSA_RDS_SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:kassa"),
    ];

    #[test]
    fn without_endpoints_it_is_the_region_that_answers() {
        let store = store(&Settings::from_pairs(ARNS)).unwrap();
        assert_eq!(store.dynamodb, DynamoDbConfig::default());
        assert_eq!((store.rds_data.endpoint, store.rds_data.database.as_str()), (None, "kassa"));
    }

    #[test]
    fn time_limits_of_calls_follow_from_that_of_stripe() {
        let read = |limit| store(&Settings::from_pairs(ARNS.into_iter().chain([("KASSA_CALL_TIMEOUT_MS", limit)])));
        let limits = |store: StoreConfig| (store.dynamodb.call_timeout, store.rds_data.call_timeout);
        assert_eq!(limits(read("20000").unwrap()), (DYNAMODB_CALL, RDS_DATA_CALL));
        assert_eq!(limits(read("8000").unwrap()), (Duration::from_secs(2), Duration::from_secs(4)));
        for limit in ["3999", "60001", "soon"] {
            assert!(read(limit).unwrap_err().to_string().starts_with("KASSA_CALL_TIMEOUT_MS"), "{limit}");
        }
    }

    #[test]
    fn both_arns_are_required() {
        for (missing, _) in ARNS {
            let pairs = ARNS.into_iter().filter(|(name, _)| *name != missing);
            assert!(store(&Settings::from_pairs(pairs)).unwrap_err().to_string().starts_with(missing));
        }
    }
}
