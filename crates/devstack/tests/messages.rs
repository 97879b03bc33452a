//! What a newcomer reads when something is missing or in the way.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use kassa_devstack::Error;
use kassa_devstack::ports::{self, Ports};
use kassa_devstack::process::Launch;
use kassa_devstack::progress::Silent;
use kassa_devstack::temporary::TemporaryFolder;
use kassa_devstack::{tools, workspace};

fn folder() -> TemporaryFolder {
    TemporaryFolder::create(&workspace::temporary_folder()).unwrap()
}

/// The message of the failed preparation, with only the programs in `path` on the machine.
async fn failed_preparation(folder: &Path, path: &[PathBuf]) -> String {
    tools::prepare_with(&folder.join("tools"), path, &Silent).await.unwrap_err().to_string()
}

fn script(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_missing_python_is_named_with_the_command_that_installs_it() {
    let folder = folder();
    let message = failed_preparation(folder.path(), &[folder.path().join("bin")]).await;
    assert!(message.contains("Python 3.10 or newer is needed"), "{message}");
    assert!(message.contains("there is none on the PATH"), "{message}");
    assert!(message.contains("apt install python3"), "{message}");
}

#[tokio::test]
async fn a_python_that_is_too_old_is_named_with_its_version() {
    let folder = folder();
    script(&folder.path().join("bin/python3"), "echo 3 8");
    let message = failed_preparation(folder.path(), &[folder.path().join("bin")]).await;
    assert!(message.contains("bin/python3 is version 3.8"), "{message}");
}

#[tokio::test]
async fn a_python_without_venv_says_which_package_to_install() {
    let folder = folder();
    let python = "[ \"$2\" = -c ] && { echo 3 12; exit; }\necho 'ensurepip is not available'\nexit 1";
    script(&folder.path().join("bin/python3"), python);
    let message = failed_preparation(folder.path(), &[folder.path().join("bin")]).await;
    assert!(message.contains("apt install python3-venv"), "{message}");
    assert!(message.contains("ensurepip is not available"), "{message}");
}

#[tokio::test]
async fn a_failed_installation_shows_what_pip_said_and_is_tried_again_next_time() {
    let folder = folder();
    let environment = folder.path().join("fake-environment");
    script(&environment.join("bin/python"), "echo 'No matching distribution found'\nexit 1");
    let python = "[ \"$2\" = -c ] && { echo 3 12; exit; }\ncp -r '{}' \"$3\"";
    script(&folder.path().join("bin/python3"), &python.replace("{}", environment.to_str().unwrap()));
    for _ in 0..2 {
        let path = [folder.path().join("bin"), PathBuf::from("/bin"), PathBuf::from("/usr/bin")];
        let message = failed_preparation(folder.path(), &path).await;
        assert!(message.contains("could not be installed with pip"), "{message}");
        assert!(message.contains("No matching distribution found"), "{message}");
    }
}

#[test]
fn a_taken_port_is_named_with_who_needs_it_and_a_base_that_is_free() {
    let base = ports::suggest(20_000);
    let _taken = TcpListener::bind(("127.0.0.1", base + 2)).unwrap();
    let Err(error @ Error::PortTaken { suggestion, .. }) = Ports::block(base) else {
        panic!("the block is taken in part");
    };
    let message = error.to_string();
    assert!(message.contains(&format!("Port {} is needed by the Temporal server", base + 2)), "{message}");
    assert!(message.contains(&format!("--port-base {suggestion}")), "{message}");
    assert!(suggestion > base);
}

#[test]
fn two_reservations_never_share_a_port() {
    let reservations = folder();
    let first = Ports::free(reservations.path()).unwrap();
    let second = Ports::free(reservations.path()).unwrap();
    assert_ne!(first.api.number(), second.api.number());
    assert_ne!(first.api.number(), first.temporal.number());
}

#[tokio::test]
async fn a_process_that_ends_too_early_shows_the_end_of_its_log() {
    let folder = folder();
    let log = folder.path().join("server.log");
    let mut process =
        Launch::new("The server", "sh", &log).args(["-c", "echo no licence found; exit 3"]).spawn().await.unwrap();
    let error = process.ready(std::time::Duration::from_secs(10), async || None::<()>).await.unwrap_err();
    let message = error.to_string();
    assert!(message.contains("The server ended with exit status: 3"), "{message}");
    assert!(message.contains("no licence found"), "{message}");
    assert!(message.contains("server.log"), "{message}");
}
