//! DynamoDB and RDS Data API access, one file per aggregate, and the SQL migrations.
