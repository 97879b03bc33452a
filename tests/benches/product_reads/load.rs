//! Clients that cost little, so that what is measured is the server: one request, written once, is sent again and again.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How many connections ask at the same time.
const CONNECTIONS: usize = 100;

/// What is asked for, and what has to be answered.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    address: String,
    request: Vec<u8>,
    status_line: String,
    has_body: bool,
}

impl Target {
    /// A `GET` that has to be answered with this status.
    pub(crate) fn new(address: &str, path: &str, status: u16, known: Option<&str>) -> Self {
        let condition = known.map(|tag| format!("If-None-Match: {tag}\r\n")).unwrap_or_default();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{condition}\r\n").into_bytes();
        let status_line = format!("HTTP/1.1 {status} ");
        Self { address: address.to_owned(), request, status_line, has_body: status == 200 }
    }
}

/// How long many requests took.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    latencies: Vec<Duration>,
    time: Duration,
}

impl Measured {
    /// Takes over another measurement of the same.
    pub(crate) fn extend(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.time += other.time;
    }

    /// Requests per second.
    pub(crate) fn throughput(&self) -> f64 {
        f64::from(u32::try_from(self.latencies.len()).unwrap_or(u32::MAX)) / self.time.as_secs_f64()
    }

    /// The time in milliseconds that this many percent of the requests did not exceed (nearest rank).
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>10.0} {:>9.2} {:>9.2}", self.throughput(), self.percentile(50), self.percentile(99))
    }
}

/// Asks for this long over all connections.
pub(crate) async fn measure(target: &Target, length: Duration) -> anyhow::Result<Measured> {
    let mut connections = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let connection = TcpStream::connect(&target.address).await.context("connecting")?;
        connection.set_nodelay(true)?;
        connections.push(connection);
    }
    let start = Instant::now();
    let mut clients = JoinSet::new();
    for connection in connections {
        clients.spawn(client(target.clone(), connection, start + length));
    }
    let mut latencies = Vec::new();
    while let Some(client) = clients.join_next().await {
        latencies.extend(client??);
    }
    Ok(Measured { latencies, time: start.elapsed() })
}

async fn client(target: Target, mut connection: TcpStream, end: Instant) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    let mut buffer = Vec::with_capacity(64 * 1024);
    loop {
        let start = Instant::now();
        if start >= end {
            return Ok(latencies);
        }
        connection.write_all(&target.request).await?;
        buffer.clear();
        let mut length = None;
        while length.is_none_or(|length| buffer.len() < length) {
            ensure!(connection.read_buf(&mut buffer).await? > 0, "the server hung up");
            if length.is_none() {
                length = answer_length(&target, &buffer)?;
            }
        }
        latencies.push(start.elapsed());
    }
}

/// The length of head and body, once the head is there.
fn answer_length(target: &Target, answer: &[u8]) -> anyhow::Result<Option<usize>> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..end])?;
    ensure!(head.starts_with(&target.status_line), "not the expected answer: {head}");
    if !target.has_body {
        return Ok(Some(end + 4));
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
    });
    Ok(Some(end + 4 + length.context("a length")?))
}
