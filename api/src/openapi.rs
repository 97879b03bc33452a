//! The `OpenAPI` document: what the handlers declare, completed with every problem that they may answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use axum::http::Method;
use serde_json::json;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::schema::{Object, Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, ContentBuilder, HeaderBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::extract::IDEMPOTENCY_KEY;
use crate::limits::Action;
use crate::problem::{PROBLEM_JSON, ProblemBody, ProblemCode};
use crate::routes;

/// The name of the security scheme. An operation that lists the role `admin` with it is for administrators; one that
/// lists an empty requirement beside it serves guests, too.
const ACCESS_TOKEN: &str = "access_token";

/// The role of administrators.
const ADMIN: &str = "admin";

/// What the document says before the routes are added.
#[derive(OpenApi)]
#[openapi(
    info(title = "Kassa", license(name = "Apache-2.0", identifier = "Apache-2.0")),
    tags(
        (name = "cart", description = "What somebody may buy. A guest's cart is known by the token in the header `Kassa-Cart` of the answers; browsers keep it as a cookie."),
        (name = "checkout", description = "Buying."),
        (name = "orders", description = "What became of it. An order is for its customer (the account, or a guest with the order's token) and for administrators; to everybody else it does not exist."),
        (name = "notifications", description = "What customers are written, and which of it they want."),
        (name = "payments", description = "What was paid, and giving it back."),
        (name = "products", description = "The catalogue and its stock."),
        (name = "reconciliations", description = "Comparing what Stripe, the books, the stock and the workflows say, and what does not agree."),
        (name = "users", description = "Accounts: registering, signing in, and the profile."),
        (name = "webhooks", description = "For Stripe."),
        (name = "service", description = "For operators and their machines."),
    ),
    components(schemas(ProblemBody)),
    modifiers(&Frame),
)]
pub(crate) struct Document;

struct Frame;

impl Modify for Frame {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        openapi.info.description = Some(description());
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An access token, as `POST /api/users/login` gives it."))
            .build();
        openapi.components.get_or_insert_default().add_security_scheme(ACCESS_TOKEN, SecurityScheme::Http(scheme));
    }
}

fn description() -> String {
    let mut text = String::from(
        "The checkout platform Kassa.\n\n\
         Errors are problems (RFC 9457) with a stable `code`. Money is counted in minor units of its currency.\n\n\
         | code | status | meaning |\n|---|---|---|\n",
    );
    for code in ProblemCode::ALL {
        writeln!(text, "| `{code}` | {} | {} |", code.status().as_u16(), code.title())
            .expect("writing into a String does not fail");
    }
    text
}

/// Adds to every operation the problems that it may answer.
pub(crate) fn add_problems(openapi: &mut utoipa::openapi::OpenApi) {
    let specific: BTreeMap<_, _> = routes::problems().copied().collect();
    for (path, method, operation) in operations(openapi) {
        let mut codes = BTreeSet::from([ProblemCode::InternalError, ProblemCode::TimedOut]);
        codes.extend(implied(operation));
        codes.extend(Action::of(&method, path).map(|_| ProblemCode::RateLimited));
        codes.extend(operation.operation_id.as_deref().and_then(|id| specific.get(id)).copied().into_iter().flatten());
        let mut by_status: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
        for code in codes {
            by_status.entry(code.status().as_u16()).or_default().push(code);
        }
        for (status, codes) in by_status {
            operation.responses.responses.entry(status.to_string()).or_insert_with(|| response(&codes));
        }
    }
}

/// The problems that follow from the shape of an operation.
fn implied(operation: &Operation) -> Vec<ProblemCode> {
    let mut codes = Vec::new();
    if let Some(body) = &operation.request_body {
        codes.extend([ProblemCode::InvalidJson, ProblemCode::BodyTooLarge, ProblemCode::RequestTimeout]);
        if !is_somebody_elses(body) {
            codes.extend([ProblemCode::UnsupportedMediaType, ProblemCode::ValidationFailed]);
        }
    }
    for parameter in operation.parameters.iter().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        match parameter.parameter_in {
            ParameterIn::Header if parameter.name.eq_ignore_ascii_case(IDEMPOTENCY_KEY.as_str()) => {
                codes.extend([ProblemCode::IdempotencyKeyMissing, ProblemCode::IdempotencyKeyInvalid]);
            }
            ParameterIn::Path | ParameterIn::Query => codes.push(ProblemCode::InvalidParameter),
            _ => {}
        }
    }
    if operation.security.as_ref().is_some_and(|security| !security.is_empty()) {
        // Without the issuer's keys a token cannot be checked.
        codes.extend([ProblemCode::Unauthorized, ProblemCode::TemporarilyUnavailable]);
    }
    if is_administrative(operation) {
        codes.push(ProblemCode::Forbidden);
    }
    codes
}

