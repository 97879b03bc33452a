//! Brings the schema of the database up to date. The steps and the rules for them are in `migrations/`.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::database::{Database, Parameters, Transaction};
use crate::error::StoreError;

/// Whoever migrates holds this advisory lock; the number only has to be the same for all.
const LOCK: i64 = 0x006b_6173_7361;

const MIGRATIONS: &[Migration] = &[
    Migration { name: "0001_orders", sql: include_str!("../migrations/0001_orders.sql") },
    Migration { name: "0002_fulfilment", sql: include_str!("../migrations/0002_fulfilment.sql") },
    Migration { name: "0003_refunds", sql: include_str!("../migrations/0003_refunds.sql") },
    Migration { name: "0004_another_card", sql: include_str!("../migrations/0004_another_card.sql") },
];

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The file was edited after it had been applied.
    #[error("migration {name} was applied in another form; put it back and write a new one")]
    Changed {
        /// The migration.
        name: String,
    },
    /// The migration did not go through; nothing of it is left.
    #[error("migration {name} failed")]
    Failed {
        /// The migration.
        name: String,
        /// Why.
        #[source]
        source: StoreError,
    },
}

impl MigrationError {
    /// Whether running the migrations again may well succeed a little later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Changed { .. } => false,
            Self::Failed { source, .. } => source.is_retryable(),
        }
    }
}

/// Applies the migrations that are missing, and names those that it applied. Several processes may do it at once.
pub async fn run(database: &Database) -> Result<Vec<String>, MigrationError> {
    let mut applied = Vec::new();
    for (version, migration) in (1..).zip(MIGRATIONS) {
        if migration.ensure(database, version).await? {
            applied.push(migration.name.to_owned());
        }
    }
    Ok(applied)
}

#[derive(Debug, Clone, Copy)]
struct Migration {
    name: &'static str,
    sql: &'static str,
}

#[derive(Deserialize)]
struct Applied {
    checksum: String,
}

impl Migration {
    /// Applies the migration if it is missing, and tells whether it was.
    async fn ensure(&self, database: &Database, version: i64) -> Result<bool, MigrationError> {
        let failed = |source| MigrationError::Failed { name: self.name.to_owned(), source };
        let transaction = database.begin().await.map_err(failed)?;
        match self.ensure_within(&transaction, version).await {
            Ok(State::Missing) => transaction.commit().await.map_err(failed).map(|()| true),
            Ok(State::Applied) => {
                transaction.roll_back().await;
                Ok(false)
            }
            Ok(State::Changed) => {
                transaction.roll_back().await;
                Err(MigrationError::Changed { name: self.name.to_owned() })
            }
            Err(source) => {
                transaction.roll_back().await;
                Err(failed(source))
            }
        }
    }

    async fn ensure_within(&self, transaction: &Transaction<'_>, version: i64) -> Result<State, StoreError> {
        // The cast is there because the Data API cannot return the `void` of the function.
        execute(
            transaction,
            "SELECT CAST(pg_advisory_xact_lock(CAST(:lock AS bigint)) AS text) AS locked",
            Parameters::new().integer("lock", LOCK),
        )
        .await?;
        execute(
            transaction,
            "CREATE TABLE IF NOT EXISTS schema_migrations (
                version    bigint      PRIMARY KEY,
                name       text        NOT NULL,
                checksum   text        NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
            )",
            Parameters::new(),
        )
        .await?;
        let found: Vec<Applied> = transaction
            .query(
                "SELECT checksum FROM schema_migrations WHERE version = CAST(:version AS bigint)",
                Parameters::new().integer("version", version),
            )
            .await?;
        if let Some(found) = found.first() {
            return Ok(if found.checksum == self.checksum() { State::Applied } else { State::Changed });
        }
        for statement in statements(self.sql) {
            execute(transaction, &statement, Parameters::new()).await?;
        }
        execute(
            transaction,
            "INSERT INTO schema_migrations (version, name, checksum)
             VALUES (CAST(:version AS bigint), :name, :checksum)",
            Parameters::new().integer("version", version).text("name", self.name).text("checksum", self.checksum()),
        )
        .await?;
        Ok(State::Missing)
    }

    fn checksum(&self) -> String {
        let hash = Sha256::digest(self.sql.as_bytes());
        hash.iter().fold(String::with_capacity(64), |mut hex, byte| {
            use std::fmt::Write;
            write!(hex, "{byte:02x}").expect("writing to a String does not fail");
            hex
        })
    }
}

/// How a migration was found.
enum State {
    /// Not applied yet; it is now.
    Missing,
    Applied,
    Changed,
}

async fn execute(transaction: &Transaction<'_>, sql: &str, parameters: Parameters) -> Result<(), StoreError> {
    transaction.query::<serde::de::IgnoredAny>(sql, parameters).await.map(drop)
}

/// The statements of a migration: each ends with a `;` at the end of a line. Lines that start with `--` are left out.
fn statements(sql: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut statement = String::new();
    for line in sql.lines().filter(|line| !line.trim_start().starts_with("--")) {
        if let Some(last) = line.trim_end().strip_suffix(';') {
            statement.push_str(last);
            statements.push(std::mem::take(&mut statement));
        } else {
            statement.push_str(line);
            statement.push('\n');
        }
    }
    statements.push(statement);
    statements.into_iter().map(|statement| statement.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_ends_with_a_semicolon_at_the_end_of_a_line() {
        let sql = "-- A comment;\nCREATE TABLE a (\n  b text\n);\n\n  -- Another one.\nSELECT 'x;y', 1;  \nSELECT 2\n";
        assert_eq!(statements(sql), ["CREATE TABLE a (\n  b text\n)", "SELECT 'x;y', 1", "SELECT 2"]);
    }

    #[test]
    fn the_files_are_numbered_without_gaps() {
        for (version, migration) in (1..).zip(MIGRATIONS) {
            assert!(migration.name.starts_with(&format!("{version:04}_")), "{}", migration.name);
            assert!(!statements(migration.sql).is_empty(), "{}", migration.name);
        }
    }

    #[test]
    fn every_file_is_listed() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| entry.expect("it can be read").file_name().into_string().expect("an ASCII name"))
            .filter_map(|name| name.strip_suffix(".sql").map(str::to_owned))
            .collect();
        files.sort();
        assert_eq!(files, MIGRATIONS.iter().map(|migration| migration.name).collect::<Vec<_>>());
    }
}
