//! The `OpenAPI` document as the API serves it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use kassa_tests::Shop;
use reqwest::Method;
use serde_json::{Map, Value};

/// The document.
pub(crate) struct Document(Value);

/// An operation of the document.
#[derive(Clone, Copy)]
pub(crate) struct Operation<'a> {
    document: &'a Document,
    /// The path, with its parameters in braces.
    pub(crate) path: &'a str,
    method: &'a str,
    /// Everything that is said about it.
    pub(crate) spec: &'a Value,
}

/// Whom an operation serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Everybody alike; who asks makes no difference.
    Everybody,
    /// Guests, with what they were handed, and customers with an account.
    Customers,
    /// Customers with an account.
    Accounts,
    /// Administrators.
    Administrators,
}

/// A place in a body where an object is, and the members that the document declares there.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    /// Where, as a JSON pointer.
    pub(crate) pointer: String,
    /// What may be in it, and of which schema it is.
    pub(crate) declared: BTreeMap<&'a str, &'a Value>,
    /// What has to be in it.
    pub(crate) required: BTreeSet<&'a str>,
}

impl Place<'_> {
    /// A member as problems name it, such as `items[0].price`.
    pub(crate) fn name(&self, member: &str) -> String {
        let segments = self.pointer.split('/').skip(1).chain([member]).map(|segment| {
            let is_index = segment.bytes().all(|byte| byte.is_ascii_digit());
            if is_index { format!("[{segment}]") } else { format!(".{segment}") }
        });
        segments.collect::<String>().trim_start_matches('.').to_owned()
    }

    /// The object at this place of a body.
    pub(crate) fn within<'b>(&self, body: &'b mut Value) -> &'b mut Map<String, Value> {
        body.pointer_mut(&self.pointer).and_then(Value::as_object_mut).expect("the place of an object")
    }
}

impl Document {
    /// Asks the API for it.
    pub(crate) async fn served_by(shop: &Shop) -> anyhow::Result<Self> {
        Ok(Self(shop.get("/api/openapi.json").await?.body))
    }

    /// All operations.
    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let paths = members(&self.0["paths"]).collect::<Vec<_>>();
        let operations = paths.into_iter().flat_map(|(path, operations)| {
            members(operations).map(move |(method, spec)| Operation { document: self, path, method, spec })
        });
        operations.collect()
    }

    /// The names of the tags that the document explains.
    pub(crate) fn tags(&self) -> BTreeSet<&str> {
        items(&self.0["tags"]).filter_map(|tag| tag["name"].as_str()).collect()
    }

    /// What a reference leads to; of something that may be left out, what it is otherwise.
    pub(crate) fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.0.pointer(reference.trim_start_matches('#'));
            return self.resolve(target.unwrap_or_else(|| panic!("{reference} leads nowhere")));
        }
        match schema["oneOf"].as_array().map(Vec::as_slice) {
            Some([something, nothing] | [nothing, something]) if nothing["type"] == "null" => self.resolve(something),
            _ => schema,
        }
    }

    /// The members that a schema declares, whatever it is put together from.
    fn properties<'a>(&'a self, schema: &'a Value) -> Vec<(&'a str, &'a Value)> {
        let schema = self.resolve(schema);
        let parts = ["allOf", "oneOf", "anyOf"].into_iter().flat_map(|name| items(&schema[name]));
        let own = members(&schema["properties"]);
        own.chain(parts.flat_map(|part| self.properties(part))).collect()
    }

    /// The objects with declared members within an example of a schema.
    fn places<'a>(&'a self, schema: &'a Value, example: &Value, pointer: &str, found: &mut Vec<Place<'a>>) {
        match example {
            Value::Object(_) => {
                let properties = self.properties(schema);
                if properties.is_empty() {
                    return;
                }
                let declared = properties.iter().map(|(name, schema)| (*name, self.resolve(schema))).collect();
                let required = items(&self.resolve(schema)["required"]).filter_map(Value::as_str).collect();
                found.push(Place { pointer: pointer.to_owned(), declared, required });
                for (name, property) in properties {
                    if let Some(value) = example.get(name) {
                        self.places(property, value, &format!("{pointer}/{name}"), found);
                    }
                }
            }
            Value::Array(values) => {
                let schema = self.resolve(schema);
                if let Some(value) = values.first() {
                    self.places(&schema["items"], value, &format!("{pointer}/0"), found);
                }
            }
            _ => {}
        }
    }
}

