//! The Terraform configuration, checked against the schema of the AWS provider and against the code that it deploys.
//!
//! `infra/check` runs the real Terraform with a provider that has the real schema and no AWS behind it. The environments are
//! applied to it, and the resources that follow are compared with tables, settings and search attributes of the code. The provider
//! makes identities up and refuses nothing that the schema and the enumerations of the API allow: what AWS itself would
//! refuse is found by a deployment only.

mod configurations;
mod environment;
mod live;
mod messaging;
mod search_attributes;
mod settings;
mod tables;
mod terraform;