/// Whether the shape of the body is for somebody else to define: an object of which nothing is declared. It is read from
/// the bytes as they came, whatever they are called, and has no fields that could be wrong.
fn is_somebody_elses(body: &RefOr<RequestBody>) -> bool {
    let RefOr::T(body) = body else { return false };
    body.content.values().all(|content| {
        let RefOr::T(Content { schema: Some(RefOr::T(Schema::Object(object))), .. }) = content else { return false };
        object.schema_type == SchemaType::from(Type::Object) && object.properties.is_empty()
    })
}

/// Whether the operation is for administrators.
fn is_administrative(operation: &Operation) -> bool {
    operation.security.iter().flatten().any(|requirement| {
        // A requirement shows its roles only in its wire form.
        serde_json::to_value(requirement).is_ok_and(|scheme| scheme[ACCESS_TOKEN][0] == ADMIN)
    })
}

fn response(codes: &[ProblemCode]) -> RefOr<utoipa::openapi::Response> {
    let names: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
    let examples = codes.iter().map(|code| {
        let value = json!({
            "code": code.as_str(),
            "title": code.title(),
            "status": code.status().as_u16(),
            "detail": "What happened this time, and what to do next.",
        });
        (code.as_str(), ExampleBuilder::new().summary(code.title()).value(Some(value)).build())
    });
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).examples_from_iter(examples).build();
    let mut response = ResponseBuilder::new().description(names.join(", ")).content(PROBLEM_JSON, content);
    for (name, description, code) in HEADERS {
        if codes.contains(code) {
            let header = HeaderBuilder::new()
                .description(Some(*description))
                .schema(Some(Object::with_type(Type::String)))
                .build();
            response = response.header(*name, header);
        }
    }
    RefOr::T(response.build())
}

/// The headers of problems, with what each says.
const HEADERS: &[(&str, &str, ProblemCode)] = &[
    ("WWW-Authenticate", "How to authenticate.", ProblemCode::Unauthorized),
    ("Retry-After", "Seconds to wait before trying again.", ProblemCode::TemporarilyUnavailable),
    ("Retry-After", "Seconds until there may be more.", ProblemCode::RateLimited),
    ("RateLimit", "What is left, and for how long.", ProblemCode::RateLimited),
    ("RateLimit-Policy", "How many requests are allowed within how many seconds.", ProblemCode::RateLimited),
];

fn operations(openapi: &mut utoipa::openapi::OpenApi) -> impl Iterator<Item = (&str, Method, &mut Operation)> {
    openapi.paths.paths.iter_mut().flat_map(|(path, item)| {
        let operations = [
            (Method::GET, &mut item.get),
            (Method::POST, &mut item.post),
            (Method::PUT, &mut item.put),
            (Method::DELETE, &mut item.delete),
            (Method::PATCH, &mut item.patch),
        ];
        let there = operations.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)));
        there.map(|(method, operation)| (path.as_str(), method, operation))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> utoipa::openapi::OpenApi {
        crate::document()
    }

    #[test]
    fn every_listed_operation_exists() {
        let mut document = document();
        let ids: BTreeSet<_> =
            operations(&mut document).filter_map(|(_, _, operation)| operation.operation_id.clone()).collect();
        for (id, _) in routes::problems() {
            assert!(ids.contains(*id), "{id} is not the id of an operation");
        }
    }

    #[test]
    fn every_code_is_answered_somewhere_and_declared_in_the_schema() {
        let document = serde_json::to_value(document()).expect("serializes");
        let schema = document["components"]["schemas"]["ProblemCode"].to_string();
        let paths = document["paths"].to_string();
        // These two belong to no operation.
        let fallbacks = [ProblemCode::NotFound, ProblemCode::MethodNotAllowed];
        for code in ProblemCode::ALL {
            assert!(schema.contains(&format!("\"{code}\"")), "{code} is not in the schema");
            assert!(fallbacks.contains(code) || paths.contains(&format!("`{code}`")), "no operation answers {code}");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &serde_json::Value, found: &mut Vec<String>) {
            match value {
                serde_json::Value::Object(members) => {
                    for (name, member) in members {
                        match member.as_str() {
                            Some(target) if name == "$ref" => found.push(target.to_owned()),
                            _ => references(member, found),
                        }
                    }
                }
                serde_json::Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }

        let document = serde_json::to_value(document()).expect("serializes");
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let target = document.pointer(reference.trim_start_matches('#'));
            assert!(target.is_some(), "{reference} leads nowhere");
        }
    }
}