impl<'a> Operation<'a> {
    /// Its name.
    pub(crate) fn id(&self) -> &'a str {
        self.spec["operationId"].as_str().unwrap_or_default()
    }

    /// How to say which one it is.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }

    /// Its method.
    pub(crate) fn method(&self) -> Method {
        self.method.to_uppercase().parse().expect("the document names methods")
    }

    /// Whether the answer to `status` is described.
    pub(crate) fn describes(&self, status: u16) -> bool {
        self.spec["responses"][status.to_string()].is_object()
    }

    /// Its parameters of one kind: `path`, `query` or `header`.
    pub(crate) fn parameters(&self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        items(&self.spec["parameters"]).filter(move |parameter| parameter["in"] == kind)
    }

    /// Whom it serves.
    pub(crate) fn audience(&self) -> Audience {
        let requirements: Vec<_> = items(&self.spec["security"]).collect();
        if requirements.is_empty() {
            return Audience::Everybody;
        }
        if requirements.iter().any(|requirement| requirement.as_object().is_some_and(Map::is_empty)) {
            return Audience::Customers;
        }
        let admin = requirements.iter().any(|requirement| requirement["access_token"][0] == "admin");
        if admin { Audience::Administrators } else { Audience::Accounts }
    }

    /// The schema of its JSON body, if it takes one.
    pub(crate) fn body(&self) -> Option<&'a Value> {
        let content = &self.spec["requestBody"]["content"]["application/json"];
        content.is_object().then_some(&content["schema"])
    }

    /// Whether its body is an object of which the document declares no member: somebody else defines it, and the API
    /// takes it whatever is in it.
    pub(crate) fn has_open_body(&self) -> bool {
        self.body().is_some_and(|schema| self.document.properties(schema).is_empty())
    }

    /// The example of its JSON body.
    pub(crate) fn example(&self) -> anyhow::Result<Value> {
        let content = &self.spec["requestBody"]["content"]["application/json"];
        let schema = self.document.resolve(&content["schema"]);
        let named = members(&content["examples"]).map(|(_, example)| &example["value"]);
        let candidates = named.chain([&content["example"], &schema["example"], &schema["examples"][0]]);
        let example = candidates.into_iter().find(|example| !example.is_null());
        example.cloned().with_context(|| format!("{} has no example of a body", self.title()))
    }

    /// The objects with declared members within the example of its JSON body.
    pub(crate) fn places(&self) -> anyhow::Result<Vec<Place<'a>>> {
        let mut found = Vec::new();
        if let Some(schema) = self.body() {
            self.document.places(schema, &self.example()?, "", &mut found);
        }
        Ok(found)
    }

    /// The path with the examples of its parameters.
    pub(crate) fn example_path(&self) -> String {
        self.path_with(|name, parameter| {
            let example = example_of(parameter).and_then(Value::as_str);
            example.unwrap_or_else(|| panic!("{}: {name} has no example", self.title())).to_owned()
        })
    }

    /// The path with something for every parameter.
    pub(crate) fn path_with(&self, value: impl Fn(&'a str, &'a Value) -> String) -> String {
        let mut path = self.path.to_owned();
        for parameter in self.parameters("path") {
            let name = parameter["name"].as_str().unwrap_or_default();
            path = path.replace(&format!("{{{name}}}"), &value(name, parameter));
        }
        path
    }

    /// The headers that it requires, with the examples of the document.
    pub(crate) fn required_headers(&self) -> anyhow::Result<Vec<(&'a str, &'a str)>> {
        let required = self.parameters("header").filter(|parameter| parameter["required"] == true);
        let headers = required.map(|parameter| {
            let name = parameter["name"].as_str().context("a parameter without a name")?;
            let example = example_of(parameter).and_then(Value::as_str);
            Ok((name, example.with_context(|| format!("{}: {name} has no example", self.title()))?))
        });
        headers.collect()
    }
}

/// The example of a parameter.
pub(crate) fn example_of(parameter: &Value) -> Option<&Value> {
    let schema = &parameter["schema"];
    [&parameter["example"], &schema["example"], &schema["examples"][0]].into_iter().find(|example| !example.is_null())
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
