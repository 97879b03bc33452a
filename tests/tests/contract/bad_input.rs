//! Whatever is wrong with a request, the answer names it and says what is allowed.

use kassa_tests::{Answer, Shop, on_shared_shop};
use reqwest::RequestBuilder;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::document::{Document, Operation};

/// How the parts of our programs are called; nobody outside knows them.
const OUR_WORDS: [&str; 6] = ["struct ", "enum ", "tuple ", "newtype", " at line ", "kassa_"];

/// Requests with one mistake each, and what was wrong with the answers.
struct Attempts<'shop> {
    shop: &'shop Shop,
    tried: usize,
    wrong: Vec<String>,
}

impl<'shop> Attempts<'shop> {
    fn new(shop: &'shop Shop) -> Self {
        Self { shop, tried: 0, wrong: Vec::new() }
    }

    /// A request for an operation, as an administrator, to whom everything is allowed that makes sense.
    fn request(&self, operation: Operation<'_>, path: &str) -> anyhow::Result<RequestBuilder> {
        let mut request = self.shop.as_admin(operation.method(), path);
        for (name, value) in operation.required_headers()? {
            request = request.header(name, value);
        }
        Ok(request)
    }

    /// Sends a request and checks that the answer is this problem, and that it names this field.
    async fn refused(&mut self, request: RequestBuilder, status: u16, code: &str, field: &str) -> anyhow::Result<()> {
        let described = format!("{:?}", request.try_clone());
        let answer = Answer::of(request).await?;
        self.tried += 1;
        let problem = answer.header("content-type") == Some("application/problem+json");
        let expected = problem && answer.status == status && answer.code() == Some(code);
        let said = answer.body["errors"][0]["detail"].as_str().unwrap_or_default();
        // Of a list, the entry that is wrong is named.
        let named =
            answer.fields().first().is_some_and(|name| *name == field || name.starts_with(&format!("{field}[")));
        let helpful = said.len() > 10 && !OUR_WORDS.iter().any(|word| said.contains(word));
        if !(expected && named && helpful) {
            self.wrong.push(format!("{field}: expected {code}: {} {} to {described}", answer.status, answer.body));
        }
        Ok(())
    }

    fn check(self, at_least: usize) {
        assert!(self.wrong.is_empty(), "{} of {} answers: {:#?}", self.wrong.len(), self.tried, self.wrong);
        assert!(self.tried >= at_least, "there was little to try: {}", self.tried);
    }
}

#[test]
fn malformed_ids_in_paths_are_named() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let document = Document::served_by(shop).await?;
        let mut attempts = Attempts::new(shop);
        for operation in document.operations() {
            let Some(parameter) = operation.parameters("path").next() else { continue };
            let name = parameter["name"].as_str().unwrap_or_default();
            let long =
                format!("{}{}", operation.example_path().rsplit('/').next().unwrap_or_default(), "x".repeat(200));
            for id in ["7", "id_1", "prod_", "ORD_1F0C", "prod_..%2F..", "usr_%00", "%FF", &long] {
                let mut request = attempts.request(operation, &operation.path_with(|_, _| id.to_owned()))?;
                if operation.body().is_some() {
                    request = request.json(&operation.example()?);
                }
                attempts.refused(request, 400, "invalid_parameter", name).await?;
            }
        }
        attempts.check(100);
        Ok(())
    })
}

#[test]
fn wrong_query_parameters_are_named() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let document = Document::served_by(shop).await?;
        let mut attempts = Attempts::new(shop);
        for operation in document.operations() {
            let path = operation.example_path();
            for parameter in operation.parameters("query") {
                let name = parameter["name"].as_str().unwrap_or_default();
                let schema = document.resolve(&parameter["schema"]);
                let texts = wrong(schema).into_iter().filter_map(|value| match value {
                    Value::String(text) => Some(text),
                    // As a text, a number is only wrong because of its size.
                    Value::Number(number) if schema["type"] == "integer" => Some(number.to_string()),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
                });
                for text in texts.chain(["\0".to_owned()]) {
                    let request = attempts.request(operation, &path)?.query(&[(name, text)]);
                    attempts.refused(request, 400, "invalid_parameter", name).await?;
                }
                let twice = attempts.request(operation, &path)?.query(&[(name, "1"), (name, "1")]);
                attempts.refused(twice, 400, "invalid_parameter", name).await?;
                let unknown = attempts.request(operation, &path)?.query(&[("colour", "green")]);
                attempts.refused(unknown, 400, "invalid_parameter", "colour").await?;
            }
        }
        attempts.check(100);
        Ok(())
    })
}

