//! `DynamoDB`, in this process.

use std::net::SocketAddr;
use std::path::Path;

use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};
use crate::http::loopback;

/// A running server. It stops when it is dropped; [`DynamoDb::stop`] also waits for it.
#[derive(Debug)]
pub struct DynamoDb {
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

impl DynamoDb {
    /// Starts a server on `listen`. The tables live in `file`, or in memory when there is none.
    pub async fn start(listen: SocketAddr, file: Option<&Path>) -> Result<Self> {
        let failed = |message: String| Error::InProcess { server: "DynamoDB", message };
        let database = match file {
            None => Database::memory(),
            Some(file) => {
                if let Some(folder) = file.parent() {
                    std::fs::create_dir_all(folder).map_err(Error::at("Creating the folder", folder))?;
                }
                let name = file.to_str().ok_or_else(|| failed(format!("{} is not UTF-8", file.display())))?;
                Database::new(name)
            }
        }
        .map_err(|error| failed(error.to_string()))?;
        let listener = TcpListener::bind(listen).await.map_err(|error| failed(error.to_string()))?;
        let port = listener.local_addr().map_err(|error| failed(error.to_string()))?.port();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            // Nobody can be told of a failure here, but every call to the server would show it.
            let _ = dynoxide::server::serve_with_shutdown(listener, database, async {
                let _ = stopped.await;
            })
            .await;
        });
        Ok(Self { port, stop: Some(stop), server })
    }

    /// Its URL.
    pub fn endpoint(&self) -> String {
        loopback(self.port)
    }

    /// Stops it after the requests that it is working on.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        // A client that keeps its connection open must not hold up the end.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), &mut self.server).await;
        self.server.abort();
    }
}
