//! How to reach Temporal.

use kassa_codec::Codec;
use temporalio_client::envconfig::LoadClientConfigProfileOptions;
use temporalio_client::{ClientOptions, ConnectionOptions, GrpcCompression};

use crate::ConfigError;

/// Reads how to reach Temporal from its own variables (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`,
/// `TEMPORAL_TLS_*`) and its configuration file, as every Temporal tool does. `process` is how the connection introduces
/// itself in the web UI, and `codec` seals the values that are sent.
pub fn temporal(process: &str, codec: Codec) -> Result<(ConnectionOptions, ClientOptions), ConfigError> {
    // The error holds on to things that must not move between threads, so only its text travels.
    let (mut connection, mut client) = ClientOptions::load_from_config(LoadClientConfigProfileOptions::default())
        .map_err(|error| ConfigError::Temporal(error.to_string()))?;
    client.data_converter = codec.data_converter();
    connection.identity = format!("{process}@{}", std::process::id());
    // Requests and answers of a checkout are a few kilobytes: compressing them costs more time than it saves.
    connection.grpc_compression = GrpcCompression::None;
    Ok((connection, client))
}
