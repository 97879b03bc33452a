//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use kassa_devstack::ports::{DEFAULT_BASE, Ports};
use kassa_devstack::workspace;
use lexopt::prelude::*;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Starts the whole of Kassa on this machine, places a few orders, and stays up until Ctrl-C.

Usage: cargo dev [options]

Options:
  --once           Exit when the first orders are through: 0 if each ended as it should, else 1
  --port-base <N>  Listen on the ports from N on instead of those from 8400 on
  --state <DIR>    Keep databases and logs in DIR instead of .kassa/dev
  --reset          Start over with empty databases
  -h, --help       Print this

The first run installs the local servers and compiles everything, which takes some minutes.
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) once: bool,
    pub(crate) port_base: u16,
    pub(crate) state: PathBuf,
    pub(crate) reset: bool,
}

impl Args {
    /// Reads the command line; `None` if help was asked for.
    pub(crate) fn parse() -> Result<Option<Self>, lexopt::Error> {
        Self::parse_from(std::env::args_os().skip(1))
    }

    fn parse_from(args: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Option<Self>, lexopt::Error> {
        let mut result =
            Self { once: false, port_base: DEFAULT_BASE, state: workspace::state_folder().join("dev"), reset: false };
        let mut parser = lexopt::Parser::from_args(args.into_iter().map(Into::into));
        while let Some(arg) = parser.next()? {
            match arg {
                Long("once") => result.once = true,
                Long("reset") => result.reset = true,
                Long("port-base") => result.port_base = parser.value()?.parse_with(port_base)?,
                Long("state") => result.state = parser.value()?.into(),
                Short('h') | Long("help") => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(result))
    }
}

fn port_base(text: &str) -> Result<u16, String> {
    let highest = u16::MAX - Ports::COUNT + 1;
    text.parse()
        .ok()
        .filter(|base| (1024..=highest).contains(base))
        .ok_or_else(|| format!("expected a number from 1024 to {highest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Option<Args>, String> {
        Args::parse_from(args).map_err(|error| error.to_string())
    }

    #[test]
    fn options_are_read_in_both_notations() {
        let expected = Args { once: true, port_base: 9000, state: PathBuf::from("elsewhere"), reset: true };
        let separate = parse(&["--once", "--port-base", "9000", "--state", "elsewhere", "--reset"]);
        let joined = parse(&["--once", "--port-base=9000", "--state=elsewhere", "--reset"]);
        assert_eq!(separate, Ok(Some(expected)));
        assert_eq!(joined, separate);
    }

    #[test]
    fn a_port_base_without_room_for_every_port_is_refused_with_the_range() {
        for text in ["65530", "80", "-1", "many"] {
            let error = parse(&["--port-base", text]).expect_err("out of range");
            assert!(error.contains("from 1024 to 65525"), "{error}");
        }
    }

    #[test]
    fn an_unknown_option_is_refused_by_name() {
        let error = parse(&["--onec"]).expect_err("unknown");
        assert!(error.contains("--onec"), "{error}");
    }
}