#[test]
fn wrong_members_of_bodies_are_named() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let document = Document::served_by(shop).await?;
        let mut attempts = Attempts::new(shop);
        for operation in document.operations() {
            for place in operation.places()? {
                for (member, schema) in &place.declared {
                    let name = place.name(member);
                    for value in wrong(schema) {
                        let mut body = operation.example()?;
                        place.within(&mut body).insert((*member).to_owned(), value);
                        let request = attempts.request(operation, &operation.example_path())?.json(&body);
                        attempts.refused(request, 422, "validation_failed", &name).await?;
                    }
                }
                for member in &place.required {
                    let mut body = operation.example()?;
                    place.within(&mut body).remove(*member);
                    let request = attempts.request(operation, &operation.example_path())?.json(&body);
                    attempts.refused(request, 422, "validation_failed", &place.name(member)).await?;
                }
            }
        }
        attempts.check(200);
        Ok(())
    })
}

#[test]
fn bodies_that_are_no_objects_are_refused() -> anyhow::Result<()> {
    on_shared_shop(async |shop| {
        let document = Document::served_by(shop).await?;
        let mut attempts = Attempts::new(shop);
        for operation in document.operations() {
            if operation.body().is_none() || operation.has_open_body() {
                continue;
            }
            for body in [json!([]), json!("text"), json!(7), json!(null)] {
                let request = attempts.request(operation, &operation.example_path())?.json(&body);
                attempts.refused(request, 422, "validation_failed", "").await?;
            }
            let request = attempts.request(operation, &operation.example_path())?;
            let unfinished = request.header(CONTENT_TYPE, "application/json").body("{");
            Answer::of(unfinished).await?.assert_problem(400, "invalid_json");
        }
        attempts.check(40);
        Ok(())
    })
}

/// Values that a schema does not allow: of other types, and beyond each limit that it sets.
fn wrong(schema: &Value) -> Vec<Value> {
    let types = match &schema["type"] {
        Value::Array(types) => types.as_slice(),
        one => std::slice::from_ref(one),
    };
    let number = |limit: &str| schema[limit].as_i64();
    let length = |limit: &str| schema[limit].as_u64().and_then(|length| usize::try_from(length).ok());
    let mut values = Vec::new();
    match types.iter().filter_map(Value::as_str).find(|kind| *kind != "null") {
        Some("integer") => {
            values.extend([json!("seven"), json!(true), json!(1.5), json!([])]);
            values.extend(number("minimum").and_then(|least| least.checked_sub(1)).map(Value::from));
            values.extend(number("maximum").and_then(|most| most.checked_add(1)).map(Value::from));
        }
        Some("string") => {
            values.extend([json!(7), json!(true), json!([]), json!({})]);
            values.extend(length("minLength").filter(|least| *least > 0).map(|_| json!("")));
            values.extend(length("maxLength").map(|most| json!("a".repeat(most + 1))));
            values.extend(schema["enum"].is_array().then(|| json!("made-up")));
            // A blank fits none of our patterns and formats.
            values.extend((schema["pattern"].is_string() || schema["format"].is_string()).then(|| json!(" ")));
        }
        Some("boolean") => values.extend([json!("true"), json!(1), json!({})]),
        Some("array") => {
            values.extend([json!({}), json!("made-up"), json!(7), json!([[]])]);
            values.extend(length("minItems").filter(|least| *least > 0).map(|_| json!([])));
        }
        Some("object") => values.extend([json!("text"), json!(7), json!([])]),
        other => panic!("{other:?} is no type whose wrong values are known: {schema}"),
    }
    values
}
