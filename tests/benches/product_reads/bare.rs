//! A bare axum route in a process of its own: the same program, started once more.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// A running server, which ends with this program.
#[derive(Debug)]
pub(crate) struct Bare {
    /// Where it listens.
    pub(crate) address: String,
    process: Child,
    folder: PathBuf,
}

impl Bare {
    /// Starts a server that returns these bodies at `/0` and `/1`.
    pub(crate) async fn start(bodies: &[Vec<u8>; 2]) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("kassa-product-reads-{}", std::process::id()));
        tokio::fs::create_dir_all(&folder).await?;
        for (n, body) in bodies.iter().enumerate() {
            tokio::fs::write(folder.join(n.to_string()), body).await?;
        }
        let mut process = Command::new(std::env::current_exe()?)
            .arg("--bare")
            .arg(&folder)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().context("its output")?;
        let address = BufReader::new(output).lines().next_line().await?.context("its address")?;
        Ok(Self { address, process, folder })
    }

    /// Stops it.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.process.kill().await?;
        Ok(tokio::fs::remove_dir_all(&self.folder).await?)
    }
}

/// Serves the files of a folder from memory, and says where on standard output.
pub(crate) async fn serve(folder: PathBuf) -> anyhow::Result<()> {
    let mut router = Router::new();
    for name in ["0", "1"] {
        let body = Bytes::from(tokio::fs::read(folder.join(name)).await?);
        let route = get(async move || ([(CONTENT_TYPE, "application/json")], body.clone()));
        router = router.route(&format!("/{name}"), route);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    Ok(axum::serve(listener, router).await?)
}
