//! Where everything is, and what to try.

use kassa_devstack::Stack;
use kassa_devstack::ministack::{ADMIN_EMAIL, ADMIN_PASSWORD};

use crate::console::{Console, Style};

/// Prints the addresses and a few calls.
pub(crate) async fn print(stack: &Stack, console: &Console) -> anyhow::Result<()> {
    let api = stack.api_url();
    console.title("Everything is up");
    for (what, address) in [
        ("API", format!("{api}/api")),
        ("API docs", format!("{api}/docs")),
        ("Temporal web UI", stack.temporal.ui_url()),
        ("Mailbox", stack.aws.mailbox_url()),
        ("Events", stack.aws.events_url()),
        ("Worker metrics", stack.worker_metrics_url()),
        ("Administrator", format!("{ADMIN_EMAIL} with the password {ADMIN_PASSWORD}")),
        ("State and logs", stack.folder().display().to_string()),
    ] {
        console.say(&format!("{} {address}", console.paint(Style::Bold, &format!("{what:<16}"))));
    }

    console.title("Try it");
    for line in [
        format!("curl {api}/api/products"),
        String::new(),
        format!("curl -i {api}/api/checkout \\"),
        String::from("  -H 'content-type: application/json' -H \"idempotency-key: try-it-$RANDOM$RANDOM\" \\"),
        String::from("  -d '{\"items\": [{\"product_id\": \"prod_darjeeling\", \"quantity\": 1}],"),
        String::from("       \"email\": \"you@example.com\", \"payment_method\": \"pm_card_visa\"}'"),
        String::new(),
        String::from("# The administrator's access token, valid for an hour."),
        format!("TOKEN={}", stack.admin_token().await?),
        format!("curl -i {api}/api/products/prod_darjeeling/stock \\"),
        String::from("  -H \"authorization: Bearer $TOKEN\" -H 'content-type: application/json' \\"),
        String::from("  -H \"idempotency-key: try-it-$RANDOM$RANDOM\" -d '{\"delta\": 10}'"),
    ] {
        console.say(&line);
    }
    println!();
    console.say("docs/api.md has an example of everything that the API can do.");
    console.say("Ctrl-C stops everything; orders and stock are still there next time.");
    Ok(())
}
