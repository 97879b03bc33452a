//! `cargo dev`, as a developer runs it.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use kassa_devstack::http::client;
use kassa_devstack::ports::{self, Port, Ports};
use kassa_devstack::temporary::TemporaryFolder;
use kassa_devstack::workspace;
use rustix::process::{Pid, Signal, kill_process};

/// A state folder and a block of ports that nobody else uses.
struct Place {
    folder: TemporaryFolder,
    ports: Vec<Port>,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: TemporaryFolder::create(&workspace::temporary_folder()).unwrap(),
            ports: ports::free_block(&workspace::reservations_folder(), Ports::COUNT).unwrap(),
        }
    }

    fn base(&self) -> u16 {
        self.ports[0].number()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kassa-dev"));
        command.arg("--state").arg(self.folder.path().join("state")).args(["--port-base", &self.base().to_string()]);
        command
    }

    /// Every port of the block can be listened on again.
    fn is_free(&self) -> bool {
        Ports::block(self.base()).is_ok()
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn once_places_the_first_orders_and_leaves_nothing_running() {
    let place = Place::new();
    let output = place.command().arg("--once").output().unwrap();
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("Each order ended as it should."), "{text}");
    for part in ["CONFIRMED", "CANCELLED", "answered 402 payment_declined", "answered 409 out_of_stock"] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    assert!(place.is_free());

    // The second run finds the state of the first one.
    let output = place.command().arg("--once").output().unwrap();
    assert!(output.status.success(), "{}", self::text(&output));
}

#[tokio::test]
async fn it_stays_up_until_it_is_told_to_stop() {
    let place = Place::new();
    let mut child = place.command().stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.find(|line| line.contains("Ctrl-C stops everything")).unwrap();
    for path in ["ready", "docs", "api/products"] {
        let answer = client().get(format!("http://127.0.0.1:{}/{path}", place.base())).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    send(&child, Signal::INT);

    assert!(lines.any(|line| line.contains("Nothing is left running.")));
    assert!(child.wait().unwrap().success());
    assert!(place.is_free());
}

#[test]
fn being_killed_leaves_nothing_running() {
    let place = Place::new();
    let mut child = place.command().stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.find(|line| line.contains("Ctrl-C stops everything")).unwrap();

    send(&child, Signal::KILL);

    child.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !place.is_free() {
        assert!(Instant::now() < deadline, "something still listens");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_taken_port_is_one_clear_message() {
    let place = Place::new();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", place.base())).unwrap();
    let output = place.command().output().unwrap();
    let text = text(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("error: Port {} is needed by the API", place.base())), "{text}");
}
