//! Where everything is, and what to try.

use kassa_devstack::Stack;
use kassa_devstack::stack::ADMIN_KEY;

use crate::console::{Console, Style};

/// Prints the addresses and a few calls.
pub(crate) fn print(stack: &Stack, console: &Console) {
    let api = stack.api_url();
    console.title("Everything is up");
    for (what, address) in [
        ("API", format!("{api}/api")),
        ("API docs", format!("{api}/docs")),
        ("Temporal web UI", stack.temporal.ui_url()),
        ("Mailbox", stack.aws.mailbox_url()),
        ("Events", stack.aws.events_url()),
        ("Worker metrics", stack.worker_metrics_url()),
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
        format!("curl -i {api}/api/products/prod_darjeeling/stock \\"),
        format!("  -H 'authorization: Bearer {ADMIN_KEY}' -H 'content-type: application/json' \\"),
        String::from("  -H \"idempotency-key: try-it-$RANDOM$RANDOM\" -d '{\"delta\": 10}'"),
    ] {
        console.say(&line);
    }
    println!();
    console.say("Ctrl-C stops everything; orders and stock are still there next time.");
}
