//! Running PostgreSQL when this process is root, which PostgreSQL refuses to be.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::process::Command;

use crate::error::{Error, Result};
use crate::process::Launch;

/// The accounts to choose from. PostgreSQL wants one that the system knows; nothing else is asked of it.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// Who a server runs as.
#[derive(Clone, Debug)]
pub(crate) enum RunAs {
    /// This process is not root: nothing has to be done.
    Self_,
    /// Another account, which can reach the folders it needs.
    Account { user: u32, group: u32 },
    /// Another account that could not reach the folders without help, as when the workspace is in root's home. It
    /// keeps one capability of root's for that, instead of this process opening up folders on the way there.
    AccountWithCapability { user: u32, group: u32, setpriv: PathBuf },
}

impl RunAs {
    /// Chooses, given the folders that the server has to get at.
    pub(crate) async fn choose(folders: &[&Path]) -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Self_);
        }
        let Some((user, group)) = account().await else {
            let reason = format!("none of the accounts {} exists here", ACCOUNTS.join(", "));
            return Err(Error::Unprivileged { reason });
        };
        let Some(out_of_reach) = folders.iter().find(|folder| !others_can_reach(folder)) else {
            return Ok(Self::Account { user, group });
        };
        match crate::tools::search_path().into_iter().map(|path| path.join("setpriv")).find(|path| path.is_file()) {
            Some(setpriv) => Ok(Self::AccountWithCapability { user, group, setpriv }),
            None => {
                Err(Error::Unprivileged { reason: format!("other accounts cannot reach {}", out_of_reach.display()) })
            }
        }
    }

    /// Makes `folder` belong to the account.
    pub(crate) fn own(&self, folder: &Path) -> Result<()> {
        match *self {
            Self::Self_ => Ok(()),
            Self::Account { user, group } | Self::AccountWithCapability { user, group, .. } => {
                chown(folder, Some(user), Some(group)).map_err(Error::at("Changing the owner of", folder))
            }
        }
    }

    /// A process that runs as this account.
    pub(crate) fn launch(&self, name: &str, program: &Path, log: &Path) -> Launch {
        match self {
            Self::Self_ => Launch::new(name, program, log),
            Self::Account { user, group } => Launch::new(name, program, log).user(Some((*user, *group))),
            Self::AccountWithCapability { user, group, setpriv } => Launch::new(name, setpriv, log)
                .arg(format!("--reuid={user}"))
                .arg(format!("--regid={group}"))
                .args(["--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"])
                .arg(program),
        }
    }
}

/// The user and group id of the first account that exists.
async fn account() -> Option<(u32, u32)> {
    for name in ACCOUNTS {
        let ask = async |flag: &str| {
            let output = Command::new("id").args([flag, name]).stdin(Stdio::null()).output().await;
            output.ok().as_ref().and_then(number)
        };
        if let (Some(user), Some(group)) = (ask("-u").await, ask("-g").await) {
            return Some((user, group));
        }
    }
    None
}

fn number(output: &Output) -> Option<u32> {
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

/// Whether an account that owns nothing on the way can enter the folder.
fn others_can_reach(folder: &Path) -> bool {
    const ENTER: u32 = 0o001;
    folder.ancestors().skip(1).all(|ancestor| {
        std::fs::metadata(ancestor).is_ok_and(|metadata| metadata.permissions().mode() & ENTER == ENTER)
    })
}
