//! Ports on the loopback interface: free ones for tests, a fixed block for `cargo dev`.

use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use crate::error::{Error, Result};

/// Where tests look for ports. Below the range from which Linux (32768 and up) and macOS (49152 and up) take the local
/// ports of outgoing connections, so that a client cannot sit on a port between the moment it is chosen and the moment
/// its server starts, or while a server is being restarted.
const TEST_RANGE: std::ops::Range<u16> = 20_000..32_000;

/// The first port of `cargo dev` when nothing else is asked for.
pub const DEFAULT_BASE: u16 = 8400;

/// A port that is reserved for this process for as long as this value lives.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// Holds the lock that keeps other test processes from choosing the same port. `cargo dev` needs none.
    _reservation: Option<File>,
}

impl Port {
    /// The number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// The address on the loopback interface.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.number))
    }
}

/// One port for each server of a stack.
#[derive(Debug)]
pub struct Ports {
    /// The API.
    pub api: Port,
    /// Temporal's web UI.
    pub temporal_ui: Port,
    /// Temporal's gRPC front end.
    pub temporal: Port,
    /// Temporal's HTTP API.
    pub temporal_http: Port,
    /// Temporal's own metrics.
    pub temporal_metrics: Port,
    /// The stand-in for SES, SNS, SQS, EventBridge and Cognito.
    pub aws: Port,
    /// `DynamoDB`.
    pub dynamodb: Port,
    /// PostgreSQL.
    pub postgres: Port,
    /// The RDS Data API in front of PostgreSQL.
    pub rds_data: Port,
    /// The Stripe stand-in.
    pub stripe: Port,
    /// The worker's metrics.
    pub worker_metrics: Port,
}

impl Ports {
    /// How many ports a stack takes, counted from its base.
    pub const COUNT: u16 = 11;

    /// Reserves free ports. `reservations` is a folder that all test processes of this workspace share.
    pub fn free(reservations: &Path) -> Result<Self> {
        let mut block = free_block(reservations, Self::COUNT)?.into_iter();
        Self::each(|_, server| block.next().ok_or_else(|| Error::setup("Reserving a port", server)))
    }

    /// Takes the block that begins at `base`, if every port of it is free.
    pub fn block(base: u16) -> Result<Self> {
        Self::each(|offset, server| {
            let number = base.saturating_add(offset);
            if is_free(number) {
                return Ok(Port { number, _reservation: None });
            }
            Err(Error::PortTaken { port: number, server, suggestion: suggest(base) })
        })
    }

    fn each(mut port: impl FnMut(u16, &'static str) -> Result<Port>) -> Result<Self> {
        Ok(Self {
            api: port(0, "the API")?,
            temporal_ui: port(1, "the Temporal web UI")?,
            temporal: port(2, "the Temporal server")?,
            temporal_http: port(3, "the Temporal server's HTTP API")?,
            temporal_metrics: port(4, "the Temporal server's metrics")?,
            aws: port(5, "the AWS stand-in")?,
            dynamodb: port(6, "DynamoDB")?,
            postgres: port(7, "PostgreSQL")?,
            rds_data: port(8, "the RDS Data API")?,
            stripe: port(9, "the Stripe stand-in")?,
            worker_metrics: port(10, "the worker's metrics")?,
        })
    }
}

/// Reserves one free port.
pub fn free(reservations: &Path) -> Result<Port> {
    free_block(reservations, 1)?.pop().ok_or_else(|| Error::setup("Reserving a port", "an empty block"))
}

/// Reserves `count` free ports in a row.
pub fn free_block(reservations: &Path, count: u16) -> Result<Vec<Port>> {
    std::fs::create_dir_all(reservations).map_err(Error::at("Creating the folder", reservations))?;
    // Processes begin at different places, so that they seldom ask for the same port.
    let span = TEST_RANGE.end - TEST_RANGE.start - count;
    let begin = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(span)).unwrap_or_default();
    for step in (0..span).step_by(usize::from(count)) {
        let first = TEST_RANGE.start + (begin + step) % span;
        let ports = (first..first + count).map(|number| reserve(reservations, number));
        if let Some(ports) = ports.collect::<Result<Option<Vec<Port>>>>()? {
            return Ok(ports);
        }
    }
    Err(Error::NoFreePort { first: TEST_RANGE.start, last: TEST_RANGE.end - 1 })
}

/// Reserves this port, if it is free and nobody else has reserved it.
fn reserve(reservations: &Path, number: u16) -> Result<Option<Port>> {
    let path = reservations.join(number.to_string());
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::at("Opening the reservation", &path))?;
    Ok((file.try_lock().is_ok() && is_free(number)).then_some(Port { number, _reservation: Some(file) }))
}

/// The first base after `base` whose whole block is free.
pub fn suggest(base: u16) -> u16 {
    (1..)
        .map_while(|step: u16| base.checked_add(step.checked_mul(100)?))
        .take_while(|base| base.checked_add(Ports::COUNT).is_some())
        .find(|base| (0..Ports::COUNT).all(|offset| is_free(base + offset)))
        .unwrap_or(DEFAULT_BASE)
}

fn is_free(port: u16) -> bool {
    port != 0 && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
