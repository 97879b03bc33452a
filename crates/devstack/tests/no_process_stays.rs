//! A process that is killed leaves no server and no temporary folder behind.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kassa_devstack::process::Launch;
use kassa_devstack::temporary::TemporaryFolder;
use kassa_devstack::workspace;
use rustix::process::{Pid, test_kill_process};

/// Set in the process that this test starts, where it names the file to write the process ids to.
const VICTIM: &str = "DEVSTACK_TEST_VICTIM";

#[tokio::test]
async fn a_killed_process_leaves_nothing_behind() {
    if let Some(report) = std::env::var_os(VICTIM) {
        return victim(Path::new(&report)).await;
    }

    let folder = TemporaryFolder::create(&workspace::temporary_folder()).unwrap();
    let report = folder.path().join("report");
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_process_leaves_nothing_behind"])
        .env(VICTIM, &report)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the victim has started its children", || report.exists());
    let lines: Vec<String> = std::fs::read_to_string(&report).unwrap().lines().map(str::to_owned).collect();
    let (pids, left_folder) = (&lines[..2], Path::new(&lines[2]));
    assert!(pids.iter().all(|pid| is_running(pid)));
    assert!(left_folder.is_dir());

    victim.kill().unwrap();
    victim.wait().unwrap();

    eventually("its children have ended", || !pids.iter().any(|pid| is_running(pid)));
    eventually("its temporary folder is gone", || !left_folder.exists());
}

/// Starts a child that ends when it is asked to, and one that has to be killed.
async fn victim(report: &Path) {
    let folder = TemporaryFolder::create(&workspace::temporary_folder()).unwrap();
    let log = folder.path().join("log");
    let polite = Launch::new("polite", "sleep", &log).arg("600").spawn().await.unwrap();
    let stubborn = "trap '' TERM; while :; do sleep 1; done";
    let stubborn = Launch::new("stubborn", "sh", &log).args(["-c", stubborn]).spawn().await.unwrap();
    let lines = format!("{}\n{}\n{}\n", polite.id(), stubborn.id(), folder.path().display());
    let draft = report.with_extension("draft");
    std::fs::write(&draft, lines).unwrap();
    std::fs::rename(draft, report).unwrap();
    std::future::pending::<()>().await;
}

fn is_running(pid: &str) -> bool {
    let pid: i32 = pid.parse().unwrap();
    // A process that has ended stays visible until its new parent has taken note of it.
    let is_zombie = std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    test_kill_process(Pid::from_raw(pid).unwrap()).is_ok() && !is_zombie
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
