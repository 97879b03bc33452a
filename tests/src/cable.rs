//! A cable between the product and one server, which a test can pull: connections break, and the port is closed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kassa_devstack::ports::{self, Port};
use kassa_devstack::workspace;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A cable to a server. It is pulled for good when it is dropped.
#[derive(Debug)]
pub struct Cable {
    /// Reserved, so that nobody takes it while the cable is pulled.
    port: Port,
    upstream: SocketAddr,
    /// How many connections were made over it so far.
    connections: Arc<AtomicUsize>,
    /// None while it is pulled.
    carrying: Option<JoinHandle<()>>,
}

impl Cable {
    /// A cable to the server at this address.
    pub async fn plug_in(upstream: SocketAddr) -> anyhow::Result<Self> {
        let port = ports::free(&workspace::reservations_folder())?;
        let listener = TcpListener::bind(port.address()).await?;
        let mut cable = Self { port, upstream, connections: Arc::default(), carrying: None };
        cable.carry(listener);
        Ok(cable)
    }

    /// Its end on this side.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Its end on this side, for servers that speak HTTP.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// How many connections were made over it so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Breaks all connections and closes the port: whoever calls from now on is refused by the machine itself.
    pub async fn pull(&mut self) {
        if let Some(carrying) = self.carrying.take() {
            carrying.abort();
            // The port is closed once the task is gone.
            let _ = carrying.await;
        }
    }

    /// Puts it back into the same port.
    pub async fn put_back(&mut self) -> std::io::Result<()> {
        if self.carrying.is_none() {
            let listener = TcpListener::bind(self.address()).await?;
            self.carry(listener);
        }
        Ok(())
    }

    fn carry(&mut self, listener: TcpListener) {
        let (upstream, connections) = (self.upstream, Arc::clone(&self.connections));
        self.carrying = Some(tokio::spawn(async move {
            // Dropped with this task, and every connection with it.
            let mut open = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                open.spawn(async move {
                    let Ok(mut far) = TcpStream::connect(upstream).await else { return };
                    let delays = near.set_nodelay(true).and(far.set_nodelay(true));
                    // Whatever breaks it, both sides notice.
                    let _ = (delays, copy_bidirectional(&mut near, &mut far).await);
                });
                while open.try_join_next().is_some() {}
            }
        }));
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        if let Some(carrying) = &self.carrying {
            carrying.abort();
        }
    }
}
