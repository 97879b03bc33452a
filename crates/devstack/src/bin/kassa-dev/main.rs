//! `cargo dev`: the whole of Kassa on this machine.

mod args;
mod console;
mod first_orders;
mod guide;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use kassa_devstack::stack::{self, Stack, StackOptions};
use tokio::signal::unix::{SignalKind, signal};

use args::Args;
use console::Console;

/// How often the processes are looked at while the stack is up.
const WATCH: Duration = Duration::from_millis(500);

/// What shells expect of a program that was interrupted.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let args = match Args::parse() {
        Ok(Some(args)) => args,
        Ok(None) => {
            print!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    let outcome = tokio::runtime::Runtime::new()
        .context("Starting the runtime")
        .and_then(|runtime| runtime.block_on(run(args, &Console::new())));
    outcome.unwrap_or_else(|error| {
        print_error(&error);
        ExitCode::FAILURE
    })
}

fn print_error(error: &anyhow::Error) {
    eprintln!("\nerror: {error:#}");
}

async fn run(args: Args, console: &Console) -> anyhow::Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut asked_to_stop = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };

    let start = async {
        if args.reset {
            stack::reset(&args.state, args.port_base)?;
        }
        console.title("Kassa on this machine");
        Stack::start(StackOptions::persistent(&args.state, args.port_base), console).await
    };
    let mut stack = tokio::select! {
        stack = start => stack?,
        () = asked_to_stop() => {
            // What has been started so far ended with the future that was starting it.
            eprintln!("\nStopped before everything was up. Nothing is left running.");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };

    let outcome = tokio::select! {
        outcome = up(&mut stack, &args, console) => outcome,
        () = asked_to_stop() => Ok(ExitCode::SUCCESS),
    };
    let code = outcome.unwrap_or_else(|error| {
        print_error(&error);
        ExitCode::FAILURE
    });
    console.title("Stopping");
    tokio::select! {
        stopped = stack.stop() => stopped?,
        // The second Ctrl-C does not wait.
        () = asked_to_stop() => return Ok(ExitCode::from(INTERRUPTED)),
    }
    console.say("Nothing is left running.");
    Ok(code)
}

/// Places the first orders, and stays until a process ends that should not, unless it is to run once only.
async fn up(stack: &mut Stack, args: &Args, console: &Console) -> anyhow::Result<ExitCode> {
    console.title("First orders, placed through the API as a customer would");
    let differences = first_orders::place(stack, console).await?;
    for difference in &differences {
        console.fail(difference);
    }
    if args.once {
        console.title(if differences.is_empty() {
            "Each order ended as it should."
        } else {
            "Not every order ended as it should."
        });
        return Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }

    guide::print(stack, console).await?;
    loop {
        tokio::time::sleep(WATCH).await;
        stack.check()?;
    }
}
