//! Pausing payments, and resuming them, where the API cannot be used.

use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use kassa_store::PaymentValve;
use kassa_store::payment_valve::{ChangeValve, MAX_RATE, Position, Valve};
use lexopt::{Arg, Parser, ValueExt as _};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How many changes are shown.
const SHOWN: u16 = 10;

/// The longest name of an operator and the longest reason, in characters.
const MAX_TEXT: usize = 500;

/// What to do with the valve before the payment provider.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Say how it stands.
    Status,
    /// Change it.
    Change(ChangeValve),
}

impl Command {
    /// Reads what comes after `kassa payments`.
    pub(crate) fn parse(arguments: &[String]) -> anyhow::Result<Self> {
        let Some((verb, options)) = arguments.split_first() else { bail!("say what to do: pause, resume or status") };
        let (mut operator, mut reason, mut rate) = (None, None, None);
        let mut parser = Parser::from_args(options);
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("operator") => operator = Some(text("--operator", parser.value()?.string()?)?),
                Arg::Long("reason") => reason = Some(text("--reason", parser.value()?.string()?)?),
                Arg::Long("rate") => rate = Some(parser.value()?.string()?),
                argument => return Err(argument.unexpected().into()),
            }
        }
        let position = match verb.as_str() {
            "status" => {
                ensure!(operator.is_none() && reason.is_none() && rate.is_none(), "`status` takes no options");
                return Ok(Self::Status);
            }
            "pause" => {
                ensure!(rate.is_none(), "--rate is for `resume`");
                ensure!(reason.is_some(), "say why: --reason TEXT");
                Position::Closed
            }
            "resume" => Position::Open { rate: self::rate(rate)? },
            other => bail!("{other} is unknown: expected pause, resume or status"),
        };
        let operator = operator.context("say who does it: --operator NAME")?;
        Ok(Self::Change(ChangeValve { position, operator, reason }))
    }

    /// Does it, and prints how the valve stands then.
    pub(crate) async fn run(self, valve: &PaymentValve) -> anyhow::Result<ExitCode> {
        let now = match self {
            Self::Status => valve.get().await?,
            Self::Change(change) => valve.change(&change).await?,
        };
        let last_turn = valve.last_turn(&now).await?.filter(|last| *last > OffsetDateTime::now_utc());
        println!("{}", summary(&now, last_turn)?);
        for change in valve.changes(SHOWN).await? {
            println!("{}", line(&change)?);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn text(option: &str, text: String) -> anyhow::Result<String> {
    let length = text.chars().count();
    ensure!(!text.trim().is_empty() && length <= MAX_TEXT, "{option} takes 1 to {MAX_TEXT} characters");
    Ok(text)
}

fn rate(text: Option<String>) -> anyhow::Result<u32> {
    let text = text.context("say how many held orders may go per second: --rate NUMBER")?;
    let allowed = || format!("--rate takes a whole number from 1 to {MAX_RATE}");
    let rate: u32 = text.parse().with_context(allowed)?;
    ensure!((1..=MAX_RATE).contains(&rate), allowed());
    Ok(rate)
}

fn summary(valve: &Valve, last_turn: Option<OffsetDateTime>) -> anyhow::Result<String> {
    Ok(match (valve.position, last_turn) {
        (Position::Closed, _) => "payments are paused: orders are held before their charge".to_owned(),
        (Position::Open { rate }, Some(last)) => {
            format!("payments are resumed: orders that were held go {rate} per second until {}", last.format(&Rfc3339)?)
        }
        (Position::Open { .. }, None) => "payments are not paused".to_owned(),
    })
}

fn line(change: &Valve) -> anyhow::Result<String> {
    let what = match change.position {
        Position::Closed => "paused".to_owned(),
        Position::Open { rate } => format!("resumed at {rate} per second"),
    };
    let why = change.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    Ok(format!("{} {what} by {}{why}", change.changed_at.format(&Rfc3339)?, change.operator))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> anyhow::Result<Command> {
        Command::parse(&words.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn each_command_takes_what_it_needs() {
        assert_eq!(parse("status").unwrap(), Command::Status);
        let pause = ChangeValve { position: Position::Closed, operator: "kim".into(), reason: Some("down".into()) };
        assert_eq!(parse("pause --operator kim --reason down").unwrap(), Command::Change(pause));
        let resume = ChangeValve { position: Position::Open { rate: 5 }, operator: "kim".into(), reason: None };
        assert_eq!(parse("resume --rate=5 --operator kim").unwrap(), Command::Change(resume));
    }

    #[test]
    fn whatever_is_missing_or_wrong_is_named() {
        for (words, named) in [
            ("", "pause, resume or status"),
            ("stop", "pause, resume or status"),
            ("status --rate 5", "no options"),
            ("pause --operator kim", "--reason"),
            ("pause --reason down", "--operator"),
            ("pause --operator kim --reason down --rate 5", "--rate is for"),
            ("resume --operator kim", "--rate NUMBER"),
            ("resume --operator kim --rate 0", "from 1 to 1000"),
            ("resume --operator kim --rate 1001", "from 1 to 1000"),
            ("resume --operator kim --rate fast", "from 1 to 1000"),
            ("resume --rate 5", "--operator"),
            ("resume --rate 5 --operator= ", "--operator takes"),
            ("resume --colour green", "colour"),
        ] {
            let error = format!("{:#}", parse(words).unwrap_err());
            assert!(error.contains(named), "{words}: {error}");
        }
    }
}
