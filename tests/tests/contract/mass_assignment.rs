//! Members that only the server decides about are refused in every body, at every depth.

use kassa_tests::{Answer, Shop, on_shared_shop};
use serde_json::{Value, json};

use crate::document::{Document, Operation};

/// What somebody might try to decide about.
const FIELDS: [&str; 14] = [
    "price",
    "total",
    "owner",
    "status",
    "role",
    "caller",
    "user_id",
    "id",
    "version",
    "admin",
    "amount_captured",
    "created_at",
    "order_id",
    "__proto__",
];

#[test]
fn no_body_takes_what_only_the_server_decides() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let document = Document::served_by(shop).await?;
        let mut tried = 0;
        let mut taken = Vec::new();
        for operation in document.operations() {
            for place in operation.places()? {
                for field in FIELDS.into_iter().filter(|field| !place.declared.contains_key(field)) {
                    let mut body = operation.example()?;
                    place.within(&mut body).insert(field.to_owned(), json!(1));

                    let answer = send(shop, operation, &body).await?;

                    tried += 1;
                    let named = place.name(field);
                    let refused = answer.status == 422 && answer.code() == Some("validation_failed");
                    if !refused || answer.fields() != [named.as_str()] {
                        taken.push(format!("{} with {named}: {} {}", operation.title(), answer.status, answer.body));
                    }
                }
            }
        }
        assert!(taken.is_empty(), "{taken:#?}");
        assert!(tried > 0, "there was no body to try");
        Ok(())
    })
}

/// Sends a body as an administrator: whoever may do everything may still not do this.
async fn send(shop: &Shop, operation: Operation<'_>, body: &Value) -> anyhow::Result<Answer> {
    let mut request = shop.as_admin(operation.method(), &operation.example_path()).json(body);
    for (name, value) in operation.required_headers()? {
        request = request.header(name, value);
    }
    Answer::of(request).await
}
