//! Members that only the server decides about are refused in every body, at every depth.

use kassa_tests::{Answer, Shop, on_shared_shop};
use serde_json::{Value, json};

use crate::document::{Document, Operation, example_of};

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

/// Whose body is Stripe's: it has all kinds of members, and nothing of it is taken over.
const NOT_OURS: [&str; 1] = ["stripe_webhook"];

#[test]
fn no_body_takes_what_only_the_server_decides() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let document = Document::served_by(shop).await?;
        let mut tried = 0;
        let mut taken = Vec::new();
        for operation in document.operations() {
            if operation.body().is_none() || NOT_OURS.contains(&operation.id()) {
                continue;
            }
            for place in operation.places()? {
                for field in FIELDS.into_iter().filter(|field| !place.declared.contains(*field)) {
                    let mut body = operation.example()?;
                    let object = body.pointer_mut(&place.pointer).and_then(Value::as_object_mut);
                    object.expect("the place of an object").insert(field.to_owned(), json!(1));

                    let answer = send(shop, operation, &body).await?;

                    tried += 1;
                    let named = name(&place.pointer, field);
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
    let path = operation.path_with(|name, parameter| {
        let example = example_of(parameter).and_then(Value::as_str);
        example.unwrap_or_else(|| panic!("{}: {name} has no example", operation.title())).to_owned()
    });
    let mut request = shop.as_admin(operation.method(), &path).json(body);
    for (name, value) in operation.required_headers()? {
        request = request.header(name, value);
    }
    Answer::of(request).await
}

/// A member as problems name it, such as `items[0].price`.
fn name(pointer: &str, field: &str) -> String {
    let mut name = String::new();
    for segment in pointer.split('/').skip(1).chain([field]) {
        if segment.bytes().all(|byte| byte.is_ascii_digit()) {
            name.push_str(&format!("[{segment}]"));
        } else if name.is_empty() {
            name.push_str(segment);
        } else {
            name.push_str(&format!(".{segment}"));
        }
    }
    name
}
